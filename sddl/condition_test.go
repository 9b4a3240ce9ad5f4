package sddl_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// A SACL with entries of a DACL can be printed, but not parsed (S-46).
func TestEntryOfOtherListIsOnlyPrinted(t *testing.T) {
	l := check.Must(sd.NewACL(check.Must(sd.NewACE(sd.AccessAllowed, 0, 1, sid.Everyone))))
	text := check.Must(sddl.Format(sd.New(sd.Parts{SACL: l}), sddl.Options{}))
	check.That(t, check.Err(sddl.Parse(text)) != nil, "%s was parsed, want an error", text)
}

// SIDs in conditions and attributes are printed like others: as an alias in the domain of the options, otherwise in
// full. Both forms parse to the same bytes.
func TestConditionSIDsPrintAsAliases(t *testing.T) {
	domain, other := sid.MustParse("S-1-5-21-1-2-3"), sid.MustParse("S-1-5-21-7-8-9")
	for _, of := range []sid.SID{{}, domain, other} {
		name := "S-1-5-21-1-2-3-513"
		if of == domain {
			name = "DU"
		}
		want := fmt.Sprintf(`O:%[1]sG:%[1]sD:(XA;;CC;;;%[1]s;(Member_of {SID(%[1]s)}))S:(RA;;;;;WD;("a",TD,0x0,%[1]s))`, name)
		full := strings.ReplaceAll(want, "(DU)", "(S-1-5-21-1-2-3-513)")
		d, err := sddl.Parse(want, sddl.Options{Domain: of})
		check.RequireThat(t, err == nil, "%v %v", full, err)
		if got, err := sddl.Format(d, sddl.Options{Domain: of}); err != nil || got != want {
			t.Errorf("domain %v: printed %s, %v, want %s", of, got, err, want)
		}
		if of == domain {
			_, err := sddl.Parse(want, sddl.Options{Domain: other})
			check.That(t, err == nil, "parsing with the alias of another domain: %v, want no error", err)
			_, err = sddl.Parse(want)
			check.That(t, err != nil, "an alias without a domain was parsed, want an error")
		}
	}
}
