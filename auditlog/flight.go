package auditlog

import (
	"errors"
	"fmt"
)

// help writes batches of records while another goroutine waits for the disk, until idle is closed.
func (w *writer) help(idle <-chan struct{}) {
	for {
		select {
		case <-w.log.wake:
		case <-idle:
			return
		}
		for w.flush() {
		}
	}
}

// flush takes the next batch of queued records, writes it and wakes its callers. It returns false if no record is
// queued. A record that cannot be written counts as completed, with its error.
func (w *writer) flush() bool {
	w.turn.Lock()
	b := w.log.pop()
	if b == nil {
		w.turn.Unlock()
		return false
	}
	if w.notary.due(w.next-1) && w.notary.idle() {
		w.note(false)
	}
	f := w.batch(b)
	w.turn.Unlock()
	if f != nil {
		f.land()
	}
	return true
}

// batch writes the records of b to the segment. If callers wait for the disk, it returns a flight, which waits for it
// and wakes them. Otherwise, and after a failed write, it completes the batch itself and returns nil.
func (w *writer) batch(b *batch) *flight {
	if !b.durable {
		w.complete(b, w.keepAll(b.events, false, false))
		return nil
	}
	if err := w.write(b.events, false); err != nil {
		w.complete(b, err)
		return nil
	}
	s := w.idleSyncer()
	f := &flight{log: w.log, batch: b, seg: s.seg, next: w.next, before: w.newest, done: make(chan struct{})}
	s.last, w.newest, w.dirty = f, f, 0
	return f
}

// syncer is a descriptor of the open segment that one flight at a time uses.
type syncer struct {
	seg  file
	last *flight // the newest one that uses it; nil: none did
}

// idleSyncer returns a descriptor of the open segment that no flight uses. The first one is w.seg. If it cannot open
// another one, it waits until no flight is left.
func (w *writer) idleSyncer() *syncer {
	for i := range w.syncers {
		if s := &w.syncers[i]; s.last.landed() {
			return s
		}
	}
	seg := w.seg
	if len(w.syncers) > 0 {
		// The host reports a failed write to each descriptor once. Of two syncs through one descriptor the later batch
		// could get the error of the earlier one, which would be acknowledged (U-61).
		var err error
		if seg, err = w.log.cfg.disk.Open(segmentName(w.head.first)); err != nil {
			w.drain()
			return &w.syncers[0]
		}
	}
	w.syncers = append(w.syncers, syncer{seg: seg})
	return &w.syncers[len(w.syncers)-1]
}

// closeSyncers closes the descriptors that idleSyncer opened, and not w.seg. No flight may be left.
func (w *writer) closeSyncers() error {
	var errs []error
	for i := range w.syncers {
		if i > 0 {
			errs = append(errs, w.syncers[i].seg.Close())
		}
	}
	w.syncers = nil
	return errors.Join(errs...)
}

// flight is a written batch that waits for the disk. The flights of a log end in the order in which they were written.
// Only the goroutine that calls land uses a flight, except for done and err.
type flight struct {
	log    *Log
	batch  *batch
	seg    file
	next   uint64        // RecordId after the last one of the batch
	before *flight       // the one written before; nil: it has ended
	done   chan struct{} // closed when err is set
	err    error
}

// land syncs the batch to disk, and then wakes its callers. Callers of an earlier batch are woken first. If the
// earlier batch was lost, this one counts as lost too (U-61, U-62). The first failure is permanent.
func (f *flight) land() {
	f.err = f.seg.Sync()
	if f.before != nil {
		<-f.before.done
		if f.before.err != nil {
			f.err = f.before.err
		}
		f.before = nil // otherwise each flight would keep all earlier flights in memory
	}
	if f.err != nil {
		f.err = f.log.fail(fmt.Errorf("sync the audit records before %d: %w", f.next, f.err))
		f.log.lost(uint64(len(f.batch.events)))
	} else {
		f.log.durable.Store(f.next - 1)
	}
	f.log.finish(f.batch, f.err, f.err)
	close(f.done)
}

// landed reports whether the sync of the flight has ended. It is true for nil.
func (f *flight) landed() bool {
	if f == nil {
		return true
	}
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// drain blocks until no written batch waits for the disk. Errors go to the callers of these batches, not to the
// caller of drain.
func (w *writer) drain() {
	if w.newest != nil {
		<-w.newest.done
		w.newest = nil
	}
}
