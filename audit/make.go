package audit

import (
	"fmt"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Values are the fields that the caller of [Make] knows: a text, or the items
// of a list. What is not among them comes from the origin, or is absent.
type Values map[string][]string

// Make makes a record of any kind of the catalogue, its fields in their
// documented order. The subject's fields and the process come from the origin. It
// fails on a number that the catalogue does not have, on an outcome that the
// kind does not have, and on a field that is not the kind's.
func Make(id uint16, outcome Outcome, from Origin, values Values) (Event, error) {
	k, ok := KindOf(id)
	switch {
	case !ok:
		return Event{}, fmt.Errorf("audit event %d: the catalogue does not have it", id)
	case k.Outcomes != 0 && !k.Outcomes.Has(outcome):
		return Event{}, fmt.Errorf("audit event %d: no record of a %s is documented", id, outcome)
	}
	var l fieldList
	used := 0
	for name := range k.Fields() {
		v, given := values[name]
		switch {
		case given:
			used++
			l.value(name, v)
		case name == "SubjectUserSid":
			from.appendSubject(&l)
		case name == "SubjectUserName" || name == "SubjectDomainName" || name == "SubjectLogonId":
		case name == "ProcessId":
			l.hex(name, from.ProcessID)
		case name == "ProcessName":
			from.appendProcessName(&l)
		default:
			l.text(name, absent)
		}
	}
	if used != len(values) {
		return Event{}, fmt.Errorf("audit event %d: one of %d fields is not its own", id, len(values))
	}
	if k.subject() {
		from.appendPrimary(&l)
	}
	h := Header{ID: id, Version: k.Version, Subcategory: k.Subcategory, Outcome: outcome}
	return Event{Header: h, fields: l}, nil
}

// subject reports whether the kind names who acted.
func (k Kind) subject() bool { return len(k.fields) > 1 && k.fields[:2] == "S4" }

// value adds a text, or a list where the field is one.
func (l *fieldList) value(name string, v []string) {
	if isListField(name) {
		l.list(name, styleOf(name), v)
		return
	}
	text := ""
	if len(v) > 0 {
		text = v[0]
	}
	l.name(name, text)
}

// isListField reports whether the field is a list in every event that has it
// (U-57).
func isListField(name string) bool {
	switch name {
	case "AccessList", "AccessReason", "Properties", "PrivilegeList", "EnabledPrivilegeList", "DisabledPrivilegeList",
		"AuditPolicyChanges", "SidList", "GroupMembership":
		return true
	}
	return false
}

// Message codes of AuditPolicyChanges (message table of msobjs.dll).
const (
	successRemoved = 8448
	successAdded   = 8449
	failureRemoved = 8450
	failureAdded   = 8451
)

// PolicyChanged returns event 4719 for each subcategory whose setting differs.
func PolicyChanged(from Origin, before, after *Policy) []Event {
	var out []Event
	for s := range Subcategories {
		was, is := before.System(s), after.System(s)
		var changes []string
		for _, c := range [...]struct {
			set  Setting
			code uint16
		}{
			{was &^ is & OnSuccess, successRemoved}, {is &^ was & OnSuccess, successAdded},
			{was &^ is & OnFailure, failureRemoved}, {is &^ was & OnFailure, failureAdded},
		} {
			if c.set != 0 {
				changes = append(changes, message(c.code))
			}
		}
		if len(changes) == 0 {
			continue
		}
		e, err := Make(4719, Success, from, Values{
			"CategoryId": {s.Category().Code()}, "SubcategoryId": {message(s.Task())}, "SubcategoryGuid": {guidText(s.GUID())},
			"AuditPolicyChanges": changes,
		})
		if err == nil { // the catalogue has the event
			out = append(out, e)
		}
	}
	return out
}

// ChangePolicy puts a policy in force for a caller that holds SeSecurityPrivilege,
// and records each change of a subcategory as event 4719, whatever the policies
// say. Under a fail-closed policy nothing changes unless the records are kept.
func (l *Log) ChangePolicy(from Origin, next *Policy) ntstatus.Status {
	t := from.Subject.Effective()
	if t == nil || !t.Has(winnt.SeSecurityPrivilege) {
		// The caller does not hold SeSecurityPrivilege: the policy stays (U-2).
		return ntstatus.PrivilegeNotHeld
	}
	if next == nil {
		next = DefaultPolicy()
	}
	for _, e := range PolicyChanged(l.named(from), l.Policy.Load(), next) {
		if st := l.Write(e); st != ntstatus.Success {
			return st
		}
	}
	l.Policy.Store(next)
	return ntstatus.Success
}
