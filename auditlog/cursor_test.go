package auditlog

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/audit"
)

// TestCursorAfterEachRun: a run that ends leaves the cursor behind what the sink has, were it one record, and lets it
// alone where nothing came; sink and cursor are for their owner, and what a sink had stays (U-77).
func TestCursorAfterEachRun(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	for _, sink := range []string{"sink", "tcp", "file:a"} { // none of them a socket
		f := &Forwarder{Dir: log, Sink: filepath.Join(dir, sink), Cursor: filepath.Join(dir, sink+".cursor")}
		if err := os.WriteFile(f.Sink, []byte("before\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(log); err != nil {
			t.Fatal(err)
		}
		sent := 0
		for round, n := range []int{0, 0, 1, 0, 2, 3} {
			l := mustOpen(t, Config{Dir: log}) // a record
			mustWrite(t, l, n)
			if err := l.Close(); err != nil { // and another
				t.Fatal(err)
			}
			for range 2 { // the second one finds nothing
				if err := f.Run(t.Context(), false); err != nil {
					t.Fatal(err)
				}
				if f.out != nil {
					t.Errorf("%s: the sink is open after a run", sink)
				}
			}
			sent += n + 2
			if b, err := os.ReadFile(f.Cursor); err != nil || string(b) != strconv.Itoa(sent+1)+"\n" {
				t.Errorf("%s, round %d: the cursor is %q, want %d, %v", sink, round, b, sent+1, err)
			}
		}
		b, err := os.ReadFile(f.Sink)
		lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
		if err != nil || len(lines) != sent+1 || lines[0] != "before" {
			t.Errorf("%s: %d lines, want %d, %v", sink, len(lines), sent+1, err)
		}
		for i, line := range lines[1:] {
			if e, err := audit.ParseEvent([]byte(line)); err != nil || e.RecordID != uint64(i+1) {
				t.Errorf("%s: line %d has record %d, %v", sink, i+1, e.RecordID, err)
			}
		}
		if err := os.WriteFile(f.Cursor, []byte(" "+strconv.Itoa(sent+1)), 0o640); err != nil {
			t.Fatal(err)
		}
		if err := f.Run(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(f.Cursor); err != nil || string(b) != " "+strconv.Itoa(sent+1) {
			t.Errorf("%s: the cursor was written though nothing came: %q, %v", sink, b, err)
		}
		if err := os.Remove(f.Cursor); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(f.Sink); err != nil {
			t.Fatal(err)
		}
		if err := f.Run(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{f.Sink, f.Cursor} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", name, info, err)
			}
		}
		if _, err := os.Stat(f.Cursor + ".new"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a half cursor is left: %v", sink, err)
		}
	}
}

// sinkOf is a sink that a test reads.
type sinkOf struct{ bytes.Buffer }

// Close implements io.Closer.
func (*sinkOf) Close() error { return nil }

// TestCursorAfterSoMany: the cursor is written after a thousand records, or a second, when the sink has what was sent;
// where the sink does not say so it stays (U-77).
func TestCursorAfterSoMany(t *testing.T) {
	sink, dir := &sinkOf{}, t.TempDir()
	var taken []uint64
	var fails error
	f := &Forwarder{Cursor: filepath.Join(dir, "cursor"), out: sink, next: 1, saved: 1}
	f.taken = func() error { taken = append(taken, f.next); return fails }
	e := opened(t, audit.Failure, "report")
	send := func(first, last uint64) (failed []uint64) {
		for id := first; id <= last; id++ {
			e.RecordID, f.since = id, time.Now().Add(time.Hour) // the second is not over
			if _, err := f.line(nil, &e); err != nil {
				failed = append(failed, id)
			}
			if f.next != id+1 {
				t.Errorf("behind record %d: the next one is %d", id, f.next)
			}
		}
		return failed
	}
	cursor := func(want string) {
		t.Helper()
		if b, err := os.ReadFile(f.Cursor); string(b) != want || (err != nil) != (want == "") {
			t.Errorf("the cursor is %q, want %q, %v", b, want, err)
		}
	}
	send(1, 999)
	cursor("")
	send(1000, 1999)
	cursor("1001\n")
	send(2000, 2100)
	cursor("2001\n")
	if f.saved != 2001 || f.sent != 100 || !slices.Equal(taken, []uint64{1001, 2001}) {
		t.Errorf("saved %d, %d since, taken at %d", f.saved, f.sent, taken)
	}
	e.RecordID, f.since = 2101, time.Now().Add(-2*time.Second)
	if _, err := f.line(nil, &e); err != nil {
		t.Error(err)
	}
	cursor("2102\n")
	fails = errors.New("gone")
	if failed := send(2102, 3101); !slices.Equal(failed, []uint64{3101}) {
		t.Errorf("a sink that is gone fails at %d", failed)
	}
	cursor("2102\n")
	if got := strings.Count(sink.String(), "\n"); got != 3101 {
		t.Errorf("the sink has %d lines", got)
	}
}
