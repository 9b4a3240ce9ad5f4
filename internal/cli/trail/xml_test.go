package trail

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
)

// A standard parser reads the fields in their order, whatever characters a name has (U-81, UC-59, UC-61).
func TestXMLIsWellFormedForAnyName(t *testing.T) {
	name := "a\n\"<b>&\xed\xa0\x80"
	e := requested(t, audit.Object{Type: "File", Name: name}, audit.Success, 1)
	cleared := audit.LogArchived("<x>")
	cleared.RecordID, cleared.Computer = 8, "dc1"
	var all struct {
		Event []event
	}
	check.NoError(t, xml.Unmarshal([]byte(printed(t, "xml", e, cleared)), &all))
	first, second := all.Event[0], all.Event[1]
	if s := first.System; s.Provider.Name != "Microsoft-Windows-Security-Auditing" || s.EventID != 4656 ||
		s.Task != 12800 || s.Keywords != "0x8020000000000000" ||
		s.TimeCreated.SystemTime != "2024-02-29T16:00:00.123456700Z" || s.EventRecordID != 7 ||
		s.Channel != "Security" || s.Computer != "dc1" {
		t.Errorf("system part = %+v, want the time, record number, channel and computer", s)
	}
	want := strings.Fields(`SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId ObjectServer
		ObjectType ObjectName HandleId TransactionId
		AccessList AccessReason AccessMask PrivilegeList RestrictedSidCount ProcessId ProcessName ResourceAttributes
		PrimaryUserSid PrimaryUserName PrimaryDomainName PrimaryLogonId Generator`)
	for i, d := range first.EventData.Data {
		check.RequireThat(t, i < len(want) && d.Name == want[i],
			"field %d is %s, want less than %d, %s", i, d.Name, len(want), want[i])
		check.That(t, d.Name != "ObjectName" || d.Text == "a\n\"<b>&\uFFFD\uFFFD\uFFFD",
			"object name = %q, want it with replaced control characters", d.Text)
	}
	if s := second.System; s.Provider.Name != "Microsoft-Windows-Eventlog" || s.Level != 4 || s.Task != 105 ||
		s.Keywords != "0x4020000000000000" {
		t.Errorf("system part = %+v, want the log service's provider, level and task", s)
	}
	if !strings.HasPrefix(second.UserData.Inner, `<AutoBackup xmlns="http://manifests.microsoft.com/`) ||
		len(second.EventData.Data) > 0 {
		t.Errorf("user data = %s, want an AutoBackup element", second.UserData.Inner)
	}
}
