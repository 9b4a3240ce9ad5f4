package faults

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

type creates interface {
	*nt.CreateTokenIn | *nt.CreateTokenExIn
}

// createParts finds the parameters that both forms of NtCreateToken have.
type createParts[I creates] struct {
	mask         func(I) *winnt.AccessMask
	oa           func(I) *nt.Captured[*nt.ObjectAttributes]
	typ          func(I) *winnt.TokenType
	logon        func(I) *nt.Captured[winnt.LUID]
	groups       func(I) *nt.Captured[[]token.Group]
	privileges   func(I) *nt.Captured[[]nt.LUIDAndAttributes]
	owner, group func(I) *nt.Captured[sid.SID]
	dacl         func(I) *nt.Captured[*sd.ACL]
	source       func(I) *nt.Captured[*token.Source]
}

func createFaults[I creates](p createParts[I]) []fault[I] {
	return []fault[I]{
		{rule: "T-10", want: ntstatus.AccessViolation, name: "Source NULL", takes: "source", needs: pointers,
			inject: func(_ *world, in I) { p.source(in).V = nil }},
		{rule: "O-22", want: ntstatus.InvalidParameter, name: "unknown attribute bits", takes: "oa.attributes",
			inject: func(_ *world, in I) { p.oa(in).V.Attributes = 0x8000 }},
		{rule: "T-40", want: ntstatus.InvalidParameter, name: "SQOS level 4", takes: "oa.sqos",
			inject: func(_ *world, in I) {
				p.oa(in).V.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: 4}
			}},
		{rule: "T-10", want: ntstatus.BadTokenType, name: "TokenType 3", takes: "type",
			inject: func(_ *world, in I) { *p.typ(in) = 3 }},
		{rule: "T-10", want: ntstatus.PrivilegeNotHeld, name: "no SeCreateTokenPrivilege", takes: "privilege",
			needs: userOnly, inject: func(w *world, _ I) { w.stranger() }},
		{rule: "T-10", want: ntstatus.InvalidSID, name: "a malformed SID", takes: "groups",
			inject: func(_ *world, in I) { *p.groups(in) = malformed[[]token.Group]() }},
		{rule: "T-10", want: ntstatus.InvalidACL, name: "a malformed DefaultDacl", takes: "dacl",
			inject: func(_ *world, in I) { *p.dacl(in) = nt.Captured[*sd.ACL]{Status: ntstatus.InvalidACL} }},
		{rule: "T-10", want: ntstatus.BadImpersonationLevel, name: "an impersonation token without SQOS",
			takes: "type oa.sqos", inject: func(_ *world, in I) {
				*p.typ(in), p.oa(in).V.SecurityQualityOfService = winnt.TokenImpersonation, nil
			}},
		{rule: "T-5", want: ntstatus.NoSuchLogonSession, name: "an unknown logon session", takes: "logon",
			inject: func(_ *world, in I) { *p.logon(in) = nt.Cap(winnt.LUID(0x999999)) }},
		{rule: "T-10", want: ntstatus.NoSuchPrivilege, name: "a LUID that is no privilege", takes: "privileges",
			inject: func(_ *world, in I) {
				*p.privileges(in) = nt.Cap([]nt.LUIDAndAttributes{{LUID: 99}})
			}},
		{rule: "T-11", want: ntstatus.InvalidOwner, name: "a foreign owner", takes: "owner",
			inject: func(_ *world, in I) { *p.owner(in) = nt.Cap(account(3999)) }},
		{rule: "T-11", want: ntstatus.InvalidPrimaryGroup, name: "a foreign primary group", takes: "group",
			inject: func(_ *world, in I) { *p.group(in) = nt.Cap(account(3999)) }},
		{rule: "T-3", want: ntstatus.InvalidParameter, name: "a group enabled and deny-only", takes: "groups",
			inject: func(_ *world, in I) {
				*p.groups(in) = nt.Cap([]token.Group{{SID: sid.Users,
					Attributes: winnt.SE_GROUP_ENABLED | winnt.SE_GROUP_USE_FOR_DENY_ONLY}})
			}},
		{rule: "O-81", want: ntstatus.InsufficientResources, name: "memory runs out", takes: "memory",
			inject: func(w *world, _ I) { w.failing["*"] = true }},
		{rule: "O-20", want: ntstatus.AccessDenied, name: "reserved bits", takes: "desired.reserved",
			inject: func(_ *world, in I) { *p.mask(in) |= 0x00400000 }},
		{rule: "O-21", want: ntstatus.AccessDenied, name: "bits a token does not know", takes: "desired.unknown",
			needs: userOnly, inject: func(_ *world, in I) { *p.mask(in) |= 0x200 }},
		{rule: "O-30", want: ntstatus.PrivilegeNotHeld, name: "ACCESS_SYSTEM_SECURITY without privilege",
			takes: "desired.security", needs: userOnly, inject: func(_ *world, in I) {
				*p.mask(in) |= winnt.ACCESS_SYSTEM_SECURITY
			}},
	}
}

