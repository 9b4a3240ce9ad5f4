package token_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestFilteredSaysWhetherSomethingWent: a token is marked filtered when something
// was taken from it, whatever that is, and not when there was nothing to take
// (T-64).
func TestFilteredSaysWhetherSomethingWent(t *testing.T) {
	s := setup()
	s.Groups = append(s.Groups, token.Group{SID: sid.Administrators, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY})
	s.UserClaims = claimsOf(t, attr("u", 0, 1), attr("off", claims.FlagDisabled|claims.FlagDisabledByDefault, 1))
	s.DeviceClaims = claimsOf(t, attr("d", 0, 1))
	s.DeviceGroups = []token.Group{{SID: groupG1, Attributes: token.GroupDefault}}
	tok := must(t, s)
	bare := must(t, setup())
	high := setup()
	high.Integrity, high.Privileges, high.EnabledPrivileges, high.DefaultPrivileges = sid.HighLevel, 0, 0, 0
	for _, c := range []struct {
		name  string
		of    *token.Token
		f     token.FilterSpec
		taken bool
	}{
		{"nothing", tok, token.FilterSpec{}, false},
		{"a group", tok, token.FilterSpec{Disable: []sid.SID{groupG1}}, true},
		{"the user", tok, token.FilterSpec{Disable: []sid.SID{userU}}, true},
		{"a group that is not there, then one that is", tok, token.FilterSpec{Disable: []sid.SID{sid.Guests, groupG2}}, true},
		{"a group that is not there", tok, token.FilterSpec{Disable: []sid.SID{sid.Guests}}, false},
		{"a group that is deny-only already", tok, token.FilterSpec{Disable: []sid.SID{sid.Administrators}}, false},
		{"the integrity entry", tok, token.FilterSpec{Disable: []sid.SID{sid.MediumLevel}}, false},
		{"a privilege", tok, token.FilterSpec{Delete: winnt.SeShutdownPrivilege.Bit()}, true},
		{"a privilege that is not held", tok, token.FilterSpec{Delete: winnt.SeTcbPrivilege.Bit()}, false},
		{"all privileges but one", tok, token.FilterSpec{Flags: winnt.DISABLE_MAX_PRIVILEGE}, true},
		{"a restriction", tok, token.FilterSpec{Restrict: restricting(sid.Everyone)}, true},
		{"inert", tok, token.FilterSpec{Flags: winnt.SANDBOX_INERT}, false},
		{"write-restricted without a list", tok, token.FilterSpec{Flags: winnt.WRITE_RESTRICTED}, false},
		{"limited, and nothing is administrative", tok, token.FilterSpec{Flags: winnt.LUA_TOKEN}, false},
		{"limited, from High", must(t, high), token.FilterSpec{Flags: winnt.LUA_TOKEN}, true},
		{"all user claims", tok, token.FilterSpec{DropUserClaims: true}, true},
		{"all device claims", tok, token.FilterSpec{DropDeviceClaims: true}, true},
		{"all claims of none", bare, token.FilterSpec{DropUserClaims: true, DropDeviceClaims: true}, false},
		{"a user claim", tok, token.FilterSpec{DisableUserClaims: []string{"U"}}, true},
		{"a user claim that is off", tok, token.FilterSpec{DisableUserClaims: []string{"off"}}, false},
		{"a user claim that is not there", tok, token.FilterSpec{DisableUserClaims: []string{"d"}}, false},
		{"a device claim", tok, token.FilterSpec{DisableDeviceClaims: []string{"d"}}, true},
		{"a device claim that is not there", tok, token.FilterSpec{DisableDeviceClaims: []string{"u"}}, false},
		{"a device group", tok, token.FilterSpec{DisableDevice: []sid.SID{groupG1}}, true},
		{"a device group that is not there", tok, token.FilterSpec{DisableDevice: []sid.SID{groupG2}}, false},
		{"a device group of none", bare, token.FilterSpec{DisableDevice: []sid.SID{groupG1}}, false},
		{"restricted device groups", tok, token.FilterSpec{RestrictDevice: restricting(groupG2)}, true},
		{"restricted user claims", tok, token.FilterSpec{RestrictUserClaims: []string{}}, true},
		{"restricted device claims", tok, token.FilterSpec{RestrictDeviceClaims: []string{"d"}}, true},
	} {
		n := filter(t, c.of, c.f)
		if n.IsFiltered() != c.taken {
			t.Errorf("T-64: %s: filtered %t", c.name, n.IsFiltered())
		}
		if inert := c.f.Flags&winnt.SANDBOX_INERT != 0; n.SandboxInert() != inert {
			t.Errorf("%s: inert %t", c.name, n.SandboxInert())
		}
		if c.f.DropUserClaims && n.UserClaims().Len() != 0 || c.f.DropDeviceClaims && n.DeviceClaims().Len() != 0 ||
			!c.f.DropUserClaims && n.UserClaims().Len() != c.of.UserClaims().Len() ||
			!c.f.DropDeviceClaims && n.DeviceClaims().Len() != c.of.DeviceClaims().Len() {
			t.Errorf("T-67: %s: %d and %d claims", c.name, n.UserClaims().Len(), n.DeviceClaims().Len())
		}
	}
}

