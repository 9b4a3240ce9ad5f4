package audit

import (
	"fmt"
	"strings"
)

// Values has the field values that the caller of [Make] supplies, by field name. A value is one text, or the items of
// a list. Fields that are not in it come from the origin or are absent.
type Values map[string][]string

// Make returns a record of any kind in the catalogue, with the fields in their
// documented order. The subject's fields and the process come from the origin.
// Make fails for a number that the catalogue does not have, and for an outcome or
// field that the kind does not have.
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
		case name == "CommandLine" || name == "AdditionalInfo2":
			// These two are empty when absent (U-57); a command line can hold a secret and is not recorded (U-84).
			l.text(name, "")
		default:
			l.text(name, absent)
		}
	}
	if used != len(values) {
		return Event{}, fmt.Errorf("audit event %d: one of %d fields does not belong to this event", id, len(values))
	}
	if k.subject() {
		from.appendPrimary(&l)
	}
	h := Header{ID: id, Version: k.Version, Subcategory: k.Subcategory, Outcome: outcome}
	return Event{Header: h, fields: l, admin: from.admin()}, nil
}

// subject reports whether events of this kind start with the four Subject fields.
func (k Kind) subject() bool { return len(k.fields) > 1 && k.fields[:2] == "S4" }

// value adds a field of [Values]. A list field gets all items of v; any other field gets the first, or "-" without
// items.
func (l *fieldList) value(name string, v []string) {
	// The mask of event 4674 can be a list of codes (U-22).
	if isListField(name) || name == "AccessMask" && len(v) > 0 && strings.HasPrefix(v[0], "%%") {
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
