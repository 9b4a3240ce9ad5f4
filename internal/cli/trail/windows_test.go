package trail

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
)

// exported returns an event as Windows exports it, with fields as "Name=text" lines.
func exported(system, fields string) string {
	var b strings.Builder
	b.WriteString("<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider " +
		"Name='Microsoft-Windows-Security-Auditing' Guid='{54849625-5478-4994-A5BA-3E3B0328C30D}'/>" + system +
		"<Channel>Security</Channel><Computer>dc1.corp.example</Computer><Security/></System><EventData>")
	for line := range strings.SplitSeq(fields, "|") {
		name, text, _ := strings.Cut(line, "=")
		fmt.Fprintf(&b, "<Data Name='%s'>%s</Data>", name, text)
	}
	return b.String() + "</EventData></Event>"
}

const opened = "<EventID>4656</EventID><Version>1</Version><Level>0</Level><Task>12800</Task><Opcode>0</Opcode>" +
	"<Keywords>0x8010000000000000</Keywords><TimeCreated SystemTime='2021-04-29T09:23:58.943538600Z'/>" +
	"<EventRecordID> 87214\t</EventRecordID>"

const openedFields = "SubjectUserSid=S-1-5-21-1-2-3-1107|SubjectUserName=bob|SubjectDomainName=CORP|" +
	"ObjectServer=Security|ObjectType=File|ObjectName=C:\\Windows\\sethc.exe|HandleId=0x0|" +
	"AccessList=%%1537\r\n\t\t\t\t%%4423\r\n\t\t\t\t|" +
	"AccessReason=%%1537:\t%%1805\r\n\t\t\t\t%%4423:\t%%1811\tD:(A;;0x1301bf;;;BA)\r\n\t\t\t\t|AccessMask=0x10080|" +
	"PrivilegeList=-"

// allOf reads all events.
func allOf(in io.Reader) (out []audit.Event, others int, err error) {
	r := NewWindowsReader(in)
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, r.Others(), nil
		}
		if err != nil {
			return out, r.Others(), err
		}
		out = append(out, e)
	}
}

