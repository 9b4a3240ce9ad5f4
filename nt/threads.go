package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// NextThreadBackward is the flag of NtGetNextThread that reverses the order: from
// the last thread to the first.
const NextThreadBackward uint32 = 1

// Parameters of the services on threads. ThreadHandle 0 of NtGetNextThread
// asks for the first, or with [NextThreadBackward] for the last.
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
		Meta: Meta{
			Name:    "NtGetNextThread",
			Summary: "opens the thread of a process that follows another",
			Source:  "ntdll; decided",
			Conditions: []Condition{
				{ntstatus.InvalidParameter, "O-22", "Flags has another bit than the first, or HandleAttributes has unknown bits"},
				exclusiveInherited(),
				{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
				{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
				{ntstatus.InvalidHandle, "O-31", "ProcessHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ProcessHandle is not a process"},
				{ntstatus.AccessDenied, "O-31", "ProcessHandle does not grant PROCESS_QUERY_INFORMATION"},
				{ntstatus.InvalidHandle, "O-31", "ThreadHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ThreadHandle is not a thread"},
				{ntstatus.InvalidParameter, "O-37", "ThreadHandle is a thread of another process"},
				{ntstatus.InvalidParameter, "O-33", "an attribute that the type does not support"},
				{ntstatus.NoMoreEntries, "O-37", "there is no further thread that the caller may open"},
			},
		},
		Call:    Services.NtGetNextThread,
		Scalars: byValue(func(in GetNextThreadIn) bool { return in.Flags&^NextThreadBackward == 0 }),
	})
	rowImpersonateThread = Add(&NtTable, Entry[Services, ImpersonateThreadIn, ImpersonateThreadOut]{
		Meta: Meta{
			Name:    "NtImpersonateThread",
			Summary: "makes a thread impersonate the client of another thread",
			Source:  "ntifs.h",
			Conditions: []Condition{
				{ntstatus.AccessViolation, "O-3", "SecurityQos is NULL or is not readable"},
				{ntstatus.InvalidParameter, "I-73", "SecurityQos has a wrong Length"},
				{ntstatus.InvalidHandle, "O-31", "ServerThreadHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ServerThreadHandle is not a thread"},
				{ntstatus.AccessDenied, "O-31", "ServerThreadHandle does not grant THREAD_DIRECT_IMPERSONATION"},
				{ntstatus.InvalidHandle, "O-31", "ClientThreadHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ClientThreadHandle is not a thread"},
				{ntstatus.AccessDenied, "O-31", "ClientThreadHandle does not grant THREAD_IMPERSONATE"},
				{ntstatus.InvalidParameter, "I-80", "the level is above SecurityDelegation"},
				{ntstatus.BadImpersonationLevel, "I-80",
					"the client's own impersonation permits a lower level only, or no impersonation"},
				{ntstatus.InsufficientResources, "O-81", "not enough memory"},
				{ntstatus.NoMemory, "I-41", "not enough memory for the impersonation state"},
				{ntstatus.AccessDenied, "I-90", "a job's security limits refuse the token"},
				{ntstatus.Success, "I-43",
					"success: the server may only identify the client and gets a copy at SecurityIdentification"},
			},
		},
		Call: Services.NtImpersonateThread,
	})
	rowImpersonateAnonymousToken = Add(&NtTable,
		Entry[Services, ImpersonateAnonymousTokenIn, ImpersonateAnonymousTokenOut]{
			Meta: Meta{
				Name:    "NtImpersonateAnonymousToken",
				Summary: "makes a thread impersonate the anonymous logon",
				Source:  "ImpersonateAnonymousToken",
				Conditions: []Condition{
					{ntstatus.InvalidHandle, "O-31", "ThreadHandle is not a valid handle"},
					{ntstatus.ObjectTypeMismatch, "O-31", "ThreadHandle is not a thread"},
					{ntstatus.AccessDenied, "O-31", "ThreadHandle does not grant THREAD_IMPERSONATE"},
					{ntstatus.AccessDenied, "I-74", "the caller's process has a restricted token"},
					{ntstatus.NoMemory, "I-41", "not enough memory for the impersonation state"},
					{ntstatus.AccessDenied, "I-90", "a job's security limits refuse the token"},
				},
			},
			Call: Services.NtImpersonateAnonymousToken,
		},
	)
)

// NtGetNextThread opens the thread of a process after thread, or the first for 0. With [NextThreadBackward] it opens
// the one before, or the last. It skips threads that the caller may not open. STATUS_NO_MORE_ENTRIES ends the list.
func (t *Thread) NtGetNextThread(
	process, thread winnt.Handle, desired winnt.AccessMask, attributes, flags uint32,
) (winnt.Handle, ntstatus.Status) {
	in := GetNextThreadIn{process, thread, desired, attributes, flags}
	out, st := call(t, rowGetNextThread, in)
	return out.NewThreadHandle, st
}

// NtImpersonateThread makes the server thread impersonate the current effective identity of the client thread, with the
// given quality of service. If the client impersonates at a lower level than requested, it returns
// STATUS_BAD_IMPERSONATION_LEVEL.
func (t *Thread) NtImpersonateThread(server, client winnt.Handle, qos *SecurityQualityOfService) ntstatus.Status {
	in := ImpersonateThreadIn{server, client, Cap(qos)}
	_, st := call(t, rowImpersonateThread, in)
	return st
}

