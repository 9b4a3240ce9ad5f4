package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

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
	Meta: Meta{Name: "NtOpenFile", Summary: "opens a named object of type File",
		Missing: "for a file of a script, ShareAccess and OpenOptions have no effect",
		Conditions: []Condition{
			{ntstatus.AccessViolation, "O-3", "a pointer is not readable or not writable"},
			{ntstatus.InvalidParameter, "O-22", "OBJECT_ATTRIBUTES has a wrong Length or unknown attribute bits"},
			exclusiveInherited(),
			{ntstatus.InvalidHandle, "O-22", "RootDirectory is not a valid handle"},
			{ntstatus.ObjectTypeMismatch, "O-22", "RootDirectory is not a directory"},
			{ntstatus.ObjectPathSyntaxBad, "O-23", "the name is absolute below a RootDirectory"},
			{ntstatus.ObjectNameInvalid, "O-23",
				"the name is empty, has an empty component, or a backslash within a plain name"},
			{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
			{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
			{ntstatus.AccessDenied, "O-24",
				"a directory on the path does not grant DIRECTORY_TRAVERSE to a caller without " +
					"SeChangeNotifyPrivilege"},
			{ntstatus.ObjectPathNotFound, "O-23", "a directory on the path does not exist, or the links do not end"},
			{ntstatus.ReparsePointEncountered, "O-24", "OBJ_DONT_REPARSE and a symbolic link on the path"},
			{ntstatus.ObjectNameNotFound, "O-23", "no object of that name"},
			{ntstatus.ObjectTypeMismatch, "O-23", "the name belongs to another type"},
			{ntstatus.AccessDenied, "O-21", "DesiredAccess has bits that a file does not have"},
			{ntstatus.AccessDenied, "O-90", "DesiredAccess is 0"},
			{ntstatus.BadImpersonationLevel, "I-1", "the caller impersonates below SecurityImpersonation"},
			{ntstatus.AccessDenied, "O-33", "the file's descriptor does not grant DesiredAccess"},
			{ntstatus.AccessDenied, "T-142",
				"the pipe's directions do not permit a client the reads or writes of DesiredAccess"},
			{ntstatus.InsufficientResources, "O-81", "not enough memory for the handle"},
		}},
	Call: Services.NtOpenFile,
})

// NtOpenFile opens the file with a name (NtOpenFile). A name without a leading
// backslash is relative to the root of files.
func (t *Thread) NtOpenFile(
	desired winnt.AccessMask, attributes *ObjectAttributes, share, options uint32,
) (winnt.Handle, ntstatus.Status) {
	in := OpenFileIn{desired, Cap(attributes), share, options}
	out, st := call(t, rowOpenFile, in)
	return out.FileHandle, st
}
