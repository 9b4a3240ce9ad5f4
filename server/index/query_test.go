package index

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// queryFixture has an index on disk of two trees and two rights, with a distinct value in each field.
type queryFixture struct {
	*testing.T
	w         *Worker
	dir       string
	x         *Index
	present   watch.Heartbeat
	watermark Watermark
}

func newAnswering(t *testing.T) *queryFixture {
	t.Helper()
	w := deciding(t, "read+modify", TraverseAlways, "v7")
	file := func(path, list string) watch.Seen {
		return watch.Seen{Path: path, Descriptor: sddl.MustParse("O:BAG:SYD:" + list)}
	}
	for tree, list := range map[string][]watch.Seen{
		"/t": {folder("/t/d", "(A;;FA;;;"+staff+")"), file("/t/a", "(A;;FR;;;WD)(A;;FA;;;"+alice+")"),
			file("/t/d/b", "(A;;FA;;;WD)"), {Path: "/t/c", Err: errors.New("no")}},
		"/u": {file("/u/a", "(A;;FA;;;"+night+")")},
	} {
		check.NoError(t, w.Batch(&watch.Batch{Tree: tree, Seen: list}))
	}
	a := &queryFixture{T: t, w: w, dir: t.TempDir(),
		present: watch.Heartbeat{Time: time.Unix(2_000_000, 0).UTC(), Up: 5 * time.Hour}}
	log, _, err := OpenLog(a.dir)
	check.NoError(t, err)
	ago := func(d time.Duration) Moment { return Moment{a.present.Time.Add(-d), a.present.Up - d} }
	a.watermark = Watermark{Index: w.state.start.Index, Seq: w.state.seq, Boot: "b", Sources: map[string]Moment{
		"/t": ago(3 * time.Second), "/u": ago(2 * time.Second), directorySource: ago(time.Second)}}
	check.NoError(t, errors.Join(log.Write(w.Take()), log.Close()))
	if a.x, err = Open(a.dir, time.Minute); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.x.Close() })
	a.x.clock, a.x.boot = func() watch.Heartbeat { return a.present }, "b"
	a.setWatermark(func(*Watermark) {})
	return a
}

// setWatermark writes a watermark.
func (a *queryFixture) setWatermark(change func(*Watermark)) {
	a.Helper()
	f := a.watermark
	f.Sources = maps.Clone(f.Sources)
	change(&f)
	b, err := json.Marshal(f)
	name := filepath.Join(a.dir, watermarkName)
	check.NoError(a, errors.Join(err, os.WriteFile(name+".new", b, 0o600), os.Rename(name+".new", name)))
	a.x.mu.Lock()
	a.x.info = nil // independent of the file system's time resolution
	a.x.mu.Unlock()
}

