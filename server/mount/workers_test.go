package mount

import (
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/hostfs"
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
		check.That(t, m.workers.free == maxWorkers && m.workers.room == maxWaiting && left == 0,
			"%d requests may begin and %d wait, want %d and %d", m.workers.free, m.workers.room, maxWorkers, maxWaiting)
	})
}

// TestWaitingRequestsOfOneUserLeaveRoomForOthers checks that a user may have half of the requests that wait, and
// another half of the rest. A request that must not be lost waits beyond that (M-72).
func TestWaitingRequestsOfOneUserLeaveRoomForOthers(t *testing.T) {
	w := newWorld(t)
	w.file("f", "text", "O:BAG:SYD:P(A;;FA;;;WD)")
	fh := w.opensFor(alice, "f", syscall.O_RDWR).Fh
	w.occupy(alice)
	w.occupy(bob)
	w.m.workers.mu.Lock()
	w.m.workers.room = 5
	w.m.workers.mu.Unlock()
	h, sent := header(alice, w.m.open(fh).n.id), sync.WaitGroup{}
	read := func() { _, _ = w.m.Read(nil, &fuse.ReadIn{InHeader: h, Fh: fh}, make([]byte, 4)) }
	write := func(flags uint32) {
		_, _ = w.m.Write(nil, &fuse.WriteIn{InHeader: h, Fh: fh, WriteFlags: flags}, []byte("t"))
	}
	lookup := func() { w.m.Lookup(nil, new(header(bob, rootID)), "f", &fuse.EntryOut{}) }
	lock := func(kind uint32) { w.m.SetLk(nil, &fuse.LkIn{InHeader: h, Fh: fh, Lk: fuse.FileLock{Typ: kind}}) }
	for i, c := range []struct {
		name    string
		payer   uint32
		waits   bool
		request func()
	}{
		{"an unlock", alice, true, func() { lock(unix.F_UNLCK) }}, // takes no room
		{"read", alice, true, read}, {"write", alice, true, func() { write(0) }}, {"a third one", alice, true, read},
		{"a fourth one", alice, false, read}, {"a lock", alice, false, func() { lock(unix.F_WRLCK) }},
		{"another user's", bob, true, lookup}, {"his second", bob, false, lookup},
		{"a write-back", alice, true, func() { write(fuse.WRITE_CACHE) }},
		{"a close", alice, true, func() { w.m.Release(nil, &fuse.ReleaseIn{InHeader: h, Fh: fh}) }},
	} {
		if got := w.waits(c.payer, &sent, c.request); got != c.waits {
			t.Errorf("M-72: request %d, %s: waits %t, want %t", i, c.name, got, c.waits)
		}
	}
}

// waiting returns the number of a user's requests that wait for a worker.
func (w *world) waiting(uid uint32) int {
	w.m.workers.mu.Lock()
	defer w.m.workers.mu.Unlock()
	if q := w.m.workers.queues[uid]; q != nil {
		return len(q.waiting)
	}
	return 0
}

// occupy begins so many requests of a user that further ones wait. They end with the call of end, at the latest with
// the test.
func (w *world) occupy(uid uint32) (end func()) {
	w.Helper()
	var all sync.WaitGroup
	release := make(chan struct{})
	w.m.workers.mu.Lock()
	n := (w.m.workers.free + 1) / 2
	w.m.workers.mu.Unlock()
	for range n {
		begun := make(chan struct{})
		all.Go(func() {
			w.m.do(uid, func(*worker) fuse.Status {
				close(begun)
				<-release
				return fuse.OK
			})
		})
		<-begun
	}
	end = sync.OnceFunc(func() {
		close(release)
		all.Wait()
	})
	w.Cleanup(end)
	return end
}

// waits reports whether a request waits for those of a user. It returns once the request waits or has ended. sent
// counts the request until it has ended.
func (w *world) waits(uid uint32, sent *sync.WaitGroup, request func()) bool {
	before, ended := w.waiting(uid), make(chan struct{})
	sent.Go(func() {
		defer close(ended)
		request()
	})
	for {
		select {
		case <-ended:
			return false
		case <-time.After(time.Millisecond):
			if w.waiting(uid) > before {
				return true
			}
		}
	}
}

