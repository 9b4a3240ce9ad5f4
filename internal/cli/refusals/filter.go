package refusals

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The services that create, filter, compare and adjust tokens.

// tokenHandle returns the failures to inject into a TokenHandle parameter. h returns a pointer to it, and lacks are
// the rights that the service needs. rule is the rule of the condition.
func tokenHandle[I any](rule string, h func(I) *winnt.Handle, lacks winnt.AccessMask) []refusal[I] {
	return handles(rule, "TokenHandle", "TokenHandle", h,
		func(w *world) winnt.Handle { return w.handle(w.existing(2), winnt.TOKEN_ALL_ACCESS&^lacks) })
}

// malformed returns a parameter that contains a malformed SID: its capture failed with STATUS_INVALID_SID.
func malformed[T any]() nt.Captured[T] { return nt.Captured[T]{Status: ntstatus.InvalidSID} }

var _ = define(setup[*nt.AdjustGroupsTokenIn]{
	names: []string{"NtAdjustGroupsToken", "ZwAdjustGroupsToken"},
	base: func(w *world) *nt.AdjustGroupsTokenIn {
		s := clientSpec(winnt.SecurityImpersonation)
		s.Groups = append(s.Groups, token.Group{SID: account(3001), Attributes: winnt.SE_GROUP_ENABLED},
			token.Group{SID: account(3002), Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY})
		return &nt.AdjustGroupsTokenIn{TokenHandle: w.handle(w.token(s, open()), winnt.TOKEN_ALL_ACCESS),
			NewState: nt.Cap([]token.Group{{SID: account(3001)}}), BufferLength: 4096, WantPrevious: true}
	},
	refusals: join(
		handles("T-74", "TokenHandle", "TokenHandle",
			func(in *nt.AdjustGroupsTokenIn) *winnt.Handle { return &in.TokenHandle }, func(w *world) winnt.Handle {
				return w.handle(w.owned[0], winnt.TOKEN_ALL_ACCESS&^winnt.TOKEN_ADJUST_GROUPS)
			}),
		[]refusal[*nt.AdjustGroupsTokenIn]{
			{rule: "T-74", want: ntstatus.AccessViolation, name: "NewState unreadable", takes: "state", needs: pointers,
				inject: func(_ *world, in *nt.AdjustGroupsTokenIn) { unreadable(&in.NewState) }},
			{rule: "T-74", want: ntstatus.InvalidParameter, name: "NewState NULL", takes: "state",
				inject: func(_ *world, in *nt.AdjustGroupsTokenIn) { in.NewState.V = nil }},
			{rule: "T-74", want: ntstatus.InvalidSID, name: "a malformed SID", takes: "state",
				inject: func(_ *world, in *nt.AdjustGroupsTokenIn) { in.NewState = malformed[[]token.Group]() }},
			{rule: "T-75", want: ntstatus.CantDisableMandatory, name: "a mandatory group", takes: "state TokenHandle",
				inject: func(_ *world, in *nt.AdjustGroupsTokenIn) {
					in.NewState = nt.Cap([]token.Group{{SID: sid.Users}})
				}},
			{rule: "T-75", want: ntstatus.CantEnableDenyOnly, name: "a deny-only group", takes: "state TokenHandle",
				inject: func(_ *world, in *nt.AdjustGroupsTokenIn) {
					in.NewState = nt.Cap([]token.Group{{SID: account(3002), Attributes: winnt.SE_GROUP_ENABLED}})
				}},
			{rule: "T-74", want: ntstatus.BufferTooSmall, name: "BufferLength 8", takes: "length",
				inject: func(_ *world, in *nt.AdjustGroupsTokenIn) { in.BufferLength = 8 }},
			{rule: "T-75", want: ntstatus.NotAllAssigned, name: "a group the token lacks", takes: "state",
				inject: func(_ *world, in *nt.AdjustGroupsTokenIn) {
					in.NewState = nt.Cap([]token.Group{{SID: account(3001)}, {SID: account(3999)}})
				}},
		}),
})

type filters interface {
	*nt.FilterTokenIn | *nt.FilterTokenExIn
}

