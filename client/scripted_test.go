package client

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// scripted is the daemon at the other end of a connection: the test says what it answers.
type scripted struct {
	*testing.T
	*Conn
	end  net.Conn
	from *wire.Reader
}

// hello names the process and the thread that the daemon made.
var hello = wire.HelloBody{Profile: uint8(nt.Observed), Process: 0x44, Thread: "of the daemon"}

// script connects a client to a daemon that says hello.
func script(t *testing.T) *scripted {
	t.Helper()
	return scriptOver(t, net.Pipe)
}

func scriptOver(t *testing.T, pair func() (net.Conn, net.Conn)) *scripted {
	t.Helper()
	ours, theirs := pair()
	s := &scripted{T: t, end: theirs, from: wire.NewReader(theirs)}
	greeted := make(chan struct{})
	go func() {
		defer close(greeted)
		if f, err := s.from.Frame(); err != nil || f.Kind != wire.Hello {
			t.Errorf("the client's hello: %+v, %v", f, err)
		}
		s.write(&wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, hello)})
	}()
	c, err := New(ours)
	<-greeted
	if err != nil {
		t.Fatal(err)
	}
	s.Conn = c
	t.Cleanup(func() {
		_ = c.Close()
		_ = theirs.Close()
	})
	return s
}

// write sends a frame to the client.
func (s *scripted) write(f *wire.Frame) {
	if _, err := s.end.Write(wire.AppendFrame(nil, f)); err != nil {
		s.Errorf("frame of the daemon: %v", err)
	}
}

// next reads a frame of the client, which is of that kind.
func (s *scripted) next(kind wire.Kind) *wire.Frame {
	f, err := s.from.Frame()
	if err != nil {
		s.Errorf("a frame of kind %d: %v", kind, err)
		return &wire.Frame{}
	}
	if f.Kind != kind {
		s.Errorf("a frame of kind %d, want %d", f.Kind, kind)
	}
	return f
}

// tell answers a request with a status and what follows it.
func (s *scripted) tell(f *wire.Frame, st ntstatus.Status, rest []byte) {
	s.write(&wire.Frame{Kind: wire.Answer, Request: f.Request, Body: append(status(st), rest...)})
}

// status returns the head of an answer that is a status alone: 4 bytes, and no reason.
func status(st ntstatus.Status) []byte {
	return []byte{byte(st), byte(st >> 8), byte(st >> 16), byte(st >> 24), 0}
}

// beside runs what the daemon does while the client calls, and returns once both are over.
func (s *scripted) beside(daemon, call func()) {
	s.Helper()
	over := make(chan struct{})
	go func() {
		defer close(over)
		daemon()
	}()
	call()
	<-over
}

// once runs a call of which the daemon sees one frame of a kind, and answers it so.
func (s *scripted) once(kind wire.Kind, st ntstatus.Status, rest []byte, call func()) (got *wire.Frame) {
	s.Helper()
	s.beside(func() {
		got = s.next(kind)
		s.tell(got, st, rest)
	}, call)
	return got
}

// lost checks that the connection is over, and why.
func (s *scripted) lost(why error) {
	s.Helper()
	if err := s.Err(); !errors.Is(err, why) {
		s.Errorf("the connection: %v, want %v", err, why)
	}
	if _, err := s.NewThread(); !errors.Is(err, why) {
		s.Errorf("a call on a lost connection: %v, want %v", err, why)
	}
}

// stands checks that the connection carries calls still.
func (s *scripted) stands() {
	s.Helper()
	s.once(wire.Save, ntstatus.Success, wire.AppendTicket(nil, 5), func() {
		if k, st := s.carrier().SaveImpersonation(); k != 5 || st != ntstatus.Success || s.Err() != nil {
			s.Errorf("ticket %d, %v; %v", k, st, s.Err())
		}
	})
}

// carrier returns what carries the calls of the first thread.
func (s *scripted) carrier() *thread { return s.first.Transport().(*thread) }

// TestGreeted: process, profile and first thread are those that the daemon named.
func TestGreeted(t *testing.T) {
	s := script(t)
	if s.Process() != 0x44 || s.Profile() != nt.Observed || s.Thread().Name() != "of the daemon" ||
		s.carrier().number != 1 || s.carrier().Profile() != nt.Observed || s.Err() != nil {
		t.Errorf("process %s, profile %d, thread %q %d, %v", s.Process(), s.Profile(), s.Thread().Name(),
			s.carrier().number, s.Err())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s.lost(ErrClosed)
}

// TestRefused: a daemon that answers the hello with a status does not serve this program
// (W-17), and one that hangs up, answers with success or speaks otherwise is no daemon. The
// client hangs up.
func TestRefused(t *testing.T) {
	other := wire.AppendHello(nil, hello)
	other[4] ^= 1 // of the magic
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
			if conn, err := New(ours); !errors.Is(err, c.want) || conn != nil {
				t.Errorf("%v, %v, want %v", conn, err, c.want)
			}
			<-over
			_ = theirs.SetReadDeadline(time.Unix(1, 0)) // the read tells whether the client is gone
			if _, err := theirs.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("the client did not hang up: %v", err)
			}
		})
	}
}

// TestHungUpAtHello: a daemon that is gone before it says hello is an error.
func TestHungUpAtHello(t *testing.T) {
	ours, theirs := net.Pipe()
	_ = theirs.Close()
	if c, err := New(ours); err == nil || c != nil {
		t.Errorf("%v, %v", c, err)
	}
}
