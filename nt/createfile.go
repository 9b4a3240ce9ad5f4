package nt

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// CreateFileIn and CreateFileOut are the parameters of NtCreateFile, and DeleteFileIn
// is that of NtDeleteFile.
type (
	CreateFileIn struct {
		DesiredAccess    winnt.AccessMask `object:"file"`
		ObjectAttributes Captured[*ObjectAttributes]
		FileAttributes   fileaccess.Attributes // of a new file
		ShareAccess      uint32
		// FILE_OPEN by default
		CreateDisposition uint32 `default:"1"`
		CreateOptions     uint32
	}
	CreateFileOut struct {
		FileHandle  winnt.Handle
		Information fileaccess.Action // the action that was taken
	}

	DeleteFileIn  struct{ ObjectAttributes Captured[*ObjectAttributes] }
	DeleteFileOut struct{}
)

// inTrees are additional conditions for names in a tree.
var inTrees = []Condition{
	{ntstatus.ObjectNameInvalid, "F-113", "the name has a stream, or is one that no file can have"},
	{ntstatus.AccessDenied, "F-112", "the name belongs to a link, a device or a mount"},
	{ntstatus.AccessDenied, "F-40", "the file's descriptor does not grant the right"},
	{ntstatus.DeletePending, "F-117", "the file is about to be deleted"},
	{ntstatus.SharingViolation, "F-116",
		"another handle does not share the requested access, or this one does not share the other's"},
}

var (
	rowCreateFile = Add(&NtTable, Entry[Services, CreateFileIn, CreateFileOut]{
		Meta: Meta{Name: "NtCreateFile", Summary: "opens or creates a file of a tree, or opens another named file",
			Missing: "creates files in trees only; no extended attributes, no allocation size",
			Conditions: append([]Condition{
				{ntstatus.AccessViolation, "O-3", "a pointer is not readable or not writable"},
				{ntstatus.InvalidParameter, "O-22", "OBJECT_ATTRIBUTES has a wrong Length or unknown attribute bits"},
				exclusiveInherited(),
				{ntstatus.InvalidParameter, "F-10", "unknown bits or contradictions in the options"},
				{ntstatus.NotSupported, "F-110", "a file that is not in a tree cannot be created"},
				{ntstatus.InvalidACL, "F-199", "an entry of a new file's descriptor names a logon session and does not grant"},
			}, inTrees...)},
		Call: Services.NtCreateFile,
	})
	rowDeleteFile = Add(&NtTable, Entry[Services, DeleteFileIn, DeleteFileOut]{
		Meta: Meta{Name: "NtDeleteFile", Summary: "deletes a file of a tree",
			Conditions: append([]Condition{
				{ntstatus.AccessViolation, "O-3", "a pointer is not readable"},
				{ntstatus.InvalidParameter, "O-22", "OBJECT_ATTRIBUTES has a wrong Length or unknown attribute bits"},
				exclusiveInherited(),
				{ntstatus.NotSupported, "F-110", "the file is not in a tree"},
				{ntstatus.DirectoryNotEmpty, "F-55", "the directory is not empty"},
			}, inTrees...)},
		Call: Services.NtDeleteFile,
	})
)

// NtCreateFile opens or creates the file with a name and returns which of them it did. Outside a tree it only opens: a
// call that would create a file returns STATUS_NOT_SUPPORTED.
func (t *Thread) NtCreateFile(in CreateFileIn) (winnt.Handle, fileaccess.Action, ntstatus.Status) {
	out, st := call(t, rowCreateFile, in)
	return out.FileHandle, out.Information, st
}

// NtDeleteFile removes the name of a file in a tree. The file itself is deleted with its last name and handle. A file
// outside a tree gives STATUS_NOT_SUPPORTED.
func (t *Thread) NtDeleteFile(attributes *ObjectAttributes) ntstatus.Status {
	_, st := call(t, rowDeleteFile, DeleteFileIn{Cap(attributes)})
	return st
}
