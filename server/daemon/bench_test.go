package daemon_test

import (
	"io"
	"net"
	"path/filepath"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/ntstatus"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/winnt"
)

// BenchmarkPingPong is 64 bytes there and back over a Unix socket: the least that a
// call over the socket costs (compare BenchmarkCall).
func BenchmarkPingPong(b *testing.B) {
	l, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, _ = io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{c}, make([]byte, 64))
		}
	}()
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 64)
	for b.Loop() {
		if _, err := c.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCall is NtClose of a handle that is not there, over the socket.
func BenchmarkCall(b *testing.B) {
	dir := b.TempDir()
	d, err := daemon.Start(daemon.Config{State: filepath.Join(dir, "state"), Socket: filepath.Join(dir, "s"),
		Identity: peer.Accounts{}})
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = d.Serve() }()
	defer func() { _ = d.Close() }()
	c, err := client.Dial(filepath.Join(dir, "s"))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	th := c.Thread()
	for b.Loop() {
		if st := th.NtClose(winnt.Handle(4)); st != ntstatus.InvalidHandle {
			b.Fatal(st)
		}
	}
}
