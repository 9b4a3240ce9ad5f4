package shares_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// TestSharesecOutputIsParsed: ParseSecurity reads the output of sharesec with FULL, CHANGE, READ, letters and
// numbers.
func TestSharesecOutputIsParsed(t *testing.T) {
	const printed = "REVISION:1\nCONTROL:SR|DP\nOWNER:\nGROUP:\nACL:S-1-5-21-1-2-3-4:DENIED/OI|CI/RW\n" +
		"ACL:S-1-5-11:ALLOWED/0x0/READ\nACL:S-1-1-0:ALLOWED/I/CHANGE\nACL:S-1-5-18:0/0x0/FULL\nACL:S-1-5-2:1/0x3/0x00000040\n"
	d := must(shares.ParseSecurity([]byte(printed), ""))
	const want = "D:(D;OICI;0x12019f;;;S-1-5-21-1-2-3-4)(A;;0x1200a9;;;AU)(A;ID;0x1301ff;;;WD)(A;;FA;;;SY)(D;OICI;DT;;;NU)"
	if got, err := sddl.Format(d, sddl.Options{}); err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	two := "[a]\n" + printed + "\n[b]\nREVISION:1\nACL:S-1-1-0:ALLOWED/0x0/XDPO\n\n"
	check.Equal(t, must(sddl.Format(must(shares.ParseSecurity([]byte(two), "B")), sddl.Options{})),
		"D:(A;;0x1f00a0;;;WD)", "b of two")
	if !shares.IsSecurity([]byte(two)) || !shares.IsSecurity([]byte(printed)) ||
		shares.IsSecurity([]byte("[a]\npath = /\n")) {
		t.Error("which file is sharesec's?")
	}
}

// FuzzSecurity: no panic, and a parsed descriptor can be printed.
func FuzzSecurity(f *testing.F) {
	f.Add("[a]\nREVISION:1\nACL:S-1-1-0:ALLOWED/0x0/FULL\n", "a")
	f.Add("REVISION:1\nACL:S-1-1-0:1/OI|IO/RWXDPO\n", "")
	f.Fuzz(func(t *testing.T, text, name string) {
		bounded.Run(t, len(text), func() {
			if d, err := shares.ParseSecurity([]byte(text), name); err == nil {
				if _, err := sddl.Format(d, sddl.Options{}); err != nil {
					t.Error(err)
				}
			}
		})
	})
}

// TestMalformedSharesecLineIsRejected: each part of an entry has its forms, and another form is refused with its line.
func TestMalformedSharesecLineIsRejected(t *testing.T) {
	security := func(entry string) (string, error) {
		d, err := shares.ParseSecurity([]byte("REVISION:1\nACL:"+entry+"\n"), "")
		if err != nil {
			return "", err
		}
		return sddl.Format(d, sddl.Options{})
	}
	for entry, want := range map[string]string{
		"S-1-1-0:ALLOWED/0x0/R": "D:(A;;FR;;;WD)", "S-1-1-0:DENIED/0/W": "D:(D;;FW;;;WD)", "S-1-1-0:0/0/X": "D:(A;;FX;;;WD)",
		"S-1-1-0:1/0/D": "D:(D;;SD;;;WD)", "S-1-1-0:ALLOWED/0/P": "D:(A;;WD;;;WD)", "S-1-1-0:ALLOWED/0/O": "D:(A;;WO;;;WD)",
		"S-1-1-0:ALLOWED/OI/1": "D:(A;OI;CC;;;WD)", "S-1-1-0:ALLOWED/CI/1": "D:(A;CI;CC;;;WD)",
		"S-1-1-0:ALLOWED/NP/1": "D:(A;NP;CC;;;WD)", "S-1-1-0:ALLOWED/IO/1": "D:(A;IO;CC;;;WD)",
		"S-1-1-0:ALLOWED/I/0xFFFFFFFF": "D:(A;ID;0xffffffff;;;WD)", "S-1-1-0:ALLOWED/OI|CI|IO/1": "D:(A;OICIIO;CC;;;WD)",
		"S-1-1-0:ALLOWED/0/PO": "D:(A;;WDWO;;;WD)",
	} {
		if got, err := security(entry); got != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", entry, got, err, want)
		}
	}
	for entry, want := range map[string]string{
		"S-1-1-0": "want SID:TYPE/flags/rights", "S-1-1-0:ALLOWED/0": "want SID:TYPE/flags/rights",
		"S-1-1-0:ALLOWED/0/1/2": "want SID:TYPE/flags/rights", "EVERYONE:ALLOWED/0/1": "ask sharesec for numbers",
		"S-1-1-0:2/0/1": `type "2": want ALLOWED or DENIED`, "S-1-1-0:ALLOWED/256/1": "want OI, CI, NP, IO or I",
		"S-1-1-0:ALLOWED/OI|/1": "want OI, CI, NP, IO or I", "S-1-1-0:ALLOWED/0/0x100000000": `rights "0x100000000"`,
		"S-1-1-0:ALLOWED/0/full": `rights "full"`,
	} {
		if _, err := security(entry); err == nil || !strings.HasPrefix(err.Error(), "line 2: ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want line 2 and %s", entry, err, want)
		}
	}
	many := func(n int) []byte { return []byte("REVISION:1\n" + strings.Repeat("ACL:S-1-1-0:ALLOWED/0/1\n", n)) }
	if d, err := shares.ParseSecurity(many(1000), ""); err != nil || d.DACL().Len() != 1000 {
		t.Errorf("%v", err)
	}
	if _, err := shares.ParseSecurity(many(1<<12+1), ""); err == nil ||
		err.Error() != "line 4098: more than 4096 entries" {
		t.Errorf("%v", err)
	}
	if shares.IsSecurity(nil) || shares.IsSecurity([]byte("[a]\n\n")) ||
		!shares.IsSecurity([]byte("\n[a]\n \nREVISION:1")) {
		t.Error("an empty file is sharesec's, or one with blank lines is not")
	}
	// The entries of another share are not read.
	d := must(shares.ParseSecurity([]byte("[a]\nREVISION:1\nACL:S-1-1-0:ALLOWED/0/1\n[b]\nREVISION:1\nACL:S-1-5-11:"+
		"DENIED/0/2\n"), "b"))
	check.Equal(t, must(sddl.Format(d, sddl.Options{})), "D:(D;;DC;;;AU)", "the second share")
}