// TestRequestsOnHandleCountForItsOpener checks that requests on an open handle count for the user who opened it, other
// requests for their sender, and so does a listing with access-based enumeration (M-72).
func TestRequestsOnHandleCountForItsOpener(t *testing.T) {
	for _, hide := range []bool{false, true} {
		w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.HideUnreadable = hide })
		w.describe("", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
		w.file("f", "text", "O:BAG:SYD:P(A;;FA;;;WD)")
		node := w.known(alice, "f")
		var files, dirs, ends [2]uint64
		for i, uid := range []uint32{alice, bob} {
			files[i], ends[i] = w.opensFor(uid, "f", syscall.O_RDWR).Fh, w.opensFor(uid, "f", syscall.O_RDWR).Fh
			var out fuse.OpenOut
			w.want("open", w.m.OpenDir(nil, &fuse.OpenIn{InHeader: header(uid, rootID)}, &out), 0)
			dirs[i] = out.Fh
		}
		end, sent := w.occupy(alice), sync.WaitGroup{}
		for _, c := range []struct {
			name   string
			sender bool // counts for the sender
			send   func(h, root fuse.InHeader, file, dir uint64)
		}{
			{"lookup", true, func(_, root fuse.InHeader, _, _ uint64) {
				w.m.Lookup(nil, &root, "f", &fuse.EntryOut{})
			}},
			{"read", false, func(h, _ fuse.InHeader, fh, _ uint64) {
				_, _ = w.m.Read(nil, &fuse.ReadIn{InHeader: h, Fh: fh}, make([]byte, 4))
			}},
			{"write", false, func(h, _ fuse.InHeader, fh, _ uint64) {
				_, _ = w.m.Write(nil, &fuse.WriteIn{InHeader: h, Fh: fh}, []byte("t"))
			}},
			{"lseek", false, func(h, _ fuse.InHeader, fh, _ uint64) {
				w.m.Lseek(nil, &fuse.LseekIn{InHeader: h, Fh: fh, Whence: unix.SEEK_HOLE}, &fuse.LseekOut{})
			}},
			{"fsync", false, func(h, _ fuse.InHeader, fh, _ uint64) {
				w.m.Fsync(nil, &fuse.FsyncIn{InHeader: h, Fh: fh})
			}},
			{"fallocate", false, func(h, _ fuse.InHeader, fh, _ uint64) {
				w.m.Fallocate(nil, &fuse.FallocateIn{InHeader: h, Fh: fh, Length: 4})
			}},
			{"getattr", false, func(h, _ fuse.InHeader, fh, _ uint64) { w.attributesOf(h.Uid, node, fh) }},
			{"setattr", false, func(h, _ fuse.InHeader, fh, _ uint64) {
				w.m.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{InHeader: h, Fh: fh, Size: 4,
					Valid: fuse.FATTR_FH | fuse.FATTR_SIZE}}, &fuse.AttrOut{})
			}},
			{"setlk", false, func(h, _ fuse.InHeader, fh, _ uint64) {
				w.m.SetLk(nil, &fuse.LkIn{InHeader: h, Fh: fh, Lk: fuse.FileLock{Typ: unix.F_UNLCK}})
			}},
			{"fsyncdir", false, func(_, root fuse.InHeader, _, fh uint64) {
				w.m.FsyncDir(nil, &fuse.FsyncIn{InHeader: root, Fh: fh})
			}},
			{"readdir", hide, func(_, root fuse.InHeader, _, fh uint64) {
				w.m.ReadDir(nil, &fuse.ReadIn{InHeader: root, Fh: fh}, fuse.NewDirEntryList(make([]byte, 4096), 0))
			}},
			{"release", false, func(h, _ fuse.InHeader, fh, _ uint64) {
				i := slices.Index(files[:], fh) // the kernel closes a handle after all other requests on it
				w.m.Release(nil, &fuse.ReleaseIn{InHeader: h, Fh: ends[i]})
			}},
		} {
			for i, sender := range []uint32{bob, alice} { // each with the other's handle
				got := w.waits(alice, &sent, func() {
					c.send(header(sender, node), header(sender, rootID), files[i], dirs[i])
				})
				check.Equal(t, got, c.sender == (sender == alice),
					"M-72: %s by %d on the other user's handle, hiding %t, waits for alice", c.name, sender, hide)
			}
		}
		end()
		sent.Wait()
	}
}

// TestBackgroundRequestsOfOneUserDelayNoOtherUser checks that closes of one user that wait for a worker keep no close
// of another user in the host's kernel, and that a thread has at most one waiting read, even if it reads ahead (M-72).
func TestBackgroundRequestsOfOneUserDelayNoOtherUser(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = true })
	w.file("f", string(make([]byte, 1<<20)), full)
	w.file("g", "of bob", full)
	var files [14]int // Linux has 12 closes in progress by default
	for i := range files {
		files[i] = check.Must(unix.Open(filepath.Join(w.at, "f"), unix.O_RDONLY|unix.O_CLOEXEC, 0))
	}
	ahead := make(chan error, 1)
	w.Cleanup(func() { w.must(errors.Join(<-ahead, unix.Close(files[0]))) }) // once the requests of occupy have ended
	w.occupy(0)
	go func() {
		var all error
		for i := range int64(4) {
			all = errors.Join(all, unix.Fadvise(files[0], i<<17, 1<<17, unix.FADV_WILLNEED))
		}
		ahead <- all
	}()
	for _, fd := range files[1:] {
		w.must(unix.Close(fd))
	}
	w.waitUntil("M-72: a read waits, and 13 closes", func() bool { return w.waiting(0) == len(files) })
	w.sees(bob, "of bob", "cat", "g")
	w.waitUntil("M-72: bob's file is closed", func() bool {
		w.m.mu.Lock()
		defer w.m.mu.Unlock()
		return len(w.m.opens) == 1
	})
	check.Equal(t, w.waiting(0), len(files), "M-72: a read that waits, and 13 closes")
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
	check.That(t, check.Err(pool.get(alice, false)) != nil, "a thread of an ended process")
	_, free := counts(pool)
	check.Equal(t, free, maxWorkers, "requests that may begin after a thread that could not be created")
}
