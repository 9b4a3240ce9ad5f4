package shares_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// TestSharesecOutputIsParsed checks that ParseSecurity reads the output of sharesec with FULL, CHANGE, READ, letters
// and numbers. It reads one share of several, and needs no name for the only one.
func TestSharesecOutputIsParsed(t *testing.T) {
	const printed = "REVISION:1\nCONTROL:SR|DP\nOWNER:\nGROUP:\nACL:S-1-5-21-1-2-3-4:DENIED/OI|CI/RW\n" +
		"ACL:S-1-5-11:ALLOWED/0x0/READ\nACL:S-1-1-0:ALLOWED/I/CHANGE\nACL:S-1-5-18:0/0x0/FULL\nACL:S-1-5-2:1/0x3/0x00000040\n"
	const two = "[a]\n" + printed + "\n[b]\nREVISION:1\nACL:S-1-1-0:ALLOWED/0x0/XDPO\n\n"
	const want = "D:(D;OICI;0x12019f;;;S-1-5-21-1-2-3-4)(A;;0x1200a9;;;AU)(A;ID;0x1301ff;;;WD)(A;;FA;;;SY)(D;OICI;DT;;;NU)"
	for _, c := range [][3]string{{printed, "", want}, {"[a]\n" + printed, "", want}, {two, "A", want},
		{two, "b", "D:(A;;0x1f00a0;;;WD)"}} {
		got := check.Must(sddl.Format(check.Must(shares.ParseSecurity([]byte(c[0]), c[1])), sddl.Options{}))
		check.Equal(t, got, c[2], "share %q of %q", c[1], c[0])
	}
	for file, want := range map[string]bool{two: true, printed: true, "\n[a]\n \nREVISION:1": true, "": false,
		"[a]\n\n": false, "[a]\npath = /\n": false} {
		check.Equal(t, shares.IsSecurity([]byte(file)), want, "%q is the output of sharesec", file)
	}
}

// FuzzSecurity checks that no text causes a panic, and that a parsed descriptor can be printed.
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

// TestMalformedSharesecLineIsRejected checks that an unknown form of each part of an entry is an error with its line.
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
		got, err := security(entry)
		check.That(t, got == want && err == nil, "%s: %s, %v, want %s", entry, got, err, want)
	}
	for entry, want := range map[string]string{
		"S-1-1-0": "want SID:TYPE/flags/rights", "S-1-1-0:ALLOWED/0": "want SID:TYPE/flags/rights",
		"S-1-1-0:ALLOWED/0/1/2": "want SID:TYPE/flags/rights", "EVERYONE:ALLOWED/0/1": "ask sharesec for numbers",
		":ALLOWED/0/1":  "ask sharesec for numbers",
		"S-1-1-0:2/0/1": `type "2": want ALLOWED or DENIED`, "S-1-1-0:ALLOWED/256/1": "want OI, CI, NP, IO or I",
		"S-1-1-0:ALLOWED/OI|/1": "want OI, CI, NP, IO or I", "S-1-1-0:ALLOWED/0/0x100000000": `rights "0x100000000"`,
		"S-1-1-0:ALLOWED/0/full": `rights "full"`,
	} {
		_, err := security(entry)
		check.That(t, err != nil && strings.HasPrefix(err.Error(), "line 2: ") && strings.Contains(err.Error(), want),
			"%s: %v, want line 2 and %s", entry, err, want)
	}
	many := func(n int) []byte { return []byte("REVISION:1\n" + strings.Repeat("ACL:S-1-1-0:ALLOWED/0/1\n", n)) }
	d, err := shares.ParseSecurity(many(1000), "")
	check.That(t, err == nil && d.DACL().Len() == 1000, "1000 entries: %v", err)
	_, err = shares.ParseSecurity(many(1<<12), "")
	check.That(t, err != nil, "more entries than an ACL can hold are accepted, want an error")
	_, err = shares.ParseSecurity(many(1<<12+1), "")
	check.Equal(t, fmt.Sprint(err), "line 4098: more than 4096 entries", "too many entries")
}
