package mount

import (
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
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
		w.want("M-1: the server itself", w.m.do(alice, func(th *worker) fuse.Status {
			v, _, st := th.openAt(w.m, "ours", nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA,
				CreateDisposition: winnt.FILE_OPEN})
			if st == ntstatus.Success {
				th.NtClose(v)
			}
			return status(st)
		}), 0)
	}
}

// TestSlowRequestsOfOneUserDelayNoOtherUser checks that a user's requests run at the same time until that user has as
// many as could still begin, in the order of their arrival, and that requests of other users do not wait for them
// (M-72).
func TestSlowRequestsOfOneUserDelayNoOtherUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := kernel.Boot(kernel.Config{LSA: logon.Example(sid.SID{}), Log: &audit.Log{}})
		defer sys.Close()
		process := check.Must(sys.NewProcess("mount", check.Must(token.New(token.LocalSystem()))))
		m := &Mount{workers: newWorkers(sys, process)}
		defer m.workers.end()
		var ran [3]atomic.Int32
		release := make(chan struct{})
		begin := func(payer uint32, n int) {
			for range n {
				go m.do(payer, func(*worker) fuse.Status {
					ran[payer].Add(1)
					<-release
					return fuse.OK
				})
				synctest.Wait()
			}
		}
		begin(0, 200)
		begin(1, 200)
		begin(2, 1)
		all := func() [3]int32 { return [3]int32{ran[0].Load(), ran[1].Load(), ran[2].Load()} }
		check.Equal(t, all(), [3]int32{64, 32, 1}, "M-72: requests of three users that run")
		for range 65 {
			release <- struct{}{}
			synctest.Wait()
		}
		begin(2, 1)
		check.Equal(t, ran[2].Load(), 2, "M-72: requests of the third user that ran")
		m.workers.mu.Lock()
		a, b := m.workers.running[0], m.workers.running[1]
		m.workers.mu.Unlock()
		if max(a, b)-min(a, b) > 1 {
			t.Errorf("M-72: %d requests of the first user run and %d of the second, want as many of each", a, b)
		}
		close(release)
		synctest.Wait()
		check.Equal(t, all(), [3]int32{200, 200, 2}, "M-72: requests that ran")
		m.workers.mu.Lock()
		defer m.workers.mu.Unlock()
		left := len(m.workers.running) + len(m.workers.queues) + m.workers.turns.Len()
		check.That(t, m.workers.free == maxWorkers && left == 0,
			"%d requests may begin, want %d", m.workers.free, maxWorkers)
	})
}

// TestPanickedWorkerIsReplaced checks that a thread whose request panicked serves no other request, and that a new
// thread replaces it (M-7).
func TestPanickedWorkerIsReplaced(t *testing.T) {
	w := newWorld(t)
	counts := func(w *workers) (idle, free int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.idle), w.free
	}
	before, _ := counts(w.m.workers)
	for range maxWorkers + 1 {
		func() {
			defer func() { _ = recover() }()
			w.m.do(alice, func(*worker) fuse.Status { panic("of the test") })
		}()
		idle, free := counts(w.m.workers)
		if idle > max(before-1, 0) || free != maxWorkers {
			t.Fatalf("M-7: %d threads are idle and %d free after a panic, %d were idle before", idle, free, before)
		}
		before = idle
	}
	ended := check.Must(w.sys.NewProcess("ended", check.Must(token.New(token.LocalSystem()))))
	ended.Exit()
	pool := newWorkers(w.sys, ended)
	check.That(t, check.Err(pool.get(alice)) != nil, "a thread of an ended process")
	_, free := counts(pool)
	check.Equal(t, free, maxWorkers, "requests that may begin after a thread that could not be created")
}
