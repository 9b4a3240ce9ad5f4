package audit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// census has another name and another domain for each SID.
type census struct{}

func (census) Account(s sid.SID) (name, domain string, ok bool) {
	return "name-" + s.String(), "domain-" + s.String(), true
}

const (
	clientSID  = "S-1-5-21-1-2-3-1107"
	processSID = "S-1-5-21-1-2-3-3001"
	targetSID  = "S-1-5-21-1-2-3-4001"
)

// between returns the origin of a server's call for a client: the two have other users,
// sessions, levels, privileges and restricting SIDs.
func between(t testing.TB) audit.Origin {
	server, client := specU(), specU()
	server.User.SID, server.AuthenticationID = sid.MustParse(processSID), 0x3001
	server.Restricted = []token.Group{{SID: groupG}}
	client.AuthenticationID, client.Type, client.Level = 0x1107, winnt.TokenImpersonation, winnt.SecurityImpersonation
	client.Restricted = []token.Group{{SID: groupG}, {SID: groupH}}
	return audit.Origin{Subject: access.Subject{Primary: mustToken(t, server), Client: mustToken(t, client),
		Level: winnt.SecurityImpersonation}, ProcessID: 0x1A4, ProcessName: `C:\srv.exe`}
}

// accountOf returns the four fields of an account as census names it.
func accountOf(prefix, s, session string) string {
	return fmt.Sprintf("%[1]sUserSid=%[2]s|%[1]sUserName=name-%[2]s|%[1]sDomainName=domain-%[2]s|%[1]sLogonId=%[3]s|",
		prefix, s, session)
}

// whole writes out all that a record holds but its number, time and computer: the header,
// each field in its order, and each right with its reason and its entry.
func whole(e audit.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d v%d %s %s: ", e.ID, e.Version, e.Outcome, e.Subcategory)
	for f := range e.Fields() {
		fmt.Fprintf(&b, "%s=%s|", f.Name, strings.Join(slices.Collect(f.Items()), ","))
	}
	for a := range e.Accesses() {
		fmt.Fprintf(&b, " [%s %d %s %d %s]", a.Bit, a.Code, a.Text, a.Reason, a.ACE)
	}
	return b.String()
}

// inFull replaces the short forms of a row: S are the subject's four fields, P those of the
// process's own account, T the target's, A the process's number and name.
func inFull(row string) string {
	return strings.NewReplacer("{S}", accountOf("Subject", clientSID, "0x1107"), "{P}", accountOf("Primary", processSID,
		"0x3001"), "{T}", accountOf("Target", targetSID, "0x4001"), "{A}", `ProcessId=0x1a4|ProcessName=C:\srv.exe|`,
		"{0}", "{00000000-0000-0000-0000-000000000000}").Replace(row)
}

func checkWhole(t *testing.T, got []audit.Event, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d records, want %d: %v", len(got), len(want), ids(got))
		return
	}
	for i, e := range got {
		if text := whole(e); text != inFull(want[i]) {
			t.Errorf("record %d\n got %q\nwant %q", i, text, inFull(want[i]))
		}
	}
}

// targetToken returns a token of a third account.
func targetToken(t testing.TB, privileges, enabled winnt.PrivilegeSet) *token.Token {
	s := specU()
	s.User.SID, s.AuthenticationID = sid.MustParse(targetSID), 0x4001
	s.Privileges, s.EnabledPrivileges = privileges, enabled
	return mustToken(t, s)
}

