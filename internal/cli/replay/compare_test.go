package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
)

func compare(rec *Recording) *Report {
	return check.Must(Compare(rec, check.Must(ReadNotes())))
}

// TestProfileDifferencesAreDocumented checks that differences between the profiles are documented.
func TestProfileDifferencesAreDocumented(t *testing.T) {
	rec := recordOurs(t, nt.Observed, transcripts+"20-duplicate-token.txt", transcripts+"10-duplicate.txt")
	r := compare(rec)
	check.That(t, r.Counts.Known != 0 && r.Counts.Unexplained == 0 && r.Counts.Apart == 0,
		"counts %+v, want known differences only", r.Counts)
	for _, d := range r.Differences {
		check.That(t, d.Observed,
			"%s line %d %s: the difference is not documented for the observed profile", d.Case, d.Line, d.Call)
	}
}

// TestDifferencesAreReported checks a call with another status. Calls after the programs diverge are not compared.
func TestDifferencesAreReported(t *testing.T) {
	const program = `
p = process("p", token_profile("user")).thread
h = p.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY).TokenHandle; step("s", "P-7")
r = p.NtDuplicateToken(ExistingTokenHandle=h, TokenType=TokenPrimary)
if r.status == STATUS_SUCCESS:
    p.NtClose(Handle=r.NewTokenHandle)
p.NtClose(Handle=h)
`
	p := Program{Case: "x", Source: program, Rules: []string{"T-40"}}
	calls, err := p.Run(nt.Documented, nil, nil)
	check.RequireThat(t, err == nil && len(calls) == 3, "%d calls, %v, want 3, nil", len(calls), err)
	rec := &Recording{Header: header, Lines: append([]Line{{Case: "x", Program: program, Rules: p.Rules}}, calls...)}
	check.Require(t, compare(throughJSON(t, rec)).Counts, Counts{Same: 3}, "counts of refmon's own recording")
	again := &Recording{Header: header, Lines: slices.Concat(rec.Lines, rec.Lines)}
	check.Require(t, compare(throughJSON(t, again)).Counts, Counts{Same: 6}, "counts of a program that ran twice")
	// The recorded machine granted the call and later also closed the new handle.
	rec.Lines[2].Status, rec.Lines[2].Out = "STATUS_SUCCESS", Fields{"NewTokenHandle": "handle of line 4"}
	last := rec.Lines[3]
	rec.Lines[3].In, rec.Lines[3].Line = Fields{"Handle": "handle of line 4"}, 6
	rec.Lines = append(rec.Lines, last)
	r := compare(throughJSON(t, rec))
	check.Require(t, r.Counts, Counts{Same: 2, Unexplained: 1, Apart: 1}, "counts")
	d := r.Differences[0]
	check.That(t, d.Theirs.Status == "STATUS_SUCCESS" && d.Ours.Status == "STATUS_ACCESS_DENIED" && d.Rule() == "O-31" &&
		d.Line == 4, "difference = %+v, want STATUS_SUCCESS against STATUS_ACCESS_DENIED by O-31 in line 4", d)
}

// TestOnlyWindowsRecordingsSettleRules checks that a recording of Windows can settle rules that were decided here,
// and that one of Wine never does.
func TestOnlyWindowsRecordingsSettleRules(t *testing.T) {
	system := check.Must(token.Parse(header.Token))
	rec := &Recording{Header: header}
	questions := check.Must(Questions())
	for _, q := range questions {
		l := Line{Case: q.Case, Call: q.Call, In: q.In, Rules: q.Rules}
		var err error
		l.Status, l.Out, err = answer(&l, system)
		check.NoError(t, err)
		if q.Case == "AC-102b" {
			l.Out["granted"] = "0x00000010"
		}
		rec.Lines = append(rec.Lines, l)
	}
	rec = throughJSON(t, rec)
	r := compare(rec)
	check.RequireThat(t, r.Counts.Same == len(questions)-1 && len(r.Differences) == 1,
		"counts = %+v, want one difference", r.Counts)
	d := r.Differences[0]
	check.That(t, !d.Known() && d.Caveat != "", "difference = %+v, want it unexplained, with its caveat", d)
	found := map[string]Settled{}
	for _, s := range r.Settles {
		found[s.Rule] = s
	}
	s := found["A-85"]
	check.That(t, s.Contradict == 1 && s.Decided != "", "A-85: %+v, want one contradiction and the decision", s)
	s = found["A-25"]
	check.That(t, s.Confirmed > 0 && s.Contradict == 0, "A-25: %+v, want it confirmed", s)
	rec.Header.System.Wine = "8.0"
	check.SlicesEqual(t, compare(rec).Settles, nil, "what a recording of Wine settles")
	var b bytes.Buffer
	check.ErrorIs(t, WriteVectors(&b, rec), ErrWine, "vectors from a recording of Wine")
	check.Equal(t, b.Len(), 0, "bytes of vectors from a recording of Wine")
}

