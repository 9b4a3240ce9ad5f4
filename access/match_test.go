package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// A compound entry needs two matches: its client SID in the client's token, and its server SID in the process's token
// (AC-107).
func TestCompoundEntryNeedsBothSIDs(t *testing.T) {
	a, err := sd.NewACE(sd.AccessAllowedCompound, 0, 1, sid.LocalSystem, sd.ACEExtra{ClientSID: caseU})
	if err != nil {
		t.Fatal(err)
	}
	l, err := sd.NewACL(a)
	if err != nil {
		t.Fatal(err)
	}
	system := mustToken(t, token.Spec{User: token.Group{SID: sid.LocalSystem}})
	r := ask(t, "…", 1)
	r.Descriptor = sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: l})
	if d, _ := access.SeAccessCheck(r); d.Allowed() {
		t.Errorf("server SID not in the process's token: %+v, want a denial", d)
	}
	r.Subject.Primary = system
	if d, _ := access.SeAccessCheck(r); d.Granted != 1 {
		t.Errorf("server SID in the process's token: %+v, want granted 1", d)
	}
	for _, attributes := range []uint32{denyOnly, token.GroupDisabled} {
		r.Subject.Primary = mustToken(t, token.Spec{User: token.Group{SID: caseOther},
			Groups: []token.Group{{SID: sid.LocalSystem, Attributes: attributes}}})
		if d, _ := access.SeAccessCheck(r); d.Allowed() { // the server SID must be enabled
			t.Errorf("A-70: server SID with attributes %#x: %+v, want a denial", attributes, d)
		}
	}
	r.Subject.Primary, r.Subject.Client = system, system
	if d, _ := access.SeAccessCheck(r); d.Allowed() {
		t.Errorf("client SID not in the client's token: %+v, want a denial", d)
	}
	for self, want := range map[sid.SID]bool{caseU: true, caseOther: false} { // the client SID may be SELF
		if a, err = sd.NewACE(sd.AccessAllowedCompound, 0, 1, sid.LocalSystem,
			sd.ACEExtra{ClientSID: sid.PrincipalSelf}); err != nil {
			t.Fatal(err)
		}
		if l, err = sd.NewACL(a); err != nil {
			t.Fatal(err)
		}
		r := ask(t, "…", 1)
		r.Subject.Primary, r.Self = system, self
		r.Descriptor = sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: l})
		if d, _ := access.SeAccessCheck(r); d.Allowed() != want {
			t.Errorf("A-3: client SID SELF, which is %v: %+v, want allowed %t", self, d, want)
		}
	}
}

// An entry for SELF that grants nothing makes the check resolve the SID of every entry. It does not change a decision
//
func TestSelfEntryChangesNoDecision(t *testing.T) {
	nothing, err := sd.NewACE(sd.AccessAllowed, 0, 0, sid.PrincipalSelf)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range append(plainCases[:len(plainCases):len(plainCases)], stageCases...) {
		r := c.request(t)
		if r.Descriptor == nil || !r.Descriptor.HasDACL() || !r.Self.IsZero() {
			continue
		}
		p := r.Descriptor.Parts()
		if p.DACL, err = sd.NewACL(append(p.DACL.Slice(), nothing)...); err != nil {
			t.Fatal(err)
		}
		r.Descriptor, r.Self = sd.New(p), sid.MustParse("S-1-5-21-7-7-7-7777")
		if got, err := access.SeAccessCheck(r); err != nil || got != c.wanted() {
			t.Errorf("A-3: %s with an entry for SELF: %+v, %v; want %+v", c.id, got, err, c.wanted())
		}
	}
}