// TestWholeRecords: each record of an object, of a handle and of privileges has all its
// fields, each with its own value, for a success and for a failure (U-20, U-22, U-57, U-58,
// U-75, UC-38).
func TestWholeRecords(t *testing.T) {
	from := between(t)
	from.Names = census{}
	dir := audit.Object{Server: "Srv", Type: "File", Name: `N\d`, Handle: 0x4C, Directory: true}
	key := audit.Object{Type: "Key", Name: "K", Handle: 0x50, Directory: true}
	ds := audit.Object{Server: "Srv", Type: "DirectoryService", Name: "CN=x", Handle: 0x54}
	marked := sddl.MustParse(`O:BAG:SYD:S:(AU;SA;FA;;;WD)(RA;;;;;WD;("Project",TS,0x0,"Q3"))`)
	reasons := []audit.Reason{{Bits: 1, Code: 1801, Entry: "D:(A;;FR;;;WD)"}, {Bits: 0x20000, Code: 1810,
		Name: "SeBackupPrivilege"}}
	asked := audit.HandleRequest{Access: 0x20003, Reasons: reasons, Privileges: winnt.SeBackupPrivilege.Bit(),
		Descriptor: marked}
	refused := audit.HandleRequest{Outcome: audit.Failure, Access: 1}
	op := audit.DirectoryOperation{Access: 0x30, Class: winnt.GUID{0xAB}, Properties: []winnt.GUID{{1}, {2}}}
	tcb, lock := winnt.SeTcbPrivilege.Bit(), winnt.SeLockMemoryPrivilege.Bit()
	checkWhole(t, []audit.Event{
		audit.HandleRequested(from, dir, asked), audit.HandleRequested(from, key, refused),
		audit.HandleClosed(from, dir), audit.HandleClosed(from, key),
		audit.ObjectDeleted(from, dir), audit.ObjectDeleted(from, key),
		audit.ObjectAccessed(from, dir, 0x20020, marked), audit.ObjectAccessed(from, key, 1, marked),
		audit.DirectoryAccessed(from, ds, op),
		audit.DirectoryAccessed(from, ds, audit.DirectoryOperation{Outcome: audit.Failure, Access: 1}),
		audit.HandleDuplicated(from, 0x10, 0x20, 0x30, 0x40),
		audit.PrivilegedService(from, "Srv", "Svc", tcb|lock, audit.Success),
		audit.PrivilegedService(from, "Srv", "Svc", lock, audit.Failure),
		audit.PrivilegedObject(from, dir, 0x20020, lock, audit.Success),
		audit.PrivilegedObject(from, key, 16, tcb, audit.Failure),
	},
		`4656 v1 success File System: {S}ObjectServer=Srv|ObjectType=File|ObjectName=N\d|HandleId=0x4c|TransactionId={0}|`+
			"AccessList=%%1538,%%4416,%%4417|AccessReason=%%1538:\t%%1810\tSeBackupPrivilege,"+
			"%%4416:\t%%1801\tD:(A;;FR;;;WD),%%4417:\t%%1809|AccessMask=0x20003|PrivilegeList=SeBackupPrivilege|"+
			`RestrictedSidCount=2|{A}ResourceAttributes=S:AI(RA;;;;;WD;("Project",TS,0x0,"Q3"))|{P}ObjectDirectory=%%1842| `+
			"[0x20000 1538 READ_CONTROL 1810 ] [0x1 4416 ListDirectory 1801 D:(A;;FR;;;WD)] [0x2 4417 AddFile 1809 ]",
		"4656 v1 failure Registry: {S}ObjectServer=Security|ObjectType=Key|ObjectName=K|HandleId=0x0|TransactionId={0}|"+
			"AccessList=%%4432|AccessReason=-|AccessMask=0x1|PrivilegeList=-|RestrictedSidCount=2|{A}ResourceAttributes=-|"+
			"{P} [0x1 4432 Query key value 0 ]",
		"4658 v0 success File System: {S}ObjectServer=Srv|HandleId=0x4c|{A}{P}",
		"4658 v0 success Registry: {S}ObjectServer=Security|HandleId=0x50|{A}{P}",
		"4660 v0 success File System: {S}ObjectServer=Srv|HandleId=0x4c|{A}TransactionId={0}|{P}",
		"4660 v0 success Registry: {S}ObjectServer=Security|HandleId=0x50|{A}TransactionId={0}|{P}",
		`4663 v1 success File System: {S}ObjectServer=Srv|ObjectType=File|ObjectName=N\d|HandleId=0x4c|`+
			`AccessList=%%1538,%%4421|AccessMask=0x20020|{A}ResourceAttributes=S:AI(RA;;;;;WD;("Project",TS,0x0,"Q3"))|`+
			"{P}ObjectDirectory=%%1842| [0x20000 1538 READ_CONTROL 0 ] [0x20 4421 Traverse 0 ]",
		"4663 v1 success Registry: {S}ObjectServer=Security|ObjectType=Key|ObjectName=K|HandleId=0x50|AccessList=%%4432|"+
			"AccessMask=0x1|{A}ResourceAttributes=-|{P} [0x1 4432 Query key value 0 ]",
		"4662 v0 success Directory Service Access: {S}ObjectServer=DS|"+
			"ObjectType=%{000000AB-0000-0000-0000-000000000000}|ObjectName=CN=x|OperationType=Object Access|HandleId=0x54|"+
			"AccessList=%%7684,%%7685|AccessMask=0x30|Properties=%%7684,{00000001-0000-0000-0000-000000000000},"+
			"{00000002-0000-0000-0000-000000000000},%%7685,{00000001-0000-0000-0000-000000000000},"+
			"{00000002-0000-0000-0000-000000000000}|AdditionalInfo=-|AdditionalInfo2=|{P} "+
			"[0x10 7684 Read Property 0 ] [0x20 7685 Write Property 0 ]",
		"4662 v0 failure Directory Service Access: {S}ObjectServer=DS|ObjectType=DirectoryService|ObjectName=CN=x|"+
			"OperationType=Object Access|HandleId=0x0|AccessList=%%7680|AccessMask=0x1|Properties=%%7680|AdditionalInfo=-|"+
			"AdditionalInfo2=|{P} [0x1 7680 Create Child 0 ]",
		"4690 v0 success Handle Manipulation: {S}SourceHandleId=0x10|SourceProcessId=0x20|TargetHandleId=0x30|"+
			"TargetProcessId=0x40|{P}",
		"4673 v0 success Sensitive Privilege Use: {S}ObjectServer=Srv|Service=Svc|"+
			"PrivilegeList=SeLockMemoryPrivilege,SeTcbPrivilege|{A}{P}",
		"4673 v0 failure Non Sensitive Privilege Use: {S}ObjectServer=Srv|Service=Svc|PrivilegeList=SeLockMemoryPrivilege|"+
			"{A}{P}",
		`4674 v0 success Non Sensitive Privilege Use: {S}ObjectServer=Srv|ObjectType=File|ObjectName=N\d|HandleId=0x4c|`+
			"AccessMask=131104|PrivilegeList=SeLockMemoryPrivilege|{A}{P}",
		"4674 v0 failure Sensitive Privilege Use: {S}ObjectServer=Security|ObjectType=Key|ObjectName=K|HandleId=0x50|"+
			"AccessMask=16|PrivilegeList=SeTcbPrivilege|{A}{P}")
}

