package daemon_test

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// memoryOf returns the memory of a program, in bytes.
func memoryOf(b *testing.B, pid int) int64 {
	b.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		b.Skipf("no /proc: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n := check.Must(strconv.ParseInt(strings.Fields(rest)[0], 10, 64))
			return n << 10
		}
	}
	b.Fatal("no VmRSS")
	return 0
}

// BenchmarkConnections opens 10,000 idle connections, each a process with a thread, to a daemon in another program.
// It measures that program's memory, garbage included, before and after. A client is served meanwhile.
func BenchmarkConnections(b *testing.B) {
	const n = 10_000
	var limit unix.Rlimit
	check.NoError(b, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	limit.Max = max(limit.Max, n+1000)
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		b.Skipf("%d descriptors: %v: see ulimit -Hn", limit.Max, err)
	}
	d, socket := startPart(b, "daemon")
	before := memoryOf(b, d.Pid)
	for b.Loop() {
		var conns []net.Conn
		for range n {
			c := check.Must(net.Dial("unix", socket))
			conns = append(conns, c)
			check.NoError(b, check.Err(c.Write(hello)))
			check.NoError(b, check.Err(wire.ReadFrame(c)))
		}
		b.ReportMetric(float64(memoryOf(b, d.Pid)-before)/n/1024, "KiB/connection")
		c := check.Must(client.Dial(socket))
		for range 100 {
			closeInvalid(b, c.Thread())
		}
		_ = c.Close()
		for _, c := range conns {
			_ = c.Close()
		}
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkMemory measures the memory of a process object with its token object: heap and stacks of this program.
func BenchmarkMemory(b *testing.B) {
	dir := b.TempDir()
	d := check.Must(daemon.Start(daemon.Config{State: filepath.Join(dir, "state"), Socket: filepath.Join(dir, "s"),
		Identity: peer.Accounts{}}))
	b.Cleanup(func() { _ = d.Close() })
	used := func() int64 {
		runtime.GC()
		runtime.GC() // releases what finalizers held
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	tok := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1107"))))
	before, kept := used(), 0
	for b.Loop() {
		check.NoError(b, check.Err(d.System().NewProcess("p", tok)))
		kept++
	}
	b.ReportMetric(float64(used()-before)/float64(kept)/1024, "KiB/process")
	b.ReportMetric(0, "ns/op")
}
