package index

import (
	"slices"
	"strings"
	"testing"

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