// TestWholeChanges: the records of changed descriptors, tokens, processes and policies have
// all their fields, and the log's names where the origin has none (U-20, U-84, U-85, U-86,
// U-88).
func TestWholeChanges(t *testing.T) {
	log, sink := newLog(t, audit.AuthorizationPolicyChange, audit.AuditPolicyChange, audit.ProcessCreation,
		audit.ProcessTermination, audit.TokenRightAdjusted)
	log.Names = census{}
	from, dir := between(t), audit.Object{Server: "Srv", Type: "Event", Name: "N", Handle: 0x4C}
	before := sddl.MustParse("O:BAG:BAD:(A;;0x1;;;WD)S:(AU;SA;0x1;;;WD)")
	after := sddl.MustParse("O:SYG:SYD:(A;;0x2;;;WD)" +
		`S:(AU;FA;0x2;;;WD)(RA;;;;;WD;("P",TS,0x0,"Q3"))(ML;;NW;;;HI)(SP;;;;;S-1-17-1)`)
	const all = winnt.OWNER_SECURITY_INFORMATION | winnt.GROUP_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION |
		winnt.SACL_SECURITY_INFORMATION | winnt.ATTRIBUTE_SECURITY_INFORMATION | winnt.LABEL_SECURITY_INFORMATION |
		winnt.SCOPE_SECURITY_INFORMATION
	log.SecuritySet(from, dir, before, after, all)
	const object = "{S}ObjectServer=Srv|ObjectType=Event|ObjectName=N|HandleId=0x4c|"
	checkWhole(t, sink.Drain(),
		"4670 v0 success Authorization Policy Change: "+object+"OldSd=O:BAD:(A;;CC;;;WD)|NewSd=O:SYD:(A;;DC;;;WD)|{A}{P}",
		"4907 v0 success Audit Policy Change: "+object+"OldSd=S:(AU;SA;CC;;;WD)|NewSd=S:(AU;FA;DC;;;WD)"+
			`(RA;;;;;WD;("P",TS,0x0,"Q3"))(ML;;NW;;;HI)(SP;;;;;S-1-17-1)|{A}{P}`,
		"4911 v0 success Authorization Policy Change: "+object+`OldSd=S:AI|NewSd=S:(RA;;;;;WD;("P",TS,0x0,"Q3"))|{A}{P}`,
		"4911 v0 success Authorization Policy Change: "+object+"OldSd=S:AI|NewSd=S:(ML;;NW;;;HI)|{A}{P}",
		"4913 v0 success Authorization Policy Change: "+object+"OldSd=S:AI|NewSd=S:(SP;;;;;S-1-17-1)|{A}{P}")
	log.SecuritySet(from, dir, before, after, winnt.OWNER_SECURITY_INFORMATION)
	checkWhole(t, sink.Drain(),
		"4670 v0 success Authorization Policy Change: "+object+"OldSd=O:BA|NewSd=O:SY|{A}{P}")

	backup, restore := winnt.SeBackupPrivilege.Bit(), winnt.SeRestorePrivilege.Bit()
	log.PrivilegesAdjusted(from, targetToken(t, backup|restore, backup), targetToken(t, backup|restore, restore))
	child := audit.Target{ProcessID: 0x99, ProcessName: `C:\child.exe`, Token: targetToken(t, 0, 0)}
	log.ProcessCreated(from, child, `C:\parent.exe`)
	log.TokenAssigned(from, child)
	log.ProcessExited(from, ntstatus.AccessDenied)
	const none = "TargetUserSid=S-1-0-0|TargetUserName=name-S-1-0-0|TargetDomainName=domain-S-1-0-0|TargetLogonId=0x0|"
	child.Token = nil
	log.ProcessCreated(from, child, "")
	checkWhole(t, sink.Drain(),
		`4703 v0 success Token Right Adjusted Events: {S}{T}ProcessName=C:\srv.exe|ProcessId=0x1a4|`+
			"EnabledPrivilegeList=SeRestorePrivilege|DisabledPrivilegeList=SeBackupPrivilege|{P}",
		`4688 v2 success Process Creation: {S}NewProcessId=0x99|NewProcessName=C:\child.exe|TokenElevationType=-|`+
			`ProcessId=0x1a4|CommandLine=|{T}ParentProcessName=C:\parent.exe|MandatoryLabel=S-1-16-8192|{P}`,
		`4696 v0 success Process Creation: {S}{T}TargetProcessId=0x99|TargetProcessName=C:\child.exe|{A}{P}`,
		"4689 v0 success Process Termination: {S}Status=0xc0000022|{A}{P}",
		`4688 v2 success Process Creation: {S}NewProcessId=0x99|NewProcessName=C:\child.exe|TokenElevationType=-|`+
			`ProcessId=0x1a4|CommandLine=|`+none+`ParentProcessName=-|MandatoryLabel=-|{P}`)
}

