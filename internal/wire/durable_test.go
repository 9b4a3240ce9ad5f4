package wire_test

import (
	"net"
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
	check.NoError(t, err)
	policy := check.Must(audit.NewPolicy(audit.PolicySpec{
		System:  map[audit.Subcategory]audit.Setting{audit.KernelObject: audit.OnBoth},
		Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail},
	}))
	l := &audit.Log{Sink: log}
	l.Policy.Store(policy)
	s := &served{T: t, sys: kernel.Boot(kernel.Config{Log: l}), end: make(chan error, 1)}
	spec := token.LocalSystem()
	spec.EnabledPrivileges |= winnt.SeSecurityPrivilege.Bit() // the event's SACL takes it
	user := check.Must(token.New(spec))
	own := check.Must(s.sys.NewProcess("client", user))
	p := &patient{process: process{own, nt.Documented}, until: make(chan struct{})}
	serving.Store(p)
	ours, theirs := net.Pipe()
	s.conn = ours
	go func() { s.end <- wire.Serve(theirs, p) }()
	t.Cleanup(func() {
		_ = ours.Close()
		<-s.end
		check.Equal(t, p.now(), [2]int{}, "time slices [normal, slow] in use at the end")
		check.NoError(t, s.sys.Close())
		check.NoError(t, log.Close())
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
		check.Require(t, s.status(call(t, "NtCreateEvent", nt.CreateEventIn{DesiredAccess: winnt.EVENT_ALL_ACCESS,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: name,
				SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)")})})), ntstatus.Success,
			"status")
		for range threads - 1 {
			check.Require(t, s.status(&wire.Frame{Kind: wire.NewThread}), ntstatus.Success, "status")
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
