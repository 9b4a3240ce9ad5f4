package audit_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// newLog returns a log over a memory sink with a policy that records the given
// subcategories, both outcomes.
func newLog(t testing.TB, on ...audit.Subcategory) (*audit.Log, *audit.Memory) {
	system := map[audit.Subcategory]audit.Setting{}
	for _, s := range on {
		system[s] = audit.OnBoth
	}
	sink := new(audit.Memory)
	log := &audit.Log{Sink: sink, Names: people{}, Computer: "dc1", Clock: clock}
	log.Policy.Store(mustPolicy(t, audit.PolicySpec{System: system}))
	return log, sink
}

var reportFile = audit.Object{Type: "File", Name: `\Device\Share\report.txt`, Handle: 0x4C}

// UC-39: the first use of each audited right is recorded, once.
func TestFirstUseOfRightIsRecordedOnce(t *testing.T) {
	log, sink := newLog(t, audit.FileSystem)
	h := audit.HandleAudit{GenerateOnClose: true, Audited: 3, Pending: 3}
	for range 1000 {
		var st ntstatus.Status
		if h, st = log.Used(origin(t), reportFile, h, winnt.FILE_READ_DATA, nil); st != ntstatus.Success {
			t.Fatal(st)
		}
	}
	events := sink.Drain()
	check.RequireThat(t, len(events) == 1 && events[0].ID == 4663 && field(t, events[0], "AccessMask") == "0x1",
		"UC-39: events %v, want one 4663 with mask 0x1", ids(events))
	h, _ = log.Used(origin(t), reportFile, h, winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA|4, nil)
	check.That(t, h.Pending == 0 && h.Audited == 3, "state %+v of a used handle, want audited rights 0x3, none pending", h)
	if events = sink.Drain(); len(events) != 1 || field(t, events[0], "AccessMask") != "0x2" {
		t.Errorf("events %v, want one for the first use of the other audited right", ids(events))
	}
}

// Closing an audited handle, and deleting through it, writes a record (UC-25, UC-26, UC-66, U-40, U-41).
func TestAuditedHandleRecordsCloseAndDelete(t *testing.T) {
	log, sink := newLog(t, audit.FileSystem, audit.HandleManipulation)
	audited := audit.HandleAudit{GenerateOnClose: true, Audited: winnt.DELETE}
	log.Deleted(origin(t), reportFile, audited)
	log.Closed(origin(t), reportFile, audited)
	events := sink.Drain()
	check.That(t,
		slices.Equal(ids(events), []int{4660, 4658}) && field(t, events[0], "HandleId") == field(t, events[1], "HandleId"),
		"UC-26: events %v, want 4660 and 4658 of one handle", ids(events))
	check.Equal(t, events[1].Task(), 12800, "UC-25: task of event 4658")
	log.Closed(origin(t), reportFile, audit.HandleAudit{})
	log.Deleted(origin(t), reportFile, audit.HandleAudit{GenerateOnClose: true, Audited: 1})
	log.Duplicated(origin(t), 4, 8, 12, 16)
	events = sink.Drain()
	check.RequireThat(t, slices.Equal(ids(events), []int{4690}), "U-40, U-41: events %v, want [4690]", ids(events))
	for name, want := range map[string]string{"SourceHandleId": "0x4", "SourceProcessId": "0x8", "TargetHandleId": "0xc",
		"TargetProcessId": "0x10"} {
		check.Equal(t, field(t, events[0], name), want, "%s", name)
	}
	log, sink = newLog(t, audit.FileSystem) // Handle Manipulation is off
	o := open(t, log.Policy.Load(), access.Subject{Primary: tokenU(t)}, standardSD, 1)
	log.Closed(origin(t), reportFile, o.handle)
	log.Duplicated(origin(t), 4, 8, 12, 16)
	check.That(t, len(o.events) == 1 && sink.Len() == 0,
		"UC-66: open gave %v, close and duplicate %d, want 1 and 0", ids(o.events), sink.Len())
}

