package stages

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// DirectoryConfig configures [Directory]: a file, or a roster instead.
type DirectoryConfig struct {
	File   string
	Roster index.Roster  // nil: read File; each of its versions has Accounts or File
	Beat   time.Duration // interval of heartbeats for File; 0: [watch.DefaultBeat]
}

const headSubject = "directory.head"

// Directory publishes the directory of o and its heartbeats, and blocks until the context ends, which is not an error,
// or something fails. If a second one starts, the first fails with an error that says so. A directory of more than 256
// MiB is an error, and so is a stream that lost a published message. A file that cannot be used goes to Warn, and until
// it is usable no heartbeat is published.
func Directory(ctx context.Context, c *Conn, o DirectoryConfig) error {
	roster, versions := o.Roster, make(chan index.Version)
	if roster == nil {
		roster = &index.Directory{File: o.File, Beat: o.Beat}
	}
	return together(ctx, 2, func(ctx context.Context, i int) error {
		if i == 0 {
			return roster.Run(ctx, versions)
		}
		return newDirectoryPublisher(c).publish(ctx, versions)
	})
}

// directoryPublisher publishes versions of a directory. Its goroutine owns it.
type directoryPublisher struct {
	c       *Conn
	chain   *chain
	head    head
	run     string
	number  int
	reports index.Reports
}

// newDirectoryPublisher returns a publisher that starts now and has published nothing.
func newDirectoryPublisher(c *Conn) *directoryPublisher {
	d := &directoryPublisher{c: c, head: head{Started: time.Now().UnixNano()}, run: rand.Text()}
	d.chain = &chain{c: c, stream: site.StreamDirectory, subject: headSubject, rival: d.rival, kept: true}
	return d
}

// rival reports whether a message comes from a second publisher of this directory that started later, so that this one
// must stop.
func (d *directoryPublisher) rival(m *message) bool {
	h, err := parseHead(m.Body)
	return err == nil && h.Started > d.head.Started
}

// publish publishes each directory version that the roster reports. It returns nil when ctx ends, and the error of the
// first publication that fails. d.head.Started becomes later than that of an earlier publisher, whatever the clock is.
func (d *directoryPublisher) publish(ctx context.Context, versions <-chan index.Version) error {
	m, err := d.c.awaitLast(ctx, d.chain.stream, d.chain.subject)
	if err != nil {
		return nil
	}
	if m != nil && m.signed == nil {
		if h, err := parseHead(m.Body); err == nil {
			d.head.Started = max(d.head.Started, h.Started+1)
		}
	}
	for {
		select {
		case v := <-versions:
			if err := d.version(ctx, &v); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// version publishes a directory version as the current one.
//
//   - A version without people only publishes a heartbeat.
//   - A version with an error publishes nothing. The error goes to Warn, unless the file is still being written or the
//     error repeats the last.
//   - A version without contents, or above 256 MiB, is an error.
func (d *directoryPublisher) version(ctx context.Context, v *index.Version) error {
	if d.reports.IsNew(v) {
		d.c.warn(v.Err)
	}
	if v.Err != nil {
		return nil
	}
	if v.People != nil {
		if err := v.People.LeftOut(); err != nil {
			d.c.warn(fmt.Errorf("directory: %w", err))
		}
		file := v.File
		if v.Accounts != nil { // the workers parse the directory from text
			file = dirfile.Write(v.Accounts)
		}
		if len(file) == 0 || len(file) > maxPieces*pieceBytes {
			return fmt.Errorf("a directory of %d bytes: want a file of at most %d", len(file), maxPieces*pieceBytes)
		}
		sum := sha256.Sum256(file)
		d.head.Version, d.head.Name, d.head.Pieces = hex.EncodeToString(sum[:]), v.Name, 0
		if d.head.Name == "" {
			d.head.Name = d.head.Version[:nameDigits]
		}
		for rest := file; len(rest) > 0; d.head.Pieces++ {
			n := min(len(rest), pieceBytes)
			if err := d.c.keep(ctx, pieceSubject(d.head.Pieces), d.id(), rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
	}
	d.head.Beat = *heartbeatOf(v.Heartbeat)
	body, err := json.Marshal(&d.head)
	if err != nil {
		return err
	}
	return d.chain.append(ctx, d.id(), body, true)
}

// id returns a new message ID, by which the servers detect duplicates. It is unique to this run of the publisher.
func (d *directoryPublisher) id() string {
	d.number++
	return fmt.Sprintf("%s/%d", d.run, d.number)
}

// pieceSubject returns the subject with the bytes of the directory's piece n, from 0: a directory is too large for one
// message.
func pieceSubject(n int) string { return fmt.Sprintf("directory.piece.%d", n) }

// errPieces says that the pieces belong to another version, because a newer one is being published.
var errPieces = errors.New("the pieces of the directory are of another version")

// pieces reads a directory version from the servers: the bytes of all pieces that h names. It returns errPieces if a
// piece is missing, not signed or too large, or belongs to another version. Other errors are those of the servers.
func (c *Conn) pieces(ctx context.Context, h *head) ([]byte, error) {
	var out []byte
	for n := range h.Pieces {
		m, err := c.last(ctx, site.StreamDirectory, pieceSubject(n))
		if err != nil {
			return nil, err
		}
		if m == nil || m.signed != nil || len(m.Body) > pieceBytes {
			return nil, errPieces
		}
		out = append(out, m.Body...)
	}
	if sum := sha256.Sum256(out); hex.EncodeToString(sum[:]) != h.Version { // the pieces are of two versions (N-52)
		return nil, errPieces
	}
	return out, nil
}

// newest returns the head of the newest directory version, which names its pieces. h is nil, without an error, if there
// is none, or if it is not signed or malformed. early means that its heartbeat lies in the future.
func (c *Conn) newest(ctx context.Context) (h *head, early bool, err error) {
	m, err := c.last(ctx, site.StreamDirectory, headSubject)
	if err != nil || m == nil || m.signed != nil {
		return nil, false, err
	}
	if h, err = parseHead(m.Body); err != nil { // treat a malformed head as missing, so no watermark is written
		return nil, false, nil
	}
	return h, h.Beat.early(m), nil
}
