package stages

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/winnt"
)

// newQuietFirm returns a firm whose logs are compacted, and whose unused classes are dropped, only when the test says
// so. The file plan had descriptor 1, which bob may read, and then 2. Both are in the log of the classes, and only the
// second one is in the log of the part.
func newQuietFirm(t *testing.T) *firm {
	f := newFirm(t)
	f.quiet()
	f.push(watch.Batch{Begin: true, End: true})
	f.change("plan", 1, true)
	check.Equal(t, f.bobMayRead("plan"), "true", "bob may read")
	f.change("plan", 2, false)
	f.snapshot(f.rows.ledger, f.rows.worker, false)
	check.That(t, f.people.worker.Knows(f.class(1, true)), "the class of plan was dropped too early")
	return f
}

const never = 1 << 40

func (f *firm) quiet() { f.rows.shift.compact, f.people.shift.compact = never, never }

// snapshot writes a snapshot of a share and lets the keeper delete the records before it.
func (f *firm) snapshot(l *ledger, w *index.Worker, all bool) {
	f.t.Helper()
	l.records.size = index.Size{Bytes: 1 << 20, Lines: 1 << 20}
	check.NoError(f.t, l.compact(f.t.Context(), w, 1, all))
	check.Equal(f.t, check.Must(parseRecord(f.stored(l.chain.stream, l.name)[0].Body)).Piece, 1, "first piece")
}

// class returns the ID of the class of descriptor n.
func (f *firm) class(n int, bob bool) string {
	r := check.Must(f.site.Question()).Rights[0]
	return index.NewClass(f.version("", n, bob).Descriptor, nil, r.Name, r.Mask(winnt.FileObject), winnt.FileObject).ID
}

// dropUnused lets the worker of the classes search for unused ones, and returns whether it still knows the class of
// descriptor 1.
func (f *firm) dropUnused() (knows bool) {
	f.t.Helper()
	d := f.people
	d.shift.compact, d.kept, d.rest = 1, 0, 0
	for range 3 {
		check.NoError(f.t, d.dropUnused(f.t.Context()))
	}
	d.shift.compact = never
	return d.worker.Knows(f.class(1, true))
}

// announce lets the worker of the part announce the class of a document, and returns a function that lets it write the
// record with the document. With begin the document is in the first message of a walk.
func (f *firm) announce(begin bool, document watch.Seen) (write func()) {
	f.t.Helper()
	f.bench.push(watch.Batch{Begin: begin, Seen: []watch.Seen{document}})
	list := check.Must(f.c.next(f.t.Context(), site.StreamSeen, subjectOf(f.part), f.rows.in.next))
	m := &list[len(list)-1]
	s, batch, err := parseSeen(f.site, f.part, m.Body)
	check.NoError(f.t, err)
	check.NoError(f.t, f.rows.worker.Batch(batch))
	events := f.rows.worker.Take()
	check.NoError(f.t, f.rows.define(f.t.Context(), m.sequence, events))
	return func() {
		f.t.Helper()
		next := f.rows.last
		next.Cursor, next.Started = m.sequence, s.Started
		check.NoError(f.t, f.rows.write(f.t.Context(), next, events))
		f.rows.in.head, f.rows.in.id, f.rows.in.next = m.sequence, m.ID, m.sequence+1
	}
}

// assignPeople assigns the share of the classes to another worker.
func (f *firm) assignPeople() {
	f.t.Helper()
	f.people = check.Must(newDeciding(f.t.Context(), f.people.shift, 0))
	f.decide()
}

// TestDroppedClassComesBack checks that a class without documents is dropped from the log of the classes and from the
// indexes of followers. When a document has it again, it has its readers again, for a follower that is up to date, one
// that starts at the snapshots, and one that continues from its folder (N-148).
func TestDroppedClassComesBack(t *testing.T) {
	f := newQuietFirm(t)
	up := f.seen
	check.Equal(t, f.dropUnused(), false, "the worker knows a class without documents")
	check.Equal(t, f.people.kept, f.people.records.size.Bytes, "the size of the log after the search")
	f.push(watch.Batch{})
	check.Equal(t, f.bobMayRead("plan"), "false", "bob may read")
	check.NoError(t, up.log.Close()) // this follower continues later
	former := f.state
	f.change("plan", 1, true)
	check.That(t, f.people.worker.Knows(f.class(1, true)), "the class was not decided again")
	start := func(state string) {
		f.state = state
		f.follow()
	}
	start(filepath.Join(t.TempDir(), "records"))
	check.Equal(t, f.bobMayRead("plan"), "true", "bob may read, by all records")
	f.change("plan", 2, false)
	check.Equal(t, f.bobMayRead("plan"), "false", "bob may read after a change")
	f.snapshot(f.rows.ledger, f.rows.worker, false)
	f.dropUnused()
	f.change("plan", 1, true) // the class of the up to date follower was dropped, and comes back
	check.Equal(t, f.bobMayRead("plan"), "true", "bob may read, by a follower that was always up to date")
	f.snapshot(f.rows.ledger, f.rows.worker, false)
	f.snapshot(f.people.ledger, f.people.worker, true)
	start(filepath.Join(t.TempDir(), "snapshots"))
	f.push(watch.Batch{})
	check.Equal(t, f.bobMayRead("plan"), "true", "bob may read, by the snapshots")
	start(former)
	f.push(watch.Batch{})
	check.Equal(t, f.bobMayRead("plan"), "true", "bob may read, by a folder that has dropped the class")
}

