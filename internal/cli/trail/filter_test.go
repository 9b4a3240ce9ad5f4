package trail

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
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
		t.Fatalf("%s: %v, want no error", s.json(), err)
	}
	return &e
}

// Each name of an expression compares the fields that the syntax lists, ignoring case, and no other field.
func TestFilterNameSelectsItsFields(t *testing.T) {
	for name, fields := range map[string][]string{
		"user": {"SubjectUserName", "SubjectUserSid", "PrimaryUserName", "PrimaryUserSid", "TargetUserName",
			"TargetUserSid"},
		"object":         {"ObjectName", "Service", "LinkName"},
		"type":           {"ObjectType"},
		"privilege":      {"PrivilegeList", "EnabledPrivilegeList"},
		"ProcessName":    {"ProcessName"},
		"NewProcessName": {"NewProcessName"},
	} {
		f := check.Must(Parse(name + "=needle*"))
		other := check.Must(Parse(name + "!=needle*"))
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
					t.Errorf("%s=needle*: %t for %s, want %t", name, got, data, want && value)
				}
				if got := other.Match(r); got == (want && value) {
					t.Errorf("filter %s!=needle*: %t for %s, want %t", name, got, data, !(want && value))
				}
			}
		}
	}
}

// A record matches if its time is from since on and before until. Both bounds hold together, with and without an
// expression.
func TestFilterSinceIsInclusiveUntilExclusive(t *testing.T) {
	r := []byte(stored{id: 4656, data: `"ObjectName":"a"`}.json())
	at := stored{id: 4656}.event(t).Time
	for _, text := range []string{"", "object=a"} {
		f := check.Must(Parse(text))
		for _, c := range []struct {
			since, until int64
			want         bool
		}{{0, 0, true}, {at, at + 1, true}, {at - 9, at, false}, {at + 1, at + 2, false}, {at - 1, at + 1, true},
			{at + 1, at, false}, {at, 0, true}, {at + 1, 0, false}, {0, at, false}, {0, at + 1, true}, {0, 1, false}} {
			f.Since, f.Until = c.since, c.until
			check.Equal(t, f.Match(r), c.want, "%q from %d to %d", text, c.since, c.until)
			noTime := bytes.Replace(r, []byte(`"time"`), []byte(`"when"`), 1)
			check.Equal(t, f.Match(noTime), c.since == 0 && c.until == 0, "no time from %d to %d", c.since, c.until)
		}
		f.Since = at + 1
		g := check.Must(Parse("id=7"))
		check.That(t, !f.And(g).Match(r), "a combined filter ignores the upper time bound, want no match")
		f.Since, f.Until = 0, at
		check.That(t, !f.And(g).Match(r), "a combined filter ignores the lower time bound, want no match")
	}
	for _, f := range []*Filter{{}, {Since: 1}} {
		check.That(t, !f.Match(r), "zero filter %+v matches, want no match", f)
	}
}

// Two combined filters match what both match. The filter that matches nothing stays so in any combination.
func TestCombinedFiltersMatchBoth(t *testing.T) {
	r := []byte(stored{id: 4656, data: `"ObjectName":"a","ObjectType":"File"`}.json())
	for _, c := range []struct {
		first, second string
		want          bool
	}{{"object=a", "type=File", true}, {"object=b", "type=File", false}, {"object=a", "type=Key", false},
		{"event=4656", "object=a", true}, {"object=a", "event=4658", false}, {"event=4658", "object=a", false}} {
		f := check.Must(Parse(c.first))
		g := check.Must(Parse(c.second))
		check.That(t, f.And(g).Match(r) == c.want, "%s and %s: want %t", c.first, c.second, c.want)
		check.That(t, !f.And(&Filter{}).Match(r) && !new(Filter).And(f).Match(r),
			"the zero filter, combined with another, matches, want no match")
	}
}

