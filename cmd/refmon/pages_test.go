package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/replay"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestPagesOfDescriptors: the whole page of a descriptor: who, control bits, each entry with its effect, rights, object
// types and flags, and both forms of it.
func TestPagesOfDescriptors(t *testing.T) {
	for _, c := range []struct {
		args []string
		page string // without its last line
	}{
		{[]string{`O:BAG:S-1-5-21-1-2-3-513D:PAI(OA;CIIO;CR;12345678-0000-0000-0000-000000000001;` +
			`12345678-0000-0000-0000-000000000002;BA)(D;OINPID;0x10002;;;WD)(XA;;FA;;;BU;(@USER.x == 1))(A;OICI;KR;;;` +
			`S-1-5-21-1-2-3-1107)S:AI(AU;SAFA;FW;;;WD)(AU;FA;0x1;;;WD)(ML;;NWNR;;;HI)(ML;;NX;;;LW)(SP;;;;;S-1-17-1)`},
			`owner    S-1-5-32-544 (Administrators)
group    S-1-5-21-1-2-3-513 (Domain Users)
control  0x9c14 DACL-present SACL-present DACL-auto-inherited SACL-auto-inherited DACL-protected self-relative

DACL: 4 entries, revision 4, 172 bytes
  0  access allowed object    S-1-5-32-544 (Administrators)  0x00000100 FILE_WRITE_ATTRIBUTES  on ` +
				`12345678-0000-0000-0000-000000000001, for children of class 12345678-0000-0000-0000-000000000002  ` +
				`container-inherit  inherit-only
  1  access denied            S-1-1-0 (Everyone)             0x00010002 FILE_WRITE_DATA|DELETE  object-inherit  ` +
				`no-propagate  inherited
  2  access allowed callback  S-1-5-32-545 (Users)           0x001f01ff FA
  3  access allowed           S-1-5-21-1-2-3-1107            0x00020019 KR  object-inherit  container-inherit

SACL: 5 entries, revision 2, 108 bytes
  0  system audit             S-1-1-0 (Everyone)                   0x00120116 FW  success  failure
  1  system audit             S-1-1-0 (Everyone)                   0x00000001 FILE_READ_DATA  failure
  2  system mandatory label   S-1-16-12288 (High Mandatory Level)  0x00000003 no-write-up no-read-up
  3  system mandatory label   S-1-16-4096 (Low Mandatory Level)    0x00000004 no-execute-up
  4  system scoped policy id  S-1-17-1                             0x00000000

`},
		{[]string{"--type", "process", "D:(A;;0x11;;;SY)S:"}, `owner    none
group    none
control  0x8014 DACL-present SACL-present self-relative

DACL: 1 entry, revision 2, 28 bytes
  0  access allowed  S-1-5-18 (SYSTEM)  0x00000011 PROCESS_TERMINATE|PROCESS_VM_READ

SACL: empty

`},
		{[]string{"--domain", "S-1-5-21-7-8-9", "O:DAG:DUD:NO_ACCESS_CONTROL"},
			`owner    S-1-5-21-7-8-9-512 (Domain Admins)
group    S-1-5-21-7-8-9-513 (Domain Users)
control  0x8004 DACL-present self-relative

DACL: NULL (everyone has every access)

SACL: absent (nothing is audited, no label)

`},
		{[]string{"0100008000000000000000000000000000000000"}, `owner    none
group    none
control  0x8000 self-relative

DACL: absent (everyone has every access)

SACL: absent (nothing is audited, no label)

`},
	} {
		code, out, errs := asked(append([]string{"sddl"}, c.args...)...)
		page, rest, _ := strings.Cut(out, "sddl  ")
		if code != 0 || errs != "" || page != c.page {
			t.Errorf("%q: exit code %d, %q, got\n%swant\n%s", c.args, code, errs, page, c.page)
			continue
		}
		text, hex, ok := strings.Cut(strings.TrimSuffix(rest, "\n"), "\nhex   ")
		text = strings.TrimSpace(text)
		domain, err := sid.Parse("S-1-5-21-7-8-9")
		if err != nil {
			t.Fatal(err)
		}
		asText, err := sddl.Parse(text, sddl.Options{Domain: domain})
		if err != nil || !ok || fmt.Sprintf("%x", asText.Binary()) != hex {
			t.Errorf("%q: the text %s and the bytes %s are of two, %v", c.args, text, hex, err)
		}
		args := append([]string{"sddl"}, c.args...)
		args[len(args)-1] = hex
		if code, again, _ := asked(args...); code != 0 || again != out {
			t.Errorf("%q: by its bytes\n%s", c.args, again)
		}
	}
}

// TestWordsOfControlAndFlags: each bit of a descriptor's control word and of an entry's flags has its own word
// ([MS-DTYP] 2.4.6 and 2.4.4.1).
func TestWordsOfControlAndFlags(t *testing.T) {
	for i, word := range []string{"owner-defaulted", "group-defaulted", "DACL-present", "DACL-defaulted", "SACL-present",
		"SACL-defaulted", "DACL-trusted", "server-security", "DACL-auto-inherit-request", "SACL-auto-inherit-request",
		"DACL-auto-inherited", "SACL-auto-inherited", "DACL-protected", "SACL-protected", "RM-control-valid",
		"self-relative"} {
		if got, want := controlNames(1<<i), fmt.Sprintf("0x%04x %s", 1<<i, word); got != want {
			t.Errorf("control bit %d: %q, want %q", i, got, want)
		}
	}
	if got := controlNames(0); got != "0x0000" {
		t.Errorf("no control bit: %q", got)
	}
	for _, typ := range []sd.Type{sd.AccessAllowed, sd.SystemAudit, sd.SystemAccessFilter} {
		words := []string{"object-inherit", "container-inherit", "no-propagate", "inherit-only", "inherited", "critical",
			"success", "failure"}
		if typ == sd.SystemAccessFilter {
			words[6] = "trust-protected"
		}
		for i, word := range words {
			a, err := sd.NewACE(typ, 1<<i, 1, sid.Everyone, sd.ACEExtra{})
			if err != nil {
				continue // an entry that has no such flag
			}
			if got := flagNames(a); len(got) != 1 || got[0] != word {
				t.Errorf("type %v, flag %d: %q, want %q", typ, i, got, word)
			}
		}
	}
	for m, want := range []string{"", "no-write-up", "no-read-up", "no-write-up no-read-up", "no-execute-up",
		"no-write-up no-execute-up", "no-read-up no-execute-up", "no-write-up no-read-up no-execute-up"} {
		if got := labelNames(winnt.AccessMask(m)); got != want {
			t.Errorf("label %d: %q, want %q", m, got, want)
		}
	}
}

