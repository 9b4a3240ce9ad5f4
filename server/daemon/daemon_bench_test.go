package daemon_test

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/client"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/winnt"
)

// contended returns the seconds that goroutines have waited for the locks of each function, from
// the mutex profile. The profile counts a wait at the unlock.
func contended(b *testing.B) map[string]float64 {
	b.Helper()
	var text bytes.Buffer
	if err := pprof.Lookup("mutex").WriteTo(&text, 1); err != nil {
		b.Fatal(err)
	}
	waited, second, now := map[string]float64{}, 0.0, 0.0
	for line := range strings.Lines(text.String()) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "cycles/second="); ok {
			second, _ = strconv.ParseFloat(rest, 64)
		} else if cycles, _, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(line, "#") {
			now, _ = strconv.ParseFloat(cycles, 64)
		} else if f := strings.Fields(line); len(f) > 2 && f[0] == "#" && now > 0 {
			name, _, _ := strings.Cut(f[2], "+")
			if !strings.HasPrefix(name, "sync.") && !strings.HasPrefix(name, "internal/sync.") {
				waited[name] += now / second
				now = 0
			}
		}
	}
	return waited
}

// BenchmarkLocks runs eight clients of a daemon in this program that open, query and close their token as fast as
// they can. It prints the locks with the longest waits, and the worst one's share of the time of all eight clients.
func BenchmarkLocks(b *testing.B) {
	dir := b.TempDir()
	socket := filepath.Join(dir, "s")
	d, err := daemon.Start(daemon.Config{State: filepath.Join(dir, "state"), Socket: socket, Identity: peer.Accounts{}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = d.Close() })
	go func() { _ = d.Serve() }()
	const clients = 8
	var conns []*client.Conn
	for range clients {
		c, err := client.Dial(socket)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	before := runtime.SetMutexProfileFraction(1)
	defer runtime.SetMutexProfileFraction(before)
	start := contended(b)
	done := make(chan bool)
	for b.Loop() {
		for _, c := range conns {
			go func() {
				for range 500 {
					h, _ := c.Thread().NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
					_, _ = c.Thread().NtQueryInformationToken(h, winnt.TokenUser)
					_ = c.Thread().NtClose(h)
				}
				done <- true
			}()
		}
		for range clients {
			<-done
		}
	}
	all := b.Elapsed().Seconds() * clients
	waited := contended(b)
	for name := range waited {
		waited[name] -= start[name]
		if !strings.Contains(name, "refmon") || strings.Contains(name, "refmon/client.") {
			delete(waited, name) // the clients' own, and Go's
		}
	}
	names := slices.SortedFunc(maps.Keys(waited), func(x, y string) int {
		return int(1e9 * (waited[y] - waited[x]))
	})
	worst := 0.0
	for _, name := range names[:min(5, len(names))] {
		worst = max(worst, waited[name]/all)
		fmt.Printf("%8.4f %% of the time waiting: %s\n", 100*waited[name]/all, name)
	}
	b.ReportMetric(100*worst, "%-worst-lock")
	b.ReportMetric(0, "ns/op")
}
