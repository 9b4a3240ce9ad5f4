package auditlog

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/refmon/refmon/audit"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/winnt"
)

// keeping returns a closed log of several segments whose records are an hour apart. total is its size including the
// next start record.
func keeping(t *testing.T, pad int) (d *memDisk, cfg Config, total int64) {
	t.Helper()
	d = newMemDisk(t, "")
	cfg = testConfig(t, d)
	now := int64(100 * hour)
	cfg.clock = func() int64 { return now - 2*day }
	cfg.SegmentBytes, cfg.CheckpointEvery = 3_000, time.Hour
	l := mustOpen(t, cfg)
	for i := range 40 {
		e := opened(t, audit.Failure, "report"+strings.Repeat("x", pad*(i/39)))
		e.Time = now + int64(i)*hour
		testcheck.NoError(t, l.Write(e))
	}
	testcheck.NoError(t, l.Close())
	cfg.SegmentBytes = 1 << 20
	again := d.crash(lostAll)
	cfg.disk = again
	l = mustOpen(t, cfg)
	for _, first := range segmentsOf(t, again) {
		total += int64(len(again.now[segmentName(first)].data))
	}
	testcheck.NoError(t, l.Close())
	return d, cfg, total
}

// opening opens a copy of a log as configured. It returns the first records of its segments, the added records, and
// whether a segment was archived.
func opening(t *testing.T, d *memDisk, cfg Config) (firsts []uint64, added []audit.Event, moved bool, err error) {
	t.Helper()
	copied := d.crash(lostAll)
	cfg.disk = copied
	had := recordsOf(t, d)
	now := cfg.clock()
	cfg.clock = func() int64 { return now }
	l, err := Open(cfg)
	if err == nil {
		defer l.Close()
	}
	if err == nil && cfg.Keep.Age > 0 { // records confirm the time of the opening a day later
		now += day
		testcheck.NoError(t, l.Write(opened(t, audit.Failure, "later")))
	}
	firsts, bad := segments(copied)
	testcheck.NoError(t, bad)
	for name := range copied.now {
		moved = moved || strings.HasSuffix(name, "/"+segmentName(1))
	}
	return firsts, recordsOf(t, copied, uint64(len(had)+1)), moved, err
}

// At one byte above the limit the oldest segment is removed or archived, or the log stops. At ninety percent a log
// that archives or stops warns (U-67).
func TestSizeLimitRemovesOldestSegment(t *testing.T) {
	_, _, bare := keeping(t, 0)
	pad := int((90 - bare%90) % 90) // to a number of bytes that is ninety percent of another
	d, cfg, total := keeping(t, pad)
	testcheck.Require(t, total%90, 0, "%d bytes with %d more: total%%90", total, pad)
	all := segmentsOf(t, d)
	for _, c := range []struct {
		name  string
		keep  Keep
		first uint64   // the remaining size
		added []uint16 // records
	}{
		{"no bound", Keep{}, 1, []uint16{4608}},
		{"overwrite, full", Keep{Bytes: total}, 1, []uint16{4608}},
		{"overwrite, a byte too many", Keep{Bytes: total - 1}, all[1], []uint16{4608, 64049}},
		{"archive, full", Keep{Bytes: total, Full: Archive}, 1, []uint16{4608, 1103}},
		{"archive, a byte too many", Keep{Bytes: total - 1, Full: Archive, Archive: "old"}, all[1],
			[]uint16{4608, 1103, 1105}},
		{"stop, full", Keep{Bytes: total, Full: Stop}, 1, []uint16{4608, 1103}},
		{"stop, a byte too many", Keep{Bytes: total - 1, Full: Stop}, 1, []uint16{1104}},
		{"archive, ninety percent", Keep{Bytes: total / 90 * 100, Full: Archive}, 1, []uint16{4608, 1103}},
		{"archive, less", Keep{Bytes: total/90*100 + 100, Full: Archive}, 1, []uint16{4608}},
		{"stop, ninety percent", Keep{Bytes: total / 90 * 100, Full: Stop}, 1, []uint16{4608, 1103}},
		{"stop, less", Keep{Bytes: total/90*100 + 100, Full: Stop}, 1, []uint16{4608}},
		{"overwrite, ninety percent", Keep{Bytes: total / 90 * 100}, 1, []uint16{4608}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := cfg
			cfg.Keep = c.keep
			firsts, events, moved, err := opening(t, d, cfg)
			var added []uint16
			for _, e := range events {
				added = append(added, e.ID)
			}
			if err != nil || !slices.Equal(added, c.added) || firsts[0] != c.first ||
				!slices.Equal(firsts, all[slices.Index(all, c.first):]) {
				t.Errorf("%v: segments %d, records %d; want %d from %d on, %d", err, firsts, added, all, c.first,
					c.added)
			}
			for _, e := range events {
				gone := fmt.Sprintf("FirstRecordId=1 LastRecordId=%d", all[1]-1)
				fields := map[uint16]string{1103: fmt.Sprintf("PercentFull=%d", total*100/max(c.keep.Bytes, 1)),
					1105: "BackupPath=old/audit-0000000000000001.log " + gone, 64049: gone}[e.ID]
				for _, f := range strings.Fields(fields) {
					name, want, _ := strings.Cut(f, "=")
					if got, _ := e.Field(name); got != want {
						t.Errorf("event %d: %s is %q, want %q", e.ID, name, got, want)
					}
				}
				testcheck.Equal(t, e.Time, cfg.clock(), "time of event %d", e.ID)
			}
			testcheck.That(t, moved == slices.Contains(c.added, 1105), "moved to the archive: %t", moved)
		})
	}
}