// FuzzCompare checks that any file is compared or rejected. Programs are omitted, because package script bounds and
// tests them.
func FuzzCompare(f *testing.F) {
	const head = `{"recording":1,"system":{"product":"","build":1,"revision":0,"architecture":""},"date":"",` +
		`"recorder":"","token":{"user":"BA"},"tokens":"own"}` + "\n"
	questions := check.Must(Questions())
	for i := 0; i < len(questions); i += 10 { // one of each kind and more
		q := questions[i]
		l := Line{Case: "a", Call: q.Call, In: q.In, Status: "ERROR_SUCCESS", Out: Fields{"hex": "00"}}
		f.Add(string(check.Must(json.Marshal(l))))
	}
	// no input at all
	f.Add(`{"case":"a","call":"AccessCheck","status":"x","in":null}`)
	// every flag
	f.Add(`{"case":"a","call":"CreatePrivateObjectSecurityEx","status":"x","in":{"flags":"0xFFFFFFFF",` +
		`"mapping":"file","container":true,"objectType":"x"}}`)
	notes := check.Must(ReadNotes())
	f.Fuzz(func(t *testing.T, lines string) {
		rec, err := Read(strings.NewReader(fmt.Sprintf("%s%s\n{\"end\":%d}", head, lines, strings.Count(lines, "\n")+1)))
		if err != nil {
			check.ErrorIs(t, err, ErrMalformed, "error of a recording")
			return
		}
		for _, l := range rec.Lines {
			if l.Program != "" {
				return
			}
		}
		if _, err := Compare(rec, notes); err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("error %v, want one that wraps %v", err, ErrMalformed)
		}
		_ = WriteVectors(io.Discard, rec)
	})
}

// Each field of each difference, and each count, for a recording that differs from refmon in a status, an out field
// and the calling thread, and has a skipped question.
func TestReportHasEveryField(t *testing.T) {
	const program = `
p = process("p", token_profile("user"))
a, b = p.thread, p.new_thread()
h = a.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY).TokenHandle
for t in [a, b]:
    t.NtClose(Handle=h)
a.NtDuplicateToken(ExistingTokenHandle=h, TokenType=TokenPrimary)
`
	p := Program{Case: "x", Source: program, Rules: []string{"T-40"}}
	calls, err := p.Run(nt.Documented, nil, nil)
	check.RequireThat(t, err == nil && len(calls) == 4, "%d calls, %v, want 4, nil", len(calls), err)
	calls[0].Out = Fields{"TokenHandle": "another"}                     // no rule decides a success
	calls[1].Thread = "p/2"                                             // another one called first
	calls[2].Status, calls[2].Out = "STATUS_SUCCESS", Fields{"Rest": 1} // O-40 is of this
	calls[3].Skipped, calls[3].Call = "no time", ""
	lines := append([]Line{{Case: "x", Program: program, Rules: p.Rules}}, calls...)
	lines = append(lines, Line{Case: "y", Skipped: "no right"}, Line{Case: "z", Call: TextToSID, In: Fields{"sid": "BA"},
		Status: "ERROR_INVALID_SID", Rules: []string{"S-1", "S-2"}},
		Line{Case: "w", Call: TextToSID, In: Fields{"sid": "BA"}, Status: "ERROR_SUCCESS", Rules: []string{"S-3", "S-1"}})
	rec := throughJSON(t, &Recording{Header: header, Lines: lines})
	notes := Notes{Caveats: map[string]string{"O-40": "closing", "T-40": "not this"}, Absent: map[string]bool{"S-1": true,
		"T-40": true}, Decided: map[string]string{"S-3": "an alias", "O-40": "a status", "T-40": "not this", "S-1": "a name"}}
	got := check.Must(Compare(rec, notes))
	handle := Fields{"Handle": "handle of line 4"}
	want := &Report{Header: rec.Header,
		Counts: Counts{Same: 1, Known: 1, Unexplained: 2, Apart: 1, Skipped: 2},
		Skips:  map[string]int{"no time": 1, "no right": 1},
		Differences: []Difference{
			{Case: "x", Line: 4, Thread: "p/1", Call: "NtOpenProcessToken", Rules: []string{"T-40"},
				In:     Fields{"DesiredAccess": "0x00000008", "ProcessHandle": "NtCurrentProcess()"},
				Theirs: Answer{"STATUS_SUCCESS", Fields{"TokenHandle": "another"}},
				Ours:   Answer{"STATUS_SUCCESS", Fields{"TokenHandle": "handle of line 4"}}},
			{Case: "x", Line: 6, Thread: "p/2", Call: "NtClose", In: handle, Rules: []string{"O-40", "T-40"},
				Theirs: Answer{"STATUS_SUCCESS", Fields{"Rest": 1.0}}, Caveat: "closing",
				Ours: Answer{"STATUS_INVALID_HANDLE", nil}},
			{Case: "z", Call: TextToSID, In: Fields{"sid": "BA"}, Rules: []string{"S-1", "S-2"},
				Theirs: Answer{"ERROR_INVALID_SID", nil}, Ours: Answer{"ERROR_SUCCESS", nil}, Absent: true},
		},
		Settles: []Settled{{"O-40", "a status", 0, 1}, {"S-1", "a name", 0, 1}, {"S-3", "an alias", 1, 0}},
	}
	check.DeepEqual(t, got, want, "report")
	var rules []string
	for _, d := range append(got.Differences, Difference{Observed: true}) {
		rules = append(rules, fmt.Sprint(d.Rule(), " ", d.Known()))
	}
	check.SlicesEqual(t, rules, []string{"T-40 false", "O-40 false", "S-1 true", " true"},
		"rules under which the differences are counted, and whether they are known")
}

