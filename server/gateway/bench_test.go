package gateway

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
)

// fetch gets a path again and again on one connection a goroutine.
func fetch(b *testing.B, s *httptest.Server, path string) {
	b.Helper()
	before := processor(b)
	defer func() { b.ReportMetric(float64(processor(b)-before)/float64(b.N)/1000, "cpu-µs/op") }()
	b.RunParallel(func(pb *testing.PB) {
		transport := s.Client().Transport.(*http.Transport).Clone()
		transport.ForceAttemptHTTP2, transport.TLSNextProto = false, map[string]func(string, *tls.Conn) http.RoundTripper{}
		transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
		defer transport.CloseIdleConnections()
		c := &http.Client{Transport: transport}
		for pb.Next() {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.URL+path, nil)
			if err != nil {
				b.Error(err)
				return
			}
			r.SetBasicAuth("alice", "pw-x")
			answer, err := c.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			n, err := io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			if err != nil || n != 4096 || answer.StatusCode != http.StatusOK {
				b.Errorf("%d bytes, %d, %v", n, answer.StatusCode, err)
				return
			}
		}
	})
}

// processor returns the time that the processors spent on this program, in nanoseconds: other
// than the time that passed, it says something on a busy machine, too.
func processor(b *testing.B) int64 {
	b.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}

// BenchmarkGet4K is SYSTEM's row: GET of 4 KiB by a client whose session is known, beside
// net/http's FileServer on the same folder in the same run, by itself and with the time-outs
// that the gateway has (G-24). refmond runs in the same program here, as do the clients.
func BenchmarkGet4K(b *testing.B) {
	w := newWorld(b, shared)
	w.d.System().Audit().Sink = audit.NewMemory(64, 0) // records of a real trail are in a file
	w.file("f", string(make([]byte, 4096)), shared)
	plain := filepath.Join(b.TempDir(), "f")
	write(b, plain, make([]byte, 4096))
	files := http.FileServer(http.Dir(filepath.Dir(plain)))
	bare := httptest.NewTLSServer(files)
	defer bare.Close()
	bounded := w.listen(files)
	b.Run("FileServer", func(b *testing.B) { fetch(b, bare, "/f") })
	b.Run("FileServerBounded", func(b *testing.B) { fetch(b, bounded, "/f") })
	b.Run("Gateway", func(b *testing.B) { fetch(b, w.server, "/share/f") })
}

// TestGetAllocates: a GET of a known client takes so many pieces of memory, those of the client,
// of the gateway and of refmond together, by HTTP/2.
func TestGetAllocates(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector, with which the short tests run, makes pools forget")
	}
	w := newWorld(t, shared)
	w.file("f", string(make([]byte, 4096)), shared)
	w.want(200, "alice", "GET", "/share/f", "")
	if got := testing.AllocsPerRun(300, func() { w.ask("alice", "GET", "/share/f", "") }); got > 205 {
		t.Errorf("a GET takes %.0f pieces of memory, want at most 205", got)
	} else {
		t.Logf("%.0f pieces of memory", got)
	}
}

// BenchmarkStat is a question of WebDAV with a known session: PROPFIND of one file.
func BenchmarkStat(b *testing.B) {
	w := newWorld(b, shared)
	w.file("f", "f", shared)
	b.ReportAllocs()
	for b.Loop() {
		if got := w.ask("alice", "PROPFIND", "/share/f", "", "Depth", "0"); got.code != 207 {
			b.Fatal(got)
		}
	}
}

// TestMemory: what an idle connection of a known client holds is bounded; the figure is that
// of both ends in this program.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it opens 200 connections")
	}
	w := newWorld(t, shared)
	w.file("f", "f", shared)
	w.want(200, "alice", "GET", "/share/f", "")
	const connections = 200
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var kept []*http.Transport
	for range connections {
		transport := w.server.Client().Transport.(*http.Transport).Clone()
		answer, err := (&http.Client{Transport: transport}).Do(w.request("alice", "GET", "/share/f", ""))
		w.must(err)
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		kept = append(kept, transport)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse) / connections
	t.Logf("%d KiB a connection, client and server", each>>10)
	if each > 256<<10 {
		t.Errorf("a connection holds %d KiB", each>>10)
	}
	for _, transport := range kept {
		transport.CloseIdleConnections()
	}
}
