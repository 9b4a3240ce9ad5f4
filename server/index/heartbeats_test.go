package index

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/watch"
)

// clocks are the clocks of a machine whose time is set and which is suspended.
type clocks struct {
	mu sync.Mutex
	// +checklocks:mu
	wall, up time.Duration // offsets from this machine's clocks
}

func (c *clocks) now() watch.Heartbeat {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := watch.Now()
	return watch.Heartbeat{Time: b.Time.Round(0).Add(c.wall), Up: b.Up + c.up}
}

// step moves the clock, and the time since the machine started.
func (c *clocks) step(wall, up time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.up = c.wall+wall, c.up+up
}

// TestClockChangeRevivesNoHeartbeat checks that setting the clock forward or back interrupts queries only until the
// next heartbeat, and that no clock change makes the last heartbeat of a hanging source current
// again (N-9).
func TestClockChangeRevivesNoHeartbeat(t *testing.T) {
	c, tree, dir := &clocks{}, t.TempDir(), filepath.Join(t.TempDir(), "firm.yaml")
	plan := filepath.Join(tree, "plan")
	const firm = "users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107, uid: 4001}\n"
	check.NoError(t, errors.Join(os.WriteFile(plan, nil, 0o604), os.WriteFile(dir, []byte(firm), 0o600)))
	ctx, stop := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	config := Config{Trees: []string{tree}, Rights: "read", State: filepath.Join(t.TempDir(), "state"),
		Roster: &Directory{File: dir, Beat: time.Millisecond, clock: c.now}, Ready: func() { close(ready) },
		From: func(tree string) watch.Source {
			return &watch.Watcher{Root: tree, NoEvents: true, Every: time.Millisecond, Beat: time.Millisecond, Clock: c.now}
		}}
	go func() { done <- Run(ctx, config) }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	x := check.Must(Open(config.State, time.Minute))
	defer x.Close()
	x.clock = c.now
	until := func(allowed bool) { // as of a moment after now
		t.Helper()
		for present := c.now(); t.Context().Err() == nil; time.Sleep(time.Millisecond) {
			switch a := x.CanRead(plan, "alice", "read"); {
			case a.Because != "" && !strings.Contains(a.Because, "no heartbeat") &&
				!strings.Contains(a.Because, "the watermark"):
				t.Fatalf("%+v", a)
			case a.Because == "" && a.Time.After(present.Time):
				check.Equal(t, a.Allowed, allowed, "allowed")
				return
			}
		}
	}
	mode := func(m os.FileMode) {
		t.Helper()
		check.NoError(t, os.Chmod(plan, m))
	}
	until(true)
	c.step(time.Hour, 0)
	until(true)
	c.step(-2*time.Hour, 0)
	mode(0o600)
	until(false)
	c.step(30*24*time.Hour, 0)
	mode(0o604)
	until(true)
	stop()
	check.NoError(t, <-done)
	for _, s := range []struct {
		wall, up time.Duration
		given    bool
	}{
		{0, 0, true}, {-time.Hour, 0, false}, {time.Hour, 0, true}, // set back and forth within a moment
		{0, time.Hour, false}, // suspended, and the clock set back by the same time
		{-time.Hour, 0, false}, {2 * time.Hour, 0, false},
	} {
		c.step(s.wall, s.up)
		if a := x.CanRead(plan, "alice", "read"); a.Allowed != s.given || (a.Because == "") != s.given {
			t.Errorf("without a source, after %v %v: %+v", s.wall, s.up, a)
		}
	}
}
