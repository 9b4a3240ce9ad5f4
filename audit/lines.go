package audit

import (
	"fmt"
	"io"
	"sync/atomic"
)

// Lines is a sink that writes each record as one line of JSON (U-80).
// [NewLines] returns one. It may be used from any goroutine.
//
// Callers never wait for each other. Each puts its record into a bounded queue.
// The first caller then writes all queued records, including those that arrive
// while it writes, and the others return at once. With one goroutine, a nil
// error therefore means that the line was passed to the writer. With several,
// the line may still be queued for the goroutine that writes. Use a durable log
// if an acknowledged record must survive.
type Lines struct {
	queue Memory
	busy  atomic.Bool // held by the goroutine that writes
	lost  atomic.Uint64

	// owned by the goroutine that holds busy
	w       io.Writer
	buf     []byte
	lastID  uint64
	pending uint64 // lost to failed writes, not yet announced
	torn    bool   // the last write left part of a line
}

// NewLines returns a sink that writes lines to w. It makes one call of w.Write
// per line, and never two calls at a time.
func NewLines(w io.Writer) *Lines { return &Lines{w: w} }

// Write numbers the record and writes its line, or leaves that to the goroutine that is writing. It fails with
// [ErrFull] if too many records wait for a slow writer, and otherwise with the writer's error.
func (l *Lines) Write(e Event) error {
	if err := l.queue.Write(e); err != nil {
		l.lost.Add(1)
		return err
	}
	var failed error
	for l.queue.Len() > 0 && l.busy.CompareAndSwap(false, true) {
		if err := l.flush(); err != nil {
			failed = err
		}
		l.busy.Store(false) // then test the queue again: a record may have arrived since flush returned
	}
	return failed
}

// Lost returns the number of records that were not written because the queue
// was full or the writer failed.
func (l *Lines) Lost() uint64 { return l.lost.Load() }

// flush writes the queued records to the writer and empties the queue. It goes on after an error, counts the record
// as lost, and returns the last error. The caller must hold busy.
func (l *Lines) flush() error {
	var failed error
	for _, e := range l.queue.Drain() {
		if err := l.announced(e); err != nil {
			failed = fmt.Errorf("write audit record of event %d: %w", e.ID, err)
			l.pending += max(1, e.discarded) // if a record of lost records is lost, count those again
			l.lost.Add(1)
		}
	}
	return failed
}

// announced writes one record. If records were lost before it, it first writes event 4612 with their number. If that
// fails, it writes neither (U-65).
func (l *Lines) announced(e Event) error {
	if l.pending > 0 {
		if err := l.line(AuditsDiscarded(l.pending, e.Header)); err != nil {
			return err
		}
		l.pending = 0
	}
	return l.line(e)
}

// line writes one record as a line and gives it the next number. After a write that stopped within a line, it first
// ends that line. After an error the next record gets the number.
func (l *Lines) line(e Event) error {
	// The numbers start at 1 and increase by one (U-63).
	e.RecordID = l.lastID + 1
	l.buf = l.buf[:0]
	if l.torn { // keep what follows a torn line readable
		l.buf = append(l.buf, '\n')
	}
	l.buf = append(e.AppendJSON(l.buf), '\n')
	n, err := l.w.Write(l.buf)
	if err == nil && n < len(l.buf) {
		err = io.ErrShortWrite
	}
	if err != nil {
		l.torn = l.torn && n == 0 || n > 0
		return err
	}
	l.torn = false
	l.lastID++
	return nil
}
