package mount

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestThreadIdentityIsRestored: after a request a thread has the server's identity again (M-1). A
// request on an open handle runs without impersonation.
func TestThreadIdentityIsRestored(t *testing.T) {
	w := newWorld(t)
	w.file("ours", "", "O:BAG:SYD:P(A;;FA;;;BA)")
	for range 3 {
		h := header(bob, rootID)
		w.says("M-1: bob requests", w.m.Lookup(nil, &h, "ours", &fuse.EntryOut{}), 0)
		w.says("M-1: the server itself", w.m.do(func(th *worker) fuse.Status {
			v, _, st := th.openAt(w.m, "ours", nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA,
				CreateDisposition: winnt.FILE_OPEN})
			if st == ntstatus.Success {
				th.NtClose(v)
			}
			return status(st)
		}), 0)
	}
}

// TestPanickedWorkerIsReplaced checks that a thread whose request panicked serves no other request, and that a new
// thread replaces it (M-7).
func TestPanickedWorkerIsReplaced(t *testing.T) {
	w := newWorld(t)
	before := len(w.m.workers.idle)
	for range maxWorkers + 1 {
		func() {
			defer func() { _ = recover() }()
			w.m.do(func(*worker) fuse.Status { panic("of the test") })
		}()
		if idle, room := len(w.m.workers.idle), len(w.m.workers.room); idle > max(before-1, 0) || room > idle {
			t.Fatalf("M-7: %d threads are idle and %d have room after a panic, %d were idle before", idle, room, before)
		}
		before = len(w.m.workers.idle)
	}
}

// TestFullDiskIsLogged checks that a request without room in the tree's file system fails with ENOSPC, and that the log
// names its user, operation and path (M-48).
func TestFullDiskIsLogged(t *testing.T) {
	needs(t)
	small := folder(t)
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=1m,nr_inodes=8"); err != nil {
		t.Skip("no file system in memory: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(small, unix.MNT_DETACH) })
	log := &lines{}
	w := newWorld(t, func(h *hostfs.Config, c *Config) {
		h.Path, c.Log = small, slog.New(slog.NewTextHandler(log, nil))
	})
	w.dir("d", shared)
	out, err := w.run(alice, "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do echo x >d/f$i || exit 1; done")
	check.That(t, err != nil && strings.Contains(out, "No space left on device"),
		"M-48: %v, %s; want No space left on device", err, out)
	check.That(t, log.with(`msg="no room: `) != 0 && log.with("uid=61001 operation=CREATE path="+w.at+"/d") != 0,
		"M-48: the log does not name the request:\n%s", log)
	w.sees(alice, "1", "sh", "-c", "ls d/f1 | wc -l")
}
