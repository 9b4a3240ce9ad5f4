package token_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Filter without a change returns a child that is not marked as filtered. The child has the new ParentTokenID and
// ModifiedID (TC-23).
func TestFilterWithoutChangeIsNotMarked(t *testing.T) {
	tok := must(t, setup()).WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityIdentification)
	n := filter(t, tok, token.FilterSpec{ParentTokenID: parentID, ModifiedID: 7})
	// Type and level stay. The mark is set only if something was removed (T-64).
	if n.ParentTokenID() != parentID || n.IsFiltered() || n.ModifiedID() != 7 ||
		n.Level() != winnt.SecurityIdentification || n.Type() != winnt.TokenImpersonation {
		t.Errorf("Filter without a change: parent %v, filtered %v, ModifiedID %v, level %v; want %v, false, 7, %v",
			n.ParentTokenID(), n.IsFiltered(), n.ModifiedID(), n.Level(), parentID, winnt.SecurityIdentification)
	}
	// T-64: a filtered token that is filtered again keeps the mark and gets the new parent.
	taken := filter(t, tok, token.FilterSpec{Flags: winnt.DISABLE_MAX_PRIVILEGE, ParentTokenID: parentID})
	again := filter(t, taken, token.FilterSpec{ParentTokenID: parentID + 1, ModifiedID: 8})
	check.That(t, again.ParentTokenID() == parentID+1 && again.IsFiltered() && taken.ParentTokenID() == parentID,
		"T-64: parents %v and %v, filtered %v; want %v, %v, true", taken.ParentTokenID(), again.ParentTokenID(),
		again.IsFiltered(), parentID, parentID+1)
	_, st := tok.Filter(token.FilterSpec{Flags: 0x10})
	wantStatus(t, "T-60: Filter with the unknown flag 0x10", st, ntstatus.InvalidParameter)
}

// A SID that a second restriction drops still matches deny entries. Otherwise the second filter would widen access
// (T-68).
func TestDroppedRestrictingSIDStillDenies(t *testing.T) {
	a, b, c, d := account(3001), account(3002), account(3003), account(3004)
	n := filter(t, must(t, setup()), token.FilterSpec{Restrict: restricting(a, b, c)})
	check.That(t, n.RestrictedDenySet() == n.RestrictedSet(),
		"after one restriction RestrictedDenySet differs from RestrictedSet")
	for _, next := range [][]sid.SID{{b, c, d}, {c}, {d}} {
		n = filter(t, n, token.FilterSpec{Restrict: restricting(next...)})
		deny := n.RestrictedDenySet()
		if deny.Len() != 3 || deny.Find(a.Hash(), a) < 0 || deny.Find(b.Hash(), b) < 0 || deny.Find(c.Hash(), c) < 0 {
			t.Errorf("after restricting to %v, deny entries match %d SIDs, want a, b and c", next, deny.Len())
		}
		again := must(t, n.Spec())
		check.That(t, again.RestrictedDenySet().Len() == 3 && again.RestrictedSet().Len() == n.RestrictedSet().Len(),
			"token made from the Spec: %d deny SIDs, %d restricting SIDs; want 3, %d", again.RestrictedDenySet().Len(),
			again.RestrictedSet().Len(), n.RestrictedSet().Len())
	}
	check.That(t, n.RestrictedSet().Len() == 0 && n.IsRestricted(),
		"after the last restriction: %d restricting SIDs, restricted %t; want 0, true", n.RestrictedSet().Len(),
		n.IsRestricted())
}

// A second restriction fails if its repeated SIDs and the dropped ones exceed the limit of a token (T-63).
func TestSecondRestrictionKeepsLimitOfSIDs(t *testing.T) {
	var all []sid.SID
	for i := range uint32(token.MaxGroups) {
		all = append(all, account(5000+i))
	}
	n := filter(t, must(t, setup()), token.FilterSpec{Restrict: restricting(all...)})
	for repeats, want := range map[int]ntstatus.Status{1: ntstatus.Success, 2: ntstatus.InvalidParameter} {
		_, st := n.Filter(token.FilterSpec{Restrict: slices.Repeat(restricting(all[0]), repeats)})
		check.Equal(t, st, want, "T-63: one of the SIDs, given %d times", repeats)
	}
}

