package index_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/diskio"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
)

// killer kills this process before the first operation named step of a compaction, or with "done" before the first
// operation after a compaction.
func killer(step string) diskio.Faults {
	compacting, ended := false, false
	return func(operation, name string) error {
		compacting = compacting || operation == "create" && filepath.Base(name) == "events.jsonl.new"
		if compacting && operation == step || ended && step == "done" {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until the signal arrives
		}
		ended = ended || compacting && operation == "syncdir"
		return nil
	}
}

// TestKilledDuringCompaction kills a run with SIGKILL before and after each step of a compaction. The log can then be
// read, whichever of the two it is. The next run continues it, has the changes made meanwhile, and compacts it again.
// A reader of changes that continues gets the same readers, or an error (N-10, N-22).
func TestKilledDuringCompaction(t *testing.T) {
	for _, step := range []string{"create", "write", "sync", "rename", "syncdir", "done"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, false)
			l.config.Compact, l.kill = 1, step
			child := l.child()
			ended := make(chan error, 1)
			go func() { ended <- child.Wait() }()
			x := l.open(time.Hour)
			follower := map[string]bool{}
			cursor, err := l.applyChanges(follower, 0)
			check.NoError(t, err)
			for i, alive := 0, true; alive; i++ {
				l.put("plan", fmt.Sprintf("%s(A;;FR;;;S-1-5-21-1-2-3-%d)", forStaff, 5000+i))
				select {
				case <-ended:
					alive = false
				case <-time.After(60 * time.Millisecond):
				}
			}
			if got := child.ProcessState.Sys().(syscall.WaitStatus).Signal(); got != syscall.SIGKILL {
				t.Fatalf("the run ended with %v, want a kill", got)
			}
			l.want(x, "plan", "abd")
			l.put("plan", forCarol)
			if cursor, err = l.continued(follower, cursor); err != nil {
				t.Fatalf("N-22: the log after the kill: %v", err)
			}
			l.start()
			l.awaitBeats()
			l.want(x, "plan", "c")
			l.want(x, "sub/offer", "ad")
			if _, err = l.continued(follower, cursor); err != nil {
				t.Fatalf("N-22: the log of the next run: %v", err)
			}
			for rid, want := range []bool{false, false, true, false} {
				who := fmt.Sprintf("S-1-5-21-1-2-3-%d", 1107+rid)
				check.Equal(t, follower[l.path("plan")+" "+who], want, "N-22: by the changes %s may read plan", who)
			}
			for i := 0; !l.compactedAfter(cursor); i++ {
				check.RequireThat(t, i != 100, "N-22: the next run does not compact its log")
				l.put("plan", fmt.Sprintf("%s(A;;FR;;;S-1-5-21-1-2-3-%d)", forCarol, 6000+i))
				l.awaitBeats()
			}
			l.end()
		})
	}
}

// compactedAfter reports whether the log begins with a state that is later than an event.
func (l *live) compactedAfter(event uint64) bool {
	l.t.Helper()
	text := check.Must(os.ReadFile(filepath.Join(l.state, "events.jsonl")))
	first, _, _ := strings.Cut(string(text), "\n")
	return check.Must(index.ParseEvent([]byte(first))).Start.Until > event
}

// continued applies the changes after a number to has. If the log was compacted since, it starts over.
func (l *live) continued(has map[string]bool, after uint64) (last uint64, err error) {
	last, err = l.applyChanges(has, after)
	if errors.Is(err, index.ErrTooOld) {
		clear(has)
		last, err = l.applyChanges(has, 0)
	}
	return last, err
}
