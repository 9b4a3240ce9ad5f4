package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the services on threads. ThreadHandle 0 of NtGetNextThread
// asks for the first.
type (
	GetNextThreadIn struct {
		ProcessHandle    winnt.Handle
		ThreadHandle     winnt.Handle
		DesiredAccess    winnt.AccessMask `object:"thread"`
		HandleAttributes uint32
		Flags            uint32
	}
	GetNextThreadOut struct{ NewThreadHandle winnt.Handle }

	ImpersonateThreadIn struct {
		ServerThreadHandle winnt.Handle
		ClientThreadHandle winnt.Handle
		SecurityQos        Captured[*SecurityQualityOfService]
	}
	ImpersonateThreadOut struct{}

	ImpersonateAnonymousTokenIn  struct{ ThreadHandle winnt.Handle }
	ImpersonateAnonymousTokenOut struct{}
)

var (
	rowGetNextThread = Add(&NtTable, Entry[Services, GetNextThreadIn, GetNextThreadOut]{
		Meta: Meta{Name: "NtGetNextThread", Summary: "opens the thread of a process that follows another", Source: "ntdll; decided", Support: Complete, Conditions: []Condition{
			{ntstatus.InvalidParameter, "O-22", "Flags is not 0, or HandleAttributes has unknown bits"},
			{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
			{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
			{ntstatus.InvalidHandle, "O-31", "ProcessHandle names no handle"},
			{ntstatus.ObjectTypeMismatch, "O-31", "ProcessHandle is no process"},
			{ntstatus.AccessDenied, "O-31", "ProcessHandle lacks PROCESS_QUERY_INFORMATION"},
			{ntstatus.InvalidHandle, "O-31", "ThreadHandle names no handle"},
			{ntstatus.ObjectTypeMismatch, "O-31", "ThreadHandle is no thread"},
			{ntstatus.InvalidParameter, "O-37", "ThreadHandle is a thread of another process"},
			{ntstatus.InvalidParameter, "O-33", "an attribute the type does not take"},
			{ntstatus.NoMoreEntries, "O-37", "no thread follows that the caller may open"},
		}},
		Call: Services.NtGetNextThread,
		Scalars: func(in GetNextThreadIn) ntstatus.Status {
			if in.Flags != 0 {
				return ntstatus.InvalidParameter
			}
			return ntstatus.Success
		},
	})
	rowImpersonateThread = Add(&NtTable, Entry[Services, ImpersonateThreadIn, ImpersonateThreadOut]{
		Meta: Meta{Name: "NtImpersonateThread", Summary: "makes a thread act as what another thread acts as", Source: "ntifs.h", Support: Complete, Conditions: []Condition{
			{ntstatus.AccessViolation, "O-3", "SecurityQos is NULL or cannot be read"},
			{ntstatus.InvalidParameter, "I-73", "SecurityQos has a wrong Length"},
			{ntstatus.InvalidHandle, "O-31", "ServerThreadHandle names no handle"},
			{ntstatus.ObjectTypeMismatch, "O-31", "ServerThreadHandle is no thread"},
			{ntstatus.AccessDenied, "O-31", "ServerThreadHandle lacks THREAD_DIRECT_IMPERSONATION"},
			{ntstatus.InvalidHandle, "O-31", "ClientThreadHandle names no handle"},
			{ntstatus.ObjectTypeMismatch, "O-31", "ClientThreadHandle is no thread"},
			{ntstatus.AccessDenied, "O-31", "ClientThreadHandle lacks THREAD_IMPERSONATE"},
			{ntstatus.InvalidParameter, "I-80", "the level is above SecurityDelegation"},
			{ntstatus.BadImpersonationLevel, "I-80", "the client's own impersonation does not allow that level, or none at all"},
			{ntstatus.InsufficientResources, "O-81", "memory ran out"},
			{ntstatus.NoMemory, "I-41", "no memory for the impersonation record"},
			{ntstatus.AccessDenied, "I-90", "a job's security limits refuse the token"},
			{ntstatus.Success, "I-43", "the client may only be identified: the server gets a copy at SecurityIdentification"},
		}},
		Call: Services.NtImpersonateThread,
	})
	rowImpersonateAnonymousToken = Add(&NtTable, Entry[Services, ImpersonateAnonymousTokenIn, ImpersonateAnonymousTokenOut]{
		Meta: Meta{Name: "NtImpersonateAnonymousToken", Summary: "makes a thread act as the anonymous logon", Source: "ImpersonateAnonymousToken", Support: Complete, Conditions: []Condition{
			{ntstatus.InvalidHandle, "O-31", "ThreadHandle names no handle"},
			{ntstatus.ObjectTypeMismatch, "O-31", "ThreadHandle is no thread"},
			{ntstatus.AccessDenied, "O-31", "ThreadHandle lacks THREAD_IMPERSONATE"},
			{ntstatus.AccessDenied, "I-74", "the caller's process has a restricted token"},
			{ntstatus.NoMemory, "I-41", "no memory for the impersonation record"},
			{ntstatus.AccessDenied, "I-90", "a job's security limits refuse the token"},
		}},
		Call: Services.NtImpersonateAnonymousToken,
	})
)

// NtGetNextThread opens the thread of a process that follows thread, 0 for the
// first; threads the caller may not open are passed over, and
// STATUS_NO_MORE_ENTRIES ends the list.
func (t *Thread) NtGetNextThread(process, thread winnt.Handle, desired winnt.AccessMask, attributes, flags uint32) (winnt.Handle, ntstatus.Status) {
	in := GetNextThreadIn{process, thread, desired, attributes, flags}
	if t.tracer != nil {
		out, st := traced(t, rowGetNextThread, in)
		return out.NewThreadHandle, st
	}
	out, st := t.sys.NtGetNextThread(in)
	return out.NewThreadHandle, st
}

// NtImpersonateThread makes the server thread act as what the client thread
// acts as now, at the quality of service given.
func (t *Thread) NtImpersonateThread(server, client winnt.Handle, qos *SecurityQualityOfService) ntstatus.Status {
	in := ImpersonateThreadIn{server, client, Cap(qos)}
	if t.tracer != nil {
		_, st := traced(t, rowImpersonateThread, in)
		return st
	}
	_, st := t.sys.NtImpersonateThread(in)
	return st
}

// NtImpersonateAnonymousToken makes a thread act as the anonymous logon
// (ImpersonateAnonymousToken).
func (t *Thread) NtImpersonateAnonymousToken(thread winnt.Handle) ntstatus.Status {
	in := ImpersonateAnonymousTokenIn{thread}
	if t.tracer != nil {
		_, st := traced(t, rowImpersonateAnonymousToken, in)
		return st
	}
	_, st := t.sys.NtImpersonateAnonymousToken(in)
	return st
}
