package fileaccess

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Creation is dwCreationDisposition of CreateFile. The zero value is invalid.
type Creation uint32

// Values of Creation.
const (
	CreateNew        Creation = 1
	CreateAlways     Creation = 2
	OpenExisting     Creation = 3
	OpenAlways       Creation = 4
	TruncateExisting Creation = 5
)

// FileFlags are the FILE_FLAG_* bits of CreateFile that affect the decision.
// CreateFile takes the attributes in the same parameter.
type FileFlags uint32

// Values of FileFlags.
const (
	FlagDeleteOnClose    FileFlags = 0x04000000
	FlagBackupSemantics  FileFlags = 0x02000000
	FlagOpenReparsePoint FileFlags = 0x00200000
	FlagWriteThrough     FileFlags = 0x80000000
	FlagNoBuffering      FileFlags = 0x20000000

	attributeFlags FileFlags = 0x00007FFF
)

// CreateFile returns the request of a call of CreateFile (F-90). It includes
// the rights that CreateFile always adds. ok is false for an unknown creation
// disposition, which is ERROR_INVALID_PARAMETER. Unknown flags are ignored.
func CreateFile(s access.Subject, name string, desired winnt.AccessMask, share ShareAccess, c Creation,
	flags FileFlags) (r Request, ok bool) {
	r = Request{
		Subject: s, Name: name, Share: share, Face: Win32,
		// Every call also requests these two rights (F-90).
		Desired:    desired | winnt.SYNCHRONIZE | winnt.FILE_READ_ATTRIBUTES,
		Attributes: Attributes(flags & attributeFlags),
	}
	// Each creation disposition corresponds to a native one (F-90).
	switch c {
	case CreateNew:
		r.Disposition = FileCreate
	case CreateAlways:
		r.Disposition = FileOverwriteIf
	case OpenExisting:
		r.Disposition = FileOpen
	case OpenAlways:
		r.Disposition = FileOpenIf
	case TruncateExisting:
		r.Disposition = FileOverwrite
	default:
		return Request{}, false
	}
	for _, m := range [...]struct {
		flag   FileFlags
		option CreateOptions
	}{
		{FlagWriteThrough, WriteThrough}, {FlagNoBuffering, NoIntermediateBuffering},
		// Each flag corresponds to an option (F-90).
		{FlagDeleteOnClose, DeleteOnClose}, {FlagBackupSemantics, OpenForBackupIntent}, {FlagOpenReparsePoint,
			OpenReparsePoint},
	} {
		if flags&m.flag != 0 {
			r.Options |= m.option
		}
	}
	// Deletion on close also requests DELETE (F-90).
	if flags&FlagDeleteOnClose != 0 {
		r.Desired |= winnt.DELETE
	}
	if flags&FlagBackupSemantics == 0 { // F-90: directories need backup semantics
		r.Options |= NonDirectoryFile
	}
	return r, true
}

// LastError returns the Win32 error for the status of an open. creating is true
// if the call was to create the file. A collision then has another number
// (F-91).
func LastError(st ntstatus.Status, creating bool) uint32 {
	switch {
	case st == ntstatus.ObjectNameCollision && creating:
		// A collision has a number of its own at creation (F-91).
		return 80
	case st == ntstatus.DeletePending:
		// A pending deletion has the number of a denial (F-91).
		return 5
	}
	return st.Win32()
}
