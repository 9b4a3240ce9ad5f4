package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
)

// program is the built refmond with its configuration in a folder.
type program struct {
	*testing.T
	bin, dir, config string
	socket, admin    string
	log              logged
}

// programName is the name under which this test's program runs refmond, with cheap password hashes; see TestMain.
const programName = "refmond"

// build puts refmond into a temporary folder and writes a configuration for that folder.
func build(t *testing.T) *program {
	t.Helper()
	dir := t.TempDir()
	p := &program{T: t, bin: filepath.Join(dir, programName), dir: dir, config: filepath.Join(dir, "c.yaml"),
		socket: filepath.Join(dir, "s"), admin: filepath.Join(dir, "a")}
	programs.Self(t, dir, programName)
	p.configure("")
	return p
}

// configure writes the configuration, with further lines.
func (p *program) configure(more string) {
	p.Helper()
	text := fmt.Sprintf("state: %s\nsocket: %s\nadminSocket: %s\ncomputer: host\n%s", filepath.Join(p.dir, "state"),
		p.socket, p.admin, more)
	check.NoError(p, os.WriteFile(p.config, []byte(text), 0o600))
}

// serve starts refmond and waits until it is ready. end stops it and waits.
func (p *program) serve() (cmd *exec.Cmd, end func()) {
	p.Helper()
	return p.started("serve", "--config", p.config)
}

// started starts a verb that serves, and waits until it is ready.
func (p *program) started(args ...string) (cmd *exec.Cmd, end func()) {
	p.Helper()
	cmd = exec.Command(p.bin, args...)
	out, err := cmd.StderrPipe()
	check.NoError(p, err)
	check.NoError(p, cmd.Start())
	lines, ready := bufio.NewScanner(out), false
	for !ready && lines.Scan() {
		ready = strings.Contains(lines.Text(), "msg=ready")
		p.log.add(lines.Text())
	}
	if !ready {
		p.Fatalf("refmond did not start: %v\n%s", cmd.Wait(), p.log.text())
	}
	over := make(chan struct{})
	go func() { // drain its output, or it would block
		defer close(over)
		for lines.Scan() {
			p.log.add(lines.Text())
		}
	}()
	ended := false
	end = func() {
		if !ended {
			ended = true
			_ = cmd.Process.Signal(os.Interrupt)
			<-over
			_ = cmd.Wait()
		}
	}
	p.Cleanup(end)
	return cmd, end
}

// logged has the lines that refmond logged after it was ready.
type logged struct {
	mu    sync.Mutex
	lines []string      // guarded by mu
	more  chan struct{} // guarded by mu: closed when the next line arrives
}

func (l *logged) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
}

// await waits until a line after the first from lines contains text, and returns the number of lines.
func (l *logged) await(t testing.TB, from int, text string) int {
	t.Helper()
	late := time.After(time.Minute)
	for {
		l.mu.Lock()
		i := slices.IndexFunc(l.lines[from:], func(s string) bool { return strings.Contains(s, text) })
		if l.more == nil {
			l.more = make(chan struct{})
		}
		n, more := len(l.lines), l.more
		l.mu.Unlock()
		if i >= 0 {
			return n
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("the log has no line with %q", text)
		}
	}
}

// text returns the whole log.
func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// account runs refmond account with that input and returns its output.
func (p *program) account(input string, args ...string) (string, error) {
	p.Helper()
	if !slices.Contains(args, "--socket") {
		args = append([]string{"--socket", p.admin}, args...)
	}
	cmd := exec.Command(p.bin, append([]string{"account"}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, errs.String())
	}
	return out.String(), nil
}

func (p *program) must(input string, args ...string) string {
	p.Helper()
	out, err := p.account(input, args...)
	check.Require(p, err, nil, "account %q", args)
	return out
}

// dial connects to one of refmond's sockets.
func (p *program) dial(socket string) *client.Conn {
	p.Helper()
	c, err := client.Dial(socket)
	check.NoError(p, err)
	p.Cleanup(func() { _ = c.Close() })
	return c
}

// trailOf returns the events of the audit log in a state folder.
func trailOf(t testing.TB, state string) (all []audit.Event) {
	t.Helper()
	log, err := auditlog.NewReader(filepath.Join(state, "audit"), 1)
	check.NoError(t, err)
	defer func() { check.NoError(t, log.Close()) }()
	for {
		rec, err := log.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		check.NoError(t, err)
		e, err := rec.Event()
		check.NoError(t, err)
		all = append(all, e)
	}
}

// ownName returns the process name of this test binary, which depends on go test -o.
func ownName(t *testing.T) string {
	t.Helper()
	comm := check.Must(os.ReadFile("/proc/self/comm"))
	return strings.TrimSpace(string(comm))
}
