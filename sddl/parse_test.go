package sddl_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// Parsed descriptors are encoded as in the documents (S-25, S-42).
func TestParsedDescriptorsHaveDocumentedBytes(t *testing.T) {
	for _, c := range []struct{ id, text, hex string }{
		{"C-11", "O:BAG:SYD:(A;;GA;;;SY)",
			"010004803000000040000000000000001400000002001c00010000000000140000000010010100000000000512000000010200000" +
				"00000052000000020020000010100000000000512000000"},
		{"C-12", "D:", "0100048000000000000000000000000014000000" + "0200080000000000"},
		{"C-13", "S:", "0100108000000000000000001400000000000000" + "0200080000000000"},
		{"C-14", "", "0100008000000000000000000000000000000000"},
		{"C-58", "D:NO_ACCESS_CONTROL", "0100048000000000000000000000000000000000"},
	} {
		t.Run(c.id, func(t *testing.T) {
			d := check.Must(sddl.Parse(c.text, opt))
			got := hex.EncodeToString(d.Binary())
			check.That(t, got == c.hex, "encoded descriptor %s\nwant %s", got, c.hex)
			text, err := sddl.Format(d, opt)
			check.That(t, text == c.text && err == nil, "printed %q, %v, want %q, nil", text, err, c.text)
		})
	}
}

// The control bits come from the flags of the text (C-12, C-13, C-16, C-17).
func TestParsedControlBits(t *testing.T) {
	for text, want := range map[string]sd.Control{"D:": 0x8004, "S:": 0x8010, "S:D:P": 0x9014,
		"D:ARPAI(A;;GA;;;SY)": 0x9504} {
		got := sddl.MustParse(text).Control()
		check.That(t, got == want, "control bits of %s = %#x, want %#x", text, got, want)
	}
}

// Text that is not a section has its status. After a list it is a malformed entry, unless it starts with a letter and
// a colon. After a SID it is an unknown tag (S-43).
func TestMalformedSectionHasStatus(t *testing.T) {
	for text, want := range map[string]ntstatus.Status{
		"X:": ntstatus.InvalidParameter, "O:BAX:": ntstatus.InvalidParameter, "O:BA9:": ntstatus.InvalidParameter,
		"D:X:": ntstatus.InvalidParameter, "D:x:": ntstatus.InvalidParameter, "D:a:": ntstatus.InvalidParameter,
		"D:z:": ntstatus.InvalidParameter, "D:Z:": ntstatus.InvalidParameter, "S:Q:": ntstatus.InvalidParameter,
		"D:9:": ntstatus.InvalidACL, "D:@:": ntstatus.InvalidACL, "D:[:": ntstatus.InvalidACL, "D:{:": ntstatus.InvalidACL,
		"D:`:": ntstatus.InvalidACL, "D:X": ntstatus.InvalidACL, "D:XY": ntstatus.InvalidACL, "S:)": ntstatus.InvalidACL,
		"D:O:BAX": ntstatus.InvalidParameter, "D:D:": ntstatus.InvalidACL, "O:BAO:BA": ntstatus.InvalidACL,
	} {
		_, err := sddl.Parse(text)
		e := (*sddl.SyntaxError)(nil)
		check.That(t, errors.As(err, &e) && e.Status == want, "parsing %s: %v, want %v", text, err, want)
	}
}

// FuzzParse checks that printed text parses to the same descriptor, and that printing it again gives the same text
// (S-46).
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"O:BAG:SYD:PAI(A;OICI;FA;;;BA)(D;;0x123;;;WD)", // ordinary
		"D:NO_ACCESS_CONTROLS:",                        // NULL and empty lists
		"O:S-1-2-0x200D:",                              // the D belongs to the tag
		"D:(OA;CIIO;RP;4c164200-20c0-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;RU)",
		`D:(XA;;FX;;;WD;(@User.Title=="PM" && Member_of{SID(BA)}))`,
		`S:(RA;;;;;WD;("Dept",TS,0,"Fin"))(ML;;NWNR;;;LW)`,
		"D:(0x04;;;;;;#0300000001000000010100000000000512000000010100000000000100000000)", // our own form
		" D: P (a; oi; ga;;; wd ) ", // blanks and case
	} {
		f.Add(s)
	}
	o := sddl.Options{Domain: opt.Domain, Extended: true}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := sddl.Parse(text, o)
		if err != nil {
			return
		}
		printed, err := sddl.Format(d, o)
		check.RequireThat(t, err == nil, "printing the descriptor of %q: %v, want no error", text, err)
		again, err := sddl.Parse(printed, o)
		check.RequireThat(t, err == nil && string(again.Binary()) == string(d.Binary()),
			"%q was printed as %q, which parses differently: %v, want the same bytes", text, printed, err)
		twice, _ := sddl.Format(again, o)
		check.RequireThat(t, twice == printed, "%q was printed as %q, then as %q, want the same text", text, printed, twice)
	})
}
