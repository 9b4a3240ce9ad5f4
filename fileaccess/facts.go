package fileaccess

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Facts holds the results of the caller's lookup of the name. The zero value is
// a name that does not exist, without a directory and a share.
//
// A nil descriptor grants nothing, so that a caller that failed to read one
// does not grant access by accident. For a store or an object without security
// use [sd.NoSecurity] (F-101).
type Facts struct {
	// Path has the components between the root of the share and the last
	// component, outermost first. Opens by file id do not use it.
	Path []Component
	// Parent is the directory that contains the used link, or nil for the root of
	// the share. Opens by file id do not use it (F-25).
	Parent *Directory
	Object Object

	ReadOnlyVolume bool
	Share          *Share // nil: no share; Open refuses rights outside it with Face SMB only
	Policy         Policy
}

// Component is one directory on the path to the last component. The zero value
// does not exist.
type Component struct {
	Name          string         // for audit records
	Descriptor    *sd.Descriptor // nil grants nothing
	Exists        bool
	IsDirectory   bool
	SymbolicLink  bool
	DeletePending bool
	BadStream     bool // it is followed by a stream name that is malformed
}

// Directory is a directory whose descriptor can decide. The zero value has no
// descriptor, which grants nothing.
type Directory struct {
	Name       string // for audit records
	Descriptor *sd.Descriptor
}

// SymbolicLinkTag is IO_REPARSE_TAG_SYMLINK (MS-FSCC 2.1.2.1).
const SymbolicLinkTag uint32 = 0xA000000C

// Object describes the object of the last component. The zero value does not
// exist.
type Object struct {
	Exists       bool
	IsDirectory  bool
	VolumeRoot   bool
	Attributes   Attributes
	Descriptor   *sd.Descriptor // nil grants nothing
	ReparseTag   uint32         // 0: no reparse point
	Stream       bool           // a named stream was requested
	StreamExists bool           // and it exists
	ChangeTime   int64          // units of 100 ns since 1601; read for F-45 only
	OtherOpens   bool           // it has another open; used for directories in F-48 only
}

// file reports whether the object is not a directory.
func (o *Object) file() bool { return !o.IsDirectory }

// directory reports whether the open is of a directory itself, not of a named stream of one.
func (o *Object) directory() bool { return o.IsDirectory && !o.Stream }

// Share is the share of a request. The zero value has no descriptor and
// therefore allows nothing.
type Share struct {
	Descriptor *sd.Descriptor // gates the connect and every request; nil grants nothing
	// Told is the descriptor for the maximal access that the client receives. nil means Descriptor (F-5).
	Told *sd.Descriptor
	// Maximal holds the result of [Connect] for the subject. With 0 each call
	// computes it.
	Maximal winnt.AccessMask
	// ABE enables access-based enumeration (F-71).
	ABE bool
	// NoGate disables the refusal of rights that the share does not allow (F-6,
	// first and fourth step). Granted rights are limited to the share in any case
	// (F-8).
	NoGate bool
	// Path is the path of the files on the host, for audit records. No decision
	// uses it.
	Path string
}

// Policy is the configuration of the store. The zero value is the documented
// default.
type Policy struct {
	Traverse   Traverse
	HideDenied bool // a refusal that would reveal a hidden entry is disguised (F-73)
	Profile    Profile
	// LinkNeedsNothing allows any handle as the source of a hard link, as the
	// documents do (F-59).
	LinkNeedsNothing bool
	Central          *access.PolicySet // central access policies; nil: none configured
	Access           access.Options    // of the checks
}

// Traverse is the test of directories on the path (F-23). The zero value is
// TraversePrivilege.
type Traverse uint8

// Traverse policies.
const (
	TraversePrivilege Traverse = iota // SeChangeNotifyPrivilege passes
	TraverseAlways                    // the privilege does not help
	TraverseNever                     // nothing is tested
)

// Profile chooses between the documents and the behaviour of tested servers, in
// the four cases in which they differ: F-21, F-36, F-102 and writing through a
// handle (F-55). The zero value is Documented.
type Profile uint8

// Profiles.
const (
	Documented Profile = iota
	Observed
)
