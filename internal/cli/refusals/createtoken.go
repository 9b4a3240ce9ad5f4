package refusals

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// createRefusals are the refusals of both forms of NtCreateToken.
var createRefusals = []refusal[*nt.CreateTokenIn]{
	{rule: "T-10", want: ntstatus.AccessViolation, name: "Source NULL", takes: "source", needs: pointers,
		inject: func(_ *world, in *nt.CreateTokenIn) { in.Source.V = nil }},
	{rule: "O-22", want: ntstatus.InvalidParameter, name: "unknown attribute bits", takes: "oa.attributes.unknown",
		inject: func(_ *world, in *nt.CreateTokenIn) { in.ObjectAttributes.V.Attributes |= 0x8000 }},
	exclusiveInherited("oa.attributes", func(in *nt.CreateTokenIn) *uint32 {
		return &oaOf(&in.ObjectAttributes).Attributes
	}),
	{rule: "T-40", want: ntstatus.InvalidParameter, name: "SQOS level 4", takes: "oa.sqos",
		inject: func(_ *world, in *nt.CreateTokenIn) {
			in.ObjectAttributes.V.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: 4}
		}},
	{rule: "T-10", want: ntstatus.BadTokenType, name: "TokenType 3", takes: "type",
		inject: func(_ *world, in *nt.CreateTokenIn) { in.TokenType = 3 }},
	{rule: "T-10", want: ntstatus.PrivilegeNotHeld, name: "no SeCreateTokenPrivilege", takes: "privilege",
		needs: userOnly, inject: func(w *world, _ *nt.CreateTokenIn) { w.stranger() }},
	{rule: "T-10", want: ntstatus.InvalidSID, name: "a malformed SID", takes: "groups",
		inject: func(_ *world, in *nt.CreateTokenIn) { in.Groups = malformed[[]token.Group]() }},
	{rule: "T-10", want: ntstatus.InvalidACL, name: "a malformed DefaultDacl", takes: "dacl",
		inject: func(_ *world, in *nt.CreateTokenIn) {
			in.DefaultDACL = nt.Captured[*sd.ACL]{Status: ntstatus.InvalidACL}
		}},
	{rule: "T-10", want: ntstatus.BadImpersonationLevel, name: "an impersonation token without SQOS",
		takes: "type oa.sqos", inject: func(_ *world, in *nt.CreateTokenIn) {
			in.TokenType, in.ObjectAttributes.V.SecurityQualityOfService = winnt.TokenImpersonation, nil
		}},
	{rule: "T-5", want: ntstatus.NoSuchLogonSession, name: "an unknown logon session", takes: "logon",
		inject: func(_ *world, in *nt.CreateTokenIn) { in.AuthenticationID = nt.Cap(winnt.LUID(0x999999)) }},
	{rule: "T-10", want: ntstatus.NoSuchPrivilege, name: "a LUID that is not a privilege", takes: "privileges",
		inject: func(_ *world, in *nt.CreateTokenIn) {
			in.Privileges = nt.Cap([]nt.LUIDAndAttributes{{LUID: 99}})
		}},
	{rule: "T-11", want: ntstatus.InvalidOwner, name: "a foreign owner", takes: "owner",
		inject: func(_ *world, in *nt.CreateTokenIn) { in.Owner = nt.Cap(account(3999)) }},
	{rule: "T-11", want: ntstatus.InvalidPrimaryGroup, name: "a foreign primary group", takes: "group",
		inject: func(_ *world, in *nt.CreateTokenIn) { in.PrimaryGroup = nt.Cap(account(3999)) }},
	{rule: "T-3", want: ntstatus.InvalidParameter, name: "a group enabled and deny-only", takes: "groups",
		inject: func(_ *world, in *nt.CreateTokenIn) {
			in.Groups = nt.Cap([]token.Group{{SID: sid.Users,
				Attributes: winnt.SE_GROUP_ENABLED | winnt.SE_GROUP_USE_FOR_DENY_ONLY}})
		}},
	{rule: "O-81", want: ntstatus.InsufficientResources, name: "memory runs out", takes: "memory",
		inject: func(w *world, _ *nt.CreateTokenIn) { w.failing["*"] = true }},
	{rule: "O-20", want: ntstatus.AccessDenied, name: "reserved bits", takes: "desired.reserved",
		inject: func(_ *world, in *nt.CreateTokenIn) { in.DesiredAccess |= 0x00400000 }},
	{rule: "O-21", want: ntstatus.AccessDenied, name: "bits a token does not know", takes: "desired.unknown",
		needs: userOnly, inject: func(_ *world, in *nt.CreateTokenIn) { in.DesiredAccess |= 0x200 }},
	{rule: "O-30", want: ntstatus.PrivilegeNotHeld, name: "ACCESS_SYSTEM_SECURITY without privilege",
		takes: "desired.security", needs: userOnly, inject: func(_ *world, in *nt.CreateTokenIn) {
			in.DesiredAccess |= winnt.ACCESS_SYSTEM_SECURITY
		}},
	{rule: "S-61", want: ntstatus.InvalidOwner, name: "an owner it may not assign", takes: "ObjectAttributes.sd",
		needs: userOnly, inject: func(_ *world, in *nt.CreateTokenIn) {
			oaOf(&in.ObjectAttributes).SecurityDescriptor = open()
		}},
}

