package client

import (
	"bytes"
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// scriptSocket connects a client to a scripted daemon over a socket, which can pass descriptors.
func scriptSocket(t *testing.T) *scripted {
	t.Helper()
	return scriptOver(t, func() (net.Conn, net.Conn) {
		daemon, file, err := wire.Pair("client")
		check.NoError(t, err)
		ours, err := net.FileConn(file)
		_ = file.Close()
		check.NoError(t, err)
		return ours, daemon
	})
}

// replyWithFiles answers a request with descriptors.
func (s *scripted) replyWithFiles(f *wire.Frame, st ntstatus.Status, rest []byte, files ...*os.File) {
	body := append(append([]byte{byte(len(files))}, status(st)...), rest...)
	b := wire.AppendFrame(nil, &wire.Frame{Kind: wire.AnswerWith, Request: f.Request, Body: body})
	var fds []int
	for _, file := range files {
		fds = append(fds, int(file.Fd()))
	}
	if _, _, err := s.end.(*net.UnixConn).WriteMsgUnix(b, unix.UnixRights(fds...), nil); err != nil {
		s.Error(err)
	}
}

// replyWithPipes answers a request with n descriptors of the writing end of a pipe, for 0 with an ordinary answer. It
// returns the reading end, which ends once all of them are closed.
func (s *scripted) replyWithPipes(f *wire.Frame, st ntstatus.Status, rest []byte, n int) *os.File {
	r, w, err := os.Pipe()
	if err != nil {
		s.Error(err)
		return nil
	}
	defer w.Close()
	if n == 0 {
		s.reply(f, st, rest)
		return r
	}
	s.replyWithFiles(f, st, rest, slices.Repeat([]*os.File{w}, n)...)
	return r
}

// With a success the caller gets one descriptor. The client closes additional, unexpected and refused ones. Only an
// expected refusal keeps the connection open (W-50).
func TestClientClosesUnexpectedDescriptors(t *testing.T) {
	file := func(s *scripted) (*os.File, bool) {
		f, err := s.File(s.first, 4)
		return f, err == nil
	}
	open := func(s *scripted) (*os.File, bool) {
		_, f, st := s.OpenFile(s.first, nt.CreateFileIn{})
		return f, st == ntstatus.Success
	}
	openAs := func(s *scripted) (*os.File, bool) {
		o, st := s.OpenFileAs(s.first, 4, nt.CreateFileIn{})
		return o.File, st == ntstatus.Success
	}
	as := func(s *scripted) (*os.File, bool) {
		f, uid, err := s.AttachAs(4)
		return f, err == nil && uid == 1000
	}
	save := func(s *scripted) (*os.File, bool) {
		_, st := s.carrier().SaveImpersonation()
		return nil, st == ntstatus.Success
	}
	uid := []byte{0xe8, 3, 0, 0}
	for name, c := range map[string]struct {
		kind        wire.Kind
		st          ntstatus.Status
		rest        []byte
		n           int
		call        func(*scripted) (*os.File, bool)
		given, open bool
	}{
		"one":               {wire.HandOut, 0, nil, 1, file, true, true},
		"none":              {wire.HandOut, 0, nil, 0, file, false, false},
		"two":               {wire.HandOut, 0, nil, 2, file, false, false},
		"refused":           {wire.HandOut, ntstatus.AccessDenied, nil, 1, file, false, true},
		"opened":            {wire.CallWith, 0, nil, 1, open, true, true},
		"two of a file":     {wire.CallWith, 0, nil, 2, open, false, false},
		"open refused":      {wire.CallWith, ntstatus.AccessDenied, nil, 1, open, false, false},
		"malformed":         {wire.CallWith, 0, []byte{1}, 1, open, false, false},
		"opened as client":  {wire.ThenWith, 0, nil, 1, openAs, true, true},
		"two as client":     {wire.ThenWith, 0, nil, 2, openAs, false, false},
		"half of an end":    {wire.ThenWith, 0, nil, 1, openAs, false, false},
		"without a client":  {wire.ThenWith, 0, nil, 1, openAs, false, false},
		"uid":               {wire.AttachAs, 0, uid, 1, as, true, true},
		"no uid":            {wire.AttachAs, 0, uid[:2], 1, as, false, false},
		"not requested":     {wire.Save, 0, wire.AppendTicket(nil, 1), 1, save, false, false},
		"another request's": {wire.Save, 0, wire.AppendTicket(nil, 1), 1, save, false, false},
		"none of a ticket":  {wire.Save, 0, nil, 1, save, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := scriptSocket(t)
			var r *os.File
			s.concurrently(func() {
				if c.kind == wire.ThenWith {
					s.reply(s.next(wire.Call), map[string]ntstatus.Status{"without a client": ntstatus.NoToken}[name], nil)
				}
				f := s.next(c.kind)
				opens := c.kind == wire.ThenWith || c.kind == wire.CallWith
				check.That(t, !opens || f.Service == s.services["NtCreateFile"], "service %d", f.Service)
				if name == "another request's" {
					f.Request++
				}
				r = s.replyWithPipes(f, c.st, c.rest, c.n)
				if c.kind == wire.ThenWith && name == "half of an end" {
					s.write(&wire.Frame{Kind: wire.Answer, Request: s.next(wire.Call).Request, Body: []byte{1}})
				} else if c.kind == wire.ThenWith {
					s.reply(s.next(wire.Call), 0, nil)
				}
			}, func() {
				f, ok := c.call(s)
				check.That(t, ok == c.given && (f != nil) == c.given,
					"got file %v, ok %t; want a file and true: %t", f, ok, c.given)
				if f != nil {
					if _, err := f.WriteString("x"); err != nil {
						t.Error(err)
					}
					_ = f.Close()
				}
			})
			defer r.Close()
			_ = r.SetReadDeadline(time.Now().Add(time.Minute))
			want := ""
			if c.given {
				want = "x"
			}
			if b, err := io.ReadAll(r); err != nil || string(b) != want { // it ends once no descriptor is open
				t.Errorf("the pipe received %q, %v; want %q", b, err, want)
			}
			s.mu.Lock()
			check.Equal(t, len(s.waiting), 0, "calls that wait")
			s.mu.Unlock()
			if (s.Err() == nil) != c.open {
				t.Errorf("the connection ended with %v, want it to stay open: %t", s.Err(), c.open)
			}
		})
	}
}

// A frame that is longer than the socket's buffer arrives once and whole.
func TestLongFrameArrivesOnce(t *testing.T) {
	s := scriptSocket(t)
	body := bytes.Repeat([]byte("12345"), MaxRequest/5)
	f := s.once(wire.Administer, 0, nil, func() { check.NoError(t, check.Err(s.Administer(body))) })
	check.That(t, bytes.Equal(f.Body, body), "the daemon received %d other bytes, want %d", len(f.Body), len(body))
}
