package auditlog

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"

	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// TestRangeIsVerifiedUpToAnchor checks that the verification of a range reads its segments up to an anchor, and reports
// that (U-72).
func TestRangeIsVerifiedUpToAnchor(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.SegmentBytes = 4_000
	_, key := testKey(t)
	var middle []byte
	for range 2 {
		writeLog(t, cfg, 30)
		if middle == nil {
			middle = d.now[checkpointName].data
		}
	}
	v := Verification{disk: d, Keys: []note.Verifier{key}, Anchors: [][]byte{middle}, From: 20, To: 25}
	got, err := Verify(v)
	if err != nil || got.First == 1 || got.First > 20 || got.Last != 32 || got.Whole || len(got.Anchors) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	v.From, v.To = 50, 0
	if got, err = Verify(v); err != nil || got.First < 33 || got.Last != 64 || got.Whole ||
		len(got.Anchors) != 2 {
		t.Errorf("Verify from record 50 = %+v, %v, want records from 33 or later to 64, and 2 checkpoints", got,
			err) // the older anchor is proved by the stored hashes
	}
	firsts, err := segments(d)
	testcheck.RequireThat(t, err == nil && len(firsts) >= 3,
		"the log's segments begin with the records %d, %v, want at least 3 segments, no error", firsts, err)
	d.now[segmentName(1)].data[100] ^= 1
	if _, err = Verify(v); err != nil {
		t.Errorf("a segment that is not asked for: %v", err)
	}
	second, third := firsts[1], firsts[2]
	whole := map[uint64]uint64{1: 0, second - 1: 0, second: second, third - 1: second, third: third}
	for from, first := range whole {
		v.From = from
		if got, err = Verify(v); (err == nil) != (first > 0) || first > 0 && got.First != first {
			t.Errorf("from record %d, segments begin with %d: want %d, 0 for an error; %+v, %v",
				from, firsts, first, got, err)
		}
	}
}

// An anchor that lies before the records that are read is proved by the stored hashes, even if it covers one record
// only: another root is another history (U-72).
func TestEarlierAnchorIsProved(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.SegmentBytes = 4_000
	writeLog(t, cfg, 30)
	_, frames := framesOf(t, d.now[segmentName(1)].data)
	first, _, err := decodeFrame(frames[0])
	testcheck.NoError(t, err)
	_, key := testKey(t)
	anchor := Checkpoint{Origin: "test.example/audit", Size: 1, Root: first.leaf()}
	for _, kind := range []string{"", FaultHistory} {
		signed := testcheck.Must(signCheckpoint(&anchor, cfg.Signers))
		got, err := Verify(Verification{disk: d, Keys: []note.Verifier{key}, Anchors: [][]byte{signed}, From: 30})
		var f *Fault
		if errors.As(err, &f) != (kind != "") || kind != "" && f.Kind != kind || kind == "" && len(got.Anchors) != 2 {
			t.Errorf("root %v: %d anchors, error %v; want the fault %q", anchor.Root, len(got.Anchors), err, kind)
		}
		anchor.Root[0] ^= 1
	}
}

// cutAfter cuts the log's newest segment after a record. It returns the segment's name and its earlier content.
func cutAfter(t *testing.T, d *memDisk, id uint64) (name string, whole []byte) {
	t.Helper()
	firsts := testcheck.Must(segments(d))
	newest := firsts[len(firsts)-1]
	name = segmentName(newest)
	whole = d.now[name].data
	head, frames := framesOf(t, whole)
	d.set(name, slices.Concat(append([][]byte{head}, frames[:id+1-newest]...)...))
	return name, whole
}

// A clearing records first which records it removes. So a program that ends during the last removal leaves a log whose
// missing records are explained (U-69, U-72).
func TestInterruptedClearingIsExplained(t *testing.T) {
	d, cfg := newConfig(t)
	l := mustOpen(t, cfg)
	mustWrite(t, l, 20)
	testcheck.NoError(t, l.Clear(holder(t, winnt.SeSecurityPrivilege)))
	crashed := d.crash(lostAll)
	testcheck.NoError(t, l.Close())
	cutAfter(t, crashed, 22)
	v := verifyDisk(t, crashed)
	testcheck.That(t, v.Oldest == 22 && v.Last == 22 && v.Removal == 22 && !v.Unexplained(),
		"Verify of record 22 about the clearing = %+v, want no unexplained removal", v)
}

// A running log removes a segment before it records that. A verification that reads the folder in between finds the
// record when it reads the end of the newest segment again (U-72).
func TestVerifyReadsLaterRecordOfRemoval(t *testing.T) {
	d, cfg := newConfig(t)
	l := mustOpen(t, cfg)
	mustWrite(t, l, 20)
	testcheck.NoError(t, l.Clear(holder(t, winnt.SeSecurityPrivilege)))
	crashed := d.crash(lostAll)
	testcheck.NoError(t, l.Close())
	name, whole := cutAfter(t, crashed, 21)
	v := verifyDisk(t, &growing{crashed, name, whole})
	testcheck.That(t, v.Last == 23 && v.Removal == 23 && !v.Unexplained(),
		"Verify between a removal and its record = %+v, want the record 23 about the removal", v)
}

// growing is a disk on which a segment grows when its end has been read.
type growing struct {
	*memDisk
	name  string
	whole []byte
}

// Open implements disk.
func (d *growing) Open(name string) (file, error) {
	f, err := d.memDisk.Open(name)
	if err != nil || name != d.name {
		return f, err
	}
	return growingFile{f.(*memFile), d.whole}, nil
}

type growingFile struct {
	*memFile
	whole []byte
}

// ReadAt implements file.
func (f growingFile) ReadAt(b []byte, at int64) (int, error) {
	n, err := f.memFile.ReadAt(b, at)
	if isEnd(err) {
		f.n.data = f.whole
	}
	return n, err
}

// TestRemovalByOthersIsUnexplained checks that only a record about the segment before the oldest one explains that the
// first records are missing, and not one about an earlier segment (U-72).
func TestRemovalByOthersIsUnexplained(t *testing.T) {
	for _, full := range []Full{Overwrite, Archive} {
		d, cfg := newConfig(t)
		cfg.SegmentBytes, cfg.CheckpointRecords = 5_000, 5
		cfg.Keep = Keep{Bytes: 25_000, Full: full}
		l := mustOpen(t, cfg)
		for testcheck.Must(segments(d))[0] == 1 {
			mustWrite(t, l, 1)
		}
		testcheck.NoError(t, l.Close())
		v := verifyDisk(t, d)
		testcheck.RequireThat(t, v.Oldest > 1 && !v.Unexplained(),
			"mode %v: record %d is the oldest, record %d says so, want a later one than 1", full, v.Oldest, v.Removal)
		testcheck.NoError(t, d.Remove(segmentName(v.Oldest)))
		v = verifyDisk(t, d)
		testcheck.That(t, v.Unexplained(), "mode %v: record %d explains that the records before %d are missing", full,
			v.Removal, v.Oldest)
	}
}
