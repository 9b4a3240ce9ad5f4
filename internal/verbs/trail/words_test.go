package trail

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/winnt"
)

// TestRightNames: each right has the name that its type gives it, and a bit
// without a name is shown as a number. Source: winnt.h and the pages on access
// rights of files, processes and threads; directory objects: MS-ADTS 5.1.3.2.
func TestRightNames(t *testing.T) {
	const standard = "10000 DELETE 20000 READ_CONTROL 40000 WRITE_DAC 80000 WRITE_OWNER 100000 SYNCHRONIZE " +
		"1000000 ACCESS_SYSTEM_SECURITY 2000000 MAXIMUM_ALLOWED 10000000 GENERIC_ALL 20000000 GENERIC_EXECUTE " +
		"40000000 GENERIC_WRITE 80000000 GENERIC_READ"
	for typ, rights := range map[string]string{
		"File": "1 ReadData 2 WriteData 4 AppendData 8 ReadEA 10 WriteEA 20 Execute 40 0x40 80 ReadAttributes " +
			"100 WriteAttributes 200 0x200",
		"directory": "1 ListDirectory 2 AddFile 4 AddSubdirectory 8 ReadEA 10 WriteEA 20 Traverse 40 DeleteChild " +
			"80 ReadAttributes 100 WriteAttributes 200 0x200",
		"Key": "1 QueryValue 2 SetValue 4 CreateSubKey 8 EnumerateSubKeys 10 Notify 20 CreateLink 40 0x40 80 0x80 " +
			"100 Wow64_64Key 200 Wow64_32Key",
		"Token": "1 AssignPrimary 2 Duplicate 4 Impersonate 8 Query 10 QuerySource 20 AdjustPrivileges " +
			"40 AdjustGroups 80 AdjustDefault 100 AdjustSessionId 200 0x200",
		"Process": "1 Terminate 2 CreateThread 4 SetSessionId 8 VmOperation 10 VmRead 20 VmWrite 40 DupHandle " +
			"80 CreateProcess 100 SetQuota 200 SetInformation 400 QueryInformation 800 SuspendResume " +
			"1000 QueryLimitedInformation 2000 SetLimitedInformation 4000 0x4000",
		"Thread": "1 Terminate 2 SuspendResume 4 Alert 8 GetContext 10 SetContext 20 SetInformation " +
			"40 QueryInformation 80 SetThreadToken 100 Impersonate 200 DirectImpersonation 400 " +
			"SetLimitedInformation " +
			"800 QueryLimitedInformation 1000 Resume 2000 0x2000",
		"4662": "1 CreateChild 2 DeleteChild 4 ListChildren 8 Self 10 ReadProperty 20 WriteProperty 40 DeleteTree " +
			"80 ListObject 100 ControlAccess",
		"Strange": "1 0x1 8000 0x8000",
	} {
		r := stored{id: 4663, data: `"ObjectType":"` + typ + `"`}
		switch typ {
		case "directory":
			r.data = `"ObjectType":"File","ObjectDirectory":"%%1842"`
		case "4662":
			r = stored{id: 4662, data: `"ObjectType":"%{bf967aba-0de6-11d0-a285-00aa003049e2}"`}
		}
		e := r.event(t)
		words := strings.Fields(rights + " " + standard)
		for i := 0; i < len(words); i += 2 {
			var bit winnt.AccessMask
			if _, err := fmt.Sscanf(words[i], "%x", &bit); err != nil {
				t.Fatal(err)
			}
			if got := RightName(e, bit); got != words[i+1] {
				t.Errorf("%s: %#x is %s, want %s", typ, uint32(bit), got, words[i+1])
			}
		}
	}
	if no := (stored{id: 4663, data: `"ObjectType":"File","ObjectDirectory":"%%1843"`}).event(t); IsDirectory(no) {
		t.Error("a file that says it is no directory counts as one")
	}
}

