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

// QueryRights returns the rights a handle needs to read the parts of a
// descriptor that info names, in SECURITY_INFORMATION bits (F-50).
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

// SetRights returns the rights a handle needs to change the parts (F-50).
func SetRights(info uint32) winnt.AccessMask { return sd.SetAccess(info) }

// QuerySecurity returns the parts of a descriptor that a handle may read, or
// STATUS_ACCESS_DENIED and nothing if it may not read them all (F-50). A nil
// descriptor is STATUS_NO_SECURITY_ON_OBJECT: what was not read must not be
// taken for a descriptor without a DACL.
func QuerySecurity(h *Handle, d *sd.Descriptor, info uint32) (*sd.Descriptor, ntstatus.Status) {
	if !h.open() || QueryRights(info)&^h.Granted != 0 { // The handle lacks a right that the parts need (F-50).
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
	New         *sd.Descriptor // what they become
	Subject     access.Subject
}

// SetSecurity returns the object's descriptor after a change, as a new value;
// the caller stores it. Open handles keep what they have, and children inherit
// nothing of it until that is asked for (F-52). The statuses:
// STATUS_ACCESS_DENIED for a missing right, before anything else (F-50);
// STATUS_INVALID_OWNER for an owner that is absent or that the subject may
// not assign, STATUS_PRIVILEGE_NOT_HELD for a label above the subject's
// (F-51); and those of [sd.Set].
func SetSecurity(h *Handle, c *SecurityChange) (*sd.Descriptor, ntstatus.Status) {
	if c == nil {
		return nil, ntstatus.InvalidParameter
	}
	if !h.open() || SetRights(c.Information)&^h.Granted != 0 { // The handle lacks a right that the parts need (F-50).
		return nil, ntstatus.AccessDenied
	}
	if c.Subject.Effective() == nil {
		return nil, ntstatus.NoToken
	}
	// The owner must be the subject's to assign, and a label above the subject's needs a privilege (F-51).
	return sd.Set(&sd.SetRequest{
		Information: c.Information, Old: c.Old, New: c.New,
		Subject: callerOf(&c.Subject), IsContainer: h.Directory, Mapping: &winnt.FileObject.Mapping,
	})
}
