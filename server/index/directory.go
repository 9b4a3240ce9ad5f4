package index

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/utf16text"
	"github.com/refmon/refmon/server/internal/regular"
	"github.com/refmon/refmon/server/watch"
)

// Version is a report of a roster: a new directory version, a heartbeat for the last one, or an error. If Err is
// set, the other fields are zero.
type Version struct {
	People    *directory.Directory // nil: the directory is unchanged
	Accounts  *directory.Accounts  // source of People; nil if it was parsed from File
	Name      string               // name of the version; equal contents have equal names
	File      []byte               // file contents; nil for a version from LDAP
	Heartbeat watch.Heartbeat
	Err       error // why the directory cannot be used; there is no heartbeat then
}

// Roster reports directory versions and heartbeats.
type Roster interface {
	// Run sends versions to out until ctx ends, which is not an error. It blocks while nobody receives, and does not
	// close out.
	Run(ctx context.Context, out chan<- Version) error
}

// Directory reads a directory file periodically. A changed file takes effect after two identical reads, because half
// of a file can be well-formed and omit members of groups that deny access (N-11). Its fields are immutable.
type Directory struct {
	File string
	Beat time.Duration // 0: [watch.DefaultBeat]

	clock func() watch.Heartbeat // nil: this machine's
}

// Run reads the file every Beat, reports the result to out, and blocks until ctx ends. It returns nil then, and never
// an error. While the file is unreadable, changing or malformed, it sends versions with an Err and no heartbeat. It
// does not close out.
func (d *Directory) Run(ctx context.Context, out chan<- Version) error {
	often := d.Beat
	if often == 0 {
		often = watch.DefaultBeat
	}
	r := reading{file: d.File, clock: d.clock}
	for {
		select {
		case out <- r.poll():
		case <-ctx.Done():
			return nil
		}
		if wait(ctx, often) != nil {
			return nil
		}
	}
}

// maxDirectory is the size limit of a directory file, in bytes.
const maxDirectory = 1 << 30

// reading is the state of reading a directory file. One goroutine owns it.
type reading struct {
	file        string
	clock       func() watch.Heartbeat // nil: this machine's
	known, last [sha256.Size]byte      // hashes of the current version and of the last read
}

// poll reads the directory file once, and returns a version, a heartbeat or an error. The heartbeat's time is from
// before the read.
//
//   - known contents: a heartbeat
//   - the first read of new contents: errChanging
//   - the second identical read: the version, or an error for a malformed file or one that may be cut off
func (r *reading) poll() Version {
	moment := watch.Now()
	if r.clock != nil {
		moment = r.clock()
	}
	b, err := regular.Read(r.file, maxDirectory) // a read of a pipe may block for ever
	if err != nil {
		return Version{Err: fmt.Errorf("read the directory: %w%s", err, retried)}
	}
	sum := sha256.Sum256(b)
	before := r.last
	r.last = sum
	switch {
	case sum == r.known:
		return Version{Heartbeat: moment}
	case sum != before: // a program may be writing the file (N-11)
		return Version{Err: errChanging}
	}
	d, err := (*directory.Directory)(nil), errCutOff
	if !cutOff(b) {
		d, err = dirfile.Read(b)
	}
	if err != nil {
		return Version{Err: fmt.Errorf("%s: %w%s", r.file, err, retried)}
	}
	r.known = sum
	return Version{People: d, Name: hex.EncodeToString(sum[:8]), File: b, Heartbeat: moment}
}

// cutOff reports whether the last line of a YAML or CSV file has no line feed. It may then be cut off within a name,
// and a user would lose a group that denies access (N-135). So may UTF-16 that ends inside a character. JSON is
// malformed if it is cut off.
func cutOff(b []byte) bool {
	text, err := utf16text.UTF8(b)
	return err != nil || !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) &&
		!bytes.HasSuffix(text, []byte("\n"))
}

var errCutOff = errors.New("its last line has no line feed, so the file may be cut off: end it with a line feed")

// retried ends the message of a file that cannot be used: the program goes on, and its answers are no after the limit.
const retried = "; it is read again every second, and answers are withheld until it can be used"

// errChanging is the error if two reads of the file differ.
var errChanging = errors.New("the directory is being written")
