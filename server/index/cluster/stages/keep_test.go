package stages

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// TestKeeperDeletesNothingThatCounts sends requests with the key of work. The keeper deletes input only up to the
// position in the share's log, and a log only before a snapshot (N-120).
func TestKeeperDeletesNothingThatCounts(t *testing.T) {
	b := newBench(t)
	b.tell(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{b.file("a")}})
	for range 3 {
		b.tell(watch.Batch{Heartbeat: beatNow()})
	}
	name := "rows." + b.part.Subject()
	l, err := take(t.Context(), b.c, site.StreamRows, name, "w1")
	if err != nil {
		t.Fatal(err)
	}
	next := l.last
	next.Cursor, next.Tries, next.Whole, next.Started = 2, 0, true, b.teller.started
	if err := l.write(t.Context(), next, nil); err != nil {
		t.Fatal(err)
	}
	work := b.dial(site.Work)
	for _, c := range []struct{ share, body, want string }{
		{name, `{"input":4}`, "is at 2 of its input"},
		{name, `{"log":2,"final":2}`, "not the ends of a snapshot"},
		{name, `{"log":9,"final":9}`, "not of this log"},
		{name, `{}`, "want one of"}, {name, `{"input":1,"log":1}`, "want one of"}, {name, `{"final":1}`, "want one of"},
		{name, `{"input":1,"all":true}`, "all"}, {name, `[]`, ""}, {"rows.x", `{"input":1}`, "no such share"},
		{"people.0", `{"drop":1}`, "want one of"}, {"follow.stranger.ROWS", `{"read":1}`, "no such share"},
	} {
		m, err := work.nc.Request(keepSubject+c.share, []byte(c.body), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		var got outcome
		if err := json.Unmarshal(m.Data, &got); err != nil || got.Error == "" || !strings.Contains(got.Error, c.want) {
			t.Errorf("N-120: %s %s: %s, %v, want an error with %q", c.share, c.body, m.Data, err, c.want)
		}
	}
	if list, err := work.next(t.Context(), site.StreamSeen, subjectOf(b.part), 1); err != nil || len(list) != 4 {
		t.Errorf("N-120: the input has %d messages, %v, want 4", len(list), err)
	}
	if err := work.remove(t.Context(), name, request{Input: 3}); err != nil {
		t.Errorf("N-120: input before the position: %v", err)
	}
	if list, err := work.next(t.Context(), site.StreamSeen, subjectOf(b.part), 1); err != nil || len(list) != 2 {
		t.Errorf("N-120: the input has %d messages, %v, want 2", len(list), err)
	}
}

// TestLag checks that a consumer shows how many messages of its input a worker has not read.
func TestLag(t *testing.T) {
	b := newBench(t)
	b.tell(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{b.file("a")}})
	pending := func(stream, name string) string {
		t.Helper()
		c, err := b.dial(site.Keeper).js.Consumer(t.Context(), stream, name)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(c.CachedInfo().NumPending)
	}
	name := consumerName("rows." + b.part.Subject())
	if got := pending(site.StreamSeen, name); got != "1" {
		t.Errorf("without a worker the lag is %s, want 1", got)
	}
	stop := b.work("w1")
	b.awaitWatermark(b.tell(watch.Batch{Heartbeat: beatNow()}))
	for pending(site.StreamSeen, name) != "0" { // the test's own end is the limit
		b.tell(watch.Batch{Heartbeat: beatNow()})
		time.Sleep(10 * heartbeatInterval)
	}
	stop()
	for range 3 {
		b.tell(watch.Batch{Heartbeat: beatNow()})
	}
	if got := pending(site.StreamSeen, name); got != "3" {
		t.Errorf("after three messages without a worker the lag is %s, want 3", got)
	}
}
