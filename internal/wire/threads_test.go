package wire_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// A thread's number is used once, and is invalid after the thread has ended (W-7).
func TestThreadNumberIsUsedOnce(t *testing.T) {
	s := serve(t)
	s.exchangeHello()
	number := func() uint32 {
		s.send(&wire.Frame{Kind: wire.NewThread, Request: 7})
		_, rest, err := wire.DecodeAnswer(s.receive().Body)
		check.NoError(t, err)
		made := check.Must(wire.DecodeThread(rest))
		return made.Thread
	}
	first, second := number(), number()
	check.Success(t, s.status(&wire.Frame{Kind: wire.EndThread, Thread: first}))
	if third := number(); third == first || third == second || third == 1 {
		t.Errorf("third thread has the number %d, want a new one, not %d or %d", third, first, second)
	}
	for _, kind := range []wire.Kind{wire.EndThread, wire.Save, wire.Call} {
		check.Equal(t, s.status(&wire.Frame{Kind: kind, Thread: first}), ntstatus.InvalidCid,
			"frame of kind %d for an ended thread", kind)
	}
}

// TestUsedTicketFreesItsPlace checks that a used ticket makes room for another one (W-8), and that the number of
// unused ones is limited (W-3).
func TestUsedTicketFreesItsPlace(t *testing.T) {
	s := serve(t)
	s.exchangeHello()
	save := func() ([]byte, ntstatus.Status) {
		s.send(&wire.Frame{Kind: wire.Save, Thread: 1})
		head, rest, err := wire.DecodeAnswer(s.receive().Body)
		check.NoError(t, err)
		return rest, head.Status
	}
	for i := range 2*wire.MaxTickets + 1 {
		ticket, st := save()
		check.Require(t, st, ntstatus.Success, "saving ticket %d", i)
		check.Require(t, s.status(&wire.Frame{Kind: wire.Restore, Thread: 1, Body: ticket}), ntstatus.Success,
			"using ticket %d", i)
	}
	for i := range wire.MaxTickets {
		check.Require(t, check.Status(save()), ntstatus.Success, "saving ticket %d", i)
	}
	check.Equal(t, check.Status(save()), ntstatus.InsufficientResources, "saving one ticket too many")
}

// busy is a process with a call that lasts until it is released or the process exits.
type busy struct {
	open
	threads  atomic.Int32
	called   chan struct{} // closed by the call
	exited   chan struct{}
	released chan struct{} // nil: it never is
}

func (b *busy) NewThread() (*nt.Thread, error) {
	b.threads.Add(1)
	return b.open.NewThread()
}

func (b *busy) GiveBack(th *nt.Thread) {
	b.threads.Add(-1)
	b.open.GiveBack(th)
}

func (b *busy) Called(*nt.Thread, *nt.Call, int) {
	close(b.called)
	select {
	case <-b.exited:
	case <-b.released:
	}
}

func (b *busy) Exit() {
	b.open.Exit()
	close(b.exited)
}

// When a connection ends, its process exits even during a call, which the exit ends, and every thread is released
// once (W-12, W-13).
func TestDisconnectEndsRunningCall(t *testing.T) {
	var p *busy
	s := serveAs(t, func(inner process) wire.Process {
		p = &busy{open: open{process: inner}, called: make(chan struct{}), exited: make(chan struct{})}
		return p
	})
	s.exchangeHello()
	for range 2 {
		check.Success(t, s.status(&wire.Frame{Kind: wire.NewThread, Request: 7}))
	}
	check.Success(t, s.status(&wire.Frame{Kind: wire.EndThread, Thread: 2}))
	n := p.threads.Load()
	check.That(t, n == 2, "%d threads after one has ended, want 2", n)
	s.send(call(t, "NtClose", nt.CloseIn{Handle: 400}))
	<-p.called
	s.send(&wire.Frame{Kind: wire.EndThread, Thread: 1}) // queued behind the call
	_ = s.conn.Close()
	_ = s.awaitEnd() // the client disconnected with an unread reply
	n = p.threads.Load()
	check.That(t, n == 0, "%d threads after the end, want 0", n)
}

// A failed call returns its outputs, such as a required length, and its reason only if requested (W-10).
func TestFailedCallReturnsOutputs(t *testing.T) {
	var p *open
	s := serveAs(t, func(inner process) wire.Process { p = &open{process: inner}; return p })
	s.exchangeHello()
	row := wire.Rows()[nt.NtTable.Find("NtQuerySecurityObject").Info().Number]
	for _, why := range []bool{false, true} {
		body := check.Must(row.AppendCall(nil, nt.QuerySecurityObjectIn{Handle: -1, SecurityInformation: 1}, why))
		s.send(&wire.Frame{Kind: wire.Call, Thread: 1, Service: row.Service, Body: body})
		head, rest, err := wire.DecodeAnswer(s.receive().Body)
		check.That(t, err == nil && head.Status == ntstatus.BufferTooSmall && (head.Why != nil) == why,
			"reason requested %t: status %v, reason %+v, %v, want STATUS_BUFFER_TOO_SMALL", why, head.Status, head.Why,
			err)
		out, err := row.DecodeOut(rest)
		o, ok := out.(nt.QuerySecurityObjectOut)
		check.That(t, err == nil && ok && o.LengthNeeded != 0, "output = %+v, %v, want the required length", out, err)
	}
}

// failing is a process whose further threads fail with the error err, unless it is nil.
type failing struct {
	process
	err error
}

func (l *failing) NewThread() (*nt.Thread, error) {
	if l.err != nil {
		return nil, l.err
	}
	return l.process.NewThread()
}

// The answer to a thread that the process cannot create has the status of the error, or STATUS_INSUFFICIENT_RESOURCES
// for an error without a status. The connection continues (W-7).
func TestFailedThreadIsAnsweredWithItsStatus(t *testing.T) {
	var p *failing
	s := serveAs(t, func(inner process) wire.Process { p = &failing{process: inner}; return p })
	s.exchangeHello()
	for _, c := range []struct {
		err  error
		want ntstatus.Status
	}{{ntstatus.QuotaExceeded.Err(), ntstatus.QuotaExceeded}, {errors.New("no room"), ntstatus.InsufficientResources},
		{nil, ntstatus.Success}} {
		p.err = c.err
		check.Equal(t, s.status(&wire.Frame{Kind: wire.NewThread}), c.want, "error %v", c.err)
	}
}
