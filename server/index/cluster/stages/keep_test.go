package stages

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// TestKeeperKeepsUnprocessedMessages sends requests with the key of work. The keeper deletes input only up to the
// position in the share's log, and a log only before a snapshot (N-120).
func TestKeeperKeepsUnprocessedMessages(t *testing.T) {
	b := newBench(t)
	b.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{b.file("a")}})
	for range 3 {
		b.push(watch.Batch{Heartbeat: beatNow()})
	}
	name := "rows." + b.part.Subject()
	l := check.Must(take(t.Context(), b.c, site.StreamRows, name, "w1"))
	next := l.last
	next.Cursor, next.Tries, next.Whole, next.Started, next.Generation = 2, 0, true, b.teller.started, 2
	check.NoError(t, l.write(t.Context(), next, nil))
	work := b.dial(site.Work)
	// The position of another worker is in another log.
	for _, g := range []uint64{next.Generation + 1, next.Generation - 1} {
		other := check.Must(json.Marshal(&watermark{Generation: g, Cursor: 4, Beat: heartbeat{Time: 1}}))
		check.NoError(t, work.keep(t.Context(), "fence."+name, fmt.Sprint("other", g), other))
		check.That(t, work.remove(t.Context(), name, request{Input: 4}) != nil, "N-120: input of generation %d", g)
	}
	piece := func(n int, final bool, generation uint64) uint64 {
		t.Helper()
		r := next
		r.Piece, r.Final, r.Generation = n, final, generation
		check.NoError(t, l.append(t.Context(), &r))
		return l.chain.head
	}
	first, last := piece(1, false, next.Generation), piece(2, true, next.Generation)
	others, again := piece(2, true, next.Generation+1), piece(1, false, next.Generation)
	foreign := b.send(site.Watch("b"), subjectOf(site.Part{Host: "b", Tree: "/srv"}), "x", 0, []byte("x"))
	span := func(from, to uint64) string { return fmt.Sprintf(`{"log":%d,"final":%d}`, from, to) }
	const notSnapshot = "not the first and last message of one snapshot"
	beyond := fmt.Sprintf(`{"input":4%*s`, maxRequest-len(`{"input":4`), "}")
	for _, c := range []struct{ share, body, want string }{
		{name, `{"input":4}`, "is at 2 of its input"},
		{name, `{"log":2,"final":2}`, notSnapshot}, {name, span(last, last), notSnapshot},
		{name, span(again, last), notSnapshot}, {name, span(first, others), notSnapshot},
		{name, beyond, "is at 2 of its input"}, {name, beyond + " ", "the request has 1025 bytes"},
		{name, `{"log":9,"final":9}`, "not of this log"},
		{name, `{}`, "want exactly one of"}, {name, `{"input":1,"log":1}`, "want exactly one of"},
		{name, `{"final":1}`, "want exactly one of"},
		{name, `{"input":1,"all":true}`, "all"}, {name, `[]`, ""}, {"rows.x", `{"input":1}`, "no such share"},
		{"people.0", `{"drop":1}`, "want exactly one of"}, {"follow.stranger.ROWS", `{"read":1}`, "no such share"},
		{"follow.search1.SEEN", `{"read":1}`, "no such share"}, {"follow.search1.ROWS", `{}`, "want exactly one of"},
		{"follow.search1.ROWS", `{"at":1}`, "want exactly one of"},
		{name, fmt.Sprintf(`{"drop":%d}`, foreign), "is of another part"},
	} {
		m := check.Must(work.nc.Request(keepSubject+c.share, []byte(c.body), time.Minute))
		var got outcome
		if err := json.Unmarshal(m.Data, &got); err != nil || got.Error == "" || !strings.Contains(got.Error, c.want) {
			t.Errorf("N-120: %s %s: %s, %v, want an error with %q", c.share, c.body, m.Data, err, c.want)
		}
	}
	if list, err := work.next(t.Context(), site.StreamSeen, subjectOf(b.part), 1); err != nil || len(list) != 4 {
		t.Errorf("N-120: the input has %d messages, %v, want 4", len(list), err)
	}
	// A watermark that is not signed, or behind the log, changes nothing.
	forged := check.Must(json.Marshal(&watermark{Generation: next.Generation, Cursor: 4, Beat: heartbeat{Time: 1}}))
	check.NoError(t, check.Err(work.js.Publish(t.Context(), "fence."+name, forged)))
	check.That(t, work.remove(t.Context(), name, request{Input: 4}) != nil, "N-120: input up to a forged position")
	own := check.Must(json.Marshal(&watermark{Generation: next.Generation, Cursor: 1, Beat: heartbeat{Time: 1}}))
	check.NoError(t, work.keep(t.Context(), "fence."+name, "own", own))
	// Requests with another client's reply subject get no reply (N-121).
	replies := check.Must(work.nc.SubscribeSync("_INBOX.follow.x"))
	check.NoError(t, work.nc.PublishRequest(keepSubject+name, "_INBOX.follow.x", []byte("{}")))
	check.Equal(t, work.remove(t.Context(), name, request{Input: 3}), nil, "N-120: input before the position")
	if list, err := work.next(t.Context(), site.StreamSeen, subjectOf(b.part), 1); err != nil || len(list) != 2 {
		t.Errorf("N-120: the input has %d messages, %v, want 2", len(list), err)
	}
	if n, _, err := replies.Pending(); n != 0 || err != nil {
		t.Errorf("N-121: a keeper sent %d answers to another role, %v", n, err)
	}
	k := &keeper{c: b.dial(site.Keeper)}
	check.NoError(t, k.c.js.DeleteStream(t.Context(), site.StreamFence))
	check.ErrorIs(t, k.c.purge(t.Context(), site.StreamFence, "fence."+name, 1), errPurge, "a purge of a missing stream")
	done, err := k.cursor(t.Context(), site.StreamRows, name)
	check.That(t, err != nil, "N-120: the cursor without the stream of watermarks: %d, want an error", done)
	body, err := json.Marshal(&next)
	check.NoError(t, err)
	check.NoError(t, check.Err(work.js.Publish(t.Context(), name, body)))
	_, err = k.cursor(t.Context(), site.StreamRows, name)
	check.That(t, err != nil && strings.Contains(err.Error(), "no log"), "N-120: a log with a forged end: %v", err)
}

