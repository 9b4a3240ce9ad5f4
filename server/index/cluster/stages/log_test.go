package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// firm is a bench whose workers and follower the test runs step by step.
type firm struct {
	*bench
	rows   *rows
	people *deciding
	lister *directoryPublisher
	state  string
	seen   *following
	index  *index.Index
}

func newFirm(t *testing.T) *firm {
	f := &firm{bench: newBench(t), state: filepath.Join(t.TempDir(), "state")}
	delete(f.site.Hosts, "b") // without a watcher
	f.lister = f.publisher()
	f.assignWorker("w1")
	f.follow()
	return f
}

// follow starts a follower that continues from the folder.
func (f *firm) follow() {
	f.t.Helper()
	log, state, err := index.OpenLog(f.state)
	check.NoError(f.t, err)
	f.t.Cleanup(func() { _ = log.Close() }) // a test may have closed it
	f.seen = &following{c: f.dial(site.Follow), config: FollowConfig{Compact: 1}, log: log, sinks: []index.Sink{log},
		watermarks: map[string]*seenWatermark{}, began: true, clock: watch.Now}
	f.seen.logs = f.seen.all()
	q, err := f.site.Question()
	check.NoError(f.t, err)
	if f.seen.merge, err = q.Merge(state, 1); err != nil {
		f.t.Fatal(err)
	}
	if f.index, err = index.Open(f.state, time.Minute); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = f.index.Close() })
}

// assignWorker assigns both shares to a worker, which continues from the logs.
func (f *firm) assignWorker(name string) {
	f.t.Helper()
	s := f.newShareWorker(name)
	s.compact = 1
	f.rows = check.Must(newRows(f.t.Context(), s, f.part))
	people := *s
	people.name = "people.0"
	f.people = check.Must(newDeciding(f.t.Context(), &people, 0))
}

// push sends files and a heartbeat of the directory, and lets the workers process everything.
func (f *firm) push(b watch.Batch) {
	f.t.Helper()
	b.Heartbeat = beatNow()
	f.bench.push(b)
	for more := true; more; {
		var err error
		if more, err = f.rows.turn(f.t.Context()); err != nil {
			f.t.Fatal(err)
		}
	}
	f.decide()
}

// decide sends a heartbeat of the directory, and lets the worker of the classes process everything.
func (f *firm) decide() {
	f.t.Helper()
	v := index.Version{People: anyPeople(f.t), File: []byte(company), Heartbeat: beatNow()}
	check.NoError(f.t, errors.Join(f.lister.version(f.t.Context(), &v), f.people.turns(f.t.Context())))
}

// version returns a file with descriptor n, which bob may or may not read.
func (f *firm) version(name string, n int, bob bool) watch.Seen {
	text := fmt.Sprintf("O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-1107)(A;;FX;;;S-1-5-21-1-2-3-%d)", 5000+n)
	if bob {
		text += "(A;;FR;;;S-1-5-21-1-2-3-1108)"
	}
	return watch.Seen{Path: filepath.Join(f.tree, name), Descriptor: sddl.MustParse(text)}
}

// change changes the descriptor of a file that bob may or may not read.
func (f *firm) change(name string, n int, bob bool) {
	f.t.Helper()
	f.push(watch.Batch{Seen: []watch.Seen{f.version(name, n, bob)}})
}

// bobMayRead runs the follower once and returns its answer whether bob may read a document.
func (f *firm) bobMayRead(name string) string {
	f.t.Helper()
	check.NoError(f.t, f.seen.turn(f.t.Context()))
	a := f.index.CanRead("//a"+filepath.Join(f.tree, name), "bob", "read")
	return strings.TrimSpace(fmt.Sprint(a.Allowed, " ", a.Because))
}

// stored returns the stored messages of a subject.
func (f *firm) stored(stream, subject string) (out []message) {
	f.t.Helper()
	for from := uint64(1); ; from = out[len(out)-1].sequence + 1 {
		list := check.Must(f.c.next(f.t.Context(), stream, subject, from))
		if out = append(out, list...); len(list) == 0 {
			return out
		}
	}
}

