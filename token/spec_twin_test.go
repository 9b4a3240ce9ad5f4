package token_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// model is a simple second implementation of a whole token: its Spec, which operations change field by field as the
// rules describe.
type model struct {
	token.Spec
}

// format formats each field of a Spec, with the contents of claims and lists.
func format(s token.Spec) map[string]string {
	out := fields(s)
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch x := v.Field(i).Interface().(type) {
		case *claims.Set:
			out[name] = fmt.Sprint(x == nil)
			for _, a := range x.All() {
				out[name] += fmt.Sprintf(" %s/%#x/%v", a.Name, a.Flags, a.Ints)
			}
		case *sd.ACL:
			out[name] = fmt.Sprint(x == nil)
			for _, a := range x.All() {
				out[name] += fmt.Sprintf(" %x", a.Binary())
			}
		case []token.Group:
			if name == "RestrictedDeviceGroups" { // an empty list restricts to nothing, nil does not restrict
				out[name] += fmt.Sprint(x == nil)
			}
		}
	}
	return out
}

// attributesOf returns the effective attributes of a group in a Spec (T-143).
func attributesOf(g *token.Group) uint32 {
	if g.Attributes == token.GroupDisabled {
		return 0
	}
	return g.Attributes
}

// entries returns pointers to the user and to a copy of the groups, so that older models do not change.
func (m *model) entries() []*token.Group {
	m.Groups = slices.Clone(m.Groups)
	out := []*token.Group{&m.User}
	for i := range m.Groups {
		out = append(out, &m.Groups[i])
	}
	return out
}

// set sets the attributes of an entry, and writes 0 of a group as GroupDisabled.
func (m *model) set(g *token.Group, a uint32) {
	if g.Attributes = a; a == 0 && g != &m.User {
		g.Attributes = token.GroupDisabled
	}
}

// administrative has the groups that LUA_TOKEN makes deny-only, as far as random tokens have them. leftToLimited has
// the privileges that LUA_TOKEN keeps (T-65).
var (
	administrative = []sid.SID{sid.Administrators, sid.MustParse("S-1-5-32-551"), account(512)}
	leftToLimited  = winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeShutdownPrivilege,
		winnt.SeUndockPrivilege, winnt.SeIncreaseWorkingSetPrivilege, winnt.SeTimeZonePrivilege)
)

// filter implements NtFilterTokenEx (T-61 to T-68).
func (m *model) filter(f token.FilterSpec) {
	took := false
	denyOnly := func(g *token.Group) {
		if a := attributesOf(g); a&winnt.SE_GROUP_INTEGRITY == 0 {
			took = took || a&0x10 == 0
			m.set(g, a&^6|0x10)
		}
	}
	drop := f.Delete
	if f.Flags&winnt.DISABLE_MAX_PRIVILEGE != 0 {
		drop = ^winnt.SeChangeNotifyPrivilege.Bit()
	}
	for i, g := range m.entries() {
		if slices.Contains(f.Disable, g.SID) {
			denyOnly(g)
		}
		if f.Flags&winnt.LUA_TOKEN == 0 {
			continue
		}
		if i > 0 && slices.Contains(administrative, g.SID) {
			denyOnly(g)
		}
		if a := attributesOf(g); a&winnt.SE_GROUP_INTEGRITY != 0 && g.SID.RID() > 0x2000 {
			g.SID, m.Integrity, took = sid.MediumLevel, sid.MediumLevel, true
		}
	}
	if f.Flags&winnt.LUA_TOKEN != 0 {
		drop |= ^leftToLimited
		m.ElevationType = winnt.TokenElevationTypeLimited
	}
	took = took || m.Privileges&drop != 0
	m.Privileges, m.EnabledPrivileges = m.Privileges&^drop, m.EnabledPrivileges&^drop
	m.DefaultPrivileges &^= drop
	took = m.restrict(&f) || took
	took = m.filterDevice(&f) || took
	took = m.filterClaims(&f) || took
	m.ParentTokenID, m.ModifiedID = f.ParentTokenID, f.ModifiedID
	m.SandboxInert = m.SandboxInert || f.Flags&winnt.SANDBOX_INERT != 0
	if took {
		m.Flags |= winnt.TOKEN_IS_FILTERED
	}
	m.resetOwner()
}

// resetOwner replaces an owner that is no longer allowed by the user (T-48, T-66).
func (m *model) resetOwner() {
	if m.Owner != m.User.SID && !slices.ContainsFunc(m.Groups, func(g token.Group) bool {
		return g.SID == m.Owner && attributesOf(&g)&0x18 == 8
	}) {
		m.Owner = m.User.SID
	}
}