// creator gives the server SeCreateTokenPrivilege.
func (w *world) creator() { w.holding(winnt.SeCreateTokenPrivilege) }

// holding gives the server a privilege, enabled.
func (w *world) holding(p winnt.Privilege) {
	w.server.Object().PrimaryToken().Update(func(old *token.Token, m winnt.LUID) *token.Token {
		s := old.Spec()
		s.ModifiedID = m
		s.Privileges |= p.Bit()
		s.EnabledPrivileges |= p.Bit()
		return must(token.New(s))
	})
}

var _ = define(setup[*nt.CreateTokenIn]{
	names: []string{"NtCreateToken", "ZwCreateToken"},
	base: func(w *world) *nt.CreateTokenIn {
		w.creator()
		return &nt.CreateTokenIn{DesiredAccess: winnt.TOKEN_ALL_ACCESS,
			ObjectAttributes: atLevel(winnt.SecurityImpersonation),
			TokenType:        winnt.TokenImpersonation, AuthenticationID: nt.Cap(winnt.SYSTEM_LUID),
			User: nt.Cap(&token.Group{SID: userSID}),
			Groups: nt.Cap([]token.Group{{SID: sid.Users,
				Attributes: token.GroupDefault}}), Privileges: nt.Cap(privileges(winnt.SeChangeNotifyPrivilege)),
			PrimaryGroup: nt.Cap(userSID), Source: nt.Cap(&token.Source{Name: "test"})}
	},
	faults: createFaults(createParts[*nt.CreateTokenIn]{
		func(in *nt.CreateTokenIn) *winnt.AccessMask { return &in.DesiredAccess },
		func(in *nt.CreateTokenIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		func(in *nt.CreateTokenIn) *winnt.TokenType { return &in.TokenType },
		func(in *nt.CreateTokenIn) *nt.Captured[winnt.LUID] { return &in.AuthenticationID },
		func(in *nt.CreateTokenIn) *nt.Captured[[]token.Group] { return &in.Groups },
		func(in *nt.CreateTokenIn) *nt.Captured[[]nt.LUIDAndAttributes] { return &in.Privileges },
		func(in *nt.CreateTokenIn) *nt.Captured[sid.SID] { return &in.Owner },
		func(in *nt.CreateTokenIn) *nt.Captured[sid.SID] { return &in.PrimaryGroup },
		func(in *nt.CreateTokenIn) *nt.Captured[*sd.ACL] { return &in.DefaultDACL },
		func(in *nt.CreateTokenIn) *nt.Captured[*token.Source] { return &in.Source },
	}),
})

var _ = define(setup[*nt.CreateTokenExIn]{
	names: []string{"NtCreateTokenEx", "ZwCreateTokenEx"},
	base: func(w *world) *nt.CreateTokenExIn {
		w.creator()
		return &nt.CreateTokenExIn{DesiredAccess: winnt.TOKEN_ALL_ACCESS,
			ObjectAttributes: atLevel(winnt.SecurityImpersonation),
			TokenType:        winnt.TokenImpersonation, AuthenticationID: nt.Cap(winnt.SYSTEM_LUID),
			User: nt.Cap(&token.Group{SID: userSID}),
			Groups: nt.Cap([]token.Group{{SID: sid.Users,
				Attributes: token.GroupDefault}}), Privileges: nt.Cap(privileges(winnt.SeChangeNotifyPrivilege)),
			PrimaryGroup: nt.Cap(userSID), Source: nt.Cap(&token.Source{Name: "test"})}
	},
	faults: createFaults(createParts[*nt.CreateTokenExIn]{
		func(in *nt.CreateTokenExIn) *winnt.AccessMask { return &in.DesiredAccess },
		func(in *nt.CreateTokenExIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		func(in *nt.CreateTokenExIn) *winnt.TokenType { return &in.TokenType },
		func(in *nt.CreateTokenExIn) *nt.Captured[winnt.LUID] { return &in.AuthenticationID },
		func(in *nt.CreateTokenExIn) *nt.Captured[[]token.Group] { return &in.Groups },
		func(in *nt.CreateTokenExIn) *nt.Captured[[]nt.LUIDAndAttributes] { return &in.Privileges },
		func(in *nt.CreateTokenExIn) *nt.Captured[sid.SID] { return &in.Owner },
		func(in *nt.CreateTokenExIn) *nt.Captured[sid.SID] { return &in.PrimaryGroup },
		func(in *nt.CreateTokenExIn) *nt.Captured[*sd.ACL] { return &in.DefaultDACL },
		func(in *nt.CreateTokenExIn) *nt.Captured[*token.Source] { return &in.Source },
	}),
})