// LUA_TOKEN removes most privileges and lowers the integrity level to Medium, but never raises it (T-65).
// TestLUATokenComparesWholeSIDs has the groups.
func TestLUATokenDropsAdministration(t *testing.T) {
	s := token.Administrator(userU)
	n := filter(t, must(t, s), token.FilterSpec{Flags: winnt.LUA_TOKEN})
	want := winnt.Privileges(winnt.SeShutdownPrivilege, winnt.SeChangeNotifyPrivilege, winnt.SeUndockPrivilege,
		winnt.SeIncreaseWorkingSetPrivilege, winnt.SeTimeZonePrivilege)
	if n.Present() != want || n.Integrity() != 0x2000 || n.ElevationType() != 3 || n.Owner() != userU ||
		!n.IsFiltered() || n.IsElevated() || n.IsAdmin() {
		t.Errorf("LUA_TOKEN: privileges %v, integrity %#x, elevation type %d, owner %v; want %v, 0x2000, 3, %v",
			n.Present().Names(), n.Integrity(), n.ElevationType(), n.Owner(), want.Names(), userU)
	}
	low := setup()
	low.Integrity = sid.LowLevel
	if n := filter(t, must(t, low), token.FilterSpec{Flags: winnt.LUA_TOKEN}); n.Integrity() != 0x1000 {
		t.Errorf("T-65: LUA_TOKEN of a token at 0x1000: integrity %#x, want 0x1000", n.Integrity())
	}
}

// randomDescriptor returns a descriptor with plain entries only. A condition such as Not_Member_of may grant more to
// a token with fewer groups.
func randomDescriptor(t testing.TB, r *rand.Rand) *sd.Descriptor {
	t.Helper()
	p := sd.Parts{Owner: pick(r), Group: pick(r)}
	ace := func(typ sd.Type, mask winnt.AccessMask, s sid.SID) sd.ACE {
		return check.Must(sd.NewACE(typ, 0, mask, s))
	}
	acl := func(aces []sd.ACE) *sd.ACL {
		return check.Must(sd.NewACL(aces...))
	}
	if r.IntN(12) > 0 {
		var aces []sd.ACE
		for range r.IntN(8) {
			who := pick(r)
			if r.IntN(10) == 0 {
				who = sid.OwnerRights
			}
			aces = append(aces, ace(sd.Type(r.IntN(2)), winnt.AccessMask(r.Uint32())&0x1F01FF, who))
		}
		p.DACL = acl(aces)
	}
	p.Control = sd.DACLPresent
	if r.IntN(3) == 0 {
		p.Control |= sd.SACLPresent
		p.SACL = acl([]sd.ACE{ace(sd.Type(0x11), winnt.AccessMask(1+r.IntN(7)),
			sid.IntegrityLevel(uint32(r.IntN(5))*0x1000))})
	}
	return sd.New(p)
}

func granted(t testing.TB, tok *token.Token, d *sd.Descriptor, mask winnt.AccessMask) winnt.AccessMask {
	t.Helper()
	dec := check.Must(access.Check(tok, d, mask, winnt.FileObject))
	if !dec.Allowed() {
		return 0
	}
	return dec.Granted
}

// A filtered token is never granted a right that the original token is not granted (TC-28, T-68).
func TestFilterNeverWidensAccess(t *testing.T) {
	r := newRand(t)
	rounds := randtest.Size(4000)
	denied := 0
	for range rounds {
		s := randomSpec(r)
		s.MandatoryPolicy = uint32(r.IntN(4))
		tok := must(t, s)
		chain := []*token.Token{tok}
		for range 1 + r.IntN(3) {
			f := randomFilter(r)
			f.Flags |= uint32(r.IntN(16)) &^ winnt.DISABLE_MAX_PRIVILEGE
			chain = append(chain, filter(t, chain[len(chain)-1], f))
		}
		for range 6 {
			d := randomDescriptor(t, r)
			for _, mask := range []winnt.AccessMask{winnt.MAXIMUM_ALLOWED, winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA |
				winnt.READ_CONTROL,
				winnt.WRITE_OWNER, winnt.GENERIC_READ, winnt.ACCESS_SYSTEM_SECURITY, winnt.WRITE_DAC | winnt.DELETE} {
				had := granted(t, tok, d, mask)
				for i, n := range chain[1:] {
					got := granted(t, n, d, mask)
					if got&^had != 0 {
						text, _ := sddl.Format(d, sddl.Options{})
						before, _ := chain[i].MarshalJSON()
						after, _ := n.MarshalJSON()
						t.Fatalf("Check of %s for %v: the token is granted %v, the filtered token %v\noriginal "+
							"%s\nfiltered %s", text, mask, had, got, before, after)
					}
					if got != had {
						denied++
					}
					had = got
				}
			}
		}
	}
	check.That(t, denied != 0, "no filter took away a right (%d checks differed), so the test checked nothing", denied)
}

