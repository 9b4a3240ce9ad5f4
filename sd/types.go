package sd

import "strconv"

// Type is the type of an ACE (ACE_HEADER.AceType, MS-DTYP 2.4.4.1). The zero
// value is AccessAllowed.
type Type uint8

// The types of MS-DTYP 2.4.4.1 and of later Windows headers.
const (
	AccessAllowed               Type = 0x00
	AccessDenied                Type = 0x01
	SystemAudit                 Type = 0x02
	SystemAlarm                 Type = 0x03
	AccessAllowedCompound       Type = 0x04
	AccessAllowedObject         Type = 0x05
	AccessDeniedObject          Type = 0x06
	SystemAuditObject           Type = 0x07
	SystemAlarmObject           Type = 0x08
	AccessAllowedCallback       Type = 0x09
	AccessDeniedCallback        Type = 0x0A
	AccessAllowedCallbackObject Type = 0x0B
	AccessDeniedCallbackObject  Type = 0x0C
	SystemAuditCallback         Type = 0x0D
	SystemAlarmCallback         Type = 0x0E
	SystemAuditCallbackObject   Type = 0x0F
	SystemAlarmCallbackObject   Type = 0x10
	SystemMandatoryLabel        Type = 0x11
	SystemResourceAttribute     Type = 0x12
	SystemScopedPolicyID        Type = 0x13
	SystemProcessTrustLabel     Type = 0x14
	SystemAccessFilter          Type = 0x15
)

// Layout is the arrangement of the bytes after the header of an ACE.
type Layout uint8

const (
	LayoutUnknown  Layout = iota // only the header is understood
	LayoutBasic                  // Mask, SID
	LayoutObject                 // Mask, flags, up to two GUIDs, SID
	LayoutCompound               // Mask, compound type, server SID, client SID
)

// typeInfo is one row of the table of types (MS-DTYP 2.4.4.1).
type typeInfo struct {
	name     string
	layout   Layout
	callback bool // application data follows the SID and is a condition
	system   bool // belongs in a SACL
	deny     bool // denies the rights in its mask
	revision byte // least ACL revision
}

var types = [...]typeInfo{
	AccessAllowed:               {"ACCESS_ALLOWED_ACE_TYPE", LayoutBasic, false, false, false, 2},
	AccessDenied:                {"ACCESS_DENIED_ACE_TYPE", LayoutBasic, false, false, true, 2},
	SystemAudit:                 {"SYSTEM_AUDIT_ACE_TYPE", LayoutBasic, false, true, false, 2},
	SystemAlarm:                 {"SYSTEM_ALARM_ACE_TYPE", LayoutBasic, false, true, false, 2},
	AccessAllowedCompound:       {"ACCESS_ALLOWED_COMPOUND_ACE_TYPE", LayoutCompound, false, false, false, 3},
	AccessAllowedObject:         {"ACCESS_ALLOWED_OBJECT_ACE_TYPE", LayoutObject, false, false, false, 4},
	AccessDeniedObject:          {"ACCESS_DENIED_OBJECT_ACE_TYPE", LayoutObject, false, false, true, 4},
	SystemAuditObject:           {"SYSTEM_AUDIT_OBJECT_ACE_TYPE", LayoutObject, false, true, false, 4},
	SystemAlarmObject:           {"SYSTEM_ALARM_OBJECT_ACE_TYPE", LayoutObject, false, true, false, 4},
	AccessAllowedCallback:       {"ACCESS_ALLOWED_CALLBACK_ACE_TYPE", LayoutBasic, true, false, false, 2},
	AccessDeniedCallback:        {"ACCESS_DENIED_CALLBACK_ACE_TYPE", LayoutBasic, true, false, true, 2},
	AccessAllowedCallbackObject: {"ACCESS_ALLOWED_CALLBACK_OBJECT_ACE_TYPE", LayoutObject, true, false, false, 4},
	AccessDeniedCallbackObject:  {"ACCESS_DENIED_CALLBACK_OBJECT_ACE_TYPE", LayoutObject, true, false, true, 4},
	SystemAuditCallback:         {"SYSTEM_AUDIT_CALLBACK_ACE_TYPE", LayoutBasic, true, true, false, 2},
	SystemAlarmCallback:         {"SYSTEM_ALARM_CALLBACK_ACE_TYPE", LayoutBasic, true, true, false, 2},
	SystemAuditCallbackObject:   {"SYSTEM_AUDIT_CALLBACK_OBJECT_ACE_TYPE", LayoutObject, true, true, false, 4},
	SystemAlarmCallbackObject:   {"SYSTEM_ALARM_CALLBACK_OBJECT_ACE_TYPE", LayoutObject, true, true, false, 4},
	SystemMandatoryLabel:        {"SYSTEM_MANDATORY_LABEL_ACE_TYPE", LayoutBasic, false, true, false, 2},
	SystemResourceAttribute:     {"SYSTEM_RESOURCE_ATTRIBUTE_ACE_TYPE", LayoutBasic, false, true, false, 2},
	SystemScopedPolicyID:        {"SYSTEM_SCOPED_POLICY_ID_ACE_TYPE", LayoutBasic, false, true, false, 2},
	SystemProcessTrustLabel:     {"SYSTEM_PROCESS_TRUST_LABEL_ACE_TYPE", LayoutBasic, false, true, false, 2},
	SystemAccessFilter:          {"SYSTEM_ACCESS_FILTER_ACE_TYPE", LayoutBasic, true, true, false, 2},
}

