package audit_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestLogServiceRecordsHaveAllFields checks all fields of the records of the log, of shares, of accounts and of an
// unsafe elevation (I-48, F-178).
func TestLogServiceRecordsHaveAllFields(t *testing.T) {
	from := called(t)
	from.Names = census{}
	const system = "SubjectUserSid=S-1-5-18|SubjectUserName=name-S-1-5-18|SubjectDomainName=domain-S-1-5-18|" +
		"SubjectLogonId=0x0|"
	discarded := audit.AuditsDiscarded(7, audit.Header{RecordID: 5, Time: 77, Computer: "pc", Chain: "c", ID: 9,
		Version: 3, Subcategory: audit.Logon, Outcome: audit.Failure})
	check.That(t, discarded.Time == 77 && discarded.Computer == "pc" && discarded.RecordID == 0 && discarded.Chain == "",
		"header %+v, want time 77, computer pc, no id and no chain", discarded.Header)
	elevation := audit.Elevation{Thread: 0x200, KernelMode: true, Client: targetToken(t, winnt.SeTcbPrivilege.Bit(), 0),
		EffectiveOnly: true, Level: winnt.SecurityIdentification}
	unsafe, ok := audit.UnsafeElevation(from, elevation)
	check.That(t, ok, "I-48: a privilege that only the client has is not reported as an elevation, want reported")
	checkWhole(t, []audit.Event{
		discarded, audit.LogStarted(), audit.LogStopped(), audit.LogRecovered(12), audit.LogNearlyFull(93),
		audit.LogFull(), audit.LogArchived("f", 1, 9), audit.LogArchived("", 1, 9), audit.LogOverwritten(3, 17),
		audit.LogCleared(from, 9, [32]byte{1}),
		audit.ShareExposed(from, "data", "/srv", "everyone"),
		audit.AccountsChanged(from, sid.LocalSystem, "renamed", "bob", "rob"), unsafe,
	},
		"4612 v0 success System Integrity: AuditsDiscarded=7|", "4608 v0 success Security State Change: ",
		"1100 v0 success Subcategory(0x0): ", "4612 v0 success System Integrity: AuditsDiscarded=0|BytesDiscarded=12|",
		"1103 v0 success Subcategory(0x0): PercentFull=93|", "1104 v0 success Subcategory(0x0): ",
		"1105 v0 success Subcategory(0x0): Channel=Security|BackupPath=f|FirstRecordId=1|LastRecordId=9|",
		"1105 v0 success Subcategory(0x0): Channel=Security|BackupPath=-|FirstRecordId=1|LastRecordId=9|",
		"64049 v0 success System Integrity: FirstRecordId=3|LastRecordId=17|",
		"1102 v0 success Subcategory(0x0): {S}LastRecordId=9|"+
			"TreeRoot=0100000000000000000000000000000000000000000000000000000000000000|{P}",
		"5142 v0 success File Share: "+system+`ShareName=\\*\data|ShareLocalPath=/srv|Exposure=everyone|`,
		"64050 v0 success User Account Management: "+system+"Change=renamed|Target=bob|Detail=rob|",
		"64048 v0 success System Integrity: "+accountOf("Subject", processSID, "0x3001")+"{T}ThreadId=0x200|"+
			"ImpersonationLevel=%%1832|CopyOnOpen=%%1843|EffectiveOnly=%%1842|PrivilegeList=SeTcbPrivilege|"+
			"SubjectIntegrity=S-1-16-8192|TargetIntegrity=S-1-16-8192|Cause=Privilege,Level|{A}")

	log, sink := newLog(t, audit.DetailedFileShare)
	log.Names = census{}
	subject := from.Subject
	from.Names, from.Subject = nil, access.Subject{Primary: targetToken(t, 0, 0)} // the request's subject counts
	share := audit.ShareCheck{Share: "data", Path: "/srv", Target: `d\f`,
		Request: access.Request{Subject: subject, Desired: 3, Type: winnt.FileObject,
			Descriptor: sddl.MustParse("O:BAG:SYD:(A;;0x1;;;WD)(A;;0x1;;;" + groupG.String() + ")")}}
	for _, share.Outcome = range []audit.Outcome{audit.Success, audit.Failure} {
		log.ShareChecked(from, &share)
	}
	row := `: {S}ObjectType=File|IpAddress=-|IpPort=-|ShareName=\\*\data|ShareLocalPath=/srv|RelativeTargetName=d\f|` +
		"AccessMask=0x3|AccessList=%%4416,%%4417|AccessReason=%%4416:\t%%1801\tD:(A;;CC;;;WD),%%4417:\t%%1805|{P} " +
		"[0x1 4416 ReadData 1801 D:(A;;CC;;;WD)] [0x2 4417 WriteData 1805 ]"
	checkWhole(t, sink.Drain(), "5145 v0 success Detailed File Share"+row, "5145 v0 failure Detailed File Share"+row)
	for _, share.Request.Subject = range []access.Subject{subject, {Primary: tokenSystem(t)}} {
		log.ShareChecked(from, &share)
	}
	got := sink.Drain()
	check.That(t, len(got) == 2 && !got[0].ByAdministrator() && got[1].ByAdministrator(),
		"U-93: records of a check for a user and for an administrator: want only the second by an administrator")
}
