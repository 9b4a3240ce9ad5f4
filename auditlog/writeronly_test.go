//go:build unix

package auditlog

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
)

// bareWriter returns a writer of an empty segment that no goroutine runs, so that each step of it is
// the test's.
func bareWriter(t *testing.T, d *memDisk) *writer {
	t.Helper()
	cfg := testConfig(t, d)
	cfg.SegmentBytes, cfg.clock = defaultSegment, func() int64 { return 1 }
	f, err := d.Create("segment")
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{log: &Log{cfg: cfg}, seg: f, next: 1}
	w.notary.every = 1 << 40
	return w
}

// A batch is synced once, however many records it has, if one of them waits for the disk, or if
// a mebibyte is written that is not durable yet, and else not: the delay does it (U-60, U-62).
func TestBatchSync(t *testing.T) {
	d := newMemDisk(t, "")
	w := bareWriter(t, d)
	e := opened(t, audit.Success, "a")
	batchOf := func(n int, durable bool) {
		b := &batch{durable: durable, done: make(chan struct{})}
		for range n {
			b.events = append(b.events, e)
		}
		if w.batch(b); b.err != nil {
			t.Fatal(b.err)
		}
	}
	for _, c := range []struct {
		records int
		durable bool
		synced  bool
	}{{1, false, false}, {50, false, false}, {1, true, true}, {50, true, true}, {1, false, false}} {
		before := d.count("sync segment")
		batchOf(c.records, c.durable)
		if got := d.count("sync segment") - before; got != map[bool]int{true: 1}[c.synced] || (w.dirty == 0) != c.synced {
			t.Errorf("%d records, durable %v: %d syncs, %d bytes wait", c.records, c.durable, got, w.dirty)
		}
	}
	for w.dirty > 0 {
		waiting := w.dirty
		batchOf(100, false)
		if w.dirty != 0 && w.dirty >= relaxedBytes || w.dirty == 0 && waiting+200*int64(e.Size()) < relaxedBytes {
			t.Fatalf("after %d bytes, and 100 records more, %d wait", waiting, w.dirty)
		}
	}
}

// count returns how often an operation was done.
func (d *memDisk) count(op string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.steps {
		if s == op {
			n++
		}
	}
	return n
}

// What was lost is announced once, in front of the first records that are kept, and by those alone that
// are written (U-65).
func TestLossIsAnnouncedOnce(t *testing.T) {
	d := newMemDisk(t, "")
	w := bareWriter(t, d)
	e := opened(t, audit.Success, "a")
	write := func(want uint64, refused error) {
		t.Helper()
		d.before = func(int) error { return refused }
		first := w.next
		b := &batch{durable: true, events: []audit.Event{e}, done: make(chan struct{})}
		w.batch(b)
		if !errors.Is(b.err, refused) || w.next-first != want {
			t.Errorf("%v: %v, %d records, want %d", refused, b.err, w.next-first, want)
		}
	}
	write(1, nil)
	w.log.lost(3)
	write(0, unix.ENOSPC) // neither the record nor the announcement is kept
	write(2, nil)
	if got := w.log.dropped.Load(); got != 4 || w.announced != 4 {
		t.Errorf("%d were lost, %d are announced, want 4", got, w.announced)
	}
	write(1, nil)
}

// A checkpoint whose root is not that of its records is not signed and ends the log; without
// room for it nothing is signed, which is told, and the next one stands for its records too (U-71).
func TestNotarize(t *testing.T) {
	var good frontier
	leaves := []tlog.Hash{{1}, {2}, {3}}
	for _, l := range leaves {
		good.add(l)
	}
	for name, c := range map[string]struct {
		job    toSign
		refuse error
		want   error
	}{
		"good":         {toSign{leaves, 3, good.root()}, nil, nil},
		"another root": {toSign{leaves, 3, tlog.Hash{9}}, nil, ErrDamaged},
		"another size": {toSign{leaves, 2, good.root()}, nil, ErrDamaged},
		"no room":      {toSign{leaves, 3, good.root()}, unix.ENOSPC, unix.ENOSPC},
	} {
		d := newMemDisk(t, "")
		l := &Log{cfg: testConfig(t, d), origin: "test.example/log"}
		n := &notary{log: l, tiles: &tiler{}}
		d.before = func(int) error { return c.refuse }
		if err := n.notarize(c.job); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		ended := l.failed != nil
		if made := d.now[checkpointName] != nil; made != (c.want == nil) || ended != errors.Is(c.want, ErrDamaged) {
			t.Errorf("%s: a checkpoint %v, the log has ended %v", name, made, ended)
		}
		if c.refuse != nil {
			d.before = nil
			if err := n.notarize(toSign{nil, 3, good.root()}); err != nil || l.noted.Load() == nil || l.noted.Load().Size != 3 {
				t.Errorf("%s, then room: %v", name, err)
			}
		}
	}
}

