package nt_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A server cannot act as a client that allows only SecurityIdentification, the level for nil (I-1).
func TestServerCannotActAtIdentification(t *testing.T) {
	_, server, client := pipePair(t)
	l := must(server.ListenPipe("who", everyone))
	defer l.Close()
	c := must(client.DialPipe("who", nil))
	defer c.Close()
	s := must(l.AcceptPipe())
	defer s.Close()
	c.Write([]byte("x"))
	s.Read(make([]byte, 1))
	revert := must(s.ImpersonateClient(server))
	defer revert()
	if _, st := server.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY,
		false); st != ntstatus.BadImpersonationLevel {
		t.Errorf("as the client: %v, want %v", st, ntstatus.BadImpersonationLevel)
	}
	h, st := server.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
	if st != ntstatus.Success {
		t.Fatalf("as self: %v, want %v", st, ntstatus.Success)
	}
	server.NtClose(h)
}

// A connection keeps the bounds of messages. A deadline or a close ends a read that waits.
func TestPipeConnKeepsMessagesAndDeadlines(t *testing.T) {
	_, server, client := pipePair(t)
	cfg := everyone
	cfg.Message = true
	l := must(server.ListenPipe("m", cfg))
	c := must(client.DialPipe("m", nil))
	s := must(l.Accept())
	for _, m := range []string{"one", "three"} {
		if _, err := c.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 4)
	for _, want := range []string{"one", "thre", "e"} {
		n, err := s.Read(buf)
		if err != nil || string(buf[:n]) != want {
			t.Errorf("read %q, %v; want %q", buf[:n], err, want)
		}
	}
	s.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := s.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("deadline: %v, want %v", err, os.ErrDeadlineExceeded)
	}
	s.SetReadDeadline(time.Time{})
	done := make(chan error, 2)
	go func() { _, err := s.Read(buf); done <- err }()
	go func() { _, err := l.Accept(); done <- err }()
	c.Close()
	if err := <-done; !errors.Is(err, io.EOF) {
		t.Errorf("read after the other end closed: %v, want %v", err, io.EOF)
	}
	l.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after close: %v, want %v", err, net.ErrClosed)
	}
	if _, err := client.DialPipe("m", nil); err == nil {
		t.Error("dialled a pipe that is gone")
	}
	s.Close()
}
