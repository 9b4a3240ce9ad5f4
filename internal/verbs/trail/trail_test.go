package trail

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// requested makes event 4656: a server asked for a handle as its client.
func requested(t testing.TB, o audit.Object, outcome audit.Outcome, rights winnt.AccessMask) audit.Event {
	t.Helper()
	tokens := map[string]*token.Token{}
	for _, who := range []string{"S-1-5-20", "S-1-5-21-1-2-3-1107"} {
		tok, err := token.New(token.Spec{User: token.Group{SID: sid.MustParse(who)}})
		if err != nil {
			t.Fatal(err)
		}
		tokens[who] = tok
	}
	from := audit.Origin{ProcessID: 8, ProcessName: `C:\srv\files.exe`, Subject: access.Subject{
		Primary: tokens["S-1-5-20"], Client: tokens["S-1-5-21-1-2-3-1107"], Level: winnt.SecurityImpersonation,
	}}
	reasons := []audit.Reason{{Bits: rights, Code: 1802, Entry: "D:(D;;FW;;;WD)"}}
	e := audit.HandleRequested(from, o, audit.HandleRequest{Outcome: outcome, Access: rights, Reasons: reasons})
	e.RecordID, e.Time, e.Computer = 7, 133_536_960_001_234_567, "dc1"
	return e
}

