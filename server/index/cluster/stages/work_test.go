package stages

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// bench is a site whose watcher is the test.
type bench struct {
	*openSite
	c      *Conn // the connection of a worker
	teller *batchPublisher
	again  chan struct{}
	never  map[int64]bool // heartbeats that must get no watermark
}

func newBench(t *testing.T) *bench {
	b := &bench{openSite: newOpenSite(t, 1), again: make(chan struct{}, 64), never: map[int64]bool{}}
	b.c = b.dial(site.Work)
	w := b.dial(site.Watch("a"))
	b.teller = &batchPublisher{c: w, site: b.site}
	b.teller.chains = []*chain{{c: w, stream: site.StreamSeen, subject: subjectOf(b.part), rival: b.teller.rival}}
	_, err := b.c.nc.Subscribe("again."+b.part.Subject(), func(*nats.Msg) {
		select {
		case b.again <- struct{}{}:
		default: // one request is enough
		}
	})
	check.NoError(t, errors.Join(err, b.c.nc.Flush()))
	return b
}

// patience is an interval at which a worker on a loaded machine does not lose its shares.
const patience = 300 * time.Millisecond

// startWorker runs a worker until stop is called.
func (b *bench) startWorker(name string) (stop func()) {
	b.t.Helper()
	return b.run(site.Work, func(ctx context.Context, c *Conn) error {
		return Work(ctx, c, WorkConfig{Name: name, Beat: patience})
	})
}

// newShareWorker returns the part's worker with a name. It never sleeps.
func (b *bench) newShareWorker(name string) *shareWorker {
	b.t.Helper()
	w, leave, err := join(b.c.nc, name, patience)
	check.NoError(b.t, err)
	b.t.Cleanup(leave)
	return &shareWorker{c: b.c, workers: w, name: "rows." + b.part.Subject(), beat: patience,
		woken: make(chan struct{}, 1)}
}

// push sends a batch like a watcher, and returns its heartbeat.
func (b *bench) push(x watch.Batch) int64 {
	b.t.Helper()
	x.Tree = b.tree
	check.NoError(b.t, b.teller.batch(b.t.Context(), &x))
	if x.Heartbeat.Time.IsZero() {
		return 0
	}
	return x.Heartbeat.Time.UnixNano()
}

func beatNow() watch.Heartbeat { return watch.Heartbeat{Time: time.Now()} }

// awaitWatermark waits for the watermark of a heartbeat.
func (b *bench) awaitWatermark(beat int64) *watermark {
	b.t.Helper()
	for {
		m, err := b.c.last(b.t.Context(), site.StreamFence, "fence.rows."+b.part.Subject())
		if err == nil && m != nil {
			f, err := parseWatermark(m.Body)
			if err != nil || m.signed != nil {
				b.t.Fatal(err, m.signed)
			}
			if b.never[f.Beat.Time] {
				b.t.Error("a watermark covers a heartbeat after an unusable message")
				delete(b.never, f.Beat.Time)
			}
			if f.Beat.Time >= beat {
				return f
			}
		}
		time.Sleep(time.Millisecond)
	}
}

// awaitWalkRequest waits until the worker requests a walk.
func (b *bench) awaitWalkRequest() {
	b.t.Helper()
	for len(b.again) > 0 {
		<-b.again
	}
	<-b.again
}

// record returns the last record of the part's log and its documents.
func (b *bench) record() (last record, rows map[string]string) {
	b.t.Helper()
	rows = map[string]string{}
	log := newRecords(b.c, site.StreamRows, "rows."+b.part.Subject())
	err := log.all(b.t.Context(), func() { clear(rows) }, func(x *record) error {
		last = *x
		for _, e := range x.events {
			if e.Row != nil {
				rows[e.Row.Path] = strings.Join(e.Row.Classes, " ")
			}
			delete(rows, e.Gone)
		}
		return nil
	})
	check.NoError(b.t, err)
	return last, rows
}

var forAll = sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")

func (b *bench) file(name string) watch.Seen {
	return watch.Seen{Path: filepath.Join(b.tree, name), Descriptor: forAll}
}