// TestLogsStaySmall checks that the logs of shares, the stream of classes and a follower's folder
// stay proportional to the current state despite many changes, and that workers and followers
// continue from them (N-83, N-84, N-86, N-148).
func TestLogsStaySmall(t *testing.T) {
	f := newFirm(t)
	f.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{f.file("plan"), f.file("own")}})
	if got := f.bobMayRead("plan"); got != "true" {
		t.Fatal(got)
	}
	const changes = 80
	most := 0
	for n := range changes {
		if n%16 == 7 {
			f.assignWorker(fmt.Sprint("w", n)) // another worker continues
		}
		f.change("plan", n%4, n%2 == 0)
		most = max(most, len(f.stored(site.StreamRows, f.rows.name)), len(f.stored(site.StreamPeople, "people.0")))
		if n%5 != 0 { // the follower falls behind
			continue
		}
		if got, want := f.bobMayRead("plan"), fmt.Sprint(n%2 == 0); got != want {
			t.Errorf("after change %d: %q, want %s", n, got, want)
		}
	}
	if most > changes/2 {
		t.Errorf("a log of %d messages for %d changes, want at most %d", most, changes, changes/2)
	}
	for _, stream := range []string{site.StreamRows, site.StreamPeople} {
		for _, s := range f.seen.logs {
			if s.records.follower.stream == stream && s.records.size.Least == 0 {
				t.Errorf("%s was never put together", s.name())
			}
		}
	}
	for n := range 1000 { // one user makes a class again and again
		f.change("plan", 100+n, n%2 == 0)
	}
	check.Equal(t, f.bobMayRead("plan"), "false", "bob may read after 1000 changes")
	decided := map[string]bool{}
	err := newRecords(f.c, site.StreamPeople, "people.0").all(t.Context(), func() {}, func(r *record) error {
		for _, e := range r.events {
			if e.Class != nil {
				decided[e.Class.ID] = true
			}
			for _, id := range e.Dropped {
				delete(decided, id)
			}
		}
		return nil
	})
	check.NoError(t, err)
	text := string(check.Must(os.ReadFile(filepath.Join(f.state, "events.jsonl"))))
	if a, b := len(decided), strings.Count(text, `"class":`); a > 100 || b > 100 {
		t.Errorf("N-148: %d classes are decided and %d are in a follower's folder, want at most 100 for 3 documents", a, b)
	}
	f.people.left = often
	f.people.purge(t.Context())
	check.Equal(t, len(f.stored(site.StreamClass, "class.>")), 0, "classes in the stream that the log has")
	f.change("own", 77, false)
	if a, b := f.bobMayRead("own"), f.bobMayRead("plan"); a != "false" || b != "false" {
		t.Errorf(`%q %q, want "false", "false"`, a, b)
	}
	check.That(t, f.people.left != 0, "N-86: no processed message is counted as not purged, want at least 1")
}

// TestPurgedFollowerReadsSnapshot checks that a follower whose position was purged starts with the snapshot: a revoked
// right is gone, there is no watermark before the last piece (N-84), and a copy of an earlier
// snapshot is not accepted (N-85).
func TestPurgedFollowerReadsSnapshot(t *testing.T) {
	f := newFirm(t)
	f.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{f.file("plan"), f.file("old")}})
	if got := f.bobMayRead("plan") + f.bobMayRead("old"); got != "truetrue" {
		t.Fatal(got)
	}
	var first *message // the first pieces of all
	behind := f.rows.chain.head
	for n := 0; first == nil || f.rows.records.first == first.sequence; n++ {
		f.change("plan", n, false)
		if list := f.stored(site.StreamRows, f.rows.name); first == nil && list[0].sequence > behind {
			first = &list[0]
		}
	}
	f.push(watch.Batch{Seen: []watch.Seen{{Path: filepath.Join(f.tree, "old"), Gone: true}}})
	f.send(site.Work, f.rows.name, first.ID+"x", first.After, first.Body)
	if plan, old := f.bobMayRead("plan"), f.bobMayRead("old"); plan != "false" || !strings.HasPrefix(old,
		"false the document is not") {
		t.Errorf(`after a gap: %q %q, want "false", text starting with "false the document is not"`, plan, old)
	}
	// Half of a snapshot: the first piece without its predecessor.
	r := f.rows.last
	r.Piece = 1
	events := check.Must(f.rows.worker.Compact(false))
	list := check.Must(cut(events))
	whole := list[0]
	r.lines, r.Final = whole, true
	check.NoError(t, f.rows.append(t.Context(), &r))
	if got := f.bobMayRead("plan"); got != "false" { // an up-to-date reader skips the snapshot
		t.Errorf(`after all messages of the snapshot: %q, want "false"`, got)
	}
	f.change("plan", 99, true) // the follower does not receive it
	r.Cursor, r.lines, r.Final = f.rows.last.Cursor, whole[:len(whole)-1], false
	check.NoError(t, f.rows.append(t.Context(), &r))
	check.NoError(t, f.c.purge(t.Context(), site.StreamRows, f.rows.name, f.rows.chain.head))
	if got := f.bobMayRead("plan"); !strings.HasPrefix(got, "false //a") {
		t.Errorf(`after half of the messages: %q, want text starting with "false //a"`, got)
	}
	check.ErrorIs(t, check.Err(take(t.Context(), f.c, site.StreamRows, f.rows.name, "w7")), errRecord,
		"a worker that takes over half of the log")
}

