package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
)

// looked is an event source that loses events at some reads; each read takes an hour.
type looked struct {
	silent
	lost  map[int]bool // by the number of the read
	looks int
	clock *time.Duration
}

func (l *looked) read(*news) (bool, error) {
	l.looks++
	*l.clock += time.Hour
	return l.lost[l.looks], nil
}

// TestHeartbeatPrecedesTheRead checks that a heartbeat has the time before the read, also for walks. Lost events
// require a walk whatever is read afterwards, and so does a requested walk (N-7, N-8).
func TestHeartbeatPrecedesTheRead(t *testing.T) {
	begin := time.Unix(1_000_000, 0)
	for name, c := range map[string]struct {
		lost  map[int]bool
		again bool
		beat  bool
		after bool // events are lost after two reads
	}{
		"nothing is lost":      {nil, false, true, false},
		"the first look loses": {map[int]bool{1: true}, false, false, true},
		"a requested walk":     {nil, true, false, true},
	} {
		var passed time.Duration
		again, out := make(chan struct{}, 1), make(chan Batch, 4)
		if c.again {
			again <- struct{}{}
		}
		clock := func() Heartbeat { return Heartbeat{Time: begin.Add(passed)} }
		w := &watch{Watcher: &Watcher{Root: t.TempDir(), Again: again, Clock: clock},
			ctx: t.Context(), out: out, changes: &looked{lost: c.lost, clock: &passed}, pending: newNews(),
			links: newLinkTable()}
		check.NoError(t, w.poll())
		select {
		case b := <-out:
			check.That(t, c.beat && b.Heartbeat.Time.Equal(begin),
				"N-7: %s: a heartbeat of %v, want one of %v", name, b.Heartbeat.Time, begin)
		default:
			check.That(t, !c.beat, "N-7: %s: no heartbeat", name)
		}
		if err := w.drain(); err != nil || w.lost != c.after {
			t.Errorf("N-8: %s: after another look lost is %v, %v, want %v, nil", name, w.lost, err, c.after)
		}
	}
	var passed time.Duration
	out := make(chan Batch, 4)
	w := &watch{Watcher: &Watcher{Root: t.TempDir(), NoEvents: true, Clock: func() Heartbeat {
		return Heartbeat{Time: begin.Add(passed)}
	}}, ctx: t.Context(), out: out, changes: &looked{clock: &passed}, pending: newNews(), links: newLinkTable()}
	if err := w.walk(); err != nil || passed == 0 {
		t.Fatal(err, passed)
	}
	for b := range out {
		if b.End {
			check.That(t, b.Heartbeat.Time.Equal(begin),
				"N-7: a walk vouches for %v, want its beginning %v", b.Heartbeat.Time, begin)
			break
		}
	}
}

// TestEventLostInWalkNeedsAnotherWalk checks that events lost during a walk lead to another walk before the next
// heartbeat (N-8).
func TestEventLostInWalkNeedsAnotherWalk(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var passed time.Duration
	out := make(chan Batch)
	w := &watch{Watcher: &Watcher{Root: t.TempDir(), Beat: time.Millisecond, Clock: Now}, ctx: ctx, out: out,
		changes: &looked{lost: map[int]bool{1: true}, clock: &passed}, pending: newNews(), links: newLinkTable()}
	done := make(chan error, 1)
	go func() { done <- w.run() }()
	walks := 0
	for b := range out {
		if b.Begin {
			walks++
		}
		if !b.Heartbeat.Time.IsZero() {
			break
		}
	}
	stop()
	if <-done; walks != 2 {
		t.Errorf("N-8: a heartbeat after %d walks, want 2", walks)
	}
}

// lossy is an event source whose first read loses events.
type lossy struct {
	silent
	looks int
}

func (l *lossy) read(*news) (bool, error) {
	l.looks++
	return l.looks == 3, nil
}

// TestLostEventsStopHeartbeats checks that after lost events no heartbeat is sent before another walk has ended
// (N-8).
func TestLostEventsStopHeartbeats(t *testing.T) {
	root := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	out := make(chan Batch)
	w := &watch{Watcher: &Watcher{Root: root, Beat: time.Millisecond}, ctx: ctx, out: out, changes: &lossy{},
		pending: newNews(), links: newLinkTable()}
	done := make(chan error, 1)
	go func() { done <- w.run() }()
	seen := ""
	for walks := 0; walks < 2; {
		switch b := <-out; {
		case b.Begin:
			seen += "("
		case b.End:
			seen += ")"
			walks++
		case !b.Heartbeat.Time.IsZero():
			seen += "."
		default:
			seen += "x"
		}
	}
	stop()
	if <-done; seen != "(x).(x)" {
		t.Errorf("sequence %s, want a walk, one heartbeat, and after lost events a walk before the next heartbeat",
			seen)
	}
}

