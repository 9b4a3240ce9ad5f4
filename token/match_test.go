package token_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A SID that several device groups have matches an entry if one of these groups matches it. A disabled group matches no
// entry, and a deny-only group matches deny entries. Filter makes each group with the SID deny-only.
func TestRepeatedDeviceGroupMatchesIfOneDoes(t *testing.T) {
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
			t.Errorf("A-116: device groups %#x: match allow %t, deny %t; want %t, %t", c.attributes, a, d, c.allow, c.deny)
		}
		n := filter(t, tok, token.FilterSpec{DisableDevice: []sid.SID{groupG1}})
		if a, d := inDevice(n, groupG1); a || !d {
			t.Errorf("T-67: device groups %#x after Filter: match allow %t, deny %t; want false, true", c.attributes, a, d)
		}
		for i, g := range n.DeviceGroups() {
			if g.SID == groupG1 && g.Attributes&(winnt.SE_GROUP_ENABLED|winnt.SE_GROUP_ENABLED_BY_DEFAULT|deny) != deny ||
				g.SID == groupG2 && g.Attributes != winnt.SE_GROUP_ENABLED {
				t.Errorf("T-67: device groups %#x: group %d after Filter has %#x, want G1 deny-only and G2 "+
					"unchanged", c.attributes, i, g.Attributes)
			}
			was := c.attributes[i/2]
			check.That(t, g.SID != groupG1 || (g.Attributes^was)&winnt.SE_GROUP_MANDATORY == 0,
				"T-67: Filter changed the mandatory attribute: %#x, was %#x", g.Attributes, was)
		}
	}
}

// An empty list of device groups is no list, whether it is nil or not.
func TestEmptyDeviceGroupsHaveNoSet(t *testing.T) {
	s := setup()
	s.DeviceGroups = []token.Group{}
	tok := must(t, s)
	check.That(t, tok.DeviceSet() == nil && tok.DeviceBits() == nil && tok.DeviceDenyBits() == nil,
		"token with an empty list of device groups: set %v, bits %v and %v; want nil",
		tok.DeviceSet(), tok.DeviceBits(), tok.DeviceDenyBits())
}

// inDevice reports whether a SID in the device groups matches allow and deny entries.
func inDevice(tok *token.Token, s sid.SID) (allow, deny bool) {
	i := tok.DeviceSet().Find(s.Hash(), s)
	return tok.DeviceBits().Has(i), tok.DeviceDenyBits().Has(i)
}

// If a token has a SID twice, an entry that allows the use is enough, for the owner (T-11) and for Administrators
// (T-103).
func TestRepeatedSIDUsesAllowingEntry(t *testing.T) {
	const on, off, deny uint32 = token.GroupDefault, token.GroupDisabled, winnt.SE_GROUP_USE_FOR_DENY_ONLY
	for _, c := range []struct {
		attributes   []uint32
		owner, admin bool
	}{
		{[]uint32{on}, false, true}, {[]uint32{on | winnt.SE_GROUP_OWNER}, true, true}, {[]uint32{0}, false, true},
		{[]uint32{deny | winnt.SE_GROUP_OWNER}, false, false}, {[]uint32{on, on | winnt.SE_GROUP_OWNER}, true, true},
		{[]uint32{deny | winnt.SE_GROUP_OWNER, on}, false, true}, {[]uint32{deny, on | winnt.SE_GROUP_OWNER}, true, true},
		{[]uint32{deny, deny}, false, false}, {[]uint32{on | winnt.SE_GROUP_OWNER, deny}, true, true}, {nil, false, false},
	} {
		s := setup()
		for _, a := range c.attributes {
			s.Groups = append(s.Groups, token.Group{SID: sid.Guests, Attributes: token.GroupDefault},
				token.Group{SID: sid.Administrators, Attributes: a})
		}
		tok := must(t, s)
		check.Equal(t, tok.IsAdmin(), c.admin, "T-103: Administrators with %#x: IsAdmin", c.attributes)
		n, st := tok.WithOwner(1, sid.Administrators)
		s.Owner = sid.Administrators
		_, err := token.New(s)
		if (st == ntstatus.Success) != c.owner || (err == nil) != c.owner || n != nil && n.Owner() != sid.Administrators {
			t.Errorf("T-11: Administrators with %#x as the owner: WithOwner %v, New %v; want success: %t",
				c.attributes, st, err, c.owner)
		}
	}
	// EffectiveOnly removes disabled entries, whichever position they have.
	for _, c := range []struct {
		attributes []uint32
		admin      bool
	}{{[]uint32{deny, off}, false}, {[]uint32{off, deny}, false}, {[]uint32{off, on}, true}, {[]uint32{deny, on}, true},
		{[]uint32{off, off}, false}, {[]uint32{on, off}, true}} {
		s := setup()
		for _, a := range c.attributes {
			s.Groups = append(s.Groups, token.Group{SID: sid.Administrators, Attributes: a&^off | winnt.SE_GROUP_OWNER})
		}
		s.Owner, s.PrimaryGroup = sid.Administrators, sid.Administrators
		tok := must(t, s).EffectiveOnly()
		check.Equal(t, tok.IsAdmin(), c.admin, "T-48, T-103: Administrators with %#x: IsAdmin of an effective-only copy",
			c.attributes)
		_, owner := tok.WithOwner(1, sid.Administrators)
		check.That(t, (owner == ntstatus.Success) == c.admin && (tok.Owner() == sid.Administrators) == c.admin,
			"T-48, T-66: Administrators with %#x after EffectiveOnly: owner %v, WithOwner %v, want it kept: %t",
			c.attributes, tok.Owner(), owner, c.admin)
		stays := slices.ContainsFunc(c.attributes, func(a uint32) bool { return a != off })
		_, group := tok.WithPrimaryGroup(1, sid.Administrators)
		check.That(t, (group == ntstatus.Success) == stays && (tok.PrimaryGroup() == sid.Administrators) == stays,
			"T-48: Administrators with %#x after EffectiveOnly: primary group %v, WithPrimaryGroup %v, want it kept: %t",
			c.attributes, tok.PrimaryGroup(), group, stays)
	}
	s := setup(token.Group{SID: sid.Administrators, Attributes: on})
	s.Restricted = restricting(sid.Users, sid.Administrators)
	check.That(t, must(t, s).IsAdmin(), "T-103: IsAdmin with Administrators among two restricting SIDs = false, want true")
	if s.Restricted = restricting(sid.Administrators); !must(t, s).IsAdmin() {
		t.Error("T-103: IsAdmin with Administrators as the only restricting SID = false, want true")
	}
	if s.Restricted = restricting(sid.Users); must(t, s).IsAdmin() {
		t.Error("T-103: IsAdmin with Administrators not among the restricting SIDs = true, want false")
	}
}