// TestTakeoverDropsClassesThatSnapshotOmits checks that a worker that takes a log over defines a class again if the
// last snapshot omits it, although the worker has read older records with that class (N-83). Otherwise a reader that
// begins with the snapshot could not use the log.
func TestTakeoverDropsClassesThatSnapshotOmits(t *testing.T) {
	f := newFirm(t)
	f.rows.shift.compact = 1 << 40
	f.push(watch.Batch{Begin: true, End: true, Seen: []watch.Seen{f.file("plan")}})
	f.change("plan", 1, false)
	r := f.rows.last
	r.lines, r.Piece = check.Must(cut(check.Must(f.rows.worker.Compact(true))))[0], 1 // its last piece is missing
	check.NoError(t, f.rows.append(t.Context(), &r))
	list := check.Must(cut(check.Must(f.rows.worker.Compact(false))))
	r.lines, r.Piece, r.Final = list[0], 1, true
	check.NoError(t, f.rows.append(t.Context(), &r)) // w1 ends before it deletes the records before the snapshot
	for k := newKnownClasses(f.c, 0, true)[0]; ; {
		check.NoError(t, k.read(t.Context()))
		if !k.more {
			check.Equal(t, len(k.classes), 1, "N-148: classes that the worker knows")
			break
		}
	}
	f.assignWorker("w2")
	f.push(watch.Batch{Seen: []watch.Seen{f.file("plan")}})
	first := f.stored(site.StreamRows, f.rows.name)[0]
	check.Equal(t, check.Must(parseRecord(first.Body)).Piece, 1, "the piece of a snapshot that the log begins with")
	check.Equal(t, f.bobMayRead("plan"), "true", "bob may read, by the snapshot and the records after it")
}

// TestWatermarkOfLastRecordAdvancesCursor checks that a worker continues after the cursor of a watermark only if this
// is of the last generation and record. Otherwise the worker counts another attempt (N-54).
func TestWatermarkOfLastRecordAdvancesCursor(t *testing.T) {
	c := newOpenSite(t, 1).dial(site.Work)
	l := check.Must(take(t.Context(), c, site.StreamPeople, "people.0", "w1"))
	g, head := l.last.Generation, l.chain.head
	for i, x := range []struct {
		generation, log uint64
		record          string
		cursor, want    uint64
		tries           int
	}{{g, head, l.record, 5, 5, 0}, {g + 1, head, l.record, 5, 3, 2}, {g, head - 1, l.record, 5, 3, 2},
		{g, head, "another", 5, 3, 2}, {g, head, l.record, 3, 3, 2}} {
		body, err := json.Marshal(&watermark{Generation: x.generation, Log: x.log, Record: x.record, Cursor: x.cursor,
			Beat: heartbeat{Time: 1}})
		check.NoError(t, err)
		check.NoError(t, c.keep(t.Context(), "fence.people.0", fmt.Sprint(i), body))
		l.last.Cursor, l.last.Tries = 3, 1
		check.NoError(t, l.resume(t.Context()))
		check.That(t, l.last.Cursor == x.want && l.last.Tries == x.tries,
			"%+v: cursor %d, attempt %d", x, l.last.Cursor, l.last.Tries)
	}
}

// TestSnapshotOfSeveralPiecesReplacesLog checks that the last piece of a snapshot is its end, that the messages before
// it are deleted once, and that a failed deletion is repeated (N-83).
func TestSnapshotOfSeveralPiecesReplacesLog(t *testing.T) {
	h, warnings := newOpenSite(t, 1), &warned{}
	c := h.dial(site.Work)
	c.warn = warnings.warn
	l := check.Must(take(t.Context(), c, site.StreamPeople, "people.0", "w1"))
	list := events(2)
	for i := range 2 {
		list[i+1].Person.Name = strings.Repeat("x", 600<<10)
	}
	for range 10 {
		list = append(list, index.Event{Seq: uint64(len(list) + 1), Directory: "v"})
	}
	check.NoError(t, l.write(t.Context(), l.last, list))
	for i := range list {
		check.NoError(t, l.state.Apply(&list[i]))
	}
	q := check.Must(h.site.Question())
	w := check.Must(q.Worker(l.state))
	check.NoError(t, l.compact(t.Context(), w, 1, true))
	check.That(t, l.records.before == 0 && l.records.final == l.chain.head,
		"before %d and up to %d are to be deleted, the log ends with %d: %q", l.records.before, l.records.final,
		l.chain.head, warnings.take())
	next, err := take(t.Context(), c, site.StreamPeople, "people.0", "w2")
	check.NoError(t, err)
	check.NoError(t,
		next.state.Apply(&index.Event{Seq: uint64(len(list) + 1),
			Person: &index.PersonEvent{Number: 2, SID: "S-1-5-21-1-2-3-9"}}))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	l.records.before = 5
	err = l.compact(ctx, w, 1<<40, true)
	check.That(t, err == nil && l.records.before == 5 && len(warnings.take()) == 1,
		"after a failed deletion before %d is to be deleted: %v", l.records.before, err)
}
