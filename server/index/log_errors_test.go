package index

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// scripted is a run of an index in three steps. The second revokes bob's and carol's right on /t/a; then the log is
// compacted.
type scripted struct {
	batches   [][]Event
	compacted []Event
	readers   map[uint64]string // of each document, by the number of the last event
}

func newScripted(t *testing.T) *scripted {
	t.Helper()
	w, s := firmWorker(t, ""), &scripted{readers: map[uint64]string{0: ""}}
	state := newState()
	for i, documents := range [][]watch.Seen{
		{{Path: "/t/a", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")}},
		{{Path: "/t/a", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;" + alice + ")")}, {Path: "/t/b"}},
		{{Path: "/t/b", Gone: true}}} {
		if i == 2 {
			var err error
			if s.compacted, err = w.Compact(false); err != nil {
				t.Fatal(err)
			}
		}
		report(t, w, documents...)
		events := slices.Clone(w.Take())
		s.batches = append(s.batches, events)
		for j := range events {
			check.NoError(t, state.Apply(&events[j]))
			s.readers[state.seq] = readersOf(state)
		}
	}
	return s
}

// readersOf returns the readers of each document of a state.
func readersOf(s *State) (all string) {
	for _, path := range slices.Sorted(maps.Keys(s.rows)) {
		all += fmt.Sprint(path, s.sids(s.sets(path)[0], nil), " ")
	}
	return all
}

// run writes the batches, each with a watermark, and compacts the log after the second. It
// continues after errors. kept is the last event of the last batch written without an error.
func (s *scripted) run(dir string, disk *inject.Injector) (kept uint64, failed error) {
	l, _, err := openLog(dir, disk.Do)
	if err != nil {
		return 0, err
	}
	for i, events := range s.batches {
		last := events[len(events)-1].Seq
		err := l.Write(events)
		if err == nil {
			kept = last
		}
		if i == 1 {
			err = errors.Join(err, l.replace(s.compacted))
		}
		failed = errors.Join(failed, err, l.SetWatermark(&Watermark{Index: "i", Seq: last,
			Sources: map[string]Moment{"/t": {}}}))
	}
	return kept, errors.Join(failed, l.Close())
}

// TestLogEveryOperationFails fails each disk operation in turn, with EIO and with a full disk, and
// checks that the caller gets the error. The next run has every event that was written without an
// error, no other numbers and no partial line, and no watermark covers a missing event (N-9, N-10,
// N-22).
func TestLogEveryOperationFails(t *testing.T) {
	s := newScripted(t)
	var whole inject.Injector
	check.NoError(t, check.Err(s.run(t.TempDir(), &whole)))
	if first := whole.Ops()[2]; !strings.HasPrefix(first, "syncdir ") {
		t.Errorf(`the third disk operation is %s, want text starting with "syncdir "`,
			first)
	}
	kinds := map[string]bool{}
	for i, op := range whole.Ops() {
		for _, fault := range []struct {
			stored int
			err    error
		}{{0, syscall.EIO}, {5, syscall.ENOSPC}, {1 << 20, syscall.EIO}} {
			dir := t.TempDir()
			var disk inject.Injector
			disk.Fail(inject.Short(fault.stored, fault.err), inject.OnIndex(i))
			kept, err := s.run(dir, &disk)
			what := fmt.Sprintf("%s fails with %v", op, fault)
			check.That(t, errors.Is(err, fault.err), "%s: the caller got %v, want %v", what, err, fault.err)
			l, state, err := OpenLog(dir)
			check.RequireThat(t, err == nil, "%s: %v", what, err)
			if got, is := readersOf(state), s.readers[state.seq]; state.seq < kept || got != is {
				t.Errorf("%s: %d events were kept; the next run has %d, with %q, want %q",
					what, kept, state.seq, got, is)
			}
			if f, err := readWatermark(dir); err != nil || f.Seq > state.seq {
				t.Errorf("N-9: %s: the watermark is %+v, %v, want one that covers at most the %d stored events", what,
					f, err, state.seq)
			}
			check.NoError(t, l.Close())
		}
		kind, _, _ := strings.Cut(op, " ")
		kinds[kind] = true
	}
	if want := "[create rename sync syncdir truncate write]"; fmt.Sprint(slices.Sorted(maps.Keys(kinds))) != want {
		t.Errorf("the operations are %v, want %s", slices.Sorted(maps.Keys(kinds)), want)
	}
}

// TestFailedLogStaysClosed checks that after one failed write or sync no event and no watermark is
// written, even if the disk works again (N-9).
func TestFailedLogStaysClosed(t *testing.T) {
	s := newScripted(t)
	for _, kind := range []string{"write", "sync"} {
		dir := t.TempDir()
		var disk inject.Injector
		l, _, err := openLog(dir, disk.Do)
		check.NoError(t, err)
		fence := &Watermark{Index: "i", Seq: 1, Sources: map[string]Moment{"/t": {Time: time.Unix(1, 0)}}}
		check.NoError(t, errors.Join(l.Write(s.batches[0]), l.SetWatermark(fence)))
		disk.Fail(syscall.EIO, inject.Kind(kind))
		check.ErrorIs(t, l.Write(s.batches[1]), syscall.EIO, "%s", kind)
		disk.Fail(nil)
		before := len(disk.Ops())
		fence.Sources["/t"] = Moment{Time: time.Unix(2, 0)}
		for what, err := range map[string]error{"write": l.Write(s.batches[1]), "fence": l.SetWatermark(fence),
			"compaction": l.replace(s.compacted)} {
			check.ErrorIs(t, err, syscall.EIO, "%s failed, then %s", kind, what)
		}
		if ops := disk.Ops()[before:]; len(ops) != 0 {
			t.Errorf("N-9: after the failed %s the log made the disk operations %v, want none", kind, ops)
		}
		if f, err := readWatermark(dir); err != nil || f.Sources["/t"].Time.Unix() != 1 {
			t.Errorf("N-9: %s: the watermark is %+v, %v, want the first one, with 1 s for /t, no error", kind, f, err)
		}
		check.NoError(t, l.Close())
	}
}

// TestFailedCompactionKeepsTheLog checks that a compaction that fails before the rename leaves the log, its lock and
// no second file (N-10, N-22).
func TestFailedCompactionKeepsTheLog(t *testing.T) {
	s := newScripted(t)
	for _, kind := range []string{"create", "write", "sync", "rename"} {
		dir := t.TempDir()
		var disk inject.Injector
		l, _, err := openLog(dir, disk.Do)
		if err == nil {
			err = errors.Join(l.Write(s.batches[0]), l.Write(s.batches[1]))
		}
		check.NoError(t, err)
		disk.Fail(inject.Short(9, syscall.ENOSPC), inject.Kind(kind))
		check.ErrorIs(t, l.replace(s.compacted), syscall.ENOSPC, "N-22: %s", kind)
		disk.Fail(nil)
		if _, _, err := OpenLog(dir); err == nil {
			t.Errorf("N-10: %s: two write", kind)
		}
		check.Equal(t, errors.Join(l.Write(s.batches[2]), l.Close()), nil, "%s", kind)
		again, state, err := OpenLog(dir)
		check.NoError(t, err)
		if got := readersOf(state); got != s.readers[state.seq] || len(s.readers) != int(state.seq)+1 {
			t.Errorf("N-22: %s: %q at %d", kind, got, state.seq)
		}
		check.NoError(t, again.Close())
		if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
			t.Errorf("N-22: %s: the folder has %v, %v, want 1 file, no error", kind, names, err)
		}
	}
}

// TestDamagedLogIsAnErrorForEveryReader checks that each program that reads a log refuses a damaged one. The error
// says which line is damaged, where it begins and what to do. No reader panics.
func TestDamagedLogIsAnErrorForEveryReader(t *testing.T) {
	const start = `{"seq":1,"time":1,"start":{"format":1,"index":"i","rights":["read"]}}`
	row := func(seq int) string {
		return fmt.Sprintf(`{"seq":%d,"time":1,"row":{"path":"/t/%[1]d","tree":"/t","classes":["a"`, seq)
	}
	class := start + "\n" + `{"seq":2,"time":1,"class":{"id":"a","version":"v","members":""}}` + "\n"
	for name, c := range map[string]struct{ intact, damaged string }{
		"a document is removed before the start": {"", `{"seq":1,"time":1,"gone":"/t/x"}`},
		"a row comes before the start":           {"", row(1) + `]}}`},
		"a row ends in its list":                 {class + row(3) + "]}}\n", row(4)},
		"a row has an error and classes":         {class, row(3) + `],"error":"e"}}`},
	} {
		dir := t.TempDir()
		at := filepath.Join(dir, eventsName)
		check.NoError(t, os.WriteFile(at, []byte(c.intact+c.damaged+"\n"), 0o600))
		for reader, read := range map[string]func() error{
			"OpenLog": func() error { _, _, err := OpenLog(dir); return err },
			"CanRead": func() error {
				x, err := Open(dir, time.Minute)
				if err != nil {
					return err
				}
				return errors.Join(errors.New(x.CanRead("/t/3", alice, "").Because), x.Close())
			},
			"NewView": func() error { _, err := NewView(dir); return err },
			"NewBulk": func() error { _, err := NewBulk(filepath.Join(t.TempDir(), "bulk"), "i", dir, BulkSIDs); return err },
			"Changes": func() error { return Changes(dir, 0, func(Change) error { return nil }) },
		} {
			err := read()
			for _, want := range []string{at + ": ", fmt.Sprintf("at byte %d: ", len(c.intact)), "delete the folder"} {
				check.That(t, err != nil && strings.Contains(err.Error(), want),
					"%s: %s returned %v, want an error with %q", name, reader, err, want)
			}
		}
	}
}
