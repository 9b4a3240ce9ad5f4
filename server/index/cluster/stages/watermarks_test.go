package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// newFollowing is a follower of a site of one host with two parts a tree and one decider, without servers.
func newFollowing(t *testing.T, trees ...string) (f *following, k *kept, warned *int) {
	t.Helper()
	s, _, err := site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": trees}, Parts: 2})
	check.NoError(t, err)
	q := check.Must(s.Question())
	m := check.Must(q.Merge(nil, 1))
	k, warned = &kept{}, new(int)
	f = &following{c: &Conn{site: s, warn: func(error) { *warned++ }}, merge: m, sinks: []index.Sink{k},
		watermarks: map[string]*seenWatermark{}, since: 7, began: true,
		clock: func() watch.Heartbeat { return watch.Heartbeat{Time: time.Unix(100, 0), Up: time.Minute} }}
	f.logs = f.all()
	for i, l := range f.logs {
		l.generation, l.whole, l.records.follower.head = uint64(5+i), true, 30
		l.recent = []readRecord{{28, "r/1"}, {30, "r/2"}}
	}
	return f, k, warned
}

// TestTreeTimeIsThatOfOldestPart checks both sides of each condition for a share's watermark,
// and the watermark of all shares: a tree is as current as its oldest part, and has none if one
// part has none (N-49, N-55, N-80, N-81).
func TestTreeTimeIsThatOfOldestPart(t *testing.T) {
	good := watermark{Generation: 5, Log: 30, Record: "r/2", Cursor: 9,
		Beat: heartbeat{Time: time.Unix(90, 0).UnixNano()}}
	for name, c := range map[string]struct {
		change func(f *following, x *watermark, m *message)
		counts bool
		warns  int // errLost counts as a warning
	}{
		"unchanged": {func(*following, *watermark, *message) {}, true, 0},
		"after an earlier log": {func(_ *following, x *watermark, _ *message) {
			x.Log, x.Record = 28, "r/1"
		}, true, 0},
		"after another record":        {func(_ *following, x *watermark, _ *message) { x.Record = "q/2" }, false, 1},
		"after one that is no record": {func(_ *following, x *watermark, _ *message) { x.Log = 29 }, false, 1},
		"after a forgotten one":       {func(_ *following, x *watermark, _ *message) { x.Log = 27 }, false, 0},
		"after one before the known": {func(f *following, x *watermark, _ *message) {
			f.watermarks[f.logs[0].name()] = &seenWatermark{&watermark{Generation: 5, Log: 28, Cursor: 1}, 1}
			x.Log = 27
		}, false, 1},
		"after one before the known, of a log that restarted": {func(f *following, x *watermark, _ *message) {
			f.watermarks[f.logs[0].name()] = &seenWatermark{&watermark{Generation: 5, Log: 28, Cursor: 1}, 1}
			x.Log, f.logs[0].restarted = 27, true
		}, false, 1},
		"after a later log":   {func(_ *following, x *watermark, _ *message) { x.Log = 31 }, false, 0},
		"of one before":       {func(_ *following, x *watermark, _ *message) { x.Generation = 4 }, false, 0},
		"of the next":         {func(_ *following, x *watermark, _ *message) { x.Generation = 6 }, false, 0},
		"not read to an end":  {func(f *following, _ *watermark, _ *message) { f.logs[0].whole = false }, false, 0},
		"of another share":    {func(_ *following, _ *watermark, m *message) { m.Subject += "x" }, false, 0},
		"not signed":          {func(_ *following, _ *watermark, m *message) { m.signed = errors.New("no") }, false, 1},
		"there before":        {func(_ *following, _ *watermark, m *message) { m.sequence = 7 }, false, 0},
		"stored ahead":        {func(_ *following, _ *watermark, m *message) { m.stored = time.Unix(101, 1) }, false, 1},
		"stored by a second":  {func(_ *following, _ *watermark, m *message) { m.stored = time.Unix(101, 0) }, true, 0},
		"without a heartbeat": {func(_ *following, x *watermark, _ *message) { x.Beat.Time = 0 }, false, 1},
		"older than known": {func(f *following, x *watermark, _ *message) {
			f.watermarks[f.logs[0].name()] = &seenWatermark{&watermark{Cursor: 1, Beat: heartbeat{Time: x.Beat.Time + 1}}, 1}
		}, false, 0},
		"as old as known": {func(f *following, x *watermark, _ *message) {
			f.watermarks[f.logs[0].name()] = &seenWatermark{&watermark{Cursor: 1, Beat: heartbeat{Time: x.Beat.Time}}, 1}
		}, false, 0},
		"newer than known": {func(f *following, x *watermark, _ *message) {
			f.watermarks[f.logs[0].name()] = &seenWatermark{&watermark{Cursor: 1, Beat: heartbeat{Time: x.Beat.Time - 1}}, 1}
		}, true, 0},
		"known to be ahead": {func(f *following, _ *watermark, _ *message) {
			f.watermarks[f.logs[0].name()] = &seenWatermark{&watermark{Cursor: 1, Beat: heartbeat{Time: time.Unix(102,
				0).UnixNano()}}, 1}
		}, true, 0},
	} {
		f, _, warned := newFollowing(t, "/srv", "/srv2")
		x := good
		m := &message{Signed: site.Signed{Subject: "fence." + f.logs[0].name()}, sequence: 8, stored: time.Unix(95, 0)}
		c.change(f, &x, m)
		m.Body, _ = json.Marshal(&x)
		if errors.Is(f.addWatermark(m), errLost) {
			*warned++
		}
		got := f.watermarks[f.logs[0].name()]
		if counts := got != nil && got.Cursor == 9; counts != c.counts || *warned != c.warns || counts &&
			got.up != time.Minute {
			t.Errorf("N-49: watermark %s: accepted %t, %d warnings, %+v", name, counts, *warned, got)
		}
	}
	f, k, warned := newFollowing(t, "/srv", "/srv2")
	ready := 0
	f.config.Ready = func() { ready++ }
	expect := func(what string, want map[string]index.Moment) {
		t.Helper()
		k.last = index.Watermark{}
		check.NoError(t, f.writeWatermark())
		check.That(t, maps.Equal(k.last.Sources, want), "N-55: %s: %v, want %v", what, k.last.Sources, want)
	}
	at := func(n int64, up time.Duration) index.Moment { return index.Moment{Time: time.Unix(0, n), Up: up} }
	give := func(i int, n int64, up time.Duration) {
		f.watermarks[f.logs[i].name()] = &seenWatermark{&watermark{Beat: heartbeat{Time: n}}, up}
	}
	expect("nothing", nil)
	give(4, 50, 5)
	none := index.Moment{}
	expect("the directory", map[string]index.Moment{"directory": at(50, 5), "//a/srv": none, "//a/srv2": none})
	give(0, 40, 3)
	expect("half a tree", map[string]index.Moment{"directory": at(50, 5), "//a/srv": none, "//a/srv2": none})
	give(1, 30, 4)
	expect("a tree", map[string]index.Moment{"directory": at(50, 5), "//a/srv": at(30, 3), "//a/srv2": none})
	give(1, 60, 2)
	expect("the other part", map[string]index.Moment{"directory": at(50, 5), "//a/srv": at(40, 2), "//a/srv2": none})
	if give(2, 70, 7); ready != 0 {
		t.Errorf("%d trees are ready while a share has no watermark, want 0", ready)
	}
	give(3, 70, 7)
	all := map[string]index.Moment{"directory": at(50, 5), "//a/srv": at(40, 2), "//a/srv2": at(70, 7)}
	expect("all", all)
	expect("all again", all)
	check.That(t, ready == 1, "it was ready %d times, want 1", ready)
	more := new(kept)
	f.sinks = append(f.sinks, more)
	check.NoError(t, errors.Join(f.write(), f.writeWatermark()))
	check.That(t, more.events > 0 && maps.Equal(more.last.Sources, all), "a second sink has %+v", more)
	for i := range maxRecent {
		f.logs[0].remember(uint64(31+i), "r")
	}
	recent := f.logs[0].recent
	check.Equal(t, recent[len(recent)-500].sequence, 30+maxRecent-499, "the 500th last record")
	*warned, f.logs[0].records.follower.refused = 0, 2
	f.warnRefused(f.logs[0])
	f.warnRefused(f.logs[0])
	check.Equal(t, *warned, 1, "warnings of two invalid messages")
}

