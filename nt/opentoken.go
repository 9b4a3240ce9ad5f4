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
		OpenAsSelf    bool             `required:"true"`
	}
	OpenThreadTokenExIn struct {
		ThreadHandle     winnt.Handle
		DesiredAccess    winnt.AccessMask `object:"token"`
		OpenAsSelf       bool             `required:"true"`
		HandleAttributes uint32
	}
	OpenThreadTokenOut struct{ TokenHandle winnt.Handle }
)

var openProcessTokenConditions = []Condition{
	{ntstatus.AccessViolation, "O-3", "TokenHandle is not writable"},
	{ntstatus.InvalidParameter, "O-29",
		"HandleAttributes does not have OBJ_KERNEL_HANDLE in kernel mode outside the System process, or has bits that " +
			"are not supported"},
	{ntstatus.InvalidHandle, "O-31", "ProcessHandle is not a valid handle"},
	{ntstatus.ObjectTypeMismatch, "O-31", "ProcessHandle is not a process"},
	{ntstatus.AccessDenied, "T-30", "ProcessHandle does not grant PROCESS_QUERY_LIMITED_INFORMATION"},
	{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
	{ntstatus.AccessDenied, "O-21", "DesiredAccess has bits that no token has"},
	{ntstatus.AccessDenied, "O-90", "DesiredAccess is 0"},
	{ntstatus.BadImpersonationLevel, "I-1", "the caller impersonates below SecurityImpersonation"},
	{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
	{ntstatus.AccessDenied, "T-30", "the token's DACL does not grant DesiredAccess to the caller"},
	{ntstatus.InsufficientResources, "O-81", "not enough memory for the handle"},
}

var openThreadTokenConditions = []Condition{
	{ntstatus.AccessViolation, "O-3", "TokenHandle is not writable"},
	{ntstatus.InvalidParameter, "O-29",
		"HandleAttributes does not have OBJ_KERNEL_HANDLE in kernel mode outside the System process, or has bits that " +
			"are not supported"},
	{ntstatus.InvalidHandle, "I-20", "ThreadHandle is not a valid handle"},
	{ntstatus.ObjectTypeMismatch, "I-20", "ThreadHandle is not a thread"},
	{ntstatus.AccessDenied, "I-20",
		"ThreadHandle does not grant THREAD_QUERY_INFORMATION, or the limited right (profile observed)"},
	{ntstatus.NoToken, "I-20", "the thread is not impersonating"},
	{ntstatus.CantOpenAnonymous, "I-24", "the thread impersonates at SecurityAnonymous"},
	{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
	{ntstatus.AccessDenied, "O-21", "DesiredAccess has bits that no token has"},
	{ntstatus.AccessDenied, "O-90", "DesiredAccess is 0"},
	{ntstatus.BadImpersonationLevel, "I-22",
		"OpenAsSelf is FALSE and the caller impersonates below SecurityImpersonation"},
	{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
	{ntstatus.AccessDenied, "I-22", "the token's DACL does not grant DesiredAccess"},
	{ntstatus.InsufficientResources, "O-81", "not enough memory for the copy that CopyOnOpen requires"},
	{ntstatus.InsufficientResources, "O-81", "not enough memory for the handle"},
	{ntstatus.AccessDenied, "I-90", "a job's limits refuse the copy that CopyOnOpen makes"},
}

var (
	rowOpenProcessToken = Add(&NtTable, Entry[Services, OpenProcessTokenIn, OpenProcessTokenOut]{
		Meta: Meta{
			Name:       "NtOpenProcessToken",
			Summary:    "opens the primary token of a process",
			Source:     "ZwOpenProcessTokenEx",
			Conditions: openProcessTokenConditions,
		},
		Call: Services.NtOpenProcessToken,
	})
	rowOpenProcessTokenEx = Add(&NtTable, Entry[Services, OpenProcessTokenExIn, OpenProcessTokenOut]{
		Meta: Meta{
			Name:       "NtOpenProcessTokenEx",
			Summary:    "opens the primary token of a process, with handle attributes",
			Source:     "ZwOpenProcessTokenEx",
			Conditions: openProcessTokenConditions,
		},
		Call: Services.NtOpenProcessTokenEx,
	})
	rowOpenThreadToken = Add(&NtTable, Entry[Services, OpenThreadTokenIn, OpenThreadTokenOut]{
		Meta: Meta{
			Name:       "NtOpenThreadToken",
			Summary:    "opens the impersonation token of a thread",
			Conditions: openThreadTokenConditions,
		},
		Call: Services.NtOpenThreadToken,
	})
	rowOpenThreadTokenEx = Add(&NtTable, Entry[Services, OpenThreadTokenExIn, OpenThreadTokenOut]{
		Meta: Meta{
			Name:       "NtOpenThreadTokenEx",
			Summary:    "opens the impersonation token of a thread, with handle attributes",
			Source:     "ZwOpenThreadTokenEx",
			Conditions: openThreadTokenConditions,
		},
		Call: Services.NtOpenThreadTokenEx,
	})
)

// NtOpenProcessToken opens the primary token of a process. It needs PROCESS_QUERY_LIMITED_INFORMATION, and desired must
// not be 0. The handle refers to the process's own token object, not to a copy (T-31).
func (t *Thread) NtOpenProcessToken(process winnt.Handle, desired winnt.AccessMask) (winnt.Handle, ntstatus.Status) {
	in := OpenProcessTokenIn{process, desired}
	if t.direct != nil {
		out, st := t.direct.NtOpenProcessToken(in)
		return out.TokenHandle, st
	}
	out, st := call(t, rowOpenProcessToken, in)
	return out.TokenHandle, st
}

// NtOpenProcessTokenEx works like NtOpenProcessToken, with handle attributes.
func (t *Thread) NtOpenProcessTokenEx(
	process winnt.Handle, desired winnt.AccessMask, attributes uint32,
) (winnt.Handle, ntstatus.Status) {
	in := OpenProcessTokenExIn{process, desired, attributes}
	out, st := call(t, rowOpenProcessTokenEx, in)
	return out.TokenHandle, st
}

// NtOpenThreadToken opens the token that a thread impersonates. With openAsSelf
// the access check uses the token of the caller's process instead of the client
// that the caller may impersonate (NtOpenThreadToken).
func (t *Thread) NtOpenThreadToken(
	thread winnt.Handle, desired winnt.AccessMask, openAsSelf bool,
) (winnt.Handle, ntstatus.Status) {
	in := OpenThreadTokenIn{thread, desired, openAsSelf}
	if t.direct != nil {
		out, st := t.direct.NtOpenThreadToken(in)
		return out.TokenHandle, st
	}
	out, st := call(t, rowOpenThreadToken, in)
	return out.TokenHandle, st
}

// NtOpenThreadTokenEx works like NtOpenThreadToken, with handle attributes
// (ZwOpenThreadTokenEx).
func (t *Thread) NtOpenThreadTokenEx(
	thread winnt.Handle, desired winnt.AccessMask, openAsSelf bool, attributes uint32,
) (winnt.Handle, ntstatus.Status) {
	in := OpenThreadTokenExIn{thread, desired, openAsSelf, attributes}
	out, st := call(t, rowOpenThreadTokenEx, in)
	return out.TokenHandle, st
}
