package trail

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/refmon/refmon/audit"
)

// Limits of an exported event (U-202).
const (
	maxEventBytes = 1 << 20 // of its XML
	maxLevels     = 16      // of its elements
	maxFields     = 256
)

// WindowsReader reads exported Windows events: XML as wevtutil, Get-WinEvent, evtxexport and refmon itself print it.
// The events may be in one document or in many, with other text between them, in UTF-8 or UTF-16.
type WindowsReader struct {
	in     *plainText
	xml    *xml.Decoder
	n      int // events so far
	others int
	open   []string // elements around the next event
	alien  bool     // text or an element was read that an export without events does not have
}

// NewWindowsReader returns a reader of exported events. It reads from in only as Next needs it, and does not close it.
func NewWindowsReader(in io.Reader) *WindowsReader {
	r := &WindowsReader{in: newPlainText(in)}
	r.xml = xml.NewDecoder(r.in)
	// The text is UTF-8 here, whatever its declaration says.
	r.xml.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	return r
}

// Others returns the number of events of other providers that Next has skipped so far.
func (r *WindowsReader) Others() int { return r.others }

// exportedEvent is an event as its XML has it.
type exportedEvent struct {
	provider string
	header   map[string]string // texts of the elements in System, and SystemTime
	fields   [][2]string
}

// Next returns the next event of the security log and skips events of other providers (U-201). It returns io.EOF at the
// end. For XML that is malformed or exceeds the limits it returns an error with the number of the line (U-202), and
// errNoEvent at the end of a text that is no export. An event that cannot be converted is an error with its number, and
// the next call goes on after it.
func (r *WindowsReader) Next() (audit.Event, error) {
	for {
		e, err := r.read()
		switch {
		case errors.Is(err, io.EOF) && r.n == 0 && r.alien:
			return audit.Event{}, errNoEvent
		case errors.Is(err, io.EOF):
			return audit.Event{}, io.EOF
		case err != nil:
			line, _ := r.xml.InputPos()
			return audit.Event{}, fmt.Errorf("event %d, line %d: %w", r.n+1, line, err)
		}
		r.n++
		if e.provider != securityProvider && e.provider != eventlogProvider {
			r.others++
			continue
		}
		out, err := e.record()
		if err != nil {
			line, _ := r.xml.InputPos()
			return audit.Event{}, fmt.Errorf("event %d, up to line %d: %w", r.n, line, err)
		}
		return out, nil
	}
}

var errNoEvent = errors.New("no event: want XML, as wevtutil qe Security /f:xml prints it")

// Names of the providers whose events are read.
const (
	securityProvider = "Microsoft-Windows-Security-Auditing"
	eventlogProvider = "Microsoft-Windows-Eventlog"
)