// TestDeviceEntriesOfOneSID: entries of one SID match if one of them does; a
// disabled one matches nothing, a deny-only one denies; a filter reaches each.
func TestDeviceEntriesOfOneSID(t *testing.T) {
	const on, off, deny = token.GroupDefault, winnt.SE_GROUP_ENABLED_BY_DEFAULT, winnt.SE_GROUP_USE_FOR_DENY_ONLY
	for _, c := range []struct {
		attributes  []uint32
		allow, deny bool
	}{
		{[]uint32{on}, true, true}, {[]uint32{off}, false, false}, {[]uint32{deny}, false, true},
		{[]uint32{off, on}, true, true}, {[]uint32{off, deny}, false, true}, {[]uint32{deny, on}, true, true},
		{[]uint32{on, off}, true, true}, {[]uint32{off, off}, false, false}, {[]uint32{off, off, deny}, false, true},
	} {
		s := setup()
		for _, a := range c.attributes {
			s.DeviceGroups = append(s.DeviceGroups, token.Group{SID: groupG2, Attributes: winnt.SE_GROUP_ENABLED},
				token.Group{SID: groupG1, Attributes: a})
		}
		tok := must(t, s)
		if a, d := inDevice(tok, groupG1); a != c.allow || d != c.deny {
			t.Errorf("A-116: %#x: allows %t, denies %t", c.attributes, a, d)
		}
		n := filter(t, tok, token.FilterSpec{DisableDevice: []sid.SID{groupG1}})
		if a, d := inDevice(n, groupG1); a || !d {
			t.Errorf("T-67: %#x filtered: allows %t, denies %t", c.attributes, a, d)
		}
		for i, g := range slices.Collect(groupsOf(n.DeviceGroups())) {
			if g.SID == groupG1 && g.Attributes&(winnt.SE_GROUP_ENABLED|winnt.SE_GROUP_ENABLED_BY_DEFAULT|deny) != deny ||
				g.SID == groupG2 && g.Attributes != winnt.SE_GROUP_ENABLED {
				t.Errorf("T-67: entry %d of %#x filtered: %#x", i, c.attributes, g.Attributes)
			}
			was := c.attributes[i/2]
			if g.SID == groupG1 && (g.Attributes^was)&winnt.SE_GROUP_MANDATORY != 0 {
				t.Errorf("T-67: the mandatory attribute stays: %#x", g.Attributes)
			}
		}
	}
}

func groupsOf(all func(func(int, token.Group) bool)) func(func(token.Group) bool) {
	return func(yield func(token.Group) bool) {
		all(func(_ int, g token.Group) bool { return yield(g) })
	}
}

// inDevice reports what a SID among the device's groups matches.
func inDevice(tok *token.Token, s sid.SID) (allow, deny bool) {
	i := tok.DeviceSet().Find(s.Hash(), s)
	return tok.DeviceBits().Has(i), tok.DeviceDenyBits().Has(i)
}