// TestCanReadFillsEveryAnswerField checks all fields of each answer: class, descriptor, directory version and the
// tree's time, and the fields that are set for each reason of an unknown result (N-5, N-6, N-9,
// N-15, N-78).
func TestCanReadFillsEveryAnswerField(t *testing.T) {
	a := newAnswering(t)
	class := func(path string, right int) string { return a.w.state.rows[path].Classes[right] }
	said := func(allowed bool, because, class, path string) Answer {
		out := Answer{Allowed: allowed, Because: because, Class: class, Directory: "v7", Seq: a.watermark.Seq}
		if r := a.w.state.rows[path]; r != nil {
			out.Descriptor, out.Time = r.Descriptor, a.watermark.Sources[r.Tree].Time
		}
		return out
	}
	for _, c := range []struct {
		path, who, right string
		want             Answer
	}{
		{"/t/a", "alice", "read", said(true, "", class("/t/a", 0), "/t/a")},
		{"/t/a", "alice", "", said(true, "", class("/t/a", 0), "/t/a")},
		{"/t/a", bob, "read", said(true, "", class("/t/a", 0), "/t/a")},
		{"/t/a", "bob", "modify", said(false, "", class("/t/a", 1), "/t/a")},
		{"/t/a", alice, "modify", said(true, "", class("/t/a", 1), "/t/a")},
		{"/t/d/b", "carol", "read", said(false, "", class("/t/d/b", 0), "/t/d/b")}, // carol may not traverse
		{"/t/d/b", "bob", "modify", said(true, "", class("/t/d/b", 1), "/t/d/b")},
		{"/u/a", "carol", "read", said(true, "", class("/u/a", 0), "/u/a")},
		{"/u/a", "alice", "read", said(false, "", class("/u/a", 0), "/u/a")},
		{"/u/a", "dora", "read", said(false, "the directory has no such person", "", "/u/a")},
		{"/u/a", "", "read", said(false, "the directory has no such person", "", "/u/a")},
		{"/u/a", "carol", "write", said(false, "the index is not about the right write", "", "/u/a")},
		{"/u/a", "carol", "Read", said(false, "the index is not about the right Read", "", "/u/a")},
		{"/t/c", "alice", "read", said(false, "the document could not be read: no", "", "/t/c")},
		{"/t/none", "alice", "read", said(false, "the document is not in the index", "", "")},
		{"/t/a/", "alice", "read", said(false, "the document is not in the index", "", "")},
		{"", "alice", "read", said(false, "the document is not in the index", "", "")},
	} {
		if got := a.x.CanRead(c.path, c.who, c.right); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s by %s, %s:\n got %+v\nwant %+v", c.path, c.who, c.right, got, c.want)
		}
		got := a.x.Evidence(c.path, Query{Who: c.who, Right: c.right})
		check.That(t, reflect.DeepEqual(got.Answer, c.want) && got.Refused == nil, "N-97: evidence of a folder: %+v", got)
	}
	got := a.x.CanReadAll([]Answer{{}}, []string{"/t/a"}, Query{Who: "alice", Right: "read", Limit: 2 * time.Second})
	late := []Answer{{}, said(false, "/t had no heartbeat within 2s", "", "/t/a")}
	check.That(t, reflect.DeepEqual(got, late), "N-9: a limit of two seconds:\n got %+v\nwant %+v", got, late)
	stale := func(source string) string { return fmt.Sprintf("%s had no heartbeat within 1m0s", source) }
	for source, others := range map[string]map[string]string{
		"/t":            {"/t/a": stale("/t"), "/t/none": stale("/t"), "/t/c": stale("/t"), "/u/a": "", "/v": "none"},
		"/u":            {"/t/a": "", "/u/a": stale("/u"), "/u/none": stale("/u"), "/t/none": "none", "/uu": "none"},
		directorySource: {"/t/a": stale("directory"), "/u/a": stale("directory"), "/t/none": stale("directory")},
	} {
		for _, gone := range []bool{true, false} { // without a time, or with an old one
			a.setWatermark(func(f *Watermark) {
				if delete(f.Sources, source); !gone {
					f.Sources[source] = Moment{a.present.Time.Add(-time.Hour), a.present.Up - time.Hour}
				}
			})
			for path, why := range others {
				if why == "none" {
					why = "the document is not in the index"
				}
				if gone && (path == "/t/none" && source == "/t" || path == "/u/none") {
					why = "the document is not in the index" // no such tree
				}
				want := said(why == "", why, "", path)
				if want.Time = a.x.fenceTime(path); why == "" {
					want.Class = class(path, 0)
				}
				who := map[bool]string{true: "carol", false: "alice"}[path == "/u/a"]
				if got := a.x.CanRead(path, who, "read"); !reflect.DeepEqual(got, want) {
					t.Errorf("N-9: %s while %s is not known (%t):\n got %+v\nwant %+v", path, source, gone, got, want)
				}
			}
		}
	}
	for why, change := range map[string]func(*Watermark){
		"the index has no heartbeat yet":         func(f *Watermark) { f.Index = "" },
		"the index was recreated: open it again": func(f *Watermark) { f.Index = "other" },
		fmt.Sprintf("the watermark covers event %d, but the log ends at %d", a.watermark.Seq+1,
			a.watermark.Seq): func(f *Watermark) {
			f.Seq++
		},
	} {
		a.setWatermark(change)
		got := a.x.CanReadAll(nil, []string{"/t/a", "/none"}, Query{Who: "alice", Right: "read"})
		if !reflect.DeepEqual(got, []Answer{{Because: why}, {Because: why}}) {
			t.Errorf("%+v, want %q twice", got, why)
		}
		_, err1 := a.x.Counts()
		_, err2 := a.x.Listed()
		_, err3 := a.x.Classes("alice", "read")
		for _, err := range []error{err1, err2, err3} {
			check.That(t, err != nil && err.Error() == why, "%v, want %q", err, why)
		}
	}
	name := filepath.Join(a.dir, watermarkName)
	a.setWatermark(func(*Watermark) {})
	check.That(t, a.x.CanRead("/t/a", "alice", "read").Allowed, "CanRead after the watermark was rewritten")
	at := check.Must(os.Stat(name)).ModTime() // the next file has the same time
	check.NoError(t, errors.Join(os.WriteFile(name+".new", []byte("{\n"), 0o600), os.Chtimes(name+".new", at, at),
		os.Rename(name+".new", name)))
	for range 2 { // the file does not change between the two queries
		got := a.x.CanRead("/t/a", "alice", "read")
		check.That(t, strings.HasPrefix(got.Because, "watermark: "+name+": "), "a malformed watermark: %+v", got)
	}
}

