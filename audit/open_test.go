package audit_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestOpenWithoutRequestFailsAudit gives the log no open, or one without a request: it fails,
// so that the open is not granted (U-64), and no SACL requests a record.
func TestOpenWithoutRequestFailsAudit(t *testing.T) {
	l := new(audit.Log)
	for _, o := range []*audit.Opening{nil, {}} {
		if h, st := l.Opened(o); st != ntstatus.AuditFailed || h != (audit.HandleAudit{}) {
			t.Errorf("Opened(%+v) = %+v, %s, want the zero value and STATUS_AUDIT_FAILED", o, h, st)
		}
	}
	v := new(audit.Policy).Evaluate("File", nil, access.Decision{}, nil)
	check.That(t, !v.Success && !v.Failure, "verdict %+v without a request, want no record", v)
}

// decided opens an object through a log as the client of between's origin, and returns the records and the handle's
// state.
func decided(t *testing.T, change func(*access.Request, *audit.Opening, *token.Spec), on ...audit.Subcategory) (
	[]audit.Event, audit.HandleAudit) {
	t.Helper()
	log, sink := newLog(t, on...)
	log.Names = census{}
	from, client := called(t), specU()
	r := access.Request{Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)S:(AU;SAFA;FA;;;WD)"), Desired: 1,
		Type: winnt.FileObject}
	o := audit.Opening{Origin: from, Object: reportFile, Request: &r}
	change(&r, &o, &client)
	client.AuthenticationID = 0x1107
	from.Subject.Client = mustToken(t, client).WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityImpersonation)
	r.Subject, o.Origin.Subject = from.Subject, access.Subject{Primary: tokenSystem(t)}
	var err error
	if o.Decision, err = access.SeAccessCheck(&r); err != nil {
		t.Fatal(err)
	}
	before := o.Decision
	h := check.Result(log.Opened(&o))
	check.That(t, o.Decision == before, "U-18: decision after the record = %+v, want %+v unchanged", o.Decision, before)
	return sink.Drain(), h
}