// TestPageOfAComparison: all that a comparison prints: the machine, each rule with its differences, what is settled,
// what was not asked, the most frequent first, and the counts.
func TestPageOfAComparison(t *testing.T) {
	answer := func(status string, out replay.Fields) replay.Answer { return replay.Answer{Status: status, Out: out} }
	r := &replay.Report{
		Header: replay.Header{Date: "2026-01-02", Tokens: "own", System: replay.System{Product: "Windows 10.0, server",
			Build: 20348, Revision: 7, Architecture: "amd64"}},
		Counts: replay.Counts{Same: 1, Known: 2, Unexplained: 3, Apart: 4, Skipped: 5},
		Skips:  map[string]int{"no time": 2, "a right": 2, "much": 30},
		Differences: []replay.Difference{
			{Case: "b", Line: 3, Thread: "p/1", Call: "NtClose", In: replay.Fields{"Handle": "<1>", "token": "x", "n": nil},
				Rules: []string{"O-2"}, Theirs: answer("A", replay.Fields{"x": 1}), Ours: answer("B", nil)},
			{Case: "a", Call: "Ask", Rules: []string{"O-1", "O-2"}, Theirs: answer("C", nil), Ours: answer("D", nil),
				Observed: true, Caveat: "a choice"},
			{Case: "c", Call: "Ask", Theirs: answer("E", replay.Fields{"n": nil}), Absent: true,
				Ours: answer("F", replay.Fields{"y": "z"})},
		},
		Settles: []replay.Settled{{Rule: "A-1", Decided: "so", Confirmed: 2}, {Rule: "A-2", Decided: "or so", Confirmed: 1,
			Contradict: 1}},
	}
	const want = `Windows 10.0, server build 20348.7 amd64, 2026-01-02, tokens own

no rule: no row in docs/CAVEATS.md
  c (known) Ask
    theirs E
    ours   F {"y":"z"}

O-1: docs/CAVEATS.md: a choice
  a (known, as the observed profile) Ask
    theirs C
    ours   D

O-2: no row in docs/CAVEATS.md
  b, line 3, p/1 (differs) NtClose {"Handle":"<1>"}
    theirs A {"x":1}
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
		t.Errorf("%v, of Wine:\n%s", err, out.String())
	}
}

// TestMergedParts: a descriptor that is written offline takes the parts that are given, with their control bits, and
// keeps the others with theirs; where the file has no descriptor, all three parts must be given (F-171).
func TestMergedParts(t *testing.T) {
	const now = "O:BAG:SYD:PAI(A;;FA;;;BA)S:AI(AU;SA;FW;;;WD)"
	for given, want := range map[string]string{
		"O:BU":                          "O:BUG:SYD:PAI(A;;FA;;;BA)S:AI(AU;SA;FW;;;WD)",
		"G:BU":                          "O:BAG:BUD:PAI(A;;FA;;;BA)S:AI(AU;SA;FW;;;WD)",
		"D:(A;;FR;;;WD)":                "O:BAG:SYD:(A;;FR;;;WD)S:AI(AU;SA;FW;;;WD)",
		"D:ARAI(A;;FR;;;WD)":            "O:BAG:SYD:AI(A;;FR;;;WD)S:AI(AU;SA;FW;;;WD)",
		"S:PAR(AU;FA;FR;;;BA)":          "O:BAG:SYD:PAI(A;;FA;;;BA)S:P(AU;FA;FR;;;BA)",
		"O:BUG:BUD:(A;;FR;;;WD)S:":      "O:BUG:BUD:(A;;FR;;;WD)S:",
		"D:":                            "O:BAG:SYD:S:AI(AU;SA;FW;;;WD)",
		"O:SYG:SYD:P(A;;FW;;;WD)S:PARP": "O:SYG:SYD:P(A;;FW;;;WD)S:P",
	} {
		d, err := sddl.Parse(given)
		if err != nil {
			t.Fatalf("%s: %v", given, err)
		}
		was, err := sddl.Parse(now)
		if err != nil {
			t.Fatal(err)
		}
		got, err := (&kept{path: "f", now: was}).merged(d)
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		if text, err := sddl.Format(got, sddl.Options{}); err != nil || text != want {
			t.Errorf("%s: %s, want %s, %v", given, text, want, err)
		}
		whole := !d.Owner().IsZero() && !d.Group().IsZero() && d.Control()&sd.DACLPresent != 0
		if alone, err := (&kept{path: "f"}).merged(d); whole != (err == nil) || whole && alone != d ||
			!whole && (alone != nil || err.Error() != "f: its attribute cannot be read: name owner, group and DACL") {
			t.Errorf("%s where there was none: %v, %v", given, alone, err)
		}
	}
}
