package trail

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// requested returns event 4656: a server requested a handle as its client.
func requested(t testing.TB, o audit.Object, outcome audit.Outcome, rights winnt.AccessMask) audit.Event {
	t.Helper()
	tokens := map[string]*token.Token{}
	for _, who := range []string{"S-1-5-20", "S-1-5-21-1-2-3-1107"} {
		tok, err := token.New(token.Spec{User: token.Group{SID: sid.MustParse(who)}})
		check.NoError(t, err)
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
	w, err := NewWriter(&b, format, nil, nil)
	check.NoError(t, err)
	for i := range events {
		check.NoError(t, w.Write(&events[i]))
	}
	check.NoError(t, w.Close())
	return b.String()
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

func TestCSVNeutralizesFormulas(t *testing.T) {
	e := requested(t, audit.Object{Type: "File", Name: "=1+1\n"}, audit.Failure, 2)
	rows, err := csv.NewReader(strings.NewReader(printed(t, "csv", e))).ReadAll()
	check.RequireThat(t, err == nil && len(rows) == 2 && len(rows[0]) == len(rows[1]),
		"%v, %v, want len(rows) = 2, len(rows[0]) = %d, no error", rows, err, len(rows[1]))
	check.That(t, rows[1][10] == "'=1+1\uFFFD" && rows[1][14] == "denied by D:(D;;FW;;;WD)",
		`%q, want rows[1][10] = "'=1+1�", rows[1][14] = "denied by D:(D;;FW;;;WD)"`, rows[1])
	if _, err := NewWriter(nil, "yaml", nil, nil); err == nil {
		t.Error("an unknown format is taken")
	}
}

// TestCSVColumnsHoldTheirNamedFields: each column of the CSV form holds the field of its name.
func TestCSVColumnsHoldTheirNamedFields(t *testing.T) {
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
		{stored{id: 4674, data: `"ObjectType":"File","AccessMask":["%%4416","%%4417"]`, access: access},
			[]string{"7", "2024-02-29T16:00:00.1234567Z", "4674", "success", "", "dc1", "", "", "", "File", "", "0x3",
				"ReadData,WriteData", "", "granted by D:(A;;FR;;;WD), granted by a privilege"}},
		{stored{id: 4703, data: `"ObjectName":"-x"`},
			[]string{"7", "2024-02-29T16:00:00.1234567Z", "4703", "success", "", "dc1", "", "", "", "", "'-x",
				"", "", "", ""}},
	} {
		rows, err := csv.NewReader(strings.NewReader(printed(t, "csv", *c.r.event(t)))).ReadAll()
		check.RequireThat(t, err == nil && len(rows) == 2, "%v, %v, want len(rows) = 2, no error", rows, err)
		const head = "id time event outcome subcategory computer subject_sid subject_name primary_sid object_type " +
			"object_name access_mask rights privileges reason"
		if got := strings.Join(rows[0], " "); got != head {
			t.Errorf(`%q: strings.Join(rows[0], " ") = %v, want %v`, rows[0], got, head)
		}
		for i, want := range c.want {
			if i >= len(rows[1]) || rows[1][i] != want {
				t.Errorf("%s: %s is %q, want %q", c.r.json(), rows[0][i], rows[1][min(i, len(rows[1])-1)], want)
			}
		}
	}
}
