package watch

import (
	"time"

	"github.com/refmon/refmon/sd"
)

// Seen is a document as a watcher found it. The zero value is an unreadable document without a path.
type Seen struct {
	Path       string // absolute, below the tree
	Folder     bool
	Descriptor *sd.Descriptor // nil: it could not be read
	Search     *sd.Descriptor // for a folder, with Options.Search: grants the host's search permission; nil: to nobody
	Err        error          // why Descriptor is nil
	Gone       bool           // the document no longer exists, and neither do its descendants
}

// Batch is an ordered list of a watcher's findings. Later elements of Seen replace earlier ones about the same path.
// The receiver owns it.
type Batch struct {
	Tree  string // path of the tree's root
	Begin bool   // a walk of the whole tree begins
	Seen  []Seen
	End   bool // the walk has ended; documents that it did not find no longer exist
	// Heartbeat is the time up to which all changes have been reported, in this or earlier batches. The zero
	// value is not a heartbeat.
	Heartbeat Heartbeat
	// Unnameable is the number of changes in folders whose path is too long for the kernel. They
	// have no row.
	Unnameable int
}

// Heartbeat is the time of a heartbeat. The zero value is not a heartbeat.
type Heartbeat struct {
	Time time.Time
	// Up is the time since the machine's start, which nobody can set; 0: unknown.
	Up time.Duration
}

// Now returns the current time by the wall clock and by the time since the machine's start. Up is 0 if the latter is
// unknown.
func Now() Heartbeat { return Heartbeat{Time: time.Now(), Up: uptime()} }
