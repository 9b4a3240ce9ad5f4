package answer_test

import (
	"encoding/json"
	"testing"

	"github.com/refmon/refmon/internal/kit"
	"github.com/refmon/refmon/internal/kit/answer"
)

// TestAdapterAgreesWithOracle asks refmon every question. The oracle made the expected answers.
func TestAdapterAgreesWithOracle(t *testing.T) {
	questions, err := kit.Questions()
	if err != nil {
		t.Fatal(err)
	}
	j := kit.NewJudge(questions, 1_000_000)
	for _, q := range questions {
		b, err := json.Marshal(answer.Answer(q.ID, q.Op, q.In))
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Take(b); err != nil {
			t.Fatal(err)
		}
	}
	j.Finish()
	seen := map[string]int{}
	for _, f := range j.Failed {
		if seen[f.Question.Suite+f.Question.Op]++; seen[f.Question.Suite+f.Question.Op] < 12 {
			want, _ := json.Marshal(f.Question.Out)
			t.Errorf("%s %s %v: %s\n in %s\nwant %s\n got %s", f.Question.ID, f.Question.Op, f.Question.Rules, f.Why,
				f.Question.In, want, f.Given)
		}
	}
	for _, s := range j.SuiteNames() {
		t.Logf("%s %+v", s, *j.Suites[s])
	}
}
