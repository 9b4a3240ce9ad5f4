package trail

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// Each event has the class and activity of the schema. An event without a matching class is named (OCSF 1.8.0, U-76).
func TestEventsHaveOCSFClasses(t *testing.T) {
	const (
		file  = `"ObjectType":"File"`
		key   = `"ObjectType":"Key"`
		other = `"ObjectType":"Mutant"`
	)
	requireClass := func(r stored, want class) {
		t.Helper()
		check.Equal(t, classOf(r.event(t)), want, "class of %d, %s %s", r.id, r.subcategory, r.data)
	}
	for _, row := range []struct {
		events string // numbers
		data   string
		class  int
		is     int
		name   string
	}{
		{"4624 4625 4648", "", 3002, 1, ""}, {"4634 4647", "", 3002, 2, ""},
		{"4672 4703", "", 3003, 1, ""}, {"4627 4964", "", 3003, 2, ""}, {"4626", "", 3003, 99, "Claims"},
		{"4704 4717", "", 3005, 1, ""}, {"4705 4718", "", 3005, 2, ""},
		{"4656 4661 4674", file, 1001, 14, ""}, {"4656 4661 4674", key, 201001, 2, ""},
		{"4656", `"ObjectType":"Process"`, 1007, 3, ""}, {"4656", `"ObjectType":"Thread"`, 1007, 3, ""},
		{"4656 4661", other, 201003, 1, ""}, {"4661", `"ObjectType":"Process"`, 201003, 1, ""},
		{"4673", "", 201003, 1, ""}, {"4658", file, 1001, 99, "Close"}, {"4658", other, 201003, 99, "Close"},
		{"4658", key, 201003, 99, "Close"},
		{"4659 4660", file, 1001, 4, ""}, {"4659 4660", key, 201001, 4, ""},
		{"4659 4660", other, 201003, 99, "Delete"}, {"4664", "", 1001, 1, ""},
		{"4670 4907 4911 4913", file, 1001, 7, ""}, {"4670 4907 4911 4913", key, 201001, 6, ""},
		{"4670 4907 4911 4913", other, 201003, 99, "Set Security"},
		{"4688", "", 1007, 1, ""}, {"4689", "", 1007, 2, ""}, {"4696", "", 1007, 5, ""},
		{"64048", "", 1007, 99, "Impersonate Upward"}, {"4690", "", 201003, 99, "Duplicate Handle"},
		{"4715 4719 4817 4904 4908 4912 4616", "", 3004, 3, ""}, {"4902", "", 3004, 1, ""},
		{"4905", "", 3004, 4, ""},
		{"4818", "", 1001, 99, "Central policy staging"}, {"4608", "", 1008, 6, ""}, {"1100", "", 1008, 7, ""},
		{"1102", "", 1008, 1, ""}, {"1104", "", 1008, 99, "Full"}, {"1103", "", 1008, 99, "Nearly full"},
		{"1105", "", 1008, 4, ""}, {"4612", "", 1008, 99, "Records lost"}, {"4621", "", 1008, 99, "Recovered"},
		{"4906", "", 1008, 99, "CrashOnAuditFail"}, {"64049", "", 1008, 2, ""},
	} {
		for event := range strings.FieldsSeq(row.events) {
			r := stored{data: row.data}
			check.NoError(t, check.Err(fmt.Sscan(event, &r.id)))
			requireClass(r, class{row.class, row.is, row.name})
		}
	}
	for _, row := range []struct {
		id, activity int
		data         string
		class        int
		masks        []int
	}{
		{4662, 2, other, 3004, []int{0x4, 0x10, 0x100, 0x20000}},
		{4662, 3, other, 3004, []int{0x1, 0x2, 0x8, 0x20, 0x40, 0x10000, 0x40000, 0x80000}},
		{4663, 2, file, 1001, []int{0x1, 0x20}}, {4663, 3, file, 1001, []int{0x2, 0x4}},
		{4663, 4, file, 1001, []int{0x40, 0x10000, 0x50000}}, {4663, 6, file, 1001, []int{0x10, 0x100}},
		{4663, 7, file, 1001, []int{0x40000, 0x80000}}, {4663, 8, file, 1001, []int{0x8, 0x80}},
		{4663, 9, file, 1001, []int{0x20000}},
		{4663, 2, key, 201001, []int{0x1, 0x8, 0x10, 0x100, 0x20000}},
		{4663, 3, key, 201001, []int{0x2, 0x4, 0x20}},
		{4663, 4, key, 201001, []int{0x10000}}, {4663, 6, key, 201001, []int{0x40000}},
		{4663, 1, other, 201003, []int{0x2}},
	} {
		for _, mask := range row.masks {
			r := stored{id: row.id, data: fmt.Sprintf(`%s,"AccessMask":"%#x"`, row.data, mask)}
			requireClass(r, class{row.class, row.activity, ""})
		}
	}
	for typ, want := range map[string]class{"File System": {1001, 14, ""}, "Registry": {201001, 2, ""}} {
		requireClass(stored{id: 4656, subcategory: typ, data: other}, want)
	}
	for typ, want := range map[string]int{"Directory": 1, "Event": 2, "Mutant": 5, "File": 7, "Token": 8,
		"Thread": 9, "Section": 10, "WindowStation": 11, "SymbolicLink": 18, "Process": 20, "Desktop": 22, "Key": 25,
		"Semaphore": 28, "Job": 29, "Port": 30, "ALPC Port": 32, "Strange": 0} {
		check.Equal(t, resourceType(typ), want, "%s", typ)
	}
	for text, want := range map[string]int{"S-1-5-18": 3, "S-1-5-19": 4, "S-1-5-20": 4, "S-1-5-80-1-2": 4,
		"S-1-5-21-1-2-3-4": 1, "S-1-5-32-544": 0, "S-1-5-180": 0} {
		check.Equal(t, userType(text), want, "%s", text)
	}
}

