package wire_test

import (
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
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

// recorded serves one connection of a patient process in the bubble of a synctest, for a kernel with an
// audit log on a slow disk and an event that the log records each open of.
func recorded(t *testing.T) (*served, *patient, *inject.Injector) {
	t.Helper()
	disk := new(inject.Injector)
	disk.Fail(nil, inject.Kind("sync"), inject.PathMatch("*audit-*"))
	var serving atomic.Pointer[patient]
	log, err := auditlog.Open(auditlog.Config{Dir: t.TempDir(), Faults: func(operation, name string) error {
		if operation == "sync" {
			time.Sleep(flushTime) // by now every call that can wait does
			if p := serving.Load(); p != nil && p.now() != [2]int{} {
				t.Errorf("time slices [normal, slow] in use while calls wait for the disk = %d, want none", p.now())
			}
		}
		return disk.Do(operation, name)
	}})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := audit.NewPolicy(audit.PolicySpec{
		System:  map[audit.Subcategory]audit.Setting{audit.KernelObject: audit.OnBoth},
		Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := &audit.Log{Sink: log}
	l.Policy.Store(policy)
	s := &served{T: t, sys: kernel.Boot(kernel.Config{Log: l}), end: make(chan error, 1)}
	spec := token.LocalSystem()
	spec.EnabledPrivileges |= winnt.SeSecurityPrivilege.Bit() // the event's SACL takes it
	user, err := token.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	own, err := s.sys.NewProcess("client", user)
	if err != nil {
		t.Fatal(err)
	}
	p := &patient{process: process{own, nt.Documented}, until: make(chan struct{})}
	serving.Store(p)
	ours, theirs := net.Pipe()
	s.conn = ours
	go func() { s.end <- wire.Serve(theirs, p) }()
	t.Cleanup(func() {
		_ = ours.Close()
		<-s.end
		if got := p.now(); got != [2]int{} {
			t.Errorf("time slices [normal, slow] in use at the end = %d, want none", got)
		}
		if err := s.sys.Close(); err != nil {
			t.Error(err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, p, disk
}

// Opens of many threads of one connection, each answered after its record is on disk, wait together, so few flushes
// serve them all (W-96, U-62). A waiting call holds no time slice, but has one before and after the wait. The calls
// of one thread keep their order (W-11).
func TestRecordedOpensShareFlushes(t *testing.T) {
	const threads, each = 64, 3
	synctest.Test(t, func(t *testing.T) {
		s, p, disk := recorded(t)
		s.greet()
		name := kernel.BaseNamedObjects + `\recorded`
		if st := s.status(call(t, "NtCreateEvent", nt.CreateEventIn{DesiredAccess: winnt.EVENT_ALL_ACCESS,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: name,
				SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)")})})); st != ntstatus.Success {
			t.Fatal(st)
		}
		for range threads - 1 {
			if st := s.status(&wire.Frame{Kind: wire.NewThread}); st != ntstatus.Success {
				t.Fatal(st)
			}
		}
		open := call(t, "NtOpenEvent", nt.OpenEventIn{DesiredAccess: winnt.EVENT_ALL_ACCESS,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: name})})
		var all []byte
		for i := range threads * each {
			open.Request, open.Thread = uint64(i), uint32(i%threads+1)
			all = wire.AppendFrame(all, open)
		}
		before, turns := disk.Selected(), p.all
		go func() { _, _ = s.conn.Write(all) }()
		newest := map[uint32]uint64{}
		for range threads * each {
			f := s.receive()
			head, _, err := wire.DecodeAnswer(f.Body)
			if err != nil || head.Status != ntstatus.Success {
				t.Fatal(head.Status, err)
			}
			th := uint32(f.Request%threads + 1)
			if f.Request < newest[th] {
				t.Errorf("thread %d: reply to open %d came after that to open %d, want them in order",
					th, f.Request, newest[th])
			}
			newest[th] = f.Request
		}
		if n := disk.Selected() - before; n == 0 || n > threads*each/8 {
			t.Errorf("%d flushes for %d recorded opens of %d threads, want 1 to %d", n, threads*each, threads,
				threads*each/8)
		} else {
			t.Logf("%d flushes for %d recorded opens", n, threads*each)
		}
		synctest.Wait()
		if n := p.all - turns; p.now() != [2]int{} || n < 2*threads*each {
			t.Errorf("time slices in use after the opens = %d, %d in total, want none in use and two for each open",
				p.now(), n)
		}
	})
}
