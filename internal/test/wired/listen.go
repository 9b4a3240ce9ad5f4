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
