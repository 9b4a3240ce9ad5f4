package index

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// TestMergeDeletesDocumentsOfFormerTree checks that a follower that starts without a tree of its state deletes the
// tree's documents (N-141).
func TestMergeDeletesDocumentsOfFormerTree(t *testing.T) {
	w := working(t, "")
	for _, tree := range []string{"//h/srv", "//h/srv2"} {
		check.NoError(t, w.Batch(&watch.Batch{Tree: tree, Seen: []watch.Seen{{Path: tree + "/a",
			Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")}}}))
	}
	q := Question{Rights: check.Must(words.Parse("read"))}
	m := check.Must(q.Merge(w.state, 1))
	var warned []string
	begun := time.Now()
	check.NoError(t, m.KeepTrees([]string{"//h/srv2"}, func(err error) { warned = append(warned, err.Error()) }))
	events := m.Take()
	check.RequireThat(t, len(events) == 1 && events[0].Gone == "//h/srv/a" && events[0].Time >= begun.UnixNano(),
		"events %+v", events)
	check.SlicesEqual(t, warned, []string{
		"tree //h/srv is no longer given: removing its documents from the index (1)"}, "warnings")
}

// TestMergedWorkerLogsFormIndex checks that a worker of rows, a worker of members and the merge of their logs form an
// index. A class that is only defined grants nothing (N-40), a definition that does not match its
// ID is rejected (N-41), and intermediate states of a log grant nothing (N-42).
func TestMergedWorkerLogsFormIndex(t *testing.T) {
	rights := check.Must(words.Parse("read"))
	firm, err := dirfile.Read([]byte("users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107}\n" +
		"- {name: bob, sid: S-1-5-21-1-2-3-1108}\n"))
	check.NoError(t, err)
	q := Question{Rights: rights}
	rows := check.Must(q.Rows(nil))
	everybody := sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")
	alices := sddl.MustParse("O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-1107)")
	walk := func(list ...watch.Seen) []Event {
		t.Helper()
		check.NoError(t, rows.Batch(&watch.Batch{Tree: "//h/srv", Begin: true, Seen: list, End: true}))
		return rows.Take()
	}
	first := walk(watch.Seen{Path: "//h/srv/a", Descriptor: everybody},
		watch.Seen{Path: "//h/srv/b", Descriptor: everybody})
	first = append(first, walk(watch.Seen{Path: "//h/srv/a", Descriptor: alices})...)

	deciding := check.Must(q.Worker(nil))
	m := check.Must(q.Merge(nil, 1))
	m.Take()
	apply := func(part string, list []Event) {
		t.Helper()
		for i := range list {
			check.NoError(t, m.Apply(part, &list[i]))
		}
	}
	own := func(at string) bool { return strings.HasPrefix(at, "//h/srv/") }
	apply("rows", first)
	if got := m.Take(); len(got) != 0 {
		t.Errorf("before its end a log makes %d events, want 0", len(got))
	}
	check.NoError(t, m.Whole("rows", own))
	for _, e := range m.Take() {
		check.That(t, e.Row == nil || e.Row.Path == "//h/srv/a",
			"the merge emits a row that the log has removed: %+v, want only //h/srv/a", e.Row)
	}
	row := m.whole.state.rows["//h/srv/a"]
	k := m.whole.state.classes[row.Classes[0]]
	check.That(t, k.members.Count() == 0 && k.event.Version == "", "a class that no one decided: %+v", k.event)

	check.NoError(t, deciding.Directory(firm, "v1", 1))
	for _, e := range first {
		if e.Class == nil {
			continue
		}
		check.NoError(t, deciding.Define(e.Class, 1))
	}
	apply("people", deciding.Take())
	check.NoError(t, m.Whole("people", func(string) bool { return false }))
	if got := m.whole.state.sids(k.members, nil); !slices.Equal(got, []string{"S-1-5-21-1-2-3-1107"}) {
		t.Errorf("a is read by %v", got)
	}
	check.That(t, m.whole.state.version == "v1", `version %q, want "v1"`, m.whole.state.version)
	apply("rows", walk())
	check.That(t, m.whole.state.rows["//h/srv/a"] == nil, "a walk did not see a, and it has a row")
	check.That(t, rows.Batch(&watch.Batch{Tree: "//h/srv", End: true}) != nil, "a walk ended that had not begun")
}

// TestDocumentOfUndecidedClassIsDenied checks that a document whose class has no members yet is denied with
// that reason (N-40).
func TestDocumentOfUndecidedClassIsDenied(t *testing.T) {
	rights := check.Must(words.Parse("read"))
	dir := t.TempDir()
	log, state, err := OpenLog(dir)
	check.NoError(t, err)
	w := check.Must(Question{Rights: rights}.Rows(state))
	b := watch.Batch{Tree: "/srv", Begin: true, End: true,
		Seen: []watch.Seen{{Path: "/srv/a", Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")}}}
	check.NoError(t, w.Batch(&b))
	check.NoError(t, w.add(Event{Person: &PersonEvent{Number: 0, SID: "S-1-5-21-1-2-3-1107", Name: "alice"}}))
	f := &Watermark{Index: state.start.Index, Seq: state.seq,
		Sources: map[string]Moment{"/srv": Moment(watch.Now()), directorySource: Moment(watch.Now())}}
	check.NoError(t, log.Write(w.Take()))
	check.NoError(t, log.SetWatermark(f))
	defer log.Close()
	x := check.Must(Open(dir, 1<<40))
	defer x.Close()
	if a := x.CanRead("/srv/a", "alice", "read"); a.Allowed || !strings.Contains(a.Because, "not decided") {
		t.Errorf(`%+v, want a.Allowed = false, a.Because containing "not decided"`, a)
	}
}

// TestTwoWorkersMergeLikeOne checks that two workers of rows and two of members, merged, give the result
// of a single worker, also with logs that start over (N-40, N-42, N-44, N-75, N-76).
func TestTwoWorkersMergeLikeOne(t *testing.T) {
	rights, err := words.Parse("read+modify")
	check.NoError(t, err)
	q := Question{Rights: rights, Traverse: TraverseAlways}
	logs := map[string][]Event{}
	must := func(err error) {
		t.Helper()
		check.NoError(t, err)
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
	one := check.Must(q.Worker(nil))
	must(one.Directory(firm(t), "v1", 1))
	m := check.Must(q.Merge(nil, 2))
	part := func(at string) int { return len(at) % 2 }
	own := func(i int) func(string) bool { return func(at string) bool { return part(at) == i } }
	take := func(name string, list []Event) {
		for i := range list {
			logs[name] = append(logs[name], list[i])
			must(m.Apply(name, &list[i]))
		}
	}
	say := func(list ...watch.Seen) {
		t.Helper()
		must(one.Batch(&watch.Batch{Tree: "/t", Seen: list}))
		for i, w := range rows {
			var its []watch.Seen
			for _, s := range list {
				if s.Folder || s.Gone || part(s.Path) == i { // each part gets all folders
					its = append(its, s)
				}
			}
			must(w.Batch(&watch.Batch{Tree: "/t", Seen: its}))
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
	agree := func(what string) {
		t.Helper()
		consistent(t, what, m.whole.state)
		got, want := slices.Sorted(maps.Keys(m.whole.state.rows)), slices.Sorted(maps.Keys(one.state.rows))
		check.RequireThat(t, slices.Equal(got, want), "%s: rows %q, want %q", what, got, want)
		for at, r := range one.state.rows {
			got := m.whole.state.rows[at]
			check.RequireThat(t, got.same(r), "N-75: %s: %+v, want %+v", what, got, r)
			for i := range rights {
				if got, want := m.whole.state.sids(m.whole.state.sets(at)[i], nil), one.state.sids(one.state.sets(at)[i],
					nil); !slices.Equal(got, want) {
					t.Fatalf("N-40: %s: %s is of %v, want %v", what, at, got, want)
				}
			}
		}
		check.Require(t, m.whole.state.version, one.state.version, "%s: version", what)
	}
	file := func(at, list string) watch.Seen {
		return watch.Seen{Path: at, Descriptor: sddl.MustParse("O:BAG:SYD:" + list)}
	}
	const all, ours = "(A;;FA;;;WD)", "(A;;FA;;;" + staff + ")"
	say(folder("/t", all), folder("/t/d", ours), folder("/t/d/ee", all), file("/t/d/f", all), file("/t/d/ff", ours),
		file("/t/d/ee/f", all), file("/t/d/ee/ff", all), file("/t/g", ours))
	check.Equal(t, len(m.whole.state.rows), 0,
		"N-42: rows of a log that was not read to its end count")
	whole := func() {
		t.Helper()
		for i := range 2 {
			must(m.Whole(fmt.Sprint("rows", i), own(i)))
			must(m.Whole(fmt.Sprint("people", i), func(string) bool { return false }))
		}
	}
	whole()
	agree("read to the end")
	sources := map[string]Moment{"/t": {Time: time.Unix(1, 0)}}
	if f := m.Watermark(sources); f.Index != m.whole.state.start.Index || f.Index == "" || f.Seq != m.whole.state.seq ||
		f.Boot != watch.BootID() || !reflect.DeepEqual(f.Sources, sources) || f.Unnamed != 0 {
		t.Errorf("%+v", f)
	}
	say(folder("/t/d", "(A;;FA;;;"+alice+")"))
	agree("another folder")
	say(file("/t/d/f", ours), watch.Seen{Path: "/t/d/ff", Gone: true}, watch.Seen{Path: "/t/d/ee", Folder: true,
		Err: errors.New("no")})
	agree("what goes and what cannot be read")
	for i, d := range append(deciders, one) {
		must(d.Directory(firm(t, func(name string) string {
			return map[string]string{"alice": "Night", "bob": "", "carol": "Staff"}[name]
		}), "v2", 3))
		if i < 2 {
			take(fmt.Sprint("people", i), d.Take())
		}
		if want := []string{"v1", "v2", "v2"}[i]; m.whole.state.version != want {
			t.Errorf("N-40: after %d deciders the version is %s, want %s", i+1, m.whole.state.version, want)
		}
	}
	say(watch.Seen{Path: "/t/d/ee", Gone: true}, folder("/t/d", all), folder("/t/d/ee", ours))
	agree("another directory")
	for _, name := range []string{"rows0", "people1"} {
		m.Restart(name)
		for i := range logs[name] {
			must(m.Apply(name, &logs[name][i]))
		}
	}
	m.Take()
	whole()
	agree("read again")
	for _, e := range m.Take() {
		t.Errorf("N-42: a log without changes emits %+v, want no event", e)
	}
	say(watch.Seen{Path: "/t", Gone: true})
	agree("gone")
}
