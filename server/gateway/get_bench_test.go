package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/sid"
)

// BenchmarkGetShipped measures GET of 4 KiB through refmond and refmon-gateway as their packages install them: two
// programs, their own configuration files, a required durable audit log. One file's SACL audits each read, the
// other's audits none. FileServer, a FileServer with the scheduling of refmon-gateway's unit, and the device's
// fdatasync alternate with them. Processor time and context switches are those of the servers, without the client's.
func BenchmarkGetShipped(b *testing.B) {
	s := newShipped(b)
	unit := programs.ReadUnit(b, "../systemd/refmon-gateway.service")
	folder := b.TempDir()
	b.Chdir(folder)
	write(b, filepath.Join(folder, "f"), make([]byte, 4096))
	caller, files := start(b, "client", 0), start(b, "files "+folder, 0)
	plain := files.line() + "/f"
	favoured := startAs(b, unit, "files "+folder, 0)
	plainFavoured := favoured.line() + "/f"
	get := func(connections int, name, url string, of ...*actor) *subject {
		return &subject{name: name, turn: func(n int) spent { return caller.get(url, connections, n, of...) }}
	}
	for _, n := range []int{1, 16, 64} {
		b.Run(fmt.Sprint("connections=", n), func(b *testing.B) {
			compare(b, n, get(n, "FileServer", plain, files), get(n, "favoured", plainFavoured, favoured),
				get(n, "unrecorded", s.url+"/share/plain", s.programs...),
				get(n, "recorded", s.url+"/share/audited", s.programs...), &subject{name: "fdatasync", turn: s.flush})
		})
	}
}

// shipped has running refmond and refmon-gateway processes.
type shipped struct {
	*world
	dir   string
	url   string
	probe *os.File // in the audit log's folder

	programs []*actor // refmond and refmon-gateway
}

func newShipped(b *testing.B) *shipped {
	b.Helper()
	if os.Getuid() != 0 {
		b.Skip("only root opens files for others")
	}
	dir, err := os.MkdirTemp("", "shipped")
	s := &shipped{world: &world{TB: b, root: filepath.Join(dir, "tree"), sids: map[string]sid.SID{}}, dir: dir}
	s.must(err)
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	s.must(os.Chmod(dir, 0o755)) //nolint:gosec // the gateway's user reads it
	for name, mode := range map[string]os.FileMode{"bin": 0o755, "state": 0o700, "tree": 0o700, "gate": 0o700} {
		s.must(os.Mkdir(filepath.Join(dir, name), mode))
	}
	s.must(os.Chown(filepath.Join(dir, "gate"), gate, gate))
	s.must(s.accounts(dir).Close())
	s.describe("", "O:BAG:SYD:P(A;OICI;FA;;;AU)")
	s.file("plain", string(make([]byte, 4096)), "O:BAG:SYD:P(A;;FR;;;AU)")
	s.file("audited", string(make([]byte, 4096)), "O:BAG:SYD:P(A;;FR;;;AU)S:(AU;SA;FR;;;WD)")
	s.probe, err = os.Create(filepath.Join(dir, "state", "probe"))
	s.must(err)
	b.Cleanup(func() { _ = s.probe.Close() })
	build := exec.CommandContext(b.Context(), "go", "build", "-o", filepath.Join(dir, "bin"), "../cmd/refmond",
		"../cmd/refmon-gateway")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as in the packages
	out, err := build.CombinedOutput()
	check.RequireThat(b, err == nil, "%v\n%s", err, out)
	ports := [2]string{freePort(b), freePort(b)}
	s.url = "https://127.0.0.1:" + ports[0]
	write(b, filepath.Join(dir, "refmond.yaml"), fmt.Appendf(nil, "state: %[1]s/state\nsocket: %[1]s/s\n"+
		"adminSocket: %[1]s/a\ncomputer: host\nprivileges: {%[2]d: [SeImpersonatePrivilege]}\n"+
		"trees: {share: {path: %[1]s/tree}}\naudit: {policy: {File System: both}}\n", dir, gate))
	write(b, filepath.Join(dir, "gateway.yaml"), fmt.Appendf(nil, "socket: %[1]s/s\nfiles: 127.0.0.1:%[2]s\n"+
		"console: 127.0.0.1:%[3]s\ntrees: [share]\nstate: %[1]s/gate\n", dir, ports[0], ports[1]))
	s.must(os.Chmod(filepath.Join(dir, "gateway.yaml"), 0o644)) //nolint:gosec // the gateway's user reads it
	s.serve(0, "refmond", "refmond")
	s.serve(gate, "gateway", "refmon-gateway")
	return s
}

