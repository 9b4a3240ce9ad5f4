package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/server/daemon"
)

// roleKey is the environment variable with the role of a process of BenchmarkGet4KApart.
const roleKey = "REFMON_TEST_ROLE"

// TestMain runs a role if this program was started with one.
func TestMain(m *testing.M) {
	role, argument, _ := strings.Cut(os.Getenv(roleKey), " ")
	play := map[string]func(argument string) error{"files": playFiles, "floor": playFloor, "opener": playOpener,
		"gateway": playGateway, "client": playClient}[role]
	if play == nil {
		os.Exit(m.Run())
	}
	if err := play(argument); err != nil {
		log.Fatal(role, ": ", err)
	}
}

// serveRole prints its address and serves HTTPS until the end of standard input.
func serveRole(s *httptest.Server) error {
	s.StartTLS()
	fmt.Println(s.URL)
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// get makes the client send n requests and returns the cost per request. Processor time and context switches are those
// of the processes in of.
func (a *actor) get(url string, connections, n int, of ...*actor) spent {
	a.Helper()
	sum := func(f func(*actor) int64) (n int64) {
		for _, x := range of {
			n += f(x)
		}
		return n
	}
	before := [2]int64{sum((*actor).cpuTime), sum((*actor).switched)}
	_, _ = fmt.Fprintln(a.in, url, connections, n)
	var wall, p99 int64
	if _, err := fmt.Sscan(a.line(), &wall, &p99); err != nil {
		a.Fatal(err)
	}
	s := costs(wall, before, [2]int64{sum((*actor).cpuTime), sum((*actor).switched)}, n)
	s.p99 = float64(p99) / 1000
	return s
}

func playFiles(folder string) error {
	return serveRole(httptest.NewUnstartedServer(http.FileServer(http.Dir(folder))))
}

func playGateway(socket string) error {
	dial := func() (*client.Conn, error) { return client.DialUser(socket, 0) }
	g, err := New(Config{Dial: dial, Trees: []string{"share"}})
	if err != nil {
		return err
	}
	return serveRole(unstarted(g.Files()))
}

// playFloor serves files that another process opens and reads: the minimum work of a gateway without own rights. It
// neither decides nor records.
func playFloor(socket string) error {
	conns := make(chan net.Conn, 2)
	for range cap(conns) {
		c, err := net.Dial("unix", socket)
		if err != nil {
			return err
		}
		conns <- c
	}
	return serveRole(httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c := <-conns
		defer func() { conns <- c }()
		var b [4096]byte
		_, err := c.Write(b[:questionSize])
		if err == nil {
			_, err = io.ReadFull(c, b[:])
		}
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Length", "4096")
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(b[:])
	})))
}

// questionSize is the size of the frame by which the gateway requests a file.
const questionSize = 174

// playOpener serves file contents with the same system calls as hostfs.
func playOpener(argument string) error {
	socket, path, _ := strings.Cut(argument, " ")
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	root, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			var b [4096]byte
			for {
				_, err := io.ReadFull(c, b[:questionSize])
				if err == nil {
					err = readAsHostfs(root, filepath.Base(path), b[:])
				}
				if err == nil {
					_, err = c.Write(b[:])
				}
				if err != nil {
					_ = c.Close()
					return
				}
			}
		}()
	}
}

func readAsHostfs(root int, name string, b []byte) error {
	held, err := unix.Openat2(root, name, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV})
	if err != nil {
		return err
	}
	defer unix.Close(held)
	var s unix.Statx_t
	if err := unix.Statx(held, "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS, &s); err != nil {
		return err
	}
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(held), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Pread(fd, b, 0)
	return errors.Join(err, unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS, &s))
}

// playClient sends the number of requests over the number of connections that a line of standard input sets. It prints
// the total time and the 99th percentile.
func playClient(string) error {
	in := bufio.NewScanner(os.Stdin)
	known := map[string]*callers{}
	for in.Scan() {
		var url string
		var connections, n int
		if _, err := fmt.Sscan(in.Text(), &url, &connections, &n); err != nil {
			return err
		}
		key := fmt.Sprint(url, connections)
		if known[key] == nil {
			known[key] = newCallers(url, connections)
		}
		began := time.Now()
		if err := known[key].get(context.Background(), n); err != nil {
			return err
		}
		took, times := time.Since(began), known[key].times
		fmt.Println(int64(took), int64(times[len(times)*99/100]))
	}
	return in.Err()
}