// TestPoisonMessageIsCountedAndSkipped checks that a valid but unusable message ends no worker, is counted, and
// prevents watermarks until another walk has ended (N-51, N-54). The same holds if the messages before one were lost.
func TestPoisonMessageIsCountedAndSkipped(t *testing.T) {
	b := newBench(t)
	defer b.startWorker("w1")()
	walk := func() {
		t.Helper()
		b.awaitWatermark(b.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{b.file("plan")},
			Heartbeat: beatNow()}))
	}
	walk()
	good := func(change func(m *seen)) string {
		m := seen{Run: b.teller.run, Started: b.teller.started, Descriptors: [][]byte{forAll.Binary()}}
		m.Documents = []document{{Path: []byte(filepath.Join(b.tree, "plan")), Descriptor: 1}}
		change(&m)
		text := check.Must(json.Marshal(&m))
		return string(text)
	}
	poisons := []string{"", "garbage", "{}", strings.Repeat("[", 10_000), strings.Repeat("x", maxSeen+1),
		good(func(m *seen) { m.Documents[0].Path = []byte("/etc/passwd") }),
		good(func(m *seen) { m.Documents[0].Descriptor = 2 }),
		good(func(m *seen) { m.Descriptors[0] = []byte("no descriptor") }),
		good(func(m *seen) { m.Started-- }),
		good(func(m *seen) { m.Documents = make([]document, maxDocuments+1) })}
	for i, text := range poisons {
		check.NoError(t, b.teller.chains[0].append(t.Context(), fmt.Sprint("poison", i), []byte(text), false))
		b.never[b.push(watch.Batch{Heartbeat: beatNow()})] = true
		b.awaitWalkRequest()
		walk()
		if last, rows := b.record(); last.Poison != uint64(i+1) || !last.Whole || len(rows) != 1 {
			t.Errorf("poison %.20q: record %+v, %d documents, want %d poison messages, a complete walk, 1 document",
				text, last, len(rows), i+1)
		}
	}
	b.teller.chains[0].head += 1000 // as if a message had been lost
	b.never[b.push(watch.Batch{Heartbeat: beatNow()})] = true
	b.awaitWalkRequest()
	walk()
}

// TestReplayedMessagesChangeNothing checks that a copy of an earlier message, a walk that began earlier, and messages
// of another host's watcher for this tree change nothing and use no space in the stream (N-43, N-49).
func TestReplayedMessagesChangeNothing(t *testing.T) {
	b := newBench(t)
	defer b.startWorker("w1")()
	b.awaitWatermark(b.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{b.file("plan")}, Heartbeat: beatNow()}))
	old, err := b.c.last(t.Context(), site.StreamSeen, subjectOf(b.part))
	check.RequireThat(t, err == nil && old != nil, "%v", err)
	b.awaitWatermark(b.push(watch.Batch{Begin: true, End: true, Heartbeat: beatNow()})) // plan is gone
	b.send(site.Watch("a"), old.Subject, rand.Text(), old.After, old.Body)
	b.send(site.Watch("a"), old.Subject, rand.Text(), 0, old.Body)
	b.send(site.Watch("b"), old.Subject, rand.Text(), b.teller.chains[0].head, old.Body)
	b.send(site.Work, old.Subject, rand.Text(), b.teller.chains[0].head, old.Body)
	b.awaitWatermark(b.push(watch.Batch{Heartbeat: beatNow()}))
	b.awaitWatermark(b.push(watch.Batch{Begin: true, End: true, Heartbeat: beatNow()}))
	if last, rows := b.record(); last.Poison != 0 || len(rows) != 0 {
		t.Errorf("%d messages could not be processed, the documents are %v, want 0 and none", last.Poison, rows)
	}
}

