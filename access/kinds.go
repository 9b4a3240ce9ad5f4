package access

import "github.com/refmon/refmon/sd"

// effect says whether an ACE allows or denies the rights in its mask, or is ignored.
type effect uint8

const (
	ignore effect = iota
	allow
	deny
)

// aceKind says how one type of ACE takes part in the walk over a DACL.
type aceKind struct {
	effect   effect
	object   bool // may be limited to a node of the object tree
	callback bool // applies only if its condition agrees
	compound bool // has a server and a client SID
	system   bool // belongs into a SACL
}

// kinds has the effect of every type of entry. A type that is not listed has the
// zero value: the check ignores it, and an explanation has a step for it. The
// check also ignores SACL types in a DACL.
//
// The table has all 256 types, so that looking a type up can neither fail nor
// grant: allow and deny must be written down, ignoring is the zero value.
var kinds = [256]aceKind{
	sd.AccessAllowed:               {effect: allow},
	sd.AccessDenied:                {effect: deny},
	sd.AccessAllowedCompound:       {effect: allow, compound: true},
	sd.AccessAllowedObject:         {effect: allow, object: true},
	sd.AccessDeniedObject:          {effect: deny, object: true},
	sd.AccessAllowedCallback:       {effect: allow, callback: true},
	sd.AccessDeniedCallback:        {effect: deny, callback: true},
	sd.AccessAllowedCallbackObject: {effect: allow, object: true, callback: true},
	sd.AccessDeniedCallbackObject:  {effect: deny, object: true, callback: true},
	sd.SystemAudit:                 {system: true},
	sd.SystemAlarm:                 {system: true},
	sd.SystemAuditObject:           {system: true},
	sd.SystemAlarmObject:           {system: true},
	sd.SystemAuditCallback:         {system: true},
	sd.SystemAlarmCallback:         {system: true},
	sd.SystemAuditCallbackObject:   {system: true},
	sd.SystemAlarmCallbackObject:   {system: true},
	sd.SystemMandatoryLabel:        {system: true},
	sd.SystemResourceAttribute:     {system: true},
	sd.SystemScopedPolicyID:        {system: true},
	sd.SystemProcessTrustLabel:     {system: true},
	sd.SystemAccessFilter:          {system: true},
}
