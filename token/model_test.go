package token_test

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// model is the twin of a token that has all of it: the Spec that it would be made of,
// changed field by field as the rules say, on plain slices.
type model struct {
	token.Spec

	deviceRestricted bool // also by a list that is empty now
}

// said returns each field of a Spec as text, sets of claims and lists by what is in them.
func said(s token.Spec) map[string]string {
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
		}
	}
	return out
}

// attributesOf returns what a group's entry in a Spec stands for (T-143).
func attributesOf(g *token.Group) uint32 {
	if g.Attributes == token.GroupDisabled {
		return 0
	}
	return g.Attributes
}

// entries returns the user and the groups, copied, so that the model before is left alone.
func (m *model) entries() []*token.Group {
	m.Groups = slices.Clone(m.Groups)
	out := []*token.Group{&m.User}
	for i := range m.Groups {
		out = append(out, &m.Groups[i])
	}
	return out
}

// set gives an entry attributes.
func (m *model) set(g *token.Group, a uint32) {
	if g.Attributes = a; a == 0 && g != &m.User {
		g.Attributes = token.GroupDisabled
	}
}

// The groups that LUA_TOKEN turns off, of those that the random tokens have, and the privileges that it
// leaves (T-65).
var (
	administrative = []sid.SID{sid.Administrators, sid.MustParse("S-1-5-32-551"), account(512)}
	leftToLimited  = winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeShutdownPrivilege,
		winnt.SeUndockPrivilege, winnt.SeIncreaseWorkingSetPrivilege, winnt.SeTimeZonePrivilege)
)

// filter is NtFilterTokenEx (T-61 to T-68).
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
	m.mendOwner()
}

// mendOwner gives the user what no entry may own any more (T-48, T-66).
func (m *model) mendOwner() {
	if m.Owner != m.User.SID && !slices.ContainsFunc(m.Groups, func(g token.Group) bool {
		return g.SID == m.Owner && attributesOf(&g)&0x18 == 8
	}) {
		m.Owner = m.User.SID
	}
}

// with reports whether a list has an entry of a SID.
func with(gs []token.Group, s sid.SID) bool {
	return slices.ContainsFunc(gs, func(g token.Group) bool { return g.SID == s })
}

// restrict keeps what both lists share; what is dropped goes on matching deny entries (T-63, T-64, T-68).
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
		if !m.IsRestricted || with(allowing, g.SID) {
			list = append(list, token.Group{SID: g.SID, Attributes: 7})
		}
	}
	for _, g := range m.Restricted {
		if !with(list, g.SID) {
			list = append(list, token.Group{SID: g.SID, Attributes: 0x10})
		}
	}
	m.WriteRestricted = f.Flags&winnt.WRITE_RESTRICTED != 0 && (!m.IsRestricted || m.WriteRestricted)
	m.Restricted, m.IsRestricted = list, true
	return true
}

// filterDevice does to the groups of the device what a filter does to those of the user (T-67).
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
	var list []token.Group
	for _, g := range f.RestrictDevice {
		if !m.deviceRestricted || with(m.RestrictedDeviceGroups, g.SID) {
			list = append(list, token.Group{SID: g.SID, Attributes: 7})
		}
	}
	m.RestrictedDeviceGroups, m.deviceRestricted = list, true
	return true
}

// filterClaims drops, disables and narrows claims, in this order (T-67).
func (m *model) filterClaims(f *token.FilterSpec) (took bool) {
	for _, k := range []struct {
		set, narrowed    **claims.Set
		drop             bool
		disable, narrows []string
	}{
		{&m.UserClaims, &m.RestrictedUserClaims, f.DropUserClaims, f.DisableUserClaims, f.RestrictUserClaims},
		{&m.DeviceClaims, &m.RestrictedDeviceClaims, f.DropDeviceClaims, f.DisableDeviceClaims, f.RestrictDeviceClaims},
	} {
		if k.drop && *k.set != nil {
			*k.set, took = nil, true
		}
		var all, narrow []claims.Attribute
		changed := false
		for _, a := range (*k.set).All() {
			if slices.Contains(k.disable, a.Name) {
				off := a.Flags&^claims.FlagMandatory | claims.FlagDisabled | claims.FlagDisabledByDefault
				changed, a.Flags = changed || a.Flags != off, off
			}
			all = append(all, a)
		}
		if changed {
			*k.set, took = mustSet(all), true
		}
		if k.narrows == nil {
			continue
		}
		for _, a := range (*k.set).All() {
			if _, before := (*k.narrowed).Lookup(a.Name); slices.Contains(k.narrows, a.Name) &&
				(*k.narrowed == nil || before) {
				narrow = append(narrow, a)
			}
		}
		*k.narrowed, took = mustSet(narrow), true
	}
	return took
}

// mustSet makes a set of claims that are known to make one.
func mustSet(list []claims.Attribute) *claims.Set {
	s, err := claims.NewSet(list)
	if err != nil {
		panic(err)
	}
	return s
}
