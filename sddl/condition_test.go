package sddl_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// Conditions and resource attributes are encoded as in the documents (C-39, C-40, C-41, C-42, C-43, C-53).
func TestConditionsHaveDocumentedBytes(t *testing.T) {
	const ba, wd = "01020000000000052000000020020000", "010100000000000100000000"
	for _, c := range []struct{ id, text, hex string }{
		{"C-39", "D:(XA;;0x1f;;;AA;(@Device.legs >= 1))", "61727478fb080000006c00650067007300040100000000000000030285000000"},
		{"C-40", "D:(XA;;CC;;;WD;(Member_of SID(BA)))", "617274785110000000" + ba + "89" + "0000"},
		{"C-41", "D:(XA;;CC;;;WD;(Member_of_Any{SID(BA),SID(WD)}))", "61727478" + "5026000000" + "5110000000" + ba +
			"510c000000" + wd + "8b"},
		{"C-42", "D:(XA;;CC;;;WD;(@Resource.c == -1))", "61727478fa02000000630004ffffffffffffffff02028000"},
	} {
		t.Run(c.id, func(t *testing.T) {
			a := sddl.MustParse(c.text, opt).DACL().At(0)
			want, _ := hex.DecodeString(c.hex)
			for len(want)%4 != 0 {
				want = append(want, 0)
			}
			got := a.AppData()
			check.That(t, got == string(want), "encoded condition %x\nwant %x", got, want)
		})
	}
	d := sddl.MustParse(`S:(RA;;;;;WD;("a",TX,0,abc))`)
	// An octet string with an odd number of digits gets a leading zero (C-53).
	if v := d.SACL().Extra(0).Attribute; v == nil || string(v.Octets[0]) != "\x0a\xbc" {
		t.Errorf("C-53: resource attribute = %+v, want the octets 0a bc", v)
	}
}

// An attribute after ! needs parentheses, and a list after an operator needs a space. Both are refused otherwise,
// because no recording shows that Windows accepts them (S-47). S-46 has one exception: a SACL with entries of a DACL
// can be printed, but not parsed.
func TestAmbiguousConditionTextIsRefused(t *testing.T) {
	for text, ok := range map[string]bool{
		`D:(XA;;FR;;;WD;(!(@User.a)))`: true, `D:(XA;;FR;;;WD;(!@User.a))`: false,
		`D:(XA;;FR;;;WD;(@User.a Contains {1}))`: true, `D:(XA;;FR;;;WD;(@User.a Contains{1}))`: false,
	} {
		_, err := sddl.Parse(text)
		check.That(t, (err == nil) == ok, "S-47: parsing %s: %v, want accepted = %t", text, err, ok)
	}
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
