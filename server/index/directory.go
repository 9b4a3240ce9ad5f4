package index

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/refmon/refmon/internal/verbs/bulk/people"
)

// Version is a version of the directory, or none and a beat for the last one, or why there
// is neither.
type Version struct {
	People *people.Directory // nil: it is as it was
	Name   string            // of the version: the same bytes have the same
	File   []byte            // what People was read from; nil where that is no file
	Beat   Beat
	Err    error // the file cannot be used; nothing vouches for it meanwhile
}

// Roster tells versions of the directory, and vouches for them, until the context ends.
type Roster interface {
	Run(ctx context.Context, out chan<- Version) error
}

// Directory reads a directory file as often as it vouches for it. A file that has changed
// counts once it was read twice alike: half a file can be well formed, and one who is
// refused as a member of a group that is not written yet would be let in (N-11). Its fields
// are immutable.
type Directory struct {
	File string
	Beat time.Duration // 0: [Often]

	clock func() Beat // nil: this machine's
}

// Run reads until the context ends. While the file cannot be read, changes or is malformed,
// nothing vouches for the directory.
func (d *Directory) Run(ctx context.Context, out chan<- Version) error {
	often := d.Beat
	if often == 0 {
		often = Often
	}
	r := reading{file: d.File, clock: d.clock}
	for {
		select {
		case out <- r.look():
		case <-ctx.Done():
			return nil
		}
		if (silent{}).wait(ctx, often) != nil {
			return nil
		}
	}
}

// reading keeps how far a directory was read. Owned by its goroutine.
type reading struct {
	file        string
	clock       func() Beat       // nil: this machine's
	known, last [sha256.Size]byte // of the bytes that count, and of those of the last look
}

// look reads the file once.
func (r *reading) look() Version {
	moment := now()
	if r.clock != nil {
		moment = r.clock()
	}
	b, err := os.ReadFile(r.file)
	if err != nil {
		return Version{Err: fmt.Errorf("read the directory: %w", err)}
	}
	sum := sha256.Sum256(b)
	before := r.last
	r.last = sum
	switch {
	case sum == r.known:
		return Version{Beat: moment}
	case sum != before: // it is being written (N-11)
		return Version{Err: errChanging}
	}
	d, err := people.Read(b)
	if err != nil {
		return Version{Err: fmt.Errorf("%s: %w", r.file, err)}
	}
	r.known = sum
	return Version{People: d, Name: hex.EncodeToString(sum[:8]), File: b, Beat: moment}
}

// errChanging says that the file is another one than a moment ago.
var errChanging = errors.New("the directory is being written")
