package fileaccess

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Facts holds what the caller found when it looked the name up. The zero value
// is a name that does not exist, in no directory, on no share.
//
// Wherever a descriptor is nil it grants nothing, so that a caller that failed
// to read one grants nothing by accident. A store or an object without security
// says so by [sd.NoSecurity] (F-101).
type Facts struct {
	// Path has the components between the root of the share and the last
	// one, outermost first. It is not read for opens by file id.
	Path []Component
	// Parent is the directory that holds the link used; nil for the root of
	// the share. It is not read for opens by file id (F-25).
	Parent *Directory
	Object Object

	ReadOnlyVolume bool
	Share          *Share // nil: not gated by a share; read with Face SMB only
	Policy         Policy
}

// Component is one directory on the way to the last component. The zero value
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

// Directory is a directory whose descriptor counts. The zero value has no
// descriptor, which grants nothing.
type Directory struct {
	Name       string // for audit records
	Descriptor *sd.Descriptor
}

// SymbolicLinkTag is IO_REPARSE_TAG_SYMLINK (MS-FSCC 2.1.2.1).
const SymbolicLinkTag uint32 = 0xA000000C

// Object describes what the last component names. The zero value does not exist.
type Object struct {
	Exists       bool
	IsDirectory  bool
	VolumeRoot   bool
	Attributes   Attributes
	Descriptor   *sd.Descriptor // nil grants nothing
	ReparseTag   uint32         // 0: no reparse point
	Stream       bool           // a named stream was asked for
	StreamExists bool           // and it exists
	ChangeTime   int64          // units of 100 ns since 1601; read for F-45 only
	OtherOpens   bool           // there is another open of it; read for directories in F-48 only
}

// file reports an object of type file.
func (o *Object) file() bool { return !o.IsDirectory }

// directory reports that the open is of a directory itself, not of a data
// stream of one.
func (o *Object) directory() bool { return o.IsDirectory && !o.Stream }

// Share is the share a request came through. The zero value has no descriptor
// and so allows nothing.
type Share struct {
	Descriptor *sd.Descriptor // gates the connect and every request; nil grants nothing
	// Told is the descriptor the maximal access told to the client is
	// computed from; nil: Descriptor is (F-5).
	Told *sd.Descriptor
	// Maximal holds what [Connect] found for the subject; 0: found anew.
	Maximal winnt.AccessMask
	// ABE is access-based enumeration (F-71).
	ABE bool
	// NoGate turns off the refusal of rights outside the share's (F-6, first
	// and fourth step). What is granted is cut down in any case (F-8).
	NoGate bool
	// Path is where the files are on the host, for records; no decision reads it.
	Path string
}

// Policy is how the store is set up. The zero value is the documented default.
type Policy struct {
	Traverse   Traverse
	HideDenied bool // a refusal that would tell of a hidden entry is disguised (F-73)
	Profile    Profile
	// LinkNeedsNothing lets every handle be the source of a hard link, as
	// the documents have it (F-59).
	LinkNeedsNothing bool
	Central          *access.PolicySet // central access policies; nil: none configured
	Access           access.Options    // of the checks
}

// Traverse says how directories on the way are tested (F-23). The zero value
// is TraversePrivilege.
type Traverse uint8

// Traverse policies.
const (
	TraversePrivilege Traverse = iota // SeChangeNotifyPrivilege passes
	TraverseAlways                    // the privilege does not help
	TraverseNever                     // nothing is tested
)

// Profile chooses between the documents and what tested servers do, in the four
// places where they differ: F-21, F-36, F-102 and writing through a handle
// (F-55). The zero value is Documented.
type Profile uint8

// Profiles.
const (
	Documented Profile = iota
	Observed
)
