package hostfs

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
)

// Config says what directory is served and how. Path is needed; for the rest the zero
// value is the strictest choice.
type Config struct {
	Path string // the root; a link is followed here
	// Attribute holds the descriptors; "" is [ntacl.Name], which takes CAP_SYS_ADMIN
	// to write.
	Attribute string
	// Missing says what a file without that attribute grants.
	Missing Missing
	// IgnorePosix takes each attribute as it is, as a file server does that ignores the
	// system's permissions. Otherwise one whose permissions were changed since is
	// taken for missing, as the server takes it.
	IgnorePosix bool
	// Share is the descriptor of the tree itself: each open is then decided as
	// behind an SMB server with such a share. nil: nothing gates the tree.
	Share *sd.Descriptor
	// AccessBased leaves entries that a user may not read out of listings, on a tree with
	// Share.
	AccessBased bool
	// Policy has the traverse policy among others.
	Policy fileaccess.Policy
	// CaseInsensitive finds a name that differs in case where none is spelled so.
	CaseInsensitive bool
	// Accounts names the owners of files without the attribute; nil: S-1-22-1-uid.
	Accounts ntacl.Accounts
	// FileMode and DirectoryMode are the permissions of what is made; 0: 0600 and 0700.
	FileMode, DirectoryMode uint32
	// Descriptors is how many descriptors are kept; 0: 4,096.
	Descriptors int
	// Opens is how many files may be open at once; 0: 16,384.
	Opens int
	// HandOut says which descriptors programs get ([kernel.System.HandOut]).
	HandOut HandOut
}

// HandOut says what descriptors of the host are handed out. The zero value is
// HandOutNothing. What a program does with a descriptor is not seen and cannot be
// taken back; it can pass it on, map the file, watch and lock it.
type HandOut uint8

const (
	HandOutNothing HandOut = iota
	HandOutReads           // for reading, by a read-only copy of the mount
	// HandOutWrites hands out for writing, too, the files that belong to root or to this program
	// and whose permissions give others no more than was granted.
	HandOutWrites
)

// Missing says what a file without a descriptor grants. The zero value is RefuseMissing.
type Missing uint8

const (
	RefuseMissing     Missing = iota // nothing, to anybody
	SynthesiseMissing                // what Samba makes of its POSIX permissions
)
