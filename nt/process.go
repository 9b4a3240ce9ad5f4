package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// CreateUserProcessIn and CreateUserProcessOut are the parameters of NtCreateUserProcess. ParentProcess, Token and
// ImageName are the contents of its attribute list (PS_ATTRIBUTE_PARENT_PROCESS, PS_ATTRIBUTE_TOKEN,
// PS_ATTRIBUTE_IMAGE_NAME): 0 and "" for missing attributes.
type (
	CreateUserProcessIn struct {
		ProcessDesiredAccess    winnt.AccessMask `object:"process"`
		ThreadDesiredAccess     winnt.AccessMask `object:"thread"`
		ProcessObjectAttributes Captured[*ObjectAttributes]
		ThreadObjectAttributes  Captured[*ObjectAttributes]
		ProcessFlags            uint32
		ThreadFlags             uint32
		ParentProcess           winnt.Handle
		Token                   winnt.Handle
		ImageName               string
		// OfProcess asks whether the caller's process token holds the
		// privilege, enabled or not, as CreateProcessAsUser does, which
		// enables it for the call; the service itself asks whether it is
		// enabled in the effective token (I-7).
		OfProcess bool `param:"-"`
		// KinOnly refuses a token that needs the privilege, also to a
		// caller that has it: CreateProcessAsUser without
		// SeIncreaseQuotaPrivilege (I-96).
		KinOnly bool `param:"-"`
	}
	CreateUserProcessOut struct {
		ProcessHandle winnt.Handle
		ThreadHandle  winnt.Handle
		ClientID      ClientID `param:"ClientId"`
	}

	ResumeThreadIn  struct{ ThreadHandle winnt.Handle }
	ResumeThreadOut struct{ PreviousSuspendCount uint32 }

	SuspendThreadIn  struct{ ThreadHandle winnt.Handle }
	SuspendThreadOut struct{ PreviousSuspendCount uint32 }

	TerminateProcessIn struct {
		ProcessHandle winnt.Handle
		ExitStatus    ntstatus.Status
	}
	TerminateProcessOut struct{}
)

// ProcessInfoClass is PROCESSINFOCLASS.
type ProcessInfoClass uint32

// ProcessAccessToken is the class that replaces a process's primary token.
const ProcessAccessToken ProcessInfoClass = 9

// String prints the documented name, and PROCESSINFOCLASS(number) for a class that refmon does not have.
func (c ProcessInfoClass) String() string {
	switch c {
	case ProcessBasicInformation:
		return "ProcessBasicInformation"
	case ProcessTimes:
		return "ProcessTimes"
	case ProcessAccessToken:
		return "ProcessAccessToken"
	case ProcessHandleCount:
		return "ProcessHandleCount"
	case ProcessImageFileName:
		return "ProcessImageFileName"
	case ProcessHandleInformation:
		return "ProcessHandleInformation"
	}
	return "PROCESSINFOCLASS(" + winnt.Handle(c).String() + ")"
}

// SetInformationProcessIn and SetInformationProcessOut are the parameters of
// NtSetInformationProcess. ProcessInformation is the token handle of
// PROCESS_ACCESS_TOKEN, whose length is 16 bytes; its thread handle is not
// used.
type (
	SetInformationProcessIn struct {
		ProcessHandle            winnt.Handle
		ProcessInformationClass  ProcessInfoClass
		ProcessInformation       Captured[winnt.Handle]
		ProcessInformationLength uint32 `default:"16"`
	}
	SetInformationProcessOut struct{}
)

