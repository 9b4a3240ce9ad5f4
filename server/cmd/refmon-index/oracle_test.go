package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
)

// teams is how many groups the people of an oracle are in.
const teams = 5

// oracle knows which team each of its documents was for and each person was in, at which time.
type oracle struct {
	t      *testing.T
	folder string
	state  string // of the index that is asked

	mu       sync.Mutex
	grants   []history // of each document: its team; -1: it is gone
	teamOf   []history // of each person
	answered struct{ yes, no, stale int }
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

// newOracle makes documents and people: as many as in `make soak` where the environment says so.
func newOracle(t *testing.T, folder, state string) *oracle {
	o := &oracle{t: t, folder: folder, state: state,
		grants: make([]history, randtest.Count(t, "REFMON_CLUSTER_FILES", 300)),
		teamOf: make([]history, randtest.Count(t, "REFMON_CLUSTER_PEOPLE", 30))}
	for i := range 20 {
		if err := os.MkdirAll(filepath.Dir(o.path(i)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for i := range o.grants {
		o.grant(i, i%teams)
	}
	for i := range o.teamOf {
		o.set(&o.teamOf[i], i%teams, func() {})
	}
	return o
}

func (o *oracle) path(i int) string {
	return filepath.Join(o.folder, fmt.Sprintf("o%d", i%20), fmt.Sprint("f", i))
}

// set makes a change and notes when.
func (o *oracle) set(of *history, value int, change func()) {
	from := time.Now()
	o.mu.Lock()
	*of = append(*of, history{{from, from.Add(time.Hour), value}}...) // not surely true yet
	n := len(*of) - 1
	o.mu.Unlock()
	change()
	o.mu.Lock()
	(*of)[n].at = time.Now()
	o.mu.Unlock()
}

// grant gives a document to a team, takes it away, or makes it anew.
func (o *oracle) grant(i, team int) {
	o.set(&o.grants[i], team, func() {
		if team < 0 {
			if err := os.Remove(o.path(i)); err != nil && !os.IsNotExist(err) {
				o.t.Fatal(err)
			}
			return
		}
		a := ntacl.Attribute{Version: 1,
			Descriptor: sddl.MustParse(fmt.Sprintf("O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-%d)", 3000+team))}
		value, err := a.Append(nil)
		if err != nil {
			o.t.Fatal(err)
		}
		f, err := os.OpenFile(o.path(i), os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			o.t.Fatal(err)
		}
		f.Close()
		if err := unix.Setxattr(o.path(i), ntacl.Name, value, 0); err != nil {
			o.t.Skipf("%s cannot be set here: %v", ntacl.Name, err)
		}
	})
}

// change makes one change at random; write writes the directory file.
func (o *oracle) change(r *rand.Rand, write func()) {
	switch r.IntN(12) {
	case 0:
		o.set(&o.teamOf[r.IntN(len(o.teamOf))], r.IntN(teams), write)
	case 1:
		o.grant(r.IntN(len(o.grants)), -1)
	default:
		o.grant(r.IntN(len(o.grants)), r.IntN(teams))
	}
}

// users and groups are the lines of the directory file.
func (o *oracle) users() string {
	var b strings.Builder
	for i, h := range o.teamOf {
		fmt.Fprintf(&b, "- {name: p%d, sid: S-1-5-21-1-2-3-%d, memberOf: [t%d]}\n", i, 10000+i, h[len(h)-1].value)
	}
	return b.String()
}

func (o *oracle) groups() string {
	var b strings.Builder
	for i := range teams {
		fmt.Fprintf(&b, "- {name: t%d, sid: S-1-5-21-1-2-3-%d}\n", i, 3000+i)
	}
	return b.String()
}

// asks asks about random pairs until it is told to end.
func (o *oracle) asks(seed uint64) (end func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	x, err := index.Open(o.state, limit)
	if err != nil {
		o.t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed, 24))
	go func() {
		defer close(done)
		defer x.Close()
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond): // it leaves the processors to the stages
				o.ask(x, r)
			}
		}
	}()
	return func() {
		close(stop)
		<-done
	}
}

// ask asks about a random pair, and holds the answer against what was true at some moment
// between the limit ago and now: a yes was, and a no that says nothing else was.
func (o *oracle) ask(x *index.Index, r *rand.Rand) {
	i, p := r.IntN(len(o.grants)), r.IntN(len(o.teamOf))
	before := time.Now()
	a := x.CanRead("//files1"+o.path(i), fmt.Sprint("p", p), "read")
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	grants, in := o.grants[i].within(before.Add(-limit), now), o.teamOf[p].within(before.Add(-limit), now)
	could, couldNot := false, false
	for _, g := range grants {
		for _, t := range in {
			could, couldNot = could || g == t, couldNot || g != t
		}
	}
	gone := a.Because == "there is no such document in the index"
	switch {
	case a.Allowed && !could, (a.Because == "" && !a.Allowed || gone) && !couldNot:
		o.t.Errorf("%s p%d at %d: %+v; it was for %v and the person in %v\n%+v\n%s", o.path(i), p, now.UnixNano(), a,
			grants, in, o.grants[i], o.said(o.path(i)))
	case a.Allowed:
		o.answered.yes++
	case a.Because == "" || gone:
		o.answered.no++
	default:
		o.answered.stale++
	}
}

// said returns what the log of the index has of a document, and its fence.
func (o *oracle) said(path string) string {
	var out strings.Builder
	log, err := os.ReadFile(filepath.Join(o.state, "events.jsonl"))
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, path+`"`) {
			out.WriteString(line)
		}
	}
	fence, err2 := os.ReadFile(filepath.Join(o.state, "fence.json"))
	fmt.Fprintf(&out, "%s %v", fence, errors.Join(err, err2))
	return out.String()
}
