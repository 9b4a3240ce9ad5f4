package trail

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
)

// A stored is a record as it lies in a log, number 7 of dc1 at a fixed time.
type stored struct {
	id          int
	failure     bool
	subcategory string
	data        string // members of "data"
	access      string // what a right is granted or denied for: bit code reason entry; one a line
}

// json returns the stored bytes.
func (s stored) json() string {
	outcome := "success"
	if s.failure {
		outcome = "failure"
	}
	var access []string
	for line := range strings.Lines(s.access) {
		part := strings.Fields(line + " - -")
		bit, code, reason, entry := part[0], part[1], part[2], strings.Trim(part[3], "-")
		access = append(access, fmt.Sprintf(`{"bit":"%s","code":"%%%%%s","text":"by the record",`+
			`"reason":"%%%%%s","ace":"%s"}`,
			bit, code, reason, entry))
	}
	return fmt.Sprintf(`{"id":7,"time":"2024-02-29T16:00:00.1234567Z","event":%d,"version":1,"outcome":"%s",`+
		`"subcategory":"%s","subcategory_guid":"","computer":"dc1","data":{%s},"access":[%s],"chain":""}`,
		s.id, outcome, s.subcategory, s.data, strings.Join(access, ","))
}

// event reads the record.
func (s stored) event(t testing.TB) *audit.Event {
	t.Helper()
	e, err := audit.ParseEvent([]byte(s.json()))
	if err != nil {
		t.Fatalf("%s: %v", s.json(), err)
	}
	return &e
}

// TestFilterNames: each name of an expression compares each of the fields that
// the syntax says, in any case, and no other (Syntax).
func TestFilterNames(t *testing.T) {
	for name, fields := range map[string][]string{
		"user": {"SubjectUserName", "SubjectUserSid", "PrimaryUserName", "PrimaryUserSid", "TargetUserName",
			"TargetUserSid"},
		"object":         {"ObjectName", "Service", "LinkName"},
		"type":           {"ObjectType"},
		"privilege":      {"PrivilegeList", "EnabledPrivilegeList"},
		"ProcessName":    {"ProcessName"},
		"NewProcessName": {"NewProcessName"},
	} {
		f, err := Parse(name + "=needle*")
		if err != nil {
			t.Fatal(err)
		}
		other, err := Parse(name + "!=needle*")
		if err != nil {
			t.Fatal(err)
		}
		for _, all := range []string{"SubjectUserName", "SubjectUserSid", "SubjectDomainName", "PrimaryUserName",
			"PrimaryUserSid", "TargetUserName", "TargetUserSid", "ObjectName", "Service", "LinkName", "ObjectType",
			"ObjectServer", "PrivilegeList", "EnabledPrivilegeList", "DisabledPrivilegeList", "ProcessName",
			"NewProcessName"} {
			want := false
			for _, field := range fields {
				want = want || field == all
			}
			for _, data := range []string{`"` + all + `":"NeedLe17"`,
				`"X":"a","` + all + `":["hay","needle"],"Z":"b"`,
				`"` + all + `":["hay"],"Z":"needle"`, `"` + all + `":"hay","Z":"needle"`} {
				value := !strings.Contains(data, `"Z":"needle"`)
				r := []byte(stored{id: 4656, data: data}.json())
				if got := f.Match(r); got != (want && value) {
					t.Errorf("%s=needle*: %t for %s", name, got, data)
				}
				if got := other.Match(r); got == (want && value) {
					t.Errorf("%s!=needle*: %t for %s", name, got, data)
				}
			}
		}
	}
}

// TestFilterTimes: a record is of the time from since on and before until, and
// both bounds hold together, with and without an expression.
func TestFilterTimes(t *testing.T) {
	r := []byte(stored{id: 4656, data: `"ObjectName":"a"`}.json())
	at := stored{id: 4656}.event(t).Time
	for _, text := range []string{"", "object=a"} {
		f, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			since, until int64
			want         bool
		}{{0, 0, true}, {at, at + 1, true}, {at - 9, at, false}, {at + 1, at + 2, false}, {at - 1, at + 1, true},
			{at + 1, at, false}} {
			if f.Since, f.Until = c.since, c.until; f.Match(r) != c.want {
				t.Errorf("%q from %d to %d: want %t", text, c.since-at, c.until-at, c.want)
			}
		}
		f.Since = at + 1
		g, err := Parse("id=7")
		if err != nil {
			t.Fatal(err)
		}
		if f.And(g).Match(r) {
			t.Error("a further term forgets the bound of the time")
		}
		f.Since, f.Until = 0, at
		if f.And(g).Match(r) {
			t.Error("a further term forgets the other bound of the time")
		}
	}
	whole := &Filter{Since: 1}
	if whole.Match(r) {
		t.Error("a bound of the time alone chooses records")
	}
}

// TestFilterAnd: two filters choose what both choose; one that chooses nothing
// makes nothing of any.
func TestFilterAnd(t *testing.T) {
	r := []byte(stored{id: 4656, data: `"ObjectName":"a","ObjectType":"File"`}.json())
	for _, c := range []struct {
		first, second string
		want          bool
	}{{"object=a", "type=File", true}, {"object=b", "type=File", false}, {"object=a", "type=Key", false},
		{"event=4656", "object=a", true}, {"object=a", "event=4658", false}, {"event=4658", "object=a", false}} {
		f, err := Parse(c.first)
		if err != nil {
			t.Fatal(err)
		}
		g, err := Parse(c.second)
		if err != nil {
			t.Fatal(err)
		}
		if f.And(g).Match(r) != c.want {
			t.Errorf("%s and %s: want %t", c.first, c.second, c.want)
		}
		if f.And(&Filter{}).Match(r) || new(Filter).And(f).Match(r) {
			t.Error("the zero value and another choose")
		}
	}
	depth := strings.Repeat("not ", maxDepth-1) + "object=a"
	if _, err := Parse(depth); err != nil {
		t.Errorf("an expression of the greatest depth is refused: %v", err)
	}
	if _, err := Parse("not " + depth); err == nil {
		t.Error("an expression that is deeper is taken")
	}
}

