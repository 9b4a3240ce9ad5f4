package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/refmon/refmon/audit"
)

// Record is one stored record. Its bytes are valid until the next one is read.
type Record struct {
	ID    uint64
	frame frame
}

// Payload returns the bytes that the tree hashes: JSON with an empty "chain". They are valid until the next record is
// read.
func (r *Record) Payload() []byte { return r.frame.payload() }

// Leaf returns the record's hash in the tree: SHA-256 over a zero byte and the
// payload.
func (r *Record) Leaf() [32]byte { return r.frame.leaf() }

// Event parses the payload. Chain in the result is the record's hash in the tree. The event stays valid.
func (r *Record) Event() (audit.Event, error) {
	e, err := audit.ParseEvent(r.Payload())
	if err != nil {
		return e, fmt.Errorf("record %d: %w", r.ID, err)
	}
	leaf := r.Leaf()
	e.Chain = string(leaf[:])
	return e, nil
}

// Reader reads records in order, even while a process writes them. It belongs
// to one goroutine.
type Reader struct {
	d    disk
	next uint64
	f    file
	s    *scanner

	complete bool // a segment follows the open one

	missed uint64 // the record that a checkpoint named and that was not there
	misses int    // how often
}

// NewReader returns a reader that starts at a RecordId. 0 and 1 are the first record. If the log no longer has the
// record, the reader starts at the oldest one. It fails if the folder has no segment. The caller must close the
// reader.
func NewReader(dir string, from uint64) (*Reader, error) { return newReader(folder{dir: dir}, from) }

// newReader returns a reader that begins with record from, or with the oldest one if from is older. A log without
// segments is an error. The Reader opens its first segment when it is read.
func newReader(d disk, from uint64) (*Reader, error) {
	firsts, err := segments(d)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	if len(firsts) == 0 {
		return nil, fmt.Errorf("read the audit log: %w", noSegment(d))
	}
	return &Reader{d: d, next: max(from, firsts[0], 1)}, nil
}

// noSegment returns the error of a disk without segments. It names the folder, and says if that is missing.
func noSegment(d disk) error {
	err := errors.New("the folder has no segment: is it the --audit folder?")
	if f, is := d.(folder); is {
		if _, missing := os.Stat(f.dir); missing != nil {
			return missing
		}
		return fmt.Errorf("%s: %w", f.dir, err)
	}
	return err
}

// Next returns the next record. The error is [io.EOF] if the next record does not exist yet, and a [*GoneError] if the
// log no longer has it. It skips records before the position, and goes on in the next segment. A gap is an error.
func (r *Reader) Next() (Record, error) {
	for {
		if r.s == nil {
			if err := r.open(); err != nil {
				return Record{}, err
			}
		}
		f, err := r.s.next()
		switch {
		case err == nil && f.id < r.next:
		case err == nil && f.id > r.next:
			return Record{}, fmt.Errorf("read the audit log: record %d follows %d: run refmon audit verify", f.id,
				r.next-1)
		case err == nil:
			r.next++
			return Record{f.id, f}, nil
		default:
			more, err := r.advance(err)
			if err != nil || !more {
				return Record{}, err
			}
		}
	}
}

// advance decides whether to read on after the scanner failed with ended. more is true if the segment, or the next
// one, may have more records. The end of the log is io.EOF. An incomplete record is an error if another segment
// follows or the checkpoint covers it. A missing segment and a damaged record are always errors.
func (r *Reader) advance(ended error) (more bool, err error) {
	if !isEnd(ended) && !errors.Is(ended, errTorn) {
		return false, fmt.Errorf("read the audit log: %w", ended)
	}
	firsts, err := segments(r.d)
	if err != nil {
		return false, fmt.Errorf("read the audit log: %w", err)
	}
	if firsts == nil || firsts[len(firsts)-1] <= r.s.head.first {
		r.s.rewind()
		return r.named()
	}
	if !r.complete { // the segment may have grown after it was read and before the folder was listed
		r.complete = true
		r.s.rewind()
		return true, nil
	}
	if !isEnd(ended) {
		return false, fmt.Errorf("read the audit log: record %d is incomplete: run refmon audit verify", r.next)
	}
	// Without the open segment in the list, the log no longer keeps the records up to the next one: see open.
	if at := slices.Index(firsts, r.s.head.first); at >= 0 && firsts[at+1] > r.next {
		return false, fmt.Errorf("read the audit log: record %d follows %d: run refmon audit verify", firsts[at+1], r.next-1)
	}
	return true, r.Close()
}

