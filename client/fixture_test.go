package client

import (
	"errors"
	"net"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// scripted is a connection with its daemon's end, at which the test writes the answers.
type scripted struct {
	*testing.T
	*Conn
	end  net.Conn
	from *wire.Reader
}

// hello has the process and the thread that the daemon announces.
var hello = wire.HelloBody{Profile: uint8(nt.Observed), Process: 0x44, Thread: "of the daemon"}

// newScripted connects a client to a scripted daemon that has sent its hello.
func newScripted(t *testing.T) *scripted {
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
		f, err := s.from.Frame()
		check.That(t, err == nil && f.Kind == wire.Hello && check.Err(wire.DecodeHello(f.Body)) == nil,
			"hello of the client: %+v, %v; want kind %v", f, err, wire.Hello)
		s.write(&wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, hello)})
	}()
	c, err := New(ours)
	<-greeted
	check.NoError(t, err)
	s.Conn = c
	t.Cleanup(func() {
		_ = c.Close()
		_ = theirs.Close()
	})
	return s
}

// write sends a frame to the client.
func (s *scripted) write(f *wire.Frame) {
	check.Equal(s, check.Err(s.end.Write(wire.AppendFrame(nil, f))), nil, "writing a frame to the client")
}

// next reads the client's next frame and checks its kind. It returns an empty frame if the read fails.
func (s *scripted) next(kind wire.Kind) *wire.Frame {
	f, err := s.from.Frame()
	if err != nil {
		s.Errorf("reading a frame of kind %d: %v", kind, err)
		return &wire.Frame{}
	}
	check.That(s, f.Kind == kind, "frame of kind %d, want %d", f.Kind, kind)
	return f
}

// reply answers a request with a status and a body.
func (s *scripted) reply(f *wire.Frame, st ntstatus.Status, rest []byte) {
	s.write(&wire.Frame{Kind: wire.Answer, Request: f.Request, Body: append(status(st), rest...)})
}

// status returns the head of an answer: four bytes of the status and a 0 byte for no reason.
func status(st ntstatus.Status) []byte {
	return []byte{byte(st), byte(st >> 8), byte(st >> 16), byte(st >> 24), 0}
}

// concurrently runs daemon and call concurrently and returns after both have returned.
func (s *scripted) concurrently(daemon, call func()) {
	s.Helper()
	over := make(chan struct{})
	go func() {
		defer close(over)
		daemon()
	}()
	call()
	<-over
}

// once makes a call, reads its one frame of the given kind and answers it. It returns the frame.
func (s *scripted) once(kind wire.Kind, st ntstatus.Status, rest []byte, call func()) (got *wire.Frame) {
	s.Helper()
	s.concurrently(func() {
		got = s.next(kind)
		s.reply(got, st, rest)
	}, call)
	return got
}

// checkLost checks that the connection has ended with the error.
func (s *scripted) checkLost(why error) {
	s.Helper()
	if err := s.Err(); !errors.Is(err, why) {
		s.Errorf("Err of the connection: %v, want %v", err, why)
	}
	_, err := s.NewThread()
	check.That(s, errors.Is(err, why), "NewThread on a lost connection: %v, want %v", err, why)
}

// checkAlive checks that the connection still works.
func (s *scripted) checkAlive() {
	s.Helper()
	s.once(wire.Save, ntstatus.Success, wire.AppendTicket(nil, 5), func() {
		if k, st := s.carrier().SaveImpersonation(); k != 5 || st != ntstatus.Success || s.Err() != nil {
			s.Errorf("SaveImpersonation: ticket %d, %v; Err %v; want 5, %v, nil", k, st, s.Err(), ntstatus.Success)
		}
	})
}

// carrier returns the transport of the first thread.
func (s *scripted) carrier() *thread { return s.first.Transport().(*thread) }