// TestLagCountsUnreadMessages checks that a consumer shows how many messages of its input a worker has not read, and
// that a missing consumer is an error that names the worker.
func TestLagCountsUnreadMessages(t *testing.T) {
	b := newBench(t)
	b.send(site.Watch("b"), subjectOf(site.Part{Host: "b", Tree: "/srv"}), "x", 0, nil) // not in the consumer
	b.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{b.file("a")}})
	pending := func(stream, name string) string {
		t.Helper()
		list := check.Must(Lags(t.Context(), b.dial(site.Keeper)))
		for _, l := range list {
			if l.Stream == stream && l.Reader == name {
				return fmt.Sprint(l.Waiting)
			}
		}
		return fmt.Sprintf("not in %+v", list)
	}
	name := fmt.Sprintf("worker of part 0 of //%s%s", b.part.Host, b.part.Tree)
	// The server counts a message a moment after it stored it.
	wants := func(lag, when string) {
		t.Helper()
		check.Eventually(t, func() bool { return pending(site.StreamSeen, name) == lag }, "%s the lag is not %s", when, lag)
	}
	wants("1", "without a worker")
	stop := b.startWorker("w1")
	b.awaitWatermark(b.push(watch.Batch{Heartbeat: beatNow()}))
	for pending(site.StreamSeen, name) != "0" { // the test's own end is the limit
		b.push(watch.Batch{Heartbeat: beatNow()})
		time.Sleep(10 * heartbeatInterval)
	}
	stop()
	k, consumer := &keeper{c: b.dial(site.Keeper)}, consumerName("rows."+b.part.Subject())
	for waiting := ""; waiting != "3"; { // a late report of the worker takes some of the messages
		check.NoError(t, k.move(t.Context(), site.StreamSeen, consumer, 9, 0))
		for range 3 {
			b.push(watch.Batch{Heartbeat: beatNow()})
		}
		if waiting = pending(site.StreamSeen, name); waiting > "3" {
			t.Fatalf("after three messages without a worker the lag is %s, want 3", waiting)
		}
	}
	check.NoError(t, k.move(t.Context(), site.StreamSeen, consumer, 1, b.teller.chains[0].head-1))
	wants("1", "after a report of one message at the number of the second")
	check.NoError(t, k.move(t.Context(), site.StreamSeen, consumer, 9, 0))
	wants("0", "after all were read")
	config := consumers(b.site, site.StreamSeen)[0]
	config.Description = "of another site file"
	check.NoError(t, check.Err(k.c.js.UpdateConsumer(t.Context(), site.StreamSeen, config)))
	check.NoError(t, prepareConsumers(t.Context(), k.c, site.StreamSeen))
	ended, end := context.WithCancel(t.Context())
	end()
	check.ErrorIs(t, prepareConsumers(ended, k.c, site.StreamSeen), context.Canceled, "prepareConsumers without time")
	check.NoError(t, k.c.js.DeleteConsumer(t.Context(), site.StreamSeen, consumer))
	list, err := Lags(t.Context(), k.c)
	check.That(t, err != nil && strings.HasPrefix(err.Error(), site.StreamSeen+", "+name+": "),
		"without a consumer: %+v, %v, want an error that names %s", list, err, name)
	l := lag{c: b.c, name: "rows.x", read: 1}
	l.report(1)
	check.Equal(t, l.read, 0, "messages to report after a report")
	l.read, l.every = 2, time.Hour
	l.report(1)
	check.Equal(t, l.read, 2, "messages to report within the interval of reports")
}

