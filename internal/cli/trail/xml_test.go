package trail

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
)

// TestXMLIsWellFormedForAnyName: a standard parser reads the fields in their order, whatever is in a
// name (U-81; UC-59, UC-61).
func TestXMLIsWellFormedForAnyName(t *testing.T) {
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
			t.Fatalf("field %d is %s, want less than %d, %s", i, d.Name, len(want), want[i])
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
