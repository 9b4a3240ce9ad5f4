package wired

import (
	"net"
	"path/filepath"
	"sync"
	"testing"
)

// Listen listens on a Unix socket and calls serve for each connection in a new goroutine. It returns the socket's
// address. stop closes the socket and waits until all calls of serve have returned.
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

// Sockets returns a function for [Connections] that makes the two ends of a Unix socket connection.
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
