package token_test

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// WithOwner, WithPrimaryGroup and WithDefaultDACL accept only SIDs of the token and a list that fits, and set
// ModifiedID (TC-43, TC-44, TC-45).
func TestSettersCheckOwnerGroupAndDACL(t *testing.T) {
	tok := must(t, setup())
	_, st := tok.WithOwner(200, groupG1)
	wantStatus(t, "WithOwner(G1), a group without SE_GROUP_OWNER", st, ntstatus.InvalidOwner)
	n, st := tok.WithOwner(200, userU)
	wantStatus(t, "WithOwner(U)", st, ntstatus.Success)
	check.That(t, n.ModifiedID() == 200 && n.Owner() == userU,
		"after WithOwner: ModifiedID %v, owner %v; want 200, U", n.ModifiedID(), n.Owner())
	// A deny-only entry cannot be the owner, neither the user nor a group.
	for name, s := range map[string]sid.SID{"user": userU, "group": sid.Administrators} {
		spec := setup()
		spec.Groups = append(spec.Groups, token.Group{SID: sid.Administrators, Attributes: winnt.SE_GROUP_OWNER |
			winnt.SE_GROUP_ENABLED})
		able := must(t, spec)
		_, st = able.WithOwner(200, s)
		wantStatus(t, "WithOwner(the "+name+")", st, ntstatus.Success)
		narrow, _ := able.Filter(token.FilterSpec{Disable: []sid.SID{s}})
		_, st = narrow.WithOwner(200, s)
		wantStatus(t, "WithOwner(the deny-only "+name+")", st, ntstatus.InvalidOwner)
	}
	_, st = tok.WithPrimaryGroup(200, sid.Guests)
	wantStatus(t, "WithPrimaryGroup of a group that the token does not have", st, ntstatus.InvalidPrimaryGroup)
	var aces []sd.ACE
	for i := range 120 {
		a := check.Must(sd.NewACE(sd.AccessAllowed, 0, winnt.GENERIC_ALL, account(uint32(i))))
		aces = append(aces, a)
	}
	big := check.Must(sd.NewACL(aces...))
	check.That(t, tok.DynamicCharged() == 500 && tok.DynamicAvailable() == 500-16,
		"charged %d, available %d; want 500 and 484, because the primary group takes 16 bytes", tok.DynamicCharged(),
		tok.DynamicAvailable())
	_, st = tok.WithDefaultDACL(200, big)
	wantStatus(t, "WithDefaultDACL of 4 KiB", st, ntstatus.AllottedSpaceExceeded)
	if n, st = tok.WithDefaultDACL(200, nil); st != ntstatus.Success || n.DefaultDACL() != nil {
		t.Errorf("WithDefaultDACL(nil): %v, want %v and no default DACL", st, ntstatus.Success)
	}
}

// WithIntegrity sets the level, and the flag NOT_LOW follows it (TC-47, T-1).
func TestWithIntegritySetsLevelAndFlag(t *testing.T) {
	tok := must(t, setup())
	n, st := tok.WithIntegrity(200, sid.LowLevel)
	wantStatus(t, "WithIntegrity(Low)", st, ntstatus.Success)
	check.That(t, n.Flags()&winnt.TOKEN_NOT_LOW == 0 && tok.Flags()&winnt.TOKEN_NOT_LOW != 0 && n.Integrity() == 0x1000,
		"T-1: after WithIntegrity(Low): flags %#x, integrity %#x; want no NOT_LOW, 0x1000", n.Flags(), n.Integrity())
	if g := n.IntegrityLevel(); g.SID != sid.LowLevel || g.Attributes != 0x60 {
		t.Errorf("IntegrityLevel = %v, want %v with attributes 0x60", g, sid.LowLevel)
	}
	_, st = tok.WithIntegrity(200, sid.Everyone)
	wantStatus(t, "WithIntegrity(S-1-1-0)", st, ntstatus.InvalidParameter)
	bare := setup()
	bare.Integrity = sid.SID{}
	none := must(t, bare)
	check.That(t, none.Integrity() == 0 && none.IntegrityLevel().SID == sid.UntrustedLevel,
		"T-4: without an integrity entry: Integrity %#x, IntegrityLevel %v; want 0, Untrusted", none.Integrity(),
		none.IntegrityLevel().SID)
	n, st = none.WithIntegrity(200, sid.MediumPlusLevel)
	check.That(t, st == ntstatus.Success && n.Integrity() == 0x2100 && n.ModifiedID() == 200,
		"WithIntegrity(MediumPlus) of a token without an entry: %v, want %v, level 0x2100 and ModifiedID 200", st,
		ntstatus.Success)
}

// Each setter changes its field, and ModifiedID if its comment says so. The receiver does not change.
func TestSettersChangeOneField(t *testing.T) {
	tok := must(t, everything(t))
	before := tok.Spec()
	list, _ := sd.NewACL()
	with := func(n *token.Token, st ntstatus.Status) *token.Token {
		t.Helper()
		wantStatus(t, "setter", st, ntstatus.Success)
		return n
	}
	for _, c := range []struct {
		n    *token.Token
		want []string
	}{
		{with(tok.WithOwner(70, userU)), []string{"ModifiedID", "Owner"}},
		{with(tok.WithPrimaryGroup(70, userU)), []string{"ModifiedID", "PrimaryGroup"}},
		{with(tok.WithDefaultDACL(70, list)), []string{"ModifiedID", "DefaultDACL"}},
		{with(tok.WithDefaultDACL(70, nil)), []string{"ModifiedID", "DefaultDACL"}},
		{tok.WithSessionID(70, 2), []string{"ModifiedID", "SessionID"}},
		{with(tok.WithIntegrity(70, sid.LowLevel)), []string{"Groups", "ModifiedID", "Integrity"}},
		{with(tok.WithMandatoryPolicy(70, 1)), []string{"ModifiedID", "MandatoryPolicy"}},
		{tok.WithFlags(70, winnt.TOKEN_VIRTUALIZE_ALLOWED, 0), []string{"ModifiedID", "Flags"}},
		{tok.WithFlags(70, 0, winnt.TOKEN_UIACCESS), []string{"ModifiedID", "Flags"}},
		{tok.WithFlags(70, winnt.TOKEN_IS_FILTERED|winnt.TOKEN_IS_RESTRICTED, winnt.TOKEN_WRITE_RESTRICTED|
			winnt.TOKEN_SANDBOX_INERT), []string{"ModifiedID"}},
		{tok.WithTypeLevel(winnt.TokenPrimary, 0), []string{"Type", "Level"}},
	} {
		d := differs(c.n.Spec(), before)
		check.That(t, reflect.DeepEqual(d, c.want), "the setter changed %v, want %v", d, c.want)
		id := c.n.Spec().ModifiedID
		check.That(t, id == 70 || c.want[0] != "ModifiedID", "ModifiedID after the setter of %v = %v, want 70", c.want, id)
		d = differs(tok.Spec(), before)
		check.RequireThat(t, d == nil, "the receiver changed in %v, want no field", d)
	}
	if f := tok.WithFlags(70, winnt.TOKEN_VIRTUALIZE_ALLOWED, winnt.TOKEN_UIACCESS).Flags(); f&winnt.TOKEN_UIACCESS != 0 ||
		f&winnt.TOKEN_VIRTUALIZE_ALLOWED == 0 || f&winnt.TOKEN_SESSION_NOT_REFERENCED == 0 {
		t.Errorf("WithFlags that sets VIRTUALIZE_ALLOWED and clears UIACCESS: flags %#x", f)
	}
}
