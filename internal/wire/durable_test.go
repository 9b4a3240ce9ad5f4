package wire_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// flushTime is the duration of a flush of the slow disk.
const flushTime = 333 * time.Microsecond

// watched is a patient process whose watcher gets each call, after its record is on disk.
type watched struct {
	*patient
	called func(th *nt.Thread, c *nt.Call)
}

// Wants implements wire.Watcher.
func (watched) Wants(ntstatus.Status) bool { return true }

// Called implements wire.Watcher.
func (w watched) Called(th *nt.Thread, c *nt.Call, _ int) { w.called(th, c) }

// slowDisk makes each flush take at least flushTime. No two flushes end in the same instant, so in the bubble of a
// synctest every other goroutine waits when wait returns.
type slowDisk struct {
	mu   sync.Mutex
	last time.Time // the end of the latest flush
}

// wait returns at the end of a flush that begins now.
func (d *slowDisk) wait() {
	d.mu.Lock()
	end := time.Now().Add(flushTime)
	if !end.After(d.last) {
		end = d.last.Add(1)
	}
	d.last = end
	d.mu.Unlock()
	time.Sleep(time.Until(end))
}

// recorded serves one connection of a patient process in the bubble of a synctest, for a kernel with an
// audit log on a slow disk and an event that the log records each open of. called gets each call and may be nil. writes
// gets the size of each write to the connection.
func recorded(t *testing.T, called func(*nt.Thread, *nt.Call)) (s *served, p *patient, disk *inject.Injector,
	writes <-chan int) {
	t.Helper()
	disk = new(inject.Injector)
	disk.Fail(nil, inject.Kind("sync"), inject.PathMatch("*audit-*"))
	var serving atomic.Pointer[patient]
	var slow slowDisk
	log := check.Must(auditlog.Open(auditlog.Config{Dir: t.TempDir(), Faults: func(operation, name string) error {
		if operation == "sync" {
			slow.wait() // by now every call that can wait does
			// A call that called holds has a time slice.
			if p := serving.Load(); called == nil && p != nil && p.now() != [2]int{} {
				t.Errorf("time slices [normal, slow] in use while calls wait for the disk = %d, want none", p.now())
			}
		}
		return disk.Do(operation, name)
	}}))
	policy := check.Must(audit.NewPolicy(audit.PolicySpec{
		System:  map[audit.Subcategory]audit.Setting{audit.KernelObject: audit.OnBoth},
		Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail},
	}))
	l := &audit.Log{Sink: log}
	l.Policy.Store(policy)
	s = &served{T: t, sys: kernel.Boot(kernel.Config{Log: l}), end: make(chan error, 1)}
	spec := token.LocalSystem()
	spec.EnabledPrivileges |= winnt.SeSecurityPrivilege.Bit() // the event's SACL takes it
	user := check.Must(token.New(spec))
	own := check.Must(s.sys.NewProcess("client", user))
	p = &patient{process: process{own, nt.Documented}, until: make(chan struct{})}
	serving.Store(p)
	ours, theirs := net.Pipe()
	s.conn = ours
	var served wire.Process = p
	if called != nil {
		served = watched{p, called}
	}
	sizes := make(chan int, 1000)
	go func() { s.end <- wire.Serve(counted{theirs, sizes}, served) }()
	t.Cleanup(func() {
		_ = ours.Close()
		<-s.end
		check.Equal(t, p.now(), [2]int{}, "time slices [normal, slow] in use at the end")
		check.NoError(t, s.sys.Close())
		check.NoError(t, log.Close())
	})
	return s, p, disk, sizes
}

// opens creates an event whose opens are recorded, and threads-1 more threads. It returns the frames of opens, each for
// the next thread.
func (s *served) opens(threads, n int) (all []byte) {
	s.Helper()
	s.exchangeHello()
	name := kernel.BaseNamedObjects + `\recorded`
	check.Require(s, s.status(call(s.T, "NtCreateEvent", nt.CreateEventIn{DesiredAccess: winnt.EVENT_ALL_ACCESS,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: name,
			SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)")})})), ntstatus.Success,
		"status")
	for range threads - 1 {
		check.Require(s, s.status(&wire.Frame{Kind: wire.NewThread}), ntstatus.Success, "status")
	}
	open := call(s.T, "NtOpenEvent", nt.OpenEventIn{DesiredAccess: winnt.EVENT_ALL_ACCESS,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: name})})
	for i := range n {
		open.Request, open.Thread = uint64(i), uint32(i%threads+1)
		all = wire.AppendFrame(all, open)
	}
	return all
}

