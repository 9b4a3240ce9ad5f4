package ob

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Decide decides whether subject may open obj for desired. It changes nothing; the caller commits by creating the
// handle.
//
// The order is: reserved bits (O-20), the type's invalid attributes and exclusivity (O-22), bits that the type does
// not have (O-21), an empty request (O-90), then the access check on the object's current descriptor.
// Decision.Granted is final: mapped, MAXIMUM_ALLOWED resolved, implied rights added (O-36). A kernel-mode caller is
// granted its request unless attributes has OBJ_FORCE_ACCESS_CHECK (O-33). An object without a descriptor grants any
// request, even an empty one; ACCESS_SYSTEM_SECURITY still needs its privilege (O-30, O-35). Errors: ACCESS_DENIED,
// INVALID_PARAMETER, PRIVILEGE_NOT_HELD, BAD_IMPERSONATION_LEVEL.
func Decide(c *Caller, obj Object, subject *access.Subject, desired winnt.AccessMask,
	attributes uint32) access.Decision {
	h := obj.Head()
	// Reserved bits are refused before rights are checked.
	if desired&winnt.RESERVED_RIGHTS != 0 {
		return c.refuse(h, "O-20", ntstatus.AccessDenied)
	}
	// An attribute that the type does not allow is refused (O-33), before access is checked (O-22).
	if attributes&h.typ.Invalid != 0 {
		return c.refuse(h, "O-33", ntstatus.InvalidParameter)
	}
	if st := h.CheckExclusive(c.Process, attributes); st != ntstatus.Success {
		// An exclusive object is opened by its one process only.
		return c.refuse(h, "O-27", st)
	}
	return c.decideAccess(h, subject, desired, attributes)
}

// decideAccess runs the access check of an open (O-22). An unchecked caller gets the mapped rights. grantUnprotected
// decides for objects without a descriptor. Rights that the type adds are granted last. STATUS_ACCESS_DENIED
// refuses:
//   - a bit that the type does not have
//   - a request for no rights, if there is a descriptor
//   - a descriptor that cannot be evaluated
func (c *Caller) decideAccess(h *Header, subject *access.Subject, desired winnt.AccessMask,
	attributes uint32) access.Decision {
	t := h.typ
	// The type's mapping replaces the generic bits (O-21).
	mapped := t.mapDesired(desired)
	if !c.Checked(attributes) {
		return access.Grant(t.addRights(t.kernelGrant(mapped)))
	}
	if mapped&^(t.Valid|winnt.ACCESS_SYSTEM_SECURITY|winnt.MAXIMUM_ALLOWED) != 0 {
		// A bit that the type does not have is refused.
		return c.refuse(h, "O-21", ntstatus.AccessDenied)
	}
	d := h.Security()
	if d == nil {
		return c.grantUnprotected(h, subject, mapped)
	}
	// An object with a descriptor refuses a request for no rights.
	if mapped == 0 {
		return c.refuse(h, "O-90", ntstatus.AccessDenied)
	}
	r := &c.request
	r.Descriptor, r.Subject, r.Desired, r.Type = d, *subject, mapped, t.ObjectType
	dec, err := access.SeAccessCheck(r)
	r.Descriptor, r.Subject = nil, access.Subject{} // c.request must not keep them in memory
	if err != nil {                                 // a descriptor that cannot be evaluated grants nothing
		return c.refuse(h, "O-33", ntstatus.AccessDenied)
	}
	if dec.Status() != ntstatus.Success {
		c.explain(h, d, subject, mapped)
		return dec
	}
	if dec.Granted &= t.Valid | winnt.ACCESS_SYSTEM_SECURITY; dec.Granted == 0 {
		// MAXIMUM_ALLOWED found only bits that have no meaning on this type.
		return c.refuse(h, "O-21", ntstatus.AccessDenied)
	}
	dec.Granted = t.addRights(dec.Granted) // after the check, so that no entry can deny it (O-36)
	return dec
}

// kernelGrant returns the rights that a kernel-mode request gets without a check. Bits that the type does not
// have are dropped.
func (t *Type) kernelGrant(mapped winnt.AccessMask) winnt.AccessMask {
	if mapped&winnt.MAXIMUM_ALLOWED != 0 {
		mapped |= t.Mapping.All
	}
	return mapped & (t.Valid | winnt.ACCESS_SYSTEM_SECURITY)
}

// grantUnprotected opens an object without a descriptor. It grants
// every right except ACCESS_SYSTEM_SECURITY, which needs its privilege
// (O-30, O-35).
func (c *Caller) grantUnprotected(h *Header, subject *access.Subject, mapped winnt.AccessMask) access.Decision {
	dec, ok := grantAll(h.typ, subject, mapped)
	if !ok {
		// Access to the SACL needs SeSecurityPrivilege.
		return c.refuse(h, "O-30", ntstatus.PrivilegeNotHeld)
	}
	return dec
}

