package token_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// AdmitPackage appends an entry for the package, also to an empty list, unless an entry without flags grants as much.
// It returns a nil list and a list without room unchanged (T-131).
func TestAdmitPackageAppendsEntry(t *testing.T) {
	pkg := sid.MustParse("S-1-15-2-1-2-3")
	const entry = "(A;;GA;;;S-1-15-2-1-2-3)"
	for before, after := range map[string]string{
		"D:": "D:" + entry, "D:(D;;GA;;;WD)(A;;GA;;;SY)": "D:(D;;GA;;;WD)(A;;GA;;;SY)" + entry,
		"D:" + entry: "D:" + entry, "D:(A;OI;GA;;;S-1-15-2-1-2-3)": "D:(A;OI;GA;;;S-1-15-2-1-2-3)" + entry,
		"D:(A;;GR;;;S-1-15-2-1-2-3)": "D:(A;;GR;;;S-1-15-2-1-2-3)" + entry,
	} {
		list := token.AdmitPackage(sddl.MustParse(before).DACL(), pkg, winnt.GENERIC_ALL)
		got := sd.New(sd.Parts{Control: sd.DACLPresent, DACL: list})
		check.That(t, got.Equal(sddl.MustParse(after)), "AdmitPackage(%s) = %x, want %s", before, got.Binary(), after)
	}
	if got := token.AdmitPackage(nil, pkg, winnt.GENERIC_ALL); got != nil {
		t.Errorf("AdmitPackage(nil) = a list of %d entries, want nil", got.Len())
	}
	large := check.Must(sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone, sd.ACEExtra{AppData: make([]byte, 65384)}))
	tail := check.Must(sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone, sd.ACEExtra{AppData: make([]byte, 80)}))
	full := check.Must(sd.NewACL(large, tail))
	if got := token.AdmitPackage(full, pkg, winnt.GENERIC_ALL); got != full {
		t.Errorf("AdmitPackage of a full list of %d bytes returned %d bytes, want the same list", full.Size(), got.Size())
	}
}

// LowBox charges the space of the longer default DACL (T-131).
func TestLowBoxChargesLongerDACL(t *testing.T) {
	a, _ := sd.NewACE(sd.AccessAllowed, 0, 1, userU) // 36 bytes
	list, _ := sd.NewACL(slices.Repeat([]sd.ACE{a}, 13)...)
	s := setup()
	s.DefaultDACL = list
	tok := must(t, s)
	n := lowbox(t, tok, "S-1-15-2-1-2-3-4-5-6-7")
	need := uint32(n.DefaultDACL().Size() + n.PrimaryGroup().Len())
	check.That(t, tok.DynamicCharged() == 500 && n.DynamicCharged() == need && need > 500 && n.DynamicAvailable() == 0,
		"charged %d, after LowBox %d, needed %d, available %d; want 500, %d, more than 500, 0", tok.DynamicCharged(),
		n.DynamicCharged(), need, n.DynamicAvailable(), need)
	if a := tok.DynamicAvailable(); a != 500-uint32(list.Size()+tok.PrimaryGroup().Len()) {
		t.Errorf("%d bytes are available, want %d", a, 500-uint32(list.Size()+tok.PrimaryGroup().Len()))
	}
}

// LowBox makes a primary token with at most Low integrity, the package and its capabilities. It rejects other SIDs
// and the token of an AppContainer (T-69).
func TestLowBoxLimitsToken(t *testing.T) {
	tok := must(t, setup()).WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityDelegation)
	n := lowbox(t, tok, "S-1-15-2-1-2-3", "S-1-15-3-1")
	if n.Integrity() != 0x1000 || n.Flags()&winnt.TOKEN_LOWBOX == 0 || n.Type() != winnt.TokenPrimary ||
		n.Level() != 0 || n.LowBoxNumber() != 4 || !n.CapabilityBits().Has(0) {
		t.Errorf("LowBox: integrity %#x, flags %#x, type %v, level %v, number %d; want 0x1000, LOWBOX, primary, "+
			"0, 4 and an enabled capability", n.Integrity(), n.Flags(), n.Type(), n.Level(), n.LowBoxNumber())
	}
	for _, bad := range []token.LowBoxSpec{
		{Package: sid.Everyone},
		{Package: sid.MustParse("S-1-15-3-1")},
		{Package: sid.MustParse("S-1-15-2-1-2-3"), Capabilities: []token.Group{{SID: sid.Everyone}}},
		{Package: sid.MustParse("S-1-15-2-1-2-3"), Capabilities: []token.Group{{SID: sid.MustParse("S-1-15-3-1"),
			Attributes: 0x100}}},
	} {
		_, st := tok.LowBox(bad)
		wantStatus(t, "T-69: LowBox with an invalid package or capability", st, ntstatus.InvalidParameter)
	}
	_, st := n.LowBox(token.LowBoxSpec{Package: sid.MustParse("S-1-15-2-9-9-9")})
	wantStatus(t, "LowBox of an AppContainer's token", st, ntstatus.InvalidParameter)
	withList := setup()
	withList.DefaultDACL = sddl.MustParse("D:(D;;GW;;;BG)(A;;GA;;;BA)").DACL()
	list := lowbox(t, must(t, withList), "S-1-15-2-1-2-3").DefaultDACL()
	text, _ := sddl.Format(sd.New(sd.Parts{DACL: list}), sddl.Options{})
	check.Equal(t, text, "D:(D;;GW;;;BG)(A;;GA;;;BA)(A;;GA;;;S-1-15-2-1-2-3)", "T-131: default DACL after LowBox")
	check.That(t, n.DefaultDACL() == nil,
		"T-131: default DACL after LowBox of a token without one: %v, want nil", n.DefaultDACL())
	for level, want := range map[uint32]uint32{0: 0, 0x800: 0x800, 0x1000: 0x1000, 0x1001: 0x1000, 0x1800: 0x1000,
		0x1FFF: 0x1000, 0x2100: 0x1000, 0x4000: 0x1000} {
		s := setup()
		s.Integrity = sid.IntegrityLevel(level)
		if n := lowbox(t, must(t, s), "S-1-15-2-1-2-3"); n.Integrity() != want {
			t.Errorf("T-69: LowBox of a token at level %#x: level %#x, want %#x", level, n.Integrity(), want)
		}
	}
	s := setup()
	s.Integrity = sid.SID{}
	if n := lowbox(t, must(t, s), "S-1-15-2-1-2-3"); n.Integrity() != 0 {
		t.Errorf("LowBox of a token without an integrity entry: level %#x, want 0", n.Integrity())
	}
}