// Each class has its object in the attribute of the schema, the rights occur once, and all other fields are in
// unmapped (U-76). The expected values omit the members of every event.
func TestOCSFClassHasItsObjectAttribute(t *testing.T) {
	const subject = `"SubjectUserSid":"S-1-5-21-1-2-3-1107","SubjectUserName":"alice","SubjectDomainName":"CORP",` +
		`"SubjectLogonId":"0x3e7","ProcessId":"0x10","ProcessName":"C:\\bin\\a.exe",`
	const actor = `"actor":{"user":{"uid":"S-1-5-21-1-2-3-1107","name":"alice","domain":"CORP","type_id":1},` +
		`"session":{"uid":"0x3e7"},"process":{"pid":16,"name":"a.exe","file":{"name":"a.exe",` +
		`"path":"C:\\bin\\a.exe","type_id":1}}},`
	const byApp = `"actor":{"app_name":"refmon"},`
	for _, c := range []struct {
		r    stored
		want string
	}{
		{stored{id: 4670, data: subject + `"ObjectType":"File","ObjectName":"/d/f.txt",` +
			`"ObjectDirectory":"%%1842","NewSd":"D:","OldSd":"D:P","HandleId":"-","Empty":""`},
			actor + `"activity_id":7,"class_uid":1001,"severity_id":1,"file":{"name":"f.txt","path":"/d/f.txt",` +
				`"type_id":2,` + `"security_descriptor":"D:"},"unmapped":{"OldSd":"D:P"}`},
		{stored{id: 4656, failure: true, data: subject + `"ObjectType":"File","AccessMask":"0x10001",` +
			`"AccessList":["%%1537","%%4416"]`, access: "0x10000 1537 1805\n0x1 4416 1805"},
			actor + `"activity_id":14,"class_uid":1001,"severity_id":2,"file":{"name":"unknown","type_id":1},` +
				`"access_mask":65537,` +
				`"access_list":["DELETE","ReadData"],"unmapped":{"AccessList":["%%1537","%%4416"]}`},
		{stored{id: 4664, data: `"ObjectName":"/d/e/"`},
			byApp + `"activity_id":1,"class_uid":1001,"severity_id":1,"file":{"name":"e","path":"/d/e/","type_id":1},` +
				`"unmapped":{}`},
		{stored{id: 4656, data: subject + `"ObjectType":"Key","ObjectName":"\\REGISTRY\\M","AccessMask":"0x1"`,
			access: "0x1 4432 1801"},
			actor + `"activity_id":2,"class_uid":201001,"severity_id":1,"reg_key":{"path":"\\REGISTRY\\M"},` +
				`"access_mask":1,` + `"access_list":["QueryValue"],"unmapped":{}`},
		{stored{id: 4673, data: subject + `"ObjectServer":"Security","Service":"SeTime","PrivilegeList":["SeA",` +
			`"SeB"]`}, actor + `"activity_id":1,"class_uid":201003,"severity_id":1,"win_resource":{"name":"SeTime",` +
			`"type_id":0,` + `"svc_name":"Security"},"unmapped":{"PrivilegeList":["SeA","SeB"]}`},
		{stored{id: 4656, data: `"ObjectType":"Mutant","ObjectName":"m"`},
			byApp + `"activity_id":1,"class_uid":201003,"severity_id":1,"win_resource":{"name":"m",` +
				`"type_id":5},"unmapped":{}`},
		{stored{id: 4688, data: subject + `"NewProcessId":"0x20","NewProcessName":"/bin/b","TargetUserName":"-"`},
			actor + `"activity_id":1,"class_uid":1007,"severity_id":1,"process":{"pid":32,"name":"b",` +
				`"file":{"name":"b","path":"/bin/b","type_id":1}},"unmapped":{}`},
		{stored{id: 4696, data: `"TargetProcessId":"0x30","TargetProcessName":"-","PrimaryUserSid":"S-1-5-20"`},
			byApp + `"activity_id":5,"class_uid":1007,"severity_id":1,"process":{"pid":48},` +
				`"unmapped":{"PrimaryUserSid":"S-1-5-20"}`},
		{stored{id: 4656, data: `"ObjectType":"Process","ObjectName":"p","AccessMask":"0x1"`, access: "0x1 4480 1801"},
			byApp + `"activity_id":3,"class_uid":1007,"severity_id":1,"process":{"name":"p"},` +
				`"requested_permissions":1,` + `"access_list":["Terminate"],"unmapped":{}`},
		{stored{id: 4624, data: subject + `"TargetUserSid":"S-1-5-18","TargetUserName":"SYSTEM",` +
			`"TargetLogonId":"0x99","LogonType":"3","LogonProcessName":"LPN"`},
			actor + `"activity_id":1,"class_uid":3002,"severity_id":1,"user":{"uid":"S-1-5-18","name":"SYSTEM",` +
				`"type_id":3},` + `"service":{"name":"dc1"},"session":{"uid":"0x99"},"logon_type_id":3,` +
				`"logon_process":{"name":"LPN"},"unmapped":{}`},
		{stored{id: 4625, failure: true, data: `"TargetUserSid":"-","LogonType":"0","Status":"0xc000006d",` +
			`"SubStatus":"0x0"`},
			byApp + `"activity_id":1,"class_uid":3002,"severity_id":2,"user":{"name":"unknown","type_id":0},` +
				`"service":{"name":"dc1"},"logon_type_id":1,"status_code":"0xc000006d",` +
				`"unmapped":{"SubStatus":"0x0"}`},
		{stored{id: 4672, data: subject + `"PrivilegeList":["SeA","SeB"]`},
			actor + `"activity_id":1,"class_uid":3003,"severity_id":1,"user":{"uid":"S-1-5-21-1-2-3-1107",` +
				`"name":"alice","domain":"CORP",` + `"type_id":1},"privileges":["SeA","SeB"],"unmapped":{}`},
		{stored{id: 4703, data: `"TargetUserSid":"S-1-5-19","EnabledPrivilegeList":["SeA"],` +
			`"DisabledPrivilegeList":["SeB"]`},
			byApp + `"activity_id":1,"class_uid":3003,"severity_id":1,"user":{"uid":"S-1-5-19","type_id":4},` +
				`"privileges":["SeA"],` + `"unmapped":{"DisabledPrivilegeList":["SeB"]}`},
		{stored{id: 4704, data: `"TargetUserSid":"S-1-5-19","PrivilegeList":"-"`},
			byApp + `"activity_id":1,"class_uid":3005,"severity_id":3,"user":{"uid":"S-1-5-19","type_id":4},` +
				`"privileges":[],"unmapped":{}`},
		{stored{id: 4719, subcategory: "Audit Policy Change",
			data: `"SubcategoryGuid":"{X}","AuditPolicyChanges":["a"]`},
			byApp + `"activity_id":3,"class_uid":3004,"severity_id":3,"entity":{"name":"Audit policy",` +
				`"type":"Policy",` +
				`"policy":{"name":"Audit Policy Change","uid":"{X}"}},"unmapped":{"AuditPolicyChanges":["a"]}`},
		{stored{id: 4902, data: `"SubjectUserSid":"S-1-5-18","SubjectDomainName":"NT","PuaCount":"1"`},
			`"actor":{"user":{"uid":"S-1-5-18","domain":"NT","type_id":3}},"activity_id":1,"class_uid":3004,"severity_id":3,` +
				`"entity":{"name":"Audit policy","type":"Policy","policy":{"name":"Audit policy"}},` +
				`"unmapped":{"PuaCount":"1"}`},
		{stored{id: 4662, data: `"ObjectName":"%{g}","ObjectType":"t","AccessMask":"0x20"`, access: "0x20 7685 1801"},
			byApp + `"activity_id":3,"class_uid":3004,"severity_id":3,"entity":{"name":"%{g}",` +
				`"type":"Directory object"},` + `"access_mask":32,"access_list":["WriteProperty"],"unmapped":{}`},
		{stored{id: 4662, data: `"ObjectType":"t","AccessMask":"0x20"`, access: "0x20 7685 1801"},
			byApp + `"activity_id":3,"class_uid":3004,"severity_id":3,"entity":{"name":"unknown",` +
				`"type":"Directory object"},` + `"access_mask":32,"access_list":["WriteProperty"],"unmapped":{}`},
		{stored{id: 4616, data: `"NewTime":"n"`},
			byApp + `"activity_id":3,"class_uid":3004,"severity_id":3,"entity":{"name":"System time"},` +
				`"unmapped":{"NewTime":"n"}`},
		{stored{id: 1105, data: `"BackupPath":"/a/old.log"`},
			byApp + `"activity_id":4,"class_uid":1008,"severity_id":3,"log_name":"Security","log_type_id":1,` +
				`"file":{"name":"old.log","path":"/a/old.log","type_id":1},"unmapped":{}`},
		{stored{id: 1104, data: `"X":"y"`},
			byApp + `"activity_id":99,"activity_name":"Full","class_uid":1008,"severity_id":3,` +
				`"log_name":"Security","log_type_id":1,` + `"unmapped":{"X":"y"}`},
		{stored{id: 4656, data: `"SubjectUserSid":"S-1-5-18","SubjectUserName":"-","PrimaryUserSid":"S-1-5-20",` +
			`"PrimaryUserName":"NS",` +
			`"PrimaryDomainName":"NT","PrimaryLogonId":"0x3e4","ObjectType":"Token","ObjectName":"-"`},
			`"actor":{"user":{"uid":"S-1-5-18","type_id":3},"process":{"user":{"uid":"S-1-5-20","name":"NS",` +
				`"domain":"NT","type_id":4}}},` +
				`"activity_id":1,"class_uid":201003,"severity_id":1,"win_resource":{"name":"unknown",` +
				`"type_id":8},"unmapped":{}`},
	} {
		var got, want map[string]any
		check.NoError(t, json.Unmarshal([]byte(printed(t, "ocsf", *c.r.event(t))), &got))
		check.NoError(t, json.Unmarshal([]byte("{"+c.want+"}"), &want))
		class := int(want["class_uid"].(float64))
		meta := fmt.Sprintf(`{"version":"1.8.0","product":{"name":"refmon","vendor_name":"refmon","version":"0"},`+
			`"log_name":"Security","event_code":"%d","uid":"7","sequence":7,`+
			`"original_time":"2024-02-29T16:00:00.1234567Z","profiles":["host"]}`, c.r.id)
		if class > 200_000 { // of the Windows extension
			meta = strings.TrimSuffix(meta, "}") + `,"extensions":[{"name":"win","uid":"2","version":"1.8.0"}]}`
		}
		status := 1
		if c.r.failure {
			status = 2
		}
		activity := int(want["activity_id"].(float64))
		check.NoError(t, json.Unmarshal(fmt.Appendf(nil, `{"metadata":%s,"device":{"type_id":1,"hostname":"dc1"},`+
			`"status_id":%d,"time":1709222400123,"type_uid":%d,"category_uid":%d}`, meta, status, class*100+activity,
			class%100_000/1000), &want))
		check.DeepEqual(t, got, want, "event %d", c.r.id)
	}
}
