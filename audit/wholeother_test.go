package audit_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// lists returns the global SACL of one type.
func lists(typ, text string) map[string]*sd.ACL {
	return map[string]*sd.ACL{typ: sddl.MustParse(text).SACL()}
}

// TestWholeLogRecords: the records of the log, of shares, of accounts and of an unsafe
// elevation have all their fields (I-48, F-178).
func TestWholeLogRecords(t *testing.T) {
	from := between(t)
	from.Names = census{}
	const system = "SubjectUserSid=S-1-5-18|SubjectUserName=name-S-1-5-18|SubjectDomainName=domain-S-1-5-18|" +
		"SubjectLogonId=0x0|"
	discarded := audit.AuditsDiscarded(7, audit.Header{RecordID: 5, Time: 77, Computer: "pc", Chain: "c", ID: 9, Version: 3,
		Subcategory: audit.Logon, Outcome: audit.Failure})
	if discarded.Time != 77 || discarded.Computer != "pc" || discarded.RecordID != 0 || discarded.Chain != "" {
		t.Errorf("%+v", discarded.Header)
	}
	elevation := audit.Elevation{Thread: 0x200, KernelMode: true, Client: targetToken(t, winnt.SeTcbPrivilege.Bit(), 0),
		EffectiveOnly: true, Level: winnt.SecurityIdentification}
	unsafe, ok := audit.UnsafeElevation(from, elevation)
	if !ok {
		t.Error("I-48: a privilege that the process lacks is no elevation")
	}
	checkWhole(t, []audit.Event{
		discarded, audit.LogStarted(), audit.LogStopped(), audit.LogRecovered(12), audit.LogNearlyFull(93),
		audit.LogFull(), audit.LogArchived("f"), audit.LogOverwritten(3, 17), audit.LogCleared(from, 9, [32]byte{1}),
		audit.ShareExposed(from, "data", "/srv", "everyone"),
		audit.AccountsChanged(from, sid.LocalSystem, "renamed", "bob", "rob"), unsafe,
	},
		"4612 v0 success System Integrity: AuditsDiscarded=7|", "4608 v0 success Security State Change: ",
		"1100 v0 success Subcategory(0x0): ", "4612 v0 success System Integrity: AuditsDiscarded=0|BytesDiscarded=12|",
		"1103 v0 success Subcategory(0x0): PercentFull=93|", "1104 v0 success Subcategory(0x0): ",
		"1105 v0 success Subcategory(0x0): Channel=Security|BackupPath=f|",
		"64049 v0 success System Integrity: FirstRecordId=3|LastRecordId=17|",
		"1102 v0 success Subcategory(0x0): {S}LastRecordId=9|"+
			"TreeRoot=0100000000000000000000000000000000000000000000000000000000000000|",
		"5142 v0 success File Share: "+system+`ShareName=\\*\data|ShareLocalPath=/srv|Exposure=everyone|`,
		"64050 v0 success User Account Management: "+system+"Change=renamed|Target=bob|Detail=rob|",
		"64048 v0 success System Integrity: "+accountOf("Subject", processSID, "0x3001")+"{T}ThreadId=0x200|"+
			"ImpersonationLevel=%%1832|CopyOnOpen=%%1843|EffectiveOnly=%%1842|PrivilegeList=SeTcbPrivilege|"+
			"SubjectIntegrity=S-1-16-8192|TargetIntegrity=S-1-16-8192|Cause=Privilege,Level|{A}")

	log, sink := newLog(t, audit.DetailedFileShare)
	log.Names = census{}
	subject := from.Subject
	from.Names, from.Subject = nil, access.Subject{Primary: targetToken(t, 0, 0)} // the request's subject counts
	for _, outcome := range []audit.Outcome{audit.Success, audit.Failure} {
		log.ShareChecked(from, &audit.ShareCheck{Share: "data", Path: "/srv", Target: `d\f`, Outcome: outcome,
			Request: access.Request{Subject: subject, Desired: 3, Type: winnt.FileObject,
				Descriptor: sddl.MustParse("O:BAG:SYD:(A;;0x1;;;WD)(A;;0x1;;;" + groupG.String() + ")")}})
	}
	row := `: {S}ObjectType=File|IpAddress=-|IpPort=-|ShareName=\\*\data|ShareLocalPath=/srv|RelativeTargetName=d\f|` +
		"AccessMask=0x3|AccessList=%%4416,%%4417|AccessReason=%%4416:\t%%1801\tD:(A;;CC;;;WD),%%4417:\t%%1805|{P} " +
		"[0x1 4416 ReadData 1801 D:(A;;CC;;;WD)] [0x2 4417 WriteData 1805 ]"
	checkWhole(t, sink.Drain(), "5145 v0 success Detailed File Share"+row, "5145 v0 failure Detailed File Share"+row)
}

