package audit

import (
	"strconv"

	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// PrivilegedService returns event 4673: a service that needs privileges was called.
// server is the subsystem's name, and service the name of its service. Empty names
// are recorded as "-".
func PrivilegedService(from Origin, server, service string, used winnt.PrivilegeSet, outcome Outcome) Event {
	var l fieldList
	from.appendSubject(&l)
	l.name("ObjectServer", server)
	l.name("Service", service)
	l.privileges("PrivilegeList", used)
	from.appendProcess(&l)
	from.appendPrimary(&l)
	return Event{Header: Header{ID: 4673, Subcategory: PrivilegeSubcategory(used), Outcome: outcome},
		fields: l, admin: from.admin()}
}

// PrivilegedObject returns event 4674: privileges were used on an object. Its
// mask is the list of the codes of its rights, or a decimal number if the object
// has no type (U-22). Bits without a code are not in the list.
func PrivilegedObject(from Origin, o Object, desired winnt.AccessMask, used winnt.PrivilegeSet, outcome Outcome) Event {
	var l fieldList
	from.appendSubject(&l)
	o.appendObject(&l)
	l.hex("HandleId", uint64(o.Handle))
	var lines []accessLine
	if o.Type == "" {
		// The mask of event 4674 is decimal for an object without a type (U-22, U-42).
		l.text("AccessMask", strconv.FormatUint(uint64(desired), 10))
	} else {
		// For other objects the mask is the list of its rights, unlike in every other event (U-22, U-42).
		lines = accessLines(o.rightsType(), desired, nil)
		l.list("AccessMask", accessList, codes(lines))
	}
	l.privileges("PrivilegeList", used)
	from.appendProcess(&l)
	from.appendPrimary(&l)
	o.appendDirectory(&l)
	return Event{Header: Header{ID: 4674, Subcategory: PrivilegeSubcategory(used), Outcome: outcome},
		fields: l, admin: from.admin(), access: lines}
}

// RightsAdjusted returns event 4703: privileges of a token were enabled or
// disabled. before and after are the two values of the token. ok is false if no
// privilege changed.
func RightsAdjusted(from Origin, before, after *token.Token) (event Event, ok bool) {
	enabled := after.Enabled() &^ before.Enabled()
	disabled := before.Enabled() &^ after.Enabled()
	if enabled|disabled == 0 {
		return Event{}, false
	}
	var l fieldList
	from.appendSubject(&l)
	from.appendToken(&l, "Target", after)
	from.appendProcessName(&l)
	l.hex("ProcessId", from.ProcessID)
	l.privileges("EnabledPrivilegeList", enabled)
	l.privileges("DisabledPrivilegeList", disabled)
	from.appendPrimary(&l)
	return Event{Header: Header{ID: 4703, Subcategory: TokenRightAdjusted},
		fields: l, admin: from.admin()}, true
}

// AuditsDiscarded returns event 4612: a number of records were lost. Its time and computer are those of the record
// that follows it, whose header is next.
func AuditsDiscarded(lost uint64, next Header) Event {
	var l fieldList
	l.text("AuditsDiscarded", strconv.FormatUint(lost, 10))
	h := Header{ID: 4612, Subcategory: SystemIntegrity, Time: next.Time, Computer: next.Computer}
	return Event{Header: h, fields: l, discarded: lost}
}
