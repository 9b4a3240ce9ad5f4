package daemon_test

import (
	"bufio"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"io"
	"net"
	"path/filepath"
	"runtime"
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

// bench starts a daemon for a benchmark.
func bench(b *testing.B, limits daemon.Limits) (d *daemon.Daemon, socket string) {
	b.Helper()
	dir := b.TempDir()
	d, err := daemon.Start(daemon.Config{State: filepath.Join(dir, "state"), Socket: filepath.Join(dir, "s"),
		Identity: peer.Accounts{}, Limits: limits})
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = d.Serve() }()
	b.Cleanup(func() { _ = d.Close() })
	return d, filepath.Join(dir, "s")
}

// BenchmarkCall is NtClose of a handle that is not there, over the socket.
func BenchmarkCall(b *testing.B) {
	_, socket := bench(b, daemon.Limits{})
	c, err := client.Dial(socket)
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

// BenchmarkBatch is the same with a hundred calls sent at once, of several threads.
func BenchmarkBatch(b *testing.B) {
	_, socket := bench(b, daemon.Limits{})
	conn, err := net.Dial("unix", socket)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	from := bufio.NewReader(conn)
	if _, err := conn.Write(hello); err != nil {
		b.Fatal(err)
	}
	if _, err := wire.ReadFrame(from); err != nil {
		b.Fatal(err)
	}
	row := wire.Rows()[nt.NtTable.Find("NtClose").Info().Number]
	body, err := row.AppendCall(nil, nt.CloseIn{Handle: 4}, false)
	if err != nil {
		b.Fatal(err)
	}
	const calls = 100
	var frames []byte
	for i := range uint64(calls) {
		frames = wire.AppendFrame(frames, &wire.Frame{Kind: wire.Call, Request: i, Thread: 1, Service: row.Service,
			Body: body})
	}
	for b.Loop() {
		if _, err := conn.Write(frames); err != nil {
			b.Fatal(err)
		}
		for range calls {
			if _, err := wire.ReadFrame(from); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N*calls)/b.Elapsed().Seconds(), "calls/s")
}

// BenchmarkMemory weighs what stays behind: an idle connection with its process, both
// halves of its socket with it, and a process alone; heap and stacks of this program.
func BenchmarkMemory(b *testing.B) {
	const n = 1000
	d, socket := bench(b, daemon.Limits{PerUser: 1 << 20, Connections: 1 << 20, Threads: 1 << 20})
	used := func() int64 {
		runtime.GC()
		runtime.GC() // what finalizers held
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	b.Run("process", func(b *testing.B) {
		tok, err := token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1107")))
		if err != nil {
			b.Fatal(err)
		}
		before := used()
		kept := 0
		for b.Loop() {
			for range n {
				if _, err := d.System().NewProcess("p", tok); err != nil {
					b.Fatal(err)
				}
				kept++
			}
		}
		b.ReportMetric(float64(used()-before)/float64(kept)/1024, "KiB/process")
	})
	b.Run("connection", func(b *testing.B) {
		before := used()
		var conns []net.Conn
		for b.Loop() {
			for range n {
				c, err := net.Dial("unix", socket)
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { _ = c.Close() })
				conns = append(conns, c)
				if _, err := c.Write(hello); err != nil {
					b.Fatal(err)
				}
				if _, err := wire.ReadFrame(c); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(used()-before)/float64(len(conns))/1024, "KiB/connection")
	})
}
