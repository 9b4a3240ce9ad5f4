package auditlog

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/refmon/refmon/audit"
)

// writer is the state of the goroutines that write. Except for log and turn it belongs to the one that holds turn.
type writer struct {
	log  *Log
	turn sync.Mutex // held to write, but not while a batch waits for the disk

	head  header // of the open segment
	seg   file
	size  int64  // bytes of the segment that hold whole records
	next  uint64 // RecordId of the next record
	tree  frontier
	dirty int64 // bytes written since the newest sync began

	newest  *flight  // the newest batch that waits for the disk; nil: none waits
	syncers []syncer // descriptors of the open segment, as many as syncs ran at a time

	allocated int64 // bytes from the start of the segment that are allocated on the disk
	zeroed    int64 // offset of the end of the zeros behind the records; 0: no zeros were written

	buf       []byte
	frames    []frame       // of the batch in buf
	announced uint64        // lost records that a record has reported
	kept      keeper        // the segments before the open one
	unstored  []audit.Event // records about segments that no write has stored yet

	notary notary
}

// run writes batches until the log is closed. A request to clear runs between two batches. At the end it closes the
// log, and l.end has the error. Failures to sync are returned for the next record.
func (w *writer) run() {
	l := w.log
	defer close(l.ended)
	var others sync.WaitGroup
	idle := make(chan struct{})
	// The records that arrive during a sync need not wait for its end: a disk takes several syncs at once.
	for range cmp.Or(l.cfg.flushers, 2) - 1 {
		others.Go(func() { w.help(idle) })
	}
	tick := time.NewTicker(relaxedDelay)
	defer tick.Stop()
	last := time.Now()
	for {
		var quit, late bool
		var request clearing
		select {
		case request = <-l.clearings:
		case <-l.wake:
		case <-tick.C:
			late = true
		case <-l.quit:
			quit = true
		}
		for w.flush() {
			if !quit { // after Close the queue takes nothing, else it may never be empty
				break
			}
		}
		w.turn.Lock()
		if request.done != nil {
			request.done <- w.clear(request.from)
		}
		if w.dirty > 0 && (quit || late) {
			_ = w.sync() // a failure is permanent and is returned for the next record
		}
		if due := time.Since(last) >= l.cfg.CheckpointEvery; due || w.notary.due(w.next-1) {
			w.note(false)
			last = time.Now()
		}
		w.turn.Unlock()
		if quit {
			close(idle)
			others.Wait()
			l.end = w.close()
			return
		}
	}
}

// complete completes a batch that was written with an error, or whose callers do not wait for the disk. If there was
// no space, it writes only the essential records, into the reserve.
func (w *writer) complete(b *batch, err error) {
	kept := err
	if err != nil {
		lost := len(b.events)
		if few := w.essential(b); len(few) > 0 && (isFull(err) || errors.Is(err, ErrStopped)) {
			// Records that are needed to make space use the reserve (U-93).
			if kept = w.keepAll(few, true, true); kept == nil {
				lost -= len(few)
			}
		}
		w.log.lost(uint64(lost))
	}
	w.log.finish(b, err, kept)
}

// keepAll writes records, all or none of them. It makes them durable if durable is set, or if relaxedBytes are not
// durable yet. With reserve they may use the reserve.
func (w *writer) keepAll(events []audit.Event, durable, reserve bool) error {
	err := w.write(events, reserve)
	if err == nil && (durable || w.dirty >= relaxedBytes) {
		err = w.sync()
	}
	return err
}

// write encodes records and appends them to the segment, without a sync. If records were lost since the last
// successful write, a record with their number comes first. With reserve the records may use the reserve. After an
// error none of them is stored.
func (w *writer) write(events []audit.Event, reserve bool) error {
	if err := w.standing(); err != nil {
		return err
	}
	w.beginWithUnstored()
	dropped := w.log.dropped.Load()
	if lost := dropped - w.announced; lost > 0 && len(events) > 0 {
		// Records were lost before these: a record before them says how many (U-65).
		w.encode(audit.AuditsDiscarded(lost, events[0].Header))
	}
	for i := range events {
		w.encode(events[i])
	}
	if err := w.makeRoom(reserve); err != nil {
		return err
	}
	if err := w.append(); err != nil {
		return err
	}
	w.announced, w.unstored = dropped, nil
	return nil
}

// standing returns the error that has ended the log, or nil. After it every write fails.
func (w *writer) standing() error {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	return w.log.failed
}

// begin empties the buffer of encoded records.
func (w *writer) begin() { w.buf, w.frames = w.buf[:0], w.frames[:0] }

// beginWithUnstored empties the buffer and encodes the records about segments that earlier writes could not store
// (U-67).
func (w *writer) beginWithUnstored() {
	w.begin()
	for i := range w.unstored {
		w.encode(w.unstored[i])
	}
}

// encode adds one record to the buffer, as the frame that the segment stores. It neither writes nor fails.
func (w *writer) encode(e audit.Event) {
	start := len(w.buf)
	// The numbers start at 1 and increase by one (U-63).
	e.RecordID = w.next + uint64(len(w.frames))
	e.Chain = ""
	var room [frameFixed]byte
	w.buf = e.AppendJSON(append(w.buf, room[:]...))
	if len(w.buf)-start-frameFixed > MaxRecord {
		// A record that is too long has its longest fields cut, and is never dropped (U-68).
		w.buf = e.Shorten(MaxRecord).AppendJSON(w.buf[:start+frameFixed])
	}
	w.frames = append(w.frames, frame{id: e.RecordID, bytes: w.buf[start:]})
}