// TestReasons: the first refusal is why a denial, and each grant is why a
// success; codes that decide nothing are no reason. Source: the messages 1801
// to 1841 of Windows' audit messages.
func TestReasons(t *testing.T) {
	for code, want := range map[int]struct{ granted, denied string }{
		1801: {"granted by E", ""}, 1802: {"", "denied by E"}, 1803: {"", "denied by the integrity level E"},
		1804: {"granted to the owner E", ""}, 1805: {"", "not granted by any entry E"},
		1806: {"there is no DACL E", ""}, 1807: {"", "the DACL is empty E"}, 1810: {"", "a privilege is missing E"},
		1813: {"granted by a central access rule E", ""}, 1814: {"", "not granted by a central access rule E"},
		1830: {"", "not granted to app containers E"}, 1841: {"", "denied by the trust label E"},
		1808: {}, 1809: {}, 1811: {},
	} {
		access := fmt.Sprintf("0x1 4416 %d E", code)
		if got := Why(stored{id: 4656, access: access}.event(t)); got != want.granted {
			t.Errorf("%d of a success: %q, want %q", code, got, want.granted)
		}
		if got := Why(stored{id: 4656, failure: true, access: access}.event(t)); want.denied != "" &&
			got != want.denied {
			t.Errorf("%d of a denial: %q, want %q", code, got, want.denied)
		}
		// A refusal stands before every grant of the same record.
		access = "0x1 4416 1801 G\n0x2 4417 1809\n" + strings.Replace(access, "0x1 4416", "0x4 4418", 1)
		if got := Why(stored{id: 4656, failure: true, access: access}.event(t)); want.denied != "" &&
			got != want.denied {
			t.Errorf("%d behind a grant: %q, want %q", code, got, want.denied)
		}
	}
}

// TestChangeWords: the codes of a change of the audit policy are told as words.
// Source: the messages 8448 to 8459 of Windows' audit messages.
func TestChangeWords(t *testing.T) {
	for i, want := range []string{"success removed", "success added", "failure removed", "failure added",
		"success no longer included", "success included", "success no longer excluded", "success excluded",
		"failure no longer included", "failure included", "failure no longer excluded", "failure excluded"} {
		e := stored{id: 4912, data: fmt.Sprintf(`"AuditPolicyChanges":["%%%%%d"]`, 8448+i)}.event(t)
		if got := details(e); got != want {
			t.Errorf("%d: %q, want %q", 8448+i, got, want)
		}
	}
}

// TestColumns: each column of the CSV form holds the field of its name.
func TestColumns(t *testing.T) {
	fields := `"SubjectUserSid":"S-1","SubjectUserName":"=who","PrimaryUserSid":"S-2","ObjectType":"File",` +
		`"ObjectName":"+name","AccessMask":"0x3"`
	access := "0x1 4416 1801 D:(A;;FR;;;WD)\n0x2 4417 1801"
	for _, c := range []struct {
		r    stored
		want []string
	}{
		{stored{id: 4656, subcategory: "File System", data: fields + `,"PrivilegeList":["SeA","SeB"],` +
			`"EnabledPrivilegeList":["SeC"]`, access: access},
			[]string{"7", "2024-02-29T16:00:00.1234567Z", "4656", "success", "File System", "dc1", "S-1",
				"'=who", "S-2",
				"File", "'+name", "0x3", "ReadData,WriteData", "SeA\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDSeB",
				"granted by D:(A;;FR;;;WD), granted by a privilege"}},
		{stored{id: 4703, failure: true, data: `"ObjectName":"@x","EnabledPrivilegeList":["SeC"],"ObjectType":"-"`},
			[]string{"7", "2024-02-29T16:00:00.1234567Z", "4703", "failure", "", "dc1", "", "", "", "-", "'@x",
				"", "", "SeC", ""}},
		{stored{id: 4703, data: `"ObjectName":"-x"`},
			[]string{"7", "2024-02-29T16:00:00.1234567Z", "4703", "success", "", "dc1", "", "", "", "", "'-x",
				"", "", "", ""}},
	} {
		rows, err := csv.NewReader(strings.NewReader(printed(t, "csv", *c.r.event(t)))).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatalf("%v, %v", rows, err)
		}
		const head = "id time event outcome subcategory computer subject_sid subject_name primary_sid object_type " +
			"object_name access_mask rights privileges reason"
		if strings.Join(rows[0], " ") != head {
			t.Errorf("%q", rows[0])
		}
		for i, want := range c.want {
			if i >= len(rows[1]) || rows[1][i] != want {
				t.Errorf("%s: %s is %q, want %q", c.r.json(), rows[0][i], rows[1][min(i, len(rows[1])-1)], want)
			}
		}
	}
}