// TestFilterRefusesEachList: a wrong entry is refused wherever it stands, in both
// lists (T-63).
func TestFilterRefusesEachList(t *testing.T) {
	tok := must(t, setup())
	many := make([]token.Group, token.MaxGroups+1)
	for i := range many {
		many[i].SID = account(uint32(i))
	}
	for _, c := range []struct {
		name string
		list []token.Group
		want ntstatus.Status
	}{
		{"attributes", []token.Group{{SID: groupG1}, {SID: groupG2, Attributes: 4}}, ntstatus.InvalidParameter},
		{"no SID", []token.Group{{SID: groupG1}, {}}, ntstatus.InvalidParameter},
		{"too many", many, ntstatus.InvalidParameter},
		{"as many as there may be", many[1:], ntstatus.Success},
	} {
		for _, f := range []token.FilterSpec{{Restrict: c.list}, {RestrictDevice: c.list}} {
			n, st := tok.Filter(f)
			wantStatus(t, "T-63: "+c.name, st, c.want)
			if (n == nil) != (c.want != ntstatus.Success) {
				t.Errorf("%s: a token beside %v", c.name, st)
			}
		}
	}
}

// TestAdministrativeGroups: LUA_TOKEN looks at the whole SID: the same last number
// under another authority or in another place is an ordinary group (T-65).
func TestAdministrativeGroups(t *testing.T) {
	for text, want := range map[string]bool{
		"S-1-5-32-544": true, "S-1-5-32-547": true, "S-1-5-32-548": true, "S-1-5-32-549": true, "S-1-5-32-550": true,
		"S-1-5-32-551": true, "S-1-5-32-545": false, "S-1-5-32-546": false, "S-1-5-32-552": false, "S-1-5-32-543": false,
		"S-1-5-32-555": false,
		"S-1-1-32-544": false, "S-1-5-33-544": false, "S-1-5-32-1-544": false, "S-1-5-544": false,
		"S-1-5-21-1-2-3-512": true, "S-1-5-21-1-2-3-519": true, "S-1-5-21-1-2-3-498": true, "S-1-5-21-1-2-3-527": true,
		"S-1-5-21-1-2-3-513": false, "S-1-5-21-1-2-3-544": false, "S-1-5-22-1-2-3-512": false, "S-1-5-21-1-2-512": false,
		"S-1-5-21-1-2-3-4-512": false, "S-1-1-21-1-2-3-512": false, "S-1-5-21-512": false,
	} {
		s := setup()
		s.Groups = append(s.Groups, token.Group{SID: sid.MustParse(text), Attributes: token.GroupDefault})
		n := filter(t, must(t, s), token.FilterSpec{Flags: winnt.LUA_TOKEN})
		a, _ := attributes(t, n, sid.MustParse(text))
		if got := a&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0; got != want || n.IsFiltered() != want {
			t.Errorf("T-65: %s: deny-only %t, filtered %t", text, got, n.IsFiltered())
		}
	}
}

// TestRestrictingAgain: a token restricted in writing stays so when it is again, and
// is restricted whole when the second restriction is (T-64, T-68).
func TestRestrictingAgain(t *testing.T) {
	once := filter(t, must(t, setup()), token.FilterSpec{Flags: winnt.WRITE_RESTRICTED,
		Restrict: restricting(groupG1, groupG2)})
	twice := filter(t, once, token.FilterSpec{Flags: winnt.WRITE_RESTRICTED, Restrict: restricting(groupG1)})
	whole := filter(t, once, token.FilterSpec{Restrict: restricting(groupG1)})
	other := filter(t, once, token.FilterSpec{Flags: winnt.DISABLE_MAX_PRIVILEGE})
	if !once.WriteRestricted() || !twice.WriteRestricted() || whole.WriteRestricted() || !whole.IsRestricted() ||
		!other.WriteRestricted() {
		t.Errorf("T-64: %t, %t, %t, %t", once.WriteRestricted(), twice.WriteRestricted(), whole.WriteRestricted(),
			other.WriteRestricted())
	}
	if n := filter(t, must(t, setup()), token.FilterSpec{Flags: winnt.DISABLE_MAX_PRIVILEGE,
		Restrict: restricting(groupG1)}); n.WriteRestricted() {
		t.Error("T-64: another flag made it write-restricted")
	}
	// What a second list drops is listed once, and a third keeps it (T-68).
	s := whole.Spec()
	s = filter(t, must(t, s), token.FilterSpec{Restrict: restricting(sid.Guests)}).Spec()
	if len(s.Restricted) != 2 || s.Restricted[0].SID == s.Restricted[1].SID ||
		s.Restricted[0].Attributes != winnt.SE_GROUP_USE_FOR_DENY_ONLY {
		t.Errorf("T-68: %v", s.Restricted)
	}
}
