package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// NtTable is the table of the Nt* services.
var NtTable Table

// CloseIn and CloseOut are the parameters of NtClose.
type (
	CloseIn  struct{ Handle winnt.Handle }
	CloseOut struct{}
)

var rowClose = Add(&NtTable, Entry[Services, CloseIn, CloseOut]{
	Meta: Meta{Name: "NtClose", Summary: "closes a handle", Source: "NtClose", Support: Complete, Conditions: []Condition{
		{ntstatus.Success, "O-41", "the value is one of the pseudo handles -1, -2, -4, -5, -6; nothing happens"},
		{ntstatus.InvalidHandle, "O-40", "the value names no handle"},
		{ntstatus.HandleNotClosable, "O-42", "the handle is protected from close"},
	}},
	Call: Services.NtClose,
})

// NtClose closes a handle (NtClose, ZwClose).
func (t *Thread) NtClose(handle winnt.Handle) ntstatus.Status {
	in := CloseIn{handle}
	if t.tracer != nil {
		_, st := traced(t, rowClose, in)
		return st
	}
	_, st := t.sys.NtClose(in)
	return st
}

// OpenProcessIn and OpenProcessOut are the parameters of NtOpenProcess.
type (
	OpenProcessIn struct {
		DesiredAccess    winnt.AccessMask `object:"process"`
		ObjectAttributes Captured[*ObjectAttributes]
		ClientID         Captured[*ClientID] `param:"ClientId"`
	}
	OpenProcessOut struct{ ProcessHandle winnt.Handle }
)

var rowOpenProcess = Add(&NtTable, Entry[Services, OpenProcessIn, OpenProcessOut]{
	Meta: Meta{Name: "NtOpenProcess", Summary: "opens a process by its id", Source: "NtOpenProcess", Support: Complete, Conditions: openByIDConditions},
	Call: Services.NtOpenProcess,
})