// TestVerifiedWords: what a verification could not know is said, each thing in
// its case and in no other (U-72).
func TestVerifiedWords(t *testing.T) {
	whole := auditlog.Verified{First: 1, Last: 9, Bytes: 90, Whole: true,
		Checkpoint: auditlog.Checkpoint{Origin: "dc1", Size: 9}, Anchors: make([]auditlog.Checkpoint, 1)}
	words := []string{"no record was written yet", "the content of records 1 to 3, which were not read",
		"whether records 8 to 9 were changed: no checkpoint covers them yet", "records after 5: they were not read",
		"17 bytes at the end", "--checkpoint FILE", "--key FILE", "the private key lies in the folder",
		"the content of records 1 to 1, which", "whether records 9 to 9 were changed", ": 1 bytes at the end"}
	for name, c := range map[string]struct {
		change  func(v *auditlog.Verified)
		anchors int
		want    string // the first letters of the words that must be said
	}{
		"all is known":       {func(*auditlog.Verified) {}, 1, ""},
		"no anchor":          {func(*auditlog.Verified) {}, 0, "5"},
		"empty":              {func(v *auditlog.Verified) { v.First, v.Last, v.Checkpoint.Size = 1, 0, 0 }, 1, "0"},
		"the first are gone": {func(v *auditlog.Verified) { v.First = 4 }, 1, "1"},
		"the first is gone":  {func(v *auditlog.Verified) { v.First = 2 }, 1, "8"},
		"one not covered":    {func(v *auditlog.Verified) { v.Checkpoint.Size = 8 }, 1, "9"},
		"one byte":           {func(v *auditlog.Verified) { v.Writing = 1 }, 1, "a"},
		"not yet covered":    {func(v *auditlog.Verified) { v.Checkpoint.Size = 7 }, 1, "2"},
		"a part":             {func(v *auditlog.Verified) { v.Last, v.Whole = 5, false }, 1, "3"},
		"all of a part":      {func(v *auditlog.Verified) { v.Whole = false }, 1, ""},
		"being written":      {func(v *auditlog.Verified) { v.Writing = 17 }, 1, "4"},
		"its own key":        {func(v *auditlog.Verified) { v.OwnKey = true }, 1, "6"},
		"a key inside":       {func(v *auditlog.Verified) { v.KeyInside = true }, 1, "7"},
	} {
		v := whole
		c.change(&v)
		got := Verified(&v, c.anchors)
		for i, word := range words {
			if want := strings.Contains(c.want, fmt.Sprintf("%x", i)); strings.Contains(got, word) != want {
				t.Errorf("%s: %q is said: %t\n%s", name, word, !want, got)
			}
		}
		if n := strings.Count(got, "not known: "); n != len(strings.Trim(c.want, "0")) {
			t.Errorf("%s: %d things are not known\n%s", name, n, got)
		}
	}
	v := whole
	v.Anchors = make([]auditlog.Checkpoint, 3)
	if got := Verified(&v, 5); !strings.Contains(got, "anchor: 2 of 5 checkpoints from elsewhere are in the "+
		"tree\n") ||
		!strings.HasPrefix(got, "intact: records 1 to 9, 90 bytes, of the log ") {
		t.Error(got)
	}
	if got := Verified(&whole, 5); strings.Contains(got, "checkpoints from elsewhere") {
		t.Error(got)
	}
}

// TestChange: a change sets the outcomes that it names, of the subcategories
// that it names, and leaves all others.
func TestChange(t *testing.T) {
	for _, c := range []struct {
		success, failure string
		before, want     audit.Setting
	}{
		{"enable", "", 0, audit.OnSuccess}, {"enable", "", audit.OnFailure, audit.OnBoth},
		{"disable", "", audit.OnBoth, audit.OnFailure}, {"disable", "", audit.OnFailure, audit.OnFailure},
		{"", "enable", audit.OnSuccess, audit.OnBoth}, {"", "disable", audit.OnBoth, audit.OnSuccess},
		{"enable", "disable", audit.OnFailure, audit.OnSuccess}, {"disable", "enable", audit.OnSuccess,
			audit.OnFailure},
		{"", "", audit.OnBoth, audit.OnBoth},
	} {
		p, err := audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
			audit.FileSystem: c.before, audit.Registry: c.before, audit.Logon: c.before}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Change(p, []string{"File System", "{0CCE921E-69AE-11D9-BED3-505054503030}"}, c.success,
			c.failure)
		if err != nil {
			t.Fatal(err)
		}
		if got.System(audit.FileSystem) != c.want || got.System(audit.Registry) != c.want ||
			got.System(audit.Logon) != c.before || p.System(audit.FileSystem) != c.before {
			t.Errorf("%+v gives %v", c, got.System(audit.FileSystem))
		}
	}
	if p, err := Change(nil, nil, "", ""); err != nil || string(FormatPolicy(p)) != string(FormatPolicy(nil)) ||
		p.System(audit.AuditPolicyChange) != audit.OnBoth {
		t.Errorf("nil is not the default: %v", err)
	}
	if _, err := Change(nil, []string{"Nonsense"}, "enable", ""); err == nil {
		t.Error("an unknown subcategory is taken")
	}
	if _, err := Change(nil, []string{"Logon", "Nonsense"}, "enable", ""); err == nil {
		t.Error("an unknown second subcategory is taken")
	}
}
