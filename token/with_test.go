package token_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

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
	untrusted := token.Group{SID: sid.UntrustedLevel, Attributes: 0x60}
	check.That(t, none.Integrity() == 0 && none.IntegrityLevel() == untrusted,
		"T-4: without an integrity entry: Integrity %#x, IntegrityLevel %v; want 0, Untrusted", none.Integrity(),
		none.IntegrityLevel())
	n, st = none.WithIntegrity(200, sid.MediumPlusLevel)
	check.That(t, st == ntstatus.Success && n.Integrity() == 0x2100 && n.ModifiedID() == 200,
		"WithIntegrity(MediumPlus) of a token without an entry: %v, want %v, level 0x2100 and ModifiedID 200", st,
		ntstatus.Success)
}

// A setter accepts a value that just fits into DynamicCharged. A token's originating logon cannot be
// set again.
func TestSettersCheckSpaceAndLogon(t *testing.T) {
	empty := sddl.MustParse("D:").DACL()
	s := setup()
	s.PrimaryGroup, s.OriginatingLogon, s.DynamicCharged = userU, 7, uint32(userU.Len())
	tok := must(t, s)
	_, st := tok.WithPrimaryGroup(200, userU)
	wantStatus(t, "WithPrimaryGroup that just fits", st, ntstatus.Success)
	_, st = tok.WithDefaultDACL(200, empty)
	wantStatus(t, "WithDefaultDACL that does not fit", st, ntstatus.AllottedSpaceExceeded)
	s.DynamicCharged += uint32(empty.Size())
	_, st = must(t, s).WithDefaultDACL(200, empty)
	wantStatus(t, "WithDefaultDACL that just fits", st, ntstatus.Success)
	for _, logon := range []winnt.LUID{0, 7, 8} {
		_, st = tok.WithOriginatingLogon(200, logon)
		wantStatus(t, fmt.Sprintf("WithOriginatingLogon(%d) after 7", logon), st, ntstatus.InvalidParameter)
	}
}
