package index

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// RowStore is a sink that has the rows of a site in tables of its own, so that a follower holds no rows in memory
// (N-130). Write receives people, classes and directory versions, but no rows. All calls come from one goroutine.
type RowStore interface {
	Sink
	// Begin prepares the store for the parts of a site. It removes the rows of other trees, and all rows if question
	// differs from that of the last call.
	Begin(question string, parts []StoredPart) error
	// Cursor returns the cursor of a part. If it is zero, the store has no row of the part.
	Cursor(p StoredPart) (Cursor, error)
	// Forget removes the rows and the cursor of a part.
	Forget(p StoredPart) error
	// Apply stores the changes in b and its cursor in one transaction. It returns ErrReload if the first
	// pieces of the snapshot in b were lost. The caller then reads the log again from the cursor. It returns an error
	// and stores nothing if a row has a class that neither b nor an earlier batch announced.
	Apply(p StoredPart, b *RowBatch) error
}

// ErrReload says that a store lost the first pieces of a snapshot: read them again.
var ErrReload = errors.New("the first pieces of a snapshot were lost")

// StoredPart is a part of a tree in a [RowStore].
type StoredPart struct {
	Name   string // name of the part's log
	Tree   string // //HOST/DIR
	Number int
}

// Cursor is a position in the log of a part. The zero value is the beginning.
type Cursor struct {
	Message    uint64 // sequence of the last message
	ID         string // ID of the last message, because a new stream starts its sequences again
	Generation uint64 // generation of the worker that wrote the last message
	Seq        uint64 // number of the last event
}

// RowBatch is the effect of consecutive events of a part's log. [NewRowBatch] returns one.
type RowBatch struct {
	Cursor Cursor // the position after the events
	// Piece says that the events belong to a snapshot that replaces all rows of the part. Begin and End mark its first
	// and last batch. The cursor of a piece is valid only with End.
	Piece, Begin, End bool

	rights  []string
	own     func(path string) bool
	classes []string
	rows    map[string]*RowEvent // nil: the document is gone
}

// NewRowBatch returns an empty batch that follows the cursor after. rights are those of the index, and own reports
// whether a document belongs to the part.
func NewRowBatch(rights []string, own func(path string) bool, after Cursor) *RowBatch {
	return &RowBatch{Cursor: after, rights: rights, own: own, rows: map[string]*RowEvent{}}
}

// Restart empties the batch and makes it the first batch of a snapshot, which replaces all rows of the part. The next
// event must be a start event.
func (b *RowBatch) Restart() {
	b.classes, b.rows = nil, map[string]*RowEvent{}
	b.Piece, b.Begin, b.End, b.Cursor.Seq = true, true, false, 0
}

// Next returns an empty batch for the events after those of b. It continues the snapshot of b unless b is its end.
func (b *RowBatch) Next() *RowBatch {
	out := NewRowBatch(b.rights, b.own, b.Cursor)
	out.Piece = b.Piece && !b.End
	return out
}

// Add applies the next event of the index's log to the batch, which collects changes of documents for a program's own
// store, and advances the cursor. It keeps e.Row and sets its sequence and time. It ignores people, directory
// versions, classes of folders, and documents that the part does not own (N-75). It returns an error for an event out
// of order, for a start that is neither the first event nor that of a snapshot, and for a log with other rights. A
// readable row must have one class for each right and an unreadable row none; otherwise Add returns an error, too.
func (b *RowBatch) Add(e *Event) error {
	c := &b.Cursor
	switch first := c.Seq == 0; {
	case first != (e.Start != nil):
		return fmt.Errorf("event %d: a log begins once, with its start", e.Seq)
	case first && e.Seq != 1 && e.Start.Until < e.Seq, !first && e.Seq != c.Seq+1:
		return fmt.Errorf("event %d comes after %d", e.Seq, c.Seq)
	case e.Start != nil && !slices.Equal(e.Start.Rights, b.rights):
		return fmt.Errorf("event %d: the log has the rights %q, want %q", e.Seq, e.Start.Rights, b.rights)
	}
	switch r := e.Row; {
	case e.Class != nil && !e.Class.Passing:
		b.classes = append(b.classes, e.Class.ID)
	case e.Gone != "" && b.own(e.Gone):
		b.rows[e.Gone] = nil
	case r != nil && (r.Error != "" && len(r.Classes) > 0 || r.Error == "" && len(r.Classes) != len(b.rights)):
		return fmt.Errorf("event %d: %s: %d classes for %d rights", e.Seq, r.Path, len(r.Classes), len(b.rights))
	case r != nil && b.own(r.Path):
		r.seq, r.time = e.Seq, e.Time
		b.rows[r.Path] = r
	}
	c.Seq = e.Seq
	return nil
}

// Len returns the number of documents that the batch changes, including deleted ones; 0 for an empty batch.
func (b *RowBatch) Len() int { return len(b.rows) }

// Classes returns the classes of documents that the events announced, in their order. The caller must not change it.
func (b *RowBatch) Classes() []string { return b.classes }

// Gone returns the sorted paths of documents that were deleted or became unreadable (N-5). For a piece of a snapshot
// it returns nil, because the snapshot replaces all rows. The caller owns the result.
func (b *RowBatch) Gone() (out []string) {
	for path, r := range b.rows {
		if (r == nil || r.Error != "") && !b.Piece {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

// Documents calls yield with a row for each readable document and each right, sorted by path, until yield returns
// false. Removed documents are skipped.
func (b *RowBatch) Documents(yield func(DocumentRow) bool) {
	for _, path := range slices.Sorted(maps.Keys(b.rows)) {
		r := b.rows[path]
		if r == nil || r.Error != "" {
			continue
		}
		for i, id := range r.Classes {
			if !yield(DocumentRow{path, r.Tree, b.rights[i], id, r.Descriptor, r.seq, time.Unix(0, r.time)}) {
				return
			}
		}
	}
}
