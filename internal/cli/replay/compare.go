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

// Answer is a status and the compared out fields.
type Answer struct {
	Status string `json:"status"`
	Out    Fields `json:"out,omitempty"`
}

// Difference is a line whose answer differs between the recorded system and refmon.
type Difference struct {
	Case   string   `json:"case"`
	Line   int      `json:"line,omitempty"`
	Thread string   `json:"thread,omitempty"`
	Call   string   `json:"call"`
	In     Fields   `json:"in"`
	Rules  []string `json:"rules"` // rules that the line is about; the deciding one first if it is known
	Theirs Answer   `json:"theirs"`
	Ours   Answer   `json:"ours"` // of the documented profile

	Observed bool   `json:"observed,omitempty"` // the observed profile answers as they do
	Absent   bool   `json:"absent,omitempty"`   // docs/CAVEATS.md lists the requested feature as not implemented
	Caveat   string `json:"caveat,omitempty"`   // the situation of the row that docs/CAVEATS.md has for the rule
}

// Known reports whether the documents describe this difference. A row about a choice of ours does not, nor does one
// that lists neither behaviour as the system's.
func (d *Difference) Known() bool { return d.Observed || d.Absent }

// Rule returns the rule under which the difference is counted, "" if it has none.
func (d *Difference) Rule() string { return first(d.Rules) }

// Settled counts how a recorded system behaved in a case that the project decided itself, because the documents are
// silent. It says how often the system confirmed and how often it contradicted the decision.
type Settled struct {
	Rule       string `json:"rule"`
	Decided    string `json:"decided"` // what, or why
	Confirmed  int    `json:"confirmed"`
	Contradict int    `json:"contradicted"`
}

// Counts counts the lines of a recording by result.
type Counts struct {
	Same        int `json:"same"`
	Known       int `json:"differsKnown"`
	Unexplained int `json:"differs"`
	Apart       int `json:"notCompared"` // calls of a program after its recorded and own calls diverge
	Skipped     int `json:"skipped"`     // not called
}

// Report is the result of a comparison.
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

// Compare computes refmon's answer to each line of a recording and compares it with the recorded one. Differences are
// in the Report and no error. notes says which differences are documented; the zero Notes has none. Compare returns
// [ErrMalformed] with the position if a line or the header's token is invalid. A program's lines are compared together.
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
			for k := range out { // compare only the fields that were recorded
				if _, recorded := l.Out[k]; !recorded {
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

// skip counts a question that the recorder could not ask, by its reason.
func (c *comparer) skip(l *Line) {
	c.Counts.Skipped++
	c.Skips[l.Skipped]++
}

// program compares the calls of a program that both systems made from the same line, in the same iteration and with the
// same input. p is the program and theirs its recorded calls. It counts the other calls as not compared.
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
		if ours = matchCall(l, ours); ours == nil {
			ours = matchCall(l, other)
		}
		if ours == nil {
			c.Counts.Apart++
			continue
		}
		var observing Answer
		if other = matchCall(l, other); other != nil {
			observing = answerOf(*other)
		}
		c.compared(l, answerOf(*ours), observing, ours.Rules, ours.by)
	}
}

// place identifies a call of a program in both recordings: its thread, its line and its iteration.
type place struct {
	thread     string
	line, time int
}

// placeOf returns the thread, line and time that identify a recorded call.
func placeOf(l *Line) place { return place{l.Thread, l.Line, l.Time} }

// calls runs a program on refmon and returns its calls by place. It ignores how the program ends.
func (c *comparer) calls(p *Program, profile nt.Profile) map[place]*Line {
	list, _ := p.Run(profile, c.own, nil)
	m := map[place]*Line{}
	for i := range list {
		m[placeOf(&list[i])] = &list[i]
	}
	return m
}

// matchCall returns ours, refmon's call, if it has the same name and input as the recorded call l. Otherwise, and if
// ours is nil, it returns nil: the calls cannot be compared.
func matchCall(l, ours *Line) *Line {
	if ours == nil || ours.Call != l.Call || !reflect.DeepEqual(plain(Answer{Out: ours.In}).Out,
		plain(Answer{Out: l.In}).Out) {
		return nil
	}
	return ours
}

// answerOf returns the recorded status and outputs as plain JSON values.
func answerOf(l Line) Answer { return plain(Answer{l.Status, l.Out}) }

// compared counts a line as equal or different and records a difference. rules are the rules that the line is about,
// by those that certainly decided. Without the latter the line settles no rule, and no caveat explains it.
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

// settles counts a recorded answer about a rule that the project decided itself, because the documents are silent. same
// means that Windows answered as decided. It ignores other rules, and recordings of Wine.
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

// settle adds the evidence about rules that the project decided itself to the report, in the order of their ids.
func (c *comparer) settle() {
	for _, s := range c.settled {
		c.Settles = append(c.Settles, *s)
	}
	slices.SortFunc(c.Settles, func(a, b Settled) int { return strings.Compare(a.Rule, b.Rule) })
}

// first returns the first rule; "" if there is none.
func first(rules []string) string {
	if len(rules) == 0 {
		return ""
	}
	return rules[0]
}

// passing are fields that are not compared: they depend on the moment, on the memory of the machine or on the called
// function, or they have no documented value on success (PrivilegeSetLength).
var passing = []string{"PrivilegeSetLength", "HandleCount", "PointerCount", "PagedPoolCharge", "NonPagedPoolCharge",
	"NameInfoSize", "TypeInfoSize", "CreationTime", "ExpirationTime", "DynamicCharged", "DynamicAvailable", "function"}

// plain normalizes an answer for comparison: its outputs become plain JSON values, without the fields that differ on
// every run. An output without other fields, or one that is not an object, becomes nil. a stays unchanged.
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

// strip removes the output fields that differ on every run from v and everything inside it. It changes v. Values
// other than maps and lists stay as they are.
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
