package wire_test

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestStopEndsWaits: a server that stops ends a call that waits with STATUS_CANCELLED, which
// the client is told before the server hangs up (W-19).
func TestStopEndsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, ours, end := pair(t, func(*wire.Server) {})
		conn, err := client.New(ours)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := conn.NewTransport()
		if err != nil {
			t.Fatal(err)
		}
		h, st := conn.Thread().NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.SynchronizationEvent, false)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		waited := make(chan ntstatus.Status, 1)
		go func() {
			_, st := tr.CallWhenReady(nt.NtTable.Find("NtWaitForSingleObject"), nt.WaitForSingleObjectIn{Handle: h},
				nt.Wait{Handle: h, NotYet: ntstatus.Timeout})
			waited <- st
		}()
		synctest.Wait()
		server.Stop()
		if st := <-waited; st != ntstatus.Cancelled {
			t.Errorf("a call that waits: %s", st)
		}
		if err := <-end; err != nil {
			t.Error(err)
		}
		_ = conn.Close()
	})
}

// TestThreadEndsWaits: the end of a thread ends a call of it that waits with STATUS_CANCELLED,
// and leaves that of another thread (W-20).
func TestThreadEndsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ours, _ := pair(t, func(*wire.Server) {})
		conn, err := client.New(ours)
		if err != nil {
			t.Fatal(err)
		}
		h, st := conn.Thread().NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.SynchronizationEvent, false)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		var threads [2]nt.Transport
		waited := [2]chan ntstatus.Status{make(chan ntstatus.Status, 1), make(chan ntstatus.Status, 1)}
		for i := range threads {
			if threads[i], err = conn.NewTransport(); err != nil {
				t.Fatal(err)
			}
			go func() {
				_, st := threads[i].CallWhenReady(nt.NtTable.Find("NtWaitForSingleObject"),
					nt.WaitForSingleObjectIn{Handle: h}, nt.Wait{Handle: h, NotYet: ntstatus.Timeout})
				waited[i] <- st
			}()
		}
		synctest.Wait()
		threads[0].EndThread()
		synctest.Wait()
		select {
		case st := <-waited[0]:
			if st != ntstatus.Cancelled {
				t.Errorf("a wait of a thread that ended: %s", st)
			}
		default:
			t.Error("a wait of a thread that ended goes on")
		}
		if len(waited[1]) != 0 {
			t.Error("a wait of another thread ended")
		}
		if _, st := conn.Thread().NtSetEvent(h); st != ntstatus.Success {
			t.Fatal(st)
		}
		if st := <-waited[1]; st != ntstatus.Success {
			t.Errorf("a wait of another thread: %s", st)
		}
		_ = conn.Close()
	})
}

// TestStopAnswersCalls: a server that stops answers a call that is under way (W-19).
func TestStopAnswersCalls(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	defer func() {
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	}()
	user, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	p, err := sys.NewProcess("client", user)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	b := &busy{open: open{process: process{p, nt.Documented}}, called: make(chan struct{}), exited: make(chan struct{}),
		released: make(chan struct{})}
	server, end := wire.NewServer(theirs, b), make(chan error, 1)
	go func() { end <- server.Serve() }()
	s := &served{T: t, sys: sys, conn: ours, end: end}
	s.greet()
	s.send(call(t, "NtClose", nt.CloseIn{Handle: 400}))
	<-b.called
	server.Stop()
	time.AfterFunc(20*time.Millisecond, func() { close(b.released) }) // the server would have hung up by then
	head, _, err := wire.DecodeAnswer(s.receive().Body)
	if err != nil || head.Status != ntstatus.InvalidHandle {
		t.Errorf("the call: %v, %v", head.Status, err)
	}
	if err := s.ended(); err != nil {
		t.Error(err)
	}
	_ = ours.Close()
}

// TestIdleAfterPieces: a frame that came in pieces, in time, leaves no bound for the time
// until the next one (W-18).
func TestIdleAfterPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := alone(t, false)
		frame := wire.AppendFrame(nil, &wire.Frame{Kind: wire.NewThread})
		for _, piece := range [][]byte{
			wire.AppendFrame(nil, &wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, wire.HelloBody{})}), nil,
			frame[:9], frame[9:], nil, frame, nil, frame[:1], frame[1:], nil, frame, nil} {
			if piece == nil { // its answer
				if _, err := wire.ReadFrame(conn); err != nil {
					t.Fatal(err)
				}
				time.Sleep(24 * time.Hour)
				continue
			}
			if _, err := conn.Write(piece); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
	})
}

// signals is a process in which an object is signalled while a call looks whether it is.
type signals struct {
	process
	event winnt.Handle
	done  bool // used by the calls of one thread
}

// Wants is asked between the call and the wait.
func (s *signals) Wants(st ntstatus.Status) bool {
	if st != ntstatus.Timeout || s.done {
		return false
	}
	s.done = true
	if th, err := s.NewThread(); err == nil {
		_, _ = th.NtSetEvent(s.event)
		th.Close()
	}
	return false
}

func (s *signals) Called(*nt.Thread, *nt.Call, int) {}

// TestChangeIsNotMissed: a change that comes right after a call has said not yet ends the
// wait: no change between the call and the wait is missed (W-20).
func TestChangeIsNotMissed(t *testing.T) {
	var p *signals
	s := serveAs(t, func(inner process) wire.Process { p = &signals{process: inner}; return p })
	c := s.connect()
	defer c.Close()
	tr, err := c.NewTransport()
	if err != nil {
		t.Fatal(err)
	}
	h, st := c.Thread().NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.SynchronizationEvent, false)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	p.event = h
	due := make(chan struct{})
	defer time.AfterFunc(30*time.Second, func() { close(due) }).Stop()
	_, st = tr.CallWhenReady(nt.NtTable.Find("NtWaitForSingleObject"), nt.WaitForSingleObjectIn{Handle: h},
		nt.Wait{Handle: h, NotYet: ntstatus.Timeout, Due: due})
	if st != ntstatus.Success {
		t.Errorf("signalled while it was asked: %s", st)
	}
}