// grantAll decides a request without looking at a descriptor: it grants every requested bit. MAXIMUM_ALLOWED becomes
// the type's valid mask (O-35, O-91). It returns false if the request has ACCESS_SYSTEM_SECURITY without its privilege
// (O-30). It also returns the used privilege.
func grantAll(t *Type, subject *access.Subject, mapped winnt.AccessMask) (access.Decision, bool) {
	var used winnt.PrivilegeSet
	if mapped&winnt.ACCESS_SYSTEM_SECURITY != 0 {
		if !subject.Holds(winnt.SeSecurityPrivilege) {
			return access.Decision{}, false
		}
		used = winnt.SeSecurityPrivilege.Bit()
	}
	if mapped&winnt.MAXIMUM_ALLOWED != 0 {
		mapped = mapped&^winnt.MAXIMUM_ALLOWED | t.Valid // never ACCESS_SYSTEM_SECURITY (O-30)
	}
	return access.Grant(t.addRights(mapped)).Using(used), true
}

// GrantNew decides what the creator of an object gets: every bit it requests, whatever the new object's own descriptor
// says (O-91). With MAXIMUM_ALLOWED it drops bits that the type does not have (O-130). Errors: ACCESS_DENIED (O-20,
// O-21), PRIVILEGE_NOT_HELD (O-30). Without a check it grants every requested bit that the type has.
func GrantNew(c *Caller, t *Type, subject *access.Subject, desired winnt.AccessMask,
	attributes uint32) access.Decision {
	if desired&winnt.RESERVED_RIGHTS != 0 {
		// Reserved bits are refused before rights are checked.
		return access.Refuse(c.Fail("O-20", ntstatus.AccessDenied))
	}
	mapped := t.mapDesired(desired)
	if !c.Checked(attributes) {
		return access.Grant(t.addRights(t.kernelGrant(mapped)))
	}
	if foreign := mapped &^ (t.Valid | winnt.ACCESS_SYSTEM_SECURITY | winnt.MAXIMUM_ALLOWED); foreign != 0 {
		if mapped&winnt.MAXIMUM_ALLOWED == 0 {
			// A bit that the type does not have is refused.
			return access.Refuse(c.Fail("O-21", ntstatus.AccessDenied))
		}
		mapped &^= foreign // A creator that asks for everything gets what the type has (O-130).
	}
	// The creator gets all it asks for (O-91).
	dec, ok := grantAll(t, subject, mapped)
	if !ok {
		// Access to the SACL needs SeSecurityPrivilege.
		return access.Refuse(c.Fail("O-30", ntstatus.PrivilegeNotHeld))
	}
	return dec
}

// CheckExclusive applies OBJ_EXCLUSIVE to an open for process with these
// attributes (O-27): ACCESS_DENIED for a process other than the owner,
// INVALID_PARAMETER for asking exclusivity of an object made without it, or of
// a handle that is inherited.
func (h *Header) CheckExclusive(process Object, attributes uint32) ntstatus.Status {
	owner := h.birth.Exclusive
	switch {
	case owner != nil && owner != process:
		// Another process has the object for itself (O-27).
		return ntstatus.AccessDenied
	case owner == nil && attributes&winnt.OBJ_EXCLUSIVE != 0, exclusiveInherited(attributes):
		// The object was not created as exclusive, or an inheritable handle was requested (O-27).
		return ntstatus.InvalidParameter
	}
	return ntstatus.Success
}

// refuse returns a decision that denies an open with st, and names the rule and the object for the tracer.
func (c *Caller) refuse(h *Header, rule string, st ntstatus.Status) access.Decision {
	if c.Why != nil {
		c.Why.Object = h.describe()
	}
	return access.Refuse(c.Fail(rule, st))
}

// explain records for the tracer, if the call is traced, which rule denied an access check: it repeats the check step
// by step and records the last step that refused. If the check itself fails, only the object and the rule O-33 are
// recorded.
func (c *Caller) explain(h *Header, d *sd.Descriptor, subject *access.Subject, mapped winnt.AccessMask) {
	if c.Why == nil {
		return
	}
	c.Why.Object, c.Why.Rule = h.describe(), "O-33"
	r := access.Request{Descriptor: d, Subject: *subject, Desired: mapped, Type: h.typ.ObjectType}
	_, ex, err := access.Explain(&r)
	if err != nil {
		return
	}
	c.Why.Explanation = ex
	for _, step := range ex.Steps {
		if !step.Granted && step.Rule != "" {
			c.Why.Rule = step.Rule
		}
	}
}