// TestAnnouncedClassIsNotLost drops unused classes while the worker of a part has announced a class, and has not
// written the document with it. In each order of the steps, the document has its readers afterwards (N-148).
func TestAnnouncedClassIsNotLost(t *testing.T) {
	for name, order := range map[string]func(t *testing.T, f *firm){
		"read, search, write": func(t *testing.T, f *firm) {
			write := f.announce(false, f.version("plan", 1, true))
			f.decide()
			check.Equal(t, f.dropUnused(), true, "kept before the record is written")
			write()
			check.Equal(t, f.dropUnused(), true, "kept after the record was written")
		},
		"search, read, write": func(t *testing.T, f *firm) {
			write := f.announce(false, f.version("plan", 1, true))
			check.Equal(t, f.dropUnused(), false, "kept before the announcement is read")
			f.decide()
			check.Equal(t, f.dropUnused(), true, "kept after the announcement was read")
			write()
		},
		"write, search, read": func(t *testing.T, f *firm) {
			f.announce(false, f.version("plan", 1, true))()
			check.Equal(t, f.dropUnused(), true, "kept, because the log of the part defines it")
		},
		"the worker of the part ends": func(t *testing.T, f *firm) {
			f.announce(false, f.version("plan", 1, true))
			f.decide()
			check.Equal(t, f.dropUnused(), true, "kept before the record is written")
			f.rows = check.Must(newRows(t.Context(), f.rows.shift, f.part))
			check.Equal(t, f.dropUnused(), false, "kept, and the worker that announced it cannot write any more")
		},
		"the worker of the classes ends": func(t *testing.T, f *firm) {
			write := f.announce(false, f.version("plan", 1, true))
			f.decide()
			f.assignPeople()
			check.Equal(t, f.dropUnused(), true, "kept by the next worker")
			f.snapshot(f.people.ledger, f.people.worker, true)
			f.assignPeople()
			check.Equal(t, f.dropUnused(), true, "kept by a worker that starts at the snapshot")
			write()
		},
		"the input of the part is recreated": func(t *testing.T, f *firm) {
			f.lose(site.StreamSeen)
			f.rows = check.Must(newRows(t.Context(), f.rows.shift, f.part))
			write := f.announce(true, f.version("plan", 1, true))
			f.decide()
			check.Equal(t, f.dropUnused(), true, "kept before the first message of the new stream was processed")
			write()
			f.push(watch.Batch{End: true})
			f.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{f.version("plan", 1, true)}})
		},
		"the worker of the classes ends after the drop": func(t *testing.T, f *firm) {
			check.Equal(t, f.dropUnused(), false, "kept without an announcement")
			f.assignPeople()
			check.That(t, !f.people.worker.Knows(f.class(1, true)), "the next worker knows the class")
			f.announce(false, f.version("plan", 1, true))()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newQuietFirm(t)
			order(t, f)
			f.push(watch.Batch{})
			check.Equal(t, f.bobMayRead("plan"), "true", "bob may read")
			f.dropUnused()
			f.push(watch.Batch{})
			check.Equal(t, f.bobMayRead("plan"), "true", "bob may read after another search")
		})
	}
}