// TestUnnameableChangesAreReportedOnce checks that a heartbeat has the changes without a name since the last one.
func TestUnnameableChangesAreReportedOnce(t *testing.T) {
	out := make(chan Batch, 1)
	w := &watch{Watcher: &Watcher{Root: t.TempDir(), Beat: 1}, ctx: t.Context(), out: out, changes: silent{},
		pending: newNews(), links: newLinkTable()}
	for i, c := range []struct{ more, want int }{{2, 2}, {0, 0}, {3, 3}} {
		w.pending.unnameable += c.more
		check.NoError(t, w.poll())
		check.Equal(t, (<-out).Unnameable, c.want, "heartbeat %d: unnameable", i)
	}
}

// TestInodeChangesNamesOfThePreviousWalk checks that a changed inode marks the names of the last walk while another is
// under way (N-88). A walk measures by how much the kernel's path of the root is longer (N-89).
func TestInodeChangesNamesOfThePreviousWalk(t *testing.T) {
	w := &watch{ctx: t.Context(), changes: silent{}, pending: newNews(), links: newLinkTable(), before: newLinkTable()}
	w.before.add(7, "/t/before")
	w.links.add(7, "/t/now")
	w.pending.inodes[7] = struct{}{}
	check.NoError(t, w.drain())
	_, before := w.pending.paths["/t/before"]
	_, now := w.pending.paths["/t/now"]
	check.That(t, before && now && len(w.pending.inodes) == 0, "marked %v, want both names", w.pending.paths)
	// The root is a link to a longer path.
	target := check.Must(filepath.EvalSymlinks(t.TempDir())) + "/target"
	root := filepath.Join(t.TempDir(), "t")
	check.NoError(t, errors.Join(os.Mkdir(target, 0o700), os.Symlink(target, root)))
	w = &watch{Watcher: &Watcher{Root: root}, ctx: t.Context(), out: make(chan Batch, 4), changes: inodeEvents{},
		pending: newNews(), links: newLinkTable()}
	w.links.add(7, "/t/before")
	check.NoError(t, w.walk())
	_, before = w.pending.paths["/t/before"]
	check.That(t, before && w.longer == len(target)-len(root), "a walk marks %v, and the kernel's paths are %d longer",
		w.pending.paths, w.longer)
}

// inodeEvents is an event source that reports a changed inode.
type inodeEvents struct{ silent }

func (inodeEvents) read(into *news) (bool, error) {
	into.inodes[7] = struct{}{}
	return false, nil
}

// failing is a source of one file, and of change events, that fails with err.
type failing struct {
	silent
	path string
	err  error
}

func (f *failing) Next(b *objects.Batch) error {
	path := f.path
	if f.path = ""; path == "" {
		return f.err
	}
	b.Add(objects.Object{Path: []byte(path)})
	return nil
}

func (f *failing) read(*news) (bool, error) { return false, f.err }

// TestFailedWalkSendsFilesFoundBefore checks that a walk that fails sends the files that it has found, and returns its
// error and that of the events.
func TestFailedWalkSendsFilesFoundBefore(t *testing.T) {
	out, broken, deaf := make(chan Batch, 1), errors.New("broken"), errors.New("deaf")
	w := &watch{Watcher: &Watcher{Root: "/t"}, ctx: t.Context(), out: out, changes: silent{}, pending: newNews(),
		links: newLinkTable()}
	check.ErrorIs(t, w.sendFiles(&failing{path: "/t/a", err: broken}), broken, "a walk")
	check.Equal(t, len(out), 1, "batches of a failed walk")
	w.changes = &failing{err: deaf}
	check.ErrorIs(t, w.sendFiles(&failing{path: "/t/a", err: io.EOF}), deaf, "a walk whose events cannot be read")
}

// deafOnce is an event source whose first read fails.
type deafOnce struct {
	silent
	err error
}

func (d *deafOnce) read(*news) (bool, error) {
	err := d.err
	d.err = nil
	return false, err
}

