package index_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/postgres"
)

// asRun is the environment variable with the configuration of a run, which makes the test binary run that index.
// asRun_POSTGRES has the run's database, and asRun_KILL the step of a compaction at which it kills itself.
const asRun = "REFMON_TEST_INDEX"

func TestMain(m *testing.M) {
	if root, is := os.LookupEnv(asChanger); is {
		if err := change(root); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	text, run := os.LookupEnv(asRun)
	if !run {
		os.Exit(m.Run())
	}
	var c index.Config
	err := json.Unmarshal([]byte(text), &c)
	if err == nil {
		c.Ready = func() { fmt.Println("ready") }
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		err = runChild(ctx, c)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// runChild runs an index with a database, if the environment has one.
func runChild(ctx context.Context, c index.Config) error {
	if dsn := os.Getenv(asRun + "_POSTGRES"); dsn != "" {
		s, err := postgres.Open(ctx, dsn, c.State, time.Hour)
		if err != nil {
			return err
		}
		c.Sinks = append(c.Sinks, s)
	}
	if step := os.Getenv(asRun + "_KILL"); step != "" {
		c.Faults = killer(step)
	}
	return index.Run(ctx, c)
}

// child runs the index in a process of its own and waits until it has walked its tree.
func (l *live) child() *exec.Cmd {
	l.t.Helper()
	c := l.config
	text := check.Must(json.Marshal(map[string]any{"Trees": c.Trees, "Directory": c.Directory, "Rights": c.Rights,
		"State": c.State, "NoEvents": c.NoEvents, "Every": c.Every, "Beat": c.Beat, "Traverse": c.Traverse,
		"Compact": c.Compact}))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asRun+"="+string(text), asRun+"_POSTGRES="+l.dsn, asRun+"_KILL="+l.kill)
	out := check.Must(cmd.StdoutPipe())
	check.NoError(l.t, cmd.Start())
	l.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGCONT)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	first := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(out, first); err != nil || string(first) != "ready\n" {
		rest, _ := io.ReadAll(out)
		l.t.Fatalf("the run printed %s%s: %v", first, rest, err)
	}
	return cmd
}

// awaitAnswer waits until the index answers about name from a present heartbeat.
func (l *live) awaitAnswer(x *index.Index, name string) {
	l.t.Helper()
	present := time.Now()
	check.Eventually(l.t, func() bool {
		a := x.CanRead(l.path(name), "alice", "read")
		return a.Because == "" && a.Time.After(present)
	}, "no answer for %s is as of now", name)
}

// documents counts the documents of an index.
func documents(t testing.TB, state string) int {
	t.Helper()
	b := check.Must(os.ReadFile(filepath.Join(state, "events.jsonl")))
	known := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		e := check.Must(index.ParseEvent([]byte(strings.TrimSpace(line))))
		if e.Row != nil {
			known[e.Row.Path] = true
		}
		delete(known, e.Gone)
	}
	return len(known)
}

// TestRevocationOnFullDisk revokes a right while the disk is full. The run ends with the error, and the index grants
// the right no longer than its time limit (N-9).
func TestRevocationOnFullDisk(t *testing.T) {
	for _, kind := range []string{"write", "sync", "rename"} {
		l := newLive(t, true)
		var disk inject.Injector
		l.config.Faults = disk.Do
		ctx, stop := context.WithCancel(t.Context())
		ready, done := make(chan struct{}), make(chan error, 1)
		l.config.Ready = func() { close(ready) }
		go func() { done <- index.Run(ctx, l.config) }()
		<-ready
		l.want(l.open(time.Minute), "plan", "abd")
		disk.Fail(syscall.EIO, inject.Kind(kind))
		l.put("plan", forCarol)
		check.ErrorIs(t, <-done, syscall.EIO, "%s fails", kind)
		stop()
		x := l.open(300 * time.Millisecond)
		// A written row denies alice immediately. Without it the missing heartbeat denies her at the time limit.
		a, ends := x.CanRead(l.path("plan"), "alice", "read"), time.Now().Add(10*time.Second)
		for !strings.Contains(a.Because, "no heartbeat") && (a.Allowed || kind != "sync") && time.Now().Before(ends) {
			time.Sleep(time.Millisecond)
			a = x.CanRead(l.path("plan"), "alice", "read")
		}
		check.That(t, !a.Allowed && (kind == "sync" || strings.Contains(a.Because, "no heartbeat")),
			"N-9: %s fails: %+v", kind, a)
		disk.Fail(nil)
		l.config.Ready = nil
		l.start()
		l.awaitBeats()
		l.want(l.open(time.Minute), "plan", "c")
		l.end()
	}
}
