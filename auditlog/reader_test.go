package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
)

// A reader does not treat a damaged record, or a truncated end, as the end of the log if the folder's checkpoint
// covers more records (U-87).
func TestReaderReportsDamagedEnd(t *testing.T) {
	d := newMemDisk(t, "")
	writeLog(t, testConfig(t, d), 8)
	head, frames := framesOf(t, d.now[segmentName(1)].data)
	cut := len(head)
	for _, f := range frames[:4] {
		cut += len(f)
	}
	count := func(d *memDisk) (n int, err error) {
		r, err := newReader(d, 0)
		defer func() { _ = r.Close() }()
		for err == nil {
			if _, err = r.Next(); err == nil {
				n++
			}
		}
		return n, err
	}
	if n, err := count(d); n != 10 || !errors.Is(err, io.EOF) {
		t.Fatalf("whole: %d records, %v, want 10, %v", n, err, io.EOF)
	}
	for name, change := range map[string]func(d *memDisk){
		"a byte of record 5 changed": func(d *memDisk) { d.flip(segmentName(1), cut+30, 1) },
		"record 5 removed": func(d *memDisk) {
			s := d.now[segmentName(1)]
			s.data = slices.Delete(s.data, cut, cut+len(frames[4]))
		},
		"the end cut off": func(d *memDisk) { d.now[segmentName(1)].data = d.now[segmentName(1)].data[:cut] },
	} {
		copied := d.crash(lostAll)
		change(copied)
		if n, err := count(copied); n != 4 || err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: %d records, %v", name, n, err)
		}
	}
	end := len(head)
	for i, f := range frames { // each missing record is detected, also the last one of the checkpoint
		copied := d.crash(lostAll)
		copied.now[segmentName(1)].data = copied.now[segmentName(1)].data[:end]
		if n, err := count(copied); n != i || err == nil || errors.Is(err, io.EOF) {
			t.Errorf("cut off after record %d: %d records, %v", i, n, err)
		}
		end += len(f)
	}
}

// TestReaderReportsMissingSegment checks that a missing segment between others is an error at its first record, and
// that the reader does not search for it endlessly (U-87).
func TestReaderReportsMissingSegment(t *testing.T) {
	d := newMemDisk(t, "")
	cfg := testConfig(t, d)
	cfg.SegmentBytes = 2000
	for range 3 {
		writeLog(t, cfg, 8)
	}
	firsts := testcheck.Must(segments(d))
	testcheck.RequireThat(t, len(firsts) >= 3, "segments %v, want at least 3", firsts)
	delete(d.now, segmentName(firsts[1]))
	r := testcheck.Must(newReader(d, 0))
	defer func() { _ = r.Close() }()
	n, err := uint64(0), error(nil)
	for ; err == nil; n++ {
		_, err = r.Next()
	}
	want := fmt.Sprintf("read the audit log: record %d follows %d: run refmon audit verify", firsts[2], firsts[1]-1)
	testcheck.That(t, n == firsts[1] && err.Error() == want, "%d records, then %v, want %d, %s", n-1, err, firsts[1]-1,
		want)
	late, reading := testcheck.Must(newReader(d, 0)), testcheck.Must(newReader(d, 0))
	testcheck.NoError(t, testcheck.Err(reading.Next()))
	for _, first := range firsts {
		delete(d.now, segmentName(first))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, r := range []*Reader{late, reading} {
		for err = nil; err == nil; {
			_, err = r.Wait(ctx)
		}
		testcheck.That(t, strings.HasSuffix(err.Error(), "its segments are gone"), "without segments: %v", err)
	}
}

// Opening a log rewrites its last segment. A reader at its end continues in the new file (U-87).
func TestReaderFollowsRecovery(t *testing.T) {
	d := newMemDisk(t, "")
	var r *Reader
	var n uint64
	for range 3 {
		writeLog(t, testConfig(t, d), 3)
		if r == nil {
			r = testcheck.Must(newReader(d, 0))
			defer func() { _ = r.Close() }()
		}
		for {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			testcheck.RequireThat(t, err == nil && rec.ID == n+1,
				"record %d follows %d: %v, want %d, nil", rec.ID, n, err, n+1)
			n = rec.ID
		}
	}
	testcheck.Equal(t, n, 15, "records are read")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	testcheck.ErrorIs(t, testcheck.Err(r.Wait(ctx)), context.Canceled, "a wait that ends without a record")
}

// Each segment is read twice before its bytes count as changed, independently of other segments.
func TestReaderReadsChangedSegmentTwice(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.SegmentBytes = 2_000
	l := mustOpen(t, cfg)
	for range 40 {
		mustWrite(t, l, 1) // a batch stays in one segment
	}
	testcheck.NoError(t, l.Close())
	firsts := segmentsOf(t, d)
	r := testcheck.Must(newReader(d, 0))
	for id := uint64(1); id <= firsts[len(firsts)-1]; id++ {
		testcheck.NoError(t, testcheck.Err(r.Next()))
		testcheck.That(t, !slices.Contains(firsts, id) || !r.complete,
			"segment %d is complete before its end was read", id)
	}
	testcheck.NoError(t, r.Close())
}

// The last record is that of the newest segment, or of the one before it if the newest has no complete record yet.
func TestReaderFindsLastRecord(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.SegmentBytes = 2_000
	l := mustOpen(t, cfg)
	r := testcheck.Must(newReader(d, 0))
	last := func(what string, want uint64) {
		t.Helper()
		if got, err := r.Last(); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", what, got, err, want)
		}
	}
	for id := uint64(1); id <= 40; id++ {
		mustWrite(t, l, 1)
		last("while it is written", id+1) // includes the log's own start record
	}
	testcheck.NoError(t, l.Close())
	firsts := segmentsOf(t, d)
	newest := firsts[len(firsts)-1] // 42 records: the start, 40, the end
	testcheck.RequireThat(t, len(firsts) >= 2 && newest < 41,
		"segments %v: the newest should have records, and not be the only one", firsts)
	all := d.now[segmentName(newest)].data
	head := headerFixed + 32*int(all[7]) + 4
	for cut, want := range map[int]uint64{head: newest - 1, head + 5: newest - 1, len(all): 42, len(all) - 1: 41} {
		d.set(segmentName(newest), all[:cut])
		last(fmt.Sprintf("with %d of %d bytes", cut, len(all)), want)
	}
	d.set(segmentName(newest), append(all, make([]byte, chunk)...))
	d.reads = true
	d.Fail(syscall.EIO, inject.Kind("read"), inject.FromIndex(1))
	testcheck.ErrorIs(t, testcheck.Err(r.Last()), syscall.EIO, "a failed read behind the header")
	testcheck.NoError(t, r.Close())
}
