package truth

import (
	"testing"
	"time"
)

// An answer is right if it was true at some moment between the time limit before the question and now, also during a
// change, and wrong otherwise.
func TestJudgeAcceptsAnswersWithinTimeLimit(t *testing.T) {
	k := New(1, 1)
	none := func() {}
	k.Grant(0, 1, none)
	k.Move(0, 1, none)
	one := time.Now()
	k.Grant(0, 2, func() {
		at := time.Now()
		if k.Judge(0, 0, at, at, 0, true, "") != "" || k.Judge(0, 0, at, at, 0, false, "") != "" {
			t.Error("while a change is made both are right")
		}
	})
	two := time.Now()
	k.Move(0, 2, none)
	k.Grant(0, -1, none)
	end := time.Now()
	for _, c := range []struct {
		before  time.Time
		limit   time.Duration
		allowed bool
		because string
		right   bool
	}{
		{one, 0, true, "", true}, {one, 0, false, "", false}, {one, 0, false, Gone, false}, {one, 0, false, "no beat", true},
		{two, 0, true, "", false}, {two, 0, false, "", true}, {two, two.Sub(one), true, "", true},
		{end, 0, true, "", false}, {end, 0, false, Gone, true}, {end, time.Hour, true, "", true},
	} {
		if wrong := k.Judge(0, 0, c.before, c.before, c.limit, c.allowed, c.because); (wrong == "") != c.right {
			t.Errorf("%+v: %s", c, wrong)
		}
	}
	if n := k.Answered(); n.Yes != 4 || n.No != 3 || n.Stale != 1 || k.Team(0) != 2 || k.Documents()+k.People() != 2 {
		t.Errorf("%+v", n)
	}
}
