package client

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// Process, Profile and Thread return what the daemon's hello said.
func TestConnHasValuesOfHello(t *testing.T) {
	s := newScripted(t)
	if s.Process() != 0x44 || s.Profile() != nt.Observed || s.Thread().Name() != "of the daemon" ||
		s.carrier().number != 1 || s.carrier().Profile() != nt.Observed || s.Err() != nil {
		t.Errorf(`process %s, profile %d, thread %q number %d, %v; want 0x44, %d, "of the daemon" number 1, nil`,
			s.Process(), s.Profile(), s.Thread().Name(), s.carrier().number, s.Err(), nt.Observed)
	}
	check.NoError(t, s.Close())
	s.checkLost(ErrClosed)
}

// New fails with the daemon's status if it answers the hello with one (W-17). It also fails if the daemon closes the
// connection, answers with success or sends anything else. The client then closes the connection.
func TestNewFailsWithoutHello(t *testing.T) {
	other := wire.AppendHello(nil, hello)
	other[4] ^= 1 // one bit of the magic number
	for name, c := range map[string]struct {
		first *wire.Frame
		want  error
	}{
		"status":        {&wire.Frame{Kind: wire.Answer, Body: status(ntstatus.AccessDenied)}, ntstatus.AccessDenied.Err()},
		"success":       {&wire.Frame{Kind: wire.Answer, Body: status(ntstatus.Success)}, wire.ErrFrame},
		"half a status": {&wire.Frame{Kind: wire.Answer, Body: []byte{1, 2}}, wire.ErrValue},
		"other magic":   {&wire.Frame{Kind: wire.Hello, Body: other}, wire.ErrValue},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := net.Pipe()
			over := make(chan struct{})
			go func() {
				defer close(over)
				_, _ = wire.ReadFrame(theirs)
				_, _ = theirs.Write(wire.AppendFrame(nil, c.first))
			}()
			conn, err := New(ours)
			check.That(t, errors.Is(err, c.want) && conn == nil, "New: %v, %v; want nil, %v", conn, err, c.want)
			<-over
			_ = theirs.SetReadDeadline(time.Unix(1, 0)) // the read returns once the client has closed the connection
			check.ErrorIs(t, check.Err(theirs.Read(make([]byte, 1))), io.EOF,
				"reading from the client after New failed")
		})
	}
}

// New returns an error if the daemon closed the connection before its hello.
func TestNewFailsOnClosedConnection(t *testing.T) {
	ours, theirs := net.Pipe()
	_ = theirs.Close()
	c, err := New(ours)
	check.That(t, err != nil && c == nil, "New on a closed connection: %v, %v; want nil, an error", c, err)
}

// A connection keeps at most mostSpare unused answer channels, and gives each of them to only one call.
func TestSpareChannelsAreLimited(t *testing.T) {
	s := newScripted(t)
	for range mostSpare + 3 {
		s.keep(make(chan *wire.Frame, 1))
	}
	s.mu.Lock()
	kept := len(s.spare)
	a, b := s.spareLocked(), s.spareLocked()
	left := len(s.spare)
	s.mu.Unlock()
	check.That(t, kept == mostSpare && left == mostSpare-2 && a != b,
		"%d channels kept, %d left after two were taken, the same channel twice: %t; want %d, %d, false", kept, left, a == b,
		mostSpare, mostSpare-2)
}

// The error that ended a connection first is kept, and the connection is closed.
func TestFirstErrorOfConnectionIsKept(t *testing.T) {
	s := newScripted(t)
	first := errors.New("first")
	_ = s.lose(first)
	check.ErrorIs(t, s.lose(ErrClosed), first, "second lose")
	s.checkLost(first)
	check.ErrorIs(t, check.Err(s.from.Frame()), io.EOF, "the daemon reads")
}

var errCut = errors.New("cut")

// cut is a connection that records its write deadlines and fails in the middle of each write once it is cut.
type cut struct {
	net.Conn
	is        bool
	deadlines []string
}

func (s *cut) Write(b []byte) (int, error) {
	if s.is {
		return len(b) / 2, errCut
	}
	return s.Conn.Write(b)
}

func (s *cut) SetWriteDeadline(at time.Time) error {
	s.deadlines = append(s.deadlines, map[bool]string{true: "none", false: "write"}[at.IsZero()])
	return nil
}

// Bytes that a socket does not accept immediately are written with a write deadline, which is removed afterwards.
// Reads have no deadline (W-3).
func TestWriteDeadlineIsRemoved(t *testing.T) {
	conn := &cut{is: true} // any other deadline panics
	check.ErrorIs(t, (&Conn{conn: conn}).writeRest([]byte("rest")), errCut, "writeRest")
	check.SlicesEqual(t, conn.deadlines, []string{"write", "none"}, "deadlines")
}

// A frame that was written in part is the last one of its connection (W-3).
func TestPartialWriteEndsConnection(t *testing.T) {
	for name, call := range map[string]func(*scripted) ntstatus.Status{
		"one frame":      func(s *scripted) ntstatus.Status { return s.first.NtClose(4) },
		"several frames": func(s *scripted) ntstatus.Status { return check.Status(s.OpenFileAs(s.first, 4, asClient)) },
	} {
		conn := new(cut)
		s := scriptOver(t, func() (ours, theirs net.Conn) {
			conn.Conn, theirs = net.Pipe()
			return conn, theirs
		})
		conn.is = true
		check.Equal(t, call(s), ntstatus.PortDisconnected, "%s: call whose request was written in part", name)
		conn.is = false
		s.checkLost(errCut)
	}
}

// An idle connection has no time limit, and the client notices immediately that the daemon closed it, however many
// calls it made before (W-9).
func TestIdleClientNoticesEndOfConnection(t *testing.T) {
	for calls := range 4 {
		synctest.Test(t, func(t *testing.T) {
			s := newScripted(t)
			for range calls {
				s.checkAlive()
			}
			time.Sleep(24 * time.Hour)
			check.Equal(t, s.Err(), nil, "the connection after a day without a call")
			for range calls {
				s.checkAlive()
			}
			_ = s.end.Close()
			time.Sleep(2 * idleTime)
			synctest.Wait()
			check.That(t, s.Err() != nil, "%d calls: the client has not noticed the end of the connection", calls)
		})
	}
}

// An answer that fits is put into the memory that its caller provided.
func TestCallerBufferReceivesReplyThatFits(t *testing.T) {
	s := newScripted(t)
	room := make([]byte, 3, 8)
	s.mu.Lock()
	s.waiting[7] = waiter{room: room, answer: make(chan *wire.Frame)}
	s.mu.Unlock()
	for n, want := range map[int]int{2: 2, 3: 3, 4: 0} {
		got := s.room(7, n)
		check.That(t, len(got) == want && (want == 0 || &got[0] == &room[0]), "room for %d bytes: %d, want %d", n, len(got),
			want)
	}
}