// Whatever a note did before there was no room, the next one leaves no partial tiles but its own (U-71).
func TestNotarizeAfterFailure(t *testing.T) {
	for fails := 1; ; fails++ {
		var tree frontier
		tree.add(tlog.Hash{1})
		d := newMemDisk(t, "")
		l := &Log{cfg: testConfig(t, d), origin: "test.example/log"}
		n := &notary{log: l, tiles: &tiler{}}
		d.before = func(step int) error {
			if step == fails {
				return unix.ENOSPC
			}
			return nil
		}
		failed := n.notarize(toSign{[]tlog.Hash{{1}}, 1, tree.root()})
		tree.add(tlog.Hash{2})
		d.before = nil
		if err := n.notarize(toSign{[]tlog.Hash{{2}}, 2, tree.root()}); err != nil {
			t.Fatalf("after %s failed: %v", d.steps[fails-1], err)
		}
		for name := range d.now {
			if strings.Contains(name, ".p/") && !strings.HasSuffix(name, ".p/2") {
				t.Errorf("after %s failed, %s is left", d.steps[fails-1], name)
			}
		}
		if failed == nil {
			return
		}
	}
}

// What is signed already is not handed to the notary again, and the error of its last note is the one
// that stopping it answers (U-71).
func TestNotaryStops(t *testing.T) {
	d := newMemDisk(t, "")
	l := &Log{cfg: testConfig(t, d), origin: "test.example/log"}
	n := &notary{log: l, tiles: &tiler{}}
	n.start()
	var tree frontier
	tree.add(tlog.Hash{1})
	job := toSign{[]tlog.Hash{{1}}, 1, tree.root()}
	n.hand(job, true)
	if err := n.wait(); err != nil {
		t.Fatal(err)
	}
	writes := len(d.steps)
	n.hand(toSign{nil, 1, tree.root()}, true)
	if n.busy || n.wait() != nil || len(d.steps) != writes {
		t.Errorf("a checkpoint that is there was made again: %q", d.steps[writes:])
	}
	tree.add(tlog.Hash{2})
	d.before = func(int) error { return unix.EIO }
	n.hand(toSign{[]tlog.Hash{{2}}, 2, tree.root()}, true)
	if err := n.stop(); !errors.Is(err, unix.EIO) {
		t.Errorf("stopping after a failed note: %v", err)
	}
}

// Of a folder without a segment each checkpoint that names a record is missed, the folder's own and one
// that was kept elsewhere alike; that a private key lies there is told, also to who brings a public key (U-72).
func TestVerifyEmptyFolder(t *testing.T) {
	_, key := testKey(t)
	anchor := func(size uint64) []byte {
		signed, err := signCheckpoint(&Checkpoint{Origin: "test.example/audit", Size: size}, testConfig(t, nil).Signers)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	for _, sizes := range [][]uint64{{1}, {1, 7}, {0, 7}, {7}} {
		d := newMemDisk(t, "")
		d.set(checkpointName, anchor(sizes[len(sizes)-1]))
		d.set(keyName, []byte("a key"))
		v := Verification{disk: d, Keys: []note.Verifier{key}}
		for _, n := range sizes {
			v.Anchors = append(v.Anchors, anchor(n))
		}
		out, err := Verify(v)
		var f *Fault
		if !errors.As(err, &f) || f.Kind != FaultTruncated || f.Record != 1 || !out.KeyInside {
			t.Errorf("checkpoints of %v and no record: %v, a key inside %v", sizes, err, out.KeyInside)
		}
	}
}
