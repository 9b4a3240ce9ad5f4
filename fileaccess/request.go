package fileaccess

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Request holds the parameters of one open or create. The zero value requests
// no right, which is refused (F-11).
type Request struct {
	// Subject is the caller. A client token below SecurityImpersonation gives
	// STATUS_BAD_IMPERSONATION_LEVEL before any other check.
	Subject     access.Subject
	Desired     winnt.AccessMask // generic bits, MAXIMUM_ALLOWED and ACCESS_SYSTEM_SECURITY included
	Disposition Disposition
	Options     CreateOptions
	Attributes  Attributes     // of a new or overwritten object
	CreatorSD   *sd.Descriptor // for a new object; nil: none given
	Share       ShareAccess    // without ShareRead the open is exclusive; the caller checks conflicts (F-49)
	Face        Face

	// Name is the requested path below the root of the share, with backslashes:
	// `a\b\f:stream`. Only its form is checked (F-13). Audit records contain it.
	// The empty name is the root itself.
	Name string

	// Maximal also requests the maximal access (the MxAc create context).
	Maximal bool
	// MaximalTime is the time stamp of that context in units of 100 ns since 1601, or 0 if the context does not have
	// one (F-45).
	MaximalTime int64
}

// Disposition is CreateDisposition: the action if the name exists, and if it
// does not. The values are those of the wire. The zero value is FileSupersede.
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

// CreateOptions are the FILE_* options of an open. The named ones affect the
// decision. Other documented options are accepted and ignored. The zero value
// has no option. Source: MS-SMB2 2.2.13.
type CreateOptions uint32

// Options that affect the decision.
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

// Attributes that affect the decision.
const (
	AttributeReadOnly  Attributes = 0x1
	AttributeHidden    Attributes = 0x2
	AttributeSystem    Attributes = 0x4
	AttributeDirectory Attributes = 0x10
	AttributeArchive   Attributes = 0x20
	AttributeNormal    Attributes = 0x80
	AttributeTemporary Attributes = 0x100
	// AttributeReparsePoint marks a link in a listing for a caller that opens
	// links.
	AttributeReparsePoint Attributes = 0x400

	validAttributes = 0x7FB7
)

// ShareAccess is the access that other opens may have at the same time. The
// zero value is an exclusive open.
type ShareAccess uint32

// Bits of ShareAccess.
const (
	ShareRead   ShareAccess = 1
	ShareWrite  ShareAccess = 2
	ShareDelete ShareAccess = 4
)

// Face is the interface of the request, whose rules are added to those of the
// store. The zero value is Native, which adds none.
type Face uint8

// Faces.
const (
	Native Face = iota // NtCreateFile: the store's rules alone
	SMB                // an SMB2 server in front of the store
	Win32              // CreateFile, which requests more rights than the caller names (F-90)
)
