package trail

import (
	"bytes"
	"encoding/csv"
	"io"
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
		tok := check.Must(token.New(token.Spec{User: token.Group{SID: sid.MustParse(who)}}))
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
	w := check.Must(NewWriter(&b, format, nil, nil))
	for i := range events {
		check.NoError(t, w.Write(&events[i]))
	}
	check.NoError(t, w.Close())
	return b.String()
}

// An error of the output is an error of Write, or of Close for text that is still in the buffer. An unknown format is
// an error.
func TestWriterReportsOutputErrors(t *testing.T) {
	for _, format := range []string{"table", "json", "csv", "xml", "ocsf"} {
		for _, size := range []int{1, 5000} {
			in, out := io.Pipe()
			check.NoError(t, in.Close())
			w := check.Must(NewWriter(out, format, nil, nil))
			e := requested(t, audit.Object{Type: "File", Name: strings.Repeat("a", size)}, audit.Failure, 2)
			check.Equal(t, w.Write(&e) != nil, size == 5000, "%s: Write of a name of %d bytes fails", format, size)
			check.ErrorIs(t, w.Close(), io.ErrClosedPipe, "%s: Close after a name of %d bytes", format, size)
		}
	}
	check.That(t, check.Err(NewWriter(nil, "yaml", nil, nil)) != nil, "unknown format: no error, want one")
}

// Each column of the CSV form holds the field of its name. A cell that a spreadsheet could take for a formula begins
// with an apostrophe.
func TestCSVColumnsHoldTheirNamedFields(t *testing.T) {
	fields := `"SubjectUserSid":"S-1","SubjectUserName":"=who","PrimaryUserSid":"S-2","ObjectType":"File",` +
		`"ObjectName":"+name\n","AccessMask":"0x3"`
	access := "0x1 4416 1801 D:(A;;FR;;;WD)\n0x2 4417 1801"
	for _, c := range []struct {
		r    stored
		want []string
	}{
		{stored{id: 4656, subcategory: "File System", data: fields + `,"PrivilegeList":["SeA","SeB"],` +
			`"EnabledPrivilegeList":["SeC"]`, access: access}, []string{"7", "2024-02-29T16:00:00.1234567Z", "4656",
			"success", "File System", "dc1", "S-1", "'=who", "S-2", "File", "'+name\uFFFD", "0x3",
			"ReadData,WriteData", "SeA,SeB", "granted by D:(A;;FR;;;WD), granted by a privilege"}},
		{stored{id: 4703, failure: true, data: `"ObjectName":"@x","EnabledPrivilegeList":["SeC"],"ObjectType":"-"`},
			[]string{"7", "2024-02-29T16:00:00.1234567Z", "4703", "failure", "", "dc1", "", "", "", "-", "'@x",
				"", "", "SeC", ""}},
		{stored{id: 4674, data: `"ObjectType":"File","AccessMask":["%%4416","%%4417"]`, access: access},
			[]string{"7", "2024-02-29T16:00:00.1234567Z", "4674", "success", "", "dc1", "", "", "", "File", "", "0x3",
				"ReadData,WriteData", "", "granted by D:(A;;FR;;;WD), granted by a privilege"}},
		{stored{id: 4703, data: `"ObjectName":"-x"`}, []string{"7", "2024-02-29T16:00:00.1234567Z", "4703", "success",
			"", "dc1", "", "", "", "", "'-x", "", "", "", ""}},
	} {
		rows, err := csv.NewReader(strings.NewReader(printed(t, "csv", *c.r.event(t)))).ReadAll()
		check.RequireThat(t, err == nil && len(rows) == 2, "rows %v, %v, want two, no error", rows, err)
		const head = "id time event outcome subcategory computer subject_sid subject_name primary_sid object_type " +
			"object_name access_mask rights privileges reason"
		check.Equal(t, strings.Join(rows[0], " "), head, "heading")
		check.SlicesEqual(t, rows[1], c.want, "%s", c.r.json())
	}
}
