package kit

import (
	"errors"
	"fmt"
	"slices"
)

// Count has the numbers of answers of one suite, or of all, by result.
type Count struct {
	Asked       int `json:"asked"`
	Right       int `json:"right"`
	Wrong       int `json:"wrong"`
	Differs     int `json:"differs"` // from an answer that refmon decided, which is not an error (B-42)
	Unsupported int `json:"unsupported"`
}

// Failure is a question that was answered wrong, in another way than refmon decided, or not at all.
type Failure struct {
	Question *Question
	Given    string // the answer in JSON, cut to maxGiven bytes; "" for none
	Why      string // the difference in words
	Part     string // of the answer that differs, such as status or mask; "" if unknown
}

const maxGiven = 2 << 10

// group identifies the questions that are counted together.
type group struct{ suite, known string }

// Judge compares answers with questions. A Judge from NewJudge belongs to one goroutine.
type Judge struct {
	open    map[string]*Question // not answered yet
	closed  map[string]bool
	order   []*Question
	counts  map[group]*Count
	Failed  []Failure // in the order of answers; Finish appends the missing ones
	Differ  []Failure // answers to questions that refmon decided (B-42)
	maximum int       // of each list
}

// NewJudge returns a judge of these questions. It keeps at most keep wrong answers, and as many that only differ.
func NewJudge(questions []*Question, keep int) *Judge {
	j := &Judge{open: map[string]*Question{}, closed: map[string]bool{}, order: questions, counts: map[group]*Count{},
		maximum: keep}
	for _, q := range questions {
		j.open[q.ID] = q
		j.count(q).Asked++
	}
	return j
}

// count returns the counters of the question's group.
func (j *Judge) count(q *Question) *Count {
	g := group{q.Suite, q.Known}
	if j.counts[g] == nil {
		j.counts[g] = new(Count)
	}
	return j.counts[g]
}

// Missing returns the questions that have no answer yet, in the order of NewJudge's argument.
func (j *Judge) Missing() (missing []*Question) {
	for _, q := range j.order {
		if j.open[q.ID] != nil {
			missing = append(missing, q)
		}
	}
	return missing
}

// Done reports whether every question has an answer.
func (j *Judge) Done() bool { return len(j.open) == 0 }

// Take judges the answer in one line. An error that wraps ErrProtocol ends the run (B-38). A malformed line, a second
// answer, and one that was not asked wrap ErrProtocol. An unsupported question counts as neither right nor wrong. A
// wrong answer is no error; where documents are silent it counts as different.
func (j *Judge) Take(line []byte) error {
	a, err := readAnswer(line)
	if err != nil {
		return err
	}
	q := j.open[a.ID]
	// A second answer, or one to another question, ends the run (B-38).
	if j.closed[a.ID] {
		return fmt.Errorf("%w: a second answer to %.40q", ErrProtocol, a.ID)
	}
	if q == nil {
		return fmt.Errorf("%w: an answer to %.40q, which was not asked", ErrProtocol, a.ID)
	}
	delete(j.open, a.ID)
	j.closed[a.ID] = true
	// An unsupported question is neither right nor wrong (B-36).
	if a.Unsupported != "" {
		j.count(q).Unsupported++
		return nil
	}
	err = q.judge(a)
	given := string(line[:min(len(line), maxGiven)])
	switch {
	case err == nil:
		j.count(q).Right++
	case q.choosesOtherwise(a):
		// Where documents are silent, another answer than refmon's is not an error (B-42).
		j.count(q).Differs++
		if len(j.Differ) < j.maximum {
			j.Differ = append(j.Differ, failure(q, given, err))
		}
	default:
		j.fail(q, given, err)
	}
	return nil
}

// failure returns the report of a wrong answer. given is the adapter's line. Part is set only if err is a
// *misfit.
func failure(q *Question, given string, err error) Failure {
	f := Failure{Question: q, Given: given, Why: err.Error()}
	if m := (*misfit)(nil); errors.As(err, &m) {
		f.Part = m.part
	}
	return f
}

// fail counts a wrong answer. given is the adapter's line, and err the difference. It keeps the details only of the
// first ones, up to the judge's limit.
func (j *Judge) fail(q *Question, given string, err error) {
	j.count(q).Wrong++
	if len(j.Failed) < j.maximum {
		j.Failed = append(j.Failed, failure(q, given, err))
	}
}

var errNoAnswer = errors.New("no answer")

// Finish counts the questions without an answer as wrong.
func (j *Judge) Finish() {
	// A question without an answer is wrong (B-36).
	for _, q := range j.Missing() {
		j.fail(q, "", errNoAnswer)
	}
	clear(j.open)
}

// Total returns the counts of all suites together.
func (j *Judge) Total() Count { return j.sum(func(group) bool { return true }) }

// Suite returns the counts of one suite; zero if none of its questions was asked.
func (j *Judge) Suite(name string) Count { return j.sum(func(g group) bool { return g.suite == name }) }

// OfWay adds the counts of the questions whose right answers have one kind of evidence, such as [Recorded]; zero if
// none was asked.
func (j *Judge) OfWay(known string) Count {
	return j.sum(func(g group) bool { return g.known == known })
}

// sum adds the counts of the groups for which in returns true; zero if there is none.
func (j *Judge) sum(in func(group) bool) (sum Count) {
	for g, c := range j.counts {
		if in(g) {
			sum.Asked += c.Asked
			sum.Right += c.Right
			sum.Wrong += c.Wrong
			sum.Differs += c.Differs
			sum.Unsupported += c.Unsupported
		}
	}
	return sum
}

// SuiteNames returns the suites that were asked, in order.
func (j *Judge) SuiteNames() []string {
	return slices.DeleteFunc(Suites(), func(s string) bool { return j.Suite(s).Asked == 0 })
}
