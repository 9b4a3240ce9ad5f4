package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
)

// callers are clients that get a path at once, each on a connection of its own.
type callers struct {
	url     string
	clients []*http.Client
}

func newCallers(url string, n int) *callers {
	p := &callers{url: url}
	for range n {
		p.clients = append(p.clients, &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}, //nolint:gosec // of a test
			TLSNextProto:    map[string]func(string, *tls.Conn) http.RoundTripper{}}})
	}
	return p
}

// get makes so many requests.
func (p *callers) get(ctx context.Context, n int) error {
	var all sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(n))
	failed := make([]error, len(p.clients))
	for i, c := range p.clients {
		all.Go(func() {
			for failed[i] == nil && left.Add(-1) >= 0 {
				failed[i] = getOnce(ctx, c, p.url)
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

func getOnce(ctx context.Context, c *http.Client, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	r.SetBasicAuth("alice", "pw-x")
	answer, err := c.Do(r)
	if err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if err == nil && (n != 4096 || answer.StatusCode != http.StatusOK) {
		err = fmt.Errorf("%d bytes, %d", n, answer.StatusCode)
	}
	return err
}

// spent has the time that a request took in a turn, in microseconds, and how often the host's
// kernel gave a processor to another thread meanwhile.
type spent struct{ wall, cpu, switches float64 }

// each returns what each of n requests took.
func each(took int64, before, after [2]int64, n int) spent {
	f := func(v int64) float64 { return float64(v) / float64(n) }
	return spent{f(took) / 1000, f(after[0]-before[0]) / 1000, f(after[1] - before[1])}
}

// subject is a server that is measured.
type subject struct {
	name  string
	turn  func(n int) spent // makes n requests
	turns []spent
}

// connections are of how many clients at once a rate is measured: of two, who wait for each hop of their
// request, and of as many as keep the processors busy.
var connections = []int{2, 16}

// requestsOfATurn is how many requests of each connection one server has before it is another one's turn.
const requestsOfATurn = 100

// compare measures servers by short turns, so that a slow hour of the machine is that of
// all. Each ratio is of two turns of one round; the line says the quartiles of all rounds.
func compare(b *testing.B, connections int, all ...*subject) {
	b.Helper()
	whole := requestsOfATurn * connections
	for _, s := range all {
		s.turn(whole) // the session is known then, and the connections stand
	}
	b.ResetTimer()
	for round, left := 0, b.N; left > 0; round, left = round+1, left-whole {
		for i := range all {
			s := all[(round+i)%len(all)]
			s.turns = append(s.turns, s.turn(min(left, whole)))
		}
	}
	b.StopTimer()
	first := all[0].turns
	for _, s := range all {
		wall := quartiles(s.turns, func(_ int, t spent) float64 { return t.wall })
		cpu := quartiles(s.turns, func(_ int, t spent) float64 { return t.cpu })
		rate := quartiles(s.turns, func(i int, t spent) float64 { return first[i].wall / t.wall })
		share := quartiles(s.turns, func(i int, t spent) float64 { return first[i].cpu / t.cpu })
		switches := quartiles(s.turns, func(_ int, t spent) float64 { return t.switches })
		b.Logf("%-10s %3.0f µs (%.0f–%.0f), %3.0f of processor (%.0f–%.0f), %.1f switches; "+
			"of FileServer's rate %.2f (%.2f–%.2f), by processor %.2f (%.2f–%.2f)", s.name, wall[1], wall[0], wall[2],
			cpu[1], cpu[0], cpu[2], switches[1], rate[1], rate[0], rate[2], share[1], share[0], share[2])
		b.ReportMetric(rate[1], s.name+"-rate")
		b.ReportMetric(share[1], s.name+"-cpu")
	}
}

// quartiles returns the quarter, the half and the three quarters of what turns took.
func quartiles(turns []spent, of func(i int, t spent) float64) (q [3]float64) {
	var all []float64
	for i, t := range turns {
		all = append(all, of(i, t))
	}
	slices.Sort(all)
	for i := range q {
		q[i] = all[len(all)*(i+1)/4]
	}
	return q
}

// newest is a trail that keeps its newest record: a real one takes a record to a disk, whose
// time is the disk's.
type newest struct{ atomic.Pointer[audit.Event] }

// Write implements audit.Sink.
func (s *newest) Write(e audit.Event) error {
	s.Store(&e)
	return nil
}

// BenchmarkGet4K is SYSTEM's row: GET of 4 KiB by a client whose session is known, beside
// net/http's FileServer on the same folder in the same run. Clients, gateway and refmond are
// this one program.
func BenchmarkGet4K(b *testing.B) {
	w := newWorld(b, shared)
	w.d.System().Audit().Sink = new(newest)
	w.file("f", string(make([]byte, 4096)), shared)
	plain := filepath.Join(b.TempDir(), "f")
	write(b, plain, make([]byte, 4096))
	bare := httptest.NewTLSServer(http.FileServer(http.Dir(filepath.Dir(plain))))
	b.Cleanup(bare.Close)
	for _, n := range connections {
		b.Run(fmt.Sprint("connections=", n), func(b *testing.B) {
			turns := func(name, url string) *subject {
				p := newCallers(url, n)
				return &subject{name: name, turn: func(n int) spent {
					before, began := used(b), time.Now()
					w.must(p.get(b.Context(), n))
					return each(int64(time.Since(began)), before, used(b), n)
				}}
			}
			compare(b, n, turns("FileServer", bare.URL+"/f"), turns("gateway", w.url+"/share/f"))
		})
	}
}

// used returns the time that the processors spent on this program, in nanoseconds, and how
// often they were given to another thread.
func used(b *testing.B) (u [2]int64) {
	b.Helper()
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return [2]int64{r.Utime.Nano() + r.Stime.Nano(), r.Nvcsw + r.Nivcsw}
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
	if got := testing.AllocsPerRun(300, func() { w.ask("alice", "GET", "/share/f", "") }); got > 185 {
		t.Errorf("a GET takes %.0f pieces of memory, want at most 185", got)
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

// BenchmarkList is PROPFIND of a directory of 100 files, with all that a client asks of each.
func BenchmarkList(b *testing.B) {
	w := newWorld(b, shared)
	for i := range 100 {
		w.file(fmt.Sprintf("d/f%d", i), "f", shared)
	}
	w.describe("d", shared)
	b.ReportAllocs()
	for b.Loop() {
		if got := w.ask("alice", "PROPFIND", "/share/d/", "", "Depth", "1"); got.code != 207 {
			b.Fatal(got)
		}
	}
}

// BenchmarkPut is PUT of 4 KiB over a file that is there.
func BenchmarkPut(b *testing.B) {
	const changed = "O:BAG:SYD:P(A;OICI;FA;;;AU)"
	w := newWorld(b, changed)
	w.file("f", "f", changed)
	body := string(make([]byte, 4096))
	b.ReportAllocs()
	for b.Loop() {
		if got := w.ask("alice", "PUT", "/share/f", body); got.code != 204 && got.code != 201 {
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
