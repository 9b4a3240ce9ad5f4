package fileaccess

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Bits of SECURITY_INFORMATION that change how a list inherits, which package
// sd knows for setting only.
const (
	daclProtection = winnt.PROTECTED_DACL_SECURITY_INFORMATION | winnt.UNPROTECTED_DACL_SECURITY_INFORMATION
	saclProtection = winnt.PROTECTED_SACL_SECURITY_INFORMATION | winnt.UNPROTECTED_SACL_SECURITY_INFORMATION
)

// QueryRights returns the rights that a handle needs to read the parts of a descriptor in info, which has
// SECURITY_INFORMATION bits (F-50). It ignores unknown bits, and returns 0 for none.
func QueryRights(info uint32) winnt.AccessMask {
	m := sd.QueryAccess(info)
	// The protection of the DACL is read with READ_CONTROL (F-50).
	if info&daclProtection != 0 {
		m |= winnt.READ_CONTROL
	}
	// The protection of the SACL is read with ACCESS_SYSTEM_SECURITY (F-50).
	if info&saclProtection != 0 {
		m |= winnt.ACCESS_SYSTEM_SECURITY
	}
	return m
}

// SetRights returns the rights that a handle needs to change the parts in info
// (F-50).
func SetRights(info uint32) winnt.AccessMask { return sd.SetAccess(info) }

// QuerySecurity returns the requested parts of a descriptor. If the handle may
// not read all of them, it returns STATUS_ACCESS_DENIED and no part (F-50). A
// nil descriptor is STATUS_NO_SECURITY_ON_OBJECT, so that a descriptor that
// could not be read does not look like one without a DACL.
func QuerySecurity(h *Handle, d *sd.Descriptor, info uint32) (*sd.Descriptor, ntstatus.Status) {
	if !h.open() || QueryRights(info)&^h.Granted != 0 { // The handle does not grant the parts (F-50).
		return nil, ntstatus.AccessDenied
	}
	if d == nil {
		return nil, ntstatus.NoSecurityOnObject
	}
	return sd.Select(d, info), ntstatus.Success
}

// SecurityChange is a request to set parts of a descriptor through a handle.
// The zero value changes nothing.
type SecurityChange struct {
	Information uint32 // SECURITY_INFORMATION: the parts
	Old         *sd.Descriptor
	New         *sd.Descriptor // the new values
	Subject     access.Subject
}

// SetSecurity returns the object's descriptor after a change, as a new value.
// The caller stores it. Open handles keep their rights, and children inherit
// the change only on request (F-52). A missing right is STATUS_ACCESS_DENIED,
// before any other check (F-50). An owner that is absent, or that the subject
// may not assign, is STATUS_INVALID_OWNER. A label above the subject's is
// STATUS_PRIVILEGE_NOT_HELD (F-51). A nil change is STATUS_INVALID_PARAMETER, and
// a subject without a token STATUS_NO_TOKEN. Other statuses are those of [sd.Set]
// and [Stored].
func SetSecurity(h *Handle, c *SecurityChange) (*sd.Descriptor, ntstatus.Status) {
	if c == nil {
		return nil, ntstatus.InvalidParameter
	}
	if !h.open() || SetRights(c.Information)&^h.Granted != 0 { // The handle does not grant the parts (F-50).
		return nil, ntstatus.AccessDenied
	}
	if c.Subject.Effective() == nil {
		return nil, ntstatus.NoToken
	}
	// The owner must be the subject's to assign, and a label above the subject's needs a privilege (F-51).
	d, st := sd.Set(&sd.SetRequest{
		Information: c.Information, Old: c.Old, New: c.New,
		Subject: c.Subject.Creator(), Mapping: &winnt.FileObject.Mapping,
	})
	if st != ntstatus.Success {
		return nil, st
	}
	return Stored(d)
}