// A difference is known if one of the rules that decided the call is absent, in any order, and has the caveat of the
// first rule that has one.
func TestEachDecidingRuleExplainsDifference(t *testing.T) {
	caveats := map[string]string{"S-1": "one", "S-2": "two"}
	for text, want := range map[string]Difference{
		"S-1 S-2 S-3": {Absent: true, Caveat: "one"},
		"S-3 S-2 S-1": {Absent: true, Caveat: "two"},
		"S-2 S-3":     {Caveat: "two"},
		"S-3":         {},
	} {
		by := strings.Fields(text)
		c := &comparer{settled: map[string]*Settled{}, notes: Notes{Caveats: caveats, Absent: map[string]bool{"S-1": true},
			Decided: map[string]string{"S-1": "one", "S-2": "two", "S-3": "three"}}}
		c.compared(&Line{Status: "theirs"}, Answer{Status: "ours"}, Answer{Status: "ours"}, []string{"S-1"}, by)
		want.Rules, want.Theirs, want.Ours = []string{"S-1"}, Answer{Status: "theirs"}, Answer{Status: "ours"}
		check.DeepEqual(t, c.Differences, []Difference{want}, "difference of a call that %s decided", text)
		check.Equal(t, c.Counts.Known == 1, want.Absent, "the difference of a call that %s decided is known", text)
		check.Equal(t, len(c.settled), len(by), "rules that a call settles, of %s", text)
	}
}

// Only fields whose values differ between runs are removed, at any depth.
func TestMomentaryFieldsAreIgnored(t *testing.T) {
	for _, name := range []string{"PrivilegeSetLength", "HandleCount", "PointerCount", "PagedPoolCharge",
		"NonPagedPoolCharge", "NameInfoSize", "TypeInfoSize", "CreationTime", "ExpirationTime", "DynamicCharged",
		"DynamicAvailable", "function"} {
		got := plain(Answer{"s", Fields{name: 1, "Kept": []any{map[string]any{name: 2, "in": "a"}, "b"},
			"More": map[string]any{name: 3, name + "s": 4}}})
		want := Answer{"s", Fields{"Kept": []any{map[string]any{"in": "a"}, "b"}, "More": map[string]any{name + "s": 4.0}}}
		check.DeepEqual(t, got, want, "answer with %s", name)
		check.DeepEqual(t, plain(Answer{"s", Fields{name: 1}}), Answer{Status: "s"}, "answer with %s alone", name)
	}
}

// TestCallsMatchByNameAndArguments checks that one of our calls matches one of theirs if both have the same name and
// the same arguments, except tolerated ones.
func TestCallsMatchByNameAndArguments(t *testing.T) {
	l := &Line{Call: "f", In: Fields{"a": 1, "HandleCount": 3}, Status: "theirs"}
	for name, c := range map[string]struct {
		ours *Line
		same bool
	}{
		"none":               {nil, false},
		"the same":           {&Line{Call: "f", In: Fields{"a": 1.0, "HandleCount": 4}, Status: "ours"}, true},
		"another call":       {&Line{Call: "g", In: Fields{"a": 1}}, false},
		"another parameter":  {&Line{Call: "f", In: Fields{"a": 2}}, false},
		"one parameter more": {&Line{Call: "f", In: Fields{"a": 1, "b": 1}}, false},
		"none of them":       {&Line{Call: "f"}, false},
		"neither":            {&Line{Call: "g", In: Fields{"b": 1}}, false},
	} {
		var want *Line
		if c.same {
			want = c.ours
		}
		check.Equal(t, matchCall(l, c.ours), want, "%s: matched call", name)
	}
}
