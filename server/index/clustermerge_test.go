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

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// TestMergeDeletesDocumentsOfFormerTree checks that a follower that starts without a tree of its state deletes the
// tree's documents (N-141).
func TestMergeDeletesDocumentsOfFormerTree(t *testing.T) {
	w := firmWorker(t, "")
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

// TestDocumentOfUndecidedClassIsDenied checks that a document whose class has no members yet is denied with
// that reason (N-40).
func TestDocumentOfUndecidedClassIsDenied(t *testing.T) {
	w := check.Must(Question{Rights: check.Must(words.Parse("read"))}.Rows(nil))
	report(t, w, watch.Seen{Path: "/t/a", Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")})
	check.NoError(t, w.add(Event{Person: &PersonEvent{Number: 0, SID: alice, Name: "alice"}}))
	x, now := newLive(w, t.TempDir()), Moment(watch.Now())
	x.publish(w, &Watermark{Sources: map[string]Moment{"/t": now, directorySource: now}})
	a := x.CanRead("/t/a", "alice", "read")
	check.That(t, !a.Allowed && strings.Contains(a.Because, "not decided"), "%+v, want no, not decided", a)
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
		f.Boot != watch.BootID() || !reflect.DeepEqual(f.Sources, sources) || f.Unnamed != NotCounted ||
		f.Unnameable != NotCounted {
		t.Errorf("N-5: %+v", f)
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