// read returns the next Event element of any provider. It returns io.EOF if there is none. Other elements are
// skipped. A longer event than maxEventBytes is an error, and so is an element that does not end.
func (r *WindowsReader) read() (*exportedEvent, error) {
	for {
		r.in.left = maxEventBytes
		t, err := r.xml.RawToken()
		if err != nil {
			// A text that ends inside <Events> was cut off, even if its last event is complete (U-202).
			if last := len(r.open) - 1; last >= 0 && errors.Is(err, io.EOF) {
				err = fmt.Errorf("the text ends inside <%s>: its end is missing", r.open[last])
			}
			return nil, r.in.because(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local == "Event" {
				return r.event()
			}
			r.alien = r.alien || t.Name.Local != "Events"
			if len(r.open) == maxLevels {
				return nil, fmt.Errorf("more than %d levels of elements", maxLevels)
			}
			r.open = append(r.open, t.Name.Local)
		case xml.EndElement:
			last := len(r.open) - 1
			if last < 0 || r.open[last] != t.Name.Local {
				return nil, fmt.Errorf("</%s> without <%s>", t.Name.Local, t.Name.Local)
			}
			r.open = r.open[:last]
		case xml.CharData:
			r.alien = r.alien || len(bytes.TrimSpace(t)) > 0
		}
	}
}

// event reads the elements of one event up to its end tag. The end of the input within the event, wrong nesting and too
// many elements are errors.
func (r *WindowsReader) event() (*exportedEvent, error) {
	e := &exportedEvent{header: map[string]string{}}
	path := []string{"Event"}
	var text strings.Builder
	for {
		t, err := r.xml.RawToken()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, r.in.because(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(path) == maxLevels || len(e.fields) == maxFields {
				return nil, fmt.Errorf("more than %d levels of elements or %d fields", maxLevels, maxFields)
			}
			path = append(path, t.Name.Local)
			e.start(path, t.Attr)
			text.Reset()
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			if last := path[len(path)-1]; t.Name.Local != last {
				return nil, fmt.Errorf("</%s> where </%s> is expected", t.Name.Local, last)
			}
			e.end(path, text.String())
			if path = path[:len(path)-1]; len(path) == 0 {
				return e, nil
			}
			text.Reset()
		}
	}
}

// start stores the attributes of an element: the provider, the time, and the name of a field. path has the names of the
// elements from Event on.
func (e *exportedEvent) start(path []string, attrs []xml.Attr) {
	attr := func(name string) string {
		for _, a := range attrs {
			if a.Name.Local == name {
				return a.Value
			}
		}
		return ""
	}
	switch strings.Join(path[1:], "/") {
	case "System/Provider":
		e.provider = attr("Name")
	case "System/TimeCreated":
		e.header["SystemTime"] = attr("SystemTime")
	case "EventData/Data":
		e.fields = append(e.fields, [2]string{attr("Name"), ""})
	}
}

// end stores the text of an element: a header or the value of a field. It ignores other elements.
func (e *exportedEvent) end(path []string, text string) {
	switch {
	case len(path) == 3 && path[1] == "System":
		e.header[path[2]] = strings.TrimSpace(text)
	case len(path) == 3 && path[1] == "EventData" && path[2] == "Data":
		e.fields[len(e.fields)-1][1] = text
	case len(path) == 4 && path[1] == "UserData":
		// Events of the log service have their fields as elements (U-81).
		e.fields = append(e.fields, [2]string{path[3], text})
	}
}

// record converts the event to a record. A missing id or a malformed time is an error; other missing headers are zero.
// Keywords without the failure bit are a success. It drops refmon's own last field.
func (e *exportedEvent) record() (audit.Event, error) {
	var h audit.Header
	id, err := strconv.ParseUint(e.header["EventID"], 10, 16)
	if err != nil {
		return audit.Event{}, fmt.Errorf("EventID %.20q: want a number below 65536", e.header["EventID"])
	}
	h.ID = uint16(id)
	if h.Time, err = exportedTime(e.header["SystemTime"]); err != nil {
		return audit.Event{}, err
	}
	version, _ := strconv.ParseUint(e.header["Version"], 10, 8) // 0 in older exports, which have no version
	h.Version = uint8(version)
	h.RecordID, _ = strconv.ParseUint(e.header["EventRecordID"], 10, 64) // 0 without a number
	h.Computer = e.header["Computer"]
	keywords, _ := strconv.ParseUint(e.header["Keywords"], 0, 64) // without keywords 0: a success
	const failure = 0x0010000000000000
	if keywords&failure != 0 {
		h.Outcome = audit.Failure
	}
	if e.provider == securityProvider {
		h.Subcategory = subcategoryOf(e.header["Task"])
	}
	return audit.FromFields(h, func(yield func(string, string) bool) {
		for i, f := range e.fields {
			if i == len(e.fields)-1 && f[0] == "Generator" && f[1] == Generator {
				return // refmon adds this last field to its own events; it is not part of the event (U-81)
			}
			if !yield(f[0], f[1]) {
				return
			}
		}
	}), nil
}

// subcategoryOf returns the subcategory of a task, 0 for an unknown task. A task that is not a decimal number is
// unknown.
func subcategoryOf(task string) audit.Subcategory {
	n, err := strconv.ParseUint(task, 10, 16)
	if err != nil {
		return 0
	}
	for s := range audit.Subcategories {
		if s.Task() == uint16(n) {
			return s
		}
	}
	return 0
}

// exportedTime parses the time of an event and returns it as a FILETIME. A blank before the time of day and UTC after
// it are allowed. Digits after the seventh of a second are ignored. Any other form, also another time zone, is an
// error.
func exportedTime(text string) (int64, error) {
	plain := strings.Replace(strings.TrimSpace(text), " ", "T", 1)
	for _, zone := range []string{" UTC", "+00:00", "Z"} {
		plain = strings.TrimSuffix(plain, zone)
	}
	if dot := strings.IndexByte(plain, '.'); dot >= 0 && len(plain) > dot+8 &&
		strings.Trim(plain[dot+8:], "0123456789") == "" {
		plain = plain[:dot+8] // FILETIME has seven digits
	}
	t, err := audit.ParseTime(plain + "Z")
	if err != nil {
		return 0, fmt.Errorf("SystemTime %.40q: want a form such as 2006-01-02T15:04:05.123456700Z", text)
	}
	return t, nil
}
