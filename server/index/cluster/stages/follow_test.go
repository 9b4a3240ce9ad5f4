package stages

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// kept is a sink that keeps only the last watermark, and counts events.
type kept struct {
	last   index.Watermark
	events int
}

func (k *kept) Write(events []index.Event) error {
	k.events += len(events)
	return nil
}

func (*kept) Close() error { return nil }

func (k *kept) SetWatermark(f *index.Watermark) error {
	k.last = *f
	return nil
}

// TestHeartbeatFromFutureDoesNotCount checks a heartbeat of another machine whose clock, the server's clock or the
// follower's clock was set. Its age counts from the follower's first sight by uptime. One that
// existed before the follower does not count (N-81), and neither does one stored in the future
// (N-80).
func TestHeartbeatFromFutureDoesNotCount(t *testing.T) {
	base := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	at := func(n int) time.Time { return base.Add(time.Duration(n) * time.Second) }
	const minute = 60
	for _, c := range []struct {
		name                 string
		sequence             uint64
		beat, stored, follow int // the time of each clock
		up                   int
		want                 int  // the time in the tree's watermark; 0: none
		wantUp               int  // and since when it is known
		own                  bool // the heartbeat is from the follower's own machine
	}{
		{"all agree", 8, 100, 100, 100, 50, 100, 50, false},
		{"within a second", 8, 100, 100, 99, 50, 100, 50, false},
		{"it was there already", 7, 100, 100, 100, 50, 0, 0, false},
		{"the follower's clock is back", 8, 100, 100, 100 - 5*minute, 50, 0, 0, false},
		{"the servers' clock is ahead", 8, 100, 100 + 5*minute, 100, 50, 0, 0, false},
		{"all servers' and the watcher's are", 8, 100 + 5*minute, 100 + 5*minute, 100, 50, 0, 0, false},
		{"an old heartbeat, and the follower's clock set back to it", 8, 100, 100 + 5*minute, 100, 50, 0, 0, false},
		{"the servers' clock is back", 8, 100, 100 - 5*minute, 100, 50, 100, 50, false},       // the others' count
		{"the watcher's is back", 8, 100 - 5*minute, 100, 100, 50, 100 - 5*minute, 50, false}, // too old for queries
		{"its own, and it was held up", 8, 100, 100, 100, 50, 100, 9, true},
	} {
		f, k, _ := newFollowing(t, "/srv")
		f.clock = func() watch.Heartbeat {
			return watch.Heartbeat{Time: at(c.follow), Up: time.Duration(c.up) * time.Second}
		}
		boot := "another"
		if c.own {
			boot = watch.BootID()
		}
		for _, l := range f.logs[:2] {
			body := check.Must(json.Marshal(&watermark{Generation: l.generation, Log: 30, Record: "r/2", Beat: heartbeat{
				Time: at(c.beat).UnixNano(), Up: int64(9 * time.Second), Boot: boot}}))
			check.NoError(t, f.addWatermark(&message{Signed: site.Signed{Subject: "fence." + l.name(), Body: body},
				sequence: c.sequence, stored: at(c.stored)}))
		}
		check.NoError(t, f.writeWatermark())
		got := k.last.Sources["//a/srv"]
		given := !got.Time.IsZero()
		if given != (c.want != 0) || given && (!got.Time.Equal(at(c.want)) || got.Up != time.Duration(c.wantUp)*time.Second) {
			t.Errorf("%s: %+v %v", c.name, got, given)
		}
	}
}