// TestAnotherWorkerContinuesShare checks that the share of an ended worker passes to another one, which continues at
// its position. In the middle of a walk it requests another one, because it does not know the first
// part of the walk (N-53).
func TestAnotherWorkerContinuesShare(t *testing.T) {
	b := newBench(t)
	stop := b.startWorker("w1")
	b.awaitWatermark(b.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{b.file("a"), b.file("b")},
		Heartbeat: beatNow()}))
	stop()
	stop = b.startWorker("w2")
	if f := b.awaitWatermark(b.push(watch.Batch{Heartbeat: beatNow()})); f.Generation < 2 {
		t.Errorf("generation %d, want at least 2", f.Generation)
	}
	b.push(watch.Batch{Begin: true, Seen: []watch.Seen{b.file("a")}})
	b.push(watch.Batch{Seen: []watch.Seen{b.file("c")}})
	check.Eventually(t, func() bool {
		last, rows := b.record()
		return !last.Whole && len(rows) == 3
	}, "the worker does not see the beginning")
	stop()
	b.push(watch.Batch{Seen: []watch.Seen{b.file("d")}, End: true, Heartbeat: beatNow()}) // no heartbeat confirms it
	defer b.startWorker("w3")()
	b.awaitWalkRequest()
	b.awaitWatermark(b.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{b.file("a"), b.file("c")},
		Heartbeat: beatNow()}))
	if _, rows := b.record(); len(rows) != 2 || rows["//a"+b.tree+"/b"] != "" {
		t.Errorf("the documents are %v, want 2, of which none is b", rows)
	}
}

// TestFourthWorkerSkipsPanickingMessage checks that a message that ends three workers in a row is skipped by
// the fourth (N-54).
func TestFourthWorkerSkipsPanickingMessage(t *testing.T) {
	b := newBench(t)
	b.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{b.file("a")}})
	for i := range maxTries {
		r := check.Must(newRows(t.Context(), b.newShareWorker(fmt.Sprint("w", i)), b.part))
		check.That(t, r.last.Tries == i+1 && !r.skip, "try %d is counted as %d, skips: %t", i+1, r.last.Tries, r.skip)
	}
	defer b.startWorker("w9")()
	b.awaitWalkRequest()
	if last, rows := b.record(); last.Poison != 1 || last.Tries != 0 || len(rows) != 0 {
		t.Errorf("the last record is %+v, with %d documents, want 1 poison message, no tries, no documents", last,
			len(rows))
	}
	b.awaitWatermark(b.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{b.file("a")}, Heartbeat: beatNow()}))
}

// TestSecondWatcherTakesOverTree checks that the second watcher of a tree takes it over, and that the first gets an
// error (N-49).
func TestSecondWatcherTakesOverTree(t *testing.T) {
	h := newOpenSite(t, 2)
	run := func() <-chan error {
		done := make(chan error, 1)
		c := h.dial(site.Watch("a"))
		go func() {
			// Nobody consumes the messages, so the full part lets neither watcher write.
			done <- Watch(t.Context(), c, WatchConfig{Host: "a", NoEvents: true, Every: patience, Beat: patience})
		}()
		return done
	}
	first := run()
	c := h.dial(site.Work)
	check.Eventually(t, func() bool {
		m, err := c.last(t.Context(), site.StreamSeen, subjectOf(h.part))
		return err == nil && m != nil
	}, "the first watcher does not begin")
	run()
	check.ErrorIs(t, <-first, errTakenOver, "the first watcher")
}

// TestPiecesOfTwoVersionsAreRejected checks that pieces of two versions, or a piece of another role, are not
// accepted, and that there is no watermark then (N-52).
func TestPiecesOfTwoVersionsAreRejected(t *testing.T) {
	h := newOpenSite(t, 1)
	c := h.dial(site.Work)
	d := h.publisher()
	first := []byte(strings.Repeat("a", pieceBytes) + "b")
	v := index.Version{People: anyPeople(t), File: first, Heartbeat: beatNow()}
	check.NoError(t, d.version(t.Context(), &v))
	n, _, err := c.newest(t.Context())
	check.RequireThat(t, err == nil && n != nil && n.Pieces == 2, "%+v: %v", n, err)
	if got, err := c.pieces(t.Context(), n); err != nil || string(got) != string(first) {
		t.Errorf("%d bytes: %v", len(got), err)
	}
	h.send(site.Directory, pieceSubject(1), "x", 0, []byte("c"))
	check.ErrorIs(t, check.Err(c.pieces(t.Context(), n)), errPieces, "a piece of another version")
	h.send(site.Watch("b"), pieceSubject(1), "y", 0, []byte("b"))
	check.ErrorIs(t, check.Err(c.pieces(t.Context(), n)), errPieces, "a piece of another role")
	h.send(site.Work, headSubject, "z", 0, check.Must(json.Marshal(&d.head)))
	if n, _, err := c.newest(t.Context()); n != nil || err != nil {
		t.Errorf("a head of another role: %+v, %v, want nil, nil", n, err)
	}
	h.send(site.Directory, headSubject, "zz", 0, []byte("{}"))
	if n, _, err := c.newest(t.Context()); n != nil || err != nil {
		t.Errorf("newest of an empty head = %+v, %v, want nil, nil", n, err)
	}
}