// An open's record has the object's attributes, and the reasons if they are known. A record of its used privileges
// has the request, and only the privileges that the policy selects (U-17). The record changes no decision (U-18).
func TestOpenRecordHasAttributesAndReasons(t *testing.T) {
	own := winnt.Privileges(winnt.SeTakeOwnershipPrivilege)
	got, h := decided(t, func(r *access.Request, _ *audit.Opening, s *token.Spec) {
		r.Desired = 3
		r.Descriptor = sddl.MustParse(`O:SYG:SYD:(A;;0x3;;;WD)S:(AU;SAFA;0x1;;;WD)(RA;;;;;WD;("Project",TS,0x0,"Q3"))`)
	}, audit.FileSystem)
	const file = "{S}ObjectServer=Security|ObjectType=File|ObjectName=" + `\Device\Share\report.txt`
	checkWhole(t, got, "4656 v1 success File System: "+file+"|HandleId=0x4c|TransactionId={0}|AccessList=%%4416,%%4417|"+
		"AccessReason=%%4416:\t%%1801\tD:(A;;CCDC;;;WD),%%4417:\t%%1801\tD:(A;;CCDC;;;WD)|AccessMask=0x3|PrivilegeList=-|"+
		`RestrictedSidCount=0|{A}ResourceAttributes=S:AI(RA;;;;;WD;("Project",TS,0x0,"Q3"))|{P} `+
		"[0x1 4416 ReadData 1801 D:(A;;CCDC;;;WD)] [0x2 4417 WriteData 1801 D:(A;;CCDC;;;WD)]")
	check.That(t, h == (audit.HandleAudit{GenerateOnClose: true, Audited: 1, Pending: 1}),
		"handle remembers %+v, want GenerateOnClose, one audited and one pending right", h)
	got, h = decided(t, func(r *access.Request, _ *audit.Opening, _ *token.Spec) {
		r.Descriptor = sddl.MustParse("O:SYG:SYD:S:(AU;SAFA;FA;;;WD)")
	}, audit.FileSystem)
	check.That(t, len(got) == 1 && got[0].Outcome == audit.Failure && h == (audit.HandleAudit{}),
		"a refused open: %v, handle remembers %+v, want one failure and nothing", ids(got), h)
	for name, change := range map[string]func(*access.Request, *audit.Opening){
		"reported": func(_ *access.Request, o *audit.Opening) { o.Reported = true },
		"of a list": func(r *access.Request, _ *audit.Opening) {
			r.ObjectTypes = []access.ObjectTypeEntry{{GUID: winnt.GUID{1}}}
		},
		"of an event": func(r *access.Request, o *audit.Opening) { r.Type, o.Object.Type = winnt.EventObject, "Event" },
	} {
		got, _ := decided(t, func(r *access.Request, o *audit.Opening, _ *token.Spec) { change(r, o) }, audit.FileSystem,
			audit.KernelObject)
		check.That(t, len(got) == 1 && field(t, got[0], "AccessReason") == "-",
			"an open %s: %v, want one event without reasons", name, got)
	}
	use := func(change func(*access.Request, *token.Spec), on ...audit.Subcategory) []audit.Event {
		got, _ := decided(t, func(r *access.Request, _ *audit.Opening, s *token.Spec) {
			r.Desired, r.Descriptor = winnt.WRITE_OWNER|winnt.MAXIMUM_ALLOWED, sddl.MustParse("O:SYG:SYD:(A;;0x1;;;WD)")
			s.Privileges, s.EnabledPrivileges = own, own
			change(r, s)
		}, on...)
		return got
	}
	nothing := func(*access.Request, *token.Spec) {}
	const taken = "4674 v0 success Sensitive Privilege Use: " + file + "|HandleId=0x4c|AccessMask=%%1540,%%1543|" +
		"PrivilegeList=SeTakeOwnershipPrivilege|{A}{P} [0x80000 1540 WRITE_OWNER 0 ] [0x2000000 1543 MAX_ALLOWED 0 ]"
	checkWhole(t, use(nothing, audit.SensitivePrivilegeUse), taken)
	checkWhole(t, use(nothing, audit.NonSensitivePrivilegeUse))
	audited := use(func(r *access.Request, _ *token.Spec) {
		r.Descriptor = sddl.MustParse("O:SYG:SYD:(A;;0x1;;;WD)S:(AU;SA;WO;;;WD)")
	}, audit.FileSystem)
	check.That(t, len(audited) == 1 && field(t, audited[0], "PrivilegeList") == "SeTakeOwnershipPrivilege",
		"A-130: events %v of an audited open, want one with the privilege", audited)
	generic := use(func(r *access.Request, _ *token.Spec) {
		r.Desired, r.Descriptor = winnt.GENERIC_READ|winnt.WRITE_OWNER, sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")
	}, audit.SensitivePrivilegeUse)
	check.RequireThat(t, len(generic) == 1, "U-17: events %v of an open with a generic right, want one", ids(generic))
	check.SlicesEqual(t, items(generic[0], "AccessMask"),
		[]string{"%%1538", "%%1540", "%%1541", "%%4416", "%%4419", "%%4423"}, "U-17: rights of an open with GENERIC_READ")
	refused := use(func(r *access.Request, _ *token.Spec) { r.Desired = winnt.WRITE_OWNER | winnt.DELETE },
		audit.SensitivePrivilegeUse)
	check.That(t, len(refused) == 1 && refused[0].Outcome == audit.Failure && field(t, refused[0], "HandleId") == "0x0",
		"U-17: events %v of a refused open, want one failure without a handle", ids(refused))
	checkWhole(t, use(func(r *access.Request, _ *token.Spec) { r.Mode = access.Kernel }, audit.SensitivePrivilegeUse))
}

