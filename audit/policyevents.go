package audit

import (
	"slices"
	"strconv"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// First message codes of AuditPolicyChanges (message table of msobjs.dll). Success
// removed and added come first, then failure; of an account's own policy success
// has four, include and exclude, then failure.
const (
	systemChanges = 8448
	userChanges   = 8452
)

// PolicyChanged returns the records of a policy change (U-2, U-85):
//   - 4719 for each subcategory whose setting differs
//   - 4912 for each subcategory of an account's own policy
//   - 4817 for each global SACL
//   - 4906 for CrashOnAuditFail
//   - 4621 if CrashOnAuditFail is set back after records were lost
func PolicyChanged(from Origin, before, after *Policy) []Event {
	c := &policyChange{from: from}
	for s := range Subcategories {
		c.addSubcategory(4719, s, settingChanges(systemChanges, before.System(s), after.System(s)), nil)
	}
	c.users(before.Spec().Users, after.Spec().Users)
	for _, typ := range []string{"File", "Key"} {
		c.global(typ, before.GlobalSACL(typ), after.GlobalSACL(typ))
	}
	c.crash(before.options.CrashOnAuditFail, after.options.CrashOnAuditFail)
	return c.out
}

// policyChange collects the audit records of one policy change.
type policyChange struct {
	from Origin
	out  []Event
}

// add appends an event with outcome success. It drops an event whose values do not fit the number.
func (c *policyChange) add(eventID uint16, values Values) {
	if e, err := Make(eventID, Success, c.from, values); err == nil { // never an error: the catalogue has the event
		c.out = append(c.out, e)
	}
}

// settingChanges returns the message codes for the field AuditPolicyChanges of a subcategory: one for each outcome
// that was removed or added. firstCode is the code for "success removed". The next three are "success added", "failure
// removed" and "failure added".
func settingChanges(firstCode uint16, before, after Setting) []string {
	var out []string
	for i, set := range [...]Setting{
		before &^ after & OnSuccess, after &^ before & OnSuccess, before &^ after & OnFailure, after &^ before & OnFailure,
	} {
		if set != 0 {
			out = append(out, message(firstCode+uint16(i)))
		}
	}
	return out
}

// userChangesOf returns the message codes for the field AuditPolicyChanges when one account's own setting changed.
// It returns nil for equal settings.
func userChangesOf(before, after UserSetting) []string {
	var out []string
	for i, set := range [...]Setting{
		before.Include &^ after.Include & OnSuccess, after.Include &^ before.Include & OnSuccess,
		before.Exclude &^ after.Exclude & OnSuccess, after.Exclude &^ before.Exclude & OnSuccess,
		before.Include &^ after.Include & OnFailure, after.Include &^ before.Include & OnFailure,
		before.Exclude &^ after.Exclude & OnFailure, after.Exclude &^ before.Exclude & OnFailure,
	} {
		if set != 0 {
			out = append(out, message(userChanges+uint16(i)))
		}
	}
	return out
}

// addSubcategory adds an event for a subcategory whose setting changed. changes has the message codes of the changes,
// extraFields further fields. Without changes it adds nothing.
func (c *policyChange) addSubcategory(eventID uint16, s Subcategory, changes []string, extraFields Values) {
	if len(changes) == 0 {
		return
	}
	v := Values{
		"CategoryId": {s.Category().Code()}, "SubcategoryId": {message(s.Task())}, "SubcategoryGuid": {guidText(s.GUID())},
		"AuditPolicyChanges": changes,
	}
	for name, value := range extraFields {
		v[name] = value
	}
	c.add(eventID, v)
}

// users adds event 4912 for each account and subcategory whose own audit setting changed.
func (c *policyChange) users(before, after map[sid.SID]map[Subcategory]UserSetting) {
	var all []sid.SID
	for _, m := range []map[sid.SID]map[Subcategory]UserSetting{before, after} {
		for who := range m {
			all = append(all, who)
		}
	}
	slices.SortFunc(all, sid.SID.Compare)
	for _, who := range slices.Compact(all) {
		for s := range Subcategories {
			// An account's own policy that changes is event 4912, one for each subcategory (U-85).
			c.addSubcategory(4912, s, userChangesOf(before[who][s], after[who][s]), Values{"TargetUserSid": {who.String()}})
		}
	}
}

// global adds event 4817 if the global SACL of an object type changed.
func (c *policyChange) global(typ string, before, after *sd.ACL) {
	if before.Equal(after) {
		return
	}
	// A global SACL that changes is event 4817 (U-85).
	c.add(4817, Values{"ObjectServer": {"LSA"}, "ObjectType": {"Global SACL"}, "ObjectName": {typ},
		"OldSd": {globalText(before)}, "NewSd": {globalText(after)}})
}

// globalText returns a global SACL as SDDL, "-" for nil.
func globalText(l *sd.ACL) string {
	if l == nil {
		return absent
	}
	return descriptorText(sd.New(sd.Parts{SACL: l, Control: sd.SACLPresent}), winnt.SACL_SECURITY_INFORMATION)
}

// crash adds the records of a change of CrashOnAuditFail: event 4906 with the new value, and before it event 4621 if
// the old value was AuditFailed (U-85). It adds none if the values are equal.
func (c *policyChange) crash(before, after CrashOnAuditFail) {
	if before == after {
		return
	}
	if before == AuditFailed {
		// Records were lost under a fail-closed policy, and an administrator sets it back: event 4621 (U-85).
		c.add(4621, Values{"CrashOnAuditFailValue": {strconv.Itoa(int(before))}})
	}
	// A change of CrashOnAuditFail is event 4906 with the new value (U-85).
	c.add(4906, Values{"CrashOnAuditFailValue": {strconv.Itoa(int(after))}})
}

// ChangePolicy puts a policy in force for a caller that holds SeSecurityPrivilege,
// and records the changes, whatever the policies say ([PolicyChanged]). Without the
// privilege it returns STATUS_PRIVILEGE_NOT_HELD. nil means the default policy.
// Under a fail-closed policy, or without a sink, nothing changes unless the records
// are kept.
func (l *Log) ChangePolicy(from Origin, next *Policy) ntstatus.Status {
	t := from.Subject.Effective()
	if t == nil || !t.Has(winnt.SeSecurityPrivilege) {
		// The caller does not hold SeSecurityPrivilege: the policy stays (U-2).
		return ntstatus.PrivilegeNotHeld
	}
	if next == nil {
		next = DefaultPolicy()
	}
	for {
		before := l.Policy.Load()
		if st := l.writeAll(from, PolicyChanged(l.named(from), before, next)); st != ntstatus.Success {
			return st
		}
		// A record that was lost since, and another change since, are part of the change to record (U-85).
		if l.Policy.CompareAndSwap(before, next) {
			return ntstatus.Success
		}
	}
}
