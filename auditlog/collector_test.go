//go:build unix

package auditlog

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	testcheck "github.com/refmon/refmon/internal/test/check"
)

// collector is a program that takes lines from a socket and writes them to a
// file.
type collector struct {
	name, program string
	args          func(config, dir string) []string
}

var collectors = []collector{
	{"rsyslog", "rsyslogd", func(config, dir string) []string {
		return []string{"-n", "-f", config, "-i", filepath.Join(dir, "pid")}
	}},
	{"syslog-ng", "syslog-ng", func(config, dir string) []string {
		return []string{"--foreground", "--no-caps", "--cfgfile", config, "--persist-file", filepath.Join(dir, "persist"),
			"--pidfile", filepath.Join(dir, "pid"), "--control", filepath.Join(dir, "control")}
	}},
}

// documented returns a collector's configuration in docs/audit-log.md.
func documented(t *testing.T, name string) string {
	t.Helper()
	b := testcheck.Must(os.ReadFile("../docs/audit-log.md"))
	_, block, ok := strings.Cut(string(b), "**"+name+"**\n```\n")
	block, _, end := strings.Cut(block, "\n```\n")
	testcheck.RequireThat(t, ok && end, "docs/audit-log.md has no configuration of %s", name)
	return block + "\n"
}

// TestRestartedCollectorHasEveryRecord runs the documented configurations. A restarted collector has every record in
// order (U-77; UC-58).
func TestRestartedCollectorHasEveryRecord(t *testing.T) {
	for _, c := range collectors {
		t.Run(c.name, func(t *testing.T) {
			program, err := exec.LookPath(c.program)
			if err != nil {
				t.Skipf("%s is not here: its configuration is not tested", c.program)
			}
			collect(t, c, program)
		})
	}
}

func collect(t *testing.T, c collector, program string) {
	dir := t.TempDir()
	free := testcheck.Must(net.Listen("tcp", "127.0.0.1:0"))
	port := strconv.Itoa(free.Addr().(*net.TCPAddr).Port)
	testcheck.NoError(t, free.Close())
	lines, config := filepath.Join(dir, "lines"), filepath.Join(dir, "config")
	text := strings.NewReplacer("/var/log/refmon-lines/audit.jsonl", lines, "5170", port).Replace(documented(t, c.name))
	testcheck.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	start := func() (stop func()) {
		cmd := exec.Command(program, c.args(config, dir)...)
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		testcheck.NoError(t, cmd.Start())
		return func() {
			_ = cmd.Process.Signal(syscall.SIGTERM) // the collector may have ended
			_ = cmd.Wait()
			t.Log(out.String())
		}
	}
	l := mustOpen(t, Config{Dir: filepath.Join(dir, "log")})
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	f := &Forwarder{Dir: filepath.Join(dir, "log"), Sink: "tcp:127.0.0.1:" + port, Cursor: filepath.Join(dir, "cursor")}
	ended := make(chan error)
	go func() { ended <- f.Run(ctx, true) }()
	stop := start()
	mustWrite(t, l, 99)
	inOrder(t, lines, 100)
	stop() // as if for a day
	mustWrite(t, l, 1500)
	stop = start()
	inOrder(t, lines, 1600)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	stop()
}

// inOrder waits until a file has the first n records in order. Records may be repeated.
func inOrder(t *testing.T, file string, n uint64) {
	t.Helper()
	var next uint64
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		f, err := os.Open(file)
		if err != nil {
			continue // not created yet
		}
		next = 1
		for in := bufio.NewScanner(f); in.Scan(); {
			text, rest, _ := strings.Cut(strings.TrimPrefix(in.Text(), `{"id":`), ",")
			id, err := strconv.ParseUint(text, 10, 64)
			if !strings.HasSuffix(rest, `"}`) {
				break // being written
			}
			if err != nil || id > next {
				t.Fatalf("%q comes, and record %d did not", in.Text(), next)
			}
			next = max(next, id+1)
		}
		testcheck.NoError(t, f.Close())
		if next > n {
			return
		}
	}
	t.Fatalf("the collector has %d of %d records", next-1, n)
}
