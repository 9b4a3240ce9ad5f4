package stages

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// TestMalformedDirectoryKeepsMembers checks that a malformed directory is reported once, however many
// heartbeats it has, that it gets no watermark, that the old members stay, and that the next
// version counts (N-52). A log's writer counts its size like a reader.
func TestMalformedDirectoryKeepsMembers(t *testing.T) {
	b := newBench(t)
	d, l, told := b.decides()
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
		m, err := b.c.last(t.Context(), site.StreamFence, "fence.people.0")
		check.NoError(t, err)
		if m == nil {
			return 0
		}
		f, err := parseWatermark(m.Body)
		check.NoError(t, err)
		return f.Beat.Time
	}
	if at := tell(company, list); last() != at || d.version == "" || len(told.take()) != 0 {
		t.Fatalf("a directory vouches for %d, want %d", last(), at)
	}
	good := tell("", nil) // a heartbeat for the same version
	version := d.version
	check.Equal(t, last(), good, "N-7: the last heartbeat covers sequence")
	tell("half of", list)
	for range 3 {
		tell("", nil)
	}
	if got := told.take(); len(got) != 1 || !strings.HasPrefix(got[0], "directory ") || last() != good ||
		d.version != version {
		t.Errorf("N-52: the version is %q, the last heartbeat covers sequence %d, want %d", got, last(), good)
	}
	if at := tell(strings.Replace(company, "bob", "bea", 1), list); last() != at || d.version == version ||
		len(told.take()) != 0 {
		t.Errorf("N-52: the next one vouches for %d, want %d", last(), at)
	}
	again := newRecords(b.c, site.StreamPeople, "people.0")
	err := again.all(t.Context(), func() {}, func(*record) error { return nil })
	check.That(t, err == nil && again.size == d.records.size && again.size.Lines >= 4,
		"N-83: the log is of %+v, a reader counts %+v, %v", d.records.size, again.size, err)
}