// serve starts a program as its unit does, with the configuration of that name, and waits until it takes connections.
func (s *shipped) serve(uid uint32, name, program string) {
	s.Helper()
	unit := programs.ReadUnit(s, filepath.Join("../systemd", program+".service"))
	line := append(unit.Through, filepath.Join(s.dir, "bin", program), "serve", "--config",
		filepath.Join(s.dir, name+".yaml"))
	c := exec.CommandContext(s.Context(), line[0], line[1:]...)
	c.Dir, c.SysProcAttr = s.dir, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	c.Env = append(os.Environ(), unit.Environment...)
	log, err := os.Create(filepath.Join(s.dir, name+".log"))
	s.must(err)
	c.Stdout, c.Stderr = log, log
	runtime.LockOSThread() // the program inherits the timer slack of this thread
	s.must(unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(unit.TimerSlack), 0, 0, 0))
	err = programs.StartApart(c)
	s.must(errors.Join(err, unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0), log.Close())) // 0 resets it
	runtime.UnlockOSThread()
	unit.Weigh(s, c)
	s.programs = append(s.programs, &actor{TB: s.TB, pid: c.Process.Pid})
	s.Cleanup(func() { _, _ = c.Process.Kill(), c.Wait() })
	for range 200 {
		text, err := os.ReadFile(filepath.Join(s.dir, name+".log"))
		s.must(err)
		if strings.Contains(string(text), "msg=ready") {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	text, _ := os.ReadFile(filepath.Join(s.dir, name+".log"))
	s.Fatalf("%s does not start:\n%s", name, text)
}

// flush writes the probe as often as a fortieth of the requests, each time with fdatasync.
func (s *shipped) flush(n int) spent {
	n = max(n/40, 1)
	began, b := time.Now(), make([]byte, 1024)
	for i := range n {
		_, err := s.probe.WriteAt(b, int64(i*len(b)))
		s.must(errors.Join(err, unix.Fdatasync(int(s.probe.Fd()))))
	}
	return costs(int64(time.Since(began)), [2]int64{}, [2]int64{}, n)
}

// freePort returns a port that was just free.
func freePort(t testing.TB) string {
	t.Helper()
	l := check.Must(net.Listen("tcp", "127.0.0.1:0"))
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// callers are concurrent clients of one path, each on its own connection.
type callers struct {
	url     string
	clients []*http.Client
	times   []time.Duration // of the requests of the newest get, sorted
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

// get sends n requests.
func (p *callers) get(ctx context.Context, n int) error {
	var all sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(n))
	failed, times := make([]error, len(p.clients)), make([][]time.Duration, len(p.clients))
	for i, c := range p.clients {
		all.Go(func() {
			for failed[i] == nil && left.Add(-1) >= 0 {
				began := time.Now()
				failed[i] = getOnce(ctx, c, p.url)
				times[i] = append(times[i], time.Since(began))
			}
		})
	}
	all.Wait()
	p.times = slices.Sorted(slices.Values(slices.Concat(times...)))
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

// spent has the time of a request in microseconds, and the context switches during it. p99 is the
// 99th percentile, 0 if it was not measured.
type spent struct{ wall, cpu, switches, p99 float64 }

// costs returns the cost of each of n requests.
func costs(took int64, before, after [2]int64, n int) spent {
	f := func(v int64) float64 { return float64(v) / float64(n) }
	return spent{wall: f(took) / 1000, cpu: f(after[0]-before[0]) / 1000, switches: f(after[1] - before[1])}
}

// subject is a measured server.
type subject struct {
	name  string
	turn  func(n int) spent // makes n requests
	turns []spent
}

// connections lists the numbers of concurrent clients of a measurement: two, which wait for each hop, and enough to
// keep the processors busy.
var connections = []int{2, 16}

// requestsOfATurn is the number of requests of each connection before the next server's turn.
const requestsOfATurn = 100

// compare measures servers in short alternating turns, so that load of the machine affects all of them. Each ratio is
// of two turns of one round; the output has the quartiles of all rounds.
func compare(b *testing.B, connections int, all ...*subject) {
	b.Helper()
	whole := requestsOfATurn * connections
	for _, s := range all {
		s.turn(whole) // then the session is cached and the connections are open
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
		p99 := quartiles(s.turns, func(_ int, t spent) float64 { return t.p99 })
		line := fmt.Sprintf("%-10s %3.0f µs (%.0f–%.0f), of FileServer's rate %.2f (%.2f–%.2f)", s.name, wall[1], wall[0],
			wall[2], rate[1], rate[0], rate[2])
		b.ReportMetric(rate[1], s.name+"-rate")
		if p99[1] > 0 {
			line += fmt.Sprintf("; p99 %.0f µs (%.0f–%.0f)", p99[1], p99[0], p99[2])
		}
		if cpu[1] > 0 {
			line += fmt.Sprintf("; %3.0f µs of processor (%.0f–%.0f), %.1f switches, by processor %.2f (%.2f–%.2f)", cpu[1],
				cpu[0], cpu[2], switches[1], share[1], share[0], share[2])
			b.ReportMetric(share[1], s.name+"-cpu")
		}
		b.Log(line)
	}
}

// quartiles returns the first, second and third quartile.
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

// newest is a sink that keeps only its newest record in memory, so that the disk does not affect the measurement.
type newest struct{ atomic.Pointer[audit.Event] }

// Write implements audit.Sink.
func (s *newest) Write(e audit.Event) error {
	s.Store(&e)
	return nil
}

// BenchmarkGet4K measures GET of 4 KiB with a cached session, compared with net/http's FileServer
// on the same folder in the same run. Clients, gateway and refmond are in this process.
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
					before, began := cpuAndSwitches(b), time.Now()
					w.must(p.get(b.Context(), n))
					return costs(int64(time.Since(began)), before, cpuAndSwitches(b), n)
				}}
			}
			compare(b, n, turns("FileServer", bare.URL+"/f"), turns("gateway", w.url+"/share/f"))
		})
	}
}

// cpuAndSwitches returns this program's processor time in nanoseconds and its number of context switches.
func cpuAndSwitches(b *testing.B) (u [2]int64) {
	b.Helper()
	var r unix.Rusage
	check.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &r))
	return [2]int64{r.Utime.Nano() + r.Stime.Nano(), r.Nvcsw + r.Nivcsw}
}
