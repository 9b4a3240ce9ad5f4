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

// Report prints the tables of the suites and of the ways in which answers are known, and then at most show failures of those that were kept, with their rules: the
// wrong answers first.
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
	// How much a score says depends on how the answers are known (B-43).
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
	}{{j.Total().Wrong - len(wrong), "wrong"}, {j.Total().Differs - len(differ), "differ, which is no error"}} {
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
	for _, id := range q.Rules {
		fmt.Fprintf(&b, "  rule      %s\n", cite(id))
	}
	return b.String()
}

// Expected returns the right answer in JSON, without the id. If several are right, it is their list under "either".
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
	r := result{Kit: Version, Total: j.Total(), Suites: []row{}, Wrong: inJSON(j.Failed), Differs: inJSON(j.Differ)}
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

func inJSON(failures []Failure) []failed {
	out := []failed{}
	for _, f := range failures {
		q, got := f.Question, json.RawMessage("null")
		if f.Given != "" {
			if got = json.RawMessage(f.Given); !json.Valid(got) {
				got, _ = json.Marshal(f.Given) // a string always has a form
			}
		}
		out = append(out, failed{q.ID, q.Suite, q.Op, q.Known, q.Rules, RuleOf(q.Rules[0]).Source, f.Why, q.In,
			json.RawMessage(q.Expected()), got})
	}
	return out
}