// filterRefusals returns the failures to inject into NtFilterToken and NtFilterTokenEx. Its arguments return pointers
// to fields of the input.
func filterRefusals[I filters](h func(I) *winnt.Handle, flags func(I) *uint32, disable,
	restrict func(I) *nt.Captured[[]token.Group]) []refusal[I] {
	return join(
		handles("T-60", "ExistingTokenHandle", "ExistingTokenHandle", h, func(w *world) winnt.Handle {
			return w.handle(w.existing(2), winnt.TOKEN_ALL_ACCESS&^winnt.TOKEN_DUPLICATE)
		}),
		[]refusal[I]{
			{rule: "T-60", want: ntstatus.AccessViolation, name: "a list unreadable", takes: "disable", needs: pointers,
				inject: func(_ *world, in I) { unreadable(disable(in)) }},
			{rule: "T-60", want: ntstatus.InvalidParameter, name: "flags 0x10", takes: "flags",
				inject: func(_ *world, in I) { *flags(in) = 0x10 }},
			{rule: "T-60", want: ntstatus.InvalidSID, name: "a malformed SID", takes: "disable",
				inject: func(_ *world, in I) { *disable(in) = malformed[[]token.Group]() }},
			{rule: "T-63", want: ntstatus.InvalidParameter, name: "a restricting SID with attributes", takes: "restrict",
				inject: func(_ *world, in I) {
					*restrict(in) = nt.Cap([]token.Group{{SID: sid.Users, Attributes: winnt.SE_GROUP_ENABLED}})
				}},
			{rule: "O-81", want: ntstatus.InsufficientResources, name: "memory runs out", takes: "memory",
				inject: func(w *world, _ I) { w.failing["*"] = true }},
		})
}

var _ = define(setup[*nt.FilterTokenIn]{
	names: []string{"NtFilterToken", "ZwFilterToken"},
	base: func(w *world) *nt.FilterTokenIn {
		return &nt.FilterTokenIn{ExistingTokenHandle: w.handle(w.existing(2), winnt.TOKEN_ALL_ACCESS)}
	},
	refusals: filterRefusals(
		func(in *nt.FilterTokenIn) *winnt.Handle { return &in.ExistingTokenHandle },
		func(in *nt.FilterTokenIn) *uint32 { return &in.Flags },
		func(in *nt.FilterTokenIn) *nt.Captured[[]token.Group] { return &in.SIDsToDisable },
		func(in *nt.FilterTokenIn) *nt.Captured[[]token.Group] { return &in.RestrictedSIDs }),
})

var _ = define(setup[*nt.FilterTokenExIn]{
	names: []string{"NtFilterTokenEx", "ZwFilterTokenEx"},
	base: func(w *world) *nt.FilterTokenExIn {
		return &nt.FilterTokenExIn{ExistingTokenHandle: w.handle(w.existing(2), winnt.TOKEN_ALL_ACCESS)}
	},
	refusals: filterRefusals(
		func(in *nt.FilterTokenExIn) *winnt.Handle { return &in.ExistingTokenHandle },
		func(in *nt.FilterTokenExIn) *uint32 { return &in.Flags },
		func(in *nt.FilterTokenExIn) *nt.Captured[[]token.Group] { return &in.SIDsToDisable },
		func(in *nt.FilterTokenExIn) *nt.Captured[[]token.Group] { return &in.RestrictedSIDs }),
})

var _ = define(setup[*nt.CompareTokensIn]{
	names: []string{"NtCompareTokens", "ZwCompareTokens"},
	base: func(w *world) *nt.CompareTokensIn {
		return &nt.CompareTokensIn{FirstTokenHandle: w.handle(w.existing(2), winnt.TOKEN_QUERY),
			SecondTokenHandle: w.handle(w.existing(2), winnt.TOKEN_QUERY)}
	},
	refusals: join(
		handles("T-100", "", "FirstTokenHandle", func(in *nt.CompareTokensIn) *winnt.Handle { return &in.FirstTokenHandle },
			func(w *world) winnt.Handle {
				return w.handle(w.existing(2), winnt.TOKEN_DUPLICATE)
			}),
		[]refusal[*nt.CompareTokensIn]{
			{rule: "T-100", want: ntstatus.AccessViolation, name: "Equal cannot be written", takes: "Equal", needs: pointers,
				inject: func(_ *world, in *nt.CompareTokensIn) { in.FaultEqual = ntstatus.AccessViolation }},
			{rule: "O-15", want: ntstatus.NoToken, name: "NtCurrentThreadToken while not impersonating",
				takes: "FirstTokenHandle caller", inject: func(_ *world, in *nt.CompareTokensIn) {
					in.FirstTokenHandle = winnt.NtCurrentThreadToken
				}},
			{rule: "I-24", want: ntstatus.CantOpenAnonymous, name: "NtCurrentThreadToken at SecurityAnonymous",
				takes: "FirstTokenHandle caller", inject: func(w *world, in *nt.CompareTokensIn) {
					in.FirstTokenHandle = winnt.NtCurrentThreadToken
					w.callerAt(winnt.SecurityAnonymous)
				}},
		}),
})

