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
		Information fileaccess.Action // what was done
	}

	DeleteFileIn  struct{ ObjectAttributes Captured[*ObjectAttributes] }
	DeleteFileOut struct{}
)

// inTrees are the conditions of names in a tree, beside those of any name.
var inTrees = []Condition{
	{ntstatus.ObjectNameInvalid, "F-113", "the name has a stream, or is one that no file can have"},
	{ntstatus.AccessDenied, "F-112", "the name is that of a link, a device or a mount"},
	{ntstatus.AccessDenied, "F-40", "the file's descriptor refuses"},
	{ntstatus.DeletePending, "F-117", "the name goes away with the last open by it"},
	{ntstatus.SharingViolation, "F-116", "another handle does not share what is asked for, or the reverse"},
}

var (
	rowCreateFile = Add(&NtTable, Entry[Services, CreateFileIn, CreateFileOut]{
		Meta: Meta{Name: "NtCreateFile", Summary: "opens or makes a file of a tree, or opens another named file",
			Missing: "files are made in trees alone; no extended attributes, no size to reserve",
			Conditions: append([]Condition{
				{ntstatus.AccessViolation, "O-3", "a pointer cannot be read or written"},
				{ntstatus.InvalidParameter, "O-22", "OBJECT_ATTRIBUTES has a wrong Length or unknown attribute bits"},
				{ntstatus.InvalidParameter, "F-10", "unknown bits or contradictions in the options"},
				{ntstatus.NotSupported, "F-110", "a file is to be made that is in no tree"},
			}, inTrees...)},
		Call: Services.NtCreateFile,
	})
	rowDeleteFile = Add(&NtTable, Entry[Services, DeleteFileIn, DeleteFileOut]{
		Meta: Meta{Name: "NtDeleteFile", Summary: "removes the name of a file of a tree",
			Conditions: append([]Condition{
				{ntstatus.AccessViolation, "O-3", "a pointer cannot be read"},
				{ntstatus.InvalidParameter, "O-22", "OBJECT_ATTRIBUTES has a wrong Length or unknown attribute bits"},
				{ntstatus.NotSupported, "F-110", "the file is in no tree"},
				{ntstatus.DirectoryNotEmpty, "F-55", "a directory has entries"},
			}, inTrees...)},
		Call: Services.NtDeleteFile,
	})
)

// NtCreateFile opens or makes the file of that name.
func (t *Thread) NtCreateFile(in CreateFileIn) (winnt.Handle, fileaccess.Action, ntstatus.Status) {
	out, st := call(t, rowCreateFile, in)
	return out.FileHandle, out.Information, st
}

// NtDeleteFile removes the name of a file; the file itself goes with its last name and
// handle.
func (t *Thread) NtDeleteFile(attributes *ObjectAttributes) ntstatus.Status {
	_, st := call(t, rowDeleteFile, DeleteFileIn{Cap(attributes)})
	return st
}