// contains reports whether a list has an entry with the SID.
func contains(gs []token.Group, s sid.SID) bool {
	return slices.ContainsFunc(gs, func(g token.Group) bool { return g.SID == s })
}

// restrict keeps the intersection of both lists. Removed SIDs still match deny entries (T-63, T-64, T-68). It reports
// whether the token is restricted now.
func (m *model) restrict(f *token.FilterSpec) (took bool) {
	if len(f.Restrict) == 0 {
		return false
	}
	var allowing, list []token.Group
	for _, g := range m.Restricted {
		if g.Attributes&0x10 == 0 {
			allowing = append(allowing, g)
		}
	}
	for _, g := range f.Restrict {
		if !m.IsRestricted || contains(allowing, g.SID) {
			list = append(list, token.Group{SID: g.SID, Attributes: 7})
		}
	}
	for _, g := range m.Restricted {
		if !contains(list, g.SID) {
			list = append(list, token.Group{SID: g.SID, Attributes: 0x10})
		}
	}
	m.WriteRestricted = f.Flags&winnt.WRITE_RESTRICTED != 0 && (!m.IsRestricted || m.WriteRestricted)
	m.Restricted, m.IsRestricted = list, true
	return true
}

// filterDevice filters the device groups like the user's groups. It reports whether something changed (T-67).
func (m *model) filterDevice(f *token.FilterSpec) (took bool) {
	m.DeviceGroups = slices.Clone(m.DeviceGroups)
	for i := range m.DeviceGroups {
		if g := &m.DeviceGroups[i]; slices.Contains(f.DisableDevice, g.SID) {
			took = took || g.Attributes&0x10 == 0
			g.Attributes = g.Attributes&^6 | 0x10
		}
	}
	if len(f.RestrictDevice) == 0 {
		return took
	}
	list := []token.Group{} // an empty list restricts to nothing (T-63)
	for _, g := range f.RestrictDevice {
		if m.RestrictedDeviceGroups == nil || contains(m.RestrictedDeviceGroups, g.SID) {
			list = append(list, token.Group{SID: g.SID, Attributes: 7})
		}
	}
	m.RestrictedDeviceGroups = list
	return true
}

// filterClaims drops, disables and narrows claims, in this order. It reports whether something changed (T-67).
func (m *model) filterClaims(f *token.FilterSpec) (took bool) {
	for _, k := range []struct {
		set, narrowed    **claims.Set
		drop             bool
		disable, narrows []string
	}{
		{&m.UserClaims, &m.RestrictedUserClaims, f.DropUserClaims, f.DisableUserClaims, f.RestrictUserClaims},
		{&m.DeviceClaims, &m.RestrictedDeviceClaims, f.DropDeviceClaims, f.DisableDeviceClaims, f.RestrictDeviceClaims},
	} {
		if k.drop && (*k.set != nil || (*k.narrowed).Len() > 0) {
			*k.set, *k.narrowed, took = nil, nil, true
		}
		for _, set := range []**claims.Set{k.set, k.narrowed} {
			var all []claims.Attribute
			changed := false
			for _, a := range (*set).All() {
				if slices.Contains(k.disable, a.Name) {
					off := a.Flags&^claims.FlagMandatory | claims.FlagDisabled | claims.FlagDisabledByDefault
					changed, a.Flags = changed || a.Flags != off, off
				}
				all = append(all, a)
			}
			if changed {
				*set, took = mustSet(all), true
			}
		}
		var narrow []claims.Attribute
		if k.narrows == nil {
			continue
		}
		for _, a := range (*k.set).All() {
			if _, before := (*k.narrowed).Lookup(a.Name); slices.Contains(k.narrows, a.Name) && (*k.narrowed == nil || before) {
				narrow = append(narrow, a)
			}
		}
		*k.narrowed, took = mustSet(narrow), true
	}
	return took
}

// mustSet returns the claims as a set and panics if they are invalid.
func mustSet(list []claims.Attribute) *claims.Set {
	s, err := claims.NewSet(list)
	if err != nil {
		panic(err)
	}
	return s
}

// spaceOf returns the space of a primary group and a default DACL in bytes.
func spaceOf(group sid.SID, dacl *sd.ACL) uint32 {
	n := uint32(8 + 4*group.SubAuthorities())
	if dacl != nil {
		n += 8
		for _, a := range dacl.All() {
			n += uint32(len(a.Binary()))
		}
	}
	return n
}

// level sets the integrity level in the existing entry, or appends an entry (T-4).
func (m *model) level(l sid.SID) {
	for _, g := range m.entries() {
		if g.Attributes&winnt.SE_GROUP_INTEGRITY != 0 {
			g.SID, m.Integrity = l, l
			return
		}
	}
	m.Groups, m.Integrity = append(m.Groups, token.Group{SID: l, Attributes: 0x60}), l
}

