package auditlog

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// of returns a record about an administrator or an ordinary user.
func of(t *testing.T, admin bool) audit.Event {
	t.Helper()
	spec := token.LocalSystem()
	if !admin {
		return opened(t, audit.Failure, "report")
	}
	v := testcheck.Must(token.New(spec))
	return opened(t, audit.Failure, "report").Of(v)
}

// fill writes records until one is rejected, and returns the number of stored ones.
func fill(t *testing.T, l *Log, e audit.Event) (kept int) {
	t.Helper()
	for ; ; kept++ {
		switch err := l.Write(e); {
		case errors.Is(err, unix.ENOSPC):
			return kept
		case err != nil || kept > 100_000:
			t.Fatalf("after %d records: %v", kept, err)
		}
	}
}

// TestReserveIsForAdministrators checks that on a full disk the reserve keeps records of administrators, and its first
// half also those of the ends of processes and sessions. They fail when the reserve is used up, and all records are
// stored again when there is space (U-93).
func TestReserveIsForAdministrators(t *testing.T) {
	disk := smallDisk(t, 2048)
	ballast := filepath.Join(disk, "ballast")
	const reserve = 256 << 10
	l := mustOpen(t, Config{Dir: filepath.Join(disk, "log"), Reserve: reserve})
	testcheck.NoError(t, os.WriteFile(ballast, make([]byte, 1024<<10), 0o600))
	user, admin := of(t, false), of(t, true)
	end := user.WithHeader(audit.Header{ID: 4689})
	if n := fill(t, l, user); n == 0 {
		t.Fatal("no record of a user fits into the log, want at least 1")
	}
	s, err := l.State()
	testcheck.That(t, err == nil && s.Reserved == reserve && errors.Is(s.Failed, unix.ENOSPC) && s.Lost == 1,
		"State of a log on a full disk = %+v, %v, want %d bytes reserved, 1 lost record and the failure %v", s, err,
		reserve, unix.ENOSPC)
	before := s.Bytes
	if n := fill(t, l, end); n == 0 {
		t.Error("no record of a process exit is kept on a full disk, want at least 1")
	}
	if s, _ = l.State(); s.Bytes-before > reserve/2+4096 || s.Reserved > reserve/2 {
		t.Errorf("records of ends took %d bytes of %d, and left %d, want at most %d, at most %d", s.Bytes-before,
			reserve, s.Reserved, reserve/2+4096, reserve/2)
	}
	if n := fill(t, l, admin); n < 50 {
		t.Errorf("%d records of administrators are kept on a full disk, want at least 50", n)
	}
	if s, _ = l.State(); s.Reserved > 4096 || s.Bytes-before < reserve-8192 {
		t.Errorf("of the reserve %d bytes are left, %d were written, want at most 4096, at least %d", s.Reserved,
			s.Bytes-before, reserve-8192)
	}
	if err := l.Write(user); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("a user's record behind the reserve: %v, want %v", err, unix.ENOSPC)
	}
	testcheck.NoError(t, os.Remove(ballast))
	for _, e := range []audit.Event{user, end, admin} {
		testcheck.Equal(t, l.Write(e), nil, "with room again")
	}
	if s, _ = l.State(); s.Reserved != reserve {
		t.Errorf("with room again %d bytes are in reserve, want %d", s.Reserved, reserve)
	}
	testcheck.NoError(t, l.Close())
	mustVerify(t, filepath.Join(disk, "log"))
}