// A token is marked as filtered exactly if the filter removed something (T-64).
func TestIsFilteredOnlyIfSomethingWasRemoved(t *testing.T) {
	s := setup()
	s.Groups = append(s.Groups, token.Group{SID: sid.Administrators, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY})
	s.UserClaims = claimsOf(t, attr("u", 0, 1), attr("off", claims.FlagDisabled|claims.FlagDisabledByDefault, 1))
	s.DeviceClaims = claimsOf(t, attr("d", 0, 1))
	s.DeviceGroups = []token.Group{{SID: groupG1, Attributes: token.GroupDefault}}
	tok := must(t, s)
	bare := must(t, setup())
	denying := s
	denying.DeviceGroups = []token.Group{s.DeviceGroups[0], {SID: groupG2, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY}}
	high := setup()
	high.Integrity, high.Privileges, high.EnabledPrivileges, high.DefaultPrivileges = sid.HighLevel, 0, 0, 0
	for _, c := range []struct {
		name  string
		of    *token.Token
		f     token.FilterSpec
		taken bool
	}{
		{"no change", tok, token.FilterSpec{}, false},
		{"a group", tok, token.FilterSpec{Disable: []sid.SID{groupG1}}, true},
		{"the user", tok, token.FilterSpec{Disable: []sid.SID{userU}}, true},
		{"a missing group, then a present one", tok, token.FilterSpec{Disable: []sid.SID{sid.Guests, groupG2}}, true},
		{"a missing group", tok, token.FilterSpec{Disable: []sid.SID{sid.Guests}}, false},
		{"a deny-only group", tok, token.FilterSpec{Disable: []sid.SID{sid.Administrators}}, false},
		{"the integrity entry", tok, token.FilterSpec{Disable: []sid.SID{sid.MediumLevel}}, false},
		{"a privilege", tok, token.FilterSpec{Delete: winnt.SeShutdownPrivilege.Bit()}, true},
		{"a privilege that is not held", tok, token.FilterSpec{Delete: winnt.SeTcbPrivilege.Bit()}, false},
		{"all privileges but one", tok, token.FilterSpec{Flags: winnt.DISABLE_MAX_PRIVILEGE}, true},
		{"a restriction", tok, token.FilterSpec{Restrict: restricting(sid.Everyone)}, true},
		{"SANDBOX_INERT", tok, token.FilterSpec{Flags: winnt.SANDBOX_INERT}, false},
		{"WRITE_RESTRICTED without a list", tok, token.FilterSpec{Flags: winnt.WRITE_RESTRICTED}, false},
		{"LUA_TOKEN without administrative groups", tok, token.FilterSpec{Flags: winnt.LUA_TOKEN}, false},
		{"LUA_TOKEN at High integrity", must(t, high), token.FilterSpec{Flags: winnt.LUA_TOKEN}, true},
		{"all user claims", tok, token.FilterSpec{DropUserClaims: true}, true},
		{"all device claims", tok, token.FilterSpec{DropDeviceClaims: true}, true},
		{"no claims to drop", bare, token.FilterSpec{DropUserClaims: true, DropDeviceClaims: true}, false},
		{"a user claim", tok, token.FilterSpec{DisableUserClaims: []string{"U"}}, true},
		{"a disabled user claim", tok, token.FilterSpec{DisableUserClaims: []string{"off"}}, false},
		{"a missing user claim", tok, token.FilterSpec{DisableUserClaims: []string{"d"}}, false},
		{"a device claim", tok, token.FilterSpec{DisableDeviceClaims: []string{"d"}}, true},
		{"a missing device claim", tok, token.FilterSpec{DisableDeviceClaims: []string{"u"}}, false},
		{"a device group", tok, token.FilterSpec{DisableDevice: []sid.SID{groupG1}}, true},
		{"a missing device group", tok, token.FilterSpec{DisableDevice: []sid.SID{groupG2}}, false},
		{"a device group and a deny-only one", must(t, denying), token.FilterSpec{
			DisableDevice: []sid.SID{groupG1, groupG2}}, true},
		{"a token without device groups", bare, token.FilterSpec{DisableDevice: []sid.SID{groupG1}}, false},
		{"restricted device groups", tok, token.FilterSpec{RestrictDevice: restricting(groupG2)}, true},
		{"restricted user claims", tok, token.FilterSpec{RestrictUserClaims: []string{}}, true},
		{"restricted device claims", tok, token.FilterSpec{RestrictDeviceClaims: []string{"d"}}, true},
	} {
		n := filter(t, c.of, c.f)
		check.Equal(t, n.IsFiltered(), c.taken, "T-64: %s: filtered", c.name)
		check.Equal(t, n.SandboxInert(), c.f.Flags&winnt.SANDBOX_INERT != 0, "%s: inert", c.name)
		if c.f.DropUserClaims && n.UserClaims().Len() != 0 || c.f.DropDeviceClaims && n.DeviceClaims().Len() != 0 ||
			!c.f.DropUserClaims && n.UserClaims().Len() != c.of.UserClaims().Len() ||
			!c.f.DropDeviceClaims && n.DeviceClaims().Len() != c.of.DeviceClaims().Len() {
			t.Errorf("T-67: %s: %d user claims and %d device claims; want 0 of dropped claims and all others", c.name,
				n.UserClaims().Len(), n.DeviceClaims().Len())
		}
	}
}