// lowBox implements NtCreateLowBoxToken (T-69, T-131).
func (m *model) lowBox(l token.LowBoxSpec) ntstatus.Status {
	if !m.Package.IsZero() {
		return ntstatus.InvalidParameter
	}
	if m.Integrity.IsZero() {
		m.level(sid.UntrustedLevel)
	} else if m.Integrity.RID() > 0x1000 {
		m.level(sid.LowLevel)
	}
	m.Package, m.LowPrivilege, m.LowBoxNumber, m.ModifiedID = l.Package, l.LowPrivilege, l.Number, l.ModifiedID
	m.Type, m.Level, m.Capabilities = winnt.TokenPrimary, 0, nil
	for _, g := range l.Capabilities {
		if g.Attributes == 0 {
			g.Attributes = winnt.SE_GROUP_ENABLED
		}
		m.Capabilities = append(m.Capabilities, g)
	}
	if m.DefaultDACL != nil {
		a, err := sd.NewACE(sd.AccessAllowed, 0, winnt.GENERIC_ALL, l.Package)
		if err != nil {
			panic(err)
		}
		if m.DefaultDACL, err = sd.NewACL(append(m.DefaultDACL.Slice(), a)...); err != nil {
			panic(err)
		}
	}
	m.DynamicCharged = max(m.DynamicCharged, spaceOf(m.PrimaryGroup, m.DefaultDACL))
	return ntstatus.Success
}

// setsOwner implements TokenOwner: the owner must be the user or a group with SE_GROUP_OWNER, and not deny-only
// (T-11, T-66).
func (m *model) setsOwner(s sid.SID) ntstatus.Status {
	for i, g := range m.entries() {
		if a := attributesOf(g); g.SID == s && a&0x10 == 0 && (i == 0 || a&8 != 0) {
			m.Owner = s
			return ntstatus.Success
		}
	}
	return ntstatus.InvalidOwner
}

// draws returns random tokens and changes that use few SIDs and names, so that they often concern the same entry.
type draws struct{ *rand.Rand }

func (d draws) chance(in int) bool { return d.IntN(in) == 0 }

// groupSIDs are the groups of random tokens: ordinary groups, and some that LUA_TOKEN makes deny-only.
var groupSIDs = append(slices.Clone(accounts[:5]), sid.Everyone, sid.Users, sid.Administrators,
	administrative[1], administrative[2])

func (d draws) sid() sid.SID { return groupSIDs[d.IntN(len(groupSIDs))] }

func (d draws) sids() (out []sid.SID) {
	for range d.IntN(4) {
		out = append(out, d.sid())
	}
	return out
}

// list returns n groups with different SIDs.
func (d draws) list(n int, attributes ...uint32) (out []token.Group) {
	for _, at := range d.Perm(len(groupSIDs))[:n] {
		out = append(out, token.Group{SID: groupSIDs[at], Attributes: attributes[d.IntN(len(attributes))]})
	}
	return out
}

// names returns names of claims, or nil in half of the calls.
func (d draws) names() (out []string) {
	if d.chance(2) {
		return nil
	}
	out = []string{}
	for _, name := range []string{"a", "b", "c"} {
		if d.chance(2) {
			out = append(out, name)
		}
	}
	return out
}

func (d draws) claims() *claims.Set {
	if d.chance(3) {
		return nil
	}
	var list []claims.Attribute
	flags := []uint32{0, claims.FlagMandatory, claims.FlagDisabled, claims.FlagUseForDenyOnly}
	for _, name := range []string{"a", "b", "c"} {
		if !d.chance(3) {
			list = append(list, attr(name, flags[d.IntN(len(flags))], int64(d.IntN(3))))
		}
	}
	return mustSet(list)
}

func (d draws) dacl() *sd.ACL {
	if d.chance(3) {
		return nil
	}
	var aces []sd.ACE
	for range d.IntN(5) * d.IntN(5) {
		a, err := sd.NewACE(sd.AccessAllowed, 0, winnt.AccessMask(d.IntN(8)), d.sid())
		if err != nil {
			panic(err)
		}
		aces = append(aces, a)
	}
	l, err := sd.NewACL(aces...)
	if err != nil {
		panic(err)
	}
	return l
}

// level returns an integrity level.
func (d draws) level() sid.SID {
	return sid.IntegrityLevel(uint32(d.IntN(5))*0x1000 + uint32(d.IntN(2))*0x100)
}