// fenceTime returns the time of a document's tree in the newest watermark, zero for an unknown
// document.
//
// +checklocksignore
func (x *Index) fenceTime(path string) time.Time {
	r := x.state.rows[path]
	f, err := readWatermark(x.dir)
	if r == nil || err != nil {
		return time.Time{}
	}
	return f.Sources[r.Tree].Time
}

// TestFilterHasOnlyClassesOfItsRight checks a filter in each form, for a person and for their token: only classes of
// that right, no traverse classes, and the time of the oldest source (N-9, N-19).
func TestFilterHasOnlyClassesOfItsRight(t *testing.T) {
	a := newAnswering(t)
	s := a.w.state
	for n, p := range firm(t).Principals {
		for right, word := range []string{"read", "modify"} {
			want := Filter{Right: word, Classes: []string{}, Directory: "v7", Seq: a.watermark.Seq,
				Time: a.watermark.Sources["/t"].Time}
			bits := Filter{Right: word, Bitmap: make([]byte, len(s.classes)/8+1), Directory: "v7", Seq: want.Seq,
				Time: want.Time, Index: s.start.Index}
			for _, path := range []string{"/t/a", "/t/d/b", "/u/a", "/t/d"} {
				id := s.rows[path].Classes[right]
				if s.classes[id].members.Has(n) && !slices.Contains(want.Classes, id) {
					want.Classes = append(want.Classes, id)
					bits.Bitmap[s.classes[id].number/8] |= 1 << (s.classes[id].number % 8)
				}
			}
			slices.Sort(want.Classes)
			for form, want := range map[Form]Filter{FormList: want, FormBitmap: bits} {
				for _, who := range []string{p.Name, p.SID().String()} {
					if got, err := a.x.Filter(who, word, form); err != nil || !reflect.DeepEqual(got, want) {
						t.Errorf("%s of %s, %s:\n got %+v, %v\nwant %+v", form, who, word, got, err, want)
					}
				}
				if got, err := a.x.FilterOf(p.Token, word, form); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("N-19: %s of the token of %s, %s:\n got %+v, %v\nwant %+v",
						form, p.Name, word, got, err, want)
				}
			}
		}
	}
	ask := func(who, right string, form Form) func() (Filter, error) {
		return func() (Filter, error) { return a.x.Filter(who, right, form) }
	}
	for why, ask := range map[string]func() (Filter, error){
		"the directory has no such person":               ask("dora", "read", FormList),
		"the index is not about the right write":         ask("alice", "write", FormList),
		"the index is not about the right ":              ask("alice", "", FormBitmap),
		"knows the groups of a person, and none answers": ask("alice", "read", FormSIDs),
	} {
		if got, err := ask(); err == nil || !strings.HasSuffix(err.Error(), why) || !reflect.DeepEqual(got, Filter{}) {
			t.Errorf("%+v, %v, want %q", got, err, why)
		}
	}
	for source := range a.watermark.Sources { // with one unknown source every query fails
		a.setWatermark(func(f *Watermark) { f.Sources[source] = Moment{} })
		for _, form := range []Form{FormList, FormBitmap, FormSIDs} {
			got, err := a.x.FilterOf(firm(t).Principals[0].Token, "read", form)
			if want := fmt.Sprintf("%s had no heartbeat within 1m0s", source); err == nil || err.Error() != want ||
				!reflect.DeepEqual(got, Filter{}) {
				t.Errorf("N-9: %s while %s is not known: %+v, %v", form, source, got, err)
			}
		}
	}
}