// NtImpersonateAnonymousToken makes a thread impersonate the anonymous logon. A caller whose process has a restricted
// token gets STATUS_ACCESS_DENIED (ImpersonateAnonymousToken).
func (t *Thread) NtImpersonateAnonymousToken(thread winnt.Handle) ntstatus.Status {
	in := ImpersonateAnonymousTokenIn{thread}
	_, st := call(t, rowImpersonateAnonymousToken, in)
	return st
}

// OpenThreadIn and OpenThreadOut are the parameters of NtOpenThread.
type (
	OpenThreadIn struct {
		DesiredAccess    winnt.AccessMask            `object:"thread"`
		ObjectAttributes Captured[*ObjectAttributes] `default:"empty"`
		ClientID         Captured[*ClientID]         `param:"ClientId"`
	}
	OpenThreadOut struct{ ThreadHandle winnt.Handle }
)

var rowOpenThread = Add(&NtTable, Entry[Services, OpenThreadIn, OpenThreadOut]{
	Meta: Meta{Name: "NtOpenThread", Summary: "opens a thread by its id", Conditions: openByIDConditions},
	Call: Services.NtOpenThread,
})

// NtOpenThread opens the thread with an id. attributes may be nil. An unknown id is STATUS_INVALID_CID. A nil id is
// STATUS_INVALID_PARAMETER_MIX.
func (t *Thread) NtOpenThread(
	desired winnt.AccessMask, attributes *ObjectAttributes, id *ClientID,
) (winnt.Handle, ntstatus.Status) {
	in := OpenThreadIn{desired, orEmpty(attributes), Cap(id)}
	out, st := call(t, rowOpenThread, in)
	return out.ThreadHandle, st
}

// ThreadInfoClass is THREADINFOCLASS.
type ThreadInfoClass uint32

// ThreadImpersonationToken is the class for setting a thread's impersonation
// token. Its information is a token handle, or 0 to revert.
const ThreadImpersonationToken ThreadInfoClass = 5

// String prints the documented name, and THREADINFOCLASS(number) for a class that refmon does not have.
func (c ThreadInfoClass) String() string {
	switch c {
	case ThreadBasicInformation:
		return "ThreadBasicInformation"
	case ThreadTimes:
		return "ThreadTimes"
	case ThreadImpersonationToken:
		return "ThreadImpersonationToken"
	case ThreadNameInformation:
		return "ThreadNameInformation"
	}
	return "THREADINFOCLASS(" + winnt.Handle(c).String() + ")"
}

// SetInformationThreadIn and SetInformationThreadOut are the parameters of
// NtSetInformationThread. ThreadInformationLength is 8 for a handle.
type (
	SetInformationThreadIn struct {
		ThreadHandle            winnt.Handle
		ThreadInformationClass  ThreadInfoClass
		ThreadInformation       Captured[winnt.Handle]
		ThreadInformationLength uint32 `default:"8"`
	}
	SetInformationThreadOut struct{}
)

var rowSetInformationThread = Add(&NtTable, Entry[Services, SetInformationThreadIn, SetInformationThreadOut]{
	Meta: Meta{
		Name:    "NtSetInformationThread",
		Summary: "sets the impersonation token of a thread",
		Source:  "ZwSetInformationThread; SetThreadToken",
		Missing: "only ThreadImpersonationToken",
		Conditions: []Condition{
			{ntstatus.InvalidInfoClass, "I-70", "any other information class"},
			{ntstatus.InfoLengthMismatch, "I-70", "the length is not the size of a handle"},
			{ntstatus.AccessViolation, "O-3", "the information is not readable"},
			{ntstatus.InvalidHandle, "O-31", "ThreadHandle is not a valid handle"},
			{ntstatus.ObjectTypeMismatch, "O-31", "ThreadHandle is not a thread"},
			{ntstatus.AccessDenied, "O-31", "ThreadHandle does not grant THREAD_SET_THREAD_TOKEN"},
			{ntstatus.InvalidHandle, "O-31", "the token handle is not valid"},
			{ntstatus.ObjectTypeMismatch, "O-31", "the token handle is not a token"},
			{ntstatus.AccessDenied, "O-31", "the token handle does not grant TOKEN_IMPERSONATE"},
			{ntstatus.BadTokenType, "I-70", "the token is a primary token"},
			{ntstatus.NoMemory, "I-41", "not enough memory for the impersonation state"},
			{ntstatus.AccessDenied, "I-90", "a job's security limits refuse the token"},
			{ntstatus.InsufficientResources, "I-43", "the copy at a lower level cannot be created"},
			{ntstatus.Success, "I-43",
				"success: the thread may only identify the client and gets a copy at SecurityIdentification"},
		},
	},
	Call: Services.NtSetInformationThread,
	Scalars: byValue(func(in SetInformationThreadIn) bool {
		return in.ThreadInformationClass == ThreadImpersonationToken
	}),
})

// NtSetInformationThread sets the impersonation token of a thread. token 0 ends
// the impersonation (ZwSetInformationThread, class 5).
func (t *Thread) NtSetInformationThread(
	thread winnt.Handle, class ThreadInfoClass, token winnt.Handle,
) ntstatus.Status {
	in := SetInformationThreadIn{thread, class, Cap(token), 8}
	_, st := call(t, rowSetInformationThread, in)
	return st
}
