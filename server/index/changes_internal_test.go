package index

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// writeDocument writes the events of a worker that has just seen a document, which all people may read.
func writeDocument(t *testing.T, l *Log, w *Worker, path string) {
	t.Helper()
	d := sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")
	report(t, w, watch.Seen{Path: path, Descriptor: d})
	check.NoError(t, l.Write(w.Take()))
}

// following runs Follow on a folder. It returns the names of changed documents, and the result of Follow.
func following(t *testing.T, dir string) (changed <-chan string, ended <-chan error) {
	t.Helper()
	names, done := make(chan string, 16), make(chan error, 1)
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
	t.Cleanup(stop)
	go func() {
		done <- Follow(ctx, dir, 0, func(c Change) error { names <- c.Document; return nil })
		close(names)
	}()
	return names, done
}

// TestFollowerOfDeletedLogStartsOver checks that a follower gets an error, not silence, if somebody deletes the log and
// a run rebuilds the index, whose events have small numbers again (N-22).
func TestFollowerOfDeletedLogStartsOver(t *testing.T) {
	dir := t.TempDir()
	l, _, err := OpenLog(dir)
	check.NoError(t, err)
	writeDocument(t, l, firmWorker(t, ""), "/t/a")
	changed, ended := following(t, dir)
	check.Equal(t, <-changed, "/t/a", "a changed document")
	check.NoError(t, errors.Join(l.Close(), os.Remove(filepath.Join(dir, eventsName))))
	l, _, err = OpenLog(dir)
	check.NoError(t, err)
	writeDocument(t, l, firmWorker(t, ""), "/t/b")
	check.ErrorIs(t, <-ended, ErrTooOld, "the follower of a deleted log")
	check.NoError(t, l.Close())
}

// TestFollowerRejectsForeignNumberAcrossCompaction checks that a follower with a number that the log has not reached
// gets an error, not silence, also if a compaction replaces the log just after it was opened (N-22).
func TestFollowerRejectsForeignNumberAcrossCompaction(t *testing.T) {
	dir := t.TempDir()
	l, _, err := OpenLog(dir)
	check.NoError(t, err)
	follow := func(f func(context.Context) error) error {
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		defer stop()
		return f(ctx)
	}
	err = follow(func(ctx context.Context) error { return Follow(ctx, dir, 7, nil) })
	check.That(t, err != nil && strings.Contains(err.Error(), "number 7 is from another log"),
		"N-22: the follower of an empty log: %v, want that the number is from another log", err)
	w := firmWorker(t, "")
	writeDocument(t, l, w, "/t/a")
	opened, err := tailOf(dir, 1000)
	check.NoError(t, err)
	events, err := w.Compact(false)
	check.NoError(t, errors.Join(err, l.replace(events)))
	err = follow(func(ctx context.Context) error {
		return opened.follow(ctx, dir, func(c Change) error { return errors.New(c.Document) })
	})
	check.That(t, err != nil && strings.Contains(err.Error(), "number 1000 is from another log"),
		"N-22: the follower: %v, want that the number is from another log", err)
	opened, err = tailOf(dir, w.state.seq+1) // only the log that replaces this one reaches the number
	check.NoError(t, err)
	events, err = w.Compact(false)
	check.NoError(t, errors.Join(err, l.replace(events)))
	writeDocument(t, l, w, "/t/b")
	ended, end := context.WithCancel(t.Context())
	end()
	check.NoError(t, errors.Join(opened.follow(ended, dir, nil), l.Close()))
}

// TestReadersContinueAfterTornLine checks that readers that have read half a line continue when the next run has cut it
// off and has written other lines.
func TestReadersContinueAfterTornLine(t *testing.T) {
	dir := t.TempDir()
	l, _, err := OpenLog(dir)
	check.NoError(t, err)
	w := firmWorker(t, "")
	writeDocument(t, l, w, "/t/a")
	check.NoError(t, l.SetWatermark(&Watermark{Index: w.state.start.Index, Seq: w.state.seq}))
	_, err = l.file.Write([]byte(`{"seq":9,"time":1,"row":{"path":"/t/torn`)) // the disk is full
	check.NoError(t, err)
	changed, ended := following(t, dir)
	x, err := Open(dir, time.Hour)
	check.NoError(t, err)
	check.Equal(t, x.CanRead("/t/a", "alice", "").Seq, w.state.seq, "events that were read")
	check.Equal(t, <-changed, "/t/a", "a changed document")
	check.NoError(t, l.Close())
	l, _, err = OpenLog(dir)
	check.NoError(t, err)
	writeDocument(t, l, w, "/t/b")
	if got := <-changed; got != "/t/b" {
		t.Errorf("the follower: %q, %v", got, <-ended)
	}
	check.NoError(t, l.SetWatermark(&Watermark{Index: w.state.start.Index, Seq: w.state.seq}))
	a := x.CanRead("/t/b", "alice", "")
	check.Equal(t, a.Seq, w.state.seq, "events that were read")
	file := check.Must(os.Open(filepath.Join(dir, eventsName)))
	in := bufio.NewReader(file)
	line := check.Must(in.ReadString('\n'))
	check.NoError(t, readFrom(in, file, 0, len(line))) // the reader has the lines after it, too
	check.Equal(t, check.Must(in.ReadString('\n')), line, "the line that is read again")
	tail := check.Must(tailOf(dir, w.state.seq))
	for _, path := range []string{"/t/c", "/t/d"} {
		tail.in = bufio.NewReader(strings.NewReader("half of a line\n")) // read before the next run cut it off
		check.NoError(t, tail.read(func(Change) error { return nil }))
		writeDocument(t, l, w, path)
	}
	check.NoError(t, errors.Join(l.Close(), x.Close(), file.Close(), tail.file.Close()))
}

// TestIndexAnswersAfterLogCouldNotBeOpened checks that an index whose compacted log could not be opened for a moment,
// such as for lack of descriptors, answers again.
func TestIndexAnswersAfterLogCouldNotBeOpened(t *testing.T) {
	dir := t.TempDir()
	l, _, err := OpenLog(dir)
	check.NoError(t, err)
	w := firmWorker(t, "")
	writeDocument(t, l, w, "/t/a")
	check.NoError(t, l.SetWatermark(&Watermark{Index: w.state.start.Index, Seq: w.state.seq}))
	x, err := Open(dir, time.Hour)
	check.NoError(t, err)
	name := filepath.Join(dir, eventsName)
	check.NoError(t, os.Rename(name, name+".old"))
	check.Equal(t, x.CanRead("/t/a", "alice", "").Seq, w.state.seq, "events that were read from the log without a name")
	check.NoError(t, os.Symlink(eventsName, name)) // leads to itself
	if a := x.CanRead("/t/a", "alice", ""); a.Seq != 0 {
		t.Errorf("%+v: want an error", a)
	}
	check.NoError(t, os.Rename(name+".old", name))
	check.Equal(t, x.CanRead("/t/a", "alice", "").Seq, w.state.seq, "events that were read")
	check.NoError(t, errors.Join(l.Close(), x.Close()))
}