var _ = define(setup[*nt.AdjustTokenClaimsIn]{
	names: []string{"NtAdjustTokenClaimsAndDeviceGroups", "ZwAdjustTokenClaimsAndDeviceGroups"},
	base: func(w *world) *nt.AdjustTokenClaimsIn {
		s := clientSpec(2)
		s.DeviceGroups = []token.Group{{SID: account(4001), Attributes: token.GroupDefault},
			{SID: account(4002), Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY}, {SID: account(4003),
				Attributes: winnt.SE_GROUP_ENABLED}}
		return &nt.AdjustTokenClaimsIn{TokenHandle: w.handle(w.token(s, open()), winnt.TOKEN_ALL_ACCESS),
			NewUserState: nt.Cap([]claims.Attribute(nil)), NewDeviceGroupsState: nt.Cap([]token.Group{{SID: account(4003)}}),
			WantPreviousDeviceGroups: true, DeviceGroupsBufferLength: 4096}
	},
	refusals: join(
		handles("T-74", "TokenHandle", "TokenHandle",
			func(in *nt.AdjustTokenClaimsIn) *winnt.Handle { return &in.TokenHandle }, func(w *world) winnt.Handle {
				return w.handle(w.owned[0], winnt.TOKEN_ALL_ACCESS&^winnt.TOKEN_ADJUST_GROUPS)
			}),
		[]refusal[*nt.AdjustTokenClaimsIn]{
			{rule: "T-74", want: ntstatus.AccessViolation, name: "NewUserState unreadable", takes: "user", needs: pointers,
				inject: func(_ *world, in *nt.AdjustTokenClaimsIn) { unreadable(&in.NewUserState) }},
			{rule: "T-74", want: ntstatus.InvalidSID, name: "a malformed SID", takes: "groups",
				inject: func(_ *world, in *nt.AdjustTokenClaimsIn) { in.NewDeviceGroupsState = malformed[[]token.Group]() }},
			{rule: "T-75", want: ntstatus.CantDisableMandatory, name: "a mandatory device group", takes: "groups TokenHandle",
				inject: func(_ *world, in *nt.AdjustTokenClaimsIn) {
					in.NewDeviceGroupsState = nt.Cap([]token.Group{{SID: account(4001)}})
				}},
			{rule: "T-75", want: ntstatus.CantEnableDenyOnly, name: "a deny-only device group", takes: "groups TokenHandle",
				inject: func(_ *world, in *nt.AdjustTokenClaimsIn) {
					in.NewDeviceGroupsState = nt.Cap([]token.Group{{SID: account(4002), Attributes: winnt.SE_GROUP_ENABLED}})
				}},
			{rule: "T-74", want: ntstatus.BufferTooSmall, name: "DeviceGroupsBufferLength 8", takes: "length",
				inject: func(_ *world, in *nt.AdjustTokenClaimsIn) { in.DeviceGroupsBufferLength = 8 }},
			{rule: "T-75", want: ntstatus.NotAllAssigned, name: "a device group the token lacks", takes: "groups",
				inject: func(_ *world, in *nt.AdjustTokenClaimsIn) {
					in.NewDeviceGroupsState = nt.Cap([]token.Group{{SID: account(4003)}, {SID: account(4999)}})
				}},
		}),
})

