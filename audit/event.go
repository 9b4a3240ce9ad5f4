package audit

import (
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Keywords of a record, as Windows event headers carry them.
const (
	keywordSuccess uint64 = 0x8020000000000000
	keywordFailure uint64 = 0x8010000000000000
)

// Header holds the data that every record has in addition to its fields. Level
// and opcode are 0 for every record of this package.
type Header struct {
	RecordID    uint64 // given by the sink; strictly increasing, 0 before
	Time        int64  // UTC, 100-ns units since 1601-01-01 (FILETIME); given by the Log
	ID          uint16 // event number such as 4656
	Version     uint8  // of the field list
	Subcategory Subcategory
	Outcome     Outcome
	Computer    string
	Chain       string // raw bytes of the hash of the record's leaf in a durable log, "" elsewhere
}

// Event is one audit record. It is an immutable value. The zero value is no record. The constructors of this package
// return events of the known kinds. [Event.WithHeader] sets the number, time and computer.
type Event struct {
	Header
	fields []Field // never written once the event is made
	access []accessLine
	// discarded is the count of event 4612, 0 for every other event.
	discarded uint64
	wait      func(done <-chan struct{}) // of the origin; nil: the caller just waits
	// admin is true for an action of an administrator, or an administrator's logon.
	admin bool
}

// accessLine is one right of AccessList with the reason it was decided for.
type accessLine struct {
	Right
	reason uint16 // 0: none known
	ace    string // SDDL of the deciding entry, "" if no entry decided
	name   string // privilege or central access rule, see Reason
}

// Essential reports whether a log without space for other records still stores this one in its reserve: a record
// about an administrator, who can make space, or about the end of a process or session (U-93).
func (e *Event) Essential() bool { return e.admin || e.ID == 4634 || e.ID == 4689 }

// ByAdministrator reports whether the record is of an action or logon of an administrator.
func (e *Event) ByAdministrator() bool { return e.admin }

// Wait waits until done is closed. A sink that waits for a disk calls Wait, so that the call that made the record can
// let other calls run in the meantime ([Origin.Wait]).
func (e *Event) Wait(done <-chan struct{}) {
	if e.wait == nil {
		<-done
		return
	}
	e.wait(done)
}

// Of returns the event as a record about the account of token t, which logs on. It is then a record of an
// administrator if t is an administrator's token. A nil t is not.
func (e Event) Of(t *token.Token) Event {
	e.admin = t != nil && t.IsAdmin()
	return e
}

// AsAdministrator returns the event as a record of an administrator's action.
func (e Event) AsAdministrator() Event {
	e.admin = true
	return e
}

// LeftOut returns the event with RecordsLeftOut as last field: the number of the account's
// records that were left out before it. For 0 it returns the event unchanged.
func (e Event) LeftOut(n uint64) Event {
	if n > 0 {
		e.fields = append(slices.Clone(e.fields), Field{Name: "RecordsLeftOut", text: strconv.FormatUint(n, 10)})
	}
	return e
}

// WithHeader returns the event with h in place of its header.
func (e Event) WithHeader(h Header) Event {
	e.Header = h
	return e
}

// Task returns the task number of the event, which is that of its subcategory. Events of the log service have task
// numbers of their own.
func (e Event) Task() uint16 {
	if e.logEvent() {
		return logTasks[e.ID]
	}
	return e.Subcategory.Task()
}

// Keywords returns the header keywords: 0x8020000000000000 for success,
// 0x8010000000000000 for failure, 0x4020000000000000 for events of the log
// service.
func (e Event) Keywords() uint64 {
	if e.logEvent() {
		return keywordLog
	}
	if e.Outcome == Success {
		return keywordSuccess
	}
	return keywordFailure
}

// Fields yields the fields in their documented order.
func (e Event) Fields() iter.Seq[Field] { return slices.Values(e.fields) }

// Field returns the text of the named field. ok is false if the event has no
// such field.
func (e Event) Field(name string) (text string, ok bool) {
	for _, f := range e.fields {
		if f.Name == name {
			return f.Text(), true
		}
	}
	return "", false
}

// size returns the approximate number of bytes that the record takes in memory.
func (e *Event) size() int {
	n := 128 + len(e.Computer) + 64*len(e.access)
	for i := range e.fields {
		f := &e.fields[i]
		n += 48 + len(f.text)
		for _, s := range f.items {
			n += 16 + len(s)
		}
	}
	return n
}

// Field is one named value of a record: text, or a list of texts. It is
// immutable.
type Field struct {
	Name  string
	text  string
	items []string // set for a list that is not empty
	style listStyle
}

// listStyle says how the items of a list are joined in text form (U-57).
type listStyle uint8

const (
	notList        listStyle = iota
	accessList               // CR LF and four tabs after every entry
	privilegeList            // CR LF and three tabs between entries
	policyChanges            // comma and blank between entries
	propertiesList = accessList
)

// IsList reports whether the value is a list with at least one item. A list
// without items is the text "-".
func (f Field) IsList() bool { return len(f.items) > 0 }

// Items yields the items of a list, or the text of any other value.
func (f Field) Items() iter.Seq[string] {
	if f.IsList() {
		return slices.Values(f.items)
	}
	return slices.Values([]string{f.text})
}

// Text returns the value as in the event text of Windows. It joins lists with
// the white space of the field (U-57).
func (f Field) Text() string {
	if !f.IsList() {
		return f.text
	}
	switch f.style {
	case accessList:
		// Each entry of these lists ends with a line end and four tabs (U-57).
		const end = "\r\n\t\t\t\t"
		return strings.Join(f.items, end) + end
	case privilegeList:
		// Privileges are joined by a line end and three tabs (U-57).
		return strings.Join(f.items, "\r\n\t\t\t")
	}
	// Other lists are joined by comma and blank (U-57).
	return strings.Join(f.items, ", ")
}

const (
	absent   = "-"
	nullGUID = "{00000000-0000-0000-0000-000000000000}"
	// nameLimit is the longest name in bytes that a record keeps whole.
	nameLimit = 32<<10 - 1
)

// fieldList collects the fields of one event in order, while a constructor builds it.
type fieldList []Field

// text adds a field with the text v, unchanged and possibly empty.
func (l *fieldList) text(name, v string) { *l = append(*l, Field{Name: name, text: v}) }

// name adds a field whose text comes from outside, such as a path or an account. It writes "-" for an empty text
// (U-57) and shortens a long one.
func (l *fieldList) name(name, text string) {
	if text == "" {
		text = absent
	}
	l.text(name, shorten(text))
}

// list adds a field with several items. style says how the text form joins them. An empty list is written
// "-" (U-57). list keeps the slice.
func (l *fieldList) list(name string, style listStyle, items []string) {
	// An empty list is absent and written "-" (U-57).
	if len(items) == 0 {
		l.text(name, absent)
		return
	}
	*l = append(*l, Field{Name: name, items: items, style: style})
}

// privileges adds a field with the names of a privilege set, "-" for an empty set.
func (l *fieldList) privileges(name string, set winnt.PrivilegeSet) {
	l.list(name, privilegeList, set.Names())
}

// hex adds a number of the manifest types HexInt32, HexInt64 and Pointer:
// lower case, no padding (U-22).
func (l *fieldList) hex(name string, value uint64) { l.text(name, winnt.LUID(value).String()) }

// shorten cuts a name of 32 KiB or more and puts an ellipsis at its end. It does
// not cut within a character.
func shorten(s string) string {
	if len(s) <= nameLimit {
		return s
	}
	const mark = "…"
	n := nameLimit - len(mark)
	for i := 0; i < 3 && n > 0 && s[n]&0xC0 == 0x80; i++ { // do not cut within a UTF-8 character
		n--
	}
	return s[:n] + mark
}
