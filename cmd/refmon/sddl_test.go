package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestDescriptorOutputShowsEveryEntry checks the complete output for a descriptor: owner and group, control bits, each
// entry with effect, rights, object types and flags, and both forms of it. Entries count from 1 (U-131).
func TestDescriptorOutputShowsEveryEntry(t *testing.T) {
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
  1  access allowed object    S-1-5-32-544 (Administrators)  0x00000100 FILE_WRITE_ATTRIBUTES  on ` +
				`12345678-0000-0000-0000-000000000001, for children of class 12345678-0000-0000-0000-000000000002  ` +
				`container-inherit  inherit-only
  2  access denied            S-1-1-0 (Everyone)             0x00010002 FILE_WRITE_DATA|DELETE  object-inherit  ` +
				`no-propagate  inherited
  3  access allowed callback  S-1-5-32-545 (Users)           0x001f01ff FA
  4  access allowed           S-1-5-21-1-2-3-1107            0x00020019 KR  object-inherit  container-inherit

SACL: 5 entries, revision 2, 108 bytes
  1  system audit             S-1-1-0 (Everyone)                   0x00120116 FW  success  failure
  2  system audit             S-1-1-0 (Everyone)                   0x00000001 FILE_READ_DATA  failure
  3  system mandatory label   S-1-16-12288 (High Mandatory Level)  0x00000003 no-write-up no-read-up
  4  system mandatory label   S-1-16-4096 (Low Mandatory Level)    0x00000004 no-execute-up
  5  system scoped policy id  S-1-17-1                             0x00000000

`},
		{[]string{"--type", "process", "D:(A;;0x11;;;SY)S:"}, `owner    none
group    none
control  0x8014 DACL-present SACL-present self-relative

DACL: 1 entry, revision 2, 28 bytes
  1  access allowed  S-1-5-18 (SYSTEM)  0x00000011 PROCESS_TERMINATE|PROCESS_VM_READ

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
		code, out, errs := runLine(append([]string{"sddl"}, c.args...)...)
		page, rest, _ := strings.Cut(out, "sddl    ")
		if code != 0 || errs != "" || page != c.page {
			t.Errorf("%q: exit code %d, errors %q, page\n%swant 0, no errors, and\n%s",
				c.args, code, errs, page, c.page)
			continue
		}
		text, hex, ok := strings.Cut(strings.TrimSuffix(rest, "\n"), "\nhex     ")
		hex, coded, _ := strings.Cut(hex, "\nbase64  ")
		text = strings.TrimSpace(text)
		domain := check.Must(sid.Parse("S-1-5-21-7-8-9"))
		asText, err := sddl.Parse(text, sddl.Options{Domain: domain})
		check.That(t, err == nil && ok && fmt.Sprintf("%x", asText.Binary()) == hex,
			"%q: text %s and bytes %s differ, %v, want the same descriptor", c.args, text, hex, err)
		args := append([]string{"sddl"}, c.args...)
		for _, binary := range []string{hex, coded, "nTSecurityDescriptor:: " + coded[:20] + "\n " + coded[20:]} {
			args[len(args)-1] = binary
			if code, again, _ := runLine(args...); code != 0 || again != out {
				t.Errorf("%q: output for its bytes %s, want the same as for its text\n%s", c.args, binary, again)
			}
		}
	}
}

// On a terminal no SID and no name of a right is broken (U-123).
func TestDescriptorFitsTerminal(t *testing.T) {
	var out, errs bytes.Buffer
	std := &streams{out: &out, err: &errs, width: 80}
	const text = "D:(D;;0x116;;;S-1-5-21-1111111111-2222222222-3333333333-1107)(A;;FR;;;WD)"
	if code := run([]string{"sddl", text}, std); code != 0 {
		t.Fatalf("exit code %d, %s", code, &errs)
	}
	page, _, _ := strings.Cut(out.String(), "\nsddl ")
	for line := range strings.Lines(page) {
		check.That(t, len(line) <= 81, "%d columns, want at most 80: %s", len(line)-1, line)
	}
	for _, whole := range []string{"S-1-5-21-1111111111-2222222222-3333333333-1107\n", "FILE_WRITE_DATA|FILE_APPEND_DATA|",
		"FILE_WRITE_ATTRIBUTES\n", " 0x00120089 FR\n"} {
		check.That(t, strings.Contains(page, whole), "no %q in\n%s", whole, page)
	}
	out.Reset()
	p := &descriptorPage{std: std, typ: winnt.FileObject, nameOf: func(sid.SID) string { return "J\näger" }}
	const row = "\nDACL: 1 entry, revision 2, 28 bytes\n  1  access allowed  S-1-1-0 (J\ufffdäger)  0x00120089 FR\n"
	std.width = 52 // of the row, in characters
	check.NoError(t, p.list("DACL", sddl.MustParse("D:(A;;FR;;;WD)").DACL(), true, ""))
	check.Equal(t, out.String(), row, "list that just fits")
}

// TestEachControlBitAndFlagIsNamed checks that each control bit and each entry flag has its own word ([MS-DTYP] 2.4.6
// and 2.4.4.1).
func TestEachControlBitAndFlagIsNamed(t *testing.T) {
	for i, word := range []string{"owner-defaulted", "group-defaulted", "DACL-present", "DACL-defaulted", "SACL-present",
		"SACL-defaulted", "DACL-trusted", "server-security", "DACL-auto-inherit-request", "SACL-auto-inherit-request",
		"DACL-auto-inherited", "SACL-auto-inherited", "DACL-protected", "SACL-protected", "RM-control-valid",
		"self-relative"} {
		if got, want := controlNames(1<<i), fmt.Sprintf("0x%04x %s", 1<<i, word); got != want {
			t.Errorf("control bit %d: %q, want %q", i, got, want)
		}
	}
	check.Equal(t, controlNames(0), "0x0000", "no control bit")
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
		check.Equal(t, labelNames(winnt.AccessMask(m)), want, "label %d", m)
	}
}
