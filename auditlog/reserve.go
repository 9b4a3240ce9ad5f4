package auditlog

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/audit"
)

// errNoAllocation is the error of a file that cannot allocate space in advance.
var errNoAllocation = errors.New("the file system cannot allocate space in advance (fallocate)")

// allocator is a file that can allocate space in advance: a write there does not fail because the disk is full.
type allocator interface {
	// Allocate allocates space for the first size bytes. The length of the file does not change.
	Allocate(size int64) error
}

// ahead is the number of bytes allocated at once in addition to the reserve, so that one call serves many batches.
const ahead = 256 << 10

// zeroesAhead is the number of bytes behind the records that are written as zeros at once. A flush of records that
// overwrite them changes neither the size of the file nor its blocks, so it needs no commit of the file system's
// journal.
const zeroesAhead = 1 << 20

// zeroes are the bytes that writeZeroes writes.
var zeroes [zeroesAhead]byte

// writeZeroes writes zeros up to zeroesAhead bytes behind end, the end of the buffer. It stays within the allocated
// space. Without such space, or if end is within earlier zeros, it does nothing. A full disk is not an error.
func (w *writer) writeZeroes(end int64) error {
	from, to := max(w.size, w.zeroed), min(end+zeroesAhead, w.allocated)
	if end <= w.zeroed || to <= from {
		return nil
	}
	for from < to {
		n, err := w.seg.WriteAt(zeroes[:min(to-from, zeroesAhead)], from)
		from += int64(n)
		w.zeroed = from
		switch {
		case isFull(err):
			return nil
		case err != nil:
			return w.log.fail(fmt.Errorf("write zeros behind the audit records: %w", err))
		}
	}
	return nil
}

// allocate allocates disk space for the buffer and, after it, the reserve. reserve is true for essential records,
// which may use the reserve (U-93): then errors are ignored. Without a configured reserve, or on a file system that
// cannot allocate, it does nothing.
func (w *writer) allocate(reserve bool) error {
	want := w.log.cfg.Reserve
	end := w.size + int64(len(w.buf))
	if want <= 0 || w.allocated >= end+want || reserve && w.allocated >= end {
		w.noteReserve(end)
		return nil
	}
	err := w.setAside(end + want + ahead)
	if isFull(err) {
		err = w.setAside(end + want) // without ahead, which only reduces the number of calls
	}
	if errors.Is(err, errNoAllocation) {
		err = nil // the file system cannot allocate a reserve; refmond doctor reports that
	}
	if err != nil && !reserve {
		return fmt.Errorf("write %d audit records: %w", len(w.frames), err)
	}
	w.noteReserve(end)
	return nil
}

// setAside allocates disk space for the first size bytes of the open segment. It returns errNoAllocation if the file
// system cannot. On an error the earlier allocation still counts.
func (w *writer) setAside(size int64) error {
	f, ok := w.seg.(allocator)
	if !ok {
		return errNoAllocation
	}
	err := f.Allocate(size)
	if err == nil {
		w.allocated = size
	}
	return err
}

// findReserve finds, on a full disk, how much of the reserve the open segment still has from an earlier process (U-93).
// It allocates as much of the reserve as the disk gives, to one page.
func (w *writer) findReserve() {
	const page = 4096
	for low, high := int64(0), w.log.cfg.Reserve+page; high-low > page; {
		middle := (low + high) / 2
		if w.setAside(w.size+middle) == nil {
			low = middle // space that the segment has already needs no other
		} else {
			high = middle
		}
	}
	w.noteReserve(w.size)
}

// noteReserve stores the size of the remaining reserve after the records up to end are written.
func (w *writer) noteReserve(end int64) {
	w.log.reserved.Store(max(min(w.allocated-end, w.log.cfg.Reserve), 0))
}

// giveBack frees the disk space that was allocated behind the records, including zeros written there. Without such
// space it does nothing.
func (w *writer) giveBack() error {
	if w.allocated <= w.size {
		return nil
	}
	w.allocated, w.zeroed = 0, 0
	w.log.zeroes.Store(0)
	return w.seg.Truncate(w.size)
}

// claim says how much of the reserve a record may use when the disk or the log is full. A larger value is a stronger
// claim.
type claim uint8

const (
	noClaim    claim = iota // zero value
	endClaim                // of an end: one half
	wholeClaim              // of an administrator: the whole reserve
)

// claimOf returns the claim of a record. Records of an administrator come before essential ones; all others claim
// nothing.
func claimOf(e *audit.Event) claim {
	switch {
	case e.ByAdministrator():
		return wholeClaim
	case e.Essential():
		return endClaim
	}
	return noClaim
}

// limit gives consecutive records of a batch one claim: the weakest of an operation's records, which are stored
// together, or none if no caller waits for them.
type limit struct {
	first, records int
	claim          claim
}

// admits reports whether the reserve has space for records with claim c. Administrators may use all of it, the others
// one half, so that no user takes it from an administrator.
func (b *batch) admits(c claim) bool { return c == wholeClaim || c == endClaim && !b.scarce }

// essential returns the records of a batch that may use the reserve, in their order. It sets b.scarce if less than
// half of the reserve is left, which is then only for administrators.
func (w *writer) essential(b *batch) (few []audit.Event) {
	b.scarce = w.log.reserved.Load() < w.log.cfg.Reserve/2
	limited := b.limited
	for i := range b.events {
		for len(limited) > 0 && i >= limited[0].first+limited[0].records {
			limited = limited[1:]
		}
		c := claimOf(&b.events[i])
		if len(limited) > 0 && i >= limited[0].first {
			c = limited[0].claim
		}
		if b.admits(c) {
			few = append(few, b.events[i])
		}
	}
	return few
}
