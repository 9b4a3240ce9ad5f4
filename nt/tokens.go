package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the services that open tokens.
type (
	OpenProcessTokenIn struct {
		ProcessHandle winnt.Handle
		DesiredAccess winnt.AccessMask `object:"token"`
	}
	OpenProcessTokenExIn struct {
		ProcessHandle    winnt.Handle
		DesiredAccess    winnt.AccessMask `object:"token"`
		HandleAttributes uint32
	}
	OpenProcessTokenOut struct{ TokenHandle winnt.Handle }

	OpenThreadTokenIn struct {
		ThreadHandle  winnt.Handle
		DesiredAccess winnt.AccessMask `object:"token"`
		OpenAsSelf    bool
	}
	OpenThreadTokenExIn struct {
		ThreadHandle     winnt.Handle
		DesiredAccess    winnt.AccessMask `object:"token"`
		OpenAsSelf       bool
		HandleAttributes uint32
	}
	OpenThreadTokenOut struct{ TokenHandle winnt.Handle }
)

var openProcessTokenConditions = []Condition{
	{ntstatus.AccessViolation, "O-3", "TokenHandle cannot be written"},
	{ntstatus.InvalidParameter, "O-29", "HandleAttributes lacks OBJ_KERNEL_HANDLE in kernel mode outside the System process, or has bits that are not supported"},
	{ntstatus.InvalidHandle, "O-31", "ProcessHandle names no handle"},
	{ntstatus.ObjectTypeMismatch, "O-31", "ProcessHandle is no process"},
	{ntstatus.AccessDenied, "T-30", "ProcessHandle lacks PROCESS_QUERY_LIMITED_INFORMATION"},
	{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
	{ntstatus.AccessDenied, "O-21", "DesiredAccess has bits that no token has"},
	{ntstatus.AccessDenied, "O-90", "DesiredAccess is 0"},
	{ntstatus.BadImpersonationLevel, "I-1", "the caller impersonates below SecurityImpersonation"},
	{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
	{ntstatus.AccessDenied, "T-30", "the token's DACL does not grant DesiredAccess to the caller"},
	{ntstatus.InsufficientResources, "O-81", "no memory for the handle"},
}

var openThreadTokenConditions = []Condition{
	{ntstatus.AccessViolation, "O-3", "TokenHandle cannot be written"},
	{ntstatus.InvalidParameter, "O-29", "HandleAttributes lacks OBJ_KERNEL_HANDLE in kernel mode outside the System process, or has bits that are not supported"},
	{ntstatus.InvalidHandle, "I-20", "ThreadHandle names no handle"},
	{ntstatus.ObjectTypeMismatch, "I-20", "ThreadHandle is no thread"},
	{ntstatus.AccessDenied, "I-20", "ThreadHandle lacks THREAD_QUERY_INFORMATION"},
	{ntstatus.NoToken, "I-20", "the thread is not impersonating"},
	{ntstatus.CantOpenAnonymous, "I-24", "the thread impersonates at SecurityAnonymous"},
	{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
	{ntstatus.AccessDenied, "O-21", "DesiredAccess has bits that no token has"},
	{ntstatus.AccessDenied, "O-90", "DesiredAccess is 0"},
	{ntstatus.BadImpersonationLevel, "I-22", "OpenAsSelf is FALSE and the caller impersonates below SecurityImpersonation"},
	{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
	{ntstatus.AccessDenied, "I-22", "the token's DACL does not grant DesiredAccess"},
	{ntstatus.InsufficientResources, "O-81", "memory ran out for the copy that CopyOnOpen makes"},
	{ntstatus.InsufficientResources, "O-81", "no memory for the handle"},
	{ntstatus.AccessDenied, "I-90", "a job's limits refuse the copy that CopyOnOpen makes"},
}

var (
	rowOpenProcessToken = Add(&NtTable, Entry[Services, OpenProcessTokenIn, OpenProcessTokenOut]{
		Meta: Meta{Name: "NtOpenProcessToken", Summary: "opens the primary token of a process", Source: "ZwOpenProcessTokenEx", Support: Complete, Conditions: openProcessTokenConditions},
		Call: Services.NtOpenProcessToken,
	})
	rowOpenProcessTokenEx = Add(&NtTable, Entry[Services, OpenProcessTokenExIn, OpenProcessTokenOut]{
		Meta: Meta{Name: "NtOpenProcessTokenEx", Summary: "opens the primary token of a process, with handle attributes", Source: "ZwOpenProcessTokenEx", Support: Complete, Conditions: openProcessTokenConditions},
		Call: Services.NtOpenProcessTokenEx,
	})
	rowOpenThreadToken = Add(&NtTable, Entry[Services, OpenThreadTokenIn, OpenThreadTokenOut]{
		Meta: Meta{Name: "NtOpenThreadToken", Summary: "opens the impersonation token of a thread", Source: "NtOpenThreadToken", Support: Complete, Conditions: openThreadTokenConditions},
		Call: Services.NtOpenThreadToken,
	})
	rowOpenThreadTokenEx = Add(&NtTable, Entry[Services, OpenThreadTokenExIn, OpenThreadTokenOut]{
		Meta: Meta{Name: "NtOpenThreadTokenEx", Summary: "opens the impersonation token of a thread, with handle attributes", Source: "ZwOpenThreadTokenEx", Support: Complete, Conditions: openThreadTokenConditions},
		Call: Services.NtOpenThreadTokenEx,
	})
)

// NtOpenProcessToken opens the primary token of a process. The handle names
// the process's own token object, not a copy (T-31).
func (t *Thread) NtOpenProcessToken(process winnt.Handle, desired winnt.AccessMask) (winnt.Handle, ntstatus.Status) {
	in := OpenProcessTokenIn{process, desired}
	if t.tracer != nil {
		out, st := traced(t, rowOpenProcessToken, in)
		return out.TokenHandle, st
	}
	out, st := t.sys.NtOpenProcessToken(in)
	return out.TokenHandle, st
}

// NtOpenProcessTokenEx is NtOpenProcessToken with handle attributes.
func (t *Thread) NtOpenProcessTokenEx(process winnt.Handle, desired winnt.AccessMask, attributes uint32) (winnt.Handle, ntstatus.Status) {
	in := OpenProcessTokenExIn{process, desired, attributes}
	if t.tracer != nil {
		out, st := traced(t, rowOpenProcessTokenEx, in)
		return out.TokenHandle, st
	}
	out, st := t.sys.NtOpenProcessTokenEx(in)
	return out.TokenHandle, st
}

// NtOpenThreadToken opens the token a thread impersonates with. With
// openAsSelf the access check is made for the caller's process instead of the
// client the caller may be impersonating (NtOpenThreadToken).
func (t *Thread) NtOpenThreadToken(thread winnt.Handle, desired winnt.AccessMask, openAsSelf bool) (winnt.Handle, ntstatus.Status) {
	in := OpenThreadTokenIn{thread, desired, openAsSelf}
	if t.tracer != nil {
		out, st := traced(t, rowOpenThreadToken, in)
		return out.TokenHandle, st
	}
	out, st := t.sys.NtOpenThreadToken(in)
	return out.TokenHandle, st
}

// NtOpenThreadTokenEx is NtOpenThreadToken with handle attributes
// (ZwOpenThreadTokenEx).
func (t *Thread) NtOpenThreadTokenEx(thread winnt.Handle, desired winnt.AccessMask, openAsSelf bool, attributes uint32) (winnt.Handle, ntstatus.Status) {
	in := OpenThreadTokenExIn{thread, desired, openAsSelf, attributes}
	if t.tracer != nil {
		out, st := traced(t, rowOpenThreadTokenEx, in)
		return out.TokenHandle, st
	}
	out, st := t.sys.NtOpenThreadTokenEx(in)
	return out.TokenHandle, st
}

// DuplicateTokenIn and DuplicateTokenOut are the parameters of NtDuplicateToken.
type (
	DuplicateTokenIn struct {
		ExistingTokenHandle winnt.Handle
		DesiredAccess       winnt.AccessMask `object:"token"`
		ObjectAttributes    Captured[*ObjectAttributes]
		EffectiveOnly       bool
		TokenType           winnt.TokenType
	}
	DuplicateTokenOut struct{ NewTokenHandle winnt.Handle }
)

func duplicateTokenScalars(in DuplicateTokenIn) ntstatus.Status {
	if in.TokenType != winnt.TokenPrimary && in.TokenType != winnt.TokenImpersonation {
		return ntstatus.InvalidParameter // T-40
	}
	return ntstatus.Success
}

var rowDuplicateToken = Add(&NtTable, Entry[Services, DuplicateTokenIn, DuplicateTokenOut]{
	Meta: Meta{Name: "NtDuplicateToken", Summary: "makes a new token that duplicates an existing one", Source: "NtDuplicateToken", Support: Complete, Conditions: []Condition{
		{ntstatus.InvalidParameter, "T-40", "TokenType is neither TokenPrimary nor TokenImpersonation"},
		{ntstatus.AccessViolation, "T-40", "NewTokenHandle cannot be written, or ObjectAttributes cannot be read"},
		{ntstatus.InvalidParameter, "T-40", "ObjectAttributes or its quality of service has a wrong Length, or a level above SecurityDelegation"},
		{ntstatus.InvalidHandle, "T-40", "ExistingTokenHandle names no handle"},
		{ntstatus.ObjectTypeMismatch, "T-40", "ExistingTokenHandle is no token"},
		{ntstatus.AccessDenied, "T-40", "ExistingTokenHandle lacks TOKEN_DUPLICATE"},
		{ntstatus.BadImpersonationLevel, "T-41", "the requested level is above that of the existing impersonation token"},
		{ntstatus.BadImpersonationLevel, "T-42", "a primary token is asked of an impersonation token below SecurityImpersonation"},
		{ntstatus.InsufficientResources, "T-53", "memory ran out"},
		{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
		{ntstatus.AccessDenied, "O-21", "DesiredAccess has bits that no token has"},
		{ntstatus.BadImpersonationLevel, "T-45", "the caller impersonates below SecurityImpersonation and DesiredAccess is not 0"},
		{ntstatus.PrivilegeNotHeld, "T-52", "a descriptor with a SACL without SeSecurityPrivilege"},
		{ntstatus.PrivilegeNotHeld, "T-45", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
		{ntstatus.AccessDenied, "T-45", "the existing token's DACL does not grant DesiredAccess"},
	}},
	Call:    Services.NtDuplicateToken,
	Scalars: duplicateTokenScalars,
})

// NtDuplicateToken makes a token that duplicates an existing one; desired 0
// asks for the rights of the existing handle (NtDuplicateToken).
func (t *Thread) NtDuplicateToken(existing winnt.Handle, desired winnt.AccessMask, attributes *ObjectAttributes, effectiveOnly bool, typ winnt.TokenType) (winnt.Handle, ntstatus.Status) {
	in := DuplicateTokenIn{existing, desired, Cap(attributes), effectiveOnly, typ}
	if t.tracer != nil {
		out, st := traced(t, rowDuplicateToken, in)
		return out.NewTokenHandle, st
	}
	out, st := t.sys.NtDuplicateToken(in)
	return out.NewTokenHandle, st
}

// AdjustPrivilegesTokenIn and AdjustPrivilegesTokenOut are the parameters of
// NtAdjustPrivilegesToken. WantPrevious stands for a PreviousState pointer
// that is not NULL; BufferLength is its size in bytes.
type (
	AdjustPrivilegesTokenIn struct {
		TokenHandle          winnt.Handle
		DisableAllPrivileges bool
		NewState             Captured[[]LUIDAndAttributes]
		BufferLength         uint32 `default:"65536"`
		WantPrevious         bool   `param:"PreviousState"`
	}
	AdjustPrivilegesTokenOut struct {
		PreviousState []LUIDAndAttributes
		ReturnLength  uint32
	}
)

var rowAdjustPrivilegesToken = Add(&NtTable, Entry[Services, AdjustPrivilegesTokenIn, AdjustPrivilegesTokenOut]{
	Meta: Meta{Name: "NtAdjustPrivilegesToken", Summary: "enables, disables or removes privileges of a token", Source: "AdjustTokenPrivileges", Support: Complete, Conditions: []Condition{
		{ntstatus.InvalidParameter, "T-70", "NewState is NULL and DisableAllPrivileges is FALSE"},
		{ntstatus.AccessViolation, "T-70", "a pointer cannot be read or written; NewState is not read with DisableAllPrivileges"},
		{ntstatus.InvalidHandle, "T-70", "TokenHandle names no handle"},
		{ntstatus.ObjectTypeMismatch, "T-70", "TokenHandle is no token"},
		{ntstatus.AccessDenied, "T-70", "TokenHandle lacks TOKEN_ADJUST_PRIVILEGES, or TOKEN_QUERY where the previous state is asked for"},
		{ntstatus.BufferTooSmall, "T-70", "BufferLength is below 4 + 12 bytes a change; nothing is changed"},
		{ntstatus.NotAllAssigned, "T-71", "the token lacks a listed privilege; the others are applied"},
	}},
	Call: Services.NtAdjustPrivilegesToken,
})

// NtAdjustPrivilegesToken enables, disables or removes privileges; with
// previous it also returns those it changed with their old attributes, which
// needs TOKEN_QUERY (AdjustTokenPrivileges). A nil state with disableAll FALSE
// is a NULL pointer.
func (t *Thread) NtAdjustPrivilegesToken(token winnt.Handle, disableAll bool, state []LUIDAndAttributes, previous bool) ([]LUIDAndAttributes, ntstatus.Status) {
	in := AdjustPrivilegesTokenIn{TokenHandle: token, DisableAllPrivileges: disableAll, NewState: Cap(state), BufferLength: 1 << 16, WantPrevious: previous}
	if t.tracer != nil {
		out, st := traced(t, rowAdjustPrivilegesToken, in)
		return out.PreviousState, st
	}
	out, st := t.sys.NtAdjustPrivilegesToken(in)
	return out.PreviousState, st
}

// PrivilegeCheckIn and PrivilegeCheckOut are the parameters of NtPrivilegeCheck.
type (
	PrivilegeCheckIn struct {
		ClientToken        winnt.Handle
		RequiredPrivileges Captured[*PrivilegeSet]
	}
	PrivilegeCheckOut struct {
		RequiredPrivileges *PrivilegeSet // with USED_FOR_ACCESS set on those found
		Result             bool
	}
)

var rowPrivilegeCheck = Add(&NtTable, Entry[Services, PrivilegeCheckIn, PrivilegeCheckOut]{
	Meta: Meta{Name: "NtPrivilegeCheck", Summary: "tells whether privileges are enabled in a token", Source: "PrivilegeCheck", Support: Complete, Conditions: []Condition{
		{ntstatus.AccessViolation, "T-101", "a pointer cannot be read or written"},
		{ntstatus.NoToken, "O-15", "ClientToken is NtCurrentThreadToken and the thread is not impersonating"},
		{ntstatus.CantOpenAnonymous, "I-24", "ClientToken is a pseudo handle for an impersonation at SecurityAnonymous"},
		{ntstatus.InvalidHandle, "T-101", "ClientToken names no handle"},
		{ntstatus.ObjectTypeMismatch, "T-101", "ClientToken is no token"},
		{ntstatus.AccessDenied, "T-101", "ClientToken lacks TOKEN_QUERY"},
		{ntstatus.BadImpersonationLevel, "T-101", "an impersonation token below SecurityIdentification"},
	}},
	Call: Services.NtPrivilegeCheck,
})

// NtPrivilegeCheck tells whether the privileges are enabled in the token, all
// or one of them by set.Control (PrivilegeCheck).
func (t *Thread) NtPrivilegeCheck(client winnt.Handle, set *PrivilegeSet) (found *PrivilegeSet, result bool, st ntstatus.Status) {
	in := PrivilegeCheckIn{client, Cap(set)}
	var out PrivilegeCheckOut
	if t.tracer != nil {
		out, st = traced(t, rowPrivilegeCheck, in)
	} else {
		out, st = t.sys.NtPrivilegeCheck(in)
	}
	return out.RequiredPrivileges, out.Result, st
}

// QueryInformationTokenIn and QueryInformationTokenOut are the parameters of
// NtQueryInformationToken. TokenInformation holds the Go value of the class
// (see [winnt.TokenInfoClass]); lengths are those of 64-bit Windows.
type (
	QueryInformationTokenIn struct {
		TokenHandle            winnt.Handle
		TokenInformationClass  winnt.TokenInfoClass
		TokenInformationLength uint32 `default:"4294967295"`
		// FaultReturnLength is the status of probing ReturnLength.
		FaultReturnLength ntstatus.Status `param:"-"`
	}
	QueryInformationTokenOut struct {
		TokenInformation any
		ReturnLength     uint32
	}
)

var rowQueryInformationToken = Add(&NtTable, Entry[Services, QueryInformationTokenIn, QueryInformationTokenOut]{
	Meta: Meta{Name: "NtQueryInformationToken", Summary: "tells a fact about a token", Source: "NtQueryInformationToken; GetTokenInformation", Support: Complete,
		Conditions: []Condition{
			{ntstatus.InvalidInfoClass, "T-80", "class 0 or above 50"},
			{ntstatus.AccessViolation, "T-80", "ReturnLength is NULL, or a pointer cannot be written"},
			{ntstatus.NoToken, "O-15", "TokenHandle is NtCurrentThreadToken and the thread is not impersonating"},
			{ntstatus.CantOpenAnonymous, "I-24", "TokenHandle is a pseudo handle for an impersonation at SecurityAnonymous"},
			{ntstatus.InvalidHandle, "T-80", "TokenHandle names no handle"},
			{ntstatus.ObjectTypeMismatch, "T-80", "TokenHandle is no token"},
			{ntstatus.AccessDenied, "T-80", "TokenHandle lacks TOKEN_QUERY (TokenSource: TOKEN_QUERY_SOURCE)"},
			{ntstatus.NoSuchLogonSession, "T-80", "TokenLinkedToken: the token is of no split pair"},
			{ntstatus.PrivilegeNotHeld, "T-80", "TokenAuditPolicy: the caller does not hold SeSecurityPrivilege enabled"},
			{ntstatus.NotFound, "T-80", "TokenLogonSid: the token has none"},
			{ntstatus.InvalidInfoClass, "T-80", "a class that cannot be queried, or TokenImpersonationLevel of a primary token"},
			{ntstatus.BufferTooSmall, "T-80", "the buffer is too small; ReturnLength says the need"},
			{ntstatus.InsufficientResources, "O-81", "TokenLinkedToken: memory ran out"},
		}},
	Call: Services.NtQueryInformationToken,
	Scalars: func(in QueryInformationTokenIn) ntstatus.Status {
		if in.TokenInformationClass == 0 || in.TokenInformationClass > winnt.MaxTokenInfoClass {
			return ntstatus.InvalidInfoClass // T-80
		}
		return ntstatus.Success
	},
})

// NtQueryInformationToken returns the information of a class as a Go value
// (T-81), without a size to probe for.
func (t *Thread) NtQueryInformationToken(token winnt.Handle, class winnt.TokenInfoClass) (any, ntstatus.Status) {
	in := QueryInformationTokenIn{TokenHandle: token, TokenInformationClass: class, TokenInformationLength: ^uint32(0)}
	if t.tracer != nil {
		out, st := traced(t, rowQueryInformationToken, in)
		return out.TokenInformation, st
	}
	out, st := t.sys.NtQueryInformationToken(in)
	return out.TokenInformation, st
}
