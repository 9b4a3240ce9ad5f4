package index

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// TestCostPerClassStaysBounded gives each of up to 40,000 documents a descriptor of its own, as a user can.
// Everybody's groups then change. No sink and no reader takes more than a few times the processor time of the first
// load, and a class takes a bounded amount of memory. The filter has all classes, also after a compaction.
func TestCostPerClassStaysBounded(t *testing.T) {
	n := randtest.Count(t, "REFMON_CLASSES", 40_000)
	dir := t.TempDir()
	log, _, err := OpenLog(dir)
	check.NoError(t, err)
	t.Cleanup(func() { _ = log.Close() })
	var sinks []Sink
	for _, form := range BulkForms() {
		b := check.Must(NewBulk(filepath.Join(t.TempDir(), string(form)), "docs", dir, form))
		t.Cleanup(func() { _ = b.Close() })
		sinks = append(sinks, b)
	}
	took := map[string]time.Duration{}
	timed := func(what string, do func() error) {
		t.Helper()
		before := processorTime(t)
		check.Require(t, do(), nil, "%s", what)
		took[what] = processorTime(t) - before
	}
	w := firmWorker(t, "")
	flush := func(to ...Sink) error {
		events, err := w.Take(), error(nil)
		for _, s := range append([]Sink{log}, to...) {
			err = errors.Join(err, s.Write(events))
		}
		return err
	}
	before := heap()
	timed("load", func() error { loadClasses(t, w, n); return flush() })
	if each := (heap() - before) / uint64(n); each > 8<<10 {
		t.Errorf("a class with a document takes %d bytes of memory, want at most 8 KiB", each)
	}
	for _, s := range sinks {
		check.NoError(t, s.(*Bulk).reread(dir))
	}
	var events []Event
	timed("groups", func() error {
		err := w.Directory(firm(t, func(string) string { return "Night" }), "v2", 2)
		events = w.Take()
		return err
	})
	timed("log", func() error { return log.Write(events) })
	for _, s := range sinks {
		timed("bulk "+string(s.(*Bulk).form), func() error { return s.Write(events) })
	}
	timed("compaction", func() error {
		list, err := w.Compact(false)
		return errors.Join(err, log.replace(list))
	})
	now := Moment(watch.Now())
	check.NoError(t, log.SetWatermark(&Watermark{Index: w.state.start.Index, Seq: w.state.seq,
		Sources: map[string]Moment{"/t": now, directorySource: now}}))
	x := check.Must(Open(dir, time.Hour))
	defer x.Close()
	timed("filter", func() error {
		numbers, err := x.Filter("alice", "read", FormNumbers)
		list, err2 := x.Filter("carol", "read", FormList)
		check.That(t, len(numbers.Numbers) == n && len(list.Classes) == n,
			"alice has %d classes, carol %d, want %d", len(numbers.Numbers), len(list.Classes), n)
		return errors.Join(err, err2)
	})
	timed("changes", func() error { return Changes(dir, 0, func(Change) error { return nil }) })
	for what, d := range took {
		check.That(t, d <= 10*took["load"],
			"%d classes: %s takes %v of processor time, and the load %v", n, what, d, took["load"])
	}
	t.Logf("%d classes: %v", n, took)
}

// TestSinksForgetClassesThatLogForgets changes the descriptors of a few documents again and again, as a user can. After
// each compaction a sink knows the same classes as the run, so that its memory stays bounded (N-22). Its lines and
// members equal those of a sink that forgets nothing.
func TestSinksForgetClassesThatLogForgets(t *testing.T) {
	r, dir := rand.New(rand.NewPCG(randtest.Seed(t), 22)), t.TempDir()
	w := firmWorker(t, TraverseAlways)
	newBulk := func(name string, form BulkForm) *Bulk {
		b := check.Must(NewBulk(filepath.Join(dir, name+string(form)), "docs", t.TempDir(), form))
		t.Cleanup(func() { _ = b.Close() })
		return b
	}
	var forgets, keeps []*Bulk
	for _, form := range BulkForms() {
		forgets, keeps = append(forgets, newBulk("a", form)), append(keeps, newBulk("b", form))
	}
	view := EmptyView()
	who := []string{alice, bob, carol, staff, night, "WD"}
	for i := range 400 {
		path := fmt.Sprint("/t/", r.IntN(3))
		s := watch.Seen{Path: path, Folder: true, Gone: r.IntN(9) == 0, Descriptor: sddl.MustParse(fmt.Sprintf(
			"O:SYG:SYD:(A;;FA;;;%s)(A;;FA;;;S-1-5-21-7-7-7-%d)", who[r.IntN(len(who))], r.IntN(40)))}
		if r.IntN(2) == 0 {
			s.Path, s.Folder = path+"/f", false
		}
		report(t, w, s)
		if r.IntN(20) == 0 {
			check.NoError(t, w.Directory(firm(t, func(string) string { return []string{"Staff", "Night"}[r.IntN(2)] }),
				fmt.Sprint("v", i), int64(i)))
		}
		events := w.Take()
		for j := range forgets {
			check.NoError(t, errors.Join(forgets[j].Write(events), keeps[j].Write(events)))
		}
		for j := range events {
			check.NoError(t, check.Err(view.Apply(&events[j])))
		}
		if r.IntN(10) > 0 {
			continue
		}
		check.NoError(t, check.Err(w.Compact(false)))
		view.Compacted()
		for j, b := range forgets {
			check.NoError(t, b.Compacted())
			for _, s := range []*State{b.state, view.state} {
				check.That(t, len(s.classes) == len(w.state.classes) && len(s.inOrder()) == len(s.classes),
					"N-22: a sink knows %d classes, the run %d", len(s.classes), len(w.state.classes))
				for id, k := range w.state.classes {
					check.That(t, s.classes[id] != nil && s.classes[id].number == k.number && s.classes[id].rows == k.rows &&
						ranges(s.classes[id].members) == ranges(k.members), "class %s: %+v, want %+v", id, s.classes[id], k)
				}
			}
			a, err := os.ReadFile(b.file.Name())
			a2, err2 := os.ReadFile(keeps[j].file.Name())
			check.That(t, err == nil && err2 == nil && bytes.Equal(a, a2), "%s: other lines after a compaction", b.form)
		}
	}
	kept := len(keeps[0].state.classes)
	check.That(t, kept > 4*len(forgets[0].state.classes), "a sink that forgets nothing has %d classes", kept)
}

