package stages

import (
	"context"
	"errors"
	"fmt"

	"github.com/refmon/refmon/server/index"
)

// records reads the log of a share. One goroutine owns it.
type records struct {
	follower follower
	// loading means that the start of the log was deleted, and the last piece of the snapshot that
	// replaces it has not been read. The state is incomplete until then.
	loading bool
	size    index.Size // size of the log since the last complete snapshot
	pieces  index.Size // size of the snapshot being read
	first   uint64     // first sequence of the snapshot being read
	before  uint64     // messages before it can be deleted; 0: unknown
	final   uint64     // with before: the last sequence of the snapshot
}

// perRecord is the approximate number of bytes that a server stores for a record in addition to its
// body.
const perRecord = 256

// newRecords returns a reader from the log's start, or from its first snapshot if the start was
// deleted.
func newRecords(c *Conn, stream, name string) *records {
	r := &records{follower: follower{c: c, stream: stream, subject: name}}
	r.follower.root = func(m *message) bool { // accept only a later record, never an old copy (N-85)
		x, err := parseRecord(m.Body)
		return err == nil && x.Piece == 1 && m.After > r.follower.head
	}
	return r
}

// all reads until no records are left, as read does. It ends at the first error.
func (r *records) all(ctx context.Context, begin func(), apply func(x *record) error) error {
	for {
		more, err := r.read(ctx, begin, apply)
		if err != nil || !more {
			return err
		}
	}
}

// read calls apply with the next records, at most one batch. more is false if there were none. Before a snapshot that
// replaces deleted records, read calls begin, and the caller drops its state. A record that repeats known state has no
// events (N-84).
//
// The first error ends the call; earlier records were applied. errRecord means an unusable record, or an error of apply
// other than errSink.
func (r *records) read(ctx context.Context, begin func(), apply func(x *record) error) (more bool, err error) {
	return r.follower.read(ctx, func(m *message) error {
		x, err := parseRecord(m.Body)
		if err != nil {
			return r.unusable(err)
		}
		gap := m.After != r.follower.head
		switch {
		case gap: // a keeper deleted the records between the last one and this snapshot
			r.loading = true
			begin()
		case r.loading && x.Piece == 0:
			return r.unusable(fmt.Errorf("message %d comes before a complete snapshot", m.sequence))
		}
		r.count(m, x, gap)
		if x.Piece > 0 && !r.loading { // a snapshot repeats state that the reader already has
			x.events, x.repeated = nil, x.events
		}
		x.at, x.id = m.sequence, m.ID
		if err := apply(x); errors.Is(err, errSink) {
			return err
		} else if err != nil {
			return r.unusable(err)
		}
		r.loading = r.loading && !x.Final
		return nil
	})
}

// unusable returns the error of a record that the reader cannot use: err with the subject of the message. It wraps
// errRecord.
func (r *records) unusable(err error) error {
	return fmt.Errorf("%s: %w: %w", r.follower.subject, errRecord, err)
}

// count adds record x of message m to the log's size, which decides when to compact. A complete snapshot replaces that
// size. count also sets the range of messages that the snapshot made obsolete. gap means that records before m were
// deleted; the range is then unknown (0).
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
	if r.before, r.final = r.first, m.sequence; gap {
		r.before = 0
	}
}
