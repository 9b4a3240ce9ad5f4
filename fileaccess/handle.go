package fileaccess

import (
	"strconv"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Handle holds the data that decides later operations: the rights that the open
// granted, and the current facts of the object. The zero value has no rights
// and allows no operation.
type Handle struct {
	Granted    winnt.AccessMask // Decision.Granted of the open; never recomputed (F-52)
	Face       Face
	Profile    Profile // that of the Policy of the open
	Directory  bool
	NotEmpty   bool       // a directory with entries; read for deletion only
	Attributes Attributes // the current attributes
	ByID       bool       // the open was OpenByFileID
	// Subject is the current caller, for operations that need a privilege. nil has
	// no privilege.
	Subject *access.Subject
}

// Operation is an operation through a handle. The zero value is Read.
type Operation uint8

// Operations on a handle. Rename, link and security have separate functions.
const (
	Read                         Operation = iota
	Write                                  // inside the file
	Extend                                 // a write that makes the file longer
	Flush                                  // of file or directory
	QueryBasic                             // FileBasicInformation, All, NetworkOpen, AttributeTag
	QueryEA                                // FileFullEaInformation
	QueryOther                             // Standard, Internal, Access, Position, Mode, Alignment, Stream
	QueryName                              // every class that returns a path
	Enumerate                              // QUERY_DIRECTORY
	ChangeNotify                           // CHANGE_NOTIFY
	SetBasic                               // times and attributes
	SetEA                                  // extended attributes
	SetEndOfFile                           // the size
	SetAllocation                          // the allocated size
	SetValidDataLength                     // needs SeManageVolumePrivilege too
	SetShortName                           // needs SeRestorePrivilege too
	SetDisposition                         // delete
	SetDispositionIgnoreReadOnly           // FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE
	SetReparsePoint                        // or delete it
	SetSymbolicLink                        // needs SeCreateSymbolicLinkPrivilege too
	SetSparse                              // FSCTL_SET_SPARSE
	CopyFrom                               // source of a server-side copy
	CopyTo                                 // its target
	CopyToReadBack                         // its target in the form that reads back
	SetVolumeInformation                   // volume control and object id information
)

// need describes what one operation requires: rights of the handle, and a privilege.
type need struct {
	name string
	all  winnt.AccessMask
	any  winnt.AccessMask // one of these; 0: none is needed
	with winnt.Privilege  // 0: none
}

// needs lists the rights that each operation needs (F-55). Listing is a separate
// right (F-24, F-70). A name needs a right only for an open by file id (F-25).
var needs = [...]need{
	Read:          {name: "Read", all: winnt.FILE_READ_DATA},
	Write:         {name: "Write", all: winnt.FILE_WRITE_DATA},
	Extend:        {name: "Extend", all: winnt.FILE_APPEND_DATA},
	Flush:         {name: "Flush", any: writing},
	QueryBasic:    {name: "QueryBasic", all: winnt.FILE_READ_ATTRIBUTES},
	QueryEA:       {name: "QueryEA", all: winnt.FILE_READ_EA},
	QueryOther:    {name: "QueryOther"},
	QueryName:     {name: "QueryName"},
	Enumerate:     {name: "Enumerate", all: winnt.FILE_LIST_DIRECTORY},
	ChangeNotify:  {name: "ChangeNotify", all: winnt.FILE_LIST_DIRECTORY},
	SetBasic:      {name: "SetBasic", all: winnt.FILE_WRITE_ATTRIBUTES},
	SetEA:         {name: "SetEA", all: winnt.FILE_WRITE_EA},
	SetEndOfFile:  {name: "SetEndOfFile", all: winnt.FILE_WRITE_DATA},
	SetAllocation: {name: "SetAllocation", all: winnt.FILE_WRITE_DATA},
	SetValidDataLength: {name: "SetValidDataLength", all: winnt.FILE_WRITE_DATA,
		with: winnt.SeManageVolumePrivilege},
	SetShortName: {name: "SetShortName", any: winnt.FILE_WRITE_DATA | winnt.FILE_WRITE_ATTRIBUTES,
		with: winnt.SeRestorePrivilege},
	SetDisposition:               {name: "SetDisposition", all: winnt.DELETE},
	SetDispositionIgnoreReadOnly: {name: "SetDispositionIgnoreReadOnly", all: winnt.DELETE},
	SetReparsePoint:              {name: "SetReparsePoint", any: winnt.FILE_WRITE_DATA | winnt.FILE_WRITE_ATTRIBUTES},
	SetSymbolicLink: {name: "SetSymbolicLink", any: winnt.FILE_WRITE_DATA | winnt.FILE_WRITE_ATTRIBUTES,
		with: winnt.SeCreateSymbolicLinkPrivilege},
	SetSparse:            {name: "SetSparse", any: winnt.FILE_WRITE_DATA | winnt.FILE_WRITE_ATTRIBUTES},
	CopyFrom:             {name: "CopyFrom", all: winnt.FILE_READ_DATA},
	CopyTo:               {name: "CopyTo", any: writing},
	CopyToReadBack:       {name: "CopyToReadBack", all: winnt.FILE_READ_DATA, any: writing},
	SetVolumeInformation: {name: "SetVolumeInformation", all: winnt.FILE_WRITE_DATA},
}

// String returns the name of the operation.
func (op Operation) String() string {
	if int(op) < len(needs) {
		return needs[op].name
	}
	return "Operation(" + strconv.Itoa(int(op)) + ")"
}

// May decides whether an operation is allowed through the handle. It returns STATUS_SUCCESS, or STATUS_ACCESS_DENIED if
// the handle does not have a required right. Depending on the operation it can also return STATUS_PRIVILEGE_NOT_HELD,
// STATUS_INVALID_PARAMETER, STATUS_CANNOT_DELETE or STATUS_DIRECTORY_NOT_EMPTY. An unknown operation is
// STATUS_INVALID_PARAMETER, also for nil. Every other operation through nil, or through a handle that was granted
// nothing, is STATUS_ACCESS_DENIED.
func (h *Handle) May(op Operation) ntstatus.Status {
	if int(op) >= len(needs) {
		return ntstatus.InvalidParameter
	}
	if !h.open() {
		return ntstatus.AccessDenied
	}
	n := needs[op]
	h.adapt(op, &n)
	switch {
	case n.all&^h.Granted != 0, n.any != 0 && n.any&h.Granted == 0:
		// The handle does not have a right that the operation requires (F-55).
		return ntstatus.AccessDenied
	case n.with != 0 && !h.Subject.Holds(n.with):
		// The operation needs a privilege that is not held (F-55).
		return ntstatus.PrivilegeNotHeld
	}
	switch op {
	case SetEndOfFile, SetAllocation:
		// A directory has no size that could be set (F-55).
		if h.Directory {
			return ntstatus.InvalidParameter
		}
	case SetDisposition, SetDispositionIgnoreReadOnly:
		return h.deletable(op)
	}
	return ntstatus.Success
}

// adapt changes the rights that an operation needs, depending on the interface, the profile and how the handle was
// opened (F-25, F-47, F-55). Other operations stay unchanged.
func (h *Handle) adapt(op Operation, n *need) {
	switch {
	case op == Read && h.Face == SMB: // F-47: execute reads
		n.all, n.any = 0, winnt.FILE_READ_DATA|winnt.FILE_EXECUTE
	case (op == Write || op == Extend) && h.Profile == Observed:
		// Servers as observed accept either right to write for both kinds of writing (F-55).
		n.all, n.any = 0, writing
	case op == SetShortName && h.Face == SMB:
		// Through SMB a short name needs DELETE instead (F-55).
		n.all, n.any = winnt.DELETE, 0
	case op == QueryName && h.ByID:
		// The name of an object opened by file id is returned only for a handle with the traverse right (F-25).
		n.all = winnt.FILE_TRAVERSE
	}
}

// deletable checks that the object may be marked for deletion by operation op. It returns STATUS_CANNOT_DELETE for a
// read-only one, unless op ignores the attribute and the handle grants FILE_WRITE_ATTRIBUTES. After that it returns
// STATUS_DIRECTORY_NOT_EMPTY or success.
func (h *Handle) deletable(op Operation) ntstatus.Status {
	if h.Attributes&AttributeReadOnly != 0 {
		// A read-only object stays, unless the request ignores the attribute and the handle may change it (F-55).
		if op == SetDisposition || h.Granted&winnt.FILE_WRITE_ATTRIBUTES == 0 {
			return ntstatus.CannotDelete
		}
	}
	// A directory that has entries stays (F-55).
	if h.Directory && h.NotEmpty {
		return ntstatus.DirectoryNotEmpty
	}
	return ntstatus.Success
}

// open reports whether the handle has any right. Without one it allows not even
// the operations that need none (F-100).
func (h *Handle) open() bool { return h != nil && h.Granted != 0 }