// A segment is removed when the first record of the next one is older than the limit. A segment that no checkpoint
// covers stays at any age. A log that is full of expired segments does not stop (U-67, U-71).
func TestAgeLimitKeepsUnsignedSegments(t *testing.T) {
	d, cfg, total := keeping(t, 0)
	all := segmentsOf(t, d)
	times := map[uint64]int64{}
	for _, e := range recordsOf(t, d) {
		times[e.RecordID] = e.Time
	}
	cfg.Keep.Age = 5 * time.Hour
	for i, first := range all[1:] { // the record that ended the segment before
		for late := range int64(2) {
			now := times[first] + 5*hour + late
			cfg.clock = func() int64 { return now }
			firsts, _, _, err := opening(t, d, cfg)
			if want := all[i+int(late):]; err != nil || !slices.Equal(firsts, want) {
				t.Errorf("%d after record %d: segments %d, want %d, %v", late, first, firsts, want, err)
			}
		}
	}
	cfg.clock = func() int64 { return 1e6 * hour }
	full := cfg
	full.Keep.Bytes, full.Keep.Full = total/2, Stop
	firsts, events, _, err := opening(t, d, full)
	started := slices.ContainsFunc(events, func(e audit.Event) bool { return e.ID == 4608 })
	testcheck.That(t, err == nil && slices.Equal(firsts, all[len(all)-1:]) && started,
		"full of expired segments: segments %d, 4608 %t, %v, want the last segment and true", firsts, started, err)
	signer, _ := testKey(t)
	for _, size := range []uint64{0, 1, all[1] - 2, all[1] - 1, all[1], all[3] - 2, all[3] - 1} {
		c := treeOf(t, d, size)
		signed := testcheck.Must(signCheckpoint(&c, []note.Signer{signer}))
		copied := d.crash(lostAll)
		copied.set(checkpointName, signed)
		firsts, _, _, err := opening(t, copied, cfg)
		want := all
		for len(want) > 1 && want[1]-1 <= size {
			want = want[1:]
		}
		testcheck.That(t, err == nil && slices.Equal(firsts, want),
			"with a checkpoint of %d records: segments %d, want %d, %v", size, firsts, want, err)
	}
}

