package daemon_test

import (
	"bufio"
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// pingPong sends 64 bytes and reads the echo: the minimal cost of a call over a socket.
func pingPong(b *testing.B, conn net.Conn, buf []byte) {
	check.NoError(b, check.Err(conn.Write(buf)))
	check.NoError(b, check.Err(io.ReadFull(conn, buf)))
}

// closeInvalid calls NtClose with an invalid handle.
func closeInvalid(b *testing.B, th *nt.Thread) {
	if st := th.NtClose(winnt.Handle(4)); st != ntstatus.InvalidHandle {
		b.Fatal(st)
	}
}

// quartile returns the first quartile of the blocks, in microseconds per call. Other programs of the machine affect the
// other quartiles.
func quartile(blocks []time.Duration, calls int) float64 {
	slices.Sort(blocks)
	return float64(blocks[len(blocks)/4]) / float64(calls) / 1e3
}

// connectEchoAndDaemon connects to an echo program and to a daemon, each in its own process.
func connectEchoAndDaemon(b *testing.B, part string) (net.Conn, *client.Conn) {
	b.Helper()
	_, echo := startPart(b, "echo")
	_, socket := startPart(b, part)
	conn := check.Must(net.Dial("unix", echo))
	b.Cleanup(func() { _ = conn.Close() })
	c := check.Must(client.Dial(socket))
	b.Cleanup(func() { _ = c.Close() })
	return conn, c
}

// BenchmarkCall compares a call over the socket to a daemon in another process with an echo of 64
// bytes in the same run, alternating.
func BenchmarkCall(b *testing.B) {
	conn, c := connectEchoAndDaemon(b, "daemon")
	const calls = 200
	var pings, services []time.Duration
	buf, th := make([]byte, 64), c.Thread()
	for b.Loop() {
		at := time.Now()
		for range calls {
			pingPong(b, conn, buf)
		}
		pings = append(pings, time.Since(at))
		at = time.Now()
		for range calls {
			closeInvalid(b, th)
		}
		services = append(services, time.Since(at))
	}
	ping, call := quartile(pings, calls), quartile(services, calls)
	b.ReportMetric(ping, "µs/ping-pong")
	b.ReportMetric(call, "µs/call")
	b.ReportMetric(call/ping, "call/ping-pong")
	b.ReportMetric(0, "ns/op")
}

// cpuTime returns the processor time of a program.
func cpuTime(b *testing.B, p *os.Process) time.Duration {
	b.Helper()
	// clock_getcpuclockid(3): the clock of a process.
	var at unix.Timespec
	check.NoError(b, unix.ClockGettime(int32(^uint32(p.Pid)<<3|2), &at))
	return time.Duration(at.Nano())
}

// BenchmarkDaemonCPU measures the daemon's processor time per call, with eight sequential clients
// and with one.
func BenchmarkDaemonCPU(b *testing.B) {
	d, socket := startPart(b, "daemon")
	var threads []*nt.Thread
	for range 8 {
		c := check.Must(client.Dial(socket))
		defer c.Close()
		threads = append(threads, c.Thread())
	}
	const calls = 2000
	costs := func(clients int) time.Duration {
		before := cpuTime(b, d)
		done := make(chan struct{})
		for _, th := range threads[:clients] {
			go func() {
				for range calls / clients {
					closeInvalid(b, th)
				}
				done <- struct{}{}
			}()
		}
		for range clients {
			<-done
		}
		return cpuTime(b, d) - before
	}
	var one, eight []time.Duration
	for b.Loop() {
		one = append(one, costs(1))
		eight = append(eight, costs(8))
	}
	b.ReportMetric(quartile(one, calls), "µs/call-of-1")
	b.ReportMetric(quartile(eight, calls), "µs/call-of-8")
	b.ReportMetric(quartile(eight, calls)/quartile(one, calls), "of-8/of-1")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkBatch measures calls of one thread that are sent a hundred at a time.
func BenchmarkBatch(b *testing.B) {
	_, socket := startPart(b, "daemon")
	conn := check.Must(net.Dial("unix", socket))
	defer conn.Close()
	from := bufio.NewReader(conn)
	check.NoError(b, check.Err(conn.Write(hello)))
	check.NoError(b, check.Err(wire.ReadFrame(from)))
	row := wire.Rows()[nt.NtTable.Find("NtClose").Info().Number]
	body := check.Must(row.AppendCall(nil, nt.CloseIn{Handle: 4}, false))
	const calls = 100
	var frames []byte
	for i := range uint64(calls) {
		frames = wire.AppendFrame(frames, &wire.Frame{Kind: wire.Call, Request: i, Thread: 1, Service: row.Service,
			Body: body})
	}
	for b.Loop() {
		check.NoError(b, check.Err(conn.Write(frames)))
		for range calls {
			check.NoError(b, check.Err(wire.ReadFrame(from)))
		}
	}
	b.ReportMetric(float64(b.N*calls)/b.Elapsed().Seconds(), "calls/s")
}