// TestElevationCauses: an elevation is unsafe for one cause at a time, and each cause has
// its bound (I-48, I-99).
func TestElevationCauses(t *testing.T) {
	const tcb, debug = winnt.SeTcbPrivilege, winnt.SeDebugPrivilege
	process := specU()
	process.Privileges = tcb.Bit()
	for _, c := range []struct {
		name            string
		kernel, system  bool
		copyOnOpen      bool
		privileges      winnt.PrivilegeSet
		integrity       string
		primary         bool
		own, level      winnt.SecurityImpersonationLevel
		want, wantPrivs string
	}{
		{name: "the same token", kernel: true, privileges: tcb.Bit(), own: 2, level: 2},
		{name: "fewer privileges", kernel: true, own: 2, level: 2},
		{name: "a privilege", kernel: true, privileges: debug.Bit() | tcb.Bit(), own: 2, level: 2, want: "Privilege",
			wantPrivs: "SeDebugPrivilege"},
		{name: "a privilege, from user mode", privileges: debug.Bit(), own: 2, level: 2},
		{name: "a privilege, of a thread of the system", kernel: true, system: true, privileges: debug.Bit(), own: 2,
			level: 2},
		{name: "the next level of integrity", kernel: true, integrity: "S-1-16-8193", own: 2, level: 2, want: "Integrity",
			wantPrivs: "-"},
		{name: "less integrity", kernel: true, integrity: "S-1-16-8191", own: 2, level: 2},
		{name: "integrity, from user mode", integrity: "S-1-16-12288", own: 2, level: 2},
		{name: "a level below its own", own: 2, level: 1, want: "Level", wantPrivs: "-"},
		{name: "a level below its own, copied", copyOnOpen: true, own: 2, level: 1},
		{name: "a level above its own", own: 1, level: 2},
		{name: "a level below a delegation", own: 3, level: 2, want: "Level", wantPrivs: "-"},
		{name: "a level below that of a primary token", primary: true, level: 1, want: "Level", wantPrivs: "-"},
		{name: "the level of a primary token", primary: true, level: 2},
		{name: "all", kernel: true, privileges: debug.Bit(), integrity: "S-1-16-12288", own: 3, level: 0,
			want: "Privilege, Integrity, Level", wantPrivs: "SeDebugPrivilege"},
	} {
		client := specU()
		client.Privileges = c.privileges
		if c.integrity != "" {
			client.Integrity = sid.MustParse(c.integrity)
		}
		if !c.primary {
			client.Type, client.Level = winnt.TokenImpersonation, c.own
		}
		from := audit.Origin{Subject: access.Subject{Primary: mustToken(t, process)}}
		e, ok := audit.UnsafeElevation(from, audit.Elevation{KernelMode: c.kernel, SystemThread: c.system,
			CopyOnOpen: c.copyOnOpen, Level: c.level, Client: mustToken(t, client)})
		told := ok && field(t, e, "Cause") == c.want && field(t, e, "PrivilegeList") == c.wantPrivs
		if ok != (c.want != "") || ok && !told {
			t.Errorf("I-48, I-99: %s: %v %v", c.name, ok, slices.Collect(e.Fields()))
		}
	}
	for level, want := range []string{"%%1831", "%%1832", "%%1833", "%%1840", "-"} {
		e, ok := audit.UnsafeElevation(audit.Origin{Subject: access.Subject{Primary: tokenU(t)}}, audit.Elevation{
			KernelMode: true, Client: targetToken(t, winnt.SeDebugPrivilege.Bit(), 0), Level: winnt.SecurityImpersonationLevel(level)})
		if !ok || field(t, e, "ImpersonationLevel") != want {
			t.Errorf("U-57a: level %d: %v", level, slices.Collect(e.Fields()))
		}
	}
}

