package refusals

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The services that check access.

type checks interface {
	*nt.AccessCheckIn | *nt.AccessCheckByTypeIn
}

// checkParts gives access to the parameters that the three access checks without audit have. Each function returns a
// pointer into an input.
type checkParts[I checks] struct {
	d       func(I) *nt.Captured[*sd.Descriptor]
	token   func(I) *winnt.Handle
	mask    func(I) *winnt.AccessMask
	mapping func(I) *nt.Captured[winnt.GenericMapping]
	length  func(I) *uint32
}

// checkRefusals returns the failures to inject into any access check without an audit record. p locates its
// parameters.
func checkRefusals[I checks](p checkParts[I]) []refusal[I] {
	return join(
		inUserMode(handles("A-13", "ClientToken", "ClientToken", p.token,
			func(w *world) winnt.Handle { return w.handle(w.existing(2), winnt.TOKEN_DUPLICATE) })),
		inUserMode(pseudoToken(p.token)),
		[]refusal[I]{
			{rule: "A-10", want: ntstatus.AccessViolation, name: "GenericMapping unreadable", takes: "mapping", needs: pointers,
				inject: func(_ *world, in I) { unreadable(p.mapping(in)) }},
			{rule: "A-12", want: ntstatus.GenericNotMapped, name: "GENERIC_READ", takes: "desired.generic", needs: userOnly,
				inject: func(_ *world, in I) { *p.mask(in) |= winnt.GENERIC_READ }},
			{rule: "A-14", want: ntstatus.NoImpersonationToken, name: "a primary token", takes: "ClientToken", needs: userOnly,
				inject: func(w *world, in I) {
					*p.token(in) = w.handle(w.server.Object().PrimaryToken(), winnt.TOKEN_QUERY)
				}},
			{rule: "A-15", want: ntstatus.BadImpersonationLevel, name: "a token at SecurityAnonymous", takes: "ClientToken",
				needs: userOnly, inject: func(w *world, in I) {
					*p.token(in) = w.handle(w.existing(winnt.SecurityAnonymous), winnt.TOKEN_QUERY)
				}},
			{rule: "A-16", want: ntstatus.PrivilegeNotHeld, name: "ACCESS_SYSTEM_SECURITY without privilege",
				takes: "desired.security", needs: userOnly, inject: func(_ *world, in I) {
					*p.mask(in) |= winnt.ACCESS_SYSTEM_SECURITY
				}},
			{rule: "A-17", want: ntstatus.BufferTooSmall, name: "PrivilegeSetLength 4", takes: "length", needs: userOnly,
				inject: func(_ *world, in I) { *p.length(in) = 4 }},
			{rule: "A-18", want: ntstatus.UnknownRevision, name: "a malformed descriptor", takes: "sd", needs: userOnly,
				inject: func(_ *world, in I) { p.d(in).Status = ntstatus.UnknownRevision }},
			{rule: "A-19", want: ntstatus.InvalidSecurityDescr, name: "no descriptor", takes: "sd", needs: userOnly,
				inject: func(_ *world, in I) { p.d(in).V = nil }},
			{rule: "A-19", want: ntstatus.InvalidSecurityDescr, name: "a descriptor without owner", takes: "sd", needs: userOnly,
				inject: func(_ *world, in I) {
					p.d(in).V = sd.New(sd.Parts{Control: sd.DACLPresent, Group: userSID, DACL: fullFor(userSID)})
				}},
		})
}

// typed returns the failures to inject into a check with an object type list. With list, the service returns a list
// of results, and an empty type list is one more failure.
func typed(list bool) []refusal[*nt.AccessCheckByTypeIn] {
	f := []refusal[*nt.AccessCheckByTypeIn]{
		{rule: "A-26", want: ntstatus.InvalidParameter, name: "two roots in the type list", takes: "types", needs: userOnly,
			inject: func(_ *world, in *nt.AccessCheckByTypeIn) { in.ObjectTypeList = badTypes() }},
		{rule: "A-20", want: ntstatus.InvalidSID, name: "PrincipalSelfSid malformed", takes: "self", needs: userOnly,
			inject: func(_ *world, in *nt.AccessCheckByTypeIn) {
				in.PrincipalSelfSid = nt.Captured[sid.SID]{Status: ntstatus.InvalidSID}
			}},
	}
	if list {
		f = append(f,
			refusal[*nt.AccessCheckByTypeIn]{rule: "A-11", want: ntstatus.InvalidParameter, name: "an empty type list",
				takes: "types", needs: userOnly,
				inject: func(_ *world, in *nt.AccessCheckByTypeIn) { in.ObjectTypeList.V = nil }})
	}
	return f
}

