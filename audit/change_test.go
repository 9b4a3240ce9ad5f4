package audit_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestSACLControlBitChangesAreRecorded checks that a change of a SACL's control bit (present, protected or
// auto-inherited) counts as a change of the SACL, even if the entries stay, and if the request names only the
// protection (UC-67).
func TestSACLControlBitChangesAreRecorded(t *testing.T) {
	for _, c := range []struct {
		before, after string
		want          int
	}{
		{"S:(AU;SA;FA;;;WD)", "S:(AU;SA;FA;;;WD)", 0}, {"S:(AU;SA;FA;;;WD)", "S:P(AU;SA;FA;;;WD)", 1},
		{"S:AI(AU;SA;FA;;;WD)", "S:(AU;SA;FA;;;WD)", 1}, {"S:(AU;SA;FA;;;WD)", "S:AR(AU;SA;FA;;;WD)", 0},
		{"", "S:", 1}, {"S:", "", 1}, {"S:NO_ACCESS_CONTROL", "", 1}, {"D:P", "D:AI", 0},
		{"S:(AU;SA;FA;;;WD)", "S:(AU;FA;FA;;;WD)", 1},
	} {
		for _, info := range []uint32{winnt.SACL_SECURITY_INFORMATION, winnt.PROTECTED_SACL_SECURITY_INFORMATION,
			winnt.UNPROTECTED_SACL_SECURITY_INFORMATION, winnt.DACL_SECURITY_INFORMATION} {
			log, sink := newLog(t, audit.AuditPolicyChange)
			log.SecuritySet(origin(t), reportFile, sddl.MustParse("O:BAG:SY"+c.before), sddl.MustParse("O:BAG:SY"+c.after), info)
			want := c.want
			if info == winnt.DACL_SECURITY_INFORMATION {
				want = 0
			}
			check.Equal(t, sink.Len(), want, "UC-67: %q to %q, parts %#x: records", c.before, c.after, info)
		}
	}
}

// TestDACLControlBitChangesAreRecorded checks that a change of a DACL's control bit counts as a change of the DACL. The
// SACL of a directory object has no record of its own.
func TestDACLControlBitChangesAreRecorded(t *testing.T) {
	for _, c := range []struct {
		typ, before, after string
		want               int
	}{
		{"Event", "D:(A;;GA;;;WD)", "D:(A;;GA;;;WD)", 0}, {"Event", "D:(A;;GA;;;WD)", "D:P(A;;GA;;;WD)", 1},
		{"Event", "D:AI(A;;GA;;;WD)", "D:(A;;GA;;;WD)", 1}, {"Event", "D:(A;;GA;;;WD)", "D:AR(A;;GA;;;WD)", 0},
		{"Event", "", "D:NO_ACCESS_CONTROL", 1}, {"Event", "D:", "", 1}, {"Event", "S:", "S:P", 1},
		{"DirectoryService", "S:", "S:P", 0}, {"DirectoryService", "D:", "D:P", 1},
	} {
		log, sink := newLog(t, audit.AuditPolicyChange, audit.AuthorizationPolicyChange)
		log.SecuritySet(origin(t), audit.Object{Type: c.typ}, sddl.MustParse("O:BAG:SY"+c.before),
			sddl.MustParse("O:BAG:SY"+c.after), winnt.DACL_SECURITY_INFORMATION|winnt.SACL_SECURITY_INFORMATION)
		check.Equal(t, sink.Len(), c.want, "%s %q to %q: records", c.typ, c.before, c.after)
	}
}