// Filter rejects an invalid entry at any position in the restricting SIDs and in the restricting device groups
// (T-63).
func TestFilterRejectsInvalidEntries(t *testing.T) {
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
		{"the maximum number", many[1:], ntstatus.Success},
	} {
		for _, f := range []token.FilterSpec{{Restrict: c.list}, {RestrictDevice: c.list}} {
			n, st := tok.Filter(f)
			wantStatus(t, "T-63: "+c.name, st, c.want)
			check.That(t, (n == nil) == (c.want != ntstatus.Success),
				"%s: Filter returned a token %t with %v", c.name, n != nil, st)
		}
	}
}

// LUA_TOKEN compares whole SIDs. The RID of an administrative group under another authority or prefix is an ordinary
// group (T-65).
func TestLUATokenComparesWholeSIDs(t *testing.T) {
	for text, want := range map[string]bool{
		"S-1-5-32-544": true, "S-1-5-32-547": true, "S-1-5-32-548": true, "S-1-5-32-549": true, "S-1-5-32-550": true,
		"S-1-5-32-551": true, "S-1-5-32-545": false, "S-1-5-32-546": false, "S-1-5-32-543": false,
		sid.Replicator.String(): false, "S-1-5-32-555": false,
		"S-1-1-32-544": false, "S-1-5-33-544": false, "S-1-5-32-1-544": false, "S-1-5-544": false,
		"S-1-5-21-1-2-3-512": true, "S-1-5-21-1-2-3-519": true, "S-1-5-21-1-2-3-498": true, "S-1-5-21-1-2-3-527": true,
		"S-1-5-21-1-2-3-516": true, "S-1-5-21-1-2-3-517": true, "S-1-5-21-1-2-3-518": true, "S-1-5-21-1-2-3-520": true,
		"S-1-5-21-1-2-3-521": false,
		"S-1-5-21-1-2-3-513": false, "S-1-5-21-1-2-3-544": false, "S-1-5-22-1-2-3-512": false, "S-1-5-21-1-2-512": false,
		"S-1-5-21-1-2-3-4-512": false, "S-1-1-21-1-2-3-512": false, "S-1-5-21-512": false,
	} {
		s := setup()
		s.Groups = append(s.Groups, token.Group{SID: sid.MustParse(text), Attributes: token.GroupDefault})
		n := filter(t, must(t, s), token.FilterSpec{Flags: winnt.LUA_TOKEN})
		a, _ := attributes(t, n, sid.MustParse(text))
		got := a&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0
		check.That(t, got == want && n.IsFiltered() == want,
			"T-65: LUA_TOKEN with %s: deny-only %t, filtered %t; want %t, %t", text, got, n.IsFiltered(), want, want)
	}
}