// Under the fail-closed policy, an open that allows uses records them at once: one event 4663 with the granted rights
// that the SACL audits. Under another policy the first use is recorded (U-90).
func TestFailClosedOpenRecordsItsUses(t *testing.T) {
	for _, c := range []struct {
		uses          bool
		crash         audit.CrashOnAuditFail
		sacl          string
		want          []int
		audited, left winnt.AccessMask
	}{{true, audit.FailOnAuditFail, "(AU;SA;0x5;;;WD)", []int{4656, 4663}, 1, 0},
		{false, audit.FailOnAuditFail, "(AU;SA;0x5;;;WD)", []int{4656}, 1, 1},
		{true, audit.ProceedOnAuditFail, "(AU;SA;0x5;;;WD)", []int{4656}, 1, 1},
		{true, audit.FailOnAuditFail, "", nil, 0, 0}} {
		log, sink := newLog(t)
		log.Policy.Store(mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
			audit.FileSystem: audit.OnBoth}, Options: audit.Options{CrashOnAuditFail: c.crash}}))
		r := access.Request{Subject: access.Subject{Primary: tokenU(t)}, Desired: 3, Type: winnt.FileObject,
			Descriptor: sddl.MustParse("O:SYG:SYD:(A;;0x3;;;WD)S:" + c.sacl)}
		h, st := log.Opened(&audit.Opening{Object: reportFile, Request: &r, Decision: access.Grant(3), Uses: c.uses})
		got := sink.Drain()
		check.That(t, st == ntstatus.Success && slices.Equal(ids(got), c.want) && h.Audited == c.audited &&
			h.Pending == c.left,
			"uses %t, CrashOnAuditFail %d, SACL %q: %v, %v, %+v, want %v, audited %v, pending %v", c.uses, c.crash, c.sacl,
			st, ids(got), h, c.want, c.audited, c.left)
		if len(got) == 2 {
			check.Equal(t, field(t, got[1], "AccessMask"), "0x1", "rights of the uses")
		}
	}
}

// TestExemptPrivilegeIsNotRecorded checks that of two privileges that an open used the exempt one is not named, and
// does not make the record sensitive (U-17, U-42).
func TestExemptPrivilegeIsNotRecorded(t *testing.T) {
	backup, lock := winnt.SeBackupPrivilege.Bit(), winnt.SeLockMemoryPrivilege.Bit()
	for _, c := range []struct {
		full bool
		mode access.Mode
		of   audit.Subcategory // the only recorded subcategory
	}{{false, access.User, audit.NonSensitivePrivilegeUse}, {true, access.User, audit.SensitivePrivilegeUse},
		{true, access.Kernel, audit.SensitivePrivilegeUse}} {
		log, sink := newLog(t)
		log.Policy.Store(mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{c.of: audit.OnBoth},
			Options: audit.Options{FullPrivilegeAuditing: c.full}}))
		r := access.Request{Subject: access.Subject{Primary: tokenU(t)}, Desired: 1, Type: winnt.FileObject, Mode: c.mode}
		d := access.Grant(1)
		d.PrivilegesUsed = backup | lock
		log.Opened(&audit.Opening{Object: reportFile, Request: &r, Decision: d})
		got := sink.Drain()
		if c.mode == access.Kernel && len(got) == 0 {
			continue
		}
		if c.mode == access.Kernel || len(got) != 1 || got[0].Subcategory != c.of {
			t.Errorf("full %t: events %v, want one of %v, in kernel mode none", c.full, got, c.of)
			continue
		}
		list := items(got[0], "PrivilegeList")
		slices.Sort(list)
		want := []string{"SeLockMemoryPrivilege"}
		if c.full {
			want = []string{"SeBackupPrivilege", "SeLockMemoryPrivilege"}
		}
		check.SlicesEqual(t, list, want, "full %t", c.full)
	}
}

// Each passing of a host's file descriptor to a program is recorded, whatever the policy says, under the log's names.
func TestPassedDescriptorIsAlwaysRecorded(t *testing.T) {
	log, sink := newLog(t)
	log.Names = census{}
	for range 2 {
		log.HandedOut(called(t), reportFile, 1, nil)
	}
	row := "4663 v1 success File System: {S}ObjectServer=Security|ObjectType=File|ObjectName=" + reportFile.Name +
		"|HandleId=0x4c|AccessList=%%4416|AccessMask=0x1|{A}ResourceAttributes=S:AI|{P} [0x1 4416 ReadData 0 ]"
	checkWhole(t, sink.Drain(), row, row)
	nameless := called(t)
	log.Impersonated(nameless, audit.Elevation{KernelMode: true, Client: targetToken(t, winnt.SeTcbPrivilege.Bit(), 0),
		Level: winnt.SecurityImpersonation})
	got := sink.Drain()
	check.That(t, len(got) == 1 && field(t, got[0], "TargetUserName") == "name-"+targetSID &&
		field(t, got[0], "SubjectDomainName") == "domain-"+processSID, "U-21: an elevation: %v", got)
	broken := &audit.Log{Sink: broken()}
	broken.Policy.Store(mustPolicy(t, audit.PolicySpec{Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail}}))
	check.Equal(t, broken.HandedOut(called(t), reportFile, 1, nil), ntstatus.AuditFailed, "U-64")
}
