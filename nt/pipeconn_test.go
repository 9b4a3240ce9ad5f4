package nt_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A server cannot act as a client that allows only SecurityIdentification, the level for nil (I-1).
func TestServerCannotActAtIdentification(t *testing.T) {
	_, server, client := pipePair(t)
	l := check.Must(server.ListenPipe("who", everyone))
	defer l.Close()
	c := check.Must(client.DialPipe("who", nil))
	defer c.Close()
	s := check.Must(l.AcceptPipe())
	defer s.Close()
	c.Write([]byte("x"))
	s.Read(make([]byte, 1))
	revert := check.Must(s.ImpersonateClient(server))
	defer revert()
	check.Equal(t, check.Status(server.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY,
		false)), ntstatus.BadImpersonationLevel, "as the client")
	h := check.Result(server.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true))
	server.NtClose(h)
}

// A closed connection impersonates no client, although a later connection reuses its handle value.
func TestClosedPipeConnImpersonatesNobody(t *testing.T) {
	_, server, client := pipePair(t)
	l := check.Must(server.ListenPipe("later", everyone))
	defer l.Close()
	connect := func() (c, s *nt.PipeConn) {
		c = check.Must(client.DialPipe("later", &nt.SecurityQualityOfService{
			ImpersonationLevel: winnt.SecurityImpersonation}))
		s = check.Must(l.AcceptPipe())
		c.Write([]byte("x"))
		s.Read(make([]byte, 1))
		return c, s
	}
	c, first := connect()
	check.NoError(t, first.Close())
	c.Close()
	for range 3 { // one of them gets the handle's value
		c, s := connect()
		defer c.Close()
		defer s.Close()
	}
	check.ErrorIs(t, check.Err(first.ImpersonateClient(server)), net.ErrClosed, "impersonate")
	check.Equal(t, check.Status(server.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)),
		ntstatus.NoToken, "token of the thread")
}

// slow is the transport of a remote kernel where ending a wait takes a second. It records its calls.
type slow struct {
	nt.Transport
	calls []string
}

func (s *slow) NewThread() (nt.Transport, string, ntstatus.Status) {
	return s, "slow", ntstatus.Success
}

func (s *slow) Call(r *nt.Row, _ any, traced bool) (any, ntstatus.Status, nt.Why) {
	name := r.Info().Name
	if traced {
		name = "traced " + name
	}
	s.calls = append(s.calls, name)
	return reflect.Zero(r.OutType()).Interface(), ntstatus.Success, nt.Why{}
}

func (s *slow) CallWhenReady(r *nt.Row, in any, w nt.Wait) (any, ntstatus.Status) {
	<-w.Closed
	time.Sleep(time.Second)
	out, _, _ := s.Call(r, in, false)
	return out, ntstatus.Cancelled
}

func (s *slow) EndThread() { s.calls = append(s.calls, "end") }

func (s *slow) SaveImpersonation() (nt.Ticket, ntstatus.Status) {
	s.calls = append(s.calls, "save")
	return 7, ntstatus.Success
}

func (s *slow) RestoreImpersonation(k nt.Ticket) {
	s.calls = append(s.calls, fmt.Sprint("restore ", k))
}

// The thread of another kernel saves and restores its impersonation there. Its calls return the reasons if it is traced
// (I-76).
func TestRemoteImpersonationIsSavedThere(t *testing.T) {
	s := new(slow)
	th := nt.NewRemoteThread(s, "client")
	check.Must(th.Impersonate(4))()
	th.Trace(&recorder{})
	th.NtClose(4)
	check.Equal(t, strings.Join(s.calls, ", "), "save, NtSetInformationThread, restore 7, traced NtClose", "calls")
}

