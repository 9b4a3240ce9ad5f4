package kit

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/refmon/refmon/internal/printable"
)

// Report prints a table of the counts: by suite, in total, and by the way in which answers are known. Then it prints at
// most show of the failures that were kept, the wrong answers first, and how many more there are. A negative show
// counts as 0. The first error of the output ends it.
func (j *Judge) Report(w io.Writer, show int) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "asked\tright\twrong\tdiffers\tunsupported\t suite")
	line := func(c Count, name string) {
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t %s\n", c.Asked, c.Right, c.Wrong, c.Differs, c.Unsupported, name)
	}
	for _, s := range j.SuiteNames() {
		line(j.Suite(s), s)
	}
	line(j.Total(), "all")
	// Print a score per source of the expected answers, because the sources prove different things (B-43).
	for _, way := range Ways() {
		if c := j.OfWay(way); c.Asked > 0 {
			line(c, "all "+way)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	show = max(0, show)
	wrong := j.Failed[:min(len(j.Failed), show)]
	differ := j.Differ[:min(len(j.Differ), show-len(wrong))]
	for _, f := range slices.Concat(wrong, differ) {
		if _, err := fmt.Fprintf(w, "\n%s", f.Text()); err != nil {
			return err
		}
	}
	for _, more := range []struct {
		n    int
		kind string
	}{{j.Total().Wrong - len(wrong), "wrong"}, {j.Total().Differs - len(differ), "differ, which is not an error"}} {
		if more.n == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%d more %s: --show N prints N answers\n", more.n, more.kind); err != nil {
			return err
		}
	}
	return nil
}

// Text describes the failure: input, expected and given answer, how the answer is known, and the rules (B-37).
func (f *Failure) Text() string {
	q := f.Question
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s\n", q.ID, q.Op, printable.Line(f.Why))
	given := f.Given
	if given == "" {
		given = "nothing"
	}
	fmt.Fprintf(&b, "  input     %s\n  expected  %s\n  given     %s\n  known     %s\n", q.In, q.Expected(),
		printable.Line(given), q.Known)
	// The rule that fits the difference comes first, and of the others the first sentence (B-37).
	for i, id := range f.Rules() {
		fmt.Fprintf(&b, "  rule      %s\n", cite(id, i > 0))
	}
	return b.String()
}

// partRules are the rules of the parts of answers, for questions that have several rules.
var partRules = map[string][]string{"owner": {"S-61"}, "group": {"S-62"}, "control": {"S-64"}, "sacl": {"S-70"},
	"mask": {"S-65", "S-67"}, "sid": {"S-68"}, "flags": {"S-66", "S-67"}, "user": {"T-61"}, "groups": {"T-61", "T-65"},
	"privileges": {"T-62", "T-65"}, "restricting": {"T-63"}, "writeRestricted": {"T-64"}, "integrity": {"T-65"},
	"status": {"T-60", "A-50"}}

// Rules returns the ids of the question's rules: first those about the part that differs, then the others. Each group
// keeps the question's order.
func (f *Failure) Rules() []string {
	fits := func(id string) bool { return slices.Contains(partRules[f.Part], id) }
	first := slices.DeleteFunc(slices.Clone(f.Question.Rules), func(id string) bool { return !fits(id) })
	return append(first, slices.DeleteFunc(slices.Clone(f.Question.Rules), fits)...)
}

// Expected returns the right answer in JSON, without the id. If several are right, it is their list under "either".
// For malformed input it is the error "invalid".
func (q *Question) Expected() string {
	if q.Out == nil {
		return `{"error":"invalid"}`
	}
	var form any = map[string]*Out{"out": q.Out}
	if len(q.Either) > 0 {
		list := []any{form}
		for _, o := range q.Either {
			list = append(list, map[string]*Out{"out": o})
		}
		form = map[string]any{"either": list}
	}
	b, err := json.Marshal(form)
	if err != nil {
		return err.Error() // unreachable: Out has no value that JSON lacks
	}
	return string(b)
}

// result is a run in JSON.
type result struct {
	Kit     int      `json:"kit"`
	Total   Count    `json:"total"`
	Suites  []row    `json:"suites"`
	Wrong   []failed `json:"wrong"`
	Differs []failed `json:"differs"`
	// Rules has the rules of the questions in both lists, by id.
	Rules map[string]ruleText `json:"rules"`
}

type ruleText struct {
	Text   string `json:"text"`
	Source string `json:"source"`
}

type row struct {
	Suite string `json:"suite"`
	Known string `json:"known"`
	Count
}

type failed struct {
	ID     string          `json:"id"`
	Suite  string          `json:"suite"`
	Op     string          `json:"op"`
	Known  string          `json:"known"`
	Rules  []string        `json:"rules"`
	Source string          `json:"source"`
	Why    string          `json:"why"`
	In     json.RawMessage `json:"in"`
	Want   json.RawMessage `json:"want"`
	Got    json.RawMessage `json:"got"` // null for none; a string if it was cut
}

// JSON returns the counts for each suite and each way of knowing, and the failures that were kept.
func (j *Judge) JSON() ([]byte, error) {
	r := result{Kit: Version, Total: j.Total(), Suites: []row{}, Wrong: inJSON(j.Failed), Differs: inJSON(j.Differ),
		Rules: map[string]ruleText{}}
	for _, f := range slices.Concat(j.Failed, j.Differ) {
		for _, id := range f.Question.Rules {
			rule := RuleOf(id)
			r.Rules[id] = ruleText{rule.Sentence, rule.Source}
		}
	}
	for _, s := range Suites() {
		for _, k := range strength {
			if c := j.counts[group{s, k}]; c != nil {
				r.Suites = append(r.Suites, row{s, k, *c})
			}
		}
	}
	b, err := json.MarshalIndent(r, "", " ")
	return append(b, '\n'), err
}

// inJSON returns the rows of the report for failures; an empty list, not nil, if there are none. A question
// without an answer has null for it, and an answer that is no JSON becomes a string.
func inJSON(failures []Failure) []failed {
	out := []failed{}
	for _, f := range failures {
		q, got := f.Question, json.RawMessage("null")
		if f.Given != "" {
			if got = json.RawMessage(f.Given); !json.Valid(got) {
				got, _ = json.Marshal(f.Given) // cannot fail for a string
			}
		}
		out = append(out, failed{q.ID, q.Suite, q.Op, q.Known, f.Rules(), RuleOf(f.Rules()[0]).Source, f.Why, q.In,
			json.RawMessage(q.Expected()), got})
	}
	return out
}