// TestLines: who did what to what, for which rights, with which details and for
// which reason, word by word.
func TestLines(t *testing.T) {
	const user = `"SubjectUserSid":"S-1-5-21-1-2-3-1107","SubjectUserName":"alice","SubjectDomainName":"CORP"`
	const server = `,"PrimaryUserSid":"S-1-5-20","PrimaryUserName":"-","PrimaryDomainName":"-"`
	const file = `,"ObjectType":"File","ObjectName":"a b"`
	for _, c := range []struct {
		r    stored
		want string
	}{
		{stored{id: 4656, data: user + server + file, access: "0x1 4416 1801 D:(A;;FR;;;WD)\n0x2 4417 1801 " +
			"D:(A;;FR;;;WD)"},
			`S-1-5-20 as CORP\alice open File "a b" for ReadData,WriteData: granted by D:(A;;FR;;;WD)`},
		{stored{id: 4656, failure: true, data: user + file, access: "0x1 4416 1801 D:(A;;FR;;;WD)\n0x2 4417 " +
			"1802 D:(D;;2;;;WD)\n0x4 4418 1809"},
			`DENIED CORP\alice open File "a b" for ReadData,WriteData,AppendData: denied by D:(D;;2;;;WD)`},
		{stored{id: 4656, failure: true, data: user, access: "0x1 4416 1805\n0x2 4417 1805"},
			`DENIED CORP\alice open for by the record,by the record: not granted by any entry`},
		{stored{id: 4656, data: `"SubjectUserSid":"S-1-5-18","SubjectUserName":"","SubjectDomainName":"-"` + file,
			access: "0x10000 1537 1804\n0x1 4416 1801\n0x2 4417 1806"},
			`S-1-5-18 open File "a b" for DELETE,ReadData,WriteData: granted to the owner, ` +
				`granted by a privilege, there is no DACL`},
		{stored{id: 4656, data: `"SubjectUserSid":"S-1-5-18","SubjectUserName":"SYSTEM",` +
			`"SubjectDomainName":"-","ObjectName":"","ObjectType":"Key"`},
			`SYSTEM open Key ""`},
		{stored{id: 4656, data: `"SubjectUserSid":"S-1-5-18","SubjectUserName":"x","SubjectDomainName":"",` +
			`"ObjectName":"tab\there","ObjectType":"Key"`},
			`x open Key "tab\there"`},
		{stored{id: 4673, data: user + `,"Service":"SeTime","PrivilegeList":["SeA","SeB"]`},
			`CORP\alice call a service with privileges SeTime with SeA,SeB`},
		{stored{id: 4703, data: user + `,"TargetUserSid":"S-1-5-7","TargetUserName":"-",` +
			`"EnabledPrivilegeList":["SeA"],"DisabledPrivilegeList":"-"`},
			`CORP\alice adjust privileges of S-1-5-7 enabling SeA`},
		{stored{id: 4703, data: user + `,"DisabledPrivilegeList":["SeB"],"EnabledPrivilegeList":"-"`},
			`CORP\alice adjust privileges disabling SeB`},
		{stored{id: 4719, data: `"SubcategoryGuid":"{0CCE921D-69AE-11D9-BED3-505054503030}",` +
			`"AuditPolicyChanges":["%%8448","%%8449","%%8450","%%8451"]`},
			"change the audit policy File System: success removed, success added, failure removed, failure added"},
		{stored{id: 4624, data: user + `,"TargetUserSid":"S-1-5-7","TargetUserName":"bob","TargetDomainName":"CORP",` +
			`"LogonProcessName":"LsaLogonUser: bob@CORP.TEST by a ticket for HTTP/www"`},
			`CORP\alice logged on CORP\bob: bob@CORP.TEST by a ticket for HTTP/www`},
		{stored{id: 4625, failure: true, data: user + `,"TargetUserSid":"S-1-0-0","TargetUserName":"bob",` +
			`"TargetDomainName":"-","LogonProcessName":"LsaLogonUser: the clocks differ"`},
			`DENIED CORP\alice failed to log on bob: the clocks differ`},
		{stored{id: 4634, data: `"TargetUserSid":"S-1-5-7","TargetUserName":"-","LogonProcessName":"LsaLogonUser"`},
			`logged off S-1-5-7`},
		{stored{id: 9, data: `"X":"y"`}, `event 9`},
		{stored{id: 9, data: `"ObjectName":"a\u0001\u001f` + "\x7f\u0080\u009f\u00a0\u2028\u2029" + `z",` +
			`"ObjectType":"t"`},
			"event 9 t a\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\u00a0\uFFFD\uFFFDz"},
	} {
		const head = "7 2024-02-29T16:00:00.123Z "
		if got := Line(c.r.event(t), nil); got != head+c.want {
			t.Errorf("%s\ngives %s\nwant  %s", c.r.json(), strings.TrimPrefix(got, head), c.want)
		}
		// What was denied is marked so, and nothing of a success is, nor the other way round (U-114).
		Line(c.r.event(t), func(granted bool, text string) string {
			if granted == c.r.failure {
				t.Errorf("U-114: %s of %s is marked as granted: %v", text, c.r.json(), granted)
			}
			return text
		})
	}
}
