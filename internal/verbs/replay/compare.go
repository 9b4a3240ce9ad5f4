package replay

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
)

// Answer is a status and the out fields that were compared.
type Answer struct {
	Status string `json:"status"`
	Out    Fields `json:"out,omitempty"`
}

// Difference is a line that refmon answers otherwise.
type Difference struct {
	Case   string   `json:"case"`
	Line   int      `json:"line,omitempty"`
	Thread string   `json:"thread,omitempty"`
	Call   string   `json:"call"`
	In     Fields   `json:"in"`
	Rules  []string `json:"rules"` // what it is about; first the one that decided here, where it is known
	Theirs Answer   `json:"theirs"`
	Ours   Answer   `json:"ours"` // of the documented profile

	Observed bool   `json:"observed,omitempty"` // the observed profile answers as they do
	Absent   bool   `json:"absent,omitempty"`   // docs/CAVEATS.md says that what this asks for is not built
	Caveat   string `json:"caveat,omitempty"`   // the situation of the row that docs/CAVEATS.md has for the rule
}

// Known reports whether the documents say that the two differ here, and how: a
// row about a choice of ours, or one of whose behaviours neither is theirs,
// explains nothing.
func (d *Difference) Known() bool { return d.Observed || d.Absent }

// Rule returns the rule under which the difference is counted.
func (d *Difference) Rule() string { return first(d.Rules) }

// Settled says what a recording shows about a rule that was decided here.
type Settled struct {
	Rule       string `json:"rule"`
	Decided    string `json:"decided"` // what, or why
	Confirmed  int    `json:"confirmed"`
	Contradict int    `json:"contradicted"`
}

// Counts are the lines of a recording by what became of them.
type Counts struct {
	Same        int `json:"same"`
	Known       int `json:"differsKnown"`
	Unexplained int `json:"differs"`
	Apart       int `json:"notCompared"` // calls of a program after it took another way
	Skipped     int `json:"skipped"`     // not asked
}

// Report is a recording compared.
type Report struct {
	Header      Header         `json:"recording"`
	Counts      Counts         `json:"counts"`
	Skips       map[string]int `json:"skips"` // by reason
	Differences []Difference   `json:"differences"`
	Settles     []Settled      `json:"settles"` // nothing when recorded under Wine
}

// comparer is the state of one comparison.
type comparer struct {
	Report
	notes   Notes
	own     *token.Token // of every process; nil: as programs say
	settled map[string]*Settled
}

// Compare answers each line of a recording anew. The error is [ErrMalformed]
// with the place.
func Compare(rec *Recording, notes Notes) (*Report, error) {
	c := &comparer{notes: notes, settled: map[string]*Settled{}}
	c.Header, c.Skips = rec.Header, map[string]int{}
	recorder, err := token.Parse(rec.Header.Token)
	if err != nil {
		return nil, fmt.Errorf("the header's token: %w: %w", ErrMalformed, err)
	}
	if rec.Header.Tokens == OwnToken {
		c.own = recorder
	}
	for i := 0; i < len(rec.Lines); {
		l := &rec.Lines[i]
		switch {
		case l.Program != "":
			n := 1 + slices.IndexFunc(rec.Lines[i+1:], func(x Line) bool { return x.Case != l.Case || x.Program != "" })
			if n == 0 {
				n = len(rec.Lines) - i
			}
			c.program(l, rec.Lines[i+1:i+n])
			i += n
			continue
		case l.Skipped != "":
			c.skip(l)
		default:
			status, out, err := answer(l, recorder)
			if err != nil {
				return nil, err
			}
			for k := range out { // only what they told: other functions tell other things
				if _, told := l.Out[k]; !told {
					delete(out, k)
				}
			}
			ours := plain(Answer{status, out})
			c.compared(l, ours, ours, l.Rules, l.Rules[:min(1, len(l.Rules))])
		}
		i++
	}
	c.settle()
	return &c.Report, nil
}

func (c *comparer) skip(l *Line) {
	c.Counts.Skipped++
	c.Skips[l.Skipped]++
}