// TestQueriesOfClosedIndexFail checks that each query can be repeated, and that after Close it fails without blocking.
func TestQueriesOfClosedIndexFail(t *testing.T) {
	dir := t.TempDir()
	w := firmWorker(t, "")
	d := sddl.MustParse("O:BAG:SYD:(D;;FR;;;" + night + ")(A;;FR;;;WD)")
	report(t, w, watch.Seen{Path: "/t/a", Descriptor: d}, watch.Seen{Path: "/t/c", Descriptor: d},
		watch.Seen{Path: "/t/b", Err: errors.New("no")},
		watch.Seen{Path: "/t/gone", Descriptor: sddl.MustParse("O:BAG:SYD:(D;;FR;;;" + night + ")(A;;FRFX;;;WD)")})
	report(t, w, watch.Seen{Path: "/t/gone", Gone: true}) // its class has no document left
	l, _, err := OpenLog(dir)
	check.NoError(t, err)
	present := Moment{Time: time.Now(), Up: watch.Now().Up}
	f := &Watermark{Index: w.state.start.Index, Seq: w.state.seq, Boot: watch.BootID(), Unnamed: 4,
		Sources: map[string]Moment{"/t": present, directorySource: present, "/u": {present.Time.Add(-time.Hour), present.Up}}}
	check.NoError(t, errors.Join(l.Write(w.Take()), l.SetWatermark(f), l.Close()))
	x := check.Must(Open(dir, time.Hour))
	x.clock = func() watch.Heartbeat {
		return watch.Heartbeat{Time: present.Time.Add(time.Second), Up: present.Up + time.Second}
	}
	for limit, withheld := range map[time.Duration]string{0: "/u had no heartbeat within 1h0m0s",
		time.Minute: "/u had no heartbeat within 1m0s", 2 * time.Hour: ""} {
		beats, err := x.HeartbeatsWithin(limit)
		got := []string{}
		for _, b := range beats {
			got = append(got, fmt.Sprint(b.Source, " ", b.Age, " ", b.Withheld))
		}
		if want := []string{"/t 1s ", "/u 1h0m1s " + withheld, "directory 1s "}; err != nil || !slices.Equal(got, want) {
			t.Errorf("N-9: heartbeats within %v: %q, %v, want %q", limit, got, err, want)
		}
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
		for _, unknown := range []string{"", "other"} {
			if e, c := x.Why(Answer{Class: unknown}); e != nil || c != nil {
				t.Errorf("class %q: %+v %+v, want nil, nil", unknown, e, c)
			}
		}
		list, err := x.Listed()
		if want := []Listed{{class, "read", 2, []string{alice}, "v1"}}; err != nil || !reflect.DeepEqual(list, want) {
			t.Errorf("%+v, %v, want %+v, nil", list, err, want)
		}
		counts, err := x.Counts()
		if want := (Counts{Documents: 3, Unreadable: 1, Classes: 2, People: 3, Unnamed: 4, Listed: 1,
			ListedDocuments: 2}); err != nil || counts != want {
			t.Errorf("%+v, %v, want %+v, nil", counts, err, want)
		}
	}
	check.NoError(t, x.Close())
	check.That(t, x.Close() != nil, "closed twice")
	if a := x.CanRead("/t/a", "alice", "read"); a.Allowed || a.Because == "" {
		t.Errorf("after Close: %+v, want no access and a reason", a)
	}
}

// TestDocumentBelongsToTreeAboveIt checks the tree whose heartbeat counts for an absent document. Elsewhere it is the
// directory's (N-78).
func TestDocumentBelongsToTreeAboveIt(t *testing.T) {
	f := &Watermark{Sources: map[string]Moment{"//a/srv": {}, "//a/srv2": {}, directorySource: {}}}
	for path, want := range map[string]string{"//a/srv/plan": "//a/srv", "//a/srv": "//a/srv", "//a/srv2/plan": "//a/srv2",
		"//a/srv22": directorySource, "/srv/plan": directorySource} {
		check.Equal(t, f.sourceOf(path), want, "the tree of %s", path)
	}
	f.Sources["/"] = Moment{}
	check.Equal(t, f.sourceOf("/etc/passwd"), "/", "the tree of a document in the root of the host")
}