// TestUnknownPartsKeepClasses checks that no class is dropped while the log of a part is unusable, or while a part that
// the site file does not have announces classes. A tree that comes back into the site file has its readers (N-148).
func TestUnknownPartsKeepClasses(t *testing.T) {
	f := newQuietFirm(t)
	other := announcer{"rows.other.x.0", place{1, 1}}
	f.people.noteAnnouncement(other)
	check.Equal(t, f.dropUnused(), true, "kept because of an unknown part")
	f.assignPeople()
	f.assignPeople()
	check.That(t, f.people.announced[other.part] == (place{}), "it was never written")
	f.people.noteAnnouncement(other)
	f.decide()
	check.NoError(t, f.people.write(t.Context(), f.people.last, nil))
	f.assignPeople()
	check.Equal(t, f.dropUnused(), true, "kept because of an unknown part by the next worker")

	hosts := maps.Clone(f.site.Hosts)
	f.site.Hosts["c"] = []string{f.tree} // another host's tree with the same path
	f.assignPeople()
	f.assignPeople()
	check.Equal(t, len(f.people.announced), 1, "parts that announced classes, with another site file")
	f.change("plan", 1, true)
	f.site.Hosts = map[string][]string{"c": {f.tree}}
	f.assignPeople()
	check.Equal(t, f.dropUnused(), false, "kept without the tree")
	f.site.Hosts = hosts
	f.assignPeople()
	check.That(t, f.people.worker.Knows(f.class(1, true)), "the class is not decided again with the tree")
	f.push(watch.Batch{})
	check.Equal(t, f.bobMayRead("plan"), "true", "bob may read again")

	f.change("plan", 2, false)
	f.snapshot(f.rows.ledger, f.rows.worker, false)
	f.send(site.Work, f.rows.name, "garbage", f.rows.chain.head, []byte("garbage"))
	check.Equal(t, f.dropUnused(), true, "kept because a log cannot be used")

	for _, what := range []string{"unusable", "half of a snapshot"} {
		f.lose(site.StreamPeople)
		f.assignPeople()
		check.Equal(t, f.people.last.Parts, "", "parts whose classes are known although a log is %s", what)
		half := record{Generation: f.rows.last.Generation, Worker: "w", Piece: 1}
		seq := f.send(site.Work, f.rows.name, "half", 1<<40, check.Must(half.bytes()))
		check.NoError(t, f.c.purge(t.Context(), site.StreamRows, f.rows.name, seq))
	}
}

// TestLostLogsOfPartsDropClasses checks that classes are still dropped after the logs of the parts were lost: the
// generations of a new log continue those of the watermark, so the part gets beyond its last announcement (N-148).
func TestLostLogsOfPartsDropClasses(t *testing.T) {
	f := newQuietFirm(t)
	for n := range 3 {
		f.assignWorker(fmt.Sprint("w", n))
		f.quiet()
	}
	f.change("plan", 1, true)
	f.change("plan", 2, false)
	f.lose(site.StreamRows)
	f.rows = check.Must(newRows(t.Context(), f.rows.shift, f.part))
	f.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{f.version("plan", 2, false)}})
	check.Equal(t, f.dropUnused(), false, "kept after the walk")
}

// TestDropsInRandomOrderKeepReaders changes documents while workers end, compact their logs and drop unused classes in
// a random order. In the end each document has its readers (N-148).
func TestDropsInRandomOrderKeepReaders(t *testing.T) {
	for seed := range uint64(randtest.Size(4)) {
		f, rng := newFirm(t), rand.New(rand.NewPCG(148, seed))
		f.quiet()
		f.push(watch.Batch{Begin: true, End: true})
		want := map[string]bool{}
		var write func() // the record of an announcement
		class := ""      // its class
		process := func() {
			for more := true; more; {
				more = check.Must(f.rows.turn(t.Context()))
			}
		}
		dropped := 0
		for range 600 {
			switch kind := rng.IntN(12); {
			case kind < 4 && write == nil:
				name, n := fmt.Sprint("f", rng.IntN(3)), rng.IntN(6)
				want[name], class = n%2 == 0, f.class(n, n%2 == 0)
				write = f.announce(false, f.version(name, n, want[name]))
			case kind < 6 && write != nil:
				write()
				write = nil
				f.decide()
				check.That(t, f.people.worker.Knows(class), "seed %d: class %s of a document is not decided", seed, class)
			case kind == 6:
				f.decide()
			case kind == 7:
				before := f.people.records.size.Lines
				f.dropUnused()
				dropped += f.people.records.size.Lines - before
			case kind == 8 && write == nil:
				f.snapshot(f.rows.ledger, f.rows.worker, false)
			case kind == 9 && rng.IntN(2) == 0:
				f.rows, write = check.Must(newRows(t.Context(), f.rows.shift, f.part)), nil
				f.bench.push(watch.Batch{Heartbeat: beatNow()}) // workers without progress would skip the next message
				process()
			case kind == 10 && rng.IntN(2) == 0:
				f.snapshot(f.people.ledger, f.people.worker, true)
				f.assignPeople()
			case kind == 11:
				check.NoError(t, f.seen.turn(t.Context()))
			}
		}
		if write != nil {
			write()
		}
		process()
		f.push(watch.Batch{})
		for _, state := range []string{f.state, filepath.Join(t.TempDir(), "state")} {
			f.state = state
			check.NoError(t, f.seen.log.Close())
			f.follow()
			f.push(watch.Batch{})
			for name, may := range want {
				check.Equal(t, f.bobMayRead(name), fmt.Sprint(may), "seed %d: bob may read %s", seed, name)
			}
		}
		check.That(t, dropped > 10, "seed %d: only %d drops", seed, dropped)
	}
}