// TestAnswersExpireWhileAnyStageIsStopped checks that while any stage is stopped, answers expire at the time limit, and
// that they return once it runs again (N-9, N-55).
func TestAnswersExpireWhileAnyStageIsStopped(t *testing.T) {
	t.Parallel()
	const calm = 5 * heartbeatInterval // lets stages catch up after a stop, also under the race detector
	h := newOpenSite(t, 2)
	h.site.Hosts = map[string][]string{"a": {h.tree}} // b has no watcher
	state := filepath.Join(t.TempDir(), "state")
	stages := map[site.Role]func(context.Context, *Conn) error{
		site.Watch("a"): func(ctx context.Context, c *Conn) error {
			return Watch(ctx, c, WatchConfig{Host: "a", NoEvents: true, Every: calm, Beat: calm})
		},
		site.Directory: func(ctx context.Context, c *Conn) error {
			return Directory(ctx, c, DirectoryConfig{File: h.dir, Beat: calm})
		},
		site.Work: func(ctx context.Context, c *Conn) error {
			return Work(ctx, c, WorkConfig{Name: "w", Beat: patience})
		},
		site.Follow: func(ctx context.Context, c *Conn) error {
			return Follow(ctx, c, FollowConfig{State: state, Beat: calm})
		},
	}
	stops := map[site.Role]func(){}
	for r, stage := range stages {
		stops[r] = h.run(r, stage)
	}
	defer func() {
		for _, stop := range stops {
			stop()
		}
	}()
	says := func(who string, want bool) {
		t.Helper()
		for {
			x, err := index.Open(state, 3*patience)
			if err == nil {
				a := x.CanRead("//a"+h.tree+"/plan", who, "read")
				x.Close()
				if a.Allowed == want {
					check.That(t, want || strings.Contains(a.Because, "no heartbeat"), "%+v", a)
					return
				}
			} else if !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
	}
	says("alice", true)
	for r, stage := range stages {
		stops[r]()
		says("alice", false)
		stops[r] = h.run(r, stage)
		says("alice", true)
	}
}

// TestFutureHeartbeatGetsNoWatermark checks that a heartbeat from the future gets no watermark from a worker of rows or
// of members (N-80).
func TestFutureHeartbeatGetsNoWatermark(t *testing.T) {
	b := newBench(t)
	d := b.publisher()
	defer b.startWorker("w1")()
	list := anyPeople(t)
	tell := func(at time.Time) {
		t.Helper()
		b.push(watch.Batch{Heartbeat: watch.Heartbeat{Time: at}})
		v := index.Version{People: list, File: []byte(company), Heartbeat: watch.Heartbeat{Time: at}}
		check.NoError(t, d.version(t.Context(), &v))
	}
	ahead := time.Now().Add(time.Hour)
	fences := func() uint64 { // behind the one of each share that is of now
		t.Helper()
		present := time.Now()
		tell(present)
		var last uint64
		for _, name := range []string{"rows." + b.part.Subject(), "people.0"} {
			for {
				m, err := b.c.last(t.Context(), site.StreamFence, "fence."+name)
				if err == nil && m != nil {
					f, err := parseWatermark(m.Body)
					if err != nil || f.Beat.Time >= ahead.UnixNano() {
						t.Fatalf("%s: %+v, %v, want a heartbeat before %d, no error", name, f, err, ahead.UnixNano())
					}
					if f.Beat.Time >= present.UnixNano() {
						last = max(last, m.sequence)
						break
					}
				}
				time.Sleep(time.Millisecond)
			}
		}
		return last
	}
	b.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{b.file("plan")}, Heartbeat: beatNow()})
	before := fences()
	tell(ahead)
	check.Equal(t, fences()-before, 2, "watermarks of two shares")
}
