package index

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/verbs/bulk"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestSameRows: two rows say the same if all that they say is the same, and what is not said counts not.
func TestSameRows(t *testing.T) {
	base := RowEvent{Path: "/p", Tree: "/t", Folder: true, Classes: []string{"a", "b"}, Descriptor: "d", Error: "e",
		Pass: "c"}
	other := base
	other.seq, other.time, other.walk, other.Classes = 1, 2, 3, []string{"a", "b"}
	if !base.same(&other) {
		t.Error("the number, the time and the walk count")
	}
	for name, change := range map[string]func(*RowEvent){
		"path": func(r *RowEvent) { r.Path = "/t" }, "tree": func(r *RowEvent) { r.Tree = "/p" },
		"folder": func(r *RowEvent) { r.Folder = false }, "classes": func(r *RowEvent) { r.Classes = []string{"b", "a"} },
		"a class": func(r *RowEvent) { r.Classes = []string{"a"} }, "descriptor": func(r *RowEvent) { r.Descriptor = "e" },
		"error": func(r *RowEvent) { r.Error = "d" }, "pass": func(r *RowEvent) { r.Pass = "" },
	} {
		other := base
		if change(&other); base.same(&other) || other.same(&base) {
			t.Errorf("another %s is the same row", name)
		}
	}
	class := ClassEvent{ID: "i", Version: "v", Members: "0", Allow: []string{"a"}, Expand: []string{"b"},
		Expression: [][]string{{"+a"}, {"-b"}}}
	again := class
	again.Version, again.Expression = "w", [][]string{{"+a"}, {"-b"}}
	if !class.same(&again) {
		t.Error("the version counts")
	}
	for name, change := range map[string]func(*ClassEvent){
		"members": func(e *ClassEvent) { e.Members = "1" }, "allow": func(e *ClassEvent) { e.Allow = []string{"b"} },
		"expand":     func(e *ClassEvent) { e.Expand = nil },
		"expression": func(e *ClassEvent) { e.Expression = [][]string{{"+a"}, {"+b"}} },
	} {
		other := class
		if change(&other); class.same(&other) {
			t.Errorf("other %s are the same people", name)
		}
	}
}