// A log that opens on a full disk after a crash finds the space that its segment still has, and keeps the records of
// ends there (U-93).
func TestReserveSurvivesCrashOnFullDisk(t *testing.T) {
	disk := smallDisk(t, 2048)
	const reserve, left = 256 << 10, 192 << 10
	cfg := Config{Dir: filepath.Join(disk, "log"), Reserve: reserve}
	l := mustOpen(t, cfg)
	mustWrite(t, l, 1)
	testcheck.NoError(t, l.Close())
	// Restore the state that a crash leaves: a part of the reserve behind the records, and no other space.
	seg := testcheck.Must(os.OpenFile(filepath.Join(cfg.Dir, segmentName(1)), os.O_RDWR, 0))
	size := testcheck.Must(seg.Stat()).Size()
	testcheck.NoError(t, unix.Fallocate(int(seg.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size+left))
	testcheck.NoError(t, seg.Close())
	testcheck.ErrorIs(t, os.WriteFile(filepath.Join(disk, "ballast"), make([]byte, 2048<<10), 0o600), unix.ENOSPC, "fill")
	l = mustOpen(t, cfg)
	s := testcheck.Must(l.State())
	testcheck.That(t, s.Reserved > left-8192 && s.Reserved <= left+8192, "%d bytes in reserve, want about %d",
		s.Reserved, left)
	testcheck.ErrorIs(t, l.Write(of(t, false)), unix.ENOSPC, "a user's record")
	testcheck.NoError(t, l.Write(of(t, false).WithHeader(audit.Header{ID: 4689})))
	testcheck.NoError(t, os.Remove(filepath.Join(disk, "ballast")))
	testcheck.NoError(t, l.Close())
	mustVerify(t, cfg.Dir)
}

// TestFlushesOverwriteZeros checks that most flushes of a log with a reserve do not change the segment's length and
// blocks, that readers end before the zeros, and that zeros are not damage after a crash. Other bytes after the records
// are damage in a segment that another one follows.
func TestFlushesOverwriteZeros(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Dir: filepath.Join(dir, "log"), Reserve: 4 << 20}
	l := mustOpen(t, cfg)
	name := filepath.Join(dir, "log", segmentName(1))
	shapes := map[[2]int64]bool{}
	for range 500 {
		mustWrite(t, l, 1)
		var s unix.Stat_t
		testcheck.NoError(t, unix.Stat(name, &s))
		shapes[[2]int64{s.Size, s.Blocks}] = true
	}
	testcheck.That(t, len(shapes) <= 3, "500 flushes gave the segment %d sizes, want at most 3", len(shapes))
	mustVerify(t, cfg.Dir)
	torn, err := os.ReadFile(name)
	if s, failed := l.State(); err != nil || failed != nil || s.Bytes >= int64(len(torn)) || s.Bytes < 500*100 {
		t.Errorf("%d bytes of records in a segment of %d, %v, %v", s.Bytes, len(torn), err, failed)
	}
	records := len(bytes.TrimRight(torn, "\x00"))
	crashed := filepath.Join(dir, "crashed")
	if err := os.CopyFS(crashed, os.DirFS(cfg.Dir)); err != nil { // as after kill -9
		t.Fatal(err)
	}
	testcheck.NoError(t, l.Close())
	for what, tail := range map[string][]byte{"zeros": make([]byte, 1<<20), "one zero": {0}, "other bytes": {0, 0, 1}} {
		f := bytes.NewReader(append(torn[:records:records], tail...))
		s, err := scan(f)
		testcheck.NoError(t, err)
		for err == nil {
			_, err = s.next()
		}
		if want := what != "other bytes"; isEnd(err) != want || s.at != int64(records) {
			t.Errorf("%s behind the records: %v at %d, want the end: %t, at %d", what, err, s.at, want, records)
		}
	}
	testcheck.NoError(t, os.Chmod(filepath.Join(crashed, "key"), 0o600))
	cfg.Dir = crashed
	l = mustOpen(t, cfg)
	if got := l.Recovered(); got.Cut != 0 || got.CutFile != "" {
		t.Errorf("after a crash: %+v, want nothing cut", got)
	}
	testcheck.NoError(t, l.Close())
	mustVerify(t, cfg.Dir)
}