// TestWrongClockExpiresNothing sets the clock ahead by twenty years. Nothing expires in the first day, also if the log
// is opened again, and nothing after the clock was set back. A segment that ends while the clock is behind does not
// expire early (U-67).
func TestWrongClockExpiresNothing(t *testing.T) {
	const year = 365 * day
	d, cfg, _ := keeping(t, 0)
	all := segmentsOf(t, d)
	cfg.Keep.Age = 365 * 24 * time.Hour
	right := int64(140 * hour) // after the last record
	var now int64
	cfg.clock = func() int64 { return now }
	cfg.disk = d.crash(lostAll)
	for i, step := range []struct {
		now  int64
		gone bool
	}{{right, false}, {right + 20*year, false}, {right + 20*year + day - 1, false}, {right + 1, false},
		{right + 20*year, false}, {right + 20*year + day - 1, false}, {right + 20*year + 2*day - 1, true}} {
		now = step.now
		l := mustOpen(t, cfg)
		testcheck.NoError(t, l.Write(opened(t, audit.Failure, "report")))
		testcheck.NoError(t, l.Close())
		left, err := segments(cfg.disk)
		testcheck.That(t, err == nil && (left[0] != all[0]) == step.gone, "step %d: segments %d of %d", i, left, all)
	}
	var k keeper
	k.add(kept{ended: right})
	k.add(kept{ended: right + 1})
	k.add(kept{ended: 0})
	testcheck.Equal(t, k.list[2].ended, right+1, "U-67: end of a segment while the clock was behind")
	k = keeper{old: right + 20*year, young: right + 20*year + day}
	testcheck.Equal(t, k.dayOld(right), right, "U-67: latest time that counts after the clock was set back")
	k = keeper{old: right - 1, young: right + 1}
	testcheck.Equal(t, k.dayOld(right), right-1, "U-67: latest time that counts after a small change of the clock")
}

// TestNearlyFullLogWarnsOnce checks that a nearly full log warns once in four hours with its fill level, also after the
// clock was set back (U-67).
func TestNearlyFullLogWarnsOnce(t *testing.T) {
	d, cfg := newConfig(t)
	clock := int64(100 * hour)
	cfg.clock = func() int64 { return clock }
	cfg.Keep = Keep{Bytes: 60_000, Full: Stop}
	l := mustOpen(t, cfg)
	write := func() error { return l.Write(opened(t, audit.Failure, strings.Repeat("r", 200))) }
	warnings := func() (n int) {
		for _, e := range recordsOf(t, d) {
			if percent, _ := e.Field("PercentFull"); e.ID == 1103 {
				if n++; percent < "90" || len(percent) != 2 {
					t.Errorf("a warning when the log is %s%% full, want 90%% to 99%%", percent)
				}
			}
		}
		return n
	}
	for warnings() == 0 {
		if err := write(); err != nil {
			t.Fatal("full without a warning: ", err)
		}
	}
	clock += 4*hour - 1
	if err := write(); err != nil || warnings() != 1 {
		t.Errorf("%v, %d warnings before four hours are over", err, warnings())
	}
	clock++
	if err := write(); err != nil || warnings() != 2 {
		t.Errorf("%v, %d warnings after four hours", err, warnings())
	}
	clock -= 1 // set back
	if err := write(); err != nil || warnings() != 3 {
		t.Errorf("%v, %d warnings after the clock was set back", err, warnings())
	}
	for range 20 {
		_ = write()
	}
	if err := write(); !errors.Is(err, ErrStopped) {
		t.Errorf("a full log: %v, want %v", err, ErrStopped)
	}
	if err := l.Close(); err != nil && !errors.Is(err, ErrStopped) {
		t.Error(err)
	}
	testcheck.Equal(t, countOf(t, d, 1104), 1, "records that say that the log is full")
}

