package audit

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/sid"
)

// keywordLog are the keywords of events of the log service, 1100 to 1199.
const keywordLog uint64 = 0x4020000000000000

// AccountsChangedID is the number of the event AccountsChanged. Windows has no such
// event.
const AccountsChangedID = 64050

// AccountsChanged returns the event for a change of accounts, groups or id maps. account made the change, and change
// is its kind. subject is the changed account, group or map, and detail the member, new name or other argument. The
// event is an administrator's if the subject of from is one.
// Changes of rights have separate events (4704, 4705, 4717, 4718). Windows has one event for each kind of change.
func AccountsChanged(from Origin, account sid.SID, change, subject, detail string) Event {
	var l fieldList
	from.appendAccount(&l, "Subject", account, 0)
	l.text("Change", change)
	l.name("Target", subject)
	l.name("Detail", detail)
	return Event{Header: Header{ID: AccountsChangedID, Subcategory: UserAccountManagement}, fields: l, admin: from.admin()}
}

// OverwrittenID is the number of the event LogOverwritten. Windows has no such
// event.
const OverwrittenID = 64049

// logEvent reports whether the event is one of the log service, 1100 to 1199, which has its own tasks and keywords.
func (e *Event) logEvent() bool { return e.ID >= 1100 && e.ID < 1200 }

// logTasks are the tasks of the log service's events.
var logTasks = map[uint16]uint16{1100: 103, 1102: 104, 1103: 101, 1104: 101, 1105: 105, 1108: 101}

// LogStarted returns event 4608: the log accepts records.
func LogStarted() Event {
	return Event{Header: Header{ID: 4608, Subcategory: SecurityStateChange}}
}

// LogStopped returns event 1100: the log accepts no more records.
func LogStopped() Event { return Event{Header: Header{ID: 1100}} }

// LogRecovered returns event 4612 for a log that cut an incomplete record off its
// end. No acknowledged record is lost. bytes is the number of bytes that were cut
// off.
func LogRecovered(bytes int64) Event {
	e := AuditsDiscarded(0, Header{})
	e.fields = append(e.fields, Field{Name: "BytesDiscarded", text: strconv.FormatInt(bytes, 10)})
	return e
}

// LogCleared returns event 1102: an administrator removed the records up to number lastRecord. rootHash is that of the
// Merkle tree of the removed records. It follows the documented fields.
func LogCleared(from Origin, lastRecord uint64, rootHash [32]byte) Event {
	var l fieldList
	from.appendSubject(&l)
	l.text("LastRecordId", strconv.FormatUint(lastRecord, 10))
	l.text("TreeRoot", hex.EncodeToString(rootHash[:]))
	from.appendPrimary(&l)
	return Event{Header: Header{ID: 1102}, fields: l, admin: from.admin()}
}

// LogNearlyFull returns event 1103: percent percent of the log's space are in use.
func LogNearlyFull(percent uint64) Event {
	var l fieldList
	l.text("PercentFull", strconv.FormatUint(percent, 10))
	return Event{Header: Header{ID: 1103}, fields: l}
}

// LogFull returns event 1104: the log is full and configured to stop.
func LogFull() Event { return Event{Header: Header{ID: 1104}} }

// LogArchived returns event 1105: the oldest records, first to last, were moved to a file. An empty name is recorded
// as "-". The numbers of the records follow the documented fields.
func LogArchived(file string, first, last uint64) Event {
	var l fieldList
	l.text("Channel", "Security")
	l.name("BackupPath", file)
	l.records(first, last)
	return Event{Header: Header{ID: 1105}, fields: l}
}

// LogOverwritten returns the event for the removal of the oldest records, first
// to last, in a log that is configured to overwrite. Windows has no such event.
func LogOverwritten(first, last uint64) Event {
	var l fieldList
	l.records(first, last)
	return Event{Header: Header{ID: OverwrittenID, Subcategory: SystemIntegrity}, fields: l}
}

// records adds the numbers of the first and the last record of a removed or archived segment.
func (l *fieldList) records(first, last uint64) {
	l.text("FirstRecordId", strconv.FormatUint(first, 10))
	l.text("LastRecordId", strconv.FormatUint(last, 10))
}

// Size returns the approximate number of bytes that the record takes in memory.
func (e *Event) Size() int { return e.size() }

// Shorten cuts the longest fields until the JSON form fits the limit in bytes. It adds a field Truncated that names
// them. If only short fields remain, it also drops the rights with their reasons. An event whose fields are all very
// short can still exceed the limit. It returns an event that fits unchanged.
func (e Event) Shorten(limit int) Event {
	for len(e.AppendJSON(nil)) > limit {
		at, longest := -1, 0
		for i := range e.fields {
			// The list of truncated fields grows with each cut, so cutting it might never end.
			if n := len(e.fields[i].Text()); n > longest && e.fields[i].Name != "Truncated" {
				at, longest = i, n
			}
		}
		if longest < 64 { // many short ones: rights with their reasons
			e.access = nil
			if at < 0 || longest < 8 {
				return e
			}
		}
		e = e.cutField(at, longest/2)
	}
	return e
}

// cutField returns the event with one field shortened: it gets at most limit bytes and an ellipsis. The field
// "Truncated", which it adds or extends, names the fields that were cut.
func (e Event) cutField(fieldIndex, limit int) Event {
	fields := append([]Field(nil), e.fields...)
	f := &fields[fieldIndex]
	marked := f.Name
	if last := &fields[len(fields)-1]; last.Name == "Truncated" {
		marked = last.text
		if !slices.Contains(strings.Split(marked, ","), f.Name) { // name each field once
			marked += "," + f.Name
		}
		fields = fields[:len(fields)-1]
	}
	text := f.Text()[:limit]
	for i := 0; i < 3 && limit > 0 && f.Text()[limit]&0xC0 == 0x80; i++ { // not within a character
		limit--
		text = text[:limit]
	}
	*f = Field{Name: f.Name, text: text + "…"}
	e.fields = append(fields, Field{Name: "Truncated", text: marked})
	return e
}