// An expression selects the documented records, with up to 100 levels and any number of terms. A malformed
// one is an error with the reason.
func TestFilterExpressionsSelectRecords(t *testing.T) {
	e := requested(t, audit.Object{Type: "File", Name: `\srv\a "b"`}, audit.Failure, winnt.FILE_WRITE_DATA)
	line := e.AppendJSON(nil)
	for text, want := range map[string]bool{
		"": true, "user=*1107": true, "user=S-1-5-20": true,
		"user=alice": false, "event=4656": true, "event=465": false,
		`object="\srv\a*"`: true, `object=\SRV\*`: true, `object="?srv?a*b*"`: true, "object=b": false,
		"result=failure":               true,
		"result=success or event=4656": true, "result=success and event=4656": false,
		"not result=success and type=File":               true,
		"(result=success or event=4656) and user!=alice": true, "id=7": true, "id=8": false, "subcategory=file*": true,
		"ProcessName=*files.exe": true, "AccessList=%%4417": true, "AccessList=-": false, "privilege=-": true,
		"event=04656": true, "id=007": true, "subcategory=\"FILE SYSTEM\"": true,
		"subcategory=" + audit.FileSystem.GUID().String(): true, "privilege=sebackupprivilege": false,
		"privilege=" + winnt.LastPrivilege.String(): false,
		`object=\srv\a" "*`:                         true, `object="\srv"\a" "*`: true,
		`obj"ect"=*`: true, `object=\srv" "*`: false,
		"ProcessId=0x8": true, "NoSuchField=*": false, "type=File\tand\nid=7": true,
		strings.Repeat("not ", maxDepth-1) + "id=7": false, strings.Repeat("id=8 or ", 2*maxDepth) + "id=7": true,
	} {
		f := check.Must(Parse(text))
		check.Equal(t, f.Match(line), want, "%q", text)
	}
	for text, want := range map[string]string{"user": `"user": want name=value`, "user=": "want name=value",
		"=a": "want name=value", "and": "want name=value", "(user=a": "a parenthesis is not closed",
		"user=a)": `")" is unexpected`, "user=a user=b": `"user=b" is unexpected`,
		"user=a AND user=b": `"AND" is unexpected`, "user=a Or user=b": `"Or" is unexpected`,
		"Not user=a": `"Not": want name=value`, "result=Success": "want success or failure",
		"user!!=a": `unknown name "user!"`, "event=x": "event=x: want a number",
		"result=maybe": "want success or failure", `user="a`: "a quote is not closed",
		"privilege=SeBackup":    "privilege=SeBackup: want a name such as SeBackupPrivilege",
		"subcategory=FileSytem": `unknown audit subcategory "FileSytem"`,
		"nonsense=1 user=a":     `unknown name "nonsense"`, "not": "a term is missing at the end",
		strings.Repeat("(", 200): "nested too deeply", strings.Repeat("not ", maxDepth) + "id=7": "nested too deeply"} {
		_, err := Parse(text)
		check.That(t, err != nil && strings.Contains(err.Error(), want), "expression %q: %v, want %q", text, err, want)
	}
	check.That(t, !inHead(1, "a").is([]byte("a")), "a record without the member matches, want no match")
}

// The fast search rejects no record that the slow one matches.
func TestFastSearchSkipsNoMatch(t *testing.T) {
	e := requested(t, audit.Object{Type: "File", Name: `\Srv\Ärger "x" ReporT`}, audit.Failure, 2)
	line := e.AppendJSON(nil)
	for _, pattern := range []string{"*report", `*SRV*`, `\srv\*`, `*"x"*`, "*rger*", "*", "??rv*", "*ReporT",
		`*\srv\?*"x" rep*`} {
		m := fields(pattern, "ObjectName")
		check.That(t, m.may(line) && m.is(line), "%s does not match, want a match", pattern)
	}
	check.That(t, !fields("*report*thing*", "ObjectName").may(line) && fields("*no*", "ObjectName").may(line),
		"the fast search matches a text that is absent, or searches for one that is too short")
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{"user=a and (event=4656 or not object=*x?y)", `a="b c"`, "(((", "User!=*"} {
		f.Add(s, []byte(`{"id":1,"data":{"A":["x","y"],"B":"\"z"}}`))
	}
	f.Fuzz(func(_ *testing.T, text string, record []byte) {
		if m, err := Parse(text); err == nil {
			m.Match(record)
		}
	})
}