var _ = define(setup[*nt.AccessCheckIn]{
	names: []string{"NtAccessCheck", "ZwAccessCheck"},
	base: func(w *world) *nt.AccessCheckIn {
		return &nt.AccessCheckIn{SecurityDescriptor: nt.Cap(open()), ClientToken: w.handle(w.existing(2), winnt.TOKEN_QUERY),
			DesiredAccess: winnt.FILE_READ_DATA, GenericMapping: fileMapping(), PrivilegeSetLength: 64}
	},
	verdict: func(out any) ntstatus.Status { return out.(nt.AccessCheckOut).AccessStatus },
	refusals: checkRefusals(checkParts[*nt.AccessCheckIn]{
		func(in *nt.AccessCheckIn) *nt.Captured[*sd.Descriptor] { return &in.SecurityDescriptor },
		func(in *nt.AccessCheckIn) *winnt.Handle { return &in.ClientToken },
		func(in *nt.AccessCheckIn) *winnt.AccessMask { return &in.DesiredAccess },
		func(in *nt.AccessCheckIn) *nt.Captured[winnt.GenericMapping] { return &in.GenericMapping },
		func(in *nt.AccessCheckIn) *uint32 { return &in.PrivilegeSetLength },
	}),
	absent: []absence{{"A-20", "", "this form has no PrincipalSelfSid"}},
})

var typedParts = checkParts[*nt.AccessCheckByTypeIn]{
	func(in *nt.AccessCheckByTypeIn) *nt.Captured[*sd.Descriptor] { return &in.SecurityDescriptor },
	func(in *nt.AccessCheckByTypeIn) *winnt.Handle { return &in.ClientToken },
	func(in *nt.AccessCheckByTypeIn) *winnt.AccessMask { return &in.DesiredAccess },
	func(in *nt.AccessCheckByTypeIn) *nt.Captured[winnt.GenericMapping] { return &in.GenericMapping },
	func(in *nt.AccessCheckByTypeIn) *uint32 { return &in.PrivilegeSetLength },
}

// typedBase returns a valid input of a check by object type, into which failures are injected.
func typedBase(w *world) *nt.AccessCheckByTypeIn {
	return &nt.AccessCheckByTypeIn{SecurityDescriptor: nt.Cap(open()),
		ClientToken: w.handle(w.existing(2), winnt.TOKEN_QUERY), DesiredAccess: winnt.FILE_READ_DATA,
		ObjectTypeList: goodTypes(), GenericMapping: fileMapping(), PrivilegeSetLength: 64}
}

var _ = define(setup[*nt.AccessCheckByTypeIn]{
	names: []string{"NtAccessCheckByType", "ZwAccessCheckByType"}, base: typedBase,
	verdict:  func(out any) ntstatus.Status { return out.(nt.AccessCheckOut).AccessStatus },
	refusals: join(checkRefusals(typedParts), typed(false)),
	absent:   []absence{{"A-11", "", "for the result list only"}},
})

var _ = define(setup[*nt.AccessCheckByTypeIn]{
	names: []string{"NtAccessCheckByTypeResultList", "ZwAccessCheckByTypeResultList"}, base: typedBase,
	verdict: func(out any) ntstatus.Status {
		for _, st := range out.(nt.AccessCheckByTypeResultListOut).AccessStatus {
			return st // they are equal where the descriptor was not looked at
		}
		return ntstatus.Success
	},
	refusals: join(checkRefusals(typedParts), typed(true)),
})
