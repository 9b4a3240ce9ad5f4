package trail

import (
	"encoding/xml"
	"fmt"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
)

// Events have the elements of Windows' events. Those of the log service have their own provider, level, task and
// element, and a full log and a failure are errors. Times have nine digits (U-81).
func TestXMLHasElementsOfWindowsEvents(t *testing.T) {
	const system = `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>` +
		`<Provider Name="Microsoft-Windows-%s}"/><EventID>%d</EventID><Version>1</Version><Level>%d</Level>` +
		`<Task>%d</Task><Opcode>0</Opcode><Keywords>0x%d020000000000000</Keywords>` +
		`<TimeCreated SystemTime="2024-02-29T16:00:00.123456700Z"/><EventRecordID>7</EventRecordID><Correlation/>` +
		`<Execution ProcessID="31" ThreadID="0"/><Channel>Security</Channel><Computer>dc1</Computer>` +
		`<Security/></System>`
	const eventlog = `Eventlog" Guid="{fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148`
	const security = `Security-Auditing" Guid="{54849625-5478-4994-A5BA-3E3B0328C30D`
	want := `<?xml version="1.0" encoding="utf-8"?>` + "\n<Events>\n" +
		fmt.Sprintf(system, security, 4656, 0, 12800, 8) + `<EventData><Data Name="ProcessId">0x1f</Data>` +
		`<Data Name="Some">a&amp;b</Data><Data Name="Generator">refmon</Data></EventData></Event>` + "\n"
	const data = `"ProcessId":"0x1f","Some":"a&b"`
	events := []audit.Event{*stored{id: 4656, subcategory: "File System", data: data}.event(t)}
	for _, c := range []struct {
		id, level, task int
		element         string
	}{{1100, 4, 103, "ServiceShutdown"}, {1102, 4, 104, "LogFileCleared"}, {1103, 4, 101, "LogFileNearlyFull"},
		{1104, 2, 101, "FileIsFull"}, {1105, 4, 105, "AutoBackup"}, {1108, 2, 101, "EventProcessingFailure"}} {
		events = append(events, *stored{id: c.id, data: data}.event(t))
		want += fmt.Sprintf(system, eventlog, c.id, c.level, c.task, 4) + fmt.Sprintf(`<UserData><%s xmlns=`+
			`"http://manifests.microsoft.com/win/2004/08/windows/eventlog"><ProcessId>0x1f</ProcessId>`+
			`<Some>a&amp;b</Some></%[1]s></UserData></Event>`+"\n", c.element)
	}
	check.Equal(t, printed(t, "xml", events...), want+"</Events>\n", "document")
	check.Equal(t, systemTime(133_536_960_000_000_000), "2024-02-29T16:00:00.000000000Z", "a whole second")
}

// A standard parser reads the fields in their order, whatever characters a name has (U-81, UC-59, UC-61).
func TestXMLIsWellFormedForAnyName(t *testing.T) {
	e := requested(t, audit.Object{Type: "File", Name: "a\n\"<b>&\xed\xa0\x80"}, audit.Failure, 1)
	type field struct {
		Name string `xml:"Name,attr"`
		Text string `xml:",chardata"`
	}
	var all struct {
		Event struct {
			System    struct{ Keywords string }
			EventData struct{ Data []field }
		}
	}
	check.NoError(t, xml.Unmarshal([]byte(printed(t, "xml", e)), &all))
	check.Equal(t, all.Event.System.Keywords, "0x8010000000000000", "keywords of a failure")
	var want []field
	for f := range e.Fields() {
		want = append(want, field{f.Name, f.Text()})
		if f.Name == "ObjectName" {
			want[len(want)-1].Text = "a\n\"<b>&\uFFFD\uFFFD\uFFFD"
		}
	}
	check.SlicesEqual(t, all.Event.EventData.Data, append(want, field{"Generator", "refmon"}), "fields")
}
