package stages

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// TestWorkerRequestsMissingWalk checks that a worker requests a walk while no complete walk is known and none is under
// way, and not afterwards (N-53).
func TestWorkerRequestsMissingWalk(t *testing.T) {
	b := newBench(t)
	s := b.newShareWorker("w1")
	s.workers.beat, s.beat = time.Hour, time.Millisecond // other workers count it as alive
	s.workers.recordAlive("w1")
	other := b.part
	other.Number = 1 // the watcher of the tree gets the requests of all parts
	r := check.Must(newRows(t.Context(), s, other))
	asked := func(limit time.Duration) (asked bool) {
		t.Helper()
		for len(b.again) > 0 {
			<-b.again
		}
		ctx, stop := context.WithTimeout(t.Context(), limit)
		defer stop()
		ended := make(chan error, 1)
		go func() { ended <- r.run(ctx) }()
		select {
		case <-b.again:
			asked = true
		case <-ctx.Done():
		case err := <-ended:
			check.RequireThat(t, ctx.Err() != nil, "the run ended by itself: %v", err)
			return false
		}
		stop()
		<-ended
		return asked
	}
	const soon, patient = 50 * time.Millisecond, time.Minute
	settled := func() {
		t.Helper()
		for more := true; more; {
			var err error
			if more, err = r.turn(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if settled(); !asked(patient) {
		t.Error("N-53: the worker of the second part requested no walk at the start, want one")
	}
	r = check.Must(newRows(t.Context(), s, b.part))
	if settled(); !asked(patient) {
		t.Error("N-53: the worker requested no walk at the start, want one")
	}
	b.push(watch.Batch{Begin: true, Seen: []watch.Seen{b.file("plan")}})
	if settled(); asked(soon) {
		t.Error("N-53: the worker requested a walk during a walk, want none")
	}
	b.push(watch.Batch{End: true})
	if settled(); asked(soon) || !r.last.Whole {
		t.Error("N-53: the worker requested a walk after a complete one, want none")
	}
	b.push(watch.Batch{Seen: []watch.Seen{b.file("own")}})
	if settled(); asked(soon) || !r.last.Whole {
		t.Error("N-53: the worker requested a walk after a change, want none")
	}
	check.NoError(t, b.teller.chains[0].append(t.Context(), "poison", []byte("garbage"), false))
	if settled(); !asked(patient) || r.last.Whole {
		t.Error("N-54: the worker requested no walk after an unusable message, want one")
	}
}

// TestFailedAttemptIsReportedAndRetried checks that a failed attempt is reported with its share, and that the next one
// starts (N-54).
func TestFailedAttemptIsReportedAndRetried(t *testing.T) {
	warnings := &warned{}
	s := &shareWorker{c: &Conn{warn: warnings.warn}, name: "rows.a.x.0", beat: time.Millisecond,
		woken:   make(chan struct{}, 1),
		workers: &workers{name: "w", beat: time.Hour, lastSeen: map[string]time.Time{"w": time.Now()}}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	turns := 0
	err := s.loop(ctx, func(context.Context, *shareWorker) error {
		switch turns++; turns {
		case 2:
			return nil
		case 4:
			stop()
		}
		return errors.New("no")
	})
	check.ErrorIs(t, guarded(func() error { panic("no") }), errPanic, "a panic")
	want := "[rows.a.x.0: no rows.a.x.0: no]" // the last error belongs to a worker whose context ended
	if got := fmt.Sprint(warnings.take()); err != nil || turns != 4 || got != want {
		t.Errorf("%d turns, error %v, warnings %s, want %s", turns, err, got, want)
	}
}

// TestLostLogOfClassesIsRebuilt checks that a worker decides the classes of all documents again after the stream with
// the members of classes was lost, although no class is defined again (N-147).
func TestLostLogOfClassesIsRebuilt(t *testing.T) {
	f := newFirm(t)
	f.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{f.file("plan")}})
	f.change("offer", 1, true)
	check.Equal(t, f.bobMayRead("plan")+f.bobMayRead("offer"), "truetrue", "bob may read")
	f.lose(site.StreamPeople)
	s := f.newShareWorker("w2")
	s.name = "people.0"
	var err error
	f.people, err = newDeciding(t.Context(), s, 0)
	check.NoError(t, err)
	f.state = filepath.Join(t.TempDir(), "state")
	f.follow()
	f.push(watch.Batch{})
	check.Equal(t, f.bobMayRead("plan")+f.bobMayRead("offer"), "truetrue", "bob may read with the new log")
	again := check.Must(newDeciding(t.Context(), s, 0))
	check.That(t, again.last.Parts == hashOfParts(f.site) && again.defined == nil,
		"a log with all classes: %+v, %v", again.last, again.defined)
}

// TestEachShareKnowsClassesOfFolders checks that one share has the class of a document, and every share that of a
// folder.
func TestEachShareKnowsClassesOfFolders(t *testing.T) {
	known := map[string]int{}
	for share := range 2 {
		k := &knownClasses{share: share, records: newRecords(&Conn{site: &site.Site{Deciders: 2}}, "", "")}
		to := map[string]*index.ClassEvent{}
		k.add(to, &index.ClassEvent{ID: "document"})
		k.add(to, &index.ClassEvent{ID: "folder", Passing: true})
		for id := range to {
			known[id]++
		}
	}
	check.That(t, known["document"] == 1 && known["folder"] == 2, "shares that know a class: %v, want 1 and 2", known)
}

// lose deletes a stream and creates it again.
func (f *firm) lose(stream string) {
	f.t.Helper()
	k := f.dial(site.Keeper)
	check.NoError(f.t, k.js.DeleteStream(f.t.Context(), stream))
	check.NoError(f.t, Prepare(f.t.Context(), k))
}

// TestLostDefinitionsAreReadFromLogs checks that a worker notices that the stream with the definitions of classes was
// recreated, whose messages have numbers that were read. It decides the classes whose definitions were lost and those
// of the new stream, and goes on from there. A worker that starts afterwards notices it, too (N-147).
func TestLostDefinitionsAreReadFromLogs(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		f := newFirm(t)
		f.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{f.file("plan")}})
		for n := range 3 {
			f.change("offer", n, true)
		}
		lost := f.file("lost")
		lost.Descriptor = sddl.MustParse("O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-1108)(A;;FR;;;S-1-5-21-7-7-7-7)")
		f.bench.push(watch.Batch{Seen: []watch.Seen{lost}, Heartbeat: beatNow()})
		check.NoError(t, check.Err(f.rows.turn(t.Context()))) // the worker of the classes does not read this definition
		f.lose(site.StreamClass)
		people := *f.people.shift
		if restarts {
			f.people = check.Must(newDeciding(t.Context(), &people, 0))
		}
		f.change("new", 3, true)
		for range silence {
			f.push(watch.Batch{})
		}
		may := func() string { return f.bobMayRead("offer") + f.bobMayRead("lost") + f.bobMayRead("new") }
		check.Equal(t, may(), "truetruetrue", "N-147: bob may read with the new stream")
		f.change("new", 4, false)
		check.Equal(t, may(), "truetruefalse", "bob may read after a change")
		last := f.people.last.Cursor
		f.people = check.Must(newDeciding(t.Context(), &people, 0))
		check.That(t, last > 0 && last < 4 && f.people.last.Cursor == last,
			"the worker is at message %d of the new stream, the next one at %d", last, f.people.last.Cursor)
	}
}
