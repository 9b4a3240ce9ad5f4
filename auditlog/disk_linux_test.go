package auditlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// smallDisk mounts a file system of kib KiB, or skips the test if it may not.
func smallDisk(t *testing.T, kib int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk", kib)); err != nil {
		t.Skipf("a small tmpfs cannot be mounted (%v): real media are tested by root only", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestFullFileSystemCountsLosses fills a real file system and then frees space. The number of lost records is exact,
// the log verifies, and it can be reopened (UC-57, U-65).
func TestFullFileSystemCountsLosses(t *testing.T) {
	disk := smallDisk(t, 1024)
	dir, ballast := filepath.Join(disk, "log"), filepath.Join(disk, "ballast")
	l := mustOpen(t, Config{Dir: dir, SegmentBytes: 100_000, CheckpointRecords: 50})
	mustWrite(t, l, 3)
	testcheck.NoError(t, os.WriteFile(ballast, make([]byte, 512<<10), 0o600))
	kept, lost := 0, 0
	for lost < 40 {
		switch err := l.Write(opened(t, audit.Failure, "report")); {
		case err == nil:
			kept++
		case errors.Is(err, unix.ENOSPC):
			lost++
		default:
			t.Fatalf("a full disk: %v", err)
		}
	}
	if dropped, err := l.Health(); err != nil || dropped != uint64(lost) {
		t.Errorf("health: %d, %v, want %d, nil", dropped, err, uint64(lost))
	}
	testcheck.NoError(t, os.Remove(ballast))
	mustWrite(t, l, 1)
	testcheck.NoError(t, l.Close())
	mustVerify(t, dir)
	announced := 0
	for _, e := range recordsOf(t, folder{dir: dir}) {
		if e.ID == 4612 {
			text, _ := e.Field("AuditsDiscarded")
			n := 0
			testcheck.NoError(t, testcheck.Err(fmt.Sscan(text, &n)))
			announced += n
		}
	}
	testcheck.That(t, announced == lost && kept != 0,
		"%d records lost, %d announced; %d kept, want %d, at least 1", lost, announced, kept, lost)
	l = mustOpen(t, Config{Dir: dir})
	testcheck.NoError(t, l.Close())
	mustVerify(t, dir)
}

// Free blocks are counted in fragments, whose size can differ from the block size.
func TestFreeSpaceIsCountedInFragments(t *testing.T) {
	testcheck.Equal(t, bytesFree(&unix.Statfs_t{Bavail: 3, Bsize: 1 << 20, Frsize: 4096}), 3*4096, "with fragments")
	testcheck.Equal(t, bytesFree(&unix.Statfs_t{Bavail: 3, Bsize: 512}), 3*512, "without fragments")
	testcheck.Equal(t, free("/none"), -1, "of a folder that is not there")
}

// A file system without fallocate has its own error, which is not that of a full disk.
func TestAllocationMayBeUnsupported(t *testing.T) {
	f, err := folder{dir: "/proc/self"}.Open("comm")
	if err != nil {
		t.Skipf("a file of /proc cannot be written: %v", err)
	}
	testcheck.ErrorIs(t, f.(osFile).Allocate(1), errNoAllocation, "Allocate in /proc")
	testcheck.NoError(t, f.Close())
}

// A log on a file system that was remounted read-only rejects a writer, and can be read, verified and proved.
func TestReadOnlyFileSystemCanBeVerified(t *testing.T) {
	disk := smallDisk(t, 2048)
	dir := filepath.Join(disk, "log")
	writeLog(t, Config{Dir: dir}, 10)
	testcheck.NoError(t, unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	if _, err := Open(Config{Dir: dir}); !errors.Is(err, unix.EROFS) {
		t.Errorf("a writer: %v, want %v", err, unix.EROFS)
	}
	mustVerify(t, dir)
	testcheck.Equal(t, len(recordsOf(t, folder{dir: dir})), 12, "records are read")
	if _, err := ProveRecord(dir, 5); err != nil {
		t.Error(err)
	}
}

// TestReplacedFolderIsDetected replaces a log by an older copy, while no process writes and while one does. A
// checkpoint stored elsewhere reveals the first, the log's own checkpoint the second.
func TestReplacedFolderIsDetected(t *testing.T) {
	for _, writing := range []bool{false, true} {
		top := t.TempDir()
		dir, older := filepath.Join(top, "log"), filepath.Join(top, "older")
		writeLog(t, Config{Dir: dir}, 5)
		testcheck.NoError(t, os.CopyFS(older, os.DirFS(dir)))
		testcheck.NoError(t, os.Chmod(filepath.Join(older, keyName), 0o600))
		l := mustOpen(t, Config{Dir: dir})
		mustWrite(t, l, 5)
		replace := func() {
			t.Helper()
			testcheck.NoError(t, errors.Join(os.Rename(dir, dir+".gone"), os.Rename(older, dir)))
		}
		if writing {
			replace()
			mustWrite(t, l, 5) // writes to the removed folder
		}
		testcheck.NoError(t, l.Close())
		newest := testcheck.Must(os.ReadFile(filepath.Join(dir, checkpointName)))
		if !writing {
			replace()
			mustVerify(t, dir) // it looks complete, and the verification reports this limit
		}
		var f *Fault
		if _, err := Verify(Verification{Dir: dir, Anchors: [][]byte{newest}}); !errors.As(err, &f) ||
			f.Kind != FaultTruncated {
			t.Errorf("writing %t: %v", writing, err)
		}
		if !writing {
			continue
		}
		if _, err := Open(Config{Dir: dir}); !errors.Is(err, ErrDamaged) {
			t.Errorf("it is opened again: %v, want %v", err, ErrDamaged)
		}
	}
}

// TestRecordIDsIncreaseWhenClockGoesBack checks that RecordIds increase after the clock was set back, that no segment
// of unknown age is removed, and that the log verifies (U-63).
func TestRecordIDsIncreaseWhenClockGoesBack(t *testing.T) {
	d, cfg := newConfig(t)
	clock := int64(100 * hour)
	cfg.clock = func() int64 { clock -= hour; return clock }
	cfg.SegmentBytes, cfg.CheckpointRecords, cfg.Keep.Age = 3_000, 5, time.Hour
	for range 3 {
		l := mustOpen(t, cfg)
		for range 10 {
			e := opened(t, audit.Failure, "report")
			e.Time = cfg.clock()
			testcheck.NoError(t, l.Write(e))
		}
		testcheck.NoError(t, l.Close())
	}
	if v := verifyDisk(t, d); v.First != 1 || v.Last != 36 {
		t.Errorf("Verify after the clock went back = %+v, want records 1 to 36", v)
	}
	events := recordsOf(t, d)
	for i, e := range events {
		testcheck.RequireThat(t, e.RecordID == uint64(i+1) && (i == 0 || e.Time < events[i-1].Time),
			"record %d at %d", e.RecordID, e.Time)
	}
}

// A second writer process is rejected with an error that has the process id of the first.
func TestSecondWriterProcessIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	testcheck.NoError(t, os.Mkdir(dir, 0o700)) // an earlier process had a longer number
	testcheck.NoError(t, os.WriteFile(filepath.Join(dir, lockName), []byte("123456789012\n"), 0o600))
	l := mustOpen(t, Config{Dir: dir})
	cmd, out := startVictim(t, dir)
	testcheck.NoError(t, cmd.Wait())
	want := fmt.Sprintf("process %d writes", os.Getpid())
	testcheck.That(t, strings.Contains(out.String(), want) && !bytes.Contains(out.Bytes(), []byte("ack")),
		"%q, want %q", out, want)
	mustWrite(t, l, 2)
	testcheck.NoError(t, l.Close())
	mustVerify(t, dir)
	// A lock file that cannot be written is not locked.
	testcheck.NoError(t, os.Remove(filepath.Join(dir, lockName)))
	testcheck.NoError(t, unix.Mkfifo(filepath.Join(dir, lockName), 0o600))
	checkClosed(t, dir)
	testcheck.ErrorIs(t, testcheck.Err(folder{dir: dir}.Lock()), unix.ESPIPE, "a pipe as the lock file")
	// The writer does not overwrite a file to which a link in the folder leads.
	other := filepath.Join(t.TempDir(), "other")
	testcheck.NoError(t, errors.Join(os.WriteFile(other, []byte("content"), 0o600),
		os.Remove(filepath.Join(dir, lockName)), os.Symlink(other, filepath.Join(dir, lockName))))
	testcheck.ErrorIs(t, testcheck.Err(folder{dir: dir}.Lock()), unix.ELOOP, "a link as the lock file")
	testcheck.Equal(t, string(testcheck.Must(os.ReadFile(other))), "content", "the file behind the link")
}

// On a full file system a fail-closed policy refuses operations that it cannot record, remembers this, and is reset
// when there is space (UC-56, U-64).
func TestFullFileSystemFailsClosed(t *testing.T) {
	disk := smallDisk(t, 512)
	ballast := filepath.Join(disk, "ballast")
	l := mustOpen(t, Config{Dir: filepath.Join(disk, "log")})
	closed, err := audit.NewPolicy(audit.PolicySpec{Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail}})
	testcheck.NoError(t, err)
	log := &audit.Log{Sink: l}
	log.Policy.Store(closed)
	testcheck.NoError(t, os.WriteFile(ballast, make([]byte, 256<<10), 0o600))
	st := ntstatus.Success
	for i := 0; i < 2000 && st == ntstatus.Success; i++ {
		st = log.Write(opened(t, audit.Failure, "report"))
	}
	if value := log.Policy.Load().Options().CrashOnAuditFail; st != ntstatus.AuditFailed || value != audit.AuditFailed {
		t.Errorf("a full disk: %s, CrashOnAuditFail %d, want %s, %d", st, value, ntstatus.AuditFailed,
			audit.AuditFailed)
	}
	testcheck.NoError(t, os.Remove(ballast))
	testcheck.Equal(t, log.ChangePolicy(holder(t, winnt.SeSecurityPrivilege), closed), ntstatus.Success, "set back")
	testcheck.NoError(t, l.Close())
	var last []uint16
	for _, e := range recordsOf(t, folder{dir: filepath.Join(disk, "log")}) {
		last = append(last, e.ID)
	}
	if n := len(last); n < 5 || !slices.Equal(last[n-4:], []uint16{4612, 4621, 4906, 1100}) {
		t.Errorf("%v", last)
	}
	mustVerify(t, filepath.Join(disk, "log"))
}

// A pipe in place of a file of the log does not block a reader that may not write: reading it fails.
func TestPipeInLogDoesNotBlock(t *testing.T) {
	for _, name := range []string{checkpointName, segmentName(1)} {
		dir := t.TempDir()
		writeLog(t, Config{Dir: dir}, 3)
		testcheck.NoError(t, os.Remove(filepath.Join(dir, name)))
		testcheck.NoError(t, unix.Mkfifo(filepath.Join(dir, name), 0o400))
		opened := map[string]bool{}
		faults := func(operation, name string) error {
			if operation == "open" && !opened[name] { // for writing
				opened[name] = true
				return fs.ErrPermission
			}
			return nil
		}
		_, err := Verify(Verification{disk: folder{dir, faults}})
		testcheck.That(t, err != nil, "Verify with a pipe as %s: no error, want one", name)
	}
}
