package model

import (
	"slices"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// group returns the kernel's form of a SID with attributes.
func group(n Name, attributes uint32) token.Group {
	return token.Group{SID: sids[n], Attributes: attributes}
}

// groups returns the groups as a query returns them. The last entry is the integrity level.
func (v *Value) groups() []token.Group {
	out := []token.Group{}
	for _, g := range v.Groups {
		out = append(out, group(g.Name, g.attributes()))
	}
	return append(out, v.level())
}

// level returns the entry of the integrity level.
func (v *Value) level() token.Group {
	return token.Group{SID: se.IntegritySID(v.Integrity), Attributes: 0x60}
}

// user returns the entry of the user.
func (v *Value) user() token.Group {
	if v.UserDeny {
		return group(v.User, winnt.SE_GROUP_USE_FOR_DENY_ONLY)
	}
	return group(v.User, 0)
}

// limits returns the restricting SIDs. Each is mandatory, enabled and enabled by default (T-63).
func (v *Value) limits() []token.Group {
	out := []token.Group{}
	for _, n := range v.Restricted {
		out = append(out, group(n, 7))
	}
	return out
}

// privileges returns the privileges as a query returns them, by ascending LUID.
func (v *Value) privileges() []nt.LUIDAndAttributes {
	out := []nt.LUIDAndAttributes{}
	for p := winnt.Privilege(1); p < 64; p++ {
		if v.Held.has(p) {
			out = append(out, nt.LUIDAndAttributes{LUID: p.LUID(), Attributes: v.attributes(p)})
		}
	}
	return out
}

// attributes returns the attributes of a privilege in the token, 0 if it is disabled or not held.
func (v *Value) attributes(p winnt.Privilege) (a uint32) {
	if v.ByDefault.has(p) {
		a |= winnt.SE_PRIVILEGE_ENABLED_BY_DEFAULT
	}
	if v.Enabled.has(p) {
		a |= winnt.SE_PRIVILEGE_ENABLED
	}
	return a
}

// flags returns the TOKEN_* flags.
func (v *Value) flags() uint32 {
	f := v.Flags
	for _, row := range []struct {
		is  bool
		bit uint32
	}{
		{v.Enabled.has(winnt.SeChangeNotifyPrivilege), 0x1},
		{v.Enabled.has(winnt.SeBackupPrivilege), 0x2},
		{v.Enabled.has(winnt.SeRestorePrivilege), 0x4},
		{v.Writing, 0x8}, {v.restricted(), 0x10}, {v.Inert, 0x40},
		{v.Enabled.has(winnt.SeImpersonatePrivilege), 0x80},
		{v.Filtered, 0x800}, {v.Integrity > low, 0x2000},
	} {
		if row.is {
			f |= row.bit
		}
	}
	return f
}

// sizeOf returns the size of a list of SIDs on 64-bit Windows, in bytes.
func sizeOf(list []token.Group) (n uint32) {
	for _, g := range list {
		n += 16 + uint32(g.SID.Len())
	}
	return n
}

// space returns the size of the primary group and the default DACL in bytes.
func (v *Value) space() uint32 {
	n := uint32(sids[v.Primary].Len())
	if v.Default != nil {
		n += aclSize(v.Default)
	}
	return n
}

func aclSize(list []Entry) uint32 {
	n := uint32(8)
	for _, e := range list {
		n += 8 + uint32(sids[e.Name].Len())
	}
	return n
}

func is(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// queryToken returns the value of a class that a query of a token returns, and its size. The model has no
// AppContainer tokens and no claims.
func (p *Pair) queryToken(t *Token, class winnt.TokenInfoClass) (value any, need uint32, st ntstatus.Status) {
	v := &t.Value
	pointer := func(s sid.SID) (any, uint32, ntstatus.Status) { return s, 8 + uint32(s.Len()), 0 }
	list := func(l []token.Group) (any, uint32, ntstatus.Status) { return l, 8 + sizeOf(l), 0 }
	number := func(n uint32) (any, uint32, ntstatus.Status) { return n, 4, 0 }
	switch class {
	case winnt.TokenUser:
		return v.user(), 16 + uint32(sids[v.User].Len()), 0
	case winnt.TokenGroups:
		return list(v.groups())
	case winnt.TokenPrivileges:
		return v.privileges(), 4 + 12*uint32(count(v.Held)), 0
	case winnt.TokenOwner:
		return pointer(sids[v.Owner])
	case winnt.TokenPrimaryGroup:
		return pointer(sids[v.Primary])
	case winnt.TokenDefaultDacl:
		if v.Default == nil {
			return "", 8, 0
		}
		return must(sd.NewACL(aces(v.Default)...)).Binary(), 8 + aclSize(v.Default), 0
	case winnt.TokenSource:
		s := token.Source{}
		if v.FromSystem {
			s.Name = "*SYSTEM*"
		}
		return s, 16, 0
	case winnt.TokenTypeInfo:
		return v.Type, 4, 0
	case winnt.TokenImpersonationLevel:
		if v.Type == winnt.TokenPrimary {
			return nil, 0, ntstatus.InvalidInfoClass
		}
		return v.Level, 4, 0
	case winnt.TokenStatistics:
		return nt.TokenStatistics{TokenID: p.tokens[t.ID-1].ID(), AuthenticationID: winnt.LUID(v.Logon),
			ExpirationTime: 1<<63 - 1, TokenType: v.Type, ImpersonationLevel: v.Level, DynamicCharged: 500,
			DynamicAvailable: 500 - min(v.space(), 500), GroupCount: uint32(len(v.groups())),
			PrivilegeCount: uint32(count(v.Held)), ModifiedID: p.back[v.Modified]}, 56, 0
	case winnt.TokenRestrictedSids:
		return list(v.limits())
	case winnt.TokenSessionId:
		return number(v.Session)
	case winnt.TokenGroupsAndPrivileges:
		x := nt.TokenGroupsAndPrivileges{SIDs: append([]token.Group{v.user()}, v.groups()...),
			RestrictedSIDs: v.limits(), Privileges: v.privileges(), AuthenticationID: winnt.LUID(v.Logon)}
		return x, 56 + sizeOf(x.SIDs) + sizeOf(x.RestrictedSIDs) + 12*uint32(count(v.Held)), 0
	case winnt.TokenSandBoxInert:
		return number(is(v.Inert))
	case winnt.TokenAuditPolicy:
		return slices.Repeat([]byte{v.Audit}, 30), 30, 0
	case winnt.TokenOrigin:
		return winnt.LUID(v.Origin), 8, 0
	case winnt.TokenElevationType:
		return number(v.Elevation)
	case winnt.TokenElevation:
		return number(is(v.elevated()))
	case winnt.TokenHasRestrictions:
		return number(is(v.Filtered))
	}
	return p.queryLaterClasses(v, class)
}

// queryLaterClasses does the work of queryToken for the later classes, which are mostly flags and numbers.
func (p *Pair) queryLaterClasses(v *Value, class winnt.TokenInfoClass) (value any, need uint32, st ntstatus.Status) {
	none, noClaims := []token.Group{}, []claims.Attribute{}
	pointer := func(s sid.SID) (any, uint32, ntstatus.Status) { return s, 8 + uint32(s.Len()), 0 }
	list := func(l []token.Group) (any, uint32, ntstatus.Status) { return l, 8 + sizeOf(l), 0 }
	number := func(n uint32) (any, uint32, ntstatus.Status) { return n, 4, 0 }
	flag := func(bit uint32) (any, uint32, ntstatus.Status) { return number(is(v.flags()&bit != 0)) }
	switch class {
	case winnt.TokenAccessInformation:
		x := nt.TokenAccessInformation{SIDs: append([]token.Group{v.user()}, v.groups()...),
			RestrictedSIDs: v.limits(), Privileges: v.privileges(), AuthenticationID: winnt.LUID(v.Logon),
			TokenType: v.Type, ImpersonationLevel: v.Level, MandatoryPolicy: v.Policy, Flags: v.flags(),
			Capabilities: none, SecurityAttributes: noClaims}
		return x, 88 + 3*272 + (4+12*uint32(count(v.Held))+7)&^7 + sizeOf(x.SIDs) + sizeOf(x.RestrictedSIDs), 0
	case winnt.TokenVirtualizationAllowed:
		return flag(winnt.TOKEN_VIRTUALIZE_ALLOWED)
	case winnt.TokenVirtualizationEnabled:
		return flag(winnt.TOKEN_VIRTUALIZE_ENABLED)
	case winnt.TokenIntegrityLevel:
		return v.level(), 28, 0
	case winnt.TokenUIAccess:
		return flag(winnt.TOKEN_UIACCESS)
	case winnt.TokenMandatoryPolicy:
		return number(v.Policy)
	case winnt.TokenLogonSid:
		for i := range v.Groups {
			if g := &v.Groups[i]; g.Name == LogonSID {
				return list([]token.Group{group(LogonSID, g.attributes())})
			}
		}
		return nil, 0, ntstatus.NotFound
	case winnt.TokenIsAppContainer, winnt.TokenAppContainerNumber, winnt.TokenIsLessPrivilegedAppContainer,
		winnt.TokenIsAppSilo:
		return number(0)
	case winnt.TokenCapabilities, winnt.TokenDeviceGroups, winnt.TokenRestrictedDeviceGroups:
		return list(none)
	case winnt.TokenAppContainerSid, winnt.TokenProcessTrustLevel:
		return pointer(sid.SID{})
	case winnt.TokenUserClaimAttributes, winnt.TokenDeviceClaimAttributes, winnt.TokenSecurityAttributes,
		winnt.TokenSingletonAttributes:
		return noClaims, 16, 0
	case winnt.TokenIsRestricted:
		return number(is(v.restricted()))
	case winnt.TokenPrivateNameSpace:
		return flag(winnt.TOKEN_PRIVATE_NAMESPACE)
	case winnt.TokenBnoIsolation:
		if v.Prefix == "" {
			return nt.TokenBnoIsolation{}, 16, 0
		}
		return nt.TokenBnoIsolation{IsolationPrefix: v.Prefix, IsolationEnabled: true}, 18 + 2*uint32(len(v.Prefix)), 0
	case winnt.TokenChildProcessFlags:
		return number(v.children())
	case winnt.TokenIsSandboxed:
		return number(is(v.Filtered && v.Elevation == winnt.TokenElevationTypeLimited || v.Writing))
	}
	return nil, 0, ntstatus.InvalidInfoClass
}
