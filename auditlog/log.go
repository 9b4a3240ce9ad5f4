package auditlog

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/refmon/refmon/audit"
)

// Errors for errors.Is.
var (
	// ErrLocked is the error for a second writer.
	ErrLocked = errors.New("the audit log has a writer")
	// ErrClosed is the error for a record after Close.
	ErrClosed = errors.New("the audit log is closed")
	// ErrDamaged is the error for a folder whose records end before its own
	// checkpoint.
	ErrDamaged = errors.New("the audit log is damaged")
	// ErrStopped is the error for a record when the log is full and configured to
	// stop.
	ErrStopped = errors.New("the audit log is full and set to stop")
)

// Log writes a folder of records. [Open] returns one.
type Log struct {
	cfg       Config // immutable
	origin    string // immutable
	recovered Recovery
	unlock    func() error // immutable

	trouble  atomic.Pointer[trouble] // the newest failure; nil: no failure
	reserved atomic.Int64            // bytes that are allocated for essential records
	zeroes   atomic.Int64            // bytes of zeros behind the records of the open segment

	mu     sync.Mutex
	next   *batch        // guarded by mu: the batch that the writer takes next
	spare  []audit.Event // guarded by mu: memory of an earlier batch
	room   chan struct{} // guarded by mu: closed when the writer takes the queue
	closed bool          // guarded by mu
	failed error         // guarded by mu: the first permanent failure

	dropped atomic.Uint64 // records ever lost
	durable atomic.Uint64 // RecordId of the last durable record
	noted   atomic.Pointer[Checkpoint]

	wake  chan struct{} // holds a token when the writer has something to do
	quit  chan struct{} // closed by Close
	ended chan struct{} // closed by the writer

	clearings chan clearing // requests of Clear
	end       error         // of the writer; read after ended

	w writer // owned by the writer's goroutine
}

// A batch holds the records that the writer takes at once: one sync serves all
// of them (U-62).
type batch struct {
	events  []audit.Event
	limited []limit // of events, ascending
	bytes   int
	durable bool          // a caller waits for the disk
	done    chan struct{} // closed when both errors are set
	err     error
	kept    error // of the essential records, which have a reserve
	scarce  bool  // the reserve is kept for administrators
}

// answer waits, through e.Wait, until the writer has finished the batch, and returns the error for event e. c is the
// event's claim to the reserve. nil means that the record is stored.
func (b *batch) answer(e *audit.Event, c claim) error {
	select {
	case <-b.done:
	default:
		e.Wait(b.done)
	}
	if b.admits(c) {
		return b.kept
	}
	return b.err
}

// trouble is a failure to store records or a checkpoint. Immutable.
type trouble struct {
	at  time.Time
	err error
}

var (
	_ audit.BatchSink = (*Log)(nil)
	_ audit.LaterSink = (*Log)(nil)
)

// Write stores the record and blocks until it is durable. Under [Relaxed] a successful access is only queued. nil
// means that the record is durable or queued. If the queue is full, the error is [audit.ErrFull], for a durable
// record only after five seconds. Other errors are [ErrClosed], [ErrStopped], a full disk, or the failure that ended
// the log. A record with an error is not stored, and Health counts it as lost. Write implements [audit.Sink].
func (l *Log) Write(e audit.Event) error {
	durable := l.cfg.Mode.durable(&e)
	one := [1]audit.Event{e}
	b, err := l.push(one[:], durable, nil)
	if err != nil {
		l.lost(1)
		return err
	}
	if !durable {
		return nil
	}
	return b.answer(&e, claimOf(&e))
}

// WriteLater queues a record without waiting for it, in any mode. The record is written at once, and is
// durable within 100 ms. It never uses the reserve. The error is [audit.ErrFull] if the queue is full,
// [ErrClosed], or the failure that ended the log. Health does not count a record that WriteLater refuses.
// WriteLater implements [audit.LaterSink].
func (l *Log) WriteLater(e audit.Event) error {
	one := [1]audit.Event{e}
	_, err := l.push(one[:], false, &limit{records: 1})
	return err
}

// WriteAll stores the records of one operation in sequence, either all of them or none, and waits
// for the disk once, if Config.Mode demands that for one of them. If there is no space, it stores
// them only if each may use the reserve. Refused records count as lost. It does nothing for an
// empty slice. It implements [audit.BatchSink].
func (l *Log) WriteAll(events []audit.Event) error {
	if len(events) == 0 {
		return nil
	}
	durable, weakest, strongest := false, wholeClaim, noClaim
	for i := range events {
		durable = durable || l.cfg.Mode.durable(&events[i])
		c := claimOf(&events[i])
		weakest, strongest = min(weakest, c), max(strongest, c)
	}
	var whole *limit
	if weakest < strongest {
		// Each record of an operation has the claim of its weakest, so that none is stored alone (U-93).
		whole = &limit{records: len(events), claim: weakest}
	}
	b, err := l.push(events, durable, whole)
	if err != nil {
		l.lost(uint64(len(events)))
		return err
	}
	if !durable {
		return nil
	}
	return b.answer(&events[0], weakest)
}

