//go:build unix

package auditlog

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/audit"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
)

// bareWriter returns a writer of an empty segment without a goroutine, so that the test controls each step.
func bareWriter(t *testing.T, d *memDisk) *writer {
	t.Helper()
	cfg := testConfig(t, d)
	cfg.SegmentBytes, cfg.clock = defaultSegment, func() int64 { return 1 }
	f := testcheck.Must(d.Create("segment"))
	t.Cleanup(func() { _ = f.Close() })
	w := &writer{log: &Log{cfg: cfg}, seg: f, next: 1}
	w.notary.every = 1 << 40
	return w
}

// TestBatchIsSyncedOnce checks that a batch is synced once if one of its records waits for the disk, or if a mebibyte
// of written data is not durable. Otherwise it is synced after a delay (U-60, U-62).
func TestBatchIsSyncedOnce(t *testing.T) {
	d := newMemDisk(t, "")
	w := bareWriter(t, d)
	e := opened(t, audit.Success, "a")
	batchOf := func(n int, durable bool) {
		b := &batch{durable: durable, done: make(chan struct{})}
		for range n {
			b.events = append(b.events, e)
		}
		if w.whole(b); b.err != nil {
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

// whole writes and completes a batch.
func (w *writer) whole(b *batch) {
	if f := w.batch(b); f != nil {
		f.land()
	}
}

// count returns the number of times that an operation was called.
func (d *memDisk) count(op string) (n int) {
	for _, s := range d.Ops() {
		if s == op {
			n++
		}
	}
	return n
}

// Lost records are announced once, before the first stored records, and only if these are written (U-65).
func TestLossIsAnnouncedOnce(t *testing.T) {
	d := newMemDisk(t, "")
	w := bareWriter(t, d)
	e := opened(t, audit.Success, "a")
	write := func(want uint64, refused error) {
		t.Helper()
		d.Fail(refused)
		first := w.next
		b := &batch{durable: true, events: []audit.Event{e}, done: make(chan struct{})}
		w.whole(b)
		testcheck.That(t, errors.Is(b.err, refused) && w.next-first == want,
			"%v: %v, %d records, want %d", refused, b.err, w.next-first, want)
	}
	write(1, nil)
	w.log.lost(3)
	write(0, syscall.ENOSPC) // neither the record nor the announcement is kept
	write(2, nil)
	if got := w.log.dropped.Load(); got != 4 || w.announced != 4 {
		t.Errorf("%d were lost, %d are announced, want 4", got, w.announced)
	}
	write(1, nil)
}

// TestFullDiskTakesBackPartOfRecord checks that the log removes the written part of a record that did not fit, and then
// allocates its reserve again. It stores a record although the zeros after it did not fit (U-93).
func TestFullDiskTakesBackPartOfRecord(t *testing.T) {
	d := newMemDisk(t, "")
	w := bareWriter(t, d)
	d.allocates, w.log.cfg.Reserve = true, 4096
	for i, c := range []struct {
		fault error
		on    inject.Condition
		kept  bool
	}{
		{syscall.ENOSPC, inject.OnIndex(0), true}, // the zeros do not fit
		{inject.Short(20, syscall.ENOSPC), inject.FromIndex(0), false}, {nil, inject.FromIndex(0), true},
	} {
		d.Fail(c.fault, inject.Kind("write"), c.on)
		b := &batch{durable: true, events: []audit.Event{opened(t, audit.Success, "a")}, done: make(chan struct{})}
		w.whole(b)
		if n := int64(len(d.now["segment"].data)); (b.err == nil) != c.kept || c.fault != nil && n != w.size {
			t.Errorf("batch %d: %v, the segment has %d bytes, want %d and no error: %t", i, b.err, n, w.size, c.kept)
		}
	}
	testcheck.Equal(t, d.count("allocate segment"), 2, "allocations")
}

// TestRelaxedRecordIsSoonDurable checks that a record that no caller waits for is durable after 100 ms (U-62).
func TestRelaxedRecordIsSoonDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, cfg := newConfig(t)
		cfg.Mode = Relaxed
		l := mustOpen(t, cfg)
		<-testcheck.Must(l.push([]audit.Event{opened(t, audit.Success, "a")}, false, nil)).done
		time.Sleep(2 * relaxedDelay)
		synctest.Wait()
		testcheck.Equal(t, len(recordsOf(t, d.crash(lostAll))), 2, "records after a crash")
		testcheck.NoError(t, l.Close())
	})
}

// TestCheckpointCoversDurableRecords checks that the records before a checkpoint are durable in mode Relaxed (U-71).
func TestCheckpointCoversDurableRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, cfg := newConfig(t)
		cfg.Mode, cfg.CheckpointRecords, cfg.flushers = Relaxed, 1, 1
		l := mustOpen(t, cfg)
		for range 2 { // each one is signed before the next one
			<-testcheck.Must(l.push([]audit.Event{opened(t, audit.Success, "a")}, false, nil)).done
			synctest.Wait()
		}
		size := verifyDisk(t, d.crash(lostAll)).Checkpoint.Size
		testcheck.That(t, size > 1, "a checkpoint of %d records, want at least 2", size)
		testcheck.NoError(t, l.Close())
	})
}

// A record that exceeds the size of a segment is written to an empty one, which no other segment replaces. The records
// of a segment are durable before the next one begins.
func TestLargeRecordBeginsSegmentOnce(t *testing.T) {
	for _, mode := range []Mode{Sync, Relaxed} {
		d, cfg := newConfig(t)
		cfg.SegmentBytes, cfg.Mode = 1, mode
		l := mustOpen(t, cfg)
		for range 3 {
			b := testcheck.Must(l.push([]audit.Event{opened(t, audit.Success, "a")}, mode == Sync, nil))
			<-b.done // written, and in mode Sync durable
		}
		testcheck.NoError(t, l.Close())
		firsts := testcheck.Must(segments(d))
		testcheck.That(t, len(firsts) >= 3, "%v: %d segments, want one for each record", mode, len(firsts))
		for _, first := range firsts {
			name := segmentName(first)
			testcheck.Equal(t, d.count("rename "+temporary(name)+" "+name), 1, "segments that began as %s", name)
			testcheck.Equal(t, d.count("create "+temporary(name)), 1, "creations of %s", name)
		}
		last := ""
		for _, op := range d.Ops() {
			testcheck.That(t, !strings.HasPrefix(op, "create new-"+segmentPrefix) || !strings.HasPrefix(last, "write "),
				"%v: %s after %s, want a sync between them", mode, op, last)
			if strings.Contains(op, " "+segmentPrefix) {
				last = op
			}
		}
	}
}