var _ = define(setup[*nt.SetInformationTokenIn]{
	names: []string{"NtSetInformationToken", "ZwSetInformationToken"},
	base: func(w *world) *nt.SetInformationTokenIn {
		return &nt.SetInformationTokenIn{TokenHandle: w.handle(w.existing(2), winnt.TOKEN_ALL_ACCESS),
			TokenInformationClass: winnt.TokenOwner, TokenInformation: nt.Cap[any](userSID), TokenInformationLength: 8}
	},
	refusals: join(
		tokenHandle("T-90", func(in *nt.SetInformationTokenIn) *winnt.Handle { return &in.TokenHandle },
			winnt.TOKEN_ADJUST_DEFAULT),
		[]refusal[*nt.SetInformationTokenIn]{
			{rule: "T-90", want: ntstatus.InvalidInfoClass, name: "TokenUser", takes: "class",
				inject: func(_ *world, in *nt.SetInformationTokenIn) { in.TokenInformationClass = winnt.TokenUser }},
			{rule: "T-90", want: ntstatus.InfoLengthMismatch, when: "fixed size", name: "TokenSessionId of length 8",
				takes: "class length value", inject: func(_ *world, in *nt.SetInformationTokenIn) {
					in.TokenInformationClass, in.TokenInformation = winnt.TokenSessionId, nt.Cap[any](uint32(1))
				}},
			{rule: "T-90", want: ntstatus.AccessViolation, name: "TokenInformation unreadable", takes: "value", needs: pointers,
				inject: func(_ *world, in *nt.SetInformationTokenIn) { unreadable(&in.TokenInformation) }},
			{rule: "T-90", want: ntstatus.InfoLengthMismatch, when: "variable size", name: "TokenOwner of length 4",
				takes: "class length", inject: func(_ *world, in *nt.SetInformationTokenIn) { in.TokenInformationLength = 4 }},
			{rule: "T-90", want: ntstatus.PrivilegeNotHeld, name: "TokenSessionId without SeTcbPrivilege",
				takes: "class length value", needs: userOnly, inject: func(_ *world, in *nt.SetInformationTokenIn) {
					in.TokenInformationClass, in.TokenInformation, in.TokenInformationLength = winnt.TokenSessionId,
						nt.Cap[any](uint32(1)), 4
				}},
			{rule: "T-90", want: ntstatus.InvalidSID, name: "a malformed SID", takes: "value",
				inject: func(_ *world, in *nt.SetInformationTokenIn) { in.TokenInformation = malformed[any]() }},
			{rule: "T-90", want: ntstatus.InvalidOwner, name: "a foreign owner", takes: "value class",
				inject: func(_ *world, in *nt.SetInformationTokenIn) { in.TokenInformation = nt.Cap[any](account(3999)) }},
			{rule: "T-90", want: ntstatus.InvalidPrimaryGroup, name: "a foreign primary group", takes: "value class",
				inject: func(_ *world, in *nt.SetInformationTokenIn) {
					in.TokenInformationClass, in.TokenInformation = winnt.TokenPrimaryGroup, nt.Cap[any](account(3999))
				}},
			{rule: "T-90", want: ntstatus.InvalidACL, name: "a malformed DACL", takes: "value class",
				inject: func(_ *world, in *nt.SetInformationTokenIn) {
					in.TokenInformationClass, in.TokenInformation = winnt.TokenDefaultDacl,
						nt.Captured[any]{Status: ntstatus.InvalidACL}
				}},
		}),
	absent: []absence{
		{"T-90", "TokenLinkedToken", "shown by the transcripts of its class"},
		{"T-90", "TokenSecurityAttributes", "shown by the transcripts of its class"},
		{"T-90", "more than DynamicCharged", "shown by the transcripts of its class"},
		{"T-90", "a value that", "a value of another type is a mistake of the binding"},
	},
})

var _ = define(setup[*nt.QuerySecurityAttributesTokenIn]{
	names: []string{"NtQuerySecurityAttributesToken", "ZwQuerySecurityAttributesToken"},
	base: func(w *world) *nt.QuerySecurityAttributesTokenIn {
		return &nt.QuerySecurityAttributesTokenIn{TokenHandle: w.handle(w.existing(2), winnt.TOKEN_ALL_ACCESS), Length: 4096}
	},
	refusals: join(
		handles("T-80", "TokenHandle", "TokenHandle",
			func(in *nt.QuerySecurityAttributesTokenIn) *winnt.Handle { return &in.TokenHandle }, func(w *world) winnt.Handle {
				return w.handle(w.existing(2), winnt.TOKEN_DUPLICATE)
			}),
		pseudoToken(func(in *nt.QuerySecurityAttributesTokenIn) *winnt.Handle { return &in.TokenHandle }),
		[]refusal[*nt.QuerySecurityAttributesTokenIn]{
			{rule: "T-80", want: ntstatus.AccessViolation, name: "Attributes unreadable", takes: "names", needs: pointers,
				inject: func(_ *world, in *nt.QuerySecurityAttributesTokenIn) { unreadable(&in.Attributes) }},
			{rule: "T-80", want: ntstatus.NotFound, name: "an attribute the token lacks", takes: "names",
				inject: func(_ *world, in *nt.QuerySecurityAttributesTokenIn) {
					in.Attributes = nt.Cap([]string{"WIN://NOTHING"})
				}},
			{rule: "T-80", want: ntstatus.BufferTooSmall, name: "Length 4", takes: "length",
				inject: func(_ *world, in *nt.QuerySecurityAttributesTokenIn) { in.Length = 4 }},
		}),
})
