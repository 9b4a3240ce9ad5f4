package stages

import (
	"context"
	"fmt"

	"github.com/refmon/refmon/server/index"
)

// records reads the log of a share. Owned by one goroutine.
type records struct {
	follower follower
	// loading says that the beginning of the log is gone, and that of the pieces that stand in its place the
	// last was not read: what is known of the share is a part of it.
	loading bool
	size    index.Size // of what was read, as if nothing stood before the last pieces
	pieces  index.Size // of the pieces that are being read
	first   uint64     // the first of them
	before  uint64     // what stands before it can be taken away; 0: nothing is known to
}

// perRecord is how many bytes a server keeps of a record besides its body, about.
const perRecord = 256

// newRecords makes a reader from the log's beginning, or from its first pieces where that is gone.
func newRecords(c *Conn, stream, name string) *records {
	r := &records{follower: follower{c: c, stream: stream, subject: name}}
	r.follower.root = func(m *message) bool { // behind what was read: no copy of earlier ones (N-85)
		x, err := parseRecord(m.Body)
		return err == nil && x.Piece == 1 && m.After > r.follower.head
	}
	return r
}

// all reads until nothing is left: begin is called where all that was read before counts for nothing,
// apply with each record, which has no events where they are known (N-84).
func (r *records) all(ctx context.Context, begin func(), apply func(x *record) error) error {
	return r.follower.all(ctx, func(m *message) error {
		x, err := parseRecord(m.Body)
		if err != nil {
			return r.unusable(err)
		}
		gap := m.After != r.follower.head
		switch {
		case gap: // what stood before it is gone
			r.loading = true
			begin()
		case r.loading && x.Piece == 0:
			return r.unusable(fmt.Errorf("message %d stands behind half of what there was", m.sequence))
		}
		r.count(m, x, gap)
		if x.Piece > 0 && !r.loading { // it says what is known
			x.events = nil
		}
		if err := apply(x); err != nil {
			return r.unusable(err)
		}
		r.loading = r.loading && !x.Final
		return nil
	})
}

func (r *records) unusable(err error) error {
	return fmt.Errorf("%s: %w: %w", r.follower.subject, errRecord, err)
}

// count counts what a record adds to the log.
func (r *records) count(m *message, x *record, gap bool) {
	if x.Piece == 0 {
		r.size.Bytes += int64(len(m.Body)) + perRecord
		r.size.Lines += len(x.events) + 1
		return
	}
	if x.Piece == 1 {
		r.pieces, r.first = index.Size{}, m.sequence
	}
	r.pieces.Bytes += int64(len(m.Body)) + perRecord
	r.pieces.Lines += len(x.events)
	if !x.Final {
		return
	}
	r.size, r.size.Least = r.pieces, r.pieces.Bytes
	if r.before = r.first; gap {
		r.before = 0
	}
}
