package wired

import (
	"net"
	"path/filepath"
	"sync"
	"testing"
)

// Listen gives each program that connects to a Unix socket to serve, on a goroutine of
// its own, and returns the socket's address. stop ends the listening and returns when
// all have been served.
func Listen(t testing.TB, serve func(net.Conn)) (address string, stop func()) {
	t.Helper()
	address = filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", address)
	if err != nil {
		t.Skipf("no Unix sockets: %v", err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serve(c) })
		}
	})
	return address, func() {
		_ = l.Close()
		serving.Wait()
	}
}

// Sockets returns what makes streams of a Unix socket, for [Connections].
func Sockets(t testing.TB) func() (ours, theirs net.Conn, err error) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Skipf("no Unix sockets: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var one sync.Mutex
	return func() (ours, theirs net.Conn, err error) {
		one.Lock()
		defer one.Unlock()
		if ours, err = net.Dial("unix", l.Addr().String()); err == nil {
			theirs, err = l.Accept()
		}
		return ours, theirs, err
	}
}