// TestWholePolicyRecords: a change of policy shows the category, the subcategory and each
// change of it, the list that was and the one that is (U-2, U-85).
func TestWholePolicyRecords(t *testing.T) {
	from := between(t)
	from.Names = census{}
	held := targetToken(t, winnt.SeSecurityPrivilege.Bit(), winnt.SeSecurityPrivilege.Bit())
	from.Subject.Client = held.WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityImpersonation)
	type users = map[sid.SID]map[audit.Subcategory]audit.UserSetting
	system := func(s audit.Subcategory, v audit.Setting) map[audit.Subcategory]audit.Setting {
		return map[audit.Subcategory]audit.Setting{s: v}
	}
	before := mustPolicy(t, audit.PolicySpec{System: system(audit.FileSystem, audit.OnSuccess),
		Users: users{groupG: {audit.Logon: {Include: audit.OnSuccess, Exclude: audit.OnFailure}}}, GlobalSACLs: lists("File",
			"S:(AU;SA;FR;;;WD)"), Options: audit.Options{CrashOnAuditFail: audit.AuditFailed}})
	after := mustPolicy(t, audit.PolicySpec{System: system(audit.FileSystem, audit.OnFailure),
		Users: users{groupG: {audit.Logon: {Include: audit.OnFailure, Exclude: audit.OnSuccess}}}, GlobalSACLs: lists("Key",
			"S:(AU;FA;KR;;;WD)"), Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail}})
	subject := strings.ReplaceAll(accountOf("Target", targetSID, "0x4001"), "Target", "Subject")
	const change = "v0 success Audit Policy Change: "
	const file = "SubcategoryId=%%12800|SubcategoryGuid={0CCE921D-69AE-11D9-BED3-505054503030}|"
	const logon = "CategoryId=%%8273|SubcategoryId=%%12544|SubcategoryGuid={0CCE9215-69AE-11D9-BED3-505054503030}|"
	const global = "ObjectServer=LSA|ObjectType=Global SACL|"
	want := []string{
		"4719 " + change + subject + "CategoryId=%%8274|" + file + "AuditPolicyChanges=%%8448,%%8451|{P}",
		"4912 " + change + subject + "TargetUserSid=" + groupG.String() + "|" + logon +
			"AuditPolicyChanges=%%8452,%%8455,%%8457,%%8458|{P}",
		"4817 " + change + subject + global + "ObjectName=File|OldSd=S:(AU;SA;FR;;;WD)|NewSd=-|{P}",
		"4817 " + change + subject + global + "ObjectName=Key|OldSd=-|NewSd=S:(AU;FA;KR;;;WD)|{P}",
		"4621 v0 success Security State Change: CrashOnAuditFailValue=2|",
		"4906 " + change + "CrashOnAuditFailValue=1|",
	}
	checkWhole(t, audit.PolicyChanged(from, before, after), want...)
	log, sink := newLog(t)
	log.Names, from.Names = census{}, nil
	log.Policy.Store(before)
	if st := log.ChangePolicy(from, after); st != ntstatus.Success || log.Policy.Load() != after {
		t.Errorf("U-2: %v", st)
	}
	checkWhole(t, sink.Drain(), want...)
}
