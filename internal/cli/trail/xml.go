package trail

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"github.com/refmon/refmon/audit"
)

const (
	xmlHead  = `<?xml version="1.0" encoding="utf-8"?>` + "\n<Events>\n"
	xmlTail  = "</Events>\n"
	eventNS  = "http://schemas.microsoft.com/win/2004/08/events/event"
	logNS    = "http://manifests.microsoft.com/win/2004/08/windows/eventlog"
	security = `<Provider Name="Microsoft-Windows-Security-Auditing" Guid="{54849625-5478-4994-A5BA-3E3B0328C30D}"/>`
	eventlog = `<Provider Name="Microsoft-Windows-Eventlog" Guid="{fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148}"/>`
	// Generator is the last field of each event: it keeps ours from being
	// taken for Windows' own.
	Generator = "refmon"
)

// logElements maps the log service's events to their XML elements.
var logElements = map[uint16]string{
	1100: "ServiceShutdown", 1102: "LogFileCleared", 1103: "LogFileNearlyFull", 1104: "FileIsFull", 1105: "AutoBackup",
	1108: "EventProcessingFailure",
}

// AppendXML appends the record to dst as a Windows event in XML, without a newline (U-81). It adds a field that names
// refmon as the generator, except to events of the log service.
func AppendXML(dst []byte, e *audit.Event) []byte {
	provider, level := security, 0
	element, own := logElements[e.ID]
	if own {
		provider, level = eventlog, 4
		if e.ID == 1104 || e.ID == 1108 {
			level = 2 // error
		}
	}
	pid, _ := e.Field("ProcessId")
	process, _ := strconv.ParseUint(pid, 0, 64) // 0 without a process
	dst = append(dst, `<Event xmlns="`+eventNS+`"><System>`+provider...)
	dst = fmt.Appendf(dst,
		"<EventID>%d</EventID><Version>%d</Version><Level>%d</Level><Task>%d</Task><Opcode>0</Opcode>"+
			"<Keywords>0x%016x</Keywords>", e.ID, e.Version, level, e.Task(), e.Keywords())
	dst = fmt.Appendf(dst, `<TimeCreated SystemTime="%s"/><EventRecordID>%d</EventRecordID><Correlation/>`,
		systemTime(e.Time), e.RecordID)
	dst = fmt.Appendf(dst,
		`<Execution ProcessID="%d" ThreadID="0"/><Channel>Security</Channel><Computer>%s</Computer><Security/></System>`,
		process, escape(e.Computer))
	if own {
		return appendUserData(dst, e, element)
	}
	dst = append(dst, "<EventData>"...)
	for f := range e.Fields() {
		dst = fmt.Appendf(dst, `<Data Name="%s">%s</Data>`, escape(f.Name), escape(f.Text()))
	}
	return append(dst, `<Data Name="Generator">`+Generator+`</Data></EventData></Event>`...)
}

// appendUserData appends the fields of an event of the log service. It also ends the event.
func appendUserData(dst []byte, e *audit.Event, element string) []byte {
	dst = fmt.Appendf(dst, `<UserData><%s xmlns="%s">`, element, logNS)
	for f := range e.Fields() {
		dst = fmt.Appendf(dst, "<%s>%s</%s>", f.Name, escape(f.Text()), f.Name)
	}
	return fmt.Appendf(dst, "</%s></UserData></Event>", element)
}

// systemTime returns a time with nine fractional digits. The last two are always 0.
func systemTime(t int64) string {
	text := strings.TrimSuffix(string(audit.AppendTime(nil, t)), "Z")
	whole, fraction, _ := strings.Cut(text, ".")
	return whole + "." + (fraction + "000000000")[:9] + "Z"
}

// escape escapes text for XML. Characters that XML does not allow become U+FFFD.
func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a Buffer does not fail
	return b.String()
}

// xml writes the record as an Event element of the XML document.
func (w *Writer) xml(e *audit.Event) error {
	w.buf = append(AppendXML(w.buf[:0], e), '\n')
	_, err := w.out.Write(w.buf)
	return err
}

// xmlEnd writes the closing tag of the XML document.
func (w *Writer) xmlEnd() error {
	_, err := w.out.WriteString(xmlTail)
	return err
}