// spec returns a random Spec in which any part may be missing.
func (d draws) spec(t *testing.T) token.Spec {
	s := everything(t)
	s.User.SID, s.Groups = accounts[d.IntN(4)], nil
	if d.chance(4) {
		s.User.Attributes = 0x10
	}
	kinds := []uint32{7, 4, 6, 2, 0x10, 0x11, token.GroupDisabled, 0xF, 0xC, 0x18, 0xC0000007, 0xC0000006, 0xC0000004,
		0xC0000002}
	n := d.IntN(8)
	if d.chance(10) {
		n += 60 // more than one word of the bitmaps
	}
	for range n {
		s.Groups = append(s.Groups, token.Group{SID: d.sid(), Attributes: kinds[d.IntN(len(kinds))]})
	}
	s.Owner, s.PrimaryGroup, s.Integrity = sid.SID{}, sid.SID{}, sid.SID{}
	switch d.IntN(3) {
	case 0:
		s.Integrity = d.level()
	case 1:
		s.Groups = slices.Insert(s.Groups, d.IntN(len(s.Groups)+1), token.Group{SID: d.level(), Attributes: 0x20})
	}
	for _, g := range s.Groups {
		if g.Attributes != token.GroupDisabled && g.Attributes&0x18 == 8 && d.chance(2) {
			s.Owner = g.SID
		}
		if d.chance(4) && g.Attributes&winnt.SE_GROUP_INTEGRITY == 0 {
			s.PrimaryGroup = g.SID
		}
	}
	s.Privileges = winnt.PrivilegeSet(d.Uint64()) & (1<<37 - 4)
	s.EnabledPrivileges = s.Privileges & winnt.PrivilegeSet(d.Uint64())
	s.DefaultPrivileges = s.Privileges & winnt.PrivilegeSet(d.Uint64())
	s.Restricted, s.IsRestricted, s.WriteRestricted = nil, false, false
	if d.chance(3) {
		s.Restricted, s.IsRestricted = d.list(d.IntN(5), 7, 7, 0x10), true
		if len(s.Restricted) > 0 && d.chance(3) { // one SID twice
			s.Restricted = append(s.Restricted, s.Restricted[0])
		}
		slices.SortStableFunc(s.Restricted, func(a, b token.Group) int { return int(a.Attributes) - int(b.Attributes) })
		s.WriteRestricted = d.chance(2)
	}
	s.SandboxInert, s.Flags, s.ElevationType = d.chance(2), s.Flags*uint32(d.IntN(2)), uint32(1+d.IntN(3))
	s.Flags |= d.Uint32() & (winnt.TOKEN_IS_RESTRICTED | winnt.TOKEN_LOWBOX) // other fields determine these
	if d.chance(2) {
		s.Package, s.Capabilities, s.LowPrivilege, s.LowBoxNumber = sid.SID{}, nil, false, 0
	}
	if d.chance(2) {
		s.Type, s.Level = winnt.TokenPrimary, 0
	}
	s.DefaultDACL, s.DynamicCharged = d.dacl(), uint32(d.IntN(2)*(30+d.IntN(60)))
	s.OriginatingLogon = winnt.LUID(d.IntN(2))
	for _, set := range []**claims.Set{&s.UserClaims, &s.DeviceClaims} {
		if *set = d.claims(); (*set).Len() == 0 { // Spec has nil for an empty set, except where the set restricts
			*set = nil
		}
	}
	s.RestrictedUserClaims, s.RestrictedDeviceClaims = d.claims(), d.claims()
	s.DeviceGroups = d.list(d.IntN(5), 7, 4, 0, 0x10)
	s.RestrictedDeviceGroups = d.list(d.IntN(2)*d.IntN(4), 7)
	return s
}

// filters returns a random filter.
func (d draws) filters() token.FilterSpec {
	f := token.FilterSpec{ParentTokenID: winnt.LUID(d.Uint64()), ModifiedID: winnt.LUID(d.Uint64())}
	f.Flags = uint32(d.IntN(16) & d.IntN(16))
	if f.Disable = d.sids(); d.chance(4) {
		f.Disable = append(f.Disable, d.level())
	}
	if d.chance(3) {
		f.Delete = winnt.PrivilegeSet(d.Uint64())
	}
	if d.chance(2) {
		f.Restrict = d.list(d.IntN(5), 0)
	}
	f.DropUserClaims, f.DropDeviceClaims = d.chance(6), d.chance(6)
	f.DisableUserClaims, f.DisableDeviceClaims = d.names(), d.names()
	f.RestrictUserClaims, f.RestrictDeviceClaims = d.names(), d.names()
	f.DisableDevice, f.RestrictDevice = d.sids(), d.list(d.IntN(2)*d.IntN(4), 0)
	return f
}
