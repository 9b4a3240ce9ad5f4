package mount

import (
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestThreadIdentityIsRestored checks that after a request a thread has the server's identity again (M-1). A
// request on an open handle runs without impersonation.
func TestThreadIdentityIsRestored(t *testing.T) {
	w := newWorld(t)
	w.file("ours", "", "O:BAG:SYD:P(A;;FA;;;BA)")
	for range 3 {
		h := header(bob, rootID)
		w.want("M-1: bob requests", w.m.Lookup(nil, &h, "ours", &fuse.EntryOut{}), 0)
		w.want("M-1: the server itself", w.m.do(func(th *worker) fuse.Status {
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
	ended := check.Must(w.sys.NewProcess("ended", check.Must(token.New(token.LocalSystem()))))
	ended.Exit()
	pool := newWorkers(w.sys, ended)
	check.That(t, check.Err(pool.get()) != nil && len(pool.room) == 0, "a thread that cannot be created takes room")
}