// lost adds n to the number of lost records.
func (l *Log) lost(n uint64) { l.dropped.Add(n) }

// push queues events for the writer, wakes it, and returns their batch. events must not be empty. If the queue is
// full, push waits as waitLocked does. With a nil lim each event has its own claim to the reserve. After an error
// nothing is queued.
func (l *Log) push(events []audit.Event, durable bool, lim *limit) (*batch, error) {
	size := 0
	for i := range events {
		size += events[i].Size()
	}
	l.mu.Lock()
	if len(l.next.events) >= queueRecords || l.next.bytes > queueBytes {
		if err := l.waitLocked(durable, &events[0]); err != nil {
			l.mu.Unlock()
			return nil, err
		}
	}
	if err := l.refusalLocked(); err != nil {
		l.mu.Unlock()
		return nil, err
	}
	b := l.next
	if lim != nil {
		b.limited = append(b.limited, limit{len(b.events), lim.records, lim.claim})
	}
	b.events = append(b.events, events...)
	b.bytes += size
	b.durable = b.durable || durable
	l.mu.Unlock()
	l.rouse()
	return b, nil
}

// rouse wakes a goroutine that writes. It does nothing if one is about to wake.
func (l *Log) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// refusalLocked returns the permanent failure of the log, or ErrClosed after Close, or nil. A failure comes before
// ErrClosed.
func (l *Log) refusalLocked() error {
	if l.failed != nil {
		return l.failed
	}
	if l.closed {
		return ErrClosed
	}
	return nil
}

// waitLocked waits for space in the queue for e and the records after it. It does not wait for a relaxed record, and
// returns audit.ErrFull at once. For a durable one it waits at most five seconds, and then returns audit.ErrFull
// (U-66).
//
// +checklocks:l.mu
func (l *Log) waitLocked(durable bool, e *audit.Event) error {
	if !durable {
		return audit.ErrFull
	}
	timer := time.NewTimer(queueWait)
	defer timer.Stop()
	for len(l.next.events) >= queueRecords || l.next.bytes > queueBytes {
		room := l.room
		l.mu.Unlock()
		var late bool
		over := make(chan struct{})
		go func() {
			defer close(over)
			select {
			case <-room:
			case <-timer.C:
				late = true
			}
		}()
		e.Wait(over)
		l.mu.Lock()
		if late {
			return audit.ErrFull
		}
	}
	return nil
}

// pop takes the queued records out of the queue for the writer and wakes callers that wait for space. It returns nil
// if the queue is empty.
func (l *Log) pop() *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.next
	if len(b.events) == 0 {
		return nil
	}
	l.next = &batch{events: l.spare, done: make(chan struct{})}
	l.spare = nil
	close(l.room)
	l.room = make(chan struct{})
	return b
}

// finish completes a batch that was written or lost: it stores its errors, wakes its callers, and keeps its memory
// for another batch. err applies to ordinary records, kept to those that could use the reserve.
func (l *Log) finish(b *batch, err, kept error) {
	b.err, b.kept = err, kept
	if err != nil {
		l.trouble.Store(&trouble{time.Now(), err})
	}
	events := b.events
	b.events = nil
	close(b.done)
	clear(events)
	l.mu.Lock()
	l.spare = events[:0]
	l.mu.Unlock()
}

// fail ends the log with an error and returns the log's permanent failure, which is that of the first call. After a
// failed sync the state of the disk is unknown, and a later success does not change that.
func (l *Log) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = fmt.Errorf("the audit log takes no more records: %w", err)
		l.trouble.Store(&trouble{time.Now(), l.failed})
	}
	return l.failed
}

// Health returns the number of records that the log has lost, and the error that stops it from accepting records.
// That is its permanent failure or [ErrClosed]. A full disk alone gives nil.
func (l *Log) Health() (dropped uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped.Load(), l.refusalLocked()
}

// Durable returns the RecordId of the last durable record, or 0 if no record is durable yet.
func (l *Log) Durable() uint64 { return l.durable.Load() }

// Checkpoint returns the newest signed checkpoint. Before the first one its size is 0. Recent records may not be in
// it yet.
func (l *Log) Checkpoint() Checkpoint {
	if c := l.noted.Load(); c != nil {
		return *c
	}
	return Checkpoint{Origin: l.origin}
}

// Recovered returns what Open found and repaired. It never changes.
func (l *Log) Recovered() Recovery { return l.recovered }

// Close writes the queued records and the record of the stop, signs the last checkpoint and unlocks the folder. It
// blocks until that is done and returns its error. A second call only waits and returns the same error. Later records
// fail with [ErrClosed].
func (l *Log) Close() error {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	l.mu.Unlock()
	if first {
		close(l.quit)
	}
	<-l.ended
	return l.end
}