// TestMakeTakesItsLists: each list of the catalogue takes several items, in the form of its
// field, and every other field takes the first text (U-57).
func TestMakeTakesItsLists(t *testing.T) {
	joined := map[string]string{
		"AccessList": "a\r\n\t\t\t\tb\r\n\t\t\t\t", "AccessReason": "a\r\n\t\t\t\tb\r\n\t\t\t\t",
		"Properties": "a\r\n\t\t\t\tb\r\n\t\t\t\t", "PrivilegeList": "a\r\n\t\t\tb",
		"EnabledPrivilegeList": "a\r\n\t\t\tb", "DisabledPrivilegeList": "a\r\n\t\t\tb", "AuditPolicyChanges": "a, b",
		"SidList": "a, b", "GroupMembership": "a, b",
	}
	seen := map[string]bool{}
	for k := range audit.Kinds {
		for name := range k.Fields() {
			want, list := joined[name]
			if strings.HasPrefix(name, "Subject") {
				continue // the origin's
			}
			if !list {
				want = "a"
			}
			seen[name] = true
			e, err := audit.Make(k.ID, outcomeFor(k), audit.Origin{}, audit.Values{name: {"a", "b"}})
			if err != nil || field(t, e, name) != want {
				t.Errorf("U-57: %d %s: %v, %q, want %q", k.ID, name, err, field(t, e, name), want)
			}
			back, err := audit.ParseEvent(e.AppendJSON(nil))
			if err != nil || field(t, back, name) != want {
				t.Errorf("U-57: %d %s is read back as %q (%v)", k.ID, name, field(t, back, name), err)
			}
			if e, err = audit.Make(k.ID, outcomeFor(k), audit.Origin{}, audit.Values{name: nil}); err != nil ||
				field(t, e, name) != "-" {
				t.Errorf("U-57: %d %s without a value: %v, %q", k.ID, name, err, field(t, e, name))
			}
		}
	}
	for name := range joined {
		if !seen[name] {
			t.Errorf("no kind has a field %s", name)
		}
	}
}

// TestAFieldThatIsNotTheKinds: one field of the kind beside one of another is refused, too.
func TestAFieldThatIsNotTheKinds(t *testing.T) {
	for _, v := range []audit.Values{{"Nonsense": {"1"}}, {"AuditSourceName": {"a"}, "Nonsense": {"1"}},
		{"AuditSourceName": {"a"}, "SidList": {"b"}}} {
		if e, err := audit.Make(4904, audit.Success, audit.Origin{}, v); err == nil || e.ID != 0 {
			t.Errorf("%v: %v", v, e)
		}
	}
	for id, v := range map[uint16]audit.Outcome{4625: audit.Success, 4904: audit.Failure} {
		if e, err := audit.Make(id, v, audit.Origin{}, nil); err == nil || e.ID != 0 {
			t.Errorf("%d of outcome %s: %v", id, v, e)
		}
	}
	for _, v := range []audit.Outcome{audit.Success, audit.Failure} {
		if e, err := audit.Make(5145, v, audit.Origin{}, nil); err != nil || e.Outcome != v {
			t.Errorf("5145 %s: %v %v", v, e.Outcome, err)
		}
	}
	if _, ok := audit.KindOf(4905); !ok {
		t.Error("4905 is not in the catalogue")
	}
	last := ""
	for k := range audit.Kinds {
		if text := strconv.Itoa(int(k.ID)); text <= last {
			t.Errorf("%s stands behind %s", text, last)
		} else {
			last = text
		}
	}
}

// TestHandedOut: a descriptor of the host that a program gets is recorded whatever the policy says, under the log's
// names, once for each time.
func TestHandedOut(t *testing.T) {
	log, sink := newLog(t)
	log.Names = census{}
	for range 2 {
		log.HandedOut(between(t), reportFile, 1, nil)
	}
	row := "4663 v1 success File System: {S}ObjectServer=Security|ObjectType=File|ObjectName=" + reportFile.Name +
		"|HandleId=0x4c|AccessList=%%4416|AccessMask=0x1|{A}ResourceAttributes=S:AI|{P} [0x1 4416 ReadData 0 ]"
	checkWhole(t, sink.Drain(), row, row)
	nameless := between(t)
	log.Impersonated(nameless, audit.Elevation{KernelMode: true, Client: targetToken(t, winnt.SeTcbPrivilege.Bit(), 0),
		Level: winnt.SecurityImpersonation})
	if got := sink.Drain(); len(got) != 1 || field(t, got[0], "TargetUserName") != "name-"+targetSID ||
		field(t, got[0], "SubjectDomainName") != "domain-"+processSID {
		t.Errorf("U-21: an elevation: %v", got)
	}
	broken := &audit.Log{Sink: brokenSink{}}
	broken.Policy.Store(mustPolicy(t, audit.PolicySpec{Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail}}))
	if st := broken.HandedOut(between(t), reportFile, 1, nil); st != ntstatus.AuditFailed {
		t.Errorf("U-64: %v", st)
	}
}