// UC-40: a change of the DACL of a file is recorded if its SACL records
// WRITE_DAC.
func TestDACLChangeIsRecordedByItsSACL(t *testing.T) {
	after := sddl.MustParse("O:BAG:SYD:P(A;;FA;;;BA)")
	const dacl, owner = winnt.DACL_SECURITY_INFORMATION, winnt.OWNER_SECURITY_INFORMATION
	event := audit.Object{Type: "Event"}
	for _, c := range []struct {
		name   string
		on     audit.Subcategory
		object audit.Object
		before string
		info   uint32
		want   []int
	}{
		{"UC-40 audited", audit.FileSystem, reportFile, "O:BAG:SYD:(A;;FR;;;WD)S:(AU;SA;WD;;;WD)", dacl, []int{4670}},
		{"UC-40 not audited", audit.FileSystem, reportFile, "O:BAG:SYD:(A;;FR;;;WD)S:(AU;SA;FR;;;WD)", dacl, nil},
		{"under its own subcategory", audit.AuthorizationPolicyChange, reportFile,
			"O:BAG:SYD:(A;;FR;;;WD)S:(AU;SA;GA;;;WD)", dacl, []int{4670}},
		{"off", audit.Registry, reportFile, "O:BAG:SYD:(A;;FR;;;WD)S:(AU;SA;WD;;;WD)", dacl, nil},
		{"owner, audited for WRITE_DAC only", audit.FileSystem, reportFile, "O:SYG:SYD:P(A;;FA;;;BA)S:(AU;SA;WD;;;WD)",
			owner, nil},
		{"owner, audited", audit.FileSystem, reportFile, "O:SYG:SYD:P(A;;FA;;;BA)S:(AU;SA;WO;;;WD)", owner, []int{4670}},
		{"no change", audit.FileSystem, reportFile, "O:BAG:SYD:P(A;;FA;;;BA)S:(AU;SA;GA;;;WD)", dacl, nil},
		{"other object, no SACL", audit.AuthorizationPolicyChange, event, "O:BAG:SYD:(A;;FR;;;WD)", dacl, []int{4670}},
		{"other object, off", audit.KernelObject, event, "O:BAG:SYD:(A;;FR;;;WD)S:(AU;SA;GA;;;WD)", dacl, nil},
	} {
		log, sink := newLog(t, c.on)
		check.Success(t, log.SecuritySet(origin(t), c.object, sddl.MustParse(c.before), after, c.info))
		events := sink.Drain()
		check.SlicesEqual(t, ids(events), c.want, "%s", c.name)
		if c.name == "UC-40 audited" && (field(t, events[0], "OldSd") != "D:(A;;FR;;;WD)" ||
			field(t, events[0], "NewSd") != "D:P(A;;FA;;;BA)" || events[0].Task() != 13570) {
			t.Errorf("UC-40: OldSd %q NewSd %q task %d", field(t, events[0], "OldSd"), field(t, events[0], "NewSd"),
				events[0].Task())
		}
	}
}

// Servers and the kernel report privilege use, and each report writes its own event (UC-27, UC-28, UC-29, U-42, U-43).
func TestPrivilegeUseIsRecordedPerReporter(t *testing.T) {
	log, sink := newLog(t, audit.SensitivePrivilegeUse, audit.NonSensitivePrivilegeUse)
	tcb := winnt.Privileges(winnt.SeTcbPrivilege)
	log.PrivilegesUsed(origin(t), audit.Object{}, 1, 0, audit.Success)
	check.Equal(t, sink.Len(), 0, "U-42: records of an empty set of privileges")
	from := origin(t)
	for _, who := range []sid.SID{sid.LocalSystem, sid.LocalService, sid.NetworkService} {
		from.Subject.Primary = mustToken(t, token.Spec{User: token.Group{SID: who}})
		check.Success(t, log.ServiceCalledFromKernel(from, "Security", "-", tcb, audit.Success))
	}
	check.Equal(t, sink.Len(), 0, "UC-29: records of the kernel about the system's own accounts")
	log.ServiceCalled(from, "Security", "-", tcb, audit.Success)
	log.ServiceCalledFromKernel(origin(t), "Security", "-", tcb, audit.Success)
	events := sink.Drain()
	if !slices.Equal(ids(events), []int{4673, 4673}) {
		t.Errorf("U-43: events %v, want 4673 twice: the system's own use is not recorded", ids(events))
	} else {
		check.Equal(t, [2]string{field(t, events[1], "ObjectServer"), field(t, events[1], "Service")},
			[2]string{"Security", "-"}, "U-43: server and service of the kernel's record")
	}
	// U-43: the client of a call counts, whether it or its server is one of the system's accounts.
	system, user := tokenSystem(t), origin(t).Subject.Primary
	asClient := func(v *token.Token) *token.Token {
		return v.WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityImpersonation)
	}
	for want, subject := range map[int]access.Subject{
		0: {Primary: user, Client: asClient(system), Level: winnt.SecurityImpersonation},
		1: {Primary: system, Client: asClient(user), Level: winnt.SecurityImpersonation},
	} {
		from.Subject = subject
		log.ServiceCalledFromKernel(from, "Security", "-", tcb, audit.Success)
		events = sink.Drain()
		check.That(t, len(events) == want,
			"U-43: %v for %v: %d records, want %d", subject.Primary.User(), subject.Client.User(), len(events), want)
	}
	// U-17, U-43: an exempt privilege is not named in another one's record.
	both := tcb | winnt.Privileges(winnt.SeBackupPrivilege)
	log.ServiceCalled(origin(t), "Security", "-", both, audit.Success)
	log.PrivilegesUsed(origin(t), audit.Object{}, 1, both, audit.Success)
	events = sink.Drain()
	check.SlicesEqual(t, ids(events), []int{4673, 4674}, "U-43: events")
	for _, e := range events {
		check.SlicesEqual(t, items(e, "PrivilegeList"), []string{"SeTcbPrivilege"}, "U-43: privileges of %d", e.ID)
	}
}

