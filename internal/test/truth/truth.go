package truth

import (
	"fmt"
	"sync"
	"time"
)

// Known holds the true state of documents and people over time, and counts the answers that agree with it. Create it
// with [New]. It is safe for concurrent use.
type Known struct {
	mu sync.Mutex
	// +checklocks:mu
	all [2][]history // by what they are of
	// +checklocks:mu
	answered Answered
}

// What histories are of.
const (
	ofDocuments = iota // its team; -1: it is gone
	ofPeople           // the team
)

// Answered counts right answers.
type Answered struct {
	Yes, No int
	Stale   int // nothing was given
}

// New returns a Known for that many documents and people, all without a team.
func New(documents, people int) *Known {
	return &Known{all: [...][]history{make([]history, documents), make([]history, people)}}
}

// Documents returns how many documents there are.
func (k *Known) Documents() int { return k.size(ofDocuments) }

// People returns how many people there are.
func (k *Known) People() int { return k.size(ofPeople) }

func (k *Known) size(of int) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.all[of])
}

// history holds values with the times between which each began to be true.
type history []struct {
	from, at time.Time // it may have been true since from, and was true at the latest at at
	value    int
}

// within returns the values that were true at some moment of a time.
func (h history) within(first, last time.Time) (out []int) {
	for i, v := range h {
		if v.from.After(last) {
			break
		}
		if i+1 == len(h) || !h[i+1].at.Before(first) { // the next was not surely true all the time
			out = append(out, v.value)
		}
	}
	return out
}

// Grant calls change, which gives a document to a team (-1 takes it away), and records the times before and after
// the call.
func (k *Known) Grant(document, team int, change func()) { k.set(ofDocuments, document, team, change) }

// Move calls change, which moves a person to a team, and records the times before and after the call.
func (k *Known) Move(person, team int, change func()) { k.set(ofPeople, person, team, change) }

// set records that change gives value i of a kind a new value, and runs it. While change runs, the old and the new
// value both count as true.
func (k *Known) set(of, i, value int, change func()) {
	from := time.Now()
	k.mu.Lock()
	n := len(k.all[of][i])
	k.all[of][i] = append(k.all[of][i], history{{from, from.Add(time.Hour), value}}...) // not surely true yet
	k.mu.Unlock()
	change()
	k.mu.Lock()
	k.all[of][i][n].at = time.Now()
	k.mu.Unlock()
}

// Team returns the team that a person is in now, or is being moved to.
func (k *Known) Team(person int) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.all[ofPeople][person]
	return h[len(h)-1].value
}

// Gone is how an index says that it has no such document, which is a no.
const Gone = "the document is not in the index"

// Judge compares an answer with the truth. The question was asked at before and answered at now. The answer is right
// if it was true at some moment between before minus limit and now. A denial with a reason other than [Gone] is
// always right: the index gave no answer. Judge counts a right answer and returns "". It returns a description of a
// wrong one.
func (k *Known) Judge(document, person int, before, now time.Time, limit time.Duration, allowed bool,
	because string) (wrong string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	grants := k.all[ofDocuments][document].within(before.Add(-limit), now)
	in := k.all[ofPeople][person].within(before.Add(-limit), now)
	could, couldNot := false, false
	for _, g := range grants {
		for _, t := range in {
			could, couldNot = could || g == t, couldNot || g != t
		}
	}
	no := !allowed && (because == "" || because == Gone)
	switch {
	case allowed && !could, no && !couldNot:
		return fmt.Sprintf("asked at %d: it was for %v and the person in %v\n%+v", before.UnixNano(), grants, in,
			k.all[ofDocuments][document])
	case allowed:
		k.answered.Yes++
	case no:
		k.answered.No++
	default:
		k.answered.Stale++
	}
	return ""
}

// Answered returns how many answers were right.
func (k *Known) Answered() Answered {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.answered
}
