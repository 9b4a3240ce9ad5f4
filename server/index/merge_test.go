package index

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/verbs/bulk"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/sddl"
)

// TestParts: a worker of rows tells of classes that no one has, another decides them, and
// the merge of both logs is an index: a class that is told of only grants nothing (N-40),
// one whose content is not what its id says is refused (N-41), and what a log said on the
// way to its end grants nothing for a moment (N-42).
func TestParts(t *testing.T) {
	rights, err := bulk.ParseRights("read")
	if err != nil {
		t.Fatal(err)
	}
	firm, err := people.Read([]byte("users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107}\n" +
		"- {name: bob, sid: S-1-5-21-1-2-3-1108}\n"))
	if err != nil {
		t.Fatal(err)
	}
	q := Question{Rights: rights}
	rows, err := q.Rows(nil)
	if err != nil {
		t.Fatal(err)
	}
	everybody := sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")
	alices := sddl.MustParse("O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-1107)")
	walk := func(list ...Seen) []Event {
		t.Helper()
		if err := rows.Batch(&Batch{Tree: "//h/srv", Begin: true, Seen: list, End: true}); err != nil {
			t.Fatal(err)
		}
		return rows.Take()
	}
	first := walk(Seen{Path: "//h/srv/a", Descriptor: everybody}, Seen{Path: "//h/srv/b", Descriptor: everybody})
	first = append(first, walk(Seen{Path: "//h/srv/a", Descriptor: alices})...)

	deciding, err := q.Worker(nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := q.Merge(nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	m.Take()
	apply := func(part string, list []Event) {
		t.Helper()
		for i := range list {
			if err := m.Apply(part, &list[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	own := func(at string) bool { return strings.HasPrefix(at, "//h/srv/") }
	apply("rows", first)
	if got := m.Take(); len(got) != 0 {
		t.Errorf("before its end a log makes %d events", len(got))
	}
	if err := m.Whole("rows", own); err != nil {
		t.Fatal(err)
	}
	for _, e := range m.Take() {
		if e.Row != nil && e.Row.Path != "//h/srv/a" {
			t.Errorf("a row that was gone when the log was read: %+v", e.Row)
		}
	}
	row := m.whole.state.rows["//h/srv/a"]
	k := m.whole.state.classes[row.Classes[0]]
	if k.members.Count() != 0 || k.event.Version != "" {
		t.Errorf("a class that no one decided: %+v", k.event)
	}

	if err := deciding.Directory(firm, "v1", 1); err != nil {
		t.Fatal(err)
	}
	for _, e := range first {
		if e.Class == nil {
			continue
		}
		other := *e.Class
		other.SD = encoded(Relevant(sddl.MustParse("O:SYG:SYD:(A;;GA;;;WD)")))
		if err := deciding.Define(&other, 1); err == nil || !strings.Contains(err.Error(), "makes") {
			t.Errorf("a class with another's id: %v", err)
		}
		wide := *e.Class
		wide.Right = "write"
		if err := deciding.Define(&wide, 1); err == nil {
			t.Error("a class of a right that is not asked about")
		}
		if err := deciding.Define(e.Class, 1); err != nil {
			t.Error(err)
		}
	}
	apply("people", deciding.Take())
	if err := m.Whole("people", func(string) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if got := m.whole.state.sids(k.members, nil); !slices.Equal(got, []string{"S-1-5-21-1-2-3-1107"}) {
		t.Errorf("a is read by %v", got)
	}
	if m.whole.state.version != "v1" {
		t.Errorf("version %q", m.whole.state.version)
	}
	apply("rows", walk())
	if m.whole.state.rows["//h/srv/a"] != nil {
		t.Error("a walk did not see a, and it has a row")
	}
	if err := rows.Batch(&Batch{Tree: "//h/srv", End: true}); err == nil {
		t.Error("a walk ended that had not begun")
	}
}

// TestVersionsOfParts: the merge has come to a version of the directory when as many parts as tell of people
// have, all to the same: not with fewer, not while one is behind, and not by a part that was not read to its
// end (N-40).
func TestVersionsOfParts(t *testing.T) {
	q := Question{Rights: working(t, "").rights}
	m, err := q.Merge(nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]*Worker{}
	for _, name := range []string{"one", "two"} {
		if parts[name], err = q.Worker(nil); err != nil {
			t.Fatal(err)
		}
	}
	comes := func(name, version string, seq int64, want string) {
		t.Helper()
		if err := parts[name].Directory(firm(t), version, seq); err != nil {
			t.Fatal(err)
		}
		for _, e := range parts[name].Take() {
			if err := m.Apply(name, &e); err != nil {
				t.Fatal(err)
			}
		}
		if got := m.whole.state.version; got != want {
			t.Errorf("N-40: %s came to %s: %q, want %q", name, version, got, want)
		}
	}
	whole := func(name, want string) {
		t.Helper()
		if err := m.Whole(name, func(string) bool { return false }); err != nil {
			t.Fatal(err)
		}
		if got := m.whole.state.version; got != want {
			t.Errorf("N-40: %s was read to its end: %q, want %q", name, got, want)
		}
	}
	comes("one", "v1", 1, "")
	whole("one", "")
	comes("two", "v1", 1, "")
	whole("two", "v1")
	comes("one", "v2", 2, "v1")
	comes("two", "v2", 2, "v2")
	comes("two", "v3", 3, "v2")
	comes("one", "v3", 3, "v3")
	m.Anew("one")
	comes("two", "v4", 4, "v3")
}

// TestRowsOfParts: where a log begins anew, the documents of its own that it no longer has are gone at its end, and not
// before; those of another part stay, and a part tells of no document that is another's (N-42, N-75).
func TestRowsOfParts(t *testing.T) {
	q := Question{Rights: working(t, "").rights}
	m, err := q.Merge(nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	d := sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")
	tell := func(name, tree string, files ...string) {
		t.Helper()
		w, err := q.Rows(nil)
		if err != nil {
			t.Fatal(err)
		}
		b := Batch{Tree: tree, Begin: true, End: true}
		for _, f := range files {
			b.Seen = append(b.Seen, Seen{Path: f, Descriptor: d})
		}
		if err := w.Batch(&b); err != nil {
			t.Fatal(err)
		}
		for _, e := range w.Take() {
			if err := m.Apply(name, &e); err != nil {
				t.Fatal(err)
			}
		}
	}
	has := func(what string, want ...string) {
		t.Helper()
		if got := sorted(m.whole.state.rows); !slices.Equal(got, want) {
			t.Errorf("N-42: %s: %q, want %q", what, got, want)
		}
	}
	whole := func(name, tree string) {
		t.Helper()
		if err := m.Whole(name, func(at string) bool { return strings.HasPrefix(at, tree+"/") }); err != nil {
			t.Fatal(err)
		}
	}
	tell("h", "//h", "//h/a", "//h/b", "//h/c")
	has("before its end")
	whole("h", "//h")
	tell("k", "//k", "//k/a", "//k/b", "//h/z")
	whole("k", "//k")
	has("two parts", "//h/a", "//h/b", "//h/c", "//k/a", "//k/b")
	m.Anew("h")
	tell("h", "//h", "//h/b", "//h/d")
	has("while one begins anew", "//h/a", "//h/b", "//h/c", "//k/a", "//k/b")
	whole("h", "//h")
	has("at its end", "//h/b", "//h/d", "//k/a", "//k/b")
}

// TestTimeOfAFilter: a filter is of the time up to which all trees are known: the earliest of them, wherever it stands
// (N-9).
func TestTimeOfAFilter(t *testing.T) {
	dir := t.TempDir()
	log, state, err := OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	w, err := Question{Rights: working(t, "").rights}.Worker(state)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Directory(firm(t), "v1", 1); err != nil {
		t.Fatal(err)
	}
	for _, tree := range []string{"/a", "/b", "/c"} {
		if err := w.Batch(&Batch{Tree: tree, Begin: true, End: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Write(w.Take()); err != nil {
		t.Fatal(err)
	}
	present := now()
	at := func(seconds int) Moment {
		ago := time.Duration(seconds) * time.Second
		return Moment{Time: present.Time.Add(-ago), Up: present.Up - ago}
	}
	x, err := Open(dir, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for _, order := range [][3]int{{5, 3, 1}, {3, 5, 1}, {1, 3, 5}} {
		f := &Fence{Index: state.start.Index, Seq: state.seq, Boot: bootID(), Sources: map[string]Moment{"/a": at(order[0]),
			"/b": at(order[1]), "/c": at(order[2]), directorySource: at(0)}}
		if err := log.Fence(f); err != nil {
			t.Fatal(err)
		}
		got, err := x.Filter("alice", "read", FormList)
		if err != nil || !got.Time.Equal(at(5).Time) || got.Directory != "v1" || got.Seq != state.seq {
			t.Errorf("N-9: with %v: %+v, %v, want the time %v", order, got, err, at(5).Time)
		}
	}
}

// TestUndecided: a document whose class is not decided yet gives nothing, and says so (N-40).
func TestUndecided(t *testing.T) {
	rights, err := bulk.ParseRights("read")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log, state, err := OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := Question{Rights: rights}.Rows(state)
	if err != nil {
		t.Fatal(err)
	}
	b := Batch{Tree: "/srv", Begin: true, End: true,
		Seen: []Seen{{Path: "/srv/a", Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")}}}
	if err := w.Batch(&b); err != nil {
		t.Fatal(err)
	}
	if err := w.add(Event{Person: &PersonEvent{Number: 0, SID: "S-1-5-21-1-2-3-1107", Name: "alice"}}); err != nil {
		t.Fatal(err)
	}
	f := &Fence{Index: state.start.Index, Seq: state.seq,
		Sources: map[string]Moment{"/srv": Moment(now()), directorySource: Moment(now())}}
	if err := log.Write(w.Take()); err != nil {
		t.Fatal(err)
	}
	if err := log.Fence(f); err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	x, err := Open(dir, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if a := x.CanRead("/srv/a", "alice", "read"); a.Allowed || !strings.Contains(a.Because, "not decided") {
		t.Errorf("%+v", a)
	}
}