var (
	rowCreateUserProcess = Add(&NtTable, Entry[Services, CreateUserProcessIn, CreateUserProcessOut]{
		Meta: Meta{
			Name:    "NtCreateUserProcess",
			Summary: "creates a process and its first thread",
			Source:  "CreateProcess; CreateProcessAsUser",
			Missing: "no program is loaded: ImageName is opened and checked, and its label counts; of the flags " +
				"only PROCESS_CREATE_FLAGS_INHERIT_HANDLES and " +
				"THREAD_CREATE_FLAGS_CREATE_SUSPENDED",
			Conditions: []Condition{
				{ntstatus.InvalidParameter, "I-95", "a flag that is not supported"},
				{ntstatus.AccessViolation, "O-3", "a pointer is not readable or not writable"},
				{ntstatus.InvalidParameter, "O-22",
					"OBJECT_ATTRIBUTES has a wrong Length, unknown attribute bits, or bits that the type does not support"},
				exclusiveInherited(),
				{ntstatus.InvalidHandle, "O-31", "ParentProcess is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ParentProcess is not a process"},
				{ntstatus.AccessDenied, "O-31", "ParentProcess does not grant PROCESS_CREATE_PROCESS"},
				{ntstatus.InvalidHandle, "I-96", "Token is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "I-96", "Token is not a token"},
				{ntstatus.AccessDenied, "I-96", "Token does not grant TOKEN_ASSIGN_PRIMARY"},
				{ntstatus.PrivilegeNotHeld, "T-111",
					"Token is neither child nor sibling of the caller's process token, and " +
						"SeAssignPrimaryTokenPrivilege is not enabled"},
				{ntstatus.BadTokenType, "T-112", "Token is an impersonation token (profile documented)"},
				{ntstatus.BadImpersonationLevel, "T-42",
					"Token is an impersonation token below SecurityImpersonation (profile observed)"},
				{ntstatus.ObjectNameNotFound, "I-95", "no file of that name"},
				{ntstatus.AccessDenied, "O-33",
					"the new process's user, or the caller when no token is given, may not execute the file"},
				{ntstatus.AccessDenied, "O-20", "reserved bits in a desired access"},
				{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
				{ntstatus.InvalidOwner, "S-61", "a descriptor names an owner that the caller must not assign"},
				{ntstatus.PrivilegeNotHeld, "S-71",
					"a descriptor has a SACL, or a label above the caller's, without the privilege for it"},
				{ntstatus.InvalidACL, "S-17", "the SACL of a descriptor has no space for the label of the object"},
				{ntstatus.InsufficientResources, "O-81", "not enough memory"},
				{ntstatus.ProcessIsTerminating, "O-47", "the parent process has ended"},
				{ntstatus.AccessDenied, "I-90", "a job of the parent refuses the token"},
			},
		},
		Call: Services.NtCreateUserProcess,
		Scalars: byValue(func(in CreateUserProcessIn) bool {
			return in.ProcessFlags&^winnt.PROCESS_CREATE_FLAGS_SUPPORTED == 0 &&
				in.ThreadFlags&^winnt.THREAD_CREATE_FLAGS_SUPPORTED == 0
		}),
	})
	rowResumeThread = Add(&NtTable, Entry[Services, ResumeThreadIn, ResumeThreadOut]{
		Meta: Meta{Name: "NtResumeThread", Summary: "decrements the suspend count of a thread", Source: "ResumeThread",
			Conditions: []Condition{
				{ntstatus.InvalidHandle, "O-31", "ThreadHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ThreadHandle is not a thread"},
				{ntstatus.AccessDenied, "O-31", "ThreadHandle does not grant THREAD_SUSPEND_RESUME"},
			}},
		Call: Services.NtResumeThread,
	})
	rowSuspendThread = Add(&NtTable, Entry[Services, SuspendThreadIn, SuspendThreadOut]{
		Meta: Meta{Name: "NtSuspendThread", Summary: "increments the suspend count of a thread", Source: "SuspendThread",
			Missing: "the count changes, but a running thread is not stopped",
			Conditions: []Condition{
				{ntstatus.InvalidHandle, "O-31", "ThreadHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ThreadHandle is not a thread"},
				{ntstatus.AccessDenied, "O-31", "ThreadHandle does not grant THREAD_SUSPEND_RESUME"},
				{ntstatus.ThreadIsTerminating, "O-144", "the thread has ended"},
				{ntstatus.SuspendCountExceeded, "O-144", "the thread is suspended 127 times"},
			}},
		Call: Services.NtSuspendThread,
	})
	rowTerminateProcess = Add(&NtTable, Entry[Services, TerminateProcessIn, TerminateProcessOut]{
		Meta: Meta{Name: "NtTerminateProcess", Summary: "ends a process with a status", Source: "ZwTerminateProcess",
			Missing: "ProcessHandle 0, which ends the caller's other threads, is STATUS_INVALID_HANDLE; code of the " +
				"process that runs is not stopped, its next calls fail",
			Conditions: []Condition{
				{ntstatus.InvalidHandle, "O-31", "ProcessHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ProcessHandle is not a process"},
				{ntstatus.AccessDenied, "O-31", "ProcessHandle does not grant PROCESS_TERMINATE"},
				{ntstatus.AccessDenied, "O-170", "the System process"},
				{ntstatus.ProcessIsTerminating, "O-169", "the process has ended"},
			}},
		Call: Services.NtTerminateProcess,
	})
	rowSetInformationProcess = Add(&NtTable, Entry[Services, SetInformationProcessIn, SetInformationProcessOut]{
		Meta: Meta{
			Name:    "NtSetInformationProcess",
			Summary: "replaces the primary token of a process that has not started",
			Missing: "only ProcessAccessToken",
			Conditions: []Condition{
				{ntstatus.InvalidInfoClass, "T-110", "any other information class"},
				{ntstatus.InfoLengthMismatch, "T-110", "the length is not 16"},
				{ntstatus.AccessViolation, "O-3", "the information is not readable"},
				{ntstatus.InvalidHandle, "O-31", "ProcessHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ProcessHandle is not a process"},
				{ntstatus.AccessDenied, "O-31", "ProcessHandle does not grant PROCESS_SET_INFORMATION"},
				{ntstatus.InvalidHandle, "T-110", "the token handle is not valid"},
				{ntstatus.ObjectTypeMismatch, "T-110", "the token handle is not a token"},
				{ntstatus.AccessDenied, "T-110", "the token handle does not grant TOKEN_ASSIGN_PRIMARY"},
				{ntstatus.PrivilegeNotHeld, "T-111",
					"the token is neither child nor sibling of the caller's process token, and " +
						"SeAssignPrimaryTokenPrivilege is not enabled"},
				{ntstatus.BadImpersonationLevel, "T-112",
					"an impersonation token below SecurityImpersonation (profile observed)"},
				{ntstatus.BadTokenType, "T-112", "an impersonation token"},
				{ntstatus.TokenAlreadyInUse, "T-112", "the token is the primary token of a process (profile observed)"},
				{ntstatus.AccessDenied, "I-90", "a job of the process refuses the token"},
				{ntstatus.NotSupported, "T-110", "a thread of the process has started"},
			},
		},
		Call: Services.NtSetInformationProcess,
		Scalars: byValue(func(in SetInformationProcessIn) bool {
			return in.ProcessInformationClass == ProcessAccessToken
		}),
	})
)

// NtCreateUserProcess creates a process and its first thread. Without a token the process gets a copy of its parent's
// primary token, even while the caller impersonates. STATUS_ACCESS_DENIED can also mean that the user may not execute
// the file, or that a job of the parent refuses the token.
func (t *Thread) NtCreateUserProcess(in CreateUserProcessIn) (CreateUserProcessOut, ntstatus.Status) {
	return call(t, rowCreateUserProcess, in)
}

// NtSuspendThread increments the suspend count of a thread and returns the previous one. At 127 it returns
// STATUS_SUSPEND_COUNT_EXCEEDED. A running thread is not stopped. It needs THREAD_SUSPEND_RESUME (SuspendThread).
func (t *Thread) NtSuspendThread(thread winnt.Handle) (uint32, ntstatus.Status) {
	in := SuspendThreadIn{thread}
	out, st := call(t, rowSuspendThread, in)
	return out.PreviousSuspendCount, st
}

// NtResumeThread decrements the suspend count of a thread and returns the previous count. At 0 the thread starts. It
// needs THREAD_SUSPEND_RESUME (ResumeThread).
func (t *Thread) NtResumeThread(thread winnt.Handle) (uint32, ntstatus.Status) {
	in := ResumeThreadIn{thread}
	out, st := call(t, rowResumeThread, in)
	return out.PreviousSuspendCount, st
}

// NtTerminateProcess ends a process with a status, which ProcessBasicInformation then
// returns. It needs PROCESS_TERMINATE (ZwTerminateProcess).
func (t *Thread) NtTerminateProcess(process winnt.Handle, status ntstatus.Status) ntstatus.Status {
	in := TerminateProcessIn{process, status}
	_, st := call(t, rowTerminateProcess, in)
	return st
}

// NtSetInformationProcess replaces the primary token of a process in which no thread has started (class 9,
// ProcessAccessToken). Another class is STATUS_INVALID_INFO_CLASS. After a failure the process keeps its token.
func (t *Thread) NtSetInformationProcess(
	process winnt.Handle, class ProcessInfoClass, token winnt.Handle,
) ntstatus.Status {
	in := SetInformationProcessIn{process, class, Cap(token), 16}
	_, st := call(t, rowSetInformationProcess, in)
	return st
}

var openByIDConditions = []Condition{
	{ntstatus.AccessViolation, "O-37", "ObjectAttributes is NULL"},
	{ntstatus.AccessViolation, "O-3", "a pointer is not readable or not writable"},
	{ntstatus.InvalidParameter, "O-22", "OBJECT_ATTRIBUTES has a wrong Length or unknown attribute bits"},
	exclusiveInherited(),
	{ntstatus.InvalidParameterMix, "O-37", "name and client id both given, or both missing"},
	{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
	{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
	{ntstatus.InvalidCid, "O-37", "no such process or thread"},
	{ntstatus.InvalidParameter, "O-22", "an attribute that the type does not support"},
	{ntstatus.AccessDenied, "O-21", "DesiredAccess has bits that the type does not have"},
	{ntstatus.AccessDenied, "O-90", "DesiredAccess is 0"},
	{ntstatus.BadImpersonationLevel, "I-1", "the caller impersonates below SecurityImpersonation"},
	{ntstatus.AccessDenied, "O-33", "the object's descriptor does not grant DesiredAccess"},
	{ntstatus.InsufficientResources, "O-81", "not enough memory for the handle"},
}

// OpenProcessIn and OpenProcessOut are the parameters of NtOpenProcess.
type (
	OpenProcessIn struct {
		DesiredAccess    winnt.AccessMask            `object:"process"`
		ObjectAttributes Captured[*ObjectAttributes] `default:"empty"`
		ClientID         Captured[*ClientID]         `param:"ClientId"`
	}
	OpenProcessOut struct{ ProcessHandle winnt.Handle }
)

var rowOpenProcess = Add(&NtTable, Entry[Services, OpenProcessIn, OpenProcessOut]{
	Meta: Meta{Name: "NtOpenProcess", Summary: "opens a process by its id", Conditions: openByIDConditions},
	Call: Services.NtOpenProcess,
})

// orEmpty returns empty attributes for nil. A Go program may thus omit them, while NULL from a C program gives
// STATUS_ACCESS_VIOLATION (O-37).
func orEmpty(a *ObjectAttributes) Captured[*ObjectAttributes] {
	if a == nil {
		a = &ObjectAttributes{}
	}
	return Cap(a)
}

// NtOpenProcess opens the process with an id. attributes may be nil. An unknown id is STATUS_INVALID_CID. A nil id is
// STATUS_INVALID_PARAMETER_MIX.
func (t *Thread) NtOpenProcess(
	desired winnt.AccessMask, attributes *ObjectAttributes, id *ClientID,
) (winnt.Handle, ntstatus.Status) {
	in := OpenProcessIn{desired, orEmpty(attributes), Cap(id)}
	out, st := call(t, rowOpenProcess, in)
	return out.ProcessHandle, st
}