func printed(t *testing.T, format string, events ...audit.Event) string {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, format, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range events {
		if err := w.Write(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFilter(t *testing.T) {
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
		"ProcessId=0x8": true, "NoSuchField=*": false,
	} {
		f, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Match(line); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	for _, text := range []string{"user", "user=", "=a", "and", "(user=a", "user=a)", "user=a user=b", "event=x",
		"result=maybe", `user="a`, "nonsense=1",
		"not", strings.Repeat("(", 200), strings.Repeat("not ", 200) + "user=a"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if new(Filter).Match(line) {
		t.Error("the zero value chooses")
	}
	f, err := Parse("")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		since, until int64
		want         bool
	}{{e.Time, 0, true}, {e.Time + 1, 0, false}, {0, e.Time, false}, {0, e.Time + 1, true}} {
		f.Since, f.Until = c.since, c.until
		if f.Match(line) != c.want {
			t.Errorf("%+v", c)
		}
	}
}

// TestNeedle: the quick look passes over no record that the slow one chooses.
func TestNeedle(t *testing.T) {
	e := requested(t, audit.Object{Type: "File", Name: `\Srv\Ärger "x" ReporT`}, audit.Failure, 2)
	line := e.AppendJSON(nil)
	for _, pattern := range []string{"*report", `*SRV*`, `\srv\*`, `*"x"*`, "*rger*", "*", "??rv*", "*ReporT",
		`*\srv\?*"x" rep*`} {
		if m := fields(pattern, "ObjectName"); !m.may(line) || !m.is(line) {
			t.Errorf("%s does not match", pattern)
		}
	}
	if fields("*report*thing*", "ObjectName").may(line) || !fields("*no*", "ObjectName").may(line) {
		t.Error("a needle is found where it is not, or too short a one is looked for")
	}
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

// TestDirectory: the rights of a directory have a directory's names in every
// form (U-75, U-76).
func TestDirectory(t *testing.T) {
	const rights = winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA | 0x20 | 0x40
	for _, c := range []struct {
		directory bool
		kind      float64
		want      string
	}{{false, 1, "ReadData,WriteData,Execute,0x40"}, {true, 2, "ListDirectory,AddFile,Traverse,DeleteChild"}} {
		e := requested(t, audit.Object{Type: "File", Name: "d", Directory: c.directory}, audit.Failure, rights)
		if line := Line(&e, nil); !strings.Contains(line, "for "+c.want+": denied by D:(D;;FW;;;WD)") {
			t.Error(line)
		}
		var o struct {
			AccessList []string `json:"access_list"`
			AccessMask float64  `json:"access_mask"`
			File       struct {
				TypeID float64 `json:"type_id"`
			}
		}
		if err := json.Unmarshal([]byte(printed(t, "ocsf", e)), &o); err != nil {
			t.Fatal(err)
		}
		if strings.Join(o.AccessList, ",") != c.want || o.File.TypeID != c.kind || o.AccessMask != float64(rights) {
			t.Errorf("%+v", o)
		}
		if got, err := audit.ParseEvent(e.AppendJSON(nil)); err != nil || IsDirectory(&got) != c.directory {
			t.Errorf("read back: %v", err)
		}
	}
	e := requested(t, audit.Object{Type: "File", Name: "d", Directory: true}, audit.Failure, 1)
	if text := string(e.AppendJSON(nil)); !strings.Contains(text, `"text":"ListDirectory"`) || !strings.Contains(text,
		`"AccessReason":["%%4416:`) {
		t.Error(text)
	}
}

// An event holds what a reader of the schema takes from our XML.
type event struct {
	System struct {
		Provider struct {
			Name string `xml:"Name,attr"`
		}
		EventID     int
		Level       int
		Task        int
		Keywords    string
		TimeCreated struct {
			SystemTime string `xml:"SystemTime,attr"`
		}
		EventRecordID int
		Channel       string
		Computer      string
	}
	EventData struct {
		Data []struct {
			Name string `xml:"Name,attr"`
			Text string `xml:",chardata"`
		}
	}
	UserData struct {
		Inner string `xml:",innerxml"`
	}
}

// TestXML: a standard parser reads the fields in their order, whatever is in a
// name (U-81; UC-59, UC-61).
func TestXML(t *testing.T) {
	name := "a\n\"<b>&\xed\xa0\x80"
	e := requested(t, audit.Object{Type: "File", Name: name}, audit.Success, 1)
	cleared := audit.LogArchived("<x>")
	cleared.RecordID, cleared.Computer = 8, "dc1"
	var all struct {
		Event []event
	}
	if err := xml.Unmarshal([]byte(printed(t, "xml", e, cleared)), &all); err != nil {
		t.Fatal(err)
	}
	first, second := all.Event[0], all.Event[1]
	if s := first.System; s.Provider.Name != "Microsoft-Windows-Security-Auditing" || s.EventID != 4656 ||
		s.Task != 12800 || s.Keywords != "0x8020000000000000" ||
		s.TimeCreated.SystemTime != "2024-02-29T16:00:00.123456700Z" || s.EventRecordID != 7 ||
		s.Channel != "Security" || s.Computer != "dc1" {
		t.Errorf("%+v", s)
	}
	want := strings.Fields(`SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId ObjectServer
		ObjectType ObjectName HandleId TransactionId
		AccessList AccessReason AccessMask PrivilegeList RestrictedSidCount ProcessId ProcessName ResourceAttributes
		PrimaryUserSid PrimaryUserName PrimaryDomainName PrimaryLogonId Generator`)
	for i, d := range first.EventData.Data {
		if i >= len(want) || d.Name != want[i] {
			t.Fatalf("field %d is %s", i, d.Name)
		}
		if d.Name == "ObjectName" && d.Text != "a\n\"<b>&\uFFFD\uFFFD\uFFFD" {
			t.Errorf("%q", d.Text)
		}
	}
	if s := second.System; s.Provider.Name != "Microsoft-Windows-Eventlog" || s.Level != 4 || s.Task != 105 ||
		s.Keywords != "0x4020000000000000" {
		t.Errorf("%+v", s)
	}
	if !strings.HasPrefix(second.UserData.Inner, `<AutoBackup xmlns="http://manifests.microsoft.com/`) ||
		len(second.EventData.Data) > 0 {
		t.Errorf("%s", second.UserData.Inner)
	}
}

// TestOCSF: required attributes are there, the client is the actor and the
// server its process's user (U-76).
func TestOCSF(t *testing.T) {
	e := requested(t, audit.Object{Type: "File", Name: `\srv\a.txt`}, audit.Failure, 2)
	b, err := json.Marshal(OCSF(&e))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"class_uid":1001`, `"activity_id":14`, `"type_uid":100114`, `"category_uid":1`,
		`"severity_id":2`, `"status_id":2`, `"time":1709222400123`,
		`"actor":{"process":{"file":{"name":"files.exe"`, `"user":{"type_id":4,"uid":"S-1-5-20"}}`,
		`"user":{"type_id":1,"uid":"S-1-5-21-1-2-3-1107"}`,
		`"file":{"name":"a.txt","path":"\\srv\\a.txt","type_id":1}`, `"event_code":"4656"`, `"version":"1.8.0"`,
	} {
		if !strings.Contains(string(b), part) {
			t.Errorf("%s is not in %s", part, b)
		}
	}
	for typ, want := range map[string]class{"Key": {registryKey, 2, ""}, "Process": {processActivity, 3, ""},
		"Token": {kernelResource, 1, ""}} {
		e := requested(t, audit.Object{Type: typ, Name: "x"}, audit.Success, 1)
		if got := classOf(&e); got != want {
			t.Errorf("%s: %+v", typ, got)
		}
	}
	for m, want := range map[uint64]int{1: 2, 2: 3, 4: 3, 0x10000: 4, 0x40: 4, 0x10: 6, 0x40000: 7, 0x80: 8,
		0x20000: 9, 0x20: 2} {
		if got := useOf(m); got != want {
			t.Errorf("%#x: %d, want %d", m, got, want)
		}
	}
	stopped := audit.LogStopped()
	if c := classOf(&stopped); c != (class{eventLogActivity, 7, ""}) {
		t.Errorf("%+v", c)
	}
}

func TestCSV(t *testing.T) {
	e := requested(t, audit.Object{Type: "File", Name: "=1+1\n"}, audit.Failure, 2)
	rows, err := csv.NewReader(strings.NewReader(printed(t, "csv", e))).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[0]) != len(rows[1]) {
		t.Fatalf("%v, %v", rows, err)
	}
	if rows[1][10] != "'=1+1\uFFFD" || rows[1][14] != "denied by D:(D;;FW;;;WD)" {
		t.Errorf("%q", rows[1])
	}
	if _, err := NewWriter(nil, "yaml", nil); err == nil {
		t.Error("an unknown format is taken")
	}
}

// TestPolicy: what auditpol prints is read back.
func TestPolicy(t *testing.T) {
	p, err := audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
		audit.FileSystem: audit.OnBoth, audit.Logon: audit.OnFailure, audit.Registry: audit.OnSuccess,
	}})
	if err != nil {
		t.Fatal(err)
	}
	text := FormatPolicy(p)
	if !bytes.Contains(text, []byte("Object Access\n  File System                             Success and Failure\n")) {
		t.Errorf("%s", text)
	}
	again, err := ParsePolicy(text)
	if err != nil || !bytes.Equal(FormatPolicy(again), text) {
		t.Errorf("%v\n%s", err, text)
	}
	for _, bad := range []string{"File System", "File System  Sometimes", "No Such Thing  Success",
		"Logon  Success\nLogon  Failure"} {
		if _, err := ParsePolicy([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	spaced := "Machine:  HOST\n"
	if _, err := ParsePolicy([]byte(spaced)); err == nil {
		t.Errorf("%q is taken", spaced)
	}
	again, err = ParsePolicy([]byte("\nSystem audit policy\r\nCategory/Subcategory                      Setting\n\n" +
		"object access\n\n  File System   Failure  \n   \n"))
	if err != nil || again.System(audit.FileSystem) != audit.OnFailure || again.System(audit.Logon) != 0 {
		t.Errorf("headings and blank lines: %v", err)
	}
	dir := t.TempDir() + "/log"
	if none, err := LoadPolicy(dir); none != nil || err != nil {
		t.Errorf("no policy: %v, %v", none, err)
	}
	if err := StorePolicy(dir, p); err != nil {
		t.Fatal(err)
	}
	if got, err := LoadPolicy(dir); err != nil || got.System(audit.Logon) != audit.OnFailure {
		t.Errorf("%v", err)
	}
	// The trail is its owner's alone, from its folder on.
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v", info.Mode(), err)
	}
}
