package sddl_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

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
