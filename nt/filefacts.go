package nt

import "github.com/refmon/refmon/winnt"

// Classes of NtQueryInformationFile that every file supports, pipe or not.
const (
	FileAccessInformation                   FileInfoClass = 8
	FileNameInformation                     FileInfoClass = 9
	FileAlignmentInformation                FileInfoClass = 17
	FileIoCompletionNotificationInformation FileInfoClass = 41
)

// AccessInformation is FILE_ACCESS_INFORMATION, 4 bytes in C.
type AccessInformation struct {
	AccessFlags winnt.AccessMask // what the handle grants
}

// NameInformation is FILE_NAME_INFORMATION, in C 4 bytes and the text, padded to 8
// if the text is empty.
type NameInformation struct {
	FileNameLength uint32 // bytes, of the whole name
	FileName       string // begins with the device; cut off if the buffer is too small
}

// AlignmentInformation is FILE_ALIGNMENT_INFORMATION, 4 bytes in C.
type AlignmentInformation struct {
	AlignmentRequirement uint32 // 0: any byte will do
}

// CompletionInformation is FILE_IO_COMPLETION_NOTIFICATION_INFORMATION, 4 bytes in C.
type CompletionInformation struct {
	Flags uint32 // 0: completions are reported in the usual ways
}

// fileFacts maps each class of NtQueryInformationFile to the minimum size of its structure in bytes.
var fileFacts = map[FileInfoClass]uint32{
	FilePipeInformation: 8, FilePipeLocalInformation: 40, FileAccessInformation: 4, FileNameInformation: 8,
	FileAlignmentInformation: 4, FileIoCompletionNotificationInformation: 4,
	FileBasicInformation: 40, FileStandardInformation: 24, FileInternalInformation: 8, FilePositionInformation: 8,
}

// Least returns the minimum size of a class's structure in bytes. It returns 0 for
// a class that NtQueryInformationFile does not have.
func (c FileInfoClass) Least() uint32 { return fileFacts[c] }

// fileFactNames are the documented names of the classes.
var fileFactNames = map[FileInfoClass]string{
	FilePipeInformation: "FilePipeInformation", FilePipeLocalInformation: "FilePipeLocalInformation",
	FileAccessInformation: "FileAccessInformation", FileNameInformation: "FileNameInformation",
	FileAlignmentInformation:                "FileAlignmentInformation",
	FileIoCompletionNotificationInformation: "FileIoCompletionNotificationInformation",
	FileDirectoryInformation:                "FileDirectoryInformation",
	FileBasicInformation:                    "FileBasicInformation",
	FileStandardInformation:                 "FileStandardInformation",
	FileInternalInformation:                 "FileInternalInformation",
	FileRenameInformation:                   "FileRenameInformation",
	FileLinkInformation:                     "FileLinkInformation",
	FileNamesInformation:                    "FileNamesInformation",
	FileDispositionInformation:              "FileDispositionInformation",
	FilePositionInformation:                 "FilePositionInformation",
	FileEndOfFileInformation:                "FileEndOfFileInformation",
}
