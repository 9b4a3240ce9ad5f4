package fileaccess

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Request holds what a client asks of one open or create. The zero value asks
// for nothing, which is refused (F-11).
type Request struct {
	// Subject is who asks. A client token below SecurityImpersonation gives
	// STATUS_BAD_IMPERSONATION_LEVEL before anything else.
	Subject     access.Subject
	Desired     winnt.AccessMask // generic bits, MAXIMUM_ALLOWED and ACCESS_SYSTEM_SECURITY included
	Disposition Disposition
	Options     CreateOptions
	Attributes  Attributes     // of a new or overwritten object
	CreatorSD   *sd.Descriptor // for a new object; nil: none given
	Share       ShareAccess    // carried for the caller's share-mode check (F-49)
	Face        Face

	// Name is the path below the root of the share, with backslashes, as it
	// was asked for: `a\b\f:stream`. It is checked for form only (F-13) and
	// stands in audit records. Empty is the root itself.
	Name string

	// Maximal asks for the maximal access too (the MxAc create context).
	Maximal bool
	// MaximalTime is that context's time stamp in units of 100 ns since 1601;
	// 0: it has none (F-45).
	MaximalTime int64
}

// Disposition is CreateDisposition: what to do if the name exists or does not.
// The values are those of the wire; the zero value is FileSupersede.
// Source: MS-SMB2 2.2.13, NtCreateFile.
type Disposition uint32

// Dispositions.
const (
	FileSupersede   Disposition = iota // replace it, or create it
	FileOpen                           // open it, or fail
	FileCreate                         // create it, or fail
	FileOpenIf                         // open it, or create it
	FileOverwrite                      // empty it, or fail
	FileOverwriteIf                    // empty it, or create it
)

// CreateOptions are the FILE_* options of an open. Those named here have a
// meaning for the decision; others of the documented ones are accepted and
// mean nothing here. The zero value has no option. Source: MS-SMB2 2.2.13.
type CreateOptions uint32

// Options with a meaning for the decision.
const (
	DirectoryFile           CreateOptions = 0x1
	WriteThrough            CreateOptions = 0x2
	NoIntermediateBuffering CreateOptions = 0x8
	SynchronousIOAlert      CreateOptions = 0x10
	SynchronousIONonalert   CreateOptions = 0x20
	NonDirectoryFile        CreateOptions = 0x40
	DeleteOnClose           CreateOptions = 0x1000
	OpenByFileID            CreateOptions = 0x2000
	OpenForBackupIntent     CreateOptions = 0x4000
	DisallowExclusive       CreateOptions = 0x20000
	OpenReparsePoint        CreateOptions = 0x200000

	validOptions = 0x00FFFFFF
	synchronous  = SynchronousIOAlert | SynchronousIONonalert
)

// Attributes are FILE_ATTRIBUTE_* bits (MS-FSCC 2.6). The zero value has no bit.
type Attributes uint32

// Attributes with a meaning for the decision.
const (
	AttributeReadOnly  Attributes = 0x1
	AttributeHidden    Attributes = 0x2
	AttributeSystem    Attributes = 0x4
	AttributeDirectory Attributes = 0x10
	AttributeArchive   Attributes = 0x20
	AttributeNormal    Attributes = 0x80
	AttributeTemporary Attributes = 0x100
	// AttributeReparsePoint is of what is told in a listing to who knows links.
	AttributeReparsePoint Attributes = 0x400

	validAttributes = 0x7FB7
)

// ShareAccess says what other opens may do meanwhile. The zero value is an
// exclusive open.
type ShareAccess uint32

// Bits of ShareAccess.
const (
	ShareRead   ShareAccess = 1
	ShareWrite  ShareAccess = 2
	ShareDelete ShareAccess = 4
)

// Face is whose rules are added to those of the store. The zero value is
// Native: none.
type Face uint8

// Faces.
const (
	Native Face = iota // NtCreateFile: the store's rules alone
	SMB                // an SMB2 server in front of the store
	Win32              // CreateFile: more rights are asked for than named (F-90)
)