// named reports whether to read again at the end of the log, because the checkpoint covers the next record. If no
// checkpoint covers it, the error is io.EOF. At the second call for a record the segment is closed, to open it again.
// At the third call the missing record is another error.
func (r *Reader) named() (again bool, err error) {
	signed, err := readFile(r.d, checkpointName, maxNote)
	if err != nil {
		return false, io.EOF // Verify reports a missing checkpoint
	}
	c, err := parseSigned(signed)
	switch {
	case err != nil || c.Size < r.next:
		return false, io.EOF
	case r.missed != r.next:
		r.missed, r.misses = r.next, 0
	}
	switch r.misses++; r.misses {
	case 1:
		return true, nil
	case 2: // the log was reopened, which rewrites this segment under the same name
		return true, r.Close()
	}
	// A record that a checkpoint covers is on disk. If it is incomplete, it was changed or cut off (U-87).
	return false, fmt.Errorf("read the audit log: record %d is missing or incomplete, and the checkpoint names %d "+
		"records: run refmon audit verify", r.next, c.Size)
}

// open opens the segment that has the next record. It returns a *GoneError if the log no longer has it. A log without
// segments is another error.
func (r *Reader) open() error {
	firsts, err := segments(r.d)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	var first uint64
	for _, v := range firsts {
		if v <= r.next {
			first = v
		}
	}
	if first == 0 {
		if len(firsts) == 0 {
			return errors.New("read the audit log: its segments are gone")
		}
		return &GoneError{From: r.next, To: firsts[0] - 1}
	}
	r.f, r.s, err = openSegment(r.d, first)
	if err != nil {
		return fmt.Errorf("read the audit log: segment %s: %w", segmentName(first), err)
	}
	return nil
}

// Close closes the open segment. A later Next opens it again and continues. A second call does nothing.
func (r *Reader) Close() error {
	if r.f == nil {
		return nil
	}
	err := r.f.Close()
	r.f, r.s, r.complete = nil, nil, false
	return err
}

// sync makes the records that were read durable. Those of an earlier segment than the open one are durable already. On
// some systems that needs the right to write, and does nothing without it. A nil Reader has read nothing.
func (r *Reader) sync() error {
	if r == nil || r.f == nil {
		return nil
	}
	if err := r.f.Sync(); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// Skip makes Next continue at a RecordId, before or after the current one. It does not check whether the log has the
// record.
func (r *Reader) Skip(to uint64) error {
	r.next = to
	return r.Close()
}

// GoneError reports that the log no longer has the records From to To, both included.
type GoneError struct{ From, To uint64 }

// Error returns the range of the missing records.
func (e *GoneError) Error() string {
	return fmt.Sprintf("records %d to %d are no longer stored", e.From, e.To)
}

// pollEvery is the interval at which Wait looks for new records.
const pollEvery = 100 * time.Millisecond

// Wait returns the next record, and blocks until there is one or ctx ends. It then returns the error of ctx. Other
// errors are those of Next. It looks for new records every 100 ms.
func (r *Reader) Wait(ctx context.Context) (Record, error) {
	for {
		rec, err := r.Next()
		if !errors.Is(err, io.EOF) {
			return rec, err
		}
		select {
		case <-ctx.Done():
			return Record{}, ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// Oldest returns the RecordId at which Next continues. After NewReader it is the wanted record, or a later one if the
// log no longer has that.
func (r *Reader) Oldest() uint64 { return r.next }

// Last returns the RecordId of the last complete record, or 0 for a folder without segments. It reads the whole
// newest segment, and does not move the reader. An incomplete record ends the segment; a failed read is an error.
func (r *Reader) Last() (uint64, error) {
	firsts, err := segments(r.d)
	if err != nil || len(firsts) == 0 {
		return 0, err
	}
	first := firsts[len(firsts)-1]
	f, s, err := openSegment(r.d, first)
	if err != nil {
		return 0, fmt.Errorf("read the audit log: segment %s: %w", segmentName(first), err)
	}
	defer func() { _ = f.Close() }() // only read
	last := first - 1
	for {
		f, err := s.next()
		switch {
		case isEnd(err) || errors.Is(err, errTorn):
			return last, nil
		case err != nil:
			return 0, fmt.Errorf("read the audit log: segment %s: %w", segmentName(first), err)
		}
		last = f.id
	}
}
