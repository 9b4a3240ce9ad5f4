package index

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// TestLogCompactsWhenHalfIsObsolete checks both sides of each condition for compaction: the minimum size, four times
// the size after the last one, and half of the lines obsolete (N-22).
func TestLogCompactsWhenHalfIsObsolete(t *testing.T) {
	w := firmWorker(t, TraverseAlways)
	report(t, w, folder("/t/d", "(A;;FA;;;WD)"),
		watch.Seen{Path: "/t/d/f", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")},
		watch.Seen{Path: "/t/g", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;" + alice + ")")})
	report(t, w, watch.Seen{Path: "/t/g", Gone: true})
	// The start, three people, two rows, and the classes of the folder and the file. With all: also
	// the folder's class for traverse rights and the class of the deleted document.
	const some, every = 1 + 3 + 2 + 2, 1 + 3 + 2 + 4
	check.Require(t, [2]int{w.state.live(false), w.state.live(true)}, [2]int{some, every}, "events amount to the state")
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
		check.Equal(t, c.z.Large(c.most, w, c.all), c.want, "N-22: %+v of %d, all %t", c.z, c.most, c.all)
	}
	crowded := &Worker{state: newState(), compacted: 2} // ten new classes, ten bytes of members each
	crowded.state.people = make([]PersonEvent, 80)
	for n := range 12 {
		crowded.state.classes[fmt.Sprint(n)] = &kind{}
	}
	for _, c := range []struct {
		bytes, most, kept int64
		want              bool
	}{{0, 100, 100, true}, {0, 101, 0, false}, {0, 100, 101, false}, {408, 102, 102, true}, {407, 102, 102, false},
		{102, 102, 0, true}, {64 << 20, 0, 0, true}, {64<<20 - 1, 0, 0, false}} {
		check.Equal(t, Size{Bytes: c.bytes}.Grown(c.most, c.kept, crowded), c.want, "N-148: %+v", c)
	}
	w.Take()
	before := w.state.seq
	list, err := w.Compact(false)
	if err != nil || len(list) != 1+3+3+2+1 || list[0].Start.Until != before || list[len(list)-1].Seq != before {
		t.Errorf("N-22: %d events, the last is %d of %d, %v", len(list), list[len(list)-1].Seq, before, err)
	}
	consistent(t, "put together", w.state)
	d := sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")
	report(t, w, watch.Seen{Path: "/t/x/a", Descriptor: d}, watch.Seen{Path: "/t/x/a", Err: errors.New("unreadable")})
	w.Take()
	check.NoError(t, check.Err(w.Compact(false))) // no row names the class of the unknown folder /t/x any more
	report(t, w, watch.Seen{Path: "/t/x/b", Descriptor: d})
	consistent(t, "after another compaction", w.state)
}

// TestReopenedLogHasItsEvents checks that a reopened log has its events and size, and only one writer. Closing it
// releases the lock (N-10).
func TestReopenedLogHasItsEvents(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "state")
	w := firmWorker(t, "")
	report(t, w, watch.Seen{Path: "/t/a", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")}, watch.Seen{Path: "/t/b"})
	events := w.Take()
	l, s, err := OpenLog(dir)
	check.RequireThat(t, err == nil && s.seq == 0, "%v", err)
	if _, _, err := OpenLog(dir); err == nil {
		t.Error("N-10: two write")
	}
	check.NoError(t, errors.Join(l.Write(events[:3]), l.Write(events[3:])))
	info, err := os.Stat(filepath.Join(dir, eventsName))
	if err != nil || l.size != (Size{info.Size(), 0, len(events)}) || info.Mode().Perm() != 0o600 {
		t.Errorf("%+v, %v %v", l.size, info.Size(), err)
	}
	for _, name := range []string{dir, filepath.Dir(dir)} { // it contains the access data
		if made, err := os.Stat(name); err != nil || made.Mode().Perm() != 0o700 {
			t.Errorf("the new folder %s: %v, %v, want mode 0700, no error", name, made, err)
		}
	}
	f := &Watermark{Index: "i", Seq: 7, Boot: "b", Sources: map[string]Moment{"/t": {time.Unix(5, 6).UTC(), 8}},
		Unnamed: 9}
	check.NoError(t, errors.Join(l.SetWatermark(f), l.Close()))
	if got, err := readWatermark(dir); err != nil || !reflect.DeepEqual(got, f) {
		t.Errorf("%+v, %v, want %+v, nil", got, err, f)
	}
	again, s, err := OpenLog(dir)
	check.NoError(t, err)
	compareStates(t, "opened again", s, w.state)
	check.That(t, again.size == (Size{info.Size(), 0, len(events)}), "%+v", again.size)
	list, err := w.Compact(false)
	if err == nil {
		err = again.replace(list)
	}
	check.That(t, err == nil && again.size.Least == again.size.Bytes && again.size.Lines == len(list),
		"the compacted log is %+v, %v, want Least as large as Bytes, %d lines, no error", again.size, err, len(list))
	if _, _, err := OpenLog(dir); err == nil {
		t.Error("N-10: a second OpenLog of a compacted log succeeds, want an error")
	}
	check.NoError(t, errors.Join(again.Write([]Event{{Seq: w.state.seq + 1, Gone: "/t/b"}}), again.Close()))
	last, s, err := OpenLog(dir)
	if err != nil || s.seq != w.state.seq+1 || s.rows["/t/b"] != nil || s.rows["/t/a"] == nil || last.Close() != nil {
		t.Errorf("%v", err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 2 {
		t.Errorf("the folder has %v, want 2 files", names)
	}
}

// TestLogBeforeItsWatermarkIsRefused checks that a log which lost events that its watermark covers does not open. The
// watermark of another index, and a malformed one, do not count (N-138, N-134).
func TestLogBeforeItsWatermarkIsRefused(t *testing.T) {
	dir := t.TempDir()
	w := firmWorker(t, "")
	report(t, w, watch.Seen{Path: "/t/a", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")}, watch.Seen{Path: "/t/b"})
	events := w.Take()
	l, _, err := OpenLog(dir)
	check.NoError(t, err)
	last := events[len(events)-1].Seq
	covered := &Watermark{Index: w.state.start.Index, Seq: last}
	check.NoError(t, errors.Join(l.Write(events), l.SetWatermark(covered), l.Close()))
	name := filepath.Join(dir, eventsName)
	whole := check.Must(os.ReadFile(name))
	cut := whole[:bytes.LastIndexByte(bytes.TrimSuffix(whole, []byte("\n")), '\n')+1]
	opens := func(what string, content []byte, want bool) {
		t.Helper()
		check.NoError(t, os.WriteFile(name, content, 0o600))
		l, _, err := OpenLog(dir)
		check.That(t, (err == nil) == want, "%s: %v, want an error: %t", what, err, !want)
		if err == nil {
			check.NoError(t, l.Close())
		}
	}
	opens("the whole log", whole, true)
	opens("a log without its last event", cut, false)
	opens("a log with half of its last event", whole[:len(whole)-2], false)
	opens("an empty log of another index", nil, true)
	var other []byte
	for _, e := range firmWorker(t, "").Take() {
		other = check.Must(e.append(other))
	}
	opens("a shorter log of another index", other, true)
	check.NoError(t, os.WriteFile(filepath.Join(dir, watermarkName), []byte("{"), 0o600))
	opens("a log with a malformed watermark", cut, true)
}

// TestCompactionKeepsTimes checks the time and order of each event of a snapshot: the start,
// people and classes have the start's time, each row its own. It holds for a worker of rows, too
// (N-22).
func TestCompactionKeepsTimes(t *testing.T) {
	w := firmWorker(t, "")
	began := w.state.began
	for i, name := range []string{"/t/b", "/t/a"} {
		err := w.Batch(&watch.Batch{Tree: "/t", Heartbeat: watch.Heartbeat{Time: time.Unix(int64(100+i), 0)},
			Seen: []watch.Seen{
				{Path: name, Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")}}})
		check.NoError(t, err)
	}
	w.Take()
	last := w.state.seq
	list := check.Must(w.Compact(false))
	var said []string
	for i, e := range list {
		want, kind := began, "start"
		switch {
		case e.Person != nil:
			kind = e.Person.Name
		case e.Class != nil:
			kind = "class"
		case e.Row != nil:
			kind, want = e.Row.Path, map[string]int64{"/t/b": 100e9, "/t/a": 101e9}[e.Row.Path]
		case e.Directory != "":
			kind = e.Directory
		}
		said = append(said, kind)
		check.That(t, e.Time == want && e.Seq == last-uint64(len(list)-1-i),
			"N-22: %s is event %d of %d, want %d of %d", kind, e.Seq, e.Time, last-uint64(len(list)-1-i), want)
	}
	check.Equal(t, strings.Join(said, " "), "start alice bob carol class /t/a /t/b v1", "N-22")
	dir := t.TempDir()
	log, _, err := OpenLog(dir)
	if err == nil {
		err = errors.Join(log.Write(list), log.Close())
	}
	check.NoError(t, err)
	for after, wantErr := range map[uint64]error{0: nil, 1: ErrTooOld, last - 1: ErrTooOld, last: nil} {
		n := 0
		err := Changes(dir, after, func(c Change) error {
			if n++; c.Seq != last {
				t.Errorf("N-22: %+v: want the compaction's number %d", c, last)
			}
			return nil
		})
		check.That(t, errors.Is(err, wantErr) && (wantErr != nil || (n == 2) == (after == 0)),
			"N-22: after %d of %d: %d changes, %v", after, last, n, err)
	}
	none := func(c Change) error { return fmt.Errorf("unexpected %+v", c) }
	for what, err := range map[string]error{"Changes": Changes(dir, last+1, none),
		"Follow": Follow(t.Context(), dir, last+1, none)} {
		check.That(t, err != nil && strings.Contains(err.Error(), "is from another log"),
			"N-22: %s after a number beyond the log's end: %v, want an error that says so", what, err)
	}
	rows := check.Must((Question{Rights: w.rights}).Rows(nil))
	if list, err := rows.Compact(true); err != nil || len(list) != 1 || list[0].Start == nil {
		t.Errorf("N-22: Compact of a worker without members = %+v, %v, want one start event", list, err)
	}
	undecided := check.Must((Question{Rights: w.rights}).Worker(nil))
	if list, err := undecided.Compact(true); err != nil || list != nil {
		t.Errorf("N-22: Compact before any decision = %+v, %v, want nil, nil", list, err)
	}
}

// TestHeartbeatExpiresByClockAndUptime checks that a heartbeat's age is measured by the clock and by uptime, also one
// of another machine, and that a missing source is not fresh. After a restart of this machine it no longer counts,
// whatever the clock says (N-9, N-81, N-82).
func TestHeartbeatExpiresByClockAndUptime(t *testing.T) {
	base := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	const limit = 10 * time.Second
	f := Watermark{Boot: "this", Sources: map[string]Moment{"known": {base, time.Hour}, "wall": {Time: base}}}
	for _, c := range []struct {
		source, boot string
		wall, up     time.Duration // since then
		fresh        bool
	}{
		{"known", "this", 0, 0, true},
		{"known", "this", 10 * time.Second, 10 * time.Second, true},
		{"known", "this", 10*time.Second + 1, 10 * time.Second, false},
		{"known", "this", -time.Second, 0, true},
		{"known", "this", time.Second, 10*time.Second + 1, false}, // the clock was set back
		{"known", "this", -time.Hour, time.Minute, false},
		{"known", "this", -time.Second - 1, time.Second, false},
		{"known", "this", time.Second, -time.Second, false},
		{"known", "next", time.Second, time.Second, false}, // a start, with a clock that was set back
		{"wall", "next", time.Second, time.Second, false},
		{"wall", "this", time.Second, time.Hour, true}, // a system without uptime
		{"known", "", time.Second, time.Hour, true},
		{"other", "this", time.Second, time.Second, false},
	} {
		present := watch.Heartbeat{Time: base.Add(c.wall), Up: time.Hour + c.up}
		check.Equal(t, f.fresh(c.source, limit, c.boot, present), c.fresh, "%+v", c)
	}
	check.Equal(t, (&Watermark{}).fresh("", time.Hour, "", watch.Heartbeat{}), false, "an empty watermark")
}

// TestReleasedIndexesOpen opens the indexes that released versions wrote. Another format is an error that names the
// file, the format and the remedy, also if it has fields that this release does not know.
func TestReleasedIndexesOpen(t *testing.T) {
	dirs, err := filepath.Glob("../../testdata/formats/*/index")
	check.RequireThat(t, err == nil && len(dirs) != 0, "%v %v", dirs, err)
	for _, from := range dirs {
		dir := filepath.Join(t.TempDir(), "index")
		check.NoError(t, os.CopyFS(dir, os.DirFS(from)))
		l, s, err := OpenLog(dir)
		if err != nil {
			t.Errorf("%s: %v", from, err)
			continue
		}
		f, err := readWatermark(dir)
		if err != nil || f.Seq != 7 || len(f.Sources) != 1 || len(s.people) != 3 || len(s.rows) != 3 ||
			s.start.Format != 1 {
			t.Errorf("%s: %d people, %d rows, %+v, %v, want 3, 3", from, len(s.people), len(s.rows), f, err)
		}
		check.NoError(t, l.Close())
		name := filepath.Join(dir, eventsName)
		b, err := os.ReadFile(name)
		check.NoError(t, err)
		for format, more := range map[int]string{0: "", 2: `,"shards":[1]`} {
			other := strings.Replace(string(b), `"format":1`, fmt.Sprint(`"format":`, format, more), 1)
			check.NoError(t, os.WriteFile(name, []byte(other), 0o600))
			_, _, err = OpenLog(dir)
			want := fmt.Sprintf("format %d, this program knows 1: use the release that wrote it", format)
			check.That(t, err != nil && strings.Contains(err.Error(), name) && strings.Contains(err.Error(), want),
				"an index of another release: %v, want %q", err, want)
		}
	}
}
