package index

import (
	"time"

	"github.com/refmon/refmon/sd"
)

// Seen is a document as a watcher found it. The zero value could not be read.
type Seen struct {
	Path       string // absolute, below the tree
	Folder     bool
	Descriptor *sd.Descriptor // nil: it could not be read
	Err        error          // why
	Gone       bool           // nothing is there any more, below it neither
}

// Batch holds what a watcher has seen, in order, on its way to the worker.
type Batch struct {
	Tree  string // the root
	Begin bool   // a walk of the whole tree begins
	Seen  []Seen
	End   bool // the walk has ended: what was not seen since it began is gone
	// Beat says that all that changed before it has been told, here or in batches before.
	// The zero value says nothing.
	Beat Beat
}

// Beat is a moment for which a source vouches. The zero value is no moment.
type Beat struct {
	Time time.Time
	// Up is the time since the machine started, which no one can set; 0: unknown.
	Up time.Duration
}

// Now returns the present moment, for sources outside this package.
func Now() Beat { return now() }

// now returns the present moment.
func now() Beat { return Beat{Time: time.Now(), Up: uptime()} }
