package client

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// Process, Profile and Thread return what the daemon's hello said.
func TestConnHasValuesOfHello(t *testing.T) {
	s := script(t)
	if s.Process() != 0x44 || s.Profile() != nt.Observed || s.Thread().Name() != "of the daemon" ||
		s.carrier().number != 1 || s.carrier().Profile() != nt.Observed || s.Err() != nil {
		t.Errorf(`process %s, profile %d, thread %q number %d, %v; want 0x44, %d, "of the daemon" number 1, nil`,
			s.Process(), s.Profile(), s.Thread().Name(), s.carrier().number, s.Err(), nt.Observed)
	}
	check.NoError(t, s.Close())
	s.lost(ErrClosed)
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
	s := script(t)
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
	s := script(t)
	first := errors.New("first")
	_ = s.lose(first)
	check.ErrorIs(t, s.lose(ErrClosed), first, "second lose")
	s.lost(first)
	check.ErrorIs(t, check.Err(s.from.Frame()), io.EOF, "the daemon reads")
}

// timed is a connection that records its write deadlines.
type timed struct {
	net.Conn
	deadlines []string
}

func (s *timed) Write(b []byte) (int, error) { return len(b), nil }

func (s *timed) SetDeadline(time.Time) error {
	s.deadlines = append(s.deadlines, "both")
	return nil
}

func (s *timed) SetWriteDeadline(at time.Time) error {
	s.deadlines = append(s.deadlines, map[bool]string{true: "none", false: "write"}[at.IsZero()])
	return nil
}

// Bytes that a socket does not accept immediately are written with a write deadline, which is removed afterwards.
// Reads have no deadline (W-3).
func TestWriteDeadlineIsRemoved(t *testing.T) {
	conn := new(timed)
	check.NoError(t, (&Conn{conn: conn}).writeRest([]byte("rest")))
	check.SlicesEqual(t, conn.deadlines, []string{"write", "none"}, "deadlines")
}