// actor is a process with a role.
type actor struct {
	testing.TB
	pid int
	in  io.Writer
	out *bufio.Reader
}

func start(b testing.TB, role string, uid uint32) *actor {
	b.Helper()
	return startAs(b, programs.Unit{}, role, uid)
}

// startAs starts a process with a role and a unit's scheduling.
func startAs(b testing.TB, unit programs.Unit, role string, uid uint32) *actor {
	b.Helper()
	line := append(unit.Through, fmt.Sprintf("/proc/%d/exe", os.Getpid())) // its folder may be accessible to root only
	c := exec.CommandContext(b.Context(), line[0], line[1:]...)
	c.Env, c.Stderr = append(os.Environ(), roleKey+"="+role), os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	in, err := c.StdinPipe()
	out, err2 := c.StdoutPipe()
	if err = errors.Join(err, err2); err == nil {
		err = programs.StartApart(c)
	}
	check.NoError(b, err)
	unit.Weigh(b, c)
	b.Cleanup(func() { _, _ = c.Process.Kill(), c.Wait() })
	return &actor{TB: b, pid: c.Process.Pid, in: in, out: bufio.NewReader(out)}
}

func (a *actor) line() string {
	a.Helper()
	text, err := a.out.ReadString('\n')
	if err != nil {
		a.Fatal(err)
	}
	return strings.TrimSpace(text)
}

// cpuTime returns the process's CPU time, in nanoseconds.
func (a *actor) cpuTime() int64 {
	a.Helper()
	var t unix.Timespec
	clock := int32(^a.pid<<3 | 2) // clock_getcpuclockid(3)
	check.NoError(a, unix.ClockGettime(clock, &t))
	return t.Nano()
}

// switched returns the number of context switches of the process.
func (a *actor) switched() (n int64) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", a.pid)) // the pattern is valid
	for _, thread := range threads {
		text, _ := os.ReadFile(thread) // a thread may have ended
		for line := range strings.Lines(string(text)) {
			if _, count, found := strings.Cut(line, "ctxt_switches:"); found {
				v, _ := strconv.ParseInt(strings.TrimSpace(count), 10, 64)
				n += v
			}
		}
	}
	return n
}

// BenchmarkGet4KApart is BenchmarkGet4K with separate processes for the client, the FileServer, the
// gateway and refmond, and the lower bound next to them.
func BenchmarkGet4KApart(b *testing.B) {
	b.Cleanup(func() { runtime.GOMAXPROCS(runtime.NumCPU()) })
	daemon.Spare() // as the program does
	w := newWorld(b, shared)
	w.d.System().Audit().Sink = new(newest)
	w.file("f", string(make([]byte, 4096)), shared)
	folder := check.Must(os.MkdirTemp("", "get"))
	b.Cleanup(func() { _ = os.RemoveAll(folder) })
	plain, socket := filepath.Join(folder, "f"), filepath.Join(folder, "s")
	write(b, plain, make([]byte, 4096))
	caller, files, through := start(b, "client", 0), start(b, "files "+folder, 0), start(b, "gateway "+w.socket, gate)
	opener := start(b, "opener "+socket+" "+plain, 0)
	opener.line()
	floor := start(b, "floor "+socket, 0)
	self := &actor{TB: b, pid: os.Getpid()}
	turns := func(connections int, name, url string, of ...*actor) *subject {
		return &subject{name: name, turn: func(n int) spent { return caller.get(url, connections, n, append(of, caller)...) }}
	}
	plainURL, floorURL, shareURL := files.line()+"/f", floor.line()+"/f", through.line()+"/share/f"
	for _, n := range connections {
		b.Run(fmt.Sprint("connections=", n), func(b *testing.B) {
			compare(b, n, turns(n, "FileServer", plainURL, files), turns(n, "floor", floorURL, floor, opener),
				turns(n, "gateway", shareURL, through, self))
		})
	}
}
