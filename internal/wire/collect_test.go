package wire

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// A nil channel is not closed: an operation without one is never over.
func TestNilChannelIsNotClosed(t *testing.T) {
	closed := make(chan struct{})
	close(closed)
	check.That(t, isClosed(closed) && !isClosed(make(chan struct{})) && !isClosed(nil),
		"closed, open, nil: %t, %t, %t, want true, false, false", isClosed(closed), isClosed(make(chan struct{})),
		isClosed(nil))
}

// An operation counts with its requested room until its completion was signalled (W-91).
// +checklocksignore
func TestOperationCountsUntilSignalled(t *testing.T) {
	for _, c := range []struct {
		in   any
		cost int
		ok   bool
	}{
		{nt.ReadFileIn{Length: 100}, 100, true},
		{nt.ReadFileIn{Length: ^uint32(0)}, MaxFrame, true},
		{nt.WriteFileIn{Buffer: nt.Cap([]byte("1234567"))}, 7, true},
		{nt.FsControlFileIn{InputBuffer: nt.Cap([]byte("123")), OutputBufferLength: 5}, 8, true},
		{nt.FlushBuffersFileIn{}, 0, true},
		{nt.CloseIn{}, 0, false},
	} {
		op := &later{l: new(nt.Later)}
		if ok := op.with(&c.in); ok != c.ok || op.cost != c.cost {
			t.Errorf("%T: operation costs %d bytes, accepted %t, want %d, %t", c.in, op.cost, ok, c.cost, c.ok)
		}
		s := NewServer(nil, nil)
		first, second := s.keeps(1, op), s.keeps(1, op)
		check.That(t, first == ntstatus.Success && second != ntstatus.Success && s.bytes == c.cost &&
			len(s.laters) == 1,
			"%T: connection counts %d bytes in %d operations, want %d bytes in 1", c.in, s.bytes, len(s.laters), c.cost)
		s.mu.Lock()
		s.forgetLocked(1)
		s.forgetLocked(1)
		s.mu.Unlock()
		check.That(t, s.bytes == 0 && len(s.laters) == 0,
			"%T: after the operation the connection counts %d bytes in %d operations, want 0 and 0", c.in, s.bytes,
			len(s.laters))
	}
}

// A waiter for an operation is woken once, when the client has acknowledged the completion. For a synchronous handle
// and for a disconnected client it is woken immediately (W-90, W-92).
func TestCompletionIsSignalledOnce(t *testing.T) {
	for _, c := range []struct {
		synchronous, alertable, gone, inCall bool
		notified                             bool
	}{
		{false, false, false, false, false}, {true, false, false, false, true}, {true, true, false, false, true},
		{false, false, true, false, true}, {false, false, false, true, false}, {true, false, false, true, true},
		{true, true, false, true, true}, {false, true, false, true, false},
	} {
		s := NewServer(nil, nil)
		op := &later{ended: make(chan struct{}),
			l: &nt.Later{Synchronous: c.synchronous, Alertable: c.alertable, Over: make(chan struct{})}}
		check.Require(t, s.keeps(1, op), ntstatus.Success, "keeping the operation")
		if c.gone {
			s.notifyAll()
		}
		notified := 0
		s.ended(op, nt.IOResult{}, func() { notified++ })
		switch {
		case c.gone:
		case c.inCall:
			if b, notify := s.far(1, op, false); b.Confirmed != c.notified || !b.Ended ||
				b.Synchronous != c.synchronous || b.Alertable != c.alertable {
				t.Errorf("%+v: completion %+v, want it ended and signalled = %v", c, b, c.notified)
			} else if notify != nil {
				notify()
			}
		default:
			a, ok := s.collected(1, op, &waiting{})
			if b, _, err := DecodeLater(a.rest); !ok || err != nil || b.Confirmed != c.notified || !b.Ended {
				t.Errorf("%+v: collected %+v, %t, %v, want an ended operation, signalled = %v", c, b, ok, err, c.notified)
			}
		}
		check.That(t, (notified == 1) == c.notified && notified <= 1,
			"%+v: the waiter was woken %d times, want once: %t", c, notified, c.notified)
		s.mu.Lock()
		kept := len(s.laters)
		s.mu.Unlock()
		check.That(t, c.gone || (kept == 0) == c.notified,
			"%+v: %d operations are kept, want none once the waiter was woken", c, kept)
		s.notifyAll()
		check.That(t, notified == 1, "%+v: after the disconnect the waiter was woken %d times, want 1", c, notified)
	}
}

// A connection in JSON, whose client has no memory that others see, begins no operation (W-90).
func TestJSONConnectionBeginsNoOperation(t *testing.T) {
	s := NewServer(nil, nil)
	s.form = inJSON
	a, err := newWorker(s, new(nt.Thread)).begin(&Frame{Kind: Begin, Request: 1, Body: []byte("{}")})
	s.mu.Lock()
	begun := len(s.laters)
	s.mu.Unlock()
	check.That(t, err == nil && a.head.Status == ntstatus.NotSupported && begun == 0,
		"Begin in JSON: %v, %v, %d operations, want %v", a.head.Status, err, begun, ntstatus.NotSupported)
}

// An operation that failed in its call is collected with that status, and its room is released (W-91).
// +checklocksignore
func TestFailedOperationReleasesItsRoom(t *testing.T) {
	s := NewServer(nil, nil)
	op := &later{ended: make(chan struct{}), cost: 5, l: &nt.Later{Over: make(chan struct{}),
		Failure: ntstatus.PipeBroken}}
	check.Require(t, s.keeps(1, op), ntstatus.Success, "keeping the operation")
	close(op.l.Over)
	a, ok := s.collected(1, op, &waiting{})
	b, _, err := DecodeLater(a.rest)
	check.That(t, ok && err == nil && a.head.Status == ntstatus.PipeBroken && b.Confirmed && !b.Ended && s.bytes == 0,
		"collected %v, %+v, %t, %v with %d bytes counted, want STATUS_PIPE_BROKEN and 0 bytes", a.head.Status, b, ok,
		err, s.bytes)
	check.Require(t, s.keeps(2, op), ntstatus.Success, "keeping another operation")
	b, notify := s.far(2, op, false) // its call failed before it began
	check.That(t, b.Confirmed && !b.Ended && notify == nil && s.bytes == 0,
		"an operation that did not begin: %+v, %d bytes", b, s.bytes)
}
