package index

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// TestRunAnswersFromItsState checks that the index of a run answers only between the first heartbeat and its end, that
// its age counts, and that it follows the worker after a compaction, which replaces the state (N-97).
func TestRunAnswersFromItsState(t *testing.T) {
	w := firmWorker(t, "")
	x := newLive(w, t.TempDir())
	may := func(path, want string) {
		t.Helper()
		a := x.CanRead(path, "alice", "read")
		check.Equal(t, map[bool]string{true: "yes"}[a.Allowed]+a.Because, want, "%s", path)
	}
	file := func(path string) watch.Seen {
		return watch.Seen{Path: path, Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;" + alice + ")")}
	}
	publish := func(sources ...string) {
		f := &Watermark{Index: w.state.start.Index, Seq: w.state.seq, Boot: watch.BootID(), Sources: map[string]Moment{}}
		for _, s := range sources {
			f.Sources[s] = Moment(watch.Now())
		}
		x.publish(w, f)
		f.Sources["/t"] = Moment{} // the run changes its watermark later
	}
	report(t, w, watch.Seen{Path: "/t/b", Descriptor: sddl.MustParse("O:BAG:SYD:")},
		watch.Seen{Path: "/t/b", Gone: true}, file("/t/a"))
	may("/t/a", "the index has no heartbeat yet")
	err := check.Err(x.Filter("alice", "read", FormSIDs))
	check.That(t, err != nil && err.Error() == "the index has no heartbeat yet", "a filter of SIDs: %v", err)
	publish("/t")
	may("/t/a", "directory had no heartbeat within 10s")
	list, err := x.Heartbeats()
	check.That(t, err == nil && len(list) == 2 && list[1].Source == directorySource && list[1].Time.IsZero() &&
		list[1].Withheld != "", "%+v, want /t and the directory without a heartbeat: %v", list, err)
	publish(directorySource)
	may("/t/a", "/t had no heartbeat within 10s")
	check.That(t, !x.Current(0), "current without a heartbeat of the tree")
	f, err := x.Filter("alice", "read", FormList)
	check.That(t, err != nil && err.Error() == "/t had no heartbeat within 10s" && f.Classes == nil,
		"N-9: a filter without a heartbeat of the tree: %+v, %v", f, err)
	list, err = x.Heartbeats()
	check.That(t, err == nil && len(list) == 2 && list[0].Source == "/t" && list[0].Time.IsZero() &&
		list[0].Age == 0 && list[0].Withheld != "", "%+v, want /t without a heartbeat and the directory: %v", list, err)
	publish(directorySource, "/t")
	may("/t/a", "yes")
	if !x.Current(0) || x.Current(time.Nanosecond) {
		t.Errorf("current %t, within 1 ns %t, want true, false", x.Current(0), x.Current(time.Nanosecond))
	}
	x.clock = func() watch.Heartbeat { now := watch.Now(); now.Up += time.Minute; return now } // the clock was set back
	check.That(t, !x.Current(0), "N-9: current a minute of uptime after the last heartbeat")
	x.clock = watch.Now
	check.NoError(t, check.Err(w.Compact(false)))
	report(t, w, file("/t/b"), watch.Seen{Path: "/t/a", Gone: true})
	publish(directorySource, "/t")
	may("/t/a", "the document is not in the index")
	may("/t/b", "yes")
	f, err = x.Filter("alice", "read", FormBitmap)
	check.That(t, err == nil && f.Bitmap[0] == 1<<2, "classes after the first was dropped: %b, %v", f.Bitmap, err)
	d, err := dirfile.Read([]byte("kind,name,sid,uid,gid\nuser,a," + alice + ",65534,\nuser,b," + bob + ",1,\n" +
		"user,c," + carol + ",2,\nuser,d," + night + "1,2,\nuser,e," + night + "2,2,\ngroup,g," + staff + ",,3\n"))
	check.NoError(t, err)
	x.setPeople(d, d)
	for uid, want := range map[uint32]string{unmapped: "", 1: bob, 2: "", 3: ""} {
		if got, known := x.PersonOf(uid); known != (want != "") || known && got != want {
			t.Errorf("uid %d: %q, %t, want %q (N-98)", uid, got, known, want)
		}
	}
	check.NoError(t, x.Close())
	may("/t/b", "file already closed")
	check.That(t, !x.Current(0), "current after Close")
}

// TestClassesStayInOrder compares the merged list of classes with a sorted one, and checks that an earlier list stays.
func TestClassesStayInOrder(t *testing.T) {
	r, s := rand.New(rand.NewPCG(1, 43)), newState()
	for range 200 {
		id := string(rune('a'+r.IntN(26))) + string(rune('a'+r.IntN(26)))
		if s.classes[id] == nil {
			k := &kind{Class: Class{ID: id}}
			s.classes[id], s.added = k, append(s.added, k)
		}
		if r.IntN(3) > 0 {
			continue
		}
		before := s.ordered
		same := slices.Clone(before)
		got := s.inOrder()
		if !slices.IsSortedFunc(got, func(a, b *kind) int { return strings.Compare(a.ID, b.ID) }) ||
			len(got) != len(s.classes) || !slices.Equal(before, same) {
			t.Fatalf("%d of %d classes, or not in order, or the earlier list changed", len(got), len(s.classes))
		}
	}
}

// silent is a source that sends nothing until its context ends.
type silent struct{}

func (silent) Run(ctx context.Context, _ chan<- watch.Batch) error { <-ctx.Done(); return nil }

// TestDocumentsOfTreeWithoutHeartbeatAreUnknown checks that a run does not report a document as missing before the
// first walk of its tree (N-78).
func TestDocumentsOfTreeWithoutHeartbeatAreUnknown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "firm.json")
	check.NoError(t, os.WriteFile(file, []byte(`{"users":[{"name":"alice","sid":"`+alice+`"}]}`), 0o600))
	ctx, stop := context.WithCancel(t.Context())
	var x *Index
	queries, done := make(chan *Index, 1), make(chan error, 1)
	go func() {
		done <- Run(ctx, Config{Trees: []string{"/t/"}, Rights: "read", State: t.TempDir(),
			Roster: &Directory{File: file, Beat: time.Millisecond}, From: func(root string) watch.Source {
				check.Equal(t, root, "/t", "the tree of another source")
				return silent{}
			},
			Query: func(x *Index) (func(), error) { queries <- x; return func() {}, nil }})
	}()
	select {
	case x = <-queries:
	case err := <-done:
		t.Fatal(err)
	}
	check.Eventually(t, func() bool {
		list, err := x.Heartbeats()
		return err == nil && list[len(list)-1].Withheld == "" // the directory
	}, "the directory has no heartbeat")
	a := x.CanRead("/t/plan", "alice", "read")
	check.Equal(t, a.Because, "/t had no heartbeat within 10s", "N-78: a document of a tree that was not walked")
	stop()
	check.NoError(t, <-done)
}
