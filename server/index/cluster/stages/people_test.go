package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// TestUnusableClassesAreCounted checks that a malformed class, one on the subject of another and one on a malformed
// subject are counted apart from those of other roles, and that none is decided (N-54). A correct one is decided with
// the class of its folder.
func TestUnusableClassesAreCounted(t *testing.T) {
	b := newBench(t)
	b.site.Traverse = index.TraverseAlways
	d, l, _ := b.decides()
	v := index.Version{People: anyPeople(t), File: []byte(company), Heartbeat: beatNow()}
	check.NoError(t, l.version(t.Context(), &v))
	q := check.Must(b.site.Question())
	w := check.Must(q.Rows(nil))
	check.NoError(t, w.Batch(&watch.Batch{Tree: "/srv", Seen: []watch.Seen{
		{Path: "/srv/f", Folder: true, Descriptor: forAll}, {Path: "/srv/f/a", Descriptor: forAll}}}))
	var id string
	for _, e := range w.Take() {
		if e.Class != nil {
			id = e.Class.ID
		}
	}
	body := check.Must(classBytes(w.Definition(id)))
	from := announcer{"rows.a.x.0", place{1, 2}}
	b.send(site.Work, from.subject(0, id+"x"), "1", 0, body)
	b.send(site.Work, from.subject(0, id), "2", 0, []byte("garbage"))
	b.send(site.Watch("a"), announcer{"rows.a.x.0", place{1, 9}}.subject(0, id), "3", 0, body)
	other := announcer{"rows.a.x.1", place{3, 4}} // of the same class: the stream keeps both
	b.send(site.Work, other.subject(0, id), "5", 0, []byte("garbage"))
	for i, subject := range []string{"class.0." + id, "class.0.1.2." + id, "class.0.a.x.2." + id, "class.0.a.1.x." + id} {
		b.send(site.Work, subject, fmt.Sprint("4/", i), 0, body)
	}
	check.NoError(t, d.turn(t.Context()))
	check.That(t, d.last.Poison == 7 && d.last.Refused == 1 && d.worker.Definition(id) == nil,
		"%+v, want 7 unusable and 1 refused, and no class", d.last)
	b.send(site.Work, announcer{other.part, place{3, 3}}.subject(0, id), "6", 0, body)
	check.NoError(t, d.turns(t.Context()))
	check.That(t, d.last.Poison == 7 && len(d.worker.Definition(id)) == 2, "%+v, want the class and that of its folder",
		d.last)
	left := check.Must(b.c.next(t.Context(), site.StreamClass, d.filter, 1))
	check.Equal(t, len(left), 0, "messages of processed classes")
	check.That(t, d.announced[from.part] == from.at && d.announced[other.part] == other.at && len(d.announced) == 2,
		"N-148: last announcements %v", d.announced)
}

// TestMalformedDirectoryKeepsMembers checks that a malformed directory is reported once, however many
// heartbeats it has, that it gets no watermark, that the old members stay, and that the next
// version counts (N-52). A log's writer counts its size like a reader.
func TestMalformedDirectoryKeepsMembers(t *testing.T) {
	b := newBench(t)
	d, l, warnings := b.decides()
	list := anyPeople(t)
	tell := func(file string, of *directory.Directory) int64 {
		t.Helper()
		v := index.Version{People: of, File: []byte(file), Heartbeat: beatNow()}
		if of == nil {
			v.File = nil
		}
		check.NoError(t, l.version(t.Context(), &v))
		check.NoError(t, d.turn(t.Context()))
		return v.Heartbeat.Time.UnixNano()
	}
	last := func() int64 {
		t.Helper()
		m := check.Must(b.c.last(t.Context(), site.StreamFence, "fence.people.0"))
		if m == nil {
			return 0
		}
		f := check.Must(parseWatermark(m.Body))
		return f.Beat.Time
	}
	if at := tell(company, list); last() != at || d.clock != at || d.version == "" || len(warnings.take()) != 0 {
		t.Fatalf("a directory vouches for %d, want %d", last(), at)
	}
	good := tell("", nil) // a heartbeat for the same version
	version := d.version
	check.Equal(t, last(), good, "N-7: the last heartbeat covers sequence")
	tell("half of", list)
	for range 3 {
		tell("", nil)
	}
	if got := warnings.take(); len(got) != 1 || !strings.HasPrefix(got[0], "directory ") || last() != good ||
		d.version != version {
		t.Errorf("N-52: the version is %q, the last heartbeat covers sequence %d, want %d", got, last(), good)
	}
	if at := tell(strings.Replace(company, "bob", "bea", 1), list); last() != at || d.version == version ||
		len(warnings.take()) != 0 {
		t.Errorf("N-52: the next one vouches for %d, want %d", last(), at)
	}
	third := index.Version{People: list, File: []byte(strings.Replace(company, "bob", "bev", 1)), Heartbeat: beatNow()}
	check.NoError(t, l.version(t.Context(), &third))
	for i, piece := range []string{"of another", string(third.File)} { // as if the first one was written in between
		b.send(site.Directory, pieceSubject(0), fmt.Sprint("piece", i), 0, []byte(piece))
		check.NoError(t, d.turn(t.Context()))
		check.That(t, len(warnings.take()) == 1-i && (d.version == l.head.Version) == (i == 1), "N-52: piece %d", i)
	}
	// A repetition, an older publisher's heartbeat and one from the future add no watermark (N-80).
	l.head.Started++
	at := tell("", nil)
	first, err := b.c.last(t.Context(), site.StreamFence, "fence.people.0")
	check.NoError(t, errors.Join(err, d.turn(t.Context())))
	older := l.head
	older.Started, older.Beat.Time = older.Started-1, older.Beat.Time+1
	body := check.Must(json.Marshal(&older))
	b.send(site.Directory, headSubject, "older", 0, body)
	v := index.Version{Heartbeat: watch.Heartbeat{Time: time.Now().Add(time.Hour)}}
	check.NoError(t, errors.Join(d.turn(t.Context()), l.version(t.Context(), &v), d.turn(t.Context())))
	again, err := b.c.last(t.Context(), site.StreamFence, "fence.people.0")
	check.That(t, err == nil && last() == at && again.sequence == first.sequence,
		"N-80: the last watermark covers %d, want %d: %v", last(), at, err)
	size := newRecords(b.c, site.StreamPeople, "people.0")
	err = size.all(t.Context(), func() {}, func(*record) error { return nil })
	check.That(t, err == nil && size.size == d.records.size && size.size.Lines >= 4,
		"N-83: the log is of %+v, a reader counts %+v, %v", d.records.size, size.size, err)
}

