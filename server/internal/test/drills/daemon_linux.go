package drills

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// daemon is a running program with its log.
type daemon struct {
	cmd  *exec.Cmd
	over chan struct{} // closed at the end of its log

	goroutines atomic.Int64 // as the program reported them last; 0: never

	mu  sync.Mutex
	log []string // guarded by mu
}

// service says how a machine runs a daemon.
type service struct {
	uid   uint32
	ready string // part of the line that says that it is ready
	line  []string
}

// daemons are the programs that run as daemons.
var daemons = []string{"refmond", "refmon-gateway", "refmon-index"}

// services are the daemons by name.
var services = map[string]service{
	"refmond":        {0, "msg=ready", []string{"refmond", "serve", "--config", "/etc/refmon/refmond.yaml"}},
	"refmond mount":  {0, "msg=ready", []string{"refmond", "mount", "/srv/shared", "/mnt/shared"}},
	"refmon-gateway": {gateway, "msg=ready", []string{"refmon-gateway", "serve", "--config", "/etc/refmon/gateway.yaml"}},
	"refmon-index": {0, "all files were looked at", []string{"refmon-index", "run", "--tree", "/srv/projects",
		"--directory", "/etc/refmon/company.yaml", "--state", "/var/lib/refmon-index", "--traverse", "never"}},
}

// begin starts a daemon and waits until it is ready. If the daemon ends before, begin ends the test.
func (m *machine) begin(name string) *daemon {
	m.Helper()
	d, ok := m.tries(name)
	if !ok {
		m.Fatalf("%s does not start:\n%s", name, d.said())
	}
	return d
}

// tries starts a daemon that may fail to start, and waits, without a limit, until it is ready or has ended. Only a
// ready daemon is in m.runs.
func (m *machine) tries(name string) (_ *daemon, ready bool) {
	m.Helper()
	s := services[name]
	d := &daemon{over: make(chan struct{})}
	d.cmd = exec.Command(m.at("/opt/" + s.line[0]))
	d.cmd.Path, d.cmd.Args = "/opt/"+s.line[0], s.line
	d.cmd.Dir, d.cmd.Env = "/", m.env
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: m.root, Credential: &syscall.Credential{Uid: s.uid, Gid: s.uid}}
	out, err := d.cmd.StderrPipe()
	m.must(err)
	m.must(d.cmd.Start())
	good := make(chan struct{})
	go func() {
		defer close(d.over)
		started := false
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if count, ok := strings.CutPrefix(lines.Text(), "goroutines "); ok { // of buildCounting
				n, _ := strconv.Atoi(count)
				d.goroutines.Store(int64(n))
				continue
			}
			d.mu.Lock()
			d.log = append(d.log, lines.Text())
			d.mu.Unlock()
			if !started && strings.Contains(lines.Text(), s.ready) {
				started = true
				close(good)
			}
		}
	}()
	select {
	case <-good:
		m.runs[name] = d
		return d, true
	case <-d.over:
		_ = d.cmd.Wait()
		return d, false
	}
}

// said returns the daemon's log.
func (d *daemon) said() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.log, "\n")
}

// ended reports whether the daemon has ended.
func (d *daemon) ended() bool {
	select {
	case <-d.over:
		return true
	default:
		return false
	}
}

// end stops a daemon by SIGINT. It does nothing if the daemon does not run. A daemon that needs more than a minute, or
// that ends with an error, fails the test.
func (m *machine) end(name string) {
	m.Helper()
	d := m.runs[name]
	if d == nil {
		return
	}
	delete(m.runs, name)
	_ = d.cmd.Process.Signal(os.Interrupt)
	select {
	case <-d.over:
	case <-time.After(time.Minute):
		_ = d.cmd.Process.Signal(unix.SIGQUIT)
		<-d.over
		m.Errorf("%s does not stop within a minute:\n%s", name, d.said())
	}
	if err := d.cmd.Wait(); err != nil {
		m.Errorf("%s: %v\n%s", name, err, d.said())
	}
}

// stopAll stops the daemons: first those that use others.
func (m *machine) stopAll() {
	for _, name := range []string{"refmon-index", "refmon-gateway", "refmond mount", "refmond"} {
		m.end(name)
	}
}
