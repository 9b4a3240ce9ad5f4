package index_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/server/index"
)

// TestRootMoved: a root that goes away, or with a folder that it lies in, has no documents; when it is
// back, what was changed meanwhile is known; a run whose tree is under another file system, of which
// it hears nothing, ends (N-60).
func TestRootMoved(t *testing.T) {
	l := newLive(t, false)
	l.start()
	l.settle()
	x := l.open(time.Minute)
	l.want(x, "plan", "abd")
	for _, moved := range []string{l.tree, filepath.Dir(l.tree)} {
		if err := os.Rename(moved, moved+".away"); err != nil {
			t.Fatal(err)
		}
		there := l.tree
		l.tree = strings.Replace(there, moved, moved+".away", 1)
		l.put("plan", forCarol)
		l.tree = there
		l.settle()
		l.want(x, "plan", "")
		if err := os.Rename(moved+".away", moved); err != nil {
			t.Fatal(err)
		}
		l.settle()
		l.want(x, "plan", "c")
		l.put("plan", forStaff)
		l.settle()
		l.want(x, "plan", "abd")
	}
	if err := unix.Mount("tmpfs", l.tree, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("no tmpfs can be mounted here: ", err)
	}
	defer func() { _ = unix.Unmount(l.tree, unix.MNT_DETACH) }()
	for range l.fences { // until it ends
	}
	if err := <-l.done; err == nil || !strings.Contains(err.Error(), "another file system") {
		t.Errorf("with another file system in its place: %v", err)
	}
	l.stop()
	l.stop = nil
}

// TestUnnamed: documents whose path is not UTF-8 are counted as long as they are there, each once (N-5).
func TestUnnamed(t *testing.T) {
	l := newLive(t, true)
	for _, name := range []string{"\xff", "sub/\xfe"} {
		if err := os.WriteFile(l.path(name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l.start()
	l.settle()
	l.settle()
	x := l.open(time.Minute)
	want := func(n int) {
		t.Helper()
		if c, err := x.Counts(); err != nil || c.Unnamed != n {
			t.Errorf("%+v, %v: want %d without a name", c, err, n)
		}
	}
	want(2)
	if err := os.Remove(l.path("\xff")); err != nil {
		t.Fatal(err)
	}
	l.settle()
	want(1)
	if err := os.Rename(l.path("sub"), l.tree+".sub"); err != nil {
		t.Fatal(err)
	}
	l.settle()
	want(0)
}

// TestTwoWatchers: two runs watch one tree, each for its own folder, and both know all; of two runs
// for one folder the second is refused as long as the first is there, also where that one is
// stopped, and goes on once it has ended (N-10).
func TestTwoWatchers(t *testing.T) {
	one := newLive(t, false)
	two := *one
	two.state = filepath.Join(t.TempDir(), "state")
	two.config.State = two.state
	child := one.child()
	two.start()
	defer two.end()
	one.put("plan", forCarol)
	two.settle()
	x, y := one.open(time.Minute), two.open(time.Minute)
	one.fresh(x, "plan")
	one.want(x, "plan", "c")
	two.want(y, "plan", "c")

	refused := func(when string) {
		t.Helper()
		if err := index.Run(t.Context(), one.config); !errors.Is(err, unix.EWOULDBLOCK) {
			t.Errorf("a second run beside one that %s: %v", when, err)
		}
	}
	refused("runs")
	if err := child.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	refused("is stopped")
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	one.put("plan", forStaff)
	one.start()
	one.settle()
	one.want(x, "plan", "abd")
	two.settle()
	two.want(y, "plan", "abd")
}

// TestFollow: who follows the changes is told of those that come, also where the log is put together
// meanwhile, and at the end has the answers of the index (N-22).
func TestFollow(t *testing.T) {
	l := newLive(t, false)
	l.config.Compact = 1
	l.start()
	l.settle()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	told, done := make(chan index.Change), make(chan error, 1)
	go func() {
		done <- index.Follow(ctx, l.state, 0, func(c index.Change) error {
			told <- c
			return nil
		})
		close(told)
	}()
	kinds, who := []string{forStaff, butNotThem, forCarol}, []string{"1107 1108 1110", "1107 1110", "1109"}
	has, last := map[string]bool{}, uint64(0)
	for i := range 40 {
		l.put("plan", kinds[i%3])
		l.settle()
		for got := ""; got != who[i%3]; {
			c, more := <-told
			if !more {
				t.Fatal(<-done)
			}
			if c.Seq < last {
				t.Errorf("change %d after %d", c.Seq, last)
			}
			last = c.Seq
			for _, sid := range c.Gained {
				has[c.Document+sid] = true
			}
			for _, sid := range c.Lost {
				delete(has, c.Document+sid)
			}
			got = ""
			for _, rid := range []string{"1107", "1108", "1109", "1110"} {
				if has[l.path("plan")+"S-1-5-21-1-2-3-"+rid] {
					got = strings.TrimSpace(got + " " + rid)
				}
			}
		}
	}
	stop()
	go func() {
		for range told { // no one waits for them
		}
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