// TestWalkReportsFirstFailedRead checks that a walk returns an error of the events at a full batch, even if the next
// read succeeds. The batch was not sent, so a walk without an error would delete its documents.
func TestWalkReportsFirstFailedRead(t *testing.T) {
	out, deaf := make(chan Batch, 4), errors.New("deaf")
	w := &watch{Watcher: &Watcher{Root: "/t"}, ctx: t.Context(), out: out, changes: &deafOnce{err: deaf},
		pending: newNews(), links: newLinkTable()}
	left := pathsPerBatch + 1
	check.ErrorIs(t, w.sendFiles(sourceFunc(func(b *objects.Batch) error {
		if left--; left < 0 {
			return io.EOF
		}
		b.Add(objects.Object{Path: fmt.Appendf(nil, "/t/%d", left)})
		return nil
	})), deaf, "a walk of two batches")
	w.Root, w.changes = t.TempDir(), &deafOnce{err: deaf}
	check.ErrorIs(t, w.walk(), deaf, "a walk of one batch")
}

// sourceFunc is a source whose Next is the function.
type sourceFunc func(b *objects.Batch) error

func (f sourceFunc) Next(b *objects.Batch) error { return f(b) }

// TestHeartbeatFollowsChangesAtOnce checks that a heartbeat follows the documents of a change, even before its interval
// has passed.
func TestHeartbeatFollowsChangesAtOnce(t *testing.T) {
	root, out := t.TempDir(), make(chan Batch, 4)
	w := &watch{Watcher: &Watcher{Root: root, Beat: time.Hour}, ctx: t.Context(), out: out, changes: silent{},
		pending: newNews(), links: newLinkTable(), lastBeat: time.Now()}
	check.NoError(t, w.poll())
	check.Equal(t, len(out), 0, "batches without a change")
	w.pending.paths[root+"/none"] = struct{}{}
	check.NoError(t, w.poll())
	check.RequireThat(t, len(out) == 2, "%d batches after a change, want the document and a heartbeat", len(out))
	seen, beat := <-out, <-out
	check.That(t, len(seen.Seen) == 1 && seen.Seen[0].Gone && !beat.Heartbeat.Time.IsZero(), "%+v, then %+v", seen, beat)
}

// TestPathOfPathMaxIsUnreadable checks that a document is unreadable from PATH_MAX bytes on, counted as the kernel
// names it (N-89).
func TestPathOfPathMaxIsUnreadable(t *testing.T) {
	for _, c := range []struct {
		length, longer int
		err, want      error
	}{{maxPath - 1, 0, nil, nil}, {maxPath, 0, nil, errLong}, {maxPath - 8, 7, nil, nil}, {maxPath - 8, 8, nil, errLong},
		{maxPath, 0, fs.ErrNotExist, fs.ErrNotExist}} {
		w := &watch{longer: c.longer, links: newLinkTable()}
		got, ours := w.newSeen(&objects.Item{Path: strings.Repeat("x", c.length), Err: c.err})
		check.That(t, ours && got.Err == c.want,
			"N-89: %d bytes, %d more for the kernel: %v, want %v", c.length, c.longer, got.Err, c.want)
	}
}

// TestTreeIsWalkedAtEachInterval checks that walks follow each other at the interval, also if that of heartbeats is
// longer, and that a watcher that waits for the next walk ends with its context.
func TestTreeIsWalkedAtEachInterval(t *testing.T) {
	w := &Watcher{Root: t.TempDir(), Every: time.Minute, Beat: time.Hour, NoEvents: true}
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		out, ended := make(chan Batch), make(chan error)
		go func() { ended <- w.Run(ctx, out) }()
		begun := time.Now()
		for walks := 0; walks < 2; {
			if b := <-out; b.End {
				walks++
			}
		}
		check.Equal(t, time.Since(begun), time.Minute, "time until the end of the second walk")
		synctest.Wait()
		stop()
		check.NoError(t, <-ended)
	})
}

// TestMissingTreeIsNoEmptyTree checks that a watcher reports nothing about a tree that does not exist (N-141).
func TestMissingTreeIsNoEmptyTree(t *testing.T) {
	out := make(chan Batch, 8)
	ctx, stop := context.WithTimeout(t.Context(), time.Second) // ends a watcher that walks the tree
	defer stop()
	err := (&Watcher{Root: t.TempDir() + "/none", NoEvents: true}).Run(ctx, out)
	check.That(t, errors.Is(err, os.ErrNotExist) && len(out) == 0, "N-141: %v, %d batches", err, len(out))
	w := &watch{Watcher: &Watcher{Root: t.TempDir() + "/none"}, ctx: t.Context()}
	check.NoError(t, w.sendDescendants(w.Root+"/new"))
	check.That(t, w.lost, "N-141: no walk finds that the tree is missing")
}
