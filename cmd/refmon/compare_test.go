package main

import (
	"bytes"
	"testing"

	"github.com/refmon/refmon/internal/cli/replay"
)

// The whole output of a comparison: the machine, each rule with its differences, settled rules, skipped questions by
// frequency, and the counts. Texts of the recording cannot forge a line or control the terminal.
func TestComparisonPrintsRulesAndDifferences(t *testing.T) {
	answer := func(status string, out replay.Fields) replay.Answer { return replay.Answer{Status: status, Out: out} }
	r := &replay.Report{
		Header: replay.Header{Date: "2026-01-02", Tokens: "own", System: replay.System{Product: "Windows 10.0, server\x1b",
			Build: 20348, Revision: 7, Architecture: "amd64"}},
		Counts: replay.Counts{Same: 1, Known: 2, Unexplained: 3, Apart: 4, Skipped: 5},
		Skips:  map[string]int{"no time": 2, "a right": 2, "much": 30},
		Differences: []replay.Difference{
			{Case: "b\n", Line: 3, Thread: "p/1", Call: "NtClose", In: replay.Fields{"Handle": "<1>", "token": "x", "n": nil},
				Rules: []string{"O-2"}, Theirs: answer("A\u202e", replay.Fields{"x": 1}), Ours: answer("B", nil)},
			{Case: "a", Call: "Ask", Rules: []string{"O-1", "O-2"}, Theirs: answer("C", nil), Ours: answer("D", nil),
				Observed: true, Caveat: "a choice"},
			{Case: "c", Call: "Ask", Theirs: answer("E", replay.Fields{"n": nil}), Absent: true,
				Ours: answer("F", replay.Fields{"y": "z"})},
		},
		Settles: []replay.Settled{{Rule: "A-1", Decided: "so", Confirmed: 2}, {Rule: "A-2", Decided: "or so", Confirmed: 1,
			Contradict: 1}},
	}
	const want = `Windows 10.0, server� build 20348.7 amd64, 2026-01-02, tokens own

no rule: no row in docs/CAVEATS.md
  c (known) Ask
    theirs E
    ours   F {"y":"z"}

O-1: docs/CAVEATS.md: a choice
  a (known, as the observed profile) Ask
    theirs C
    ours   D

O-2: no row in docs/CAVEATS.md
  b�, line 3, p/1 (differs) NtClose {"Handle":"<1>"}
    theirs A� {"x":1}
    ours   B

decided here, and now settled:
  A-1 confirmed (2 agree, 0 do not): so
  A-2 contradicted (1 agree, 1 do not): or so

skipped:
  30  much
   2  a right
   2  no time

1 same, 2 known, 3 differ, 4 not compared, 5 skipped
`
	var out bytes.Buffer
	if err := printComparison(&streams{out: &out}, r); err != nil || out.String() != want {
		t.Errorf("%v, got\n%swant\n%s", err, out.String(), want)
	}
	out.Reset()
	bare := &replay.Report{Header: replay.Header{Date: "d", Tokens: "made",
		System: replay.System{Product: "P", Wine: "8.0"}}}
	if err := printComparison(&streams{out: &out}, bare); err != nil || out.String() != `P build 0.0 , d, tokens made
recorded under Wine 8.0: this shows that the recorder works, not what Windows does

0 same, 0 known, 0 differ, 0 not compared, 0 skipped
` {
		t.Errorf("comparison with Wine: %v, want no differences:\n%s", err, out.String())
	}
}
