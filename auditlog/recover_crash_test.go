//go:build unix

package auditlog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/refmon/refmon/audit"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/internal/test/randtest"
)

// copiedRecords is a little less than a tile.
const copiedRecords = 251

// copied returns a log of some hundred records as the start of a run.
func copied(t *testing.T) *memDisk {
	t.Helper()
	d, cfg := newConfig(t)
	cfg.SegmentBytes = 60_000
	writeLog(t, cfg, copiedRecords-2)
	return d
}

// writeRecords opens a log, writes named records one after the other and closes it. It
// returns the names that were acknowledged and those that were tried.
func writeRecords(t *testing.T, d *memDisk) (acknowledged, tried map[string]bool, failed error) {
	t.Helper()
	acknowledged, tried = map[string]bool{}, map[string]bool{}
	cfg := testConfig(t, d)
	cfg.SegmentBytes, cfg.CheckpointRecords, cfg.Keep = 3_000, 4, Keep{Bytes: 160_000}
	if d.allocates {
		cfg.Reserve = 2_000
	}
	l, err := Open(cfg)
	if err != nil {
		return acknowledged, tried, err
	}
	synced := true
	for i := range 12 {
		name := fmt.Sprintf("object %d", i)
		tried[name] = true
		err := l.Write(opened(t, audit.Failure, name))
		if err == nil {
			acknowledged[name] = true
			testcheck.That(t, synced, "%s was acknowledged after a sync had failed", name)
		}
		failed = errors.Join(failed, err)
		if err != nil && strings.Contains(err.Error(), "sync the audit records") {
			synced = false
		}
	}
	return acknowledged, tried, errors.Join(failed, l.Close())
}

