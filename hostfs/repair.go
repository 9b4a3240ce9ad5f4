package hostfs

import (
	"errors"
	"fmt"
)

// errStale is the cause of a descriptor that is invalid because its hash is wrong.
var errStale = errors.New("mode, owner or POSIX ACL were changed past refmond since it was written: undo that, or " +
	"make it valid again with refmon acl repair --rehash PATH")

// RepairConfig configures [Repair]: the descriptors that it checks, and whether it writes.
// Path is required.
type RepairConfig struct {
	Path      string // a directory, or one file; a link is followed here
	Attribute string // "" is [ntacl.Name]
	DryRun    bool   // nothing is written
	// Rehash makes a descriptor valid again after another program has changed the file's mode, owner or POSIX ACL (F-205).
	Rehash bool
	// IgnorePosix says that such descriptors count without Rehash, as in a tree with Config.IgnorePosix.
	IgnorePosix bool
	Most        int64 // maximum number of files to visit; 0 or less: no limit
	// Each is called for each file that needs a repair, or whose descriptor cannot be read or
	// written. It may be nil. It is called on the caller's goroutine.
	Each func(Repaired)
}

// Repaired is one file whose stored descriptor does not have the form in which
// refmond stores it.
type Repaired struct {
	Path     string
	Sessions int   // entries that name a logon session (F-199)
	Generic  int   // effective entries with generic bits (F-201)
	Stale    bool  // its hash is not that of the file's mode, owner and POSIX ACL
	Err      error // it could not be read or written, or an owner or group is a logon session; nil: none
}

// String returns one line for a report: the path, then the error, the reason why the descriptor is invalid, or
// the numbers of entries to repair. Of these it prints only the first that applies.
func (r Repaired) String() string {
	if r.Err != nil {
		return fmt.Sprintf("%s: %v", r.Path, r.Err)
	}
	if r.Stale {
		return fmt.Sprintf("%s: its descriptor is invalid: %v", r.Path, errStale)
	}
	return fmt.Sprintf("%s: entries for logon sessions: %d, entries with generic rights: %d", r.Path, r.Sessions,
		r.Generic)
}

// RepairCounts has the results of a run of [Repair], as numbers of files. A dry run counts the same files as a real
// one, except files that cannot be written. A file whose repair failed counts only as failed. A repaired directory that
// cannot be listed counts as both.
type RepairCounts struct {
	Files    int64 // visited, including directories and links
	Sessions int64 // with entries for logon sessions
	Generic  int64 // with generic bits in effective entries
	Stale    int64 // with a hash that is not that of the file's mode, owner and POSIX ACL
	Failed   int64 // with an error
	Missing  int64 // without the attribute, except links, which need none
	Cut      bool  // the run ended at RepairConfig.Most, and files are left
}
