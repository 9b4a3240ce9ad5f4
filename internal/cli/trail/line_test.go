package trail

import (
	"strings"
	"testing"
)

// Each record is printed as one line: who did what to which object, with which rights and details, and for which
// reason.
func TestRecordPrintsAsOneLine(t *testing.T) {
	const user = `"SubjectUserSid":"S-1-5-21-1-2-3-1107","SubjectUserName":"alice","SubjectDomainName":"CORP"`
	const server = `,"PrimaryUserSid":"S-1-5-20","PrimaryUserName":"-","PrimaryDomainName":"-"`
	const file = `,"ObjectType":"File","ObjectName":"a b"`
	for _, c := range []struct {
		r    stored
		want string
	}{
		{stored{id: 4656, data: user + server + file, access: "0x1 4416 1801 D:(A;;FR;;;WD)\n0x2 4417 1801 " +
			"D:(A;;FR;;;WD)"}, `S-1-5-20 (NETWORK SERVICE) as CORP\alice open File "a b" for ReadData,WriteData: ` +
			`granted by D:(A;;FR;;;WD) Everyone`},
		{stored{id: 4656, failure: true, data: user + file, access: "0x1 4416 1801 D:(A;;FR;;;WD)\n0x2 4417 " +
			"1802 D:(D;;2;;;WD)\n0x4 4418 1805"},
			`DENIED CORP\alice open File "a b" for ReadData,WriteData,AppendData: denied by D:(D;;2;;;WD) Everyone`},
		{stored{id: 4656, failure: true, data: user, access: "0x1 4416 1805\n0x2 4417 1805"},
			`DENIED CORP\alice open for by the record,by the record: not granted by any entry`},
		{stored{id: 4656, data: `"SubjectUserSid":"S-1-5-18","SubjectUserName":"","SubjectDomainName":"-"` + file,
			access: "0x10000 1537 1804\n0x1 4416 1801\n0x2 4417 1806"},
			`S-1-5-18 (SYSTEM) open File "a b" for DELETE,ReadData,WriteData: granted to the owner, ` +
				`granted by a privilege, there is no DACL`},
		{stored{id: 4656, data: `"SubjectUserSid":"S-1-5-18","SubjectUserName":"SYSTEM",` +
			`"SubjectDomainName":"-","ObjectName":"","ObjectType":"Key"`}, `SYSTEM open Key ""`},
		{stored{id: 4656, data: `"SubjectUserSid":"S-1-5-18","SubjectUserName":"x","SubjectDomainName":"",` +
			`"ObjectName":"tab\there","ObjectType":"Key"`}, `x open Key "tab\there"`},
		{stored{id: 4673, data: user + `,"Service":"SeTime","PrivilegeList":["SeA","SeB"]`},
			`CORP\alice call a service with privileges SeTime with SeA,SeB`},
		{stored{id: 4703, data: user + `,"TargetUserSid":"S-1-5-7","TargetUserName":"-",` +
			`"EnabledPrivilegeList":["SeA"],"DisabledPrivilegeList":"-"`},
			`CORP\alice adjust privileges of S-1-5-7 (ANONYMOUS LOGON) enabling SeA`},
		{stored{id: 4703, data: user + `,"DisabledPrivilegeList":["SeB"],"EnabledPrivilegeList":"-"`},
			`CORP\alice adjust privileges disabling SeB`},
		{stored{id: 4719, data: `"SubcategoryGuid":"{0CCE921D-69AE-11D9-BED3-505054503030}",` +
			`"AuditPolicyChanges":["%%8448","%%8449","%%8450","%%8451"]`},
			"change the audit policy File System: success removed, success added, failure removed, failure added"},
		{stored{id: 4719, data: `"SubcategoryGuid":"{X}","AuditPolicyChanges":["%%8449"]`},
			"change the audit policy {X} success added"},
		{stored{id: 4624, data: user + `,"TargetUserSid":"S-1-5-7","TargetUserName":"bob","TargetDomainName":"CORP",` +
			`"LogonProcessName":"LsaLogonUser: bob@CORP.TEST by a ticket for HTTP/www"`},
			`CORP\alice logged on CORP\bob: bob@CORP.TEST by a ticket for HTTP/www`},
		{stored{id: 4625, failure: true, data: user + `,"TargetUserSid":"S-1-0-0","TargetUserName":"bob",` +
			`"TargetDomainName":"-","LogonProcessName":"LsaLogonUser: the clocks differ"`},
			`DENIED CORP\alice failed to log on bob: the clocks differ`},
		{stored{id: 4634, data: `"TargetUserSid":"S-1-5-7","TargetUserName":"-","LogonProcessName":"LsaLogonUser"`},
			`logged off S-1-5-7`},
		{stored{id: 64050, data: user + `,"Change":"member added","Target":"Power Users","Detail":"S-1-5-7"`},
			`CORP\alice changed accounts: member added "Power Users" S-1-5-7 (ANONYMOUS LOGON)`},
		{stored{id: 64050, data: user + `,"Change":"access revoked","Target":"\\Device\\t\\plan","Detail":"files"`},
			`CORP\alice changed accounts: access revoked \Device\t\plan files`},
		{stored{id: 64050, data: user + `,"Change":"member added","Target":"bob","Detail":"bob"`},
			`CORP\alice changed accounts: member added bob`},
		{stored{id: 64050, data: user + `,"Change":"access granted","Target":"S-1-5-7","Detail":"-"`},
			`CORP\alice changed accounts: access granted S-1-5-7 (ANONYMOUS LOGON)`},
		{stored{id: 64050, data: user + `,"Change":"password set","Target":"bob","Detail":"-"`},
			`CORP\alice changed accounts: password set bob`},
		{stored{id: 64050, data: user + `,"Change":"password set","Target":"bob","Detail":""`},
			`CORP\alice changed accounts: password set bob`},
		{stored{id: 9, data: `"X":"y"`}, `event 9`},
		{stored{id: 9, data: `"ObjectName":"a\u0001\u001f` + "\x7f\u0080\u009f\u00a0\u2028\u2029\u202e\u200f" + `z",` +
			`"ObjectType":"t"`}, "event 9 t a\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\u00a0\uFFFD\uFFFD\uFFFD\uFFFDz"},
	} {
		const head = "7 2024-02-29T16:00:00.123Z "
		if got := Line(c.r.event(t), nil, nil); got != head+c.want {
			t.Errorf("%s\ngives %s\nwant  %s", c.r.json(), strings.TrimPrefix(got, head), c.want)
		}
		// Only denied rights are marked as denied, and only granted ones as granted (U-114).
		Line(c.r.event(t), func(granted bool, text string) string {
			if granted == c.r.failure {
				t.Errorf("U-114: %s of %s is marked as granted: %v, want %v", text, c.r.json(), granted, !c.r.failure)
			}
			return text
		}, nil)
	}
}