// A log opens on a disk that has space for the reserve and no more. The reserve does not count as bytes of the log, and
// closing the log gives its space back (U-93).
func TestReserveNeedsNoMoreThanItsSize(t *testing.T) {
	d, cfg := newConfig(t)
	d.allocates, cfg.Reserve = true, 4_096
	d.Fail(unix.ENOSPC, inject.Kind("allocate"))
	l := mustOpen(t, cfg)
	d.Fail(unix.ENOSPC, inject.Kind("allocate"), inject.OnIndex(0)) // the first attempt, for more than the reserve
	mustWrite(t, l, 1)
	s := testcheck.Must(l.State())
	testcheck.Equal(t, s.Reserved, cfg.Reserve, "bytes in reserve")
	testcheck.NoError(t, l.Close())
	s = testcheck.Must(l.State())
	testcheck.Equal(t, s.Bytes, int64(len(d.now[segmentName(1)].data)), "bytes of the closed log")
	d.Fail(fs.ErrNotExist, inject.Kind("open"), inject.OnIndex(0))
	testcheck.NoError(t, testcheck.Err(l.State())) // although a segment is removed while State reads the folder
	for _, kind := range []string{"open", "size"} {
		d.reads = true
		d.Fail(unix.EMFILE, inject.Kind(kind), inject.OnIndex(0))
		testcheck.ErrorIs(t, testcheck.Err(l.State()), unix.EMFILE, "State without a segment's size")
	}
}

// TestStoppedLogKeepsAdministratorsRecords checks that a log stopped at its size limit stores administrators' records
// up to the size of the reserve. Records without a waiting caller never fail an operation (U-92, U-93).
func TestStoppedLogKeepsAdministratorsRecords(t *testing.T) {
	d, cfg := newConfig(t)
	cfg.Keep, cfg.Reserve = Keep{Bytes: 50_000, Full: Stop}, 20_000
	l := mustOpen(t, cfg)
	stopped := func(e audit.Event) (kept int) {
		for ; ; kept++ {
			switch err := l.Write(e); {
			case errors.Is(err, ErrStopped):
				return kept
			case err != nil || kept > 1000:
				t.Fatalf("after %d records: %v", kept, err)
			}
		}
	}
	if n := stopped(of(t, false)); n == 0 {
		t.Error("no record of a user fits into the log, want at least 1")
	}
	later := of(t, true).WithHeader(audit.Header{ID: 4689})
	testcheck.Equal(t, l.WriteLater(later), nil, "a record that no caller waits for")
	if n := stopped(of(t, true)); n < 5 || n > 40 {
		t.Errorf("%d records of administrators behind the bound", n)
	}
	for range 2 {
		testcheck.ErrorIs(t, l.Close(), ErrStopped, "Close")
	}
	testcheck.Equal(t, countOf(t, d, 4689), 0, "records without a waiting caller in the reserve")
	cfg.Reserve = 0
	l = mustOpen(t, cfg) // although there is no space for the record of the start (U-67)
	testcheck.NoError(t, l.Clear(holder(t, winnt.SeSecurityPrivilege)))
	mustWrite(t, l, 1)
	testcheck.NoError(t, l.Close())
	testcheck.Equal(t, countOf(t, d, 4608), 1, "U-67: records of the start that follow the clearing")
}

// TestReserveServesAdministratorsWithoutArchive checks that a full disk, on which no segment can be moved to the
// archive, still keeps administrators' records in the reserve (U-93).
func TestReserveServesAdministratorsWithoutArchive(t *testing.T) {
	d, cfg := newConfig(t)
	d.allocates, cfg.Reserve = true, 20_000
	cfg.SegmentBytes, cfg.CheckpointRecords = 5_000, 5
	cfg.Keep = Keep{Bytes: 25_000, Full: Archive}
	l := mustOpen(t, cfg)
	d.Fail(unix.ENOSPC, inject.Kind("mkdir"), inject.PathMatch("archive"))
	var err error
	for range 1000 {
		if err = l.Write(of(t, false)); err != nil {
			break
		}
	}
	testcheck.ErrorIs(t, err, unix.ENOSPC, "records of a user")
	testcheck.NoError(t, l.Write(of(t, true)))
	d.Fail(nil)
	mustWrite(t, l, 1)
	testcheck.NoError(t, l.Close())
	verifyDisk(t, d)
}