// TestUnusedClassesAreDroppedBeforeLogIsLarge changes the descriptor of one document again and again. The log is
// compacted once the members of the classes take much memory, and again only after as many bytes as it then has (N-22).
func TestUnusedClassesAreDroppedBeforeLogIsLarge(t *testing.T) {
	const users, most = 1 << 13, 64 << 10 // a class of so many users takes 1 KiB
	text := "users:\n"
	for i := range users {
		text += fmt.Sprintf("- {name: u%d, sid: S-1-5-21-1-2-3-%d}\n", i, 10_000+i)
	}
	w := check.Must(Question{Rights: check.Must(words.Parse("read"))}.Worker(nil))
	check.NoError(t, w.Directory(check.Must(dirfile.Read([]byte(text))), "v1", 1))
	log, _, err := OpenLog(t.TempDir())
	check.NoError(t, err)
	t.Cleanup(func() { _ = log.Close() })
	for i := range 150 {
		reader := fmt.Sprintf("O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-%d)", 10_000+i)
		report(t, w, watch.Seen{Path: "/t/a", Descriptor: sddl.MustParse(reader)})
		check.NoError(t, log.Write(w.Take()))
		before := len(w.state.classes)
		check.NoError(t, log.compact(w, most, nil))
		left := len(w.state.classes)
		done := left < before
		check.That(t, done == (i == 63) && (!done || left == 1 && log.size.Bytes > most),
			"N-22: compacted %t after %d classes, %d remain", done, i+1, left)
	}
}

// TestLargeFoldersCountAsUnreadable checks that the definition of a class fits into a message of a cluster, whatever
// descriptors a user gives the folders on the way, and that nobody passes folders that are too large together (N-15).
func TestLargeFoldersCountAsUnreadable(t *testing.T) {
	w := firmWorker(t, TraverseAlways)
	list := strings.Repeat("(A;;FA;;;S-1-5-21-7-7-7-1000)", 1700)
	at, deepest := "/t", 0
	for i := range 14 {
		at += fmt.Sprint("/", i)
		report(t, w, watch.Seen{Path: at, Folder: true, Descriptor: sddl.MustParse(
			fmt.Sprintf("O:BAG:SYD:(A;;FA;;;WD)(A;;FA;;;S-1-5-21-7-7-7-%d)", 2000+i) + list)}, watch.Seen{Path: at + "/f",
			Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")})
		size := 0
		for _, e := range w.Definition(w.state.rows[at+"/f"].Classes[0]) {
			size += len(e.SD)
		}
		check.RequireThat(t, size <= maxAbove+1<<10, "depth %d: a definition of %d bytes", i, size)
		if len(readers(w, at+"/f")) > 0 {
			deepest = i
		}
	}
	// A descriptor has more than 80 KiB in base64.
	check.Equal(t, deepest, 11, "greatest depth that everybody reads")
}

// TestManyDifferentFoldersCountAsUnreadable checks that a class names at most 128 folders, and that nobody passes more
// (N-15). Folders of equal descriptors count once.
func TestManyDifferentFoldersCountAsUnreadable(t *testing.T) {
	w := firmWorker(t, TraverseAlways)
	at, most, deepest := "/t", 0, 0
	for i := range 140 {
		at += fmt.Sprint("/", i)
		d := sddl.MustParse(fmt.Sprintf("O:BAG:SYD:(A;;FA;;;WD)(A;;FA;;;S-1-5-21-7-7-7-%d)", max(2000+i, 2008)))
		report(t, w, watch.Seen{Path: at, Folder: true, Descriptor: d}, watch.Seen{Path: at + "/f", Descriptor: d})
		most = max(most, len(w.state.classes[w.state.rows[at+"/f"].Classes[0]].Through))
		if len(readers(w, at+"/f")) > 0 {
			deepest = i
		}
	}
	check.Equal(t, most, 128, "folders of a class")
	check.Equal(t, deepest, 135, "greatest depth that everybody reads")
}

// loadClasses reports n documents with different descriptors, which Night may read.
func loadClasses(t *testing.T, w *Worker, n int) {
	t.Helper()
	for i := 0; i < n; i += 1000 {
		var list []watch.Seen
		for j := i; j < min(i+1000, n); j++ {
			text := fmt.Sprintf("O:SYG:SYD:(D;;FR;;;%s)(A;;FR;;;%s)(A;;FR;;;S-1-5-21-7-7-7-%d)", staff, night, 1000+j)
			list = append(list, watch.Seen{Path: fmt.Sprintf("/t/f%d", j), Descriptor: sddl.MustParse(text)})
		}
		report(t, w, list...)
	}
}

// reread reads the log like a restarted run.
func (b *Bulk) reread(dir string) error {
	changed, err := b.replay(dir)
	return errors.Join(err, b.documents(changed))
}

// heap returns the bytes of live memory.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// processorTime returns the processor time that this process has used.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	check.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