// checkLeft opens the log after a crash and checks for each acknowledged record, and for records that were never
// written.
func checkLeft(t *testing.T, left *memDisk, what string, acknowledged, tried map[string]bool) {
	t.Helper()
	l, err := Open(testConfig(t, left))
	testcheck.RequireThat(t, err == nil, "%s: the log does not open again: %v", what, err)
	if err := l.Close(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	verifyDisk(t, left)
	seen := map[string]bool{}
	for _, e := range recordsOf(t, left, copiedRecords) {
		name, _ := e.Field("ObjectName")
		testcheck.That(t, e.ID != 4656 || name == "report" || tried[name] && !seen[name],
			"%s: %q is there and was not written, or twice", what, name)
		seen[name] = true
	}
	for name := range acknowledged {
		testcheck.That(t, seen[name], "%s: %q was acknowledged and is gone", what, name)
	}
}

// unsyncedTails returns what a power failure can leave of unsynced bytes: none, the first ones, zeros because only the
// file's length was stored, some sectors with zeros between them, and old contents of the disk.
func unsyncedTails(rnd *rand.Rand) []tail {
	return []tail{lostAll,
		func(_ int, extra []byte) []byte { return extra[:rnd.IntN(len(extra)+1)] },
		func(_ int, extra []byte) []byte { clear(extra); return extra },
		func(at int, extra []byte) []byte {
			const sector = 512
			for i := 0; i < len(extra); {
				end := min(len(extra), i+sector-(at+i)%sector)
				if rnd.IntN(2) == 0 {
					clear(extra[i:end])
				}
				i = end
			}
			return extra
		},
		func(_ int, extra []byte) []byte {
			for i := rnd.IntN(len(extra) + 1); i < len(extra); i++ {
				extra[i] = byte(rnd.Uint32())
			}
			return extra
		},
		func(_ int, extra []byte) []byte { return append(extra[:rnd.IntN(len(extra)+1)], make([]byte, 4096)...) }}
}

// TestAcknowledgedRecordsSurviveAnyFailure makes each file operation in turn fail, or be the process's last. A power
// failure keeps the synced data and some of the rest. Every acknowledged record must survive (U-61).
func TestAcknowledgedRecordsSurviveAnyFailure(t *testing.T) {
	start := copied(t)
	for _, kind := range []string{"fails", "is the last", "fails for want of room"} {
		t.Run(kind, func(t *testing.T) { everyOperation(t, start, kind, false) })
	}
	t.Run("is the last with zeros ahead", func(t *testing.T) { everyOperation(t, start, "is the last", true) })
}

// everyOperation makes each operation fail in turn. With ahead the log writes zeros after its records.
func everyOperation(t *testing.T, start *memDisk, kind string, ahead bool) {
	rnd := rand.New(rand.NewPCG(3, 4))
	left := unsyncedTails(rnd)
	points := 0
	for k := 1; ; k++ {
		d := start.crash(lostAll)
		d.allocates = ahead
		short := 7 * k % 50
		switch kind {
		case "is the last":
			d.Fail(inject.Short(short, errCrashed), inject.FromIndex(k-1))
		case "fails":
			d.Fail(inject.Short(short, syscall.EIO), inject.OnIndex(k-1))
		default:
			d.Fail(inject.Short(short, syscall.ENOSPC), inject.OnIndex(k-1))
		}
		acknowledged, tried, _ := writeRecords(t, d)
		if d.Selected() == 0 {
			break
		}
		points++
		what := fmt.Sprintf("operation %d (%s) %s", k, d.Ops()[k-1], kind)
		testcheck.Equal(t, d.open, 0, "%s: open files after the run", what)
		for i, of := range left {
			if (k+i)%6 != 0 && !randtest.Deep() {
				continue
			}
			checkLeft(t, d.crash(of), fmt.Sprintf("%s, tail %d", what, i), acknowledged, tried)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("each of %d operations %s", points, kind)
	testcheck.That(t, points >= 60, "only %d operations, want at least 60", points)
}

// TestNothingIsAcknowledgedAfterSyncError checks that after one failed sync nothing is acknowledged, even if later
// syncs succeed.
func TestNothingIsAcknowledgedAfterSyncError(t *testing.T) {
	d := newMemDisk(t, "")
	l := mustOpen(t, testConfig(t, d))
	mustWrite(t, l, 1)
	d.Fail(syscall.EIO, inject.Kind("sync"), inject.PathMatch("audit-*"), inject.OnIndex(0))
	for range 3 {
		if err := l.Write(opened(t, audit.Failure, "a")); !errors.Is(err, syscall.EIO) {
			t.Errorf("after the failed sync: %v, want %v", err, syscall.EIO)
		}
	}
	if dropped, err := l.Health(); dropped != 3 || err == nil {
		t.Errorf("health: %d, %v, want 3, an error", dropped, err)
	}
	testcheck.ErrorIs(t, l.Close(), syscall.EIO, "Close")
	_, err := l.Health()
	testcheck.ErrorIs(t, err, syscall.EIO, "Health after Close")
}

// TestLogSurvivesFullDescriptorTable checks that a log whose process cannot open further files loses records until it
// can, and does not end.
func TestLogSurvivesFullDescriptorTable(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.SegmentBytes, cfg.CheckpointRecords = 1, 1 // each record begins a segment, and a checkpoint
	l := mustOpen(t, cfg)
	mustWrite(t, l, 2)
	for _, err := range []error{syscall.EMFILE, syscall.ENFILE} {
		d.Fail(err, inject.Kind("create"))
		for range 5 {
			if got := l.Write(opened(t, audit.Failure, "lost")); !errors.Is(got, err) {
				t.Errorf("a full table of descriptors: %v, want %v", got, err)
			}
		}
		d.Fail(nil)
		mustWrite(t, l, 1)
	}
	testcheck.NoError(t, l.Close())
	if events := recordsOf(t, d); len(events) != 8 || events[3].ID != 4612 || events[5].ID != 4612 {
		t.Errorf("%d records: %v, want 8 with two of event 4612", len(events), events)
	}
	verifyDisk(t, d)
}

// TestRecordsLostOnFullDiskAreCounted checks that records lost on a full disk are counted, and that the count precedes
// the first record stored afterwards (UC-57, U-65). A short write is truncated.
func TestRecordsLostOnFullDiskAreCounted(t *testing.T) {
	d := newMemDisk(t, "")
	l := mustOpen(t, testConfig(t, d))
	mustWrite(t, l, 2)
	d.Fail(inject.Short(11, syscall.ENOSPC), inject.Kind("write"), inject.PathMatch("audit-*"))
	for range 5 {
		if err := l.Write(opened(t, audit.Failure, "lost")); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("a full disk: %v, want %v", err, syscall.ENOSPC)
		}
	}
	d.Fail(nil)
	e := opened(t, audit.Failure, "report")
	testcheck.NoError(t, l.WriteAll([]audit.Event{e.WithHeader(audit.Header{ID: e.ID, Time: 7}), e}))
	testcheck.NoError(t, l.Close())
	events := recordsOf(t, d)
	testcheck.RequireThat(t, len(events) == 7 && events[3].ID == 4612, "%d records", len(events))
	if n, _ := events[3].Field("AuditsDiscarded"); n != "5" || events[3].Time != 7 {
		t.Errorf("%s lost records announced at %d, want 5 at 7, the time of the next record", n, events[3].Time)
	}
	verifyDisk(t, d)
}
