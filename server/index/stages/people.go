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

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/site"
)

// DirectoryConfig says who tells who the people are: a file, or a roster in its place.
type DirectoryConfig struct {
	File   string
	Roster index.Roster  // nil: the file is read; its versions need the bytes of a file
	Beat   time.Duration // of the file; 0: [index.Often]
}

const headSubject = "directory.head"

// Directory tells who the people are until the context ends or something fails. A second one
// fences the first, whose error says so.
func Directory(ctx context.Context, c *Conn, o DirectoryConfig) error {
	roster, versions := o.Roster, make(chan index.Version)
	if roster == nil {
		roster = &index.Directory{File: o.File, Beat: o.Beat}
	}
	return together(ctx, 2, func(ctx context.Context, i int) error {
		if i == 0 {
			return roster.Run(ctx, versions)
		}
		d := &lister{c: c, head: head{Started: time.Now().UnixNano()}, run: rand.Text()}
		d.chain = &chain{c: c, stream: site.StreamDirectory, subject: headSubject, rival: d.rival}
		return d.tell(ctx, versions)
	})
}

// lister sends versions of a directory. Owned by its goroutine.
type lister struct {
	c      *Conn
	chain  *chain
	head   head
	run    string
	number int
}

// rival reports whether another source began after us.
func (d *lister) rival(m *message) bool {
	h, err := parseHead(m.Body)
	return err == nil && h.Started > d.head.Started
}

func (d *lister) tell(ctx context.Context, versions <-chan index.Version) error {
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

// version sends the pieces of a version, and behind them that it counts.
func (d *lister) version(ctx context.Context, v *index.Version) error {
	if v.Err != nil {
		if !v.Passing() {
			d.c.warn(v.Err)
		}
		return nil
	}
	if v.People != nil {
		if v.File == nil || len(v.File) > maxPieces*pieceBytes {
			return fmt.Errorf("a directory of %d bytes: want a file of at most %d", len(v.File), maxPieces*pieceBytes)
		}
		sum := sha256.Sum256(v.File)
		d.head.Version, d.head.Pieces = hex.EncodeToString(sum[:]), 0
		for rest := v.File; d.head.Pieces == 0 || len(rest) > 0; d.head.Pieces++ {
			n := min(len(rest), pieceBytes)
			if err := d.c.keep(ctx, pieceSubject(d.head.Pieces), d.id(), rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
	}
	d.head.Beat = *beatOf(v.Beat)
	body, err := json.Marshal(&d.head)
	if err != nil {
		return err
	}
	return d.chain.append(ctx, d.id(), body, true)
}

func (d *lister) id() string {
	d.number++
	return fmt.Sprintf("%s/%d", d.run, d.number)
}

func pieceSubject(n int) string { return fmt.Sprintf("directory.piece.%d", n) }

// errPieces says that the pieces are not those of the version: the next one is under way.
var errPieces = errors.New("the pieces of the directory are of another version")

// pieces returns the bytes of a version.
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
	if sum := sha256.Sum256(out); hex.EncodeToString(sum[:]) != h.Version { // half of one and half of the next (N-52)
		return nil, errPieces
	}
	return out, nil
}

// newest returns what the directory's source says now; nil: nothing that counts. early is whether its
// beat is of a time that was yet to come.
func (c *Conn) newest(ctx context.Context) (h *head, early bool, err error) {
	m, err := c.last(ctx, site.StreamDirectory, headSubject)
	if err != nil || m == nil || m.signed != nil {
		return nil, false, err
	}
	if h, err = parseHead(m.Body); err != nil { // it is signed, and nothing that can be used: nothing vouches
		return nil, false, nil
	}
	return h, h.Beat.early(m), nil
}