// info returns the row for t in the table of ACE types. An unknown type has the zero row with revision 2.
func (t Type) info() typeInfo {
	if int(t) < len(types) {
		return types[t]
	}
	return typeInfo{revision: 2}
}

// String prints the documented name, or ACE_TYPE(0x%02x) for others.
func (t Type) String() string {
	if n := t.info().name; n != "" {
		return n
	}
	return "ACE_TYPE(0x" + strconv.FormatUint(uint64(t), 16) + ")"
}

// Layout returns the layout of an ACE of this type. It is LayoutUnknown above
// 0x15.
func (t Type) Layout() Layout { return t.info().layout }

// IsObject reports whether the type has the object layout.
func (t Type) IsObject() bool { return t.info().layout == LayoutObject }

// IsCallback reports whether ACEs of the type have application data after the SID that is usually a condition. This
// includes the access filter.
func (t Type) IsCallback() bool { return t.info().callback }

// IsDeny reports whether ACEs of the type deny the rights in their mask.
func (t Type) IsDeny() bool { return t.info().deny }

// IsAllow reports whether ACEs of the type allow the rights in their mask. It returns false for an unknown type.
func (t Type) IsAllow() bool {
	i := t.info()
	return i.name != "" && !i.system && !i.deny
}

// IsSystem reports whether the type belongs in a SACL (S-14).
func (t Type) IsSystem() bool { return t.info().system }

// IsAudit reports whether ACEs of the type request an audit record when access is decided. Alarm types do not.
func (t Type) IsAudit() bool {
	switch t {
	case SystemAudit, SystemAuditObject, SystemAuditCallback, SystemAuditCallbackObject:
		return true
	}
	return false
}

// Flags of an ACE (ACE_HEADER.AceFlags). Bit 0x40 has two meanings, by type.
const (
	ObjectInherit        uint8 = 0x01
	ContainerInherit     uint8 = 0x02
	NoPropagateInherit   uint8 = 0x04
	InheritOnly          uint8 = 0x08
	Inherited            uint8 = 0x10
	Critical             uint8 = 0x20
	SuccessfulAccess     uint8 = 0x40 // audit and alarm types
	TrustProtectedFilter uint8 = 0x40 // access filter only
	FailedAccess         uint8 = 0x80 // audit and alarm types

	ValidInheritFlags uint8 = 0x1F
)

// Control is SECURITY_DESCRIPTOR_CONTROL (MS-DTYP 2.4.6).
type Control uint16

// Control bits.
const (
	OwnerDefaulted         Control = 0x0001
	GroupDefaulted         Control = 0x0002
	DACLPresent            Control = 0x0004
	DACLDefaulted          Control = 0x0008
	SACLPresent            Control = 0x0010
	SACLDefaulted          Control = 0x0020
	DACLTrusted            Control = 0x0040
	ServerSecurity         Control = 0x0080
	DACLAutoInheritRequest Control = 0x0100
	SACLAutoInheritRequest Control = 0x0200
	DACLAutoInherited      Control = 0x0400
	SACLAutoInherited      Control = 0x0800
	DACLProtected          Control = 0x1000
	SACLProtected          Control = 0x2000
	RMControlValid         Control = 0x4000
	SelfRelative           Control = 0x8000
)
