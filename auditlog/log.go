package auditlog

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/refmon/refmon/audit"
)

// Errors that a caller may ask for.
var (
	// ErrLocked is the refusal of a second writer.
	ErrLocked = errors.New("the audit log has a writer")
	// ErrClosed is the failure of a record after Close.
	ErrClosed = errors.New("the audit log is closed")
	// ErrDamaged is the refusal to go on with a folder whose records do not
	// reach its own checkpoint.
	ErrDamaged = errors.New("the audit log is damaged")
	// ErrStopped is the failure of a record when a log that stops is full.
	ErrStopped = errors.New("the audit log is full and set to stop")
)

// Log writes a folder of records. Make one with [Open].
type Log struct {
	cfg       Config // immutable
	origin    string // immutable
	recovered Recovery
	unlock    func() error // immutable

	mu     sync.Mutex
	next   *batch        // guarded by mu: what the writer takes next
	spare  []audit.Event // guarded by mu: room of an earlier batch
	room   chan struct{} // guarded by mu: closed when the queue is taken
	closed bool          // guarded by mu
	failed error         // guarded by mu: the first failure that stands for ever

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
	bytes   int
	durable bool          // a caller waits for the disk
	done    chan struct{} // closed when err is set
	err     error
}

// Write keeps the record. A nil error means that it is durable, or under
// [Relaxed] that it is queued. It is an [audit.Sink].
func (l *Log) Write(e audit.Event) error {
	durable := l.cfg.Mode.durable(&e)
	b, err := l.enqueue(&e, durable)
	if err != nil {
		l.lost(1)
		return err
	}
	if !durable {
		return nil
	}
	<-b.done
	return b.err
}

// lost counts records that are not kept.
func (l *Log) lost(n uint64) { l.dropped.Add(n) }

// enqueue adds the event to the next batch.
func (l *Log) enqueue(e *audit.Event, durable bool) (*batch, error) {
	size := e.Size()
	l.mu.Lock()
	if len(l.next.events) >= queueRecords || l.next.bytes > queueBytes {
		if err := l.waitLocked(durable); err != nil {
			l.mu.Unlock()
			return nil, err
		}
	}
	if err := l.refusalLocked(); err != nil {
		l.mu.Unlock()
		return nil, err
	}
	b := l.next
	b.events = append(b.events, *e)
	b.bytes += size
	b.durable = b.durable || durable
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return b, nil
}

func (l *Log) refusalLocked() error {
	if l.failed != nil {
		return l.failed
	}
	if l.closed {
		return ErrClosed
	}
	return nil
}

// waitLocked waits for room in the queue. A relaxed record does not wait, a
// durable one at most five seconds (U-66).
//
// +checklocks:l.mu
func (l *Log) waitLocked(durable bool) error {
	if !durable {
		return audit.ErrFull
	}
	timer := time.NewTimer(queueWait)
	defer timer.Stop()
	for len(l.next.events) >= queueRecords || l.next.bytes > queueBytes {
		room := l.room
		l.mu.Unlock()
		var late bool
		select {
		case <-room:
		case <-timer.C:
			late = true
		}
		l.mu.Lock()
		if late {
			return audit.ErrFull
		}
	}
	return nil
}

// take gives the writer what is queued, nil if nothing is.
func (l *Log) take() *batch {
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

// finish answers those who wait for a batch and keeps its room for another.
func (l *Log) finish(b *batch, err error) {
	b.err = err
	events := b.events
	b.events = nil
	close(b.done)
	clear(events)
	l.mu.Lock()
	l.spare = events[:0]
	l.mu.Unlock()
}

// fail makes an error stand for ever: what the disk has after a failed sync is
// not known, and no later success says anything about it.
func (l *Log) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = fmt.Errorf("the audit log takes no more records: %w", err)
	}
	return l.failed
}

// Health returns what keeps the log from taking records, nil while it takes
// them, and the number of records that were ever lost.
func (l *Log) Health() (dropped uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped.Load(), l.refusalLocked()
}

// Durable returns the RecordId of the last record that is durable.
func (l *Log) Durable() uint64 { return l.durable.Load() }

// Checkpoint returns the newest checkpoint; its size is 0 before the first.
func (l *Log) Checkpoint() Checkpoint {
	if c := l.noted.Load(); c != nil {
		return *c
	}
	return Checkpoint{Origin: l.origin}
}

// Recovered tells what Open found and did.
func (l *Log) Recovered() Recovery { return l.recovered }

// Close writes what is queued and the record of the stop, signs the last
// checkpoint and lets go of the folder. A second call does nothing.
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