// opened receives the answer to an open of opens, which must have succeeded, and returns its request number.
func (s *served) opened() uint64 {
	s.Helper()
	f := s.receive()
	head, _, err := wire.DecodeAnswer(f.Body)
	if err != nil || head.Status != ntstatus.Success {
		s.Fatal(head.Status, err)
	}
	return f.Request
}

// The calls of a connection that one flush released are finished in one time slice, and their answers are sent in
// one write (W-96, W-44).
func TestAnswersAfterOneFlushAreSentTogether(t *testing.T) {
	const threads = 64
	synctest.Test(t, func(t *testing.T) {
		s, p, disk, writes := recorded(t, nil)
		all := s.opens(threads, threads)
		for len(writes) > 0 {
			<-writes
		}
		flushes, slices := disk.Selected(), p.all
		go func() { _, _ = s.conn.Write(all) }()
		for range threads {
			s.opened()
		}
		synctest.Wait()
		flushes, slices = disk.Selected()-flushes, p.all-slices
		// Reading takes a time slice for each buffer of frames.
		if n := len(writes); flushes == 0 || n > flushes || slices > flushes+4 {
			t.Errorf("%d opens, released by %d flushes: %d writes and %d time slices, want one write for each flush, "+
				"and four time slices more", threads, flushes, n, slices)
		} else {
			t.Logf("%d opens: %d flushes, %d writes, %d time slices", threads, flushes, n, slices)
		}
	})
}

// A call that takes long after its wait for the disk, and then waits for it again, delays no other call that the same
// flush released (W-43). No time slice is left in use.
func TestLongCallAfterFlushDelaysNoOtherThread(t *testing.T) {
	const threads = 8
	synctest.Test(t, func(t *testing.T) {
		held := make(chan struct{})
		var later atomic.Bool
		s, _, _, _ := recorded(t, func(th *nt.Thread, c *nt.Call) {
			if in, opens := c.In.(nt.OpenEventIn); opens && !later.Swap(true) {
				<-held
				_, st := th.NtOpenEvent(in.DesiredAccess, in.ObjectAttributes.V)
				check.Equal(t, st, ntstatus.Success, "status of another open")
			}
		})
		all := s.opens(threads, threads)
		go func() { _, _ = s.conn.Write(all) }()
		answered := map[uint64]bool{}
		for range threads - 1 { // a delayed open would block the bubble
			answered[s.opened()] = true
		}
		close(held)
		answered[s.opened()] = true
		check.Equal(t, len(answered), threads, "opens that were answered")
	})
}

// Opens of many threads of one connection, each answered after its record is on disk, wait together, so few flushes
// serve them all (W-96, U-62). A waiting call holds no time slice, but has one before and after the wait. The calls
// of one thread keep their order (W-11).
func TestRecordedOpensShareFlushes(t *testing.T) {
	const threads, each = 64, 3
	synctest.Test(t, func(t *testing.T) {
		s, p, disk, _ := recorded(t, nil)
		all := s.opens(threads, threads*each)
		before, turns := disk.Selected(), p.all
		go func() { _, _ = s.conn.Write(all) }()
		newest := map[uint32]uint64{}
		for range threads * each {
			n := s.opened()
			th := uint32(n%threads + 1)
			check.That(t, n >= newest[th],
				"thread %d: reply to open %d came after that to open %d, want them in order", th, n, newest[th])
			newest[th] = n
		}
		if n := disk.Selected() - before; n == 0 || n > threads*each/8 {
			t.Errorf("%d flushes for %d recorded opens of %d threads, want 1 to %d", n, threads*each, threads,
				threads*each/8)
		} else {
			t.Logf("%d flushes for %d recorded opens", n, threads*each)
		}
		synctest.Wait()
		// The opens of a thread behind its first one have time slices of their own.
		if n := p.all - turns; p.now() != [2]int{} || n < 2*threads*(each-1) {
			t.Errorf("time slices in use after the opens = %d, %d in total, want none in use and two for each open "+
				"but the first of a thread", p.now(), n)
		}
	})
}

// A connection ends only after its calls, also after one that continues after a wait for the disk (W-12).
func TestConnectionEndsAfterCallThatWaitedForDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := make(chan struct{})
		s, _, _, _ := recorded(t, func(_ *nt.Thread, c *nt.Call) {
			if _, opens := c.In.(nt.OpenEventIn); opens {
				<-held
			}
		})
		all := s.opens(1, 1)
		check.NoError(t, check.Err(s.conn.Write(all)))
		time.Sleep(time.Second) // the record is on disk by then
		check.NoError(t, s.conn.Close())
		synctest.Wait()
		check.Equal(t, len(s.end), 0, "ends of the connection during the call")
		close(held)
	})
}