var openByIDConditions = []Condition{
	{ntstatus.AccessViolation, "O-3", "a pointer cannot be read or written"},
	{ntstatus.InvalidParameter, "O-22", "OBJECT_ATTRIBUTES has a wrong Length or unknown attribute bits"},
	{ntstatus.InvalidParameterMix, "O-37", "name and client id both given, or both missing"},
	{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
	{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
	{ntstatus.InvalidCid, "O-37", "no such process or thread"},
	{ntstatus.InvalidParameter, "O-22", "an attribute the type does not take"},
	{ntstatus.AccessDenied, "O-21", "DesiredAccess has bits that the type does not have"},
	{ntstatus.AccessDenied, "O-90", "DesiredAccess is 0"},
	{ntstatus.BadImpersonationLevel, "I-1", "the caller impersonates below SecurityImpersonation"},
	{ntstatus.AccessDenied, "O-33", "the access check on the object refuses"},
	{ntstatus.InsufficientResources, "O-81", "no memory for the handle"},
}

// NtOpenProcess opens the process with that id (NtOpenProcess).
func (t *Thread) NtOpenProcess(desired winnt.AccessMask, attributes *ObjectAttributes, id *ClientID) (winnt.Handle, ntstatus.Status) {
	in := OpenProcessIn{desired, Cap(attributes), Cap(id)}
	if t.tracer != nil {
		out, st := traced(t, rowOpenProcess, in)
		return out.ProcessHandle, st
	}
	out, st := t.sys.NtOpenProcess(in)
	return out.ProcessHandle, st
}

// OpenThreadIn and OpenThreadOut are the parameters of NtOpenThread.
type (
	OpenThreadIn struct {
		DesiredAccess    winnt.AccessMask `object:"thread"`
		ObjectAttributes Captured[*ObjectAttributes]
		ClientID         Captured[*ClientID] `param:"ClientId"`
	}
	OpenThreadOut struct{ ThreadHandle winnt.Handle }
)

var rowOpenThread = Add(&NtTable, Entry[Services, OpenThreadIn, OpenThreadOut]{
	Meta: Meta{Name: "NtOpenThread", Summary: "opens a thread by its id", Source: "NtOpenThread", Support: Complete, Conditions: openByIDConditions},
	Call: Services.NtOpenThread,
})

// NtOpenThread opens the thread with that id (NtOpenThread).
func (t *Thread) NtOpenThread(desired winnt.AccessMask, attributes *ObjectAttributes, id *ClientID) (winnt.Handle, ntstatus.Status) {
	in := OpenThreadIn{desired, Cap(attributes), Cap(id)}
	if t.tracer != nil {
		out, st := traced(t, rowOpenThread, in)
		return out.ThreadHandle, st
	}
	out, st := t.sys.NtOpenThread(in)
	return out.ThreadHandle, st
}

// OpenFileIn and OpenFileOut are the parameters of NtOpenFile.
type (
	OpenFileIn struct {
		DesiredAccess    winnt.AccessMask `object:"file"`
		ObjectAttributes Captured[*ObjectAttributes]
		ShareAccess      uint32
		OpenOptions      uint32
	}
	OpenFileOut struct{ FileHandle winnt.Handle }
)

var rowOpenFile = Add(&NtTable, Entry[Services, OpenFileIn, OpenFileOut]{
	Meta: Meta{Name: "NtOpenFile", Summary: "opens a named object of type File", Source: "NtOpenFile", Support: Partial,
		Missing: "only files made by a script or by System.CreateFile exist; ShareAccess and OpenOptions are carried, not used",
		Conditions: []Condition{
			{ntstatus.AccessViolation, "O-3", "a pointer cannot be read or written"},
			{ntstatus.InvalidParameter, "O-22", "OBJECT_ATTRIBUTES has a wrong Length or unknown attribute bits"},
			{ntstatus.InvalidHandle, "O-22", "RootDirectory names no handle"},
			{ntstatus.ObjectTypeMismatch, "O-22", "RootDirectory is no directory"},
			{ntstatus.ObjectPathSyntaxBad, "O-23", "the name is absolute below a RootDirectory"},
			{ntstatus.ObjectNameInvalid, "O-23", "the name is empty, has an empty component, or a backslash within a plain name"},
			{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
			{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
			{ntstatus.AccessDenied, "O-24", "a directory on the path does not grant DIRECTORY_TRAVERSE to a caller without SeChangeNotifyPrivilege"},
			{ntstatus.ObjectPathNotFound, "O-23", "a directory on the path does not exist, or the links do not end"},
			{ntstatus.ReparsePointEncountered, "O-24", "OBJ_DONT_REPARSE and a symbolic link on the path"},
			{ntstatus.ObjectNameNotFound, "O-23", "no object of that name"},
			{ntstatus.ObjectTypeMismatch, "O-23", "the name is that of another type"},
			{ntstatus.AccessDenied, "O-21", "DesiredAccess has bits that a file does not have"},
			{ntstatus.AccessDenied, "O-90", "DesiredAccess is 0"},
			{ntstatus.BadImpersonationLevel, "I-1", "the caller impersonates below SecurityImpersonation"},
			{ntstatus.AccessDenied, "O-33", "the access check on the file refuses"},
			{ntstatus.InsufficientResources, "O-81", "no memory for the handle"},
		}},
	Call: Services.NtOpenFile,
})

// NtOpenFile opens the file of that name (NtOpenFile). A name without a
// leading backslash is taken from the root of files.
func (t *Thread) NtOpenFile(desired winnt.AccessMask, attributes *ObjectAttributes, share, options uint32) (winnt.Handle, ntstatus.Status) {
	in := OpenFileIn{desired, Cap(attributes), share, options}
	if t.tracer != nil {
		out, st := traced(t, rowOpenFile, in)
		return out.FileHandle, st
	}
	out, st := t.sys.NtOpenFile(in)
	return out.FileHandle, st
}

// ThreadInfoClass is THREADINFOCLASS.
type ThreadInfoClass uint32

// ThreadImpersonationToken is the class that sets a thread's impersonation
// token; its information is a token handle, 0 to revert.
const ThreadImpersonationToken ThreadInfoClass = 5

// String prints the documented name.
func (c ThreadInfoClass) String() string {
	if c == ThreadImpersonationToken {
		return "ThreadImpersonationToken"
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
	Meta: Meta{Name: "NtSetInformationThread", Summary: "sets the impersonation token of a thread", Source: "ZwSetInformationThread; SetThreadToken", Support: Partial,
		Missing: "only ThreadImpersonationToken",
		Conditions: []Condition{
			{ntstatus.InvalidInfoClass, "I-70", "another information class"},
			{ntstatus.InfoLengthMismatch, "I-70", "the length is not that of a handle"},
			{ntstatus.AccessViolation, "O-3", "the information cannot be read"},
			{ntstatus.InvalidHandle, "O-31", "ThreadHandle names no handle"},
			{ntstatus.ObjectTypeMismatch, "O-31", "ThreadHandle is no thread"},
			{ntstatus.AccessDenied, "O-31", "ThreadHandle lacks THREAD_SET_THREAD_TOKEN"},
			{ntstatus.InvalidHandle, "O-31", "the token handle names no handle"},
			{ntstatus.ObjectTypeMismatch, "O-31", "the token handle is no token"},
			{ntstatus.AccessDenied, "O-31", "the token handle lacks TOKEN_IMPERSONATE"},
			{ntstatus.BadTokenType, "I-70", "the token is a primary token"},
			{ntstatus.NoMemory, "I-41", "no memory for the impersonation record"},
			{ntstatus.AccessDenied, "I-90", "a job's security limits refuse the token"},
			{ntstatus.InsufficientResources, "I-43", "the copy that a demotion needs cannot be made"},
			{ntstatus.Success, "I-43", "the client may only be identified: the thread gets a copy at SecurityIdentification"},
		}},
	Call: Services.NtSetInformationThread,
	Scalars: func(in SetInformationThreadIn) ntstatus.Status {
		if in.ThreadInformationClass != ThreadImpersonationToken {
			return ntstatus.InvalidInfoClass
		}
		return ntstatus.Success
	},
})

// NtSetInformationThread sets the impersonation token of a thread; token 0
// ends the impersonation (ZwSetInformationThread, class 5).
func (t *Thread) NtSetInformationThread(thread winnt.Handle, class ThreadInfoClass, token winnt.Handle) ntstatus.Status {
	in := SetInformationThreadIn{thread, class, Cap(token), 8}
	if t.tracer != nil {
		_, st := traced(t, rowSetInformationThread, in)
		return st
	}
	_, st := t.sys.NtSetInformationThread(in)
	return st
}