// waitingSink waits for its disk before it accepts a record.
type waitingSink struct{}

func (waitingSink) Write(e audit.Event) error {
	done := make(chan struct{})
	close(done)
	e.Wait(done)
	return nil
}

// The sink waits for its disk by the function of the call that made the record, which lets other calls run.
func TestSinkWaitsThroughTheCall(t *testing.T) {
	log, _ := newLog(t, audit.SensitivePrivilegeUse)
	log.Sink = waitingSink{}
	waits := 0
	from := origin(t)
	from.Wait = func(done <-chan struct{}) {
		waits++
		<-done
	}
	st := log.ServiceCalled(from, "Security", "LsaRegister", winnt.Privileges(winnt.SeTcbPrivilege), audit.Success)
	check.That(t, st == ntstatus.Success && waits == 1, "ServiceCalled: %v, waited %d times, want success, 1", st, waits)
	from.Wait = nil
	st = log.ServiceCalled(from, "Security", "LsaRegister", winnt.Privileges(winnt.SeTcbPrivilege), audit.Success)
	check.Equal(t, st, ntstatus.Success, "ServiceCalled without a function that waits")
}

// A record of a call that has no function to wait with waits until the disk is done.
func TestRecordWaitsForDiskByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := audit.PrivilegedService(origin(t), "Security", "", 0, audit.Success)
		done, returned := make(chan struct{}), false
		go func() {
			e.Wait(done)
			returned = true
		}()
		synctest.Wait()
		check.That(t, !returned, "Wait returned before the disk was done")
		close(done)
		synctest.Wait()
		check.That(t, returned, "Wait did not return when the disk was done")
	})
}

// errBroken is the error of the sink that broken returns.
var errBroken = errors.New("disk full")

// broken returns a sink that refuses everything.
func broken() audit.Sink {
	i := new(inject.Injector)
	i.Fail(errBroken)
	return i
}

// batch is a sink that keeps several records at once.
type batch struct{ *audit.Memory }

func (b batch) WriteAll(events []audit.Event) error {
	for _, e := range events {
		if err := b.Write(e); err != nil {
			return err
		}
	}
	return nil
}

// counting counts the calls of a sink that keeps nothing.
type counting struct{ calls []int }

func (c *counting) Write(audit.Event) error { return c.WriteAll(make([]audit.Event, 1)) }

func (c *counting) WriteAll(events []audit.Event) error {
	c.calls = append(c.calls, len(events))
	for _, e := range events {
		done := make(chan struct{})
		close(done)
		e.Wait(done)
	}
	return fmt.Errorf("loss %d", len(c.calls))
}

// A sink that keeps several records at once gets both records of an open in one call, and waits through the open. With
// another sink the second record is not written after the first was lost. The log has the error of the last loss.
func TestOpenStopsAtLostRecord(t *testing.T) {
	waits := 0
	from := origin(t)
	from.Wait = func(<-chan struct{}) { waits++ }
	r := access.Request{Subject: from.Subject, Desired: 1, Type: winnt.FileObject,
		Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)S:(AU;SAFA;FA;;;WD)")}
	d := access.Grant(1)
	d.PrivilegesUsed = winnt.Privileges(winnt.SeTakeOwnershipPrivilege)
	for calls, want := range map[string]int{"[2 2]": 4, "[1 1]": 0} {
		log, _ := newLog(t)
		log.Policy.Store(mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
			audit.FileSystem: audit.OnBoth, audit.SensitivePrivilegeUse: audit.OnBoth},
			Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail}}))
		sink := new(counting)
		log.Sink = sink
		if waits = 0; want == 0 {
			log.Sink = struct{ audit.Sink }{sink} // without WriteAll
		}
		for range 2 {
			_, st := log.Opened(&audit.Opening{Origin: from, Object: reportFile, Request: &r, Decision: d})
			check.Equal(t, st, ntstatus.AuditFailed, "U-64: an open whose record is lost")
		}
		check.Equal(t, fmt.Sprint(sink.calls), calls, "records of each call of the sink")
		check.That(t, waits >= want && log.Loss() != nil && log.Loss().Error() == "loss 2",
			"%s: %d waits, Loss = %v; want %d, loss 2", calls, waits, log.Loss(), want)
	}
}