// TestChangeIsMatchedByClientAndGlobalSACL checks that recording a changed DACL also depends on the client's SIDs and
// the global SACL, and that a changed group is no change of owner or DACL.
func TestChangeIsMatchedByClientAndGlobalSACL(t *testing.T) {
	const dacl, owner, group = winnt.DACL_SECURITY_INFORMATION, winnt.OWNER_SECURITY_INFORMATION,
		winnt.GROUP_SECURITY_INFORMATION
	for _, c := range []struct {
		sacl, global, after string
		info                uint32
		want                int
	}{
		{"S:(AU;SA;WD;;;" + clientSID + ")", "", "O:BAG:SYD:P", dacl, 1},
		{"S:(AU;SA;WD;;;" + processSID + ")", "", "O:BAG:SYD:P", dacl, 0},
		{"S:", "S:(AU;SA;WD;;;WD)", "O:BAG:SYD:P", dacl, 1}, {"S:", "S:(AU;SA;WO;;;WD)", "O:BAG:SYD:P", dacl, 0},
		{"S:(AU;SA;WD;;;WD)", "", "O:BAG:SYD:P", winnt.PROTECTED_DACL_SECURITY_INFORMATION, 1},
		{"S:(AU;SA;WD;;;WD)", "", "O:BAG:SYD:P", winnt.UNPROTECTED_DACL_SECURITY_INFORMATION, 1},
		{"S:(AU;SA;WD;;;WD)", "", "O:BAG:SYD:P", winnt.PROTECTED_SACL_SECURITY_INFORMATION, 0},
		{"S:(AU;SA;WDWO;;;WD)", "", "O:BAG:BAD:", owner | group | dacl, 0},
		{"S:(AU;SA;WD;;;WD)", "", "O:SYG:SYD:P", owner | dacl, 1},
		{"S:(AU;FA;WDWO;;;WD)", "", "O:SYG:SYD:P", owner | dacl, 0},
		{"S:(AU;SA;WO;;;WD)", "", "O:SYG:SYD:P", owner | dacl, 1},
		{"S:(AU;SA;WD;;;WD)", "", "O:SYG:SYD:P", owner, 0}, {"S:(AU;SA;WO;;;WD)", "", "O:SYG:SYD:P", dacl, 0},
	} {
		for _, typ := range []string{"File", "Key"} {
			log, sink := newLog(t)
			spec := audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.TypeSubcategory(typ): audit.OnBoth}}
			if c.global != "" {
				spec.GlobalSACLs = lists(typ, c.global)
			}
			log.Policy.Store(mustPolicy(t, spec))
			log.SecuritySet(called(t), audit.Object{Type: typ}, sddl.MustParse("O:BAG:SYD:"+c.sacl),
				sddl.MustParse(c.after+c.sacl), c.info)
			check.Equal(t, sink.Len(), c.want, "%s %+v: records", typ, c)
		}
	}
}

// The records of changed descriptors, tokens, processes and policies have all their fields. The
// log's Names resolve the SIDs if the origin's Names is nil (U-20, U-84, U-85, U-86, U-88). A part
// that stays or is not set has no record (UC-42, UC-68).
func TestChangeRecordsHaveAllFields(t *testing.T) {
	log, sink := newLog(t, audit.AuthorizationPolicyChange, audit.AuditPolicyChange, audit.ProcessCreation,
		audit.ProcessTermination, audit.TokenRightAdjusted)
	log.Names = census{}
	from, dir := called(t), audit.Object{Server: "Srv", Type: "Event", Name: "N", Handle: 0x4C}
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
	checkWhole(t, sink.Drain(), "4670 v0 success Authorization Policy Change: "+object+"OldSd=O:BA|NewSd=O:SY|{A}{P}")

	log.SecuritySet(from, dir, after, after, all) // nothing changed
	dir.Name = ""
	log.SecuritySet(from, dir, after, before, winnt.SCOPE_SECURITY_INFORMATION)
	checkWhole(t, sink.Drain(), "4913 v0 success Authorization Policy Change: "+strings.Replace(object, "=N|", "=-|", 1)+
		"OldSd=S:(SP;;;;;S-1-17-1)|NewSd=S:AI|{A}{P}")

	backup, restore := winnt.SeBackupPrivilege.Bit(), winnt.SeRestorePrivilege.Bit()
	log.PrivilegesAdjusted(from, targetToken(t, backup|restore, backup), targetToken(t, backup|restore, restore))
	log.PrivilegesAdjusted(from, targetToken(t, backup, backup), targetToken(t, backup, 0))
	log.PrivilegesAdjusted(from, targetToken(t, backup, backup), targetToken(t, backup, backup)) // nothing changed
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
		`4703 v0 success Token Right Adjusted Events: {S}{T}ProcessName=C:\srv.exe|ProcessId=0x1a4|`+
			"EnabledPrivilegeList=-|DisabledPrivilegeList=SeBackupPrivilege|{P}",
		`4688 v2 success Process Creation: {S}NewProcessId=0x99|NewProcessName=C:\child.exe|TokenElevationType=-|`+
			`ProcessId=0x1a4|CommandLine=|{T}ParentProcessName=C:\parent.exe|MandatoryLabel=S-1-16-8192|{P}`,
		`4696 v0 success Process Creation: {S}{T}TargetProcessId=0x99|TargetProcessName=C:\child.exe|{A}{P}`,
		"4689 v0 success Process Termination: {S}Status=0xc0000022|{A}{P}",
		`4688 v2 success Process Creation: {S}NewProcessId=0x99|NewProcessName=C:\child.exe|TokenElevationType=-|`+
			`ProcessId=0x1a4|CommandLine=|`+none+`ParentProcessName=-|MandatoryLabel=-|{P}`)
}