// TestWatermarksOfManySharesAreRead checks that a follower reads the watermarks of more shares than the NATS servers
// answer about in one request. Watermarks that stay behind those that were read are of another stream.
func TestWatermarksOfManySharesAreRead(t *testing.T) {
	h := newOpenSite(t, 1)
	f := &following{c: h.dial(site.Follow)}
	for n := range 1025 {
		f.logs = append(f.logs, &share{records: newRecords(f.c, site.StreamRows, fmt.Sprint("rows.a.", n))})
		check.NoError(t, f.c.nc.Publish("fence."+f.logs[n].name(), nil))
	}
	check.Eventually(t, func() bool {
		m, err := f.c.last(t.Context(), site.StreamFence, "fence.rows.a.1024")
		return m != nil && err == nil
	}, "the last watermark is not stored")
	list := check.Must(f.readWatermarks(t.Context()))
	check.Equal(t, len(list), len(f.logs), "watermarks that were read")
	read := &f.logs[1].records.follower
	for turn, stream := range []string{"none", "none", site.StreamRows} { // each turn asks about the next log
		read.stream = stream
		check.Equal(t, f.present(t.Context(), nil) != nil, turn == 1, "the stream of log 1 is missing, in turn %d", turn)
	}
	f.newest = 1 << 40
	for range doubts + 1 {
		check.NoError(t, f.present(t.Context(), nil)) // a new stream without watermarks
	}
	for range doubts {
		err := f.present(t.Context(), list)
		check.Equal(t, errors.Is(err, errLost), f.behind == doubts, "earlier watermarks, %d times: %v", f.behind, err)
	}
	f.behind, f.config.Beat = doubts-1, time.Hour
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	check.ErrorIs(t, f.run(ctx), errLost, "the result of the follower")
}