// TestRecordHasNamesOfOriginAndTimeOfLog checks that a record has the time of the log's clock, whatever its own time
// was, and the names of its own origin, if it has some. The records of one open that a sink keeps together have the
// time, too.
func TestRecordHasNamesOfOriginAndTimeOfLog(t *testing.T) {
	log, sink := newLog(t, audit.HandleManipulation)
	from := origin(t)
	from.Names = census{}
	log.Write(audit.HandleClosed(from, reportFile).WithHeader(audit.Header{ID: 4658, Time: 1, Computer: "other",
		RecordID: 9}))
	log.Closed(from, reportFile, audit.HandleAudit{GenerateOnClose: true})
	log.Sink = batch{sink}
	log.Policy.Store(mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
		audit.FileSystem: audit.OnBoth, audit.SensitivePrivilegeUse: audit.OnBoth}}))
	r := access.Request{Subject: from.Subject, Desired: 1, Type: winnt.FileObject,
		Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)S:(AU;SAFA;FA;;;WD)")}
	d := access.Grant(1)
	d.PrivilegesUsed = winnt.Privileges(winnt.SeTakeOwnershipPrivilege)
	log.Opened(&audit.Opening{Origin: from, Object: reportFile, Request: &r, Decision: d})
	check.That(t, log.WriteLater(audit.HandleClosed(from, reportFile)), "WriteLater to a plain sink: false, want true")
	events := sink.Drain()
	check.SlicesEqual(t, ids(events), []int{4658, 4658, 4656, 4674, 4658}, "recorded events")
	for i, e := range events {
		if e.Time != clock() || e.Computer != "dc1" || e.RecordID != uint64(i+1) ||
			field(t, e, "SubjectUserName") != "name-"+userU.String() {
			t.Errorf("record %d: %+v, %s", i, e.Header, field(t, e, "SubjectUserName"))
		}
	}
	plain := &audit.Log{Sink: sink, Computer: "dc1"}
	plain.Write(audit.LogFull().WithHeader(audit.Header{ID: 1104, Time: 7, Computer: "other"}))
	e := sink.Drain()[0]
	check.That(t, e.Time == 7 && e.Computer == "dc1", "record of a log without clock: %+v, want time 7, computer dc1",
		e.Header)
}

// TestZeroLogReportsEveryRecordLost checks that a log without a sink reports every record as not written, whatever
// its policy is, with the reason (U-59).
func TestZeroLogReportsEveryRecordLost(t *testing.T) {
	for _, crash := range []audit.CrashOnAuditFail{audit.ProceedOnAuditFail, audit.FailOnAuditFail, audit.AuditFailed} {
		var l audit.Log
		if crash != audit.ProceedOnAuditFail {
			l.Policy.Store(mustPolicy(t, audit.PolicySpec{Options: audit.Options{CrashOnAuditFail: crash}}))
		}
		check.Equal(t, l.Write(audit.ObjectAccessed(origin(t), reportFile, 1, nil)), ntstatus.AuditFailed,
			"CrashOnAuditFail %d", crash)
		check.Equal(t, l.HandedOut(origin(t), reportFile, 1, nil), ntstatus.AuditFailed,
			"CrashOnAuditFail %d: a hand-out", crash)
		if err := l.Loss(); err == nil || !strings.Contains(err.Error(), "no sink") {
			t.Errorf("CrashOnAuditFail %d: Loss = %v, want \"no sink\"", crash, l.Loss())
		}
		check.Equal(t, l.Policy.Load().Options().CrashOnAuditFail, crash, "CrashOnAuditFail of a log without sink")
	}
	check.That(t, !new(audit.Log).WriteLater(audit.LogFull()), "WriteLater without a sink: true, want false")
	full := audit.Log{Sink: broken()}
	check.That(t, !full.WriteLater(audit.LogFull()), "WriteLater to a broken sink: true, want false")
	// Without a policy there are no records.
	var l audit.Log
	check.Equal(t, l.Closed(origin(t), reportFile, audit.HandleAudit{}), ntstatus.Success, "a close without a record")
}