// creator enables SeCreateTokenPrivilege for the server, as NtCreateToken requires.
func (w *world) creator() { w.holding(winnt.SeCreateTokenPrivilege) }

// holding enables a privilege in the token of the server's process, so all its threads have it.
func (w *world) holding(p winnt.Privilege) {
	w.server.Object().PrimaryToken().Update(func(old *token.Token, m winnt.LUID) *token.Token {
		s := old.Spec()
		s.ModifiedID = m
		s.Privileges |= p.Bit()
		s.EnabledPrivileges |= p.Bit()
		return must(token.New(s))
	})
}

// createBase returns a valid input of NtCreateToken, into which failures are injected. It also gives the caller the
// privilege to create tokens.
func createBase(w *world) *nt.CreateTokenIn {
	w.creator()
	return &nt.CreateTokenIn{DesiredAccess: winnt.TOKEN_ALL_ACCESS,
		ObjectAttributes: atLevel(winnt.SecurityImpersonation),
		TokenType:        winnt.TokenImpersonation, AuthenticationID: nt.Cap(winnt.SYSTEM_LUID),
		User:       nt.Cap(&token.Group{SID: userSID}),
		Groups:     nt.Cap([]token.Group{{SID: sid.Users, Attributes: token.GroupDefault}}),
		Privileges: nt.Cap(privileges(winnt.SeChangeNotifyPrivilege)), PrimaryGroup: nt.Cap(userSID),
		Source: nt.Cap(&token.Source{Name: "test"})}
}

var _ = define(setup[*nt.CreateTokenIn]{
	names: []string{"NtCreateToken", "ZwCreateToken"}, base: createBase, refusals: createRefusals,
	absent: []absence{longSACL},
})

var _ = define(setup[*nt.CreateTokenExIn]{
	names:    []string{"NtCreateTokenEx", "ZwCreateTokenEx"},
	base:     func(w *world) *nt.CreateTokenExIn { return extended(&nt.CreateTokenExIn{}, createBase(w)) },
	refusals: extendedRefusals(),
	absent:   []absence{longSACL},
})

// extendedRefusals converts the failures of NtCreateToken for NtCreateTokenEx. Fields that only the latter has stay
// unchanged.
func extendedRefusals() (out []refusal[*nt.CreateTokenExIn]) {
	for _, f := range createRefusals {
		out = append(out, refusal[*nt.CreateTokenExIn]{rule: f.rule, want: f.want, when: f.when, name: f.name,
			takes: f.takes, needs: f.needs, only: f.only, lifts: f.lifts, of: f.of,
			inject: func(w *world, in *nt.CreateTokenExIn) {
				plain := nt.CreateTokenIn{DesiredAccess: in.DesiredAccess, ObjectAttributes: in.ObjectAttributes,
					TokenType: in.TokenType, AuthenticationID: in.AuthenticationID, ExpirationTime: in.ExpirationTime,
					User: in.User, Groups: in.Groups, Privileges: in.Privileges, Owner: in.Owner,
					PrimaryGroup: in.PrimaryGroup, DefaultDACL: in.DefaultDACL, Source: in.Source}
				f.inject(w, &plain)
				extended(in, &plain)
			}})
	}
	return out
}

// extended copies the parameters of NtCreateToken in plain to in, an input of NtCreateTokenEx. It returns in.
func extended(in *nt.CreateTokenExIn, plain *nt.CreateTokenIn) *nt.CreateTokenExIn {
	in.DesiredAccess, in.ObjectAttributes, in.TokenType = plain.DesiredAccess, plain.ObjectAttributes, plain.TokenType
	in.AuthenticationID, in.ExpirationTime, in.User = plain.AuthenticationID, plain.ExpirationTime, plain.User
	in.Groups, in.Privileges, in.Owner = plain.Groups, plain.Privileges, plain.Owner
	in.PrimaryGroup, in.DefaultDACL, in.Source = plain.PrimaryGroup, plain.DefaultDACL, plain.Source
	return in
}