// TestDirectoryErrorIsReportedOnce checks that a directory whose reads fail in the same way, every second, passes one
// error to Warn. Another error, and the same one after a successful read, are passed too.
func TestDirectoryErrorIsReportedOnce(t *testing.T) {
	b := newBench(t)
	_, l, warnings := b.decides()
	l.c.warn = warnings.warn
	for _, text := range []string{"line 6", "line 6", "line 6", "line 7", "line 6", "", "line 6", "line 6"} {
		v := index.Version{Heartbeat: beatNow()}
		if text != "" {
			v = index.Version{Err: errors.New(text)}
		}
		check.NoError(t, l.version(t.Context(), &v))
	}
	check.Equal(t, strings.Join(warnings.take(), ", "), "line 6, line 7, line 6, line 6", "errors")
	v := index.Version{People: anyPeople(t), File: []byte{}, Heartbeat: beatNow()}
	check.That(t, l.version(t.Context(), &v) != nil, "an empty directory, which no worker can read, is published")
}

// TestSecondDirectoryTakesOverWithEarlierClock checks that a directory stage publishes after one whose clock was ahead,
// and that the earlier one fails (N-49). A directory stage fails if its stream was recreated.
func TestSecondDirectoryTakesOverWithEarlierClock(t *testing.T) {
	h := newOpenSite(t, 1)
	publisher := func(run string, started time.Time) *directoryPublisher {
		d := h.publisher()
		d.head.Started, d.run = started.UnixNano(), run
		return d
	}
	first, second := publisher("a", time.Now().Add(time.Hour)), publisher("b", time.Now())
	v := index.Version{People: anyPeople(t), File: []byte(company), Name: "0123456789abcdef", Heartbeat: beatNow()}
	check.NoError(t, first.version(t.Context(), &v))
	check.Equal(t, first.head.Name, v.Name, "the name of the version")
	v.Name = ""
	check.NoError(t, first.version(t.Context(), &v))
	check.Equal(t, first.head.Name, first.head.Version[:nameDigits], "the name of a version without one")
	ctx, stop := context.WithCancel(t.Context())
	versions, ended := make(chan index.Version), make(chan error, 1)
	go func() { ended <- second.publish(ctx, versions) }()
	for range 2 { // the second one is received after the first one was published
		select {
		case versions <- v:
		case err := <-ended:
			t.Fatalf("N-49: the second directory: %v", err)
		}
	}
	check.ErrorIs(t, first.version(t.Context(), &v), errTakenOver, "N-49: the first directory")
	stop()
	<-ended // the end may meet the second publication
	k := h.dial(site.Keeper)
	check.NoError(t, k.js.DeleteStream(t.Context(), site.StreamDirectory))
	check.NoError(t, Prepare(t.Context(), k))
	check.ErrorIs(t, second.version(t.Context(), &v), errLost, "a directory whose pieces are lost")
}
