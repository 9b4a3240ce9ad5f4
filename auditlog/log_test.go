package auditlog

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// opened returns a typical record: the request for a handle to a file.
func opened(t testing.TB, outcome audit.Outcome, name string) audit.Event {
	t.Helper()
	tok := testcheck.Must(token.New(token.Spec{User: token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-1107")}}))
	from := audit.Origin{Subject: access.Subject{Primary: tok}, ProcessID: 420, ProcessName: "files"}
	return audit.HandleRequested(from, audit.Object{Type: "File", Name: name, Handle: 0x4c},
		audit.HandleRequest{Outcome: outcome, Access: winnt.FILE_READ_DATA})
}

func mustOpen(t testing.TB, cfg Config) *Log {
	t.Helper()
	if cfg.Dir != "" {
		checkClosed(t, cfg.Dir)
	}
	return testcheck.Must(Open(cfg))
}

// mustWrite writes records that are acknowledged together.
func mustWrite(t testing.TB, l *Log, n int) {
	t.Helper()
	e := opened(t, audit.Failure, "report")
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if err := l.Write(e); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// writeLog opens a log, writes records that are acknowledged together, and closes it.
func writeLog(t testing.TB, cfg Config, records int) {
	t.Helper()
	l := mustOpen(t, cfg)
	mustWrite(t, l, records)
	testcheck.NoError(t, l.Close())
}

func mustVerify(t testing.TB, dir string) *Verified {
	t.Helper()
	return testcheck.Must(Verify(Verification{Dir: dir}))
}

// TestReopenedLogContinuesRecordIDs checks that RecordIds continue in a reopened log, and that it verifies (U-63, U-70,
// U-71).
func TestReopenedLogContinuesRecordIDs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	for round := range 3 {
		writeLog(t, Config{Dir: dir, SegmentBytes: 6_000}, 40)
		v := mustVerify(t, dir)
		if want := uint64((round + 1) * 42); v.Last != want || v.Checkpoint.Size != want ||
			!v.Whole { // with start and stop
			t.Fatalf("%+v, want %d records", v, want)
		}
	}
	r := testcheck.Must(NewReader(dir, 0))
	defer r.Close()
	for id := uint64(1); id <= 126; id++ {
		rec, err := r.Next()
		testcheck.RequireThat(t, err == nil && rec.ID == id, "record %d: %d, %v, want %d, nil", id, rec.ID, err, id)
		if e, err := rec.Event(); err != nil || e.RecordID != id {
			t.Fatalf("record %d: %v, %v, want %v, nil", id, e.RecordID, err, id)
		}
	}
	for _, name := range []string{keyName, checkpointName, segmentName(1)} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("Stat(%q) = %v, %v, want a file of mode 0600", name, info, err)
		}
	}
}

// TestConcurrentRecordsAreAcknowledgedOnce checks that the records of many goroutines, durable and relaxed ones, are
// acknowledged once each (U-60, U-62).
func TestConcurrentRecordsAreAcknowledgedOnce(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, Config{Dir: dir, Mode: Relaxed})
	var all sync.WaitGroup
	events := []audit.Event{opened(t, audit.Failure, "a"), opened(t, audit.Success, "b")}
	for range 8 {
		all.Go(func() {
			for i := range 100 {
				if err := l.Write(events[i%2]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	testcheck.NoError(t, l.Close())
	if err := l.Write(events[0]); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v, want %v", err, ErrClosed)
	}
	if v := mustVerify(t, dir); v.Last != 802 {
		t.Errorf("%d records, want 802", v.Last)
	}
}

// TestLogAssignsRecordNumbers checks that the log assigns each record's number and chain, whatever the record contains
// (U-63).
func TestLogAssignsRecordNumbers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	l := mustOpen(t, Config{Dir: dir})
	e := audit.LogStarted()
	e.RecordID, e.Chain = 77, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	testcheck.NoError(t, l.Write(e))
	testcheck.NoError(t, l.Close())
	r := testcheck.Must(NewReader(dir, 2))
	defer r.Close()
	rec := testcheck.Must(r.Next())
	if got, err := rec.Event(); err != nil || got.RecordID != 2 || got.Chain == e.Chain {
		t.Errorf("U-63: number %d, chain %x, %v, want 2 and another chain", got.RecordID, got.Chain, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, segmentName(1))); err != nil ||
		bytes.Contains(b, hex.AppendEncode(nil, []byte(e.Chain))) {
		t.Errorf("U-63: the chain that it brought was written: %v", err)
	}
}

// A log without space for some records of an operation stores none of them, though it has a reserve for the others.
// An operation whose records all may use the reserve is stored whole. No records are not an operation (U-93).
func TestWriteAllIsAllOrNone(t *testing.T) {
	of := func(spec token.Spec) audit.Event {
		v := testcheck.Must(token.New(spec))
		return opened(t, audit.Failure, "report").Of(v)
	}
	admin, user := of(token.LocalSystem()), opened(t, audit.Failure, "report")
	end := user.WithHeader(audit.Header{ID: 4689})
	cfg := testConfig(t, newMemDisk(t, ""))
	cfg.Keep, cfg.Reserve = Keep{Bytes: 50_000, Full: Stop}, 20_000
	l := mustOpen(t, cfg)
	for n := 0; l.Write(user) == nil; n++ {
		testcheck.RequireThat(t, n <= 1000, "the log does not stop after %d records, want at most 1000", n)
	}
	stored := l.Durable()
	for _, c := range []struct {
		name   string
		events []audit.Event
		want   uint64 // records stored
		err    error
	}{
		{"no records", nil, 0, nil},
		{"the second is a user's", []audit.Event{admin, user}, 0, ErrStopped},
		{"the first is a user's", []audit.Event{user, end, admin}, 0, ErrStopped},
		{"the rest is for administrators", []audit.Event{admin, end}, 0, ErrStopped},
		{"all may use the reserve", []audit.Event{admin, admin}, 3, nil}, // and event 4612 about the lost records
	} {
		err := l.WriteAll(c.events)
		if got := l.Durable() - stored; got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %d records stored, error %v; want %d, %v", c.name, got, err, c.want, c.err)
		}
		stored = l.Durable()
	}
	testcheck.NoError(t, l.Close())
	before, _ := l.Health()
	testcheck.ErrorIs(t, l.WriteAll([]audit.Event{admin, user}), ErrClosed, "WriteAll after Close")
	if lost, _ := l.Health(); lost != before+2 {
		t.Errorf("%d records are lost after Close, want 2", lost-before)
	}
	full := &Log{next: &batch{events: make([]audit.Event, queueRecords)}}
	testcheck.Equal(t, full.WriteAll(nil), nil, "no records for a full queue")
	// A batch whose other records are in the reserve.
	done := make(chan struct{})
	close(done)
	l = &Log{next: &batch{done: done, err: ErrStopped}}
	testcheck.ErrorIs(t, l.WriteAll([]audit.Event{admin, user}), ErrStopped, "records that are not in the reserve")
	mixed := &Log{next: &batch{}}
	testcheck.Must(mixed.push([]audit.Event{admin}, true, nil))
	testcheck.Must(mixed.push([]audit.Event{admin, user}, true, &limit{records: 2}))
	testcheck.Must(mixed.push([]audit.Event{admin}, true, nil))
	kept := len((&writer{log: mixed}).essential(mixed.next))
	testcheck.Equal(t, kept, 2, "records for the reserve before and after those of an operation that may not use it")
}

// A record waits for the disk through the call that made it, so that other calls can run.
func TestRecordWaitsThroughItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done, waits := make(chan struct{}), 0
		log := &audit.Log{Sink: &Log{next: &batch{done: done}}}
		policy := audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.SensitivePrivilegeUse: audit.OnBoth}}
		log.Policy.Store(testcheck.Must(audit.NewPolicy(policy)))
		tok := testcheck.Must(token.New(token.LocalSystem()))
		from := audit.Origin{Subject: access.Subject{Primary: tok}, Wait: func(<-chan struct{}) {
			waits++
			close(done)
		}}
		st := log.ServiceCalled(from, "Security", "", winnt.Privileges(winnt.SeTcbPrivilege), audit.Success)
		testcheck.That(t, st == ntstatus.Success && waits == 1, "%v after %d waits, want success after 1", st, waits)
	})
}