// TestRefusedEvents: each event that names what no event before it told of is refused, says why and of which, and
// leaves the
// state as it was.
func TestRefusedEvents(t *testing.T) {
	start := &StartEvent{Format: 1, Index: "x", Rights: []string{"read"}}
	mask := uint32(winnt.FILE_GENERIC_READ)
	pass := definition(ptr(NewPassing(sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)"), false)))
	list := []Event{{Start: start}, {Person: &PersonEvent{0, alice, "alice"}}, {Person: &PersonEvent{1, bob, "bob"}},
		{Class: &ClassEvent{ID: "c", Right: "read", Mask: mask, Version: "v", Members: "0-1"}}, {Class: pass},
		{Row: &RowEvent{Path: "/t/a", Tree: "/t", Classes: []string{"c"}, Pass: pass.ID}},
		{Row: &RowEvent{Path: "/t/b", Tree: "/t", Error: "e"}}, {Directory: "v"}}
	s := newState()
	for i := range list {
		list[i].Seq = uint64(i + 1)
		if err := s.Apply(&list[i]); err != nil {
			t.Fatal(err)
		}
		consistent(t, fmt.Sprint("event ", i), s)
	}
	for name, c := range map[string]struct {
		e   Event
		why string
	}{
		"a gap":             {Event{Seq: 10, Gone: "/t/a"}, "event 10 comes after 8"},
		"twice":             {Event{Seq: 8, Gone: "/t/a"}, "event 8 comes after 8"},
		"another start":     {Event{Seq: 9, Start: start}, "an index begins once"},
		"a later start":     {Event{Seq: 20, Start: &StartEvent{Until: 30}}, "comes after 8"},
		"a number too many": {Event{Seq: 9, Person: &PersonEvent{3, carol, "carol"}}, "the next number is 2"},
		"another's number":  {Event{Seq: 9, Person: &PersonEvent{0, carol, "carol"}}, "the next number is 2"},
		"a second number":   {Event{Seq: 9, Person: &PersonEvent{2, alice, "alice"}}, "person 2"},
		"no SID":            {Event{Seq: 9, Person: &PersonEvent{2, "alice", "alice"}}, "event 9"},
		"no such member":    {Event{Seq: 9, Class: &ClassEvent{ID: "d", Members: "2"}}, "event 9"},
		"no folder's class": {Event{Seq: 9, Class: &ClassEvent{ID: "d", Through: []string{"c"}}}, "class d"},
		"no base64":         {Event{Seq: 9, Class: &ClassEvent{ID: "d", SD: "!"}}, "class d"},
		"no descriptor":     {Event{Seq: 9, Class: &ClassEvent{ID: "d", Share: "AAAA"}}, "class d"},
		"no class":          {Event{Seq: 9, Row: &RowEvent{Path: "/t/p", Classes: []string{"d"}}}, "/t/p: no class d"},
		"no pass": {Event{Seq: 9, Row: &RowEvent{Path: "/t/p", Classes: []string{"c"}, Pass: "d"}},
			"/t/p: no class d"},
		"two classes": {Event{Seq: 9, Row: &RowEvent{Path: "/t/p", Classes: []string{"c", "c"}}},
			"/t/p: 2 classes for 1"},
		"no classes": {Event{Seq: 9, Row: &RowEvent{Path: "/t/p"}}, "/t/p: 0 classes for 1"},
	} {
		err := s.Apply(&c.e)
		if err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %s", name, err, c.why)
		}
		if s.seq != 8 || len(s.rows) != 2 || len(s.people) != 2 || len(s.classes) != 2 || s.version != "v" {
			t.Errorf("%s: the state is another one", name)
		}
		consistent(t, name, s)
	}
	put := newState() // a log that was put together begins with a later number (N-22)
	for seq, good := range map[uint64]bool{7: true, 8: false} {
		if err := newState().Apply(&Event{Seq: seq, Start: &StartEvent{Until: 7}}); (err == nil) != good {
			t.Errorf("N-22: it begins with %d of 7: %v", seq, err)
		}
	}
	if err := put.Apply(&Event{Seq: 1, Gone: "x"}); err == nil {
		t.Error("a log begins without its start")
	}
}

func ptr[T any](v T) *T { return &v }

// TestWrittenLines: what is written is read, also a line that is longer than a buffer; control characters and what is
// no
// row's form are the strict reader's; each line is counted and where the last whole one ends.
func TestWrittenLines(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	var b bytes.Buffer
	for i, e := range []Event{{Start: &StartEvent{Format: 1, Index: "i", Rights: []string{"read"}}},
		{Person: &PersonEvent{0, alice, long}}, {Row: &RowEvent{Path: "/t/" + long, Tree: "/t", Error: "e"}},
		{Gone: "/t/" + long}} {
		e.Seq = uint64(i + 1)
		line, err := e.append(nil)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(line)
	}
	whole := int64(b.Len())
	b.WriteString(`{"seq":5,`)
	n, s := 0, newState()
	end, err := replay(&b, s, func(*Event) { n++ })
	if err != nil || end != whole || n != 4 || s.people[0].Name != long || len(s.rows) != 0 {
		t.Errorf("%d events to %d of %d, %v", n, end, whole, err)
	}
	for line, plainly := range map[string]bool{
		`{"seq":7,"time":1,"row":{"path":"/a","tree":"/t","error":"e"}}`:                       true,
		"{\"seq\":7,\"time\":1,\"row\":{\"path\":\"/a\x1f\",\"tree\":\"/t\",\"error\":\"e\"}}": false,
		`{"seq":7,"time":1,"row":{"path":"/a\n","tree":"/t","error":"e"}}`:                     false,
		"{\"seq\":7,\"time\":1,\"row\":{\"path\":\"/a\xff\",\"tree\":\"/t\",\"error\":\"e\"}}": false,
		`{"seq":0,"time":1,"row":{"path":"/a","tree":"/t","error":"e"}}`:                       false,
		`{"seq":07,"time":1,"row":{"path":"/a","tree":"/t","error":"e"}}`:                      false,
		`{"seq":7,"time":-1,"row":{"path":"/a","tree":"/t","error":"e"}}`:                      false,
		`{"seq":7,"time":1,"row":{"path":"/a","tree":"/t","error":"e"}} `:                      false,
		`{"seq":7,"time":1,"row":{"path":"/a","tree":"/t","classes":["a","b"]}}`:               true,
		`{"seq":7,"time":1,"row":{"path":"/a","tree":"/t","classes":[]}}`:                      false,
		`{"seq":7,"time":1,"row":{"path":"/a","tree":"/t","classes":["a",]}}`:                  false,
		`{"seq":7,"time":1,"row":{"tree":"/t","path":"/a"}}`:                                   false,
		`{"seq":7,"time":1,"gone":"/a"}`:                                                       false,
	} {
		if got := (&lineReader{}).row([]byte(line)); (got != nil) != plainly {
			t.Errorf("%q is read as %+v", line, got)
		}
	}
}

// TestLargeLogs: a log is put together when it is as large as most, four times as large as after the last time, and
// half of
// its lines say what holds no longer: each bound from both sides (N-22).
func TestLargeLogs(t *testing.T) {
	w := working(t, TraverseAlways)
	sees(t, w, folder("/t/d", "(A;;FA;;;WD)"), Seen{Path: "/t/d/f", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")},
		Seen{Path: "/t/g", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;" + alice + ")")})
	sees(t, w, Seen{Path: "/t/g", Gone: true})
	// The start, three people, two rows, and of the classes those of the folder and of the file; with all, also who
	// passes the folder and the class of what is gone.
	const some, every = 1 + 3 + 2 + 2, 1 + 3 + 2 + 4
	if got := [2]int{w.state.live(false), w.state.live(true)}; got != [2]int{some, every} {
		t.Fatalf("%d events amount to the state, want %d", got, [2]int{some, every})
	}
	for _, c := range []struct {
		z    Size
		most int64
		all  bool
		want bool
	}{
		{Size{100, 25, 2 * some}, 100, false, true}, {Size{99, 0, 2 * some}, 100, false, false},
		{Size{100, 26, 2 * some}, 100, false, false}, {Size{100, 0, 2*some - 1}, 100, false, false},
		{Size{100, 0, 2 * some}, 100, true, false}, {Size{100, 0, 2 * every}, 100, true, true},
		{Size{64 << 20, 0, 2 * some}, 0, false, true}, {Size{64<<20 - 1, 0, 2 * some}, 0, false, false},
	} {
		if got := c.z.Large(c.most, w, c.all); got != c.want {
			t.Errorf("N-22: %+v of %d, all %t: %t", c.z, c.most, c.all, got)
		}
	}
	w.Take()
	before := w.state.seq
	list, err := w.Compact(false)
	if err != nil || len(list) != 1+3+3+2+1 || list[0].Start.Until != before || list[len(list)-1].Seq != before {
		t.Errorf("N-22: %d events, the last is %d of %d, %v", len(list), list[len(list)-1].Seq, before, err)
	}
	consistent(t, "put together", w.state)
}

// TestLogAnew: a log that is opened again has what was written, its size, and one writer; the lock goes with it (N-10).
func TestLogAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "state")
	w := working(t, "")
	sees(t, w, Seen{Path: "/t/a", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")}, Seen{Path: "/t/b"})
	events := w.Take()
	l, s, err := OpenLog(dir)
	if err != nil || s.seq != 0 {
		t.Fatal(err)
	}
	if _, _, err := OpenLog(dir); err == nil {
		t.Error("N-10: two write")
	}
	if err := errors.Join(l.Write(events[:3]), l.Write(events[3:])); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, eventsName))
	if err != nil || l.size != (Size{info.Size(), 0, len(events)}) || info.Mode().Perm() != 0o600 {
		t.Errorf("%+v, %v %v", l.size, info.Size(), err)
	}
	for _, name := range []string{dir, filepath.Dir(dir)} { // it has who may read what
		if made, err := os.Stat(name); err != nil || made.Mode().Perm() != 0o700 {
			t.Errorf("%s is made: %v, %v", name, made.Mode(), err)
		}
	}
	f := &Fence{Index: "i", Seq: 7, Boot: "b", Sources: map[string]Moment{"/t": {time.Unix(5, 6).UTC(), 8}}, Unnamed: 9}
	if err := errors.Join(l.Fence(f), l.Close()); err != nil {
		t.Fatal(err)
	}
	if got, err := readFence(dir); err != nil || !reflect.DeepEqual(got, f) {
		t.Errorf("%+v, %v", got, err)
	}
	again, s, err := OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	alike(t, "opened again", s, w.state)
	if again.size != (Size{info.Size(), 0, len(events)}) {
		t.Errorf("%+v", again.size)
	}
	list, err := w.Compact(false)
	if err == nil {
		err = again.replace(list)
	}
	if err != nil || again.size.Least != again.size.Bytes || again.size.Lines != len(list) {
		t.Errorf("%+v, %v", again.size, err)
	}
	if _, _, err := OpenLog(dir); err == nil {
		t.Error("N-10: two write what was put together")
	}
	if err := errors.Join(again.Write([]Event{{Seq: w.state.seq + 1, Gone: "/t/b"}}), again.Close()); err != nil {
		t.Fatal(err)
	}
	last, s, err := OpenLog(dir)
	if err != nil || s.seq != w.state.seq+1 || s.rows["/t/b"] != nil || s.rows["/t/a"] == nil || last.Close() != nil {
		t.Errorf("%v", err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 2 {
		t.Errorf("the folder has %v", names)
	}
}

// TestClosedIndex: every question may be asked again, and after the end it is refused and not held up.
func TestClosedIndex(t *testing.T) {
	dir := t.TempDir()
	w := working(t, "")
	sees(t, w, Seen{Path: "/t/a", Descriptor: sddl.MustParse("O:BAG:SYD:(D;;FR;;;" + night + ")(A;;FR;;;WD)")},
		Seen{Path: "/t/b", Err: errors.New("no")})
	l, _, err := OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	present := Moment{Time: time.Now(), Up: now().Up}
	f := &Fence{Index: w.state.start.Index, Seq: w.state.seq, Boot: bootID(), Unnamed: 4,
		Sources: map[string]Moment{"/t": present, directorySource: present}}
	if err := errors.Join(l.Write(w.Take()), l.Fence(f), l.Close()); err != nil {
		t.Fatal(err)
	}
	x, err := Open(dir, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	class := w.state.rows["/t/a"].Classes[0]
	for range 2 {
		a := x.CanRead("/t/a", "alice", "read")
		if !a.Allowed || a.Class != class || a.Directory != "v1" || a.Seq != w.state.seq || !a.Time.Equal(present.Time) ||
			a.Descriptor != w.state.rows["/t/a"].Descriptor {
			t.Errorf("%+v", a)
		}
		if e, c := x.Why(a); e == nil || c == nil || e.ID != class || c.ID != class || e.Members != "0" {
			t.Errorf("%+v %+v", e, c)
		}
		if e, c := x.Why(Answer{}); e != nil || c != nil {
			t.Errorf("%+v %+v", e, c)
		}
		list, err := x.Listed()
		if want := []Listed{{class, "read", 1, []string{alice}, "v1"}}; err != nil || !reflect.DeepEqual(list, want) {
			t.Errorf("%+v, %v", list, err)
		}
		counts, err := x.Counts()
		if want := (Counts{Documents: 2, Unreadable: 1, Classes: 1, People: 3, Unnamed: 4, Listed: 1,
			ListedDocuments: 1}); err != nil || counts != want {
			t.Errorf("%+v, %v", counts, err)
		}
	}
	for _, c := range [][4]string{{"/t/a", "bob", "read", ""}, {"/t/a", "dave", "read",
		"the directory has no such person"},
		{"/t/b", "alice", "read", "the document could not be read: no"},
		{"/t/c", "alice", "read", "there is no such document in the index"}} {
		if a := x.CanRead(c[0], c[1], c[2]); a.Allowed || a.Because != c[3] {
			t.Errorf("%q: %+v", c, a)
		}
	}
	f.Seq++
	b, err := json.Marshal(f)
	if err := errors.Join(err, os.WriteFile(filepath.Join(dir, "new"), b, 0o600), os.Rename(filepath.Join(dir, "new"),
		filepath.Join(dir, fenceName))); err != nil {
		t.Fatal(err)
	}
	if a := x.CanRead("/t/a", "alice", "read"); a.Allowed || !strings.Contains(a.Because,
		"the fence stands behind event") {
		t.Errorf("a fence of what is not there: %+v", a)
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	if err := x.Close(); err == nil {
		t.Error("closed twice")
	}
	if a := x.CanRead("/t/a", "alice", "read"); a.Allowed || a.Because == "" {
		t.Errorf("after the end: %+v", a)
	}
}

// TestPartsOfHistories: two workers of rows and two that decide, merged, say as one worker says; also from logs that
// are
// read anew (N-40, N-42, N-44, N-75, N-76).
func TestPartsOfHistories(t *testing.T) {
	rights, err := bulk.ParseRights("read+modify")
	if err != nil {
		t.Fatal(err)
	}
	q := Question{Rights: rights, Traverse: TraverseAlways}
	logs := map[string][]Event{}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	rows := make([]*Worker, 2)
	deciders := make([]*Worker, 2)
	for i := range 2 {
		rows[i], err = q.Rows(nil)
		must(err)
		deciders[i], err = q.Worker(nil)
		must(err)
		must(deciders[i].Directory(firm(t), "v1", 1))
	}
	one, err := q.Worker(nil)
	must(err)
	must(one.Directory(firm(t), "v1", 1))
	m, err := q.Merge(nil, 2)
	must(err)
	part := func(at string) int { return len(at) % 2 }
	own := func(i int) func(string) bool { return func(at string) bool { return part(at) == i } }
	take := func(name string, list []Event) {
		for i := range list {
			logs[name] = append(logs[name], list[i])
			must(m.Apply(name, &list[i]))
		}
	}
	say := func(list ...Seen) {
		t.Helper()
		must(one.Batch(&Batch{Tree: "/t", Seen: list}))
		for i, w := range rows {
			var its []Seen
			for _, s := range list {
				if s.Folder || s.Gone || part(s.Path) == i { // each part is told of all folders
					its = append(its, s)
				}
			}
			must(w.Batch(&Batch{Tree: "/t", Seen: its}))
			events := w.Take()
			for _, e := range events {
				if e.Class == nil || e.Class.Passing {
					continue
				}
				for _, x := range w.Definition(e.Class.ID) {
					must(deciders[int(e.Class.ID[0])%2].Define(x, 2))
				}
			}
			take(fmt.Sprint("rows", i), events)
		}
		for i, d := range deciders {
			take(fmt.Sprint("people", i), d.Take())
		}
	}
	check := func(what string) {
		t.Helper()
		consistent(t, what, m.whole.state)
		if got, want := sorted(m.whole.state.rows), sorted(one.state.rows); !slices.Equal(got, want) {
			t.Fatalf("%s: rows %q, want %q", what, got, want)
		}
		for at, r := range one.state.rows {
			got := m.whole.state.rows[at]
			if !got.same(r) {
				t.Fatalf("N-75: %s: %+v, want %+v", what, got, r)
			}
			for i := range rights {
				if got, want := m.whole.state.sids(m.whole.state.sets(at)[i], nil), one.state.sids(one.state.sets(at)[i],
					nil); !slices.Equal(got, want) {
					t.Fatalf("N-40: %s: %s is of %v, want %v", what, at, got, want)
				}
			}
		}
		if m.whole.state.version != one.state.version {
			t.Fatalf("%s: version %q, want %q", what, m.whole.state.version, one.state.version)
		}
	}
	file := func(at, list string) Seen { return Seen{Path: at, Descriptor: sddl.MustParse("O:BAG:SYD:" + list)} }
	const all, ours = "(A;;FA;;;WD)", "(A;;FA;;;" + staff + ")"
	say(folder("/t", all), folder("/t/d", ours), folder("/t/d/ee", all), file("/t/d/f", all), file("/t/d/ff", ours),
		file("/t/d/ee/f", all), file("/t/d/ee/ff", all), file("/t/g", ours))
	if len(m.whole.state.rows) != 0 {
		t.Error("N-42: a log that is not read to its end counts")
	}
	whole := func() {
		t.Helper()
		for i := range 2 {
			must(m.Whole(fmt.Sprint("rows", i), own(i)))
			must(m.Whole(fmt.Sprint("people", i), func(string) bool { return false }))
		}
	}
	whole()
	check("read to the end")
	sources := map[string]Moment{"/t": {Time: time.Unix(1, 0)}}
	if f := m.Fence(sources); f.Index != m.whole.state.start.Index || f.Index == "" || f.Seq != m.whole.state.seq ||
		f.Boot != bootID() || !reflect.DeepEqual(f.Sources, sources) || f.Unnamed != 0 {
		t.Errorf("%+v", f)
	}
	say(folder("/t/d", "(A;;FA;;;"+alice+")"))
	check("another folder")
	say(file("/t/d/f", ours), Seen{Path: "/t/d/ff", Gone: true}, Seen{Path: "/t/d/ee", Folder: true,
		Err: errors.New("no")})
	check("what goes and what cannot be read")
	for i, d := range append(deciders, one) {
		must(d.Directory(firm(t, func(name string) string {
			return map[string]string{"alice": "Night", "bob": "", "carol": "Staff"}[name]
		}), "v2", 3))
		if i < 2 {
			take(fmt.Sprint("people", i), d.Take())
		}
		if want := []string{"v1", "v2", "v2"}[i]; m.whole.state.version != want {
			t.Errorf("N-40: after %d deciders the version is %s", i+1, m.whole.state.version)
		}
	}
	say(Seen{Path: "/t/d/ee", Gone: true}, folder("/t/d", all), folder("/t/d/ee", ours))
	check("another directory")
	for _, name := range []string{"rows0", "people1"} {
		m.Anew(name)
		for i := range logs[name] {
			must(m.Apply(name, &logs[name][i]))
		}
	}
	m.Take()
	whole()
	check("read anew")
	for _, e := range m.Take() {
		t.Errorf("N-42: a log that says what is known makes %+v", e)
	}
	say(Seen{Path: "/t", Gone: true})
	check("gone")
}

// TestListsOfClauses: a SID of the list that allows stands in every clause; who has the right by several is listed
// (N-4).
func TestListsOfClauses(t *testing.T) {
	d := newDecider(firm(t), "v", func(s sid.SID) int { return int(s.RID()) - 1107 }, 3)
	entry := func(who string) string { return "(A;;FR;;;" + who + ")" }
	for _, c := range []struct {
		object, share string
		allow, expand []string
	}{
		{entry(staff) + entry(night), entry(night) + entry(alice), []string{night}, []string{alice}},
		{entry(night) + entry(alice), entry(staff) + entry(night), []string{night}, []string{alice}},
		{entry(staff), entry(night), nil, []string{bob}}, {entry("WD"), entry(night), []string{night}, nil},
		{entry(night), entry("WD"), []string{night}, nil}, {entry("WD"), entry("WD"), []string{"S-1-1-0"}, nil},
		{entry(staff) + entry(night), entry(staff) + entry(night), []string{staff, night}, nil},
		{"(D;;FR;;;" + alice + ")" + entry("WD"), entry(staff), nil, []string{bob}},
		{entry(staff) + "(D;;FR;;;" + night + ")" + entry(carol), entry("WD"), []string{staff}, nil}, {"", entry("WD"), nil,
			nil},
	} {
		class := NewClass(sddl.MustParse("O:BAG:SYD:"+c.object), sddl.MustParse("O:BAG:SYD:"+c.share), "read",
			winnt.FILE_GENERIC_READ, winnt.FileObject)
		got, err := d.decide(&class)
		if err != nil {
			t.Fatal(err)
		}
		if allow, expand := texts(got.allow), texts(got.expand); !slices.Equal(allow, c.allow) ||
			!slices.Equal(expand, c.expand) {
			t.Errorf("N-4: %s and the share %s: %v and %v, want %v and %v", c.object, c.share, allow, expand, c.allow, c.expand)
		}
	}
}

// TestListsBehindFolders: who passes a folder counts as one more clause; where the privilege lets some pass, no list
// of SIDs
// tells who does (N-4, N-15).
func TestListsBehindFolders(t *testing.T) {
	d := newDecider(firm(t), "v", func(s sid.SID) int { return int(s.RID()) - 1107 }, 3)
	descriptor := func(entries string) *sd.Descriptor { return sddl.MustParse("O:BAG:SYD:" + entries) }
	all, ours := descriptor("(A;;FA;;;WD)"), descriptor("(A;;FA;;;"+staff+")")
	own := NewClass(all, nil, "read", winnt.FILE_GENERIC_READ, winnt.FileObject)
	for _, c := range []struct {
		folders       []Class
		allow, expand []string
		told          bool
	}{
		{nil, []string{"S-1-1-0"}, nil, true}, {[]Class{NewPassing(ours, false)}, []string{staff}, nil, true},
		{[]Class{NewPassing(ours, false), NewPassing(all, false)}, []string{staff}, nil, true},
		{[]Class{NewPassing(ours, false), NewPassing(descriptor("(A;;FA;;;"+night+")"), false)}, nil, []string{bob}, true},
		{[]Class{NewPassing(nil, false)}, nil, nil, false},
	} {
		class := own.Behind(c.folders)
		got, err := d.decide(&class)
		if err != nil {
			t.Fatal(err)
		}
		if allow, expand := texts(got.allow), texts(got.expand); !slices.Equal(allow, c.allow) ||
			!slices.Equal(expand, c.expand) || c.told && !got.told {
			t.Errorf("N-15: behind %d folders: %v and %v, want %v and %v", len(c.folders), allow, expand, c.allow, c.expand)
		}
	}
}

// TestTimesOfEvents: an event is of the beat that came with what it was made of, and else of now.
func TestTimesOfEvents(t *testing.T) {
	w := working(t, "")
	for _, e := range w.Take()[1:] {
		if e.Time != 1 {
			t.Errorf("%+v is not of its directory", e)
		}
	}
	see := func(name string, at time.Time) (last Event) {
		t.Helper()
		err := w.Batch(&Batch{Tree: "/t", Seen: []Seen{{Path: "/t/" + name}}, Beat: Beat{Time: at}})
		events := w.Take()
		if err != nil || len(events) != 1 {
			t.Fatalf("%v, %v", events, err)
		}
		return events[0]
	}
	if e := see("a", time.Unix(7, 8)); e.Time != 7_000_000_008 {
		t.Errorf("%+v is not of its beat", e)
	}
	before := time.Now().UnixNano()
	if e := see("b", time.Time{}); e.Time < before || e.Time > time.Now().UnixNano() {
		t.Errorf("%+v is not of now", e)
	}
	c := definition(ptr(NewClass(sddl.MustParse("O:BAG:SYD:"), nil, "read", winnt.FILE_GENERIC_READ, winnt.FileObject)))
	if err := w.Define(c, 99); err != nil || w.Take()[0].Time != 99 {
		t.Errorf("a class is not of its time: %v", err)
	}
	empty, err := (Question{Rights: w.rights}).Worker(nil)
	if err == nil {
		err = empty.Define(c, 1)
	}
	if err == nil || !strings.Contains(err.Error(), "class "+c.ID) {
		t.Errorf("without a directory: %v", err)
	}
}