// program compares the calls of a program: those that both systems made from
// the same line for the same time, with the same input.
func (c *comparer) program(p *Line, theirs []Line) {
	prog := Program{Case: p.Case, Prelude: p.Prelude, Source: p.Program, Rules: p.Rules}
	documented, observed := c.calls(&prog, nt.Documented), c.calls(&prog, nt.Observed)
	for i := range theirs {
		l := &theirs[i]
		if l.Skipped != "" {
			c.skip(l)
			continue
		}
		ours, other := documented[placeOf(l)], observed[placeOf(l)]
		if ours = asked(l, ours); ours == nil {
			ours = asked(l, other)
		}
		if ours == nil {
			c.Counts.Apart++
			continue
		}
		var observing Answer
		if other = asked(l, other); other != nil {
			observing = answerOf(*other)
		}
		c.compared(l, answerOf(*ours), observing, ours.Rules, ours.by)
	}
}

// place is where in a program a call was made.
type place struct {
	thread     string
	line, time int
}

func placeOf(l *Line) place { return place{l.Thread, l.Line, l.Time} }

// calls returns our calls, by their place. How the program ends here does not matter.
func (c *comparer) calls(p *Program, profile nt.Profile) map[place]*Line {
	list, _ := p.Run(profile, c.own, nil)
	m := map[place]*Line{}
	for i := range list {
		m[placeOf(&list[i])] = &list[i]
	}
	return m
}

// asked returns a call of ours that asks what l does, nil if it does not.
func asked(l, ours *Line) *Line {
	if ours == nil || ours.Call != l.Call || !reflect.DeepEqual(plain(Answer{Out: ours.In}).Out,
		plain(Answer{Out: l.In}).Out) {
		return nil
	}
	return ours
}

func answerOf(l Line) Answer { return plain(Answer{l.Status, l.Out}) }

// compared counts a line by what both say. rules are the rules it is about, by those
// of them that are sure: without one, the line settles nothing, and no caveat
// explains it.
func (c *comparer) compared(l *Line, ours, observed Answer, rules, by []string) {
	theirs := plain(Answer{l.Status, l.Out})
	same := reflect.DeepEqual(theirs, ours)
	caveat, absent := "", false
	for _, rule := range by {
		c.settles(rule, same)
		caveat, absent = cmp.Or(caveat, c.notes.Caveats[rule]), absent || c.notes.Absent[rule]
	}
	if same {
		c.Counts.Same++
		return
	}
	d := Difference{Case: l.Case, Line: l.Line, Thread: l.Thread, Call: l.Call, In: l.In, Rules: rules, Theirs: theirs,
		Ours:     ours,
		Observed: reflect.DeepEqual(theirs, observed), Absent: absent, Caveat: caveat}
	if d.Known() {
		c.Counts.Known++
	} else {
		c.Counts.Unexplained++
	}
	c.Differences = append(c.Differences, d)
}

// settles counts for a rule that was decided here.
func (c *comparer) settles(rule string, same bool) {
	d := c.notes.Decided[rule]
	if d == "" || c.Header.System.Wine != "" {
		return
	}
	s := c.settled[rule]
	if s == nil {
		s = &Settled{Rule: rule, Decided: d}
		c.settled[rule] = s
	}
	if same {
		s.Confirmed++
	} else {
		s.Contradict++
	}
}

func (c *comparer) settle() {
	for _, s := range c.settled {
		c.Settles = append(c.Settles, *s)
	}
	slices.SortFunc(c.Settles, func(a, b Settled) int { return strings.Compare(a.Rule, b.Rule) })
}

func first(rules []string) string {
	if len(rules) == 0 {
		return ""
	}
	return rules[0]
}

// passing are fields that tell about the moment or the machine's memory, which
// function was asked, or (PrivilegeSetLength) nothing that is documented for a
// call that succeeds.
var passing = []string{"PrivilegeSetLength", "HandleCount", "PointerCount", "PagedPoolCharge", "NonPagedPoolCharge",
	"NameInfoSize", "TypeInfoSize", "CreationTime", "ExpirationTime", "DynamicCharged", "DynamicAvailable", "function"}

// plain returns an answer as it reads after a journey through JSON, without fields
// that pass, so that two of them can be compared.
func plain(a Answer) Answer {
	b, err := json.Marshal(a.Out)
	out := map[string]any{}
	if err != nil || json.Unmarshal(b, &out) != nil || len(out) == 0 {
		return Answer{Status: a.Status}
	}
	strip(out)
	if len(out) == 0 {
		return Answer{Status: a.Status}
	}
	return Answer{a.Status, out}
}

func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range passing {
			delete(v, k)
		}
		for _, x := range v {
			strip(x)
		}
	case []any:
		for _, x := range v {
			strip(x)
		}
	}
}
