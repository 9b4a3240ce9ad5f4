package stages

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// TestNearestLiveWorkerOwnsShare checks that a share belongs to the nearest live worker, that a worker without its own
// heartbeat owns none, and that a worker without heartbeats for three intervals is forgotten
// (N-49). Of too many workers the known ones stay, and the one too many fails (N-101).
//
// +checklocksignore
func TestNearestLiveWorkerOwnsShare(t *testing.T) {
	const long = time.Hour
	names := []string{"w1", "w2", "w3"}
	had := map[string]int{}
	for i := range 60 {
		share, has := fmt.Sprint("rows.", i), 0
		for _, name := range names {
			w := &workers{name: name, beat: long, lastSeen: map[string]time.Time{}}
			for _, other := range names {
				w.recordAlive(other)
			}
			w.lastSeen["gone"] = time.Now().Add(-3*long - time.Minute)
			if w.mine(share) {
				has++
				had[name]++
			}
			if _, known := w.lastSeen["gone"]; known && w.mine(share) {
				t.Error("a silent worker still counts after the time limit, want it forgotten")
			}
			w.lastSeen[name] = time.Now().Add(-3*long - time.Minute)
			check.That(t, !w.mine(share),
				"N-49: a worker that no longer receives its own heartbeats owns a share, want none")
		}
		check.That(t, has == 1, "N-49: %d have %s, want 1", has, share)
	}
	check.Equal(t, len(had), 3, "%v", had)
	w := &workers{name: "w", beat: long, lastSeen: map[string]time.Time{}}
	for i := range maxWorkers + 5 {
		w.recordAlive(fmt.Sprint(i))
	}
	check.Equal(t, len(w.lastSeen), 1024, "N-101: known workers")
	before := time.Now().Add(-2 * long)
	w.lastSeen["7"] = before
	if w.recordAlive("7"); !w.lastSeen["7"].After(before) {
		t.Error("N-101: a known worker's heartbeat is ignored once 1,024 are known, want it counted")
	}
	w.lastSeen["8"] = before.Add(-2 * long)
	if w.recordAlive("new"); w.lastSeen["new"].IsZero() || len(w.lastSeen) != 1024 {
		t.Errorf("N-101: %d are known, new since %v, want it in place of the silent one", len(w.lastSeen), w.lastSeen["new"])
	}
	for _, name := range []string{"other", "w", "late"} {
		w.recordAlive(name)
		if err := w.excess(); (err != nil) != (name != "other") {
			t.Errorf("N-101: after a heartbeat of %s: %v, want an error once it is the worker's own", name, err)
		}
	}
	for name, good := range map[string]bool{"w-1": true, "": false, "w.1": false, strings.Repeat("w", 64): true,
		strings.Repeat("w", 65): false, "w ": false} {
		check.That(t, workerName.MatchString(name) == good, "a worker may be called %q: want %t", name, good)
	}
}

// TestServerAnswerIsNoHeartbeat checks that a follower cannot add workers with servers' answers to its requests (N-43).
func TestServerAnswerIsNoHeartbeat(t *testing.T) {
	b := newBench(t)
	c, follower := b.dial(site.Work), b.dial(site.Follow)
	w, _, err := join(c.nc, "w", time.Hour)
	check.NoError(t, err)
	check.NoError(t, c.nc.Flush())
	check.NoError(t, follower.nc.PublishRequest("$JS.API.DIRECT.GET.ROWS", "alive.forged", []byte(`{"seq":1}`)))
	check.NoError(t, check.Err(follower.nc.Request("$JS.API.DIRECT.GET.ROWS", []byte(`{"seq":1}`), time.Minute)))
	check.NoError(t, c.nc.Publish("alive.w", nil))
	check.Eventually(t, func() bool { return w.mine("x") }, "the worker's own heartbeat is ignored")
	w.mu.Lock()
	defer w.mu.Unlock()
	check.Equal(t, len(w.lastSeen), 1, "N-43: workers after a forged heartbeat")
}

// TestWorkerEndsWithItsConnection checks that a worker whose connection is closed ends, and one that is one too many
// (N-101).
func TestWorkerEndsWithItsConnection(t *testing.T) {
	c := newBench(t).dial(site.Work)
	w, _, err := join(c.nc, "w", time.Hour)
	check.NoError(t, err)
	check.That(t, !w.mine("x"), "N-49: a worker that has not yet received its own heartbeat owns a share, want none")
	ctx, end := context.WithTimeout(t.Context(), 10*time.Second)
	defer end()
	for i := range maxWorkers {
		w.recordAlive(fmt.Sprint(i))
	}
	w.recordAlive("w")
	check.That(t, w.run(ctx) != nil, "N-101: a worker too many runs")
	c.nc.Close()
	check.ErrorIs(t, w.run(ctx), nats.ErrConnectionClosed, "a worker without a connection")
}