// Close of a connection to another kernel first ends the calls that wait there, and later calls fail without it.
// Otherwise such a call could use the handle's value for a later connection.
func TestCloseEndsCallsOfOtherKernel(t *testing.T) {
	for want, call := range map[string]func(c *nt.PipeConn) (int, error){
		"NtReadFile":  func(c *nt.PipeConn) (int, error) { return c.Read(make([]byte, 1)) },
		"NtWriteFile": func(c *nt.PipeConn) (int, error) { return c.Write([]byte("x")) },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := new(slow)
			c := check.Must(nt.NewRemoteThread(s, "client").DialPipe("n", nil))
			s.calls = nil
			done := make(chan error, 1)
			go func() { done <- check.Err(call(c)) }()
			synctest.Wait()
			check.NoError(t, c.Close())
			check.ErrorIs(t, <-done, net.ErrClosed, "a call during Close")
			check.ErrorIs(t, check.Err(call(c)), net.ErrClosed, "a call after Close")
			check.Equal(t, strings.Join(s.calls, " "), want+" NtClose end", "calls")
		})
	}
}

// full is the transport of a remote kernel whose files have the contents "abc", and whose pipes take two writes.
type full struct {
	slow
	writes int
}

func (f *full) NewThread() (nt.Transport, string, ntstatus.Status) {
	return f, "full", ntstatus.Success
}

func (f *full) Call(r *nt.Row, in any, traced bool) (any, ntstatus.Status, nt.Why) {
	switch r.Info().Name {
	case "NtSetInformationFile": // a pipe of bytes
		return nt.SetInformationFileOut{}, ntstatus.InvalidParameter, nt.Why{}
	case "NtReadFile":
		return nt.ReadFileOut{Buffer: []byte("abc")}, ntstatus.Success, nt.Why{}
	}
	return f.slow.Call(r, in, traced)
}

func (f *full) CallWhenReady(_ *nt.Row, in any, _ nt.Wait) (any, ntstatus.Status) {
	if f.writes++; f.writes > 2 {
		return nt.WriteFileOut{}, ntstatus.PipeBroken
	}
	return nt.WriteFileOut{Information: uint32(len(in.(nt.WriteFileIn).Buffer.V))}, ntstatus.Success
}

// The bytes that another kernel returns are copied to the caller's memory. A write in parts that fails returns the
// bytes of all parts that were taken.
func TestOtherKernelTransfersInParts(t *testing.T) {
	th, b := nt.NewRemoteThread(new(full), "client"), make([]byte, 5)
	n, st := th.NtReadFileInto(4, b, 0)
	check.That(t, st == ntstatus.Success && string(b[:n]) == "abc", "read = %q, %v, want abc", b[:n], st)
	c := check.Must(th.DialPipe("n", nil))
	n, err := c.Write(make([]byte, 3<<20))
	check.That(t, n == 2<<20 && err != nil, "write = %d bytes, %v, want 2 MiB and an error", n, err)
	check.ErrorIs(t, check.Err(c.Write([]byte("x"))), ntstatus.PipeBroken.Err(), "a write after it")
}

// waits is the transport of a remote kernel whose waits end with these statuses, one after the other.
type waits struct {
	slow
	st []ntstatus.Status
}

func (w *waits) NewThread() (nt.Transport, string, ntstatus.Status) {
	return w, "waits", ntstatus.Success
}

func (w *waits) CallWhenReady(r *nt.Row, _ any, _ nt.Wait) (out any, st ntstatus.Status) {
	st, w.st = w.st[0], w.st[1:]
	if r.Info().Name == "NtWriteFile" {
		return nt.WriteFileOut{Information: 2}, st
	}
	return reflect.Zero(r.OutType()).Interface(), st
}

// A read ends with the pipe, whichever side ended it. A cancelled wait is repeated, but not after a part was written.
func TestCancelledWaitIsRepeated(t *testing.T) {
	const cancelled = ntstatus.Cancelled
	for want, st := range map[error][]ntstatus.Status{io.EOF: {cancelled, cancelled, ntstatus.PipeBroken},
		ntstatus.AccessDenied.Err(): {ntstatus.AccessDenied}} {
		c := check.Must(nt.NewRemoteThread(&waits{st: st}, "client").DialPipe("n", nil))
		check.ErrorIs(t, check.Err(c.Read(make([]byte, 1))), want, "a read")
	}
	w := &waits{st: []ntstatus.Status{ntstatus.PipeDisconnected, cancelled}}
	c := check.Must(nt.NewRemoteThread(w, "client").DialPipe("n", nil))
	check.ErrorIs(t, check.Err(c.Read(make([]byte, 1))), io.EOF, "a read after a disconnect")
	n, err := c.Write(make([]byte, 5))
	check.That(t, n == 2 && err != nil, "a write = %d, %v, want 2 bytes and an error", n, err)
	w.st = []ntstatus.Status{ntstatus.Success} // one call, for a message is not written in parts
	check.Must(c.Write(make([]byte, 2<<20)))
	w.st = []ntstatus.Status{cancelled, ntstatus.PipeConnected}
	l := check.Must(nt.NewRemoteThread(w, "server").ListenPipe("n", everyone))
	check.Must(l.AcceptPipe())
}