// utf16Text returns text in UTF-16 with a byte order mark.
func utf16Text(order binary.AppendByteOrder, text string) string {
	b := order.AppendUint16(nil, 0xFEFF)
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// TestWindowsReaderReadsExporterForms reads an event in each form that exporters write (U-201).
func TestWindowsReaderReadsExporterForms(t *testing.T) {
	one := exported(opened, openedFields)
	event := check.Must(NewWindowsReader(strings.NewReader(one)).Next())
	check.Equal(t, Line(&event, nil, nil), "87214 2021-04-29T09:23:58.943Z DENIED CORP\\bob open File "+
		"C:\\Windows\\sethc.exe for DELETE,ReadAttributes: not granted by any entry", "line")
	check.That(t, event.Subcategory == audit.FileSystem && event.Version == 1 && event.Computer == "dc1.corp.example",
		"header %+v, want the subcategory, version and computer of the export", event.Header)
	check.Equal(t, subcategoryOf("0x3200"), 0, "a task that is not a decimal number")
	want := string(event.AppendJSON(nil))
	largest := strings.Replace(one, "<Data Name='PrivilegeList'>", "<Data Name='PrivilegeList'><!--"+
		strings.Repeat("x", maxEventBytes-len(one)-7)+"-->", 1)
	for name, c := range map[string]struct {
		text string
		n    int
	}{
		"wevtutil":    {one + one, 2},
		"with a root": {"\ufeff<?xml version=\"1.0\"?><Events>" + one + "\n" + one + "</Events>", 2},
		"evtx_dump": {"Record 1\n<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + one + "\nRecord 2\n" +
			"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + one, 2},
		"indented":                    {strings.ReplaceAll(one, "><", ">\n  <"), 1},
		"UTF-16":                      {utf16Text(binary.LittleEndian, "<?xml version='1.0' encoding='utf-16'?>"+one), 1},
		"UTF-16, high first":          {utf16Text(binary.BigEndian, one), 1},
		"UTF-16 without a mark":       {utf16Text(binary.LittleEndian, one)[2:], 1},
		"high first without a mark":   {utf16Text(binary.BigEndian, one)[2:], 1},
		"a comment and a declaration": {"<!-- x --><!DOCTYPE Events>" + one, 1},
		"a time with a blank":         {strings.Replace(one, "T09:23:58.943538600Z", " 09:23:58.9435386 UTC", 1), 1},
		"a time with a zone":          {strings.Replace(one, "600Z", "6+00:00", 1), 1},
		"eight digits":                {strings.Replace(one, "8600Z", "860Z", 1), 1},
		"a time after a blank":        {strings.Replace(one, "'2021", "' 2021", 1), 1},
		"two of the largest":          {largest + largest, 2},
		"an invalid first byte":       {"\xfe" + one, 1},
		"binary data":                 {strings.Replace(one, "<EventData>", "<EventData><Binary>00</Binary>", 1), 1},
		"binary data at the end":      {strings.Replace(one, "</EventData>", "<Binary>00</Binary></EventData>", 1), 1},
		"rendered keywords": {strings.Replace(one, "</Event>", "<RenderingInfo><Keywords><Keyword>Audit Failure"+
			"</Keyword></Keywords></RenderingInfo></Event>", 1), 1},
		"no events":           {"", 0},
		"a root of no events": {"\ufeff<?xml version=\"1.0\"?>\n<Events>\n</Events>\n", 0},
	} {
		all, _, err := allOf(strings.NewReader(c.text))
		check.That(t, err == nil && len(all) == c.n, "%s: %d events (%v), want %d", name, len(all), err, c.n)
		for i := range all {
			check.Equal(t, string(all[i].AppendJSON(nil)), want, "%s", name)
		}
	}
	other := strings.Replace(one, "Microsoft-Windows-Security-Auditing", "Microsoft-Windows-Sysmon", 1)
	if all, others, err := allOf(strings.NewReader(other + one + other)); len(all) != 1 || others != 2 || err != nil {
		t.Errorf("%d events, %d of other providers (%v), want 1 and 2", len(all), others, err)
	}
}

// TestLineShowsWindowsEventsInWords prints events that only Windows writes (U-201).
func TestLineShowsWindowsEventsInWords(t *testing.T) {
	const by = "SubjectUserSid=S-1-5-18|SubjectUserName=DC1$|SubjectDomainName=CORP|"
	for _, c := range []struct{ id, fields, want string }{
		{"4627", by + "TargetUserSid=S-1-5-21-1-2-3-500|TargetUserName=alice|TargetDomainName=CORP|LogonType=3|" +
			"GroupMembership=\n\t\t%{S-1-1-0}\n\t\t%{S-1-5-21-1-2-3-513}\n\t\t" +
			"%{S-1-5-21-7-8-9-513}\n\t\t%{S-1-5-21-1-2-3-1600}\n\t\t%{S-1-18-1}",
			"CORP\\DC1$ logged on CORP\\alice with the groups Everyone,Domain Users,S-1-5-21-7-8-9-513," +
				"S-1-5-21-1-2-3-1600,Authentication authority asserted identity"},
		{"5145", by + "ObjectType=File|ShareName=\\\\*\\C$|ShareLocalPath=\\??\\C:\\|RelativeTargetName=a b\\c|" +
			"AccessMask=0x1|AccessList=%%4416\n\t\t\t\t|AccessReason=%%4416:\t%%1801\tD:(A;;FA;;;BA)",
			"CORP\\DC1$ ask the share for \"\\\\\\\\*\\\\C$\\\\a b\\\\c\" for ReadData: " +
				"granted by D:(A;;FA;;;BA) Administrators"},
		{"4662", by + "ObjectServer=DS|ObjectType=%{bf967aba-0de6-11d0-a285-00aa003049e2}|ObjectName=CN=x|AccessMask=0x20|" +
			"AccessList=%%7685\n|Properties=%%7685\n\t\t{bf967aba-0de6-11d0-a285-00aa003049e2}\n\t\t" +
			"{00000000-0000-0000-0000-000000000001}",
			"CORP\\DC1$ operate on user CN=x for WriteProperty on user,{00000000-0000-0000-0000-000000000001}"},
		{"4662",
			by + "ObjectServer=DS|ObjectType=bf967aba-0de6-11d0-a285-00aa003049e2|AccessMask=0x20|" +
				"ObjectName={bf967aba-0de6-11d0-a285-00aa003049e2|AccessList=%%7685\n|Properties=%%7685",
			"CORP\\DC1$ operate on bf967aba-0de6-11d0-a285-00aa003049e2 {bf967aba-0de6-11d0-a285-00aa003049e2 " +
				"for WriteProperty"},
		{"5140", by + "ObjectType=File|ShareName=s|RelativeTargetName=-", "CORP\\DC1$ use the share s"},
		{"4674", by + "ObjectServer=Security|ObjectType=Key|ObjectName=k|AccessMask=%%1538\n\t\t\t\t%%4433|" +
			"PrivilegeList=SeBackupPrivilege\n\t\t\tSeRestorePrivilege",
			"CORP\\DC1$ use privileges on Key k for READ_CONTROL,SetValue with SeBackupPrivilege,SeRestorePrivilege"},
		{"4799", by + "TargetUserName=Administrators", "CORP\\DC1$ event 4799 of Administrators"},
	} {
		text := exported("<EventID>"+c.id+"</EventID><TimeCreated SystemTime='2021-04-29T09:23:58Z'/>", c.fields)
		all, _, err := allOf(strings.NewReader(text))
		check.RequireThat(t, err == nil && len(all) == 1, "%s: %v", c.id, err)
		check.Equal(t, Line(&all[0], nil, nil), "0 2021-04-29T09:23:58.000Z "+c.want, "event %s", c.id)
	}
}

// TestWindowsReaderReadsOwnExport reads the records that this package exports, which are the same then (U-81, U-201).
func TestWindowsReaderReadsOwnExport(t *testing.T) {
	dir := audit.Object{Type: "File", Name: "d\u00e9 <&>", Directory: true}
	all := []audit.Event{requested(t, dir, audit.Failure, 0x10001), requested(t, dir, audit.Success, 3),
		audit.LogNearlyFull(90), audit.LogArchived(`C:\a b`, 1, 9)}
	for i := range all {
		all[i].Time, all[i].RecordID, all[i].Computer = 132_640_826_389_435_386, uint64(i+1), "host"
	}
	got, _, err := allOf(strings.NewReader(printed(t, "xml", all...)))
	check.RequireThat(t, err == nil && len(got) == len(all), "%d events (%v), want %d", len(got), err, len(all))
	for i := range all {
		check.Equal(t, string(got[i].AppendJSON(nil)), string(all[i].AppendJSON(nil)), "event %d", i)
	}
}

// TestWindowsReaderRejectsMalformed checks that the reader refuses malformed events and events above its limits, with
// the place (U-202).
func TestWindowsReaderRejectsMalformed(t *testing.T) {
	one := exported(opened, openedFields)
	for name, c := range map[string]struct{ text, want string }{
		"no number": {strings.Replace(one, "-Security-Auditing", "", 1) + strings.Replace(one, "4656<", "x<", 1),
			`event 2, up to line 9: EventID "x": want a number`},
		"a large number":    {strings.Replace(one, "4656<", "65536<", 1), "want a number below 65536"},
		"no time":           {strings.Replace(one, "SystemTime", "Time", 1), `SystemTime ""`},
		"another time zone": {strings.Replace(one, "943538600Z", "943538600+05:00", 1), "want a form such as"},
		"a broken second":   {strings.Replace(one, "943538600Z", "9435386x", 1), "want a form such as"},
		"the end":           {one + one[:len(one)-9], "event 2, line"},
		"between elements":  {one + strings.TrimSuffix(one, "</Event>"), "event 2, line"},
		"the end of Events": {"<Events>" + one + "\n", "line 6: the text ends inside <Events>: its end is missing"},
		"no begin":          {one + "</Events>", "</Events> without <Events>"},
		"the end of others": {"<a><Events>" + one + "</Events>", "inside <a>"},
		"another end":       {strings.Replace(one, "</System>", "</Sys>", 1), "</Sys> where </System> is expected"},
		"an entity":         {strings.Replace(one, "bob", "&b;", 1), "invalid character entity &b;"},
		"a declared entity": {`<!DOCTYPE e [<!ENTITY b "x">]>` + strings.Replace(one, "bob", "&b;", 1), "entity &b;"},
		"too deep": {strings.Replace(one, "<EventData>", strings.Repeat("<a>", maxLevels)+strings.Repeat("</a>",
			maxLevels)+"<EventData>", 1), "more than 16 levels"},
		"too many fields": {strings.Replace(one, "</EventData>",
			strings.Repeat("<Data/>", maxFields-strings.Count(openedFields, "|"))+"</EventData>", 1), "or 256 fields"},
		"too large":       {strings.Replace(one, "bob", strings.Repeat("b", maxEventBytes), 1), "more than 1024 KiB"},
		"a large gap":     {strings.Repeat("b", maxEventBytes+1) + one, "more than 1024 KiB"},
		"text":            {"Event[0]:\n  Log Name: Security\n", "no event: want XML, as wevtutil"},
		"another form":    {`{"id":1}`, "no event: want XML"},
		"another element": {"<html></html>", "no event: want XML"},
		"a large comment": {"<!--" + strings.Repeat("b", maxEventBytes+1) + "-->" + one, "more than 1024 KiB"},
		"deep wrappers":   {strings.Repeat("<a>", maxLevels+1), "more than 16 levels"},
	} {
		_, _, err := allOf(strings.NewReader(c.text))
		check.That(t, err != nil && strings.Contains(err.Error(), c.want), "%s: %.200v, want %q", name, err, c.want)
	}
}

// The values of fields are kept, apart from refmon's own Generator and from characters that XML does not allow (U-202).
func TestWindowsReaderKeepsFieldValues(t *testing.T) {
	for fields, want := range map[string]string{
		"A=b|Generator=other": `{"A":"b","Generator":"other"}`, "A=b|Generator=refmon": `{"A":"b"}`,
		"A=b|C=refmon":                       `{"A":"b","C":"refmon"}`,
		"Generator=refmon|A=b":               `{"Generator":"refmon","A":"b"}`,
		"A=b\x01\xff\x1b\ufffe\uffff\ufeffc": "{\"A\":\"b\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDc\"}",
	} {
		all, _, err := allOf(strings.NewReader(exported(opened, fields)))
		check.RequireThat(t, err == nil && len(all) == 1, "%q: %v, want one event", fields, err)
		got := string(all[0].AppendJSON(nil))
		check.That(t, strings.Contains(got, `"data":`+want), "%q: %s, want %s", fields, got, want)
	}
}

// FuzzWindowsEvents checks that any input ends, in bounded memory, and that what was read can be printed (U-202).
func FuzzWindowsEvents(f *testing.F) {
	one := exported(opened, openedFields)
	f.Add([]byte(one + one))
	f.Add([]byte(utf16Text(binary.LittleEndian, one)))
	f.Add([]byte("<Event><System><Provider Name='Microsoft-Windows-Eventlog'/><EventID>1102</EventID><TimeCreated " +
		"SystemTime='2021-04-29T09:23:58Z'/></System><UserData><LogFileCleared><SubjectUserName>a</SubjectUserName>" +
		"</LogFileCleared></UserData></Event>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded.Run(t, 8*len(b), func() {
			all, _, _ := allOf(bytes.NewReader(b))
			for i := range all {
				line := Line(&all[i], nil, nil)
				check.That(t, !strings.ContainsAny(line, "\n\x1b"), "%q", line)
				if _, err := audit.ParseEvent(all[i].AppendJSON(nil)); err != nil {
					t.Error(err)
				}
				OCSF(&all[i])
			}
		})
	})
}