// append writes the buffer after the last record. If the disk is full, it cuts off the written part. Any other error,
// or a failure to cut, ends the log. After a full disk the records stay in the buffer.
func (w *writer) append() error {
	at := 0
	for i := range w.frames { // append may have moved the buffer, so the slices are taken again
		n := len(w.frames[i].bytes)
		w.frames[i] = finishFrame(w.buf[:at+n], at, w.frames[i].id)
		at += n
	}
	n, err := w.seg.WriteAt(w.buf, w.size)
	if err != nil {
		err = fmt.Errorf("write %d audit records: %w", len(w.frames), err)
		if !isFull(err) {
			return w.log.fail(err)
		}
		if n > 0 {
			if cut := w.seg.Truncate(w.size); cut != nil {
				return w.log.fail(errors.Join(err, cut))
			}
			w.allocated, w.zeroed = 0, 0 // the truncation freed the allocated space
		}
		return err
	}
	w.size += int64(len(w.buf))
	w.log.zeroes.Store(max(w.zeroed-w.size, 0))
	w.dirty += int64(len(w.buf))
	for i := range w.frames {
		leaf := w.frames[i].leaf()
		w.tree.add(leaf)
		w.notary.leaves = append(w.notary.leaves, leaf)
	}
	w.next += uint64(len(w.frames))
	return nil
}

// sync makes the written records durable. The first failure is permanent. It first waits for flights, and returns a
// permanent failure of an earlier write.
func (w *writer) sync() error {
	w.drain()
	if err := w.standing(); err != nil {
		return err
	}
	if err := w.seg.Sync(); err != nil {
		return w.log.fail(fmt.Errorf("sync the audit records before %d: %w", w.next, err))
	}
	w.dirty = 0
	w.log.durable.Store(w.next - 1)
	return nil
}

// makeRoom makes space for the buffered records: a new segment if they do not fit, and allocated disk space. It also
// removes expired segments. With reserve the records may use the reserve, and a full disk keeps the open segment. If
// the log is full and configured to stop, the error is ErrStopped.
func (w *writer) makeRoom(reserve bool) error {
	cfg := &w.log.cfg
	// The reserve is in the open segment. On a full disk, records that may use the reserve go to the open segment, and
	// makeRoom removes no old segment.
	ends := func(err error) bool { return err != nil && (!reserve || !isFull(err) || w.standing() != nil) }
	if w.size > w.head.size() && w.size+int64(len(w.buf)) > cfg.SegmentBytes {
		if err := w.rotate(); ends(err) {
			return err
		}
	}
	if err := w.retain(reserve); ends(err) {
		return err
	}
	if err := w.allocate(reserve); err != nil {
		return err
	}
	return w.writeZeroes(w.size + int64(len(w.buf)))
}

// rotate makes the open segment durable and begins the next one. If the disk, the quota or the descriptor table is
// full, the error is returned, the open segment stays, and the log goes on. Any other error ends the log.
func (w *writer) rotate() error {
	if err := w.sync(); err != nil { // a segment is durable before there is a next one
		return err
	}
	next := header{mode: w.log.cfg.Mode, log: w.head.log, first: w.next, before: w.tree.clone()}
	seg, err := beginSegment(w.log.cfg.disk, &next)
	if err != nil {
		if isFull(err) {
			return err
		}
		return w.log.fail(fmt.Errorf("begin a segment of the audit log: %w", err))
	}
	w.kept.add(kept{w.head.first, w.size, w.log.cfg.clock()})
	if err := errors.Join(w.giveBack(), w.closeSyncers(), w.seg.Close()); err != nil {
		return w.log.fail(err)
	}
	w.seg, w.head, w.size, w.allocated, w.zeroed = seg, next, next.size(), 0, 0
	return nil
}

// beginSegment creates a segment without records, durably. The caller must close the file.
func beginSegment(d disk, h *header) (file, error) {
	return put(d, segmentName(h.first), bytesOf(h.encode()))
}

// note makes all records durable and passes them to the notary for a checkpoint. If the notary is busy, it blocks if
// wait is true and does nothing otherwise. It does nothing if the log has failed.
func (w *writer) note(wait bool) {
	w.drain()
	if w.standing() != nil || w.dirty > 0 && w.sync() != nil {
		return
	}
	w.notary.push(toSign{leaves: w.notary.leaves, size: w.tree.size, root: w.tree.root()}, wait)
}

// own writes records about the log itself and makes them durable. It sets the time and computer of the events. They
// may use the reserve.
func (w *writer) own(events ...audit.Event) error {
	for i := range events {
		events[i] = w.stamp(events[i])
	}
	if err := w.write(events, true); err != nil {
		return err
	}
	return w.sync()
}

// close writes the record of the stop and the last checkpoint, and unlocks the folder, even after an error.
func (w *writer) close() error {
	err := w.own(audit.LogStopped())
	if err == nil {
		w.note(true)
	}
	err = errors.Join(err, w.notary.stop(), w.giveBack(), w.closeSyncers(), w.seg.Close())
	return errors.Join(err, w.log.unlock())
}

// toSign is a job for the notary: a checkpoint of the first size records. leaves are the hashes of the records after
// the previous job.
type toSign struct {
	leaves []tlog.Hash
	size   uint64
	root   tlog.Hash
}
