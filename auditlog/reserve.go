package auditlog

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/audit"
)

// errNoAllocation is the error of a file that cannot allocate space in advance.
var errNoAllocation = errors.New("the file system allocates nothing ahead")

// allocator is a file that can allocate space in advance: a write there does not fail because the disk is full.
type allocator interface {
	// Allocate allocates space for the first size bytes. The length of the file does not change.
	Allocate(size int64) error
}

// ahead is the number of bytes allocated at once in addition to the reserve, so that one call serves many batches.
const ahead = 256 << 10

// allocate allocates space for the buffer and, after it, the reserve. For essential records it omits the reserve if
// the allocated space suffices (U-93), and ignores errors.
func (w *writer) allocate(reserve bool) error {
	want := w.log.cfg.Reserve
	end := w.size + int64(len(w.buf))
	if want <= 0 || w.allocated >= end+want || reserve && w.allocated >= end {
		w.noteReserve(end)
		return nil
	}
	err := w.setAside(end + want + ahead)
	if isFull(err) {
		err = w.setAside(end + want) // without the bytes that only save calls
	}
	if errors.Is(err, errNoAllocation) {
		err = nil // such a file system has no reserve, and doctor says so
	}
	if err != nil && !reserve {
		return fmt.Errorf("write %d audit records: %w", len(w.frames), err)
	}
	w.noteReserve(end)
	return nil
}

// setAside allocates the first bytes of the open segment.
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

// noteReserve stores the size of the remaining reserve after the records up to end are written.
func (w *writer) noteReserve(end int64) {
	w.log.reserved.Store(max(min(w.allocated-end, w.log.cfg.Reserve), 0))
}

// giveBack frees the allocated space after the records.
func (w *writer) giveBack() error {
	if w.allocated <= w.size {
		return nil
	}
	w.allocated = 0
	return w.seg.Truncate(w.size)
}

// essential returns the records of a batch that may use the reserve, and sets b.scarce. Records of
// administrators may use all of it, the others one half, so that no user takes it from an administrator.
func (w *writer) essential(b *batch) (few []audit.Event) {
	b.scarce = w.log.reserved.Load() < w.log.cfg.Reserve/2
	later := b.later
	for i := range b.events {
		if len(later) > 0 && later[0] == i {
			later = later[1:]
			continue
		}
		if e := &b.events[i]; e.Essential() && (!b.scarce || e.ByAdministrator()) {
			few = append(few, *e)
		}
	}
	return few
}