// setFails are services whose NtSetInformationFile fails with st. If that is STATUS_INSUFFICIENT_RESOURCES, they also
// create no thread.
type setFails struct {
	nt.Services
	st ntstatus.Status
}

func (s setFails) NewThread() (nt.Services, string, ntstatus.Status) {
	if s.st == ntstatus.InsufficientResources {
		return nil, "", s.st
	}
	return s.Services.NewThread()
}

func (s setFails) NtSetInformationFile(nt.SetInformationFileIn) (out nt.SetInformationFileOut, st ntstatus.Status) {
	return out, s.st
}

// A dial fails if its end cannot be switched to message mode, except for a pipe of bytes and for one that the server
// disconnected (I-157). It leaves nothing, and neither does a dial of a missing pipe.
func TestFailedDialLeavesNothing(t *testing.T) {
	sys, server, client := pipePair(t)
	l := check.Must(server.ListenPipe("n", everyone))
	defer l.Close()
	before := countsOf(sys)
	for st, want := range map[ntstatus.Status]error{ntstatus.InvalidParameter: nil, ntstatus.PipeDisconnected: nil,
		ntstatus.AccessDenied: ntstatus.AccessDenied.Err()} {
		c, err := nt.NewThread(setFails{client.Services(), st}, "client").DialPipe("n", nil)
		check.ErrorIs(t, err, want, "dial")
		if err == nil {
			c.Close()
		}
		check.NoError(t, check.Must(l.Accept()).Close())
		check.ErrorIs(t, check.Err(client.DialPipe("missing", nil)), ntstatus.ObjectNameNotFound.Err(), "missing pipe")
		check.Equal(t, countsOf(sys), before, "objects, handles and references after %v", st)
	}
	th := nt.NewThread(setFails{server.Services(), ntstatus.InsufficientResources}, "server")
	check.ErrorIs(t, check.Err(th.ListenPipe("m", everyone)), ntstatus.InsufficientResources.Err(), "without a thread")
}

// A connection keeps the bounds of messages. A deadline or a close ends a read that waits.
func TestPipeConnKeepsMessagesAndDeadlines(t *testing.T) {
	_, server, client := pipePair(t)
	cfg := everyone
	cfg.Message = true
	l := check.Must(server.ListenPipe("m", cfg))
	c := check.Must(client.DialPipe("m", nil))
	s := check.Must(l.Accept())
	for _, m := range []string{"one", "three"} {
		check.NoError(t, check.Err(c.Write([]byte(m))))
	}
	buf := make([]byte, 4)
	for _, want := range []string{"one", "thre", "e"} {
		n, err := s.Read(buf)
		if err != nil || string(buf[:n]) != want {
			t.Errorf("read %q, %v; want %q", buf[:n], err, want)
		}
	}
	s.SetReadDeadline(time.Now().Add(time.Millisecond))
	check.ErrorIs(t, check.Err(s.Read(buf)), os.ErrDeadlineExceeded, "deadline")
	check.NoError(t, check.Err(s.Read(nil))) // reads nothing, so that nothing is late
	s.SetReadDeadline(time.Time{})
	done := make(chan error, 2)
	go func() { _, err := s.Read(buf); done <- err }()
	go func() { _, err := l.Accept(); done <- err }()
	c.Close()
	check.ErrorIs(t, <-done, io.EOF, "read after the other end closed")
	l.Close()
	check.ErrorIs(t, <-done, net.ErrClosed, "accept after close")
	check.That(t, check.Err(client.DialPipe("m", nil)) != nil, "DialPipe of a pipe that is gone: no error, want one")
	s.Close()
}
