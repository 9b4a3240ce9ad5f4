package nt

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/winnt"
)

// Classes of NtQueryInformationFile, NtSetInformationFile and NtQueryDirectoryFile for
// files of a tree.
const (
	FileDirectoryInformation   FileInfoClass = 1
	FileBasicInformation       FileInfoClass = 4
	FileStandardInformation    FileInfoClass = 5
	FileInternalInformation    FileInfoClass = 6
	FileRenameInformation      FileInfoClass = 10
	FileLinkInformation        FileInfoClass = 11
	FileNamesInformation       FileInfoClass = 12
	FileDispositionInformation FileInfoClass = 13
	FilePositionInformation    FileInfoClass = 14
	FileEndOfFileInformation   FileInfoClass = 20
)

// FileBasic is FILE_BASIC_INFORMATION, 40 bytes in C. In a change, a time of 0 or
// -1, and attributes of 0, mean no change.
type FileBasic struct {
	CreationTime   int64 // units of 100 ns since 1601, as the others
	LastAccessTime int64
	LastWriteTime  int64
	ChangeTime     int64
	FileAttributes fileaccess.Attributes
}

// FileStandard is FILE_STANDARD_INFORMATION, 24 bytes in C.
type FileStandard struct {
	AllocationSize int64 // bytes
	EndOfFile      int64 // bytes
	NumberOfLinks  uint32
	DeletePending  bool
	Directory      bool
}

// FileInternal is FILE_INTERNAL_INFORMATION, 8 bytes in C.
type FileInternal struct{ IndexNumber uint64 }

// FilePosition is FILE_POSITION_INFORMATION, 8 bytes in C.
type FilePosition struct{ CurrentByteOffset int64 }

// FileEndOfFile is FILE_END_OF_FILE_INFORMATION, 8 bytes in C.
type FileEndOfFile struct{ EndOfFile int64 }

// FileDisposition is FILE_DISPOSITION_INFORMATION, 1 byte in C.
type FileDisposition struct{ DeleteFile bool }

// FileRename is FILE_RENAME_INFORMATION and FILE_LINK_INFORMATION. The name is
// relative to the same directory, relative to RootDirectory, or a full name in the
// same tree.
type FileRename struct {
	ReplaceIfExists bool
	RootDirectory   winnt.Handle
	FileName        string
}

// FileEntry is FILE_DIRECTORY_INFORMATION, 64 bytes in C and the name.
// FILE_NAMES_INFORMATION has only the name.
type FileEntry struct {
	FileBasic
	EndOfFile      int64 // bytes
	AllocationSize int64 // bytes
	FileName       string
}
