package refusals

import (
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The services that open tokens.

type (
	opensProcess interface {
		*nt.OpenProcessTokenIn | *nt.OpenProcessTokenExIn
	}
	opensThread interface {
		*nt.OpenThreadTokenIn | *nt.OpenThreadTokenExIn
	}
)

// openProcessToken returns the failures to inject into NtOpenProcessToken and NtOpenProcessTokenEx. h and mask return
// pointers to the parameters.
func openProcessToken[I opensProcess](h func(I) *winnt.Handle, mask func(I) *winnt.AccessMask) []refusal[I] {
	return join(
		handles("O-31", "ProcessHandle", "ProcessHandle", h, func(w *world) winnt.Handle { return 0 })[:2],
		[]refusal[I]{
			{rule: "T-30", want: ntstatus.AccessDenied, of: ofHandle, when: "ProcessHandle does not grant",
				name: "ProcessHandle without the right", takes: "ProcessHandle", needs: userOnly,
				inject: func(w *world, in I) {
					*h(in) = w.handle(w.server.Object(), winnt.PROCESS_ALL_ACCESS&^winnt.PROCESS_QUERY_LIMITED_INFORMATION)
				}},
			{rule: "T-30", want: ntstatus.AccessDenied, of: ofCheck, when: "DACL", name: "the token's DACL refuses", takes: "sd",
				needs:  userOnly,
				inject: func(w *world, _ I) { w.server.Object().PrimaryToken().SetSecurity(closed()) }},
			caller[I]("I-1"),
		},
		desired(mask, winnt.TOKEN_ALL_ACCESS<<1&0x8000|0x200),
	)
}

var openTokenAbsent = []absence{{"O-3", "TokenHandle", cFace}}

var _ = define(setup[*nt.OpenProcessTokenIn]{
	names: []string{"NtOpenProcessToken", "ZwOpenProcessToken"},
	base: func(w *world) *nt.OpenProcessTokenIn {
		w.server.Object().PrimaryToken().SetSecurity(open())
		return &nt.OpenProcessTokenIn{ProcessHandle: w.handle(w.server.Object(), winnt.PROCESS_ALL_ACCESS),
			DesiredAccess: winnt.TOKEN_QUERY}
	},
	refusals: openProcessToken(
		func(in *nt.OpenProcessTokenIn) *winnt.Handle { return &in.ProcessHandle },
		func(in *nt.OpenProcessTokenIn) *winnt.AccessMask { return &in.DesiredAccess }),
	absent: append(openTokenAbsent, absence{"O-29", "HandleAttributes", "this form has no HandleAttributes"}),
})

var _ = define(setup[*nt.OpenProcessTokenExIn]{
	names: []string{"NtOpenProcessTokenEx", "ZwOpenProcessTokenEx"},
	base: func(w *world) *nt.OpenProcessTokenExIn {
		w.server.Object().PrimaryToken().SetSecurity(open())
		return &nt.OpenProcessTokenExIn{ProcessHandle: w.handle(w.server.Object(), winnt.PROCESS_ALL_ACCESS),
			DesiredAccess: winnt.TOKEN_QUERY, HandleAttributes: winnt.OBJ_KERNEL_HANDLE}
	},
	refusals: join(openProcessToken(
		func(in *nt.OpenProcessTokenExIn) *winnt.Handle { return &in.ProcessHandle },
		func(in *nt.OpenProcessTokenExIn) *winnt.AccessMask { return &in.DesiredAccess }),
		attributes(func(in *nt.OpenProcessTokenExIn) *uint32 { return &in.HandleAttributes })),
	absent: openTokenAbsent,
})

// attributes returns the failures to inject into a HandleAttributes parameter. a returns a pointer to it.
func attributes[I any](a func(I) *uint32) []refusal[I] {
	return []refusal[I]{
		{rule: "O-29", want: ntstatus.InvalidParameter, name: "attributes that are not supported", takes: "attributes",
			inject: func(_ *world, in I) { *a(in) |= winnt.OBJ_EXCLUSIVE }},
		{rule: "O-29", want: ntstatus.InvalidParameter, name: "no OBJ_KERNEL_HANDLE outside the System process",
			takes: "attributes", needs: kernOnly,
			inject: func(_ *world, in I) { *a(in) = 0 }},
	}
}

// openThreadToken returns the failures to inject into NtOpenThreadToken and NtOpenThreadTokenEx. The calls open the
// token of the server's other thread, so that the caller's own impersonation can fail at the same time. h and mask
// return pointers to the parameters.
func openThreadToken[I opensThread](h func(I) *winnt.Handle, mask func(I) *winnt.AccessMask) []refusal[I] {
	return join(
		handles("I-20", "ThreadHandle", "ThreadHandle", h, func(w *world) winnt.Handle {
			const needed = winnt.THREAD_QUERY_INFORMATION | winnt.THREAD_QUERY_LIMITED_INFORMATION
			return w.handle(w.other, winnt.THREAD_ALL_ACCESS&^needed)
		}),
		[]refusal[I]{
			{rule: "I-20", want: ntstatus.NoToken, name: "the thread is not impersonating", takes: "target",
				inject: func(w *world, _ I) { w.other.RevertToSelf() }},
			{rule: "I-24", want: ntstatus.CantOpenAnonymous, name: "the thread impersonates at SecurityAnonymous",
				takes: "target",
				inject: func(w *world, _ I) {
					w.impersonate(w.other, w.token(clientSpec(winnt.SecurityAnonymous), open()), false, winnt.SecurityAnonymous)
				}},
			{rule: "I-22", want: ntstatus.AccessDenied, of: ofCheck, name: "the token's DACL refuses", takes: "sd",
				needs: userOnly,
				inject: func(w *world, _ I) {
					w.late = append(w.late, func() {
						if t := w.subjectToken(); t != nil {
							t.SetSecurity(closed())
						}
					})
				}},
			{rule: "I-90", want: ntstatus.AccessDenied, of: ofCheck, name: "a job refuses the copy", takes: "target",
				lifts: copied,
				inject: func(w *world, _ I) {
					w.impersonate(w.other, w.token(clientSpec(winnt.SecurityImpersonation), open()), true, winnt.SecurityImpersonation)
					w.job() // it requires restricted tokens, and the client's token is not restricted
				}},
			{rule: "O-81", want: ntstatus.InsufficientResources, name: "memory runs out for the copy", takes: "memory",
				lifts:  copied,
				inject: func(w *world, _ I) { w.failing["se: copy token"] = true; w.copying() }},
			caller[I]("I-22"),
		},
		desired(mask, 0x200),
	)
}

// copied names the refusals that opening a copy does not have in the Observed profile, because the opener is the
// creator (I-23).
const copied = "desired caller sd"

// copying marks the other thread's impersonation so that opening its token returns a copy (I-23).
func (w *world) copying() {
	w.late = append(w.late, func() {
		if t := w.subjectToken(); t != nil {
			w.impersonate(w.other, t, true, winnt.SecurityImpersonation)
		}
	})
}

// subjectToken returns the token of the other thread, nil if it does not impersonate. The result has no reference of
// its own.
func (w *world) subjectToken() *se.TokenObject {
	r := w.other.Impersonation(0)
	if r == nil {
		return nil
	}
	r.Token.Deref(0)
	return r.Token
}

// impersonating makes the second thread impersonate a client, and returns a handle to it with all access.
func (w *world) impersonating() winnt.Handle {
	w.impersonate(w.other, w.token(clientSpec(winnt.SecurityImpersonation), open()), false, winnt.SecurityImpersonation)
	return w.handle(w.other, winnt.THREAD_ALL_ACCESS)
}

var _ = define(setup[*nt.OpenThreadTokenIn]{
	names: []string{"NtOpenThreadToken", "ZwOpenThreadToken"},
	base: func(w *world) *nt.OpenThreadTokenIn {
		return &nt.OpenThreadTokenIn{ThreadHandle: w.impersonating(), DesiredAccess: winnt.TOKEN_QUERY}
	},
	refusals: openThreadToken(
		func(in *nt.OpenThreadTokenIn) *winnt.Handle { return &in.ThreadHandle },
		func(in *nt.OpenThreadTokenIn) *winnt.AccessMask { return &in.DesiredAccess }),
	absent: append(openTokenAbsent, absence{"O-29", "HandleAttributes", "this form has no HandleAttributes"}),
})

var _ = define(setup[*nt.OpenThreadTokenExIn]{
	names: []string{"NtOpenThreadTokenEx", "ZwOpenThreadTokenEx"},
	base: func(w *world) *nt.OpenThreadTokenExIn {
		return &nt.OpenThreadTokenExIn{ThreadHandle: w.impersonating(), DesiredAccess: winnt.TOKEN_QUERY,
			HandleAttributes: winnt.OBJ_KERNEL_HANDLE}
	},
	refusals: join(openThreadToken(
		func(in *nt.OpenThreadTokenExIn) *winnt.Handle { return &in.ThreadHandle },
		func(in *nt.OpenThreadTokenExIn) *winnt.AccessMask { return &in.DesiredAccess }),
		attributes(func(in *nt.OpenThreadTokenExIn) *uint32 { return &in.HandleAttributes })),
	absent: openTokenAbsent,
})

// privileges returns these privileges, enabled, in the form of a service's parameter.
func privileges(p ...winnt.Privilege) []nt.LUIDAndAttributes {
	var list []nt.LUIDAndAttributes
	for _, p := range p {
		list = append(list, nt.LUIDAndAttributes{LUID: p.LUID(), Attributes: winnt.SE_PRIVILEGE_ENABLED})
	}
	return list
}

var _ = define(setup[*nt.AdjustPrivilegesTokenIn]{
	names: []string{"NtAdjustPrivilegesToken", "ZwAdjustPrivilegesToken"},
	base: func(w *world) *nt.AdjustPrivilegesTokenIn {
		return &nt.AdjustPrivilegesTokenIn{TokenHandle: w.handle(w.existing(winnt.SecurityImpersonation),
			winnt.TOKEN_ALL_ACCESS),
			NewState: nt.Cap(privileges(winnt.SeShutdownPrivilege)), BufferLength: 4096, WantPrevious: true}
	},
	refusals: join(
		handles("T-70", "TokenHandle", "TokenHandle",
			func(in *nt.AdjustPrivilegesTokenIn) *winnt.Handle { return &in.TokenHandle }, func(w *world) winnt.Handle {
				return w.handle(w.existing(winnt.SecurityImpersonation), winnt.TOKEN_ALL_ACCESS&^winnt.TOKEN_ADJUST_PRIVILEGES)
			}),
		[]refusal[*nt.AdjustPrivilegesTokenIn]{
			{rule: "T-70", want: ntstatus.AccessDenied, of: ofHandle, name: "previous state without TOKEN_QUERY",
				takes: "TokenHandle", needs: userOnly, inject: func(w *world, in *nt.AdjustPrivilegesTokenIn) {
					in.TokenHandle = w.handle(w.existing(winnt.SecurityImpersonation), winnt.TOKEN_ADJUST_PRIVILEGES)
				}},
			{rule: "T-70", want: ntstatus.InvalidParameter, name: "NewState NULL", takes: "NewState",
				inject: func(_ *world, in *nt.AdjustPrivilegesTokenIn) { in.NewState.V = nil }},
			{rule: "T-70", want: ntstatus.AccessViolation, name: "NewState unreadable", takes: "NewState", needs: pointers,
				inject: func(_ *world, in *nt.AdjustPrivilegesTokenIn) { unreadable(&in.NewState) }},
			{rule: "T-70", want: ntstatus.BufferTooSmall, name: "BufferLength 4", takes: "BufferLength",
				inject: func(_ *world, in *nt.AdjustPrivilegesTokenIn) { in.BufferLength = 4 }},
			{rule: "T-71", want: ntstatus.NotAllAssigned, name: "a privilege the token lacks", takes: "NewState",
				inject: func(_ *world, in *nt.AdjustPrivilegesTokenIn) {
					in.NewState = nt.Cap(privileges(winnt.SeShutdownPrivilege, winnt.SeTcbPrivilege))
				}},
		}),
})

var _ = define(setup[*nt.PrivilegeCheckIn]{
	names: []string{"NtPrivilegeCheck", "ZwPrivilegeCheck"},
	base: func(w *world) *nt.PrivilegeCheckIn {
		return &nt.PrivilegeCheckIn{ClientToken: w.handle(w.existing(winnt.SecurityImpersonation), winnt.TOKEN_QUERY),
			RequiredPrivileges: nt.Cap(&nt.PrivilegeSet{Privilege: privileges(winnt.SeChangeNotifyPrivilege)})}
	},
	refusals: join(
		handles("T-101", "ClientToken", "ClientToken", func(in *nt.PrivilegeCheckIn) *winnt.Handle { return &in.ClientToken },
			func(w *world) winnt.Handle {
				return w.handle(w.existing(winnt.SecurityImpersonation), winnt.TOKEN_DUPLICATE)
			}),
		pseudoToken(func(in *nt.PrivilegeCheckIn) *winnt.Handle { return &in.ClientToken }),
		[]refusal[*nt.PrivilegeCheckIn]{
			{rule: "T-101", want: ntstatus.AccessViolation, name: "RequiredPrivileges unreadable", takes: "RequiredPrivileges",
				needs: pointers, inject: func(_ *world, in *nt.PrivilegeCheckIn) { unreadable(&in.RequiredPrivileges) }},
			{rule: "T-101", want: ntstatus.BadImpersonationLevel, name: "a token at SecurityAnonymous", takes: "ClientToken",
				inject: func(w *world, in *nt.PrivilegeCheckIn) {
					in.ClientToken = w.handle(w.existing(winnt.SecurityAnonymous), winnt.TOKEN_QUERY)
				}},
		}),
})

// pseudoToken returns the failures that pseudo handles of tokens can have in query services. h returns a pointer to
// the handle.
func pseudoToken[I any](h func(I) *winnt.Handle) []refusal[I] {
	return []refusal[I]{
		{rule: "O-15", want: ntstatus.NoToken, name: "NtCurrentThreadToken while not impersonating",
			takes: "ClientToken TokenHandle caller", inject: func(_ *world, in I) { *h(in) = winnt.NtCurrentThreadToken }},
		{rule: "I-24", want: ntstatus.CantOpenAnonymous, name: "NtCurrentThreadToken at SecurityAnonymous",
			takes: "ClientToken TokenHandle caller", inject: func(w *world, in I) {
				*h(in) = winnt.NtCurrentThreadToken
				w.callerAt(winnt.SecurityAnonymous)
			}},
	}
}

var _ = define(setup[*nt.QueryInformationTokenIn]{
	names: []string{"NtQueryInformationToken", "ZwQueryInformationToken"},
	base: func(w *world) *nt.QueryInformationTokenIn {
		return &nt.QueryInformationTokenIn{TokenHandle: w.handle(w.existing(winnt.SecurityImpersonation),
			winnt.TOKEN_ALL_ACCESS), TokenInformationClass: winnt.TokenUser, TokenInformationLength: 4096}
	},
	refusals: join(
		handles("T-80", "TokenHandle", "TokenHandle",
			func(in *nt.QueryInformationTokenIn) *winnt.Handle { return &in.TokenHandle }, func(w *world) winnt.Handle {
				return w.handle(w.existing(winnt.SecurityImpersonation), winnt.TOKEN_DUPLICATE)
			}),
		pseudoToken(func(in *nt.QueryInformationTokenIn) *winnt.Handle { return &in.TokenHandle }),
		[]refusal[*nt.QueryInformationTokenIn]{
			{rule: "T-80", want: ntstatus.InvalidInfoClass, when: "the class is 0", name: "class 0", takes: "class",
				inject: func(_ *world, in *nt.QueryInformationTokenIn) { in.TokenInformationClass = 0 }},
			{rule: "T-80", want: ntstatus.InvalidInfoClass, when: "the class is 0", name: "class 51", takes: "class",
				inject: func(_ *world, in *nt.QueryInformationTokenIn) { in.TokenInformationClass = 51 }},
			{rule: "T-80", want: ntstatus.AccessViolation, name: "ReturnLength NULL", takes: "ReturnLength", needs: pointers,
				inject: func(_ *world, in *nt.QueryInformationTokenIn) { in.FaultReturnLength = ntstatus.AccessViolation }},
			{rule: "T-80", want: ntstatus.InvalidInfoClass, when: "TokenImpersonationLevel",
				name: "the level of a primary token", takes: "class TokenHandle", inject: func(w *world,
					in *nt.QueryInformationTokenIn) {
					s := token.StandardUser(userSID)
					in.TokenHandle, in.TokenInformationClass = w.handle(w.token(s, open()),
						winnt.TOKEN_QUERY), winnt.TokenImpersonationLevel
				}},
			{rule: "T-80", want: ntstatus.NoSuchLogonSession, name: "the linked token of a token that has none", takes: "class",
				inject: func(_ *world, in *nt.QueryInformationTokenIn) {
					in.TokenInformationClass = winnt.TokenLinkedToken
				}},
			{rule: "T-80", want: ntstatus.PrivilegeNotHeld, name: "the audit policy without privilege", takes: "class",
				needs: userOnly, inject: func(_ *world, in *nt.QueryInformationTokenIn) {
					in.TokenInformationClass = winnt.TokenAuditPolicy
				}},
			{rule: "T-80", want: ntstatus.NotFound, name: "the logon SID of a token that has none", takes: "class",
				inject: func(_ *world, in *nt.QueryInformationTokenIn) {
					in.TokenInformationClass = winnt.TokenLogonSid
				}},
			{rule: "T-80", want: ntstatus.BufferTooSmall, name: "a buffer of 3 bytes", takes: "length",
				inject: func(_ *world, in *nt.QueryInformationTokenIn) { in.TokenInformationLength = 3 }},
		}),
	absent: []absence{{"O-81", "", "it takes a token that has a linked one"}},
})