// TestFollowerConsumersShowUnreadMessages checks that the consumers of a follower show how many messages of its two
// streams it has not read. The directory's heartbeats come at the configured interval.
func TestFollowerConsumersShowUnreadMessages(t *testing.T) {
	b := newBench(t)
	pending := func(stream string) uint64 {
		t.Helper()
		c := check.Must(b.dial(site.Keeper).js.Consumer(t.Context(), stream, "search1"))
		return c.CachedInfo().NumPending
	}
	defer b.run(site.Directory, func(ctx context.Context, c *Conn) error {
		return Directory(ctx, c, DirectoryConfig{File: b.dir, Beat: time.Millisecond})
	})()
	state := t.TempDir()
	follow := func() (stop func()) {
		return b.run(site.Follow, func(ctx context.Context, c *Conn) error {
			return Follow(ctx, c, FollowConfig{Name: "search1", State: state, Beat: heartbeatInterval})
		})
	}
	b.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{b.file("a")}})
	defer b.startWorker("w1")()
	b.awaitWatermark(b.push(watch.Batch{Heartbeat: beatNow()}))
	for pending(site.StreamPeople) == 0 { // the test's own end is the limit
		time.Sleep(heartbeatInterval)
	}
	rows, people := pending(site.StreamRows), pending(site.StreamPeople)
	check.That(t, rows != 0, "a follower that never ran has no lag")
	stop := follow()
	for pending(site.StreamRows)+pending(site.StreamPeople) > 0 { // the test's own end is the limit
		b.push(watch.Batch{Heartbeat: beatNow()})
		time.Sleep(heartbeatInterval)
	}
	t.Logf("%d rows and %d people were not read before", rows, people)
	stop()
	b.awaitWatermark(b.push(watch.Batch{Seen: []watch.Seen{b.file("b")}, Heartbeat: beatNow()}))
	check.That(t, pending(site.StreamRows) != 0, "after a change without a follower it has no lag")
	stop = follow()
	for pending(site.StreamRows) > 0 { // the test's own end is the limit
		b.push(watch.Batch{Heartbeat: beatNow()})
		time.Sleep(heartbeatInterval)
	}
	stop()
	check.Eventually(t, func() bool { // by default there are at most 60 heartbeats until it gives up
		m, err := b.c.last(t.Context(), site.StreamDirectory, headSubject)
		return err == nil && m != nil && m.sequence > 80
	}, "the directory has not sent 80 messages")
}
