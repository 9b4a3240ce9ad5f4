package auditlog

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/refmon/refmon/audit"
)

// writer is the state of the goroutine that writes. It is the only one that
// touches the segment.
type writer struct {
	log *Log

	head  header // of the open segment
	seg   file
	size  int64  // bytes of the segment that hold whole records
	next  uint64 // RecordId of the next record
	tree  frontier
	dirty int64 // bytes written and not yet synced

	buf       []byte
	frames    []frame // of the batch in buf
	announced uint64  // of the lost records
	kept      keeper  // the segments before the open one

	notary notary
}

// run writes batches until the log is closed.
func (w *writer) run() {
	l := w.log
	defer close(l.ended)
	tick := time.NewTicker(relaxedDelay)
	defer tick.Stop()
	last := time.Now()
	for {
		var quit, late bool
		var asked clearing
		select {
		case asked = <-l.clearings:
		case <-l.wake:
		case <-tick.C:
			late = true
		case <-l.quit:
			quit = true
		}
		for b := l.take(); b != nil; b = l.take() {
			w.batch(b)
		}
		if asked.done != nil {
			asked.done <- w.clear(asked.from)
		}
		if w.dirty > 0 && (quit || late) {
			_ = w.sync() // a failure stands, and answers the next record
		}
		if due := time.Since(last) >= l.cfg.CheckpointEvery; due || w.notary.due(w.next-1) {
			w.note(false)
			last = time.Now()
		}
		if quit {
			l.end = w.close()
			return
		}
	}
}

// batch writes a batch and answers it.
func (w *writer) batch(b *batch) {
	n := uint64(len(b.events))
	err := w.write(b.events)
	if err == nil && (b.durable || w.dirty >= relaxedBytes) {
		err = w.sync()
	}
	if err != nil {
		w.log.lost(n)
	}
	w.log.finish(b, err)
	if err == nil && w.notary.due(w.next-1) && w.dirty == 0 {
		w.note(false)
	}
}

// write encodes records and writes them behind the last one. On an error none
// of them is kept.
func (w *writer) write(events []audit.Event) error {
	if err := w.standing(); err != nil {
		return err
	}
	w.begin()
	dropped := w.log.dropped.Load()
	if lost := dropped - w.announced; lost > 0 && len(events) > 0 {
		// Records were lost before these: the first one kept says how many (U-65).
		w.encode(audit.AuditsDiscarded(lost, events[0].Header))
	}
	for i := range events {
		w.encode(events[i])
	}
	if err := w.makeRoom(); err != nil {
		return err
	}
	if err := w.append(); err != nil {
		return err
	}
	w.announced = dropped
	return nil
}

func (w *writer) standing() error {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	return w.log.failed
}

func (w *writer) begin() { w.buf, w.frames = w.buf[:0], w.frames[:0] }

// encode adds the frame of one record to the buffer.
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

// append writes the buffer behind the last record. What a failed write left is
// cut off again; where that fails, the log ends.
func (w *writer) append() error {
	at := 0
	for i := range w.frames { // the buffer may have moved while it grew
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
		}
		return err
	}
	w.size += int64(len(w.buf))
	w.dirty += int64(len(w.buf))
	for i := range w.frames {
		leaf := w.frames[i].leaf()
		w.tree.add(leaf)
		w.notary.leaves = append(w.notary.leaves, leaf)
	}
	w.next += uint64(len(w.frames))
	return nil
}

// sync makes what was written durable. The first failure stands for ever.
func (w *writer) sync() error {
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

// makeRoom begins a new segment where the records in the buffer do not fit the
// open one, and removes what is not to be kept.
func (w *writer) makeRoom() error {
	cfg := &w.log.cfg
	if w.size > w.head.size() && w.size+int64(len(w.buf)) > cfg.SegmentBytes {
		if err := w.rotate(); err != nil {
			return err
		}
	}
	return w.retain()
}

// rotate ends the open segment and begins another.
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
	if err := w.seg.Close(); err != nil {
		return w.log.fail(err)
	}
	w.seg, w.head, w.size = seg, next, next.size()
	return nil
}

// beginSegment makes a segment without records; its name is durable.
func beginSegment(d disk, h *header) (file, error) {
	return put(d, segmentName(h.first), bytesOf(h.encode()))
}

// note hands the records that are durable to the notary.
func (w *writer) note(wait bool) {
	if w.standing() != nil || w.dirty > 0 && w.sync() != nil {
		return
	}
	w.notary.hand(toSign{leaves: w.notary.leaves, size: w.tree.size, root: w.tree.root()}, wait)
}

// own writes a record of the log itself.
func (w *writer) own(events ...audit.Event) error {
	for i := range events {
		events[i].Time, events[i].Computer = w.log.cfg.clock(), w.log.cfg.Computer
	}
	if err := w.write(events); err != nil {
		return err
	}
	return w.sync()
}

// close writes the last record and the last checkpoint.
func (w *writer) close() error {
	err := w.own(audit.LogStopped())
	if err == nil {
		w.note(true)
	}
	err = errors.Join(err, w.notary.stop(), w.seg.Close())
	return errors.Join(err, w.log.unlock())
}

// toSign is work for the notary: the records up to size, given as the leaves
// that came after the last work.
type toSign struct {
	leaves []tlog.Hash
	size   uint64
	root   tlog.Hash
}
