package nt

import (
	"math"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the services on files of a tree. FileInformation is [FileBasic],
// [FileRename], [FileDisposition], [FilePosition] or [FileEndOfFile], by class.
type (
	SetInformationFileIn struct {
		FileHandle           winnt.Handle
		FileInformation      Captured[any]
		FileInformationClass FileInfoClass
	}
	SetInformationFileOut struct{}

	QueryDirectoryFileIn struct {
		FileHandle           winnt.Handle
		Length               uint32        `default:"65536"` // bytes that the entries may take
		FileInformationClass FileInfoClass `default:"1"`     // FileDirectoryInformation, FileNamesInformation
		ReturnSingleEntry    bool          `default:"false"`
		FileName             string        // a pattern with * and ?; empty: every name
		RestartScan          bool          `default:"false"`
	}
	QueryDirectoryFileOut struct{ FileInformation []FileEntry }
)

// noTree is the condition of a handle whose file is in no tree.
var noTree = Condition{ntstatus.InvalidParameter, "F-110", "the file is not in a tree"}

var (
	rowSetInformationFile = Add(&NtTable, Entry[Services, SetInformationFileIn, SetInformationFileOut]{
		Meta: Meta{Name: "NtSetInformationFile",
			Summary: "sets times, size, name or position of a file, deletes it, or sets the modes of a pipe's end",
			Missing: "FilePipeInformation of pipes; FileBasicInformation, FileRenameInformation, FileLinkInformation, " +
				"FileDispositionInformation, FilePositionInformation and FileEndOfFileInformation, of files in trees; of " +
				"attributes only those for reading, hiding, the system and archiving",
			Conditions: append(append([]Condition{
				{ntstatus.InvalidInfoClass, "I-133", "any other information class"},
				{ntstatus.AccessViolation, "O-3", "the information is not readable"},
				{ntstatus.InfoLengthMismatch, "I-133", "the information belongs to another class"},
			}, handleConditions...), noTree,
				Condition{ntstatus.AccessDenied, "O-31", "FileHandle does not grant FILE_WRITE_ATTRIBUTES (FilePipeInformation)"},
				Condition{ntstatus.InvalidParameter, "I-133", "FilePipeInformation of a file that is not a pipe"},
				Condition{ntstatus.InvalidParameter, "I-158", "the mode does not exist, or the pipe has no messages"},
				Condition{ntstatus.PipeDisconnected, "I-158", "FileHandle is the end of a client that the server disconnected"},
				Condition{ntstatus.AccessDenied, "F-55", "FileHandle does not grant the right that the class needs"},
				Condition{ntstatus.InvalidParameter, "F-174", "the attributes make a file a directory, or a directory temporary"},
				Condition{ntstatus.NotSupported, "F-122", "the tree does not store an attribute that is to be set"},
				Condition{ntstatus.CannotDelete, "F-55", "the file is read-only"},
				Condition{ntstatus.DirectoryNotEmpty, "F-55", "the directory is not empty"},
				Condition{ntstatus.ObjectNameCollision, "F-58", "the new name exists"},
				Condition{ntstatus.NotSameDevice, "F-118", "the new name is in another tree"})},
		Call: Services.NtSetInformationFile,
	})
	rowQueryDirectoryFile = Add(&NtTable, Entry[Services, QueryDirectoryFileIn, QueryDirectoryFileOut]{
		Meta: Meta{Name: "NtQueryDirectoryFile", Summary: "lists a directory of a tree",
			Missing: "FileDirectoryInformation and FileNamesInformation; no short names",
			Conditions: append(append([]Condition{
				{ntstatus.InvalidInfoClass, "I-133", "any other information class"},
			}, handleConditions...), noTree,
				Condition{ntstatus.AccessDenied, "F-70", "FileHandle does not grant FILE_LIST_DIRECTORY"},
				Condition{ntstatus.InvalidParameter, "F-120", "FileHandle is not a directory"},
				Condition{ntstatus.ObjectNameInvalid, "F-120", "the pattern is malformed"},
				Condition{ntstatus.NoSuchFile, "F-120", "no name matches the pattern"},
				Condition{ntstatus.NoMoreFiles, "F-120", "all entries were returned before"})},
		Call: Services.NtQueryDirectoryFile,
	})
)

// NtSetInformationFile changes a file with information, the structure of the class. A structure of another class gives
// STATUS_INFO_LENGTH_MISMATCH, a file outside a tree STATUS_INVALID_PARAMETER.
func (t *Thread) NtSetInformationFile(file winnt.Handle, class FileInfoClass, information any) ntstatus.Status {
	_, st := call(t, rowSetInformationFile, SetInformationFileIn{file, Cap(information), class})
	return st
}

// NtQueryDirectoryFile returns the next entries of a directory whose names match the pattern; "" matches all.
// STATUS_NO_MORE_FILES ends the list. STATUS_NO_SUCH_FILE means that no name matches.
func (t *Thread) NtQueryDirectoryFile(directory winnt.Handle, pattern string, restart bool) ([]FileEntry,
	ntstatus.Status) {
	in := QueryDirectoryFileIn{FileHandle: directory, Length: 1 << 16, FileInformationClass: FileDirectoryInformation,
		FileName: pattern, RestartScan: restart}
	out, st := call(t, rowQueryDirectoryFile, in)
	return out.FileInformation, st
}

// NtReadFileAt reads up to length bytes from an offset of a file. At the end of the file it returns
// STATUS_END_OF_FILE.
func (t *Thread) NtReadFileAt(file winnt.Handle, length uint32, offset int64) ([]byte, ntstatus.Status) {
	out, st := call(t, rowReadFile, ReadFileIn{FileHandle: file, Length: length, ByteOffset: uint64(offset)})
	return out.Buffer, st
}

// NtReadFileInto reads from an offset of a file into b and returns the number of bytes. A kernel in
// this program allocates nothing. Fewer bytes than len(b) mean the end of the file, or the limit of
// one call. 0 bytes have STATUS_END_OF_FILE. The rest of b is undefined.
func (t *Thread) NtReadFileInto(file winnt.Handle, b []byte, offset int64) (int, ntstatus.Status) {
	b = b[:min(uint64(len(b)), math.MaxUint32)]
	out, st := call(t, rowReadFile, ReadFileIn{FileHandle: file, Length: uint32(len(b)), ByteOffset: uint64(offset),
		Room: b})
	if n := len(out.Buffer); n == 0 || &out.Buffer[0] == &b[0] {
		return n, st
	}
	return copy(b, out.Buffer), st // from another program's kernel
}

// NtWriteFileAt is like NtWriteFile, but writes at an offset of a file.
func (t *Thread) NtWriteFileAt(file winnt.Handle, buffer []byte, offset int64) (int, ntstatus.Status) {
	out, st := call(t, rowWriteFile, WriteFileIn{FileHandle: file, Buffer: Cap(buffer), ByteOffset: uint64(offset)})
	return int(out.Information), st
}
