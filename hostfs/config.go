package hostfs

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
)

// Config configures a tree. Path is required. For the other fields the zero value is
// the strictest choice, except Policy.Traverse: its zero value lets a client that
// holds SeChangeNotifyPrivilege pass folders that it may not search.
type Config struct {
	Path string // the root; a link is followed here
	// Attribute is the extended attribute with the descriptors. "" means [ntacl.Name], which only a process with
	// CAP_SYS_ADMIN can write.
	Attribute string
	// Missing decides what a file without that attribute grants.
	Missing Missing
	// IgnorePosix accepts each attribute without checking its hash, like a file server that ignores the host's
	// permissions. Otherwise an attribute counts as missing if the file's permissions have changed since it was written.
	IgnorePosix bool
	// Share is the descriptor of a share of the tree. Each open is then decided as by an SMB server for that share. nil
	// means no share.
	Share *sd.Descriptor
	// AccessBased hides entries that a user may not read from listings, on a tree with
	// Share.
	AccessBased bool
	// Policy is the policy of decisions, including the traverse policy.
	Policy fileaccess.Policy
	// CaseInsensitive lets a lookup find a name that differs in case if there is no exact match. It then reads the
	// names of the directory. If it cannot, the open or the creation fails (F-113).
	CaseInsensitive bool
	// Unbelieved is called each time that a file's attribute is read and is invalid, with the host's path of
	// the file, the reason, and the command that repairs it. nil means no call. Any goroutine may call it, without
	// locks.
	Unbelieved func(path string, cause error)
	// Accounts maps the owners of files without the attribute. nil means
	// S-1-22-1-uid.
	Accounts ntacl.Accounts
	// FileMode and DirectoryMode are the permissions of new files and directories. 0
	// means 0600 and 0700.
	FileMode, DirectoryMode uint32
	// Descriptors is the maximum number of cached descriptors. 0 means 16,384. The cache takes at most 1.5 KiB times this
	// number, by default 24 MiB.
	Descriptors int
	// Opens is the maximum number of open files. 0 means 16,384.
	Opens int
	// HandOut decides which file descriptors programs get ([kernel.System.HandOut]).
	HandOut HandOut
	// Faults is called before each system call that changes a file or reads an attribute, and before some others such
	// as "stat" and "open". It gets the name of the call, and that of the file or attribute. If it returns an error,
	// the call is not made and fails with that error. nil injects no errors. Only tests set it.
	Faults func(call, name string) error
}

// HandOut selects which file descriptors of the host a tree passes to programs. The zero value is HandOutNothing.
// refmon does not see what a program does with a descriptor, and cannot revoke it. The program can pass it on, map
// the file, watch it and lock it.
type HandOut uint8

const (
	HandOutNothing HandOut = iota
	HandOutReads           // for reading, by a read-only copy of the mount
	// HandOutWrites also hands out descriptors for writing, for files that belong to root or to
	// this program, if the permissions give others no more than was granted.
	HandOutWrites
)

// Missing selects what a file without a valid descriptor attribute grants. The zero value is RefuseMissing.
type Missing uint8

const (
	RefuseMissing     Missing = iota // nothing, to anybody
	SynthesiseMissing                // what Samba makes of its POSIX permissions
)
