package sd

import (
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// AccessMode is ACCESS_MODE, the change that [Merge] makes for one request. The
// zero value and unknown modes change nothing.
type AccessMode uint32

// The modes of ACCESS_MODE (accctrl.h).
const (
	NotUsedAccess   AccessMode = iota
	GrantAccess                // adds rights to the trustee's grants
	SetAccessMode              // grants, and removes all other grants and denials of the trustee
	DenyAccess                 // denies, and removes the rights from grants with the same flags
	RevokeAccess               // removes every grant and audit of the trustee
	SetAuditSuccess            // adds to the rights audited on success
	SetAuditFailure            // adds to the rights audited on failure
)

// Explicit is EXPLICIT_ACCESS: one request to [Merge].
type Explicit struct {
	Mode        AccessMode
	Mask        winnt.AccessMask
	Inheritance uint8 // ObjectInherit, ContainerInherit, NoPropagateInherit, InheritOnly
	Trustee     sid.SID

	// Object types of the new entry. nil means none. With either, only the
	// trustee's entries with the same types are changed.
	ObjectType, InheritedObjectType *winnt.GUID
}

// Merge implements SetEntriesInAcl: it returns a new list from old, which may be nil, and the requests in order. New
// deny entries come before the existing explicit deny entries, and new allow entries after them. All come before
// inherited entries, which Merge never changes. It fails like [NewACL] and [NewACE]. The result is never nil: without
// entries it is an empty list, which grants nothing.
func Merge(old *ACL, requests ...Explicit) (*ACL, error) {
	aces := old.Slice()
	for _, r := range requests {
		var err error
		if aces, err = r.apply(aces); err != nil {
			return nil, err
		}
	}
	return newACL(old.Revision(), aces)
}

// apply makes the change that the request describes and returns the new entries. It leaves the slice aces unchanged
// if Mode is unknown, and otherwise may write to it.
func (r *Explicit) apply(aces []ACE) ([]ACE, error) {
	flags := r.Inheritance & (ValidInheritFlags &^ Inherited)
	switch r.Mode {
	case GrantAccess:
		return r.add(aces, r.typed(AccessAllowed, AccessAllowedObject), flags)
	case SetAccessMode:
		return r.add(r.remove(aces, func(t Type) bool { return !t.IsSystem() }),
			r.typed(AccessAllowed, AccessAllowedObject), flags)
	case DenyAccess:
		return r.add(r.subtract(aces, flags), r.typed(AccessDenied, AccessDeniedObject), flags)
	case RevokeAccess:
		return r.remove(aces, func(t Type) bool { return t.IsAllow() || t.IsAudit() }), nil
	case SetAuditSuccess:
		return r.add(aces, r.typed(SystemAudit, SystemAuditObject), flags|SuccessfulAccess)
	case SetAuditFailure:
		return r.add(aces, r.typed(SystemAudit, SystemAuditObject), flags|FailedAccess)
	}
	return aces, nil
}

// typed returns the type for the request's ACE: object if the request has an object type or an inherited object type,
// else plain.
func (r *Explicit) typed(plain, object Type) Type {
	if r.ObjectType != nil || r.InheritedObjectType != nil {
		return object
	}
	return plain
}

// concerns reports whether the request is about an ACE. The ACE must be explicit and have the request's trustee. If
// the request has object types, the ACE must have the same ones.
func (r *Explicit) concerns(ace ACE) bool {
	if ace.Flags()&Inherited != 0 || ace.SID() != r.Trustee {
		return false
	}
	if r.ObjectType == nil && r.InheritedObjectType == nil {
		return true
	}
	object, hasObject := ace.ObjectType()
	inherited, hasInherited := ace.InheritedObjectType()
	return matchesType(r.ObjectType, object, hasObject) && matchesType(r.InheritedObjectType, inherited, hasInherited)
}

// matchesType reports whether an ACE has the wanted object type, or none for nil. The other two parameters are the
// ACE's own type.
func matchesType(wanted *winnt.GUID, objectType winnt.GUID, hasObjectType bool) bool {
	return hasObjectType == (wanted != nil) && (wanted == nil || *wanted == objectType)
}

// remove returns the entries without those of the trustee whose type satisfies matches.
func (r *Explicit) remove(aces []ACE, matches func(Type) bool) []ACE {
	out := aces[:0:0]
	for _, a := range aces {
		if !r.concerns(a) || !matches(a.Type()) {
			out = append(out, a)
		}
	}
	return out
}

// subtract removes the rights of a deny request from the trustee's allow ACEs that have the same kind and flags. It
// drops ACEs that then grant nothing.
func (r *Explicit) subtract(aces []ACE, flags uint8) []ACE {
	out := aces[:0:0]
	for _, a := range aces {
		if r.concerns(a) && a.Type() == r.typed(AccessAllowed, AccessAllowedObject) && a.Flags() == flags {
			if a = a.WithMask(a.Mask() &^ r.Mask); a.Mask() == 0 {
				continue
			}
		}
		out = append(out, a)
	}
	return out
}

// add adds the rights to the trustee's entry with a type, these flags and no application data. If there is none, it
// inserts a new entry in canonical order. It may write to aces.
func (r *Explicit) add(aces []ACE, aceType Type, flags uint8) ([]ACE, error) {
	for i, a := range aces {
		if r.concerns(a) && a.Type() == aceType && a.Flags() == flags && a.AppData() == "" {
			aces[i] = a.WithMask(a.Mask() | r.Mask)
			return aces, nil
		}
	}
	a, err := NewACE(aceType, flags, r.Mask, r.Trustee, ACEExtra{ObjectType: r.ObjectType,
		InheritedObjectType: r.InheritedObjectType})
	if err != nil {
		return nil, err
	}
	at := 0
	for at < len(aces) && rank(aces[at]) < rank(a) {
		at++
	}
	return append(aces[:at:at], append([]ACE{a}, aces[at:]...)...), nil
}
