package auditlog

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"math/bits"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// holder returns the origin of an administrator with the privileges.
func holder(t *testing.T, privileges ...winnt.Privilege) audit.Origin {
	t.Helper()
	spec := token.Spec{User: token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-500")}}
	spec.Privileges = winnt.Privileges(privileges...)
	spec.EnabledPrivileges = spec.Privileges
	tok := testcheck.Must(token.New(spec))
	return audit.Origin{Subject: access.Subject{Primary: tok}}
}

// TestClearReportsRemovedRecords checks that the records of a clearing name each removed segment once, with its first
// and last record (U-67, U-69).
func TestClearReportsRemovedRecords(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.SegmentBytes, cfg.Keep.Full = 3_000, Overwrite
	l := mustOpen(t, cfg)
	for range 40 { // written singly, because a batch stays in one segment
		mustWrite(t, l, 1)
	}
	testcheck.NoError(t, l.Clear(holder(t, winnt.SeSecurityPrivilege)))
	testcheck.NoError(t, l.Close())
	events, segments, next := recordsOf(t, d), 0, 1
	for _, e := range events {
		if e.ID != audit.OverwrittenID {
			continue
		}
		segments++
		first, _ := e.Field("FirstRecordId")
		last, _ := e.Field("LastRecordId")
		n, err := strconv.Atoi(last)
		testcheck.That(t, first == strconv.Itoa(next) && err == nil && n >= next,
			"records %s to %s went, the one before ended with %d: %v", first, last, next-1, err)
		next = n + 1
	}
	testcheck.That(t, uint64(next) == events[0].RecordID && segments >= 3,
		"%d segments up to %d went, record %d is the first left", segments, next-1, events[0].RecordID)
}

// TestClearedLogAcceptsRecordsAgain checks that a stopped log accepts records again after a clearing, and warns again
// when it is full (U-67, U-69).
func TestClearedLogAcceptsRecordsAgain(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.SegmentBytes, cfg.Keep = 4_000, Keep{Bytes: 20_000, Full: Stop}
	l := mustOpen(t, cfg)
	for round := range 3 {
		var err error
		for n := 0; err == nil; n++ {
			testcheck.RequireThat(t, n <= 1000, "the log is not full after %d records, want at most 1000", n)
			err = l.Write(opened(t, audit.Failure, strings.Repeat("r", 200)))
		}
		testcheck.RequireThat(t, errors.Is(err, ErrStopped), "%v", err)
		testcheck.Equal(t, countOf(t, d, 1104), 1, "round %d: records that say that the log is full", round)
		testcheck.NoError(t, l.Clear(holder(t, winnt.SeSecurityPrivilege)))
	}
	testcheck.NoError(t, l.Close())
}

// TestClearReturnsRemovalError checks that a clearing that cannot remove a segment returns the error, and that this
// segment and the later ones stay (U-69).
func TestClearReturnsRemovalError(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.SegmentBytes = 4_000
	l := mustOpen(t, cfg)
	mustWrite(t, l, 60)
	d.Fail(fs.ErrPermission, inject.Kind("remove"), inject.PathMatch("audit-*"))
	testcheck.ErrorIs(t, l.Clear(holder(t, winnt.SeSecurityPrivilege)), fs.ErrPermission, "Clear")
	d.Fail(nil)
	testcheck.That(t, d.now[segmentName(1)] != nil, "the first segment is gone, want it kept")
	testcheck.NoError(t, l.Close())
}

// TestClearSucceedsAfterFullDisk checks that a clearing whose checkpoint failed on a full disk succeeds once there is
// space, without a record in between (U-69).
func TestClearSucceedsAfterFullDisk(t *testing.T) {
	d, cfg := newConfig(t)
	l := mustOpen(t, cfg)
	mustWrite(t, l, 3)
	d.Fail(syscall.ENOSPC, inject.Kind("create"), inject.PathMatch("*"+checkpointName))
	testcheck.ErrorIs(t, l.Clear(holder(t, winnt.SeSecurityPrivilege)), syscall.ENOSPC, "Clear on a full disk")
	d.Fail(nil)
	testcheck.NoError(t, l.Clear(holder(t, winnt.SeSecurityPrivilege)))
	testcheck.NoError(t, l.Close())
}

// TestBusyLogIsCleared checks that a log whose queue is never empty is cleared before the last record (U-69).
func TestBusyLogIsCleared(t *testing.T) {
	const most = 5000
	var l *Log
	var writes atomic.Int32
	e := opened(t, audit.Success, "a")
	cfg := Config{Dir: t.TempDir(), flushers: 1, Faults: func(operation, name string) error {
		if l != nil && operation == "write" && strings.Contains(name, segmentPrefix) && writes.Add(1) < most {
			return l.WriteLater(e) // queues the next record before this one is written
		}
		return nil
	}}
	l = mustOpen(t, cfg)
	testcheck.NoError(t, l.WriteLater(e))
	testcheck.NoError(t, l.Clear(holder(t, winnt.SeSecurityPrivilege)))
	if n := writes.Swap(most); n >= most {
		t.Errorf("cleared after %d writes, want earlier", n)
	}
	testcheck.NoError(t, l.Close())
}

// TestArchiveIsDurable checks that an archived segment is in the archive after a crash, and is never lost.
func TestArchiveIsDurable(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.SegmentBytes, cfg.Keep.Full = 4_000, Archive
	l := mustOpen(t, cfg)
	mustWrite(t, l, 60)
	testcheck.NoError(t, l.Clear(holder(t, winnt.SeSecurityPrivilege)))
	after := d.crash(lostAll)
	moved := 0
	for name, n := range d.now {
		if strings.HasPrefix(name, "archive/") {
			moved++
			if left := after.now[name]; left == nil || !bytes.Equal(left.data, n.data) {
				t.Errorf("%s is not there after a crash", name)
			}
		}
	}
	testcheck.That(t, moved != 0, "no segment was moved to the archive, want at least 1")
	testcheck.NoError(t, l.Close())
}

// TestHeaderNeedsExactlyItsHashes checks that a header is rejected unless it has the number of hashes of a tree of the
// preceding records, even if its checksum is valid.
func TestHeaderNeedsExactlyItsHashes(t *testing.T) {
	for _, size := range []uint64{0, 1, 2, 3, 255, 256, 1<<40 + 5} {
		for n := range 45 {
			h := header{first: size + 1, before: frontier{size: size, hashes: make([]tlog.Hash, n)}}
			_, err := decodeHeader(h.encode())
			if want := n == bits.OnesCount64(size); (err == nil) != want {
				t.Errorf("%d hashes for %d records: %v", n, size, err)
			}
		}
	}
}

// TestClearNeedsPrivilegeAndContinuesLog checks that clearing needs SeSecurityPrivilege, and that the remaining log
// begins with event 1102, verifies, and continues the removed records (UC-60, U-69).
func TestClearNeedsPrivilegeAndContinuesLog(t *testing.T) {
	for _, full := range []Full{Overwrite, Archive} {
		d, cfg := newConfig(t)
		cfg.SegmentBytes, cfg.Keep.Full = 4_000, full
		l := mustOpen(t, cfg)
		mustWrite(t, l, 20)
		for _, from := range []audit.Origin{{}, holder(t)} {
			testcheck.ErrorIs(t, l.Clear(from), fs.ErrPermission, "without a token, and without the privilege")
		}
		testcheck.NoError(t, l.Clear(holder(t, winnt.SeSecurityPrivilege)))
		old := d.now[checkpointName].data // of all removed records
		mustWrite(t, l, 3)
		testcheck.NoError(t, l.Close())
		events := recordsOf(t, d)
		first := events[0]
		testcheck.RequireThat(t, first.ID == 1102 && first.RecordID == 22,
			"the first record is %d, event %d, want 22, 1102", first.RecordID, first.ID)
		c := testcheck.Must(parseSigned(old))
		for name, want := range map[string]string{"SubjectUserSid": "S-1-5-21-1-2-3-500",
			"LastRecordId": strconv.Itoa(21), "TreeRoot": hex.EncodeToString(c.Root[:])} {
			if got, _ := first.Field(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if moved := d.now["archive/"+segmentName(1)] != nil; moved != (full == Archive) {
			t.Errorf("moved to the archive: %t, want %t", moved, full == Archive)
		}
		_, key := testKey(t)
		v, err := Verify(Verification{disk: d, Keys: []note.Verifier{key}, Anchors: [][]byte{old}})
		testcheck.That(t, err == nil && v.First == 22 && len(v.Anchors) == 2,
			"Verify of the cleared log = %+v, %v, want first record 22, and 2 checkpoints found in the tree", v, err)
		l = mustOpen(t, cfg)
		testcheck.NoError(t, l.Close())
		if err := l.Clear(holder(t, winnt.SeSecurityPrivilege)); !errors.Is(err, ErrClosed) {
			t.Errorf("a closed log: %v, want %v", err, ErrClosed)
		}
	}
}

// TestClearReturnsResultOfClosedLog checks that a clearing that the writer took returns the writer's result, even if
// the log is closed before that (U-69).
func TestClearReturnsResultOfClosedLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Log{clearings: make(chan clearing), ended: make(chan struct{})}
		go func() {
			c := <-l.clearings
			close(l.ended)
			synctest.Wait() // until Clear waits for the result
			c.done <- nil
		}()
		testcheck.NoError(t, l.Clear(holder(t, winnt.SeSecurityPrivilege)))
	})
}
