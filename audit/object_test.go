package audit_test

import (
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestRecordsHaveAllFields checks all fields of each record of an object, a handle and privileges, with distinct
// values, for success and failure (U-20, U-22, U-57, U-58, U-75, UC-38).
func TestRecordsHaveAllFields(t *testing.T) {
	from := called(t)
	from.Names = census{}
	dir := audit.Object{Server: "Srv", Type: "File", Name: `N\d`, Handle: 0x4C, Directory: true}
	key := audit.Object{Type: "Key", Name: "K", Handle: 0x50, Directory: true}
	ds := audit.Object{Server: "Srv", Type: "DirectoryService", Name: "CN=x", Handle: 0x54}
	marked := sddl.MustParse(`O:BAG:SYD:S:(AU;SA;FA;;;WD)(RA;;;;;WD;("Project",TS,0x0,"Q3"))`)
	reasons := []audit.Reason{{Bits: 1, Code: 1801, Entry: "D:(A;;FR;;;WD)"}, {Bits: 0x20000, Code: 1810,
		Name: "SeBackupPrivilege"}}
	requested := audit.HandleRequest{Access: 0x20003, Reasons: reasons, Privileges: winnt.SeBackupPrivilege.Bit(),
		Descriptor: marked}
	refused := audit.HandleRequest{Outcome: audit.Failure, Access: 1}
	op := audit.DirectoryOperation{Access: 0x30, Class: winnt.GUID{0xAB}, Properties: []winnt.GUID{{1}, {2}}}
	tcb, lock := winnt.SeTcbPrivilege.Bit(), winnt.SeLockMemoryPrivilege.Bit()
	checkWhole(t, []audit.Event{
		audit.HandleRequested(from, dir, requested), audit.HandleRequested(from, key, refused),
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
		audit.PrivilegedObject(from, audit.Object{}, winnt.GENERIC_READ|1, tcb, audit.Success),
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
			"AccessMask=%%1538,%%4421|PrivilegeList=SeLockMemoryPrivilege|{A}{P}ObjectDirectory=%%1842| "+
			"[0x20000 1538 READ_CONTROL 0 ] [0x20 4421 Traverse 0 ]",
		"4674 v0 failure Sensitive Privilege Use: {S}ObjectServer=Security|ObjectType=Key|ObjectName=K|HandleId=0x50|"+
			"AccessMask=%%4436|PrivilegeList=SeTcbPrivilege|{A}{P} [0x10 4436 Notify about changes to keys 0 ]",
		"4674 v0 success Sensitive Privilege Use: {S}ObjectServer=Security|ObjectType=-|ObjectName=-|HandleId=0x0|"+
			"AccessMask=2147483649|PrivilegeList=SeTcbPrivilege|{A}{P}")
}
