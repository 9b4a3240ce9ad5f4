package nt

import (
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
var noTree = Condition{ntstatus.InvalidParameter, "F-110", "the file is in no tree"}

var (
	rowSetInformationFile = Add(&NtTable, Entry[Services, SetInformationFileIn, SetInformationFileOut]{
		Meta: Meta{Name: "NtSetInformationFile", Summary: "changes times, size, name or position of a file, or deletes it",
			Missing: "FileBasicInformation, FileRenameInformation, FileLinkInformation, FileDispositionInformation, " +
				"FilePositionInformation and FileEndOfFileInformation, of files in trees; of attributes only those for reading, " +
				"hiding, the system and archiving",
			Conditions: append(append([]Condition{
				{ntstatus.InvalidInfoClass, "I-133", "another class"},
				{ntstatus.AccessViolation, "O-3", "the information cannot be read"},
				{ntstatus.InfoLengthMismatch, "I-133", "the information is that of another class"},
			}, handleConditions...), noTree,
				Condition{ntstatus.AccessDenied, "F-55", "FileHandle lacks the right that the class needs"},
				Condition{ntstatus.InvalidParameter, "F-174", "a file is to be a directory, or a directory temporary"},
				Condition{ntstatus.NotSupported, "F-122", "attributes are to be set that the tree does not keep"},
				Condition{ntstatus.CannotDelete, "F-55", "the file is read-only"},
				Condition{ntstatus.DirectoryNotEmpty, "F-55", "a directory has entries"},
				Condition{ntstatus.ObjectNameCollision, "F-58", "the new name is taken"},
				Condition{ntstatus.NotSameDevice, "F-118", "the new name is in another tree"})},
		Call: Services.NtSetInformationFile,
	})
	rowQueryDirectoryFile = Add(&NtTable, Entry[Services, QueryDirectoryFileIn, QueryDirectoryFileOut]{
		Meta: Meta{Name: "NtQueryDirectoryFile", Summary: "lists a directory of a tree",
			Missing: "FileDirectoryInformation and FileNamesInformation; no short names",
			Conditions: append(append([]Condition{
				{ntstatus.InvalidInfoClass, "I-133", "another class"},
			}, handleConditions...), noTree,
				Condition{ntstatus.AccessDenied, "F-70", "FileHandle lacks FILE_LIST_DIRECTORY"},
				Condition{ntstatus.InvalidParameter, "F-120", "FileHandle is no directory"},
				Condition{ntstatus.ObjectNameInvalid, "F-120", "the pattern is malformed"},
				Condition{ntstatus.NoSuchFile, "F-120", "no name fits the pattern"},
				Condition{ntstatus.NoMoreFiles, "F-120", "every entry was told"})},
		Call: Services.NtQueryDirectoryFile,
	})
)

// NtSetInformationFile changes a file, by the structure of a class.
func (t *Thread) NtSetInformationFile(file winnt.Handle, class FileInfoClass, information any) ntstatus.Status {
	_, st := call(t, rowSetInformationFile, SetInformationFileIn{file, Cap(information), class})
	return st
}

// NtQueryDirectoryFile returns the next entries of a directory whose names fit the
// pattern; STATUS_NO_MORE_FILES ends them.
func (t *Thread) NtQueryDirectoryFile(directory winnt.Handle, pattern string, restart bool) ([]FileEntry,
	ntstatus.Status) {
	in := QueryDirectoryFileIn{FileHandle: directory, Length: 1 << 16, FileInformationClass: FileDirectoryInformation,
		FileName: pattern, RestartScan: restart}
	out, st := call(t, rowQueryDirectoryFile, in)
	return out.FileInformation, st
}

// NtReadFileAt reads up to length bytes from an offset of a file.
func (t *Thread) NtReadFileAt(file winnt.Handle, length uint32, offset int64) ([]byte, ntstatus.Status) {
	out, st := call(t, rowReadFile, ReadFileIn{FileHandle: file, Length: length, ByteOffset: uint64(offset)})
	return out.Buffer, st
}

// NtWriteFileAt writes a buffer at an offset of a file.
func (t *Thread) NtWriteFileAt(file winnt.Handle, buffer []byte, offset int64) (int, ntstatus.Status) {
	out, st := call(t, rowWriteFile, WriteFileIn{FileHandle: file, Buffer: Cap(buffer), ByteOffset: uint64(offset)})
	return int(out.Information), st
}
