package auditpeers

import (
	"bytes"
	"encoding/xml"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/stanza/operator/input/windows"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/cli/trail"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestOpenTelemetryParsesXMLRecord checks that the OpenTelemetry collector's reader of Windows events parses a record
// of Security-Auditing and one of the log service (U-81; UC-59, UC-70).
func TestOpenTelemetryParsesXMLRecord(t *testing.T) {
	tok, err := token.New(token.Spec{User: token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-1107")}})
	if err != nil {
		t.Fatal(err)
	}
	from := audit.Origin{ProcessID: 8, ProcessName: "files", Subject: access.Subject{Primary: tok}}
	const name = "\\srv\\a <&> \"b\"\n"
	open := audit.HandleRequested(from, audit.Object{Type: "File", Name: name}, audit.HandleRequest{Access: 1})
	cleared := audit.LogCleared(from, 21, [32]byte{1})
	open.RecordID, cleared.RecordID = 7, 8
	open.Time, cleared.Time = 133_536_960_001_234_567, 133_536_960_001_234_567
	for _, e := range []*audit.Event{&open, &cleared} {
		var got windows.EventXML
		d := xml.NewDecoder(bytes.NewReader(trail.AppendXML(nil, e)))
		d.Strict = true
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got.EventID.ID != uint32(e.ID) || got.RecordID != e.RecordID || got.Channel != "Security" ||
			got.TimeCreated.SystemTime != "2024-02-29T16:00:00.123456700Z" {
			t.Errorf("%+v", got)
		}
		if e == &cleared {
			if got.Provider.Name != "Microsoft-Windows-Eventlog" || got.UserData == nil || got.Level != "4" ||
				got.Task != "104" || got.Keywords[0] != "0x4020000000000000" {
				t.Errorf("%+v", got)
			}
			continue
		}
		if got.Provider.Name != "Microsoft-Windows-Security-Auditing" || got.Task != "12800" ||
			got.Keywords[0] != "0x8020000000000000" || got.Execution.ProcessID != 8 {
			t.Errorf("%+v", got)
		}
		want := map[string]string{"SubjectUserSid": "S-1-5-21-1-2-3-1107", "ObjectName": name, "AccessMask": "0x1",
			"Generator": "refmon"}
		for _, data := range got.EventData.Data {
			if text, ok := want[data.Name]; ok && text != data.Value {
				t.Errorf("%s is %q, want %q", data.Name, data.Value, text)
			}
			delete(want, data.Name)
		}
		if len(want) > 0 {
			t.Errorf("not read: %v", want)
		}
	}
}