// TestArchiveReplacesNoSegment checks that a segment does not replace one of the same name, which an earlier log moved
// to the archive (U-67).
func TestArchiveReplacesNoSegment(t *testing.T) {
	d, cfg := newConfig(t)
	testcheck.NoError(t, d.Mkdir("archive"))
	earlier := "archive/" + segmentName(1)
	d.set(earlier, []byte("1"))
	d.set(earlier+".2", []byte("2"))
	cfg.Keep.Full = Archive
	l := mustOpen(t, cfg)
	testcheck.NoError(t, l.Clear(holder(t, winnt.SeSecurityPrivilege)))
	testcheck.NoError(t, l.Close())
	testcheck.That(t, string(d.now[earlier].data) == "1" && string(d.now[earlier+".2"].data) == "2",
		"U-67: an archived segment was replaced")
	testcheck.That(t, d.now[earlier+".3"] != nil, "U-67: no segment %s.3", earlier)
	testcheck.Equal(t, countOf(t, d, 1105), 1, "records of moved segments")
}

// TestFailedSyncOfArchiveEndsLog checks that a failed sync of the archive ends the log, like one of its own folder
// (U-62). Otherwise later writes would move the segment again.
func TestFailedSyncOfArchiveEndsLog(t *testing.T) {
	for folder, at := range map[string]int{"old": 0, ".": 3} { // after tiles, checkpoint and segment
		d, cfg := newConfig(t)
		cfg.Keep = Keep{Full: Archive, Archive: "old"}
		l := mustOpen(t, cfg)
		d.Fail(syscall.EIO, inject.Kind("syncdir"), inject.PathMatch(folder), inject.OnIndex(at))
		testcheck.ErrorIs(t, l.Clear(holder(t, winnt.SeSecurityPrivilege)), syscall.EIO, "clear: %s", folder)
		d.Fail(nil)
		s := testcheck.Must(l.State())
		testcheck.That(t, errors.Is(s.Failed, syscall.EIO) && errors.Is(s.Ended, syscall.EIO) && !s.FailedAt.IsZero(),
			"U-62: state of the failed log: %+v", s)
		testcheck.ErrorIs(t, l.Write(opened(t, audit.Failure, "report")), syscall.EIO, "U-62: write")
		_ = l.Close() // returns the failure again
	}
}

// TestGoneSegmentIsRecordedAfterFullDisk fills the disk at each record around the removal of a segment. When there is
// space again, each segment that has gone or was moved is recorded once (U-67).
func TestGoneSegmentIsRecordedAfterFullDisk(t *testing.T) {
	for _, full := range []Full{Overwrite, Archive} {
		for at := range 8 {
			d, cfg := newConfig(t)
			cfg.SegmentBytes, cfg.CheckpointRecords = 5_000, 5
			cfg.Keep = Keep{Bytes: 25_000, Full: full}
			l := mustOpen(t, cfg)
			gone := func() (n int) {
				for _, op := range d.Ops() {
					if strings.HasPrefix(op, "rename audit-") || strings.HasPrefix(op, "remove audit-") {
						n++
					}
				}
				return n
			}
			stored := uint64(1) // the record of the start
			write := func() error {
				err := l.Write(opened(t, audit.Failure, "report"))
				if err == nil {
					stored++
				}
				for l.Checkpoint().Size+10 <= stored { // only segments before a checkpoint are removed
					runtime.Gosched()
				}
				return err
			}
			for gone() == 0 {
				testcheck.NoError(t, write())
			}
			for range at {
				testcheck.NoError(t, write())
			}
			d.Fail(syscall.ENOSPC, inject.Kind("write"), inject.PathMatch("audit-*"))
			for range 9 {
				_ = write()
			}
			d.Fail(nil)
			testcheck.NoError(t, write())
			testcheck.NoError(t, l.Close())
			testcheck.Equal(t, countOf(t, d, 1105)+countOf(t, d, audit.OverwrittenID), gone(),
				"U-67: mode %v, full %d records after the first removal: records of gone segments", full, at)
			newest := uint64(0)
			for _, e := range recordsOf(t, d) {
				if e.ID == 1105 || e.ID == audit.OverwrittenID {
					newest = e.RecordID
				}
			}
			testcheck.Equal(t, verifyDisk(t, d).Removal, newest, "U-72: record of the removal of the oldest records")
		}
	}
}
