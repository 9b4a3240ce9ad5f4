package sd

import (
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Heir describes an object that inherits ACEs from its parent: whether it has children itself, its classes, owner and
// group. The zero value is a leaf without owner and class.
type Heir struct {
	Container    bool
	ObjectTypes  []winnt.GUID // its classes, for entries that name one
	Owner, Group sid.SID      // replace CREATOR OWNER and CREATOR GROUP
	ServerOwner  sid.SID      // replaces CREATOR OWNER SERVER; zero keeps it
	ServerGroup  sid.SID
	Mapping      *winnt.GenericMapping // maps generic bits of effective entries; nil keeps them
	KernelObject bool                  // effective masks are cut down to Mapping.All

	edit *editor // nil: each entry is allocated
}

// InheritFlags returns the flags that an entry has on a child, and whether the child's copy is effective there (S-66).
// ok is false if the child gets no copy. container says that the child is one. InheritFlags keeps audit flags and
// Critical. The caller sets Inherited.
func InheritFlags(flags uint8, container bool) (child uint8, effective, ok bool) {
	keep := flags &^ ValidInheritFlags
	objects, containers, once := flags&ObjectInherit != 0, flags&ContainerInherit != 0, flags&NoPropagateInherit != 0
	switch {
	case !container && objects:
		return keep, true, true
	case !container:
		return 0, false, false
	case containers && once:
		return keep, true, true
	case containers:
		return keep | flags&(ObjectInherit|ContainerInherit), true, true
	case objects && !once: // kept for the leaves below
		return keep | ObjectInherit | InheritOnly, false, true
	}
	return 0, false, false
}

// Inherit returns the entries that the heir gets from a parent's list (S-66 to S-70). With autoInherit, each is marked
// Inherited. A nil parent gives none (S-72).
func Inherit(parent *ACL, heir *Heir, autoInherit bool) []ACE {
	own := *heir // another goroutine may inherit for the same Heir
	own.edit = new(editor)
	return own.inheritAll(parent, autoInherit)
}

// inheritAll returns the entries that the object inherits from its parent's list, see [Inherit]. It returns nil for a
// nil or empty list. It is not safe for concurrent use, because it shares h.edit.
func (h *Heir) inheritAll(parent *ACL, auto bool) []ACE {
	if parent.Len() == 0 {
		return nil
	}
	out := make([]ACE, 0, parent.Len())
	for _, a := range parent.All() {
		out = h.inherit(out, a, auto)
	}
	return out
}

// inherit appends to entries what the object inherits from one ACE of its parent: none, one, or an effective and an
// inherit-only entry (S-66 to S-69). With autoInherit they are marked Inherited.
func (h *Heir) inherit(entries []ACE, parentACE ACE, autoInherit bool) []ACE {
	if isNonInheritable(parentACE) {
		return entries
	}
	flags, effective, ok := InheritFlags(parentACE.Flags(), h.Container)
	if !ok {
		return entries
	}
	if class, named := parentACE.InheritedObjectType(); named && effective && !h.is(class) {
		// An entry for another class becomes inherit-only, or is dropped if nothing can inherit it (S-69).
		if flags&(ObjectInherit|ContainerInherit) == 0 {
			return entries
		}
		flags, effective = flags|InheritOnly, false
	}
	if autoInherit {
		flags |= Inherited
	}
	if !effective {
		return append(entries, h.edit.withFlags(parentACE, flags)) // An inherit-only entry keeps its placeholders (S-68).
	}
	return h.split(entries, h.edit.withFlags(parentACE, flags), true)
}

// split appends the effective form of an ACE to entries. If children inherit the ACE and its effective form differs,
// the original follows as an inherit-only entry (S-67). The effective entry then has no inheritance flags. With
// dropObjectType the effective form has no InheritedObjectType.
func (h *Heir) split(entries []ACE, ace ACE, dropObjectType bool) []ACE {
	const spread = ObjectInherit | ContainerInherit
	e := h.effective(ace, true, dropObjectType)
	if h.Container && ace.Flags()&spread != 0 && e != ace {
		return append(entries, h.edit.withFlags(e, ace.Flags()&^(spread|NoPropagateInherit)),
			h.edit.withFlags(ace, ace.Flags()|InheritOnly))
	}
	return append(entries, e)
}

// effective returns an ACE as it applies to the object itself. It maps generic bits, unless there is no mapping or the
// mask is not rights. With substitute it replaces a placeholder SID (S-68). With dropObjectType it removes the
// InheritedObjectType (S-69).
func (h *Heir) effective(ace ACE, substitute, dropObjectType bool) ACE {
	if h.Mapping != nil && ace.Type().Layout() != LayoutUnknown && !carriesPolicy(ace.Type()) {
		m := h.Mapping.Map(ace.Mask())
		// An object of the kernel grants nothing beyond GENERIC_ALL of its type (S-65).
		if h.KernelObject {
			m &= h.Mapping.All
		}
		ace = h.edit.withMask(ace, m)
	}
	if substitute {
		if s := h.substitute(ace.SID()); !s.IsZero() {
			ace = h.edit.withSID(ace, s)
		}
	}
	if dropObjectType {
		ace = ace.dropClass()
	}
	return ace
}

// carriesPolicy reports whether the mask of ACEs of type t holds a policy or an attribute value instead of rights on
// the object.
func carriesPolicy(t Type) bool {
	return t == SystemMandatoryLabel || t == SystemResourceAttribute || t == SystemScopedPolicyID
}

// substitute returns the SID that replaces a placeholder such as CREATOR OWNER in an inherited ACE. It returns the
// zero SID for any other SID, and for a placeholder whose SID the Heir does not have. OWNER RIGHTS is not a
// placeholder (S-68).
func (h *Heir) substitute(s sid.SID) sid.SID {
	switch s {
	case sid.CreatorOwner:
		return h.Owner
	case sid.CreatorGroup:
		return h.Group
	case sid.CreatorOwnerServer:
		return h.ServerOwner
	case sid.CreatorGroupServer:
		return h.ServerGroup
	}
	return sid.SID{}
}

// is reports whether the object has a class, which an ACE names as InheritedObjectType. An Heir without ObjectTypes
// has none.
func (h *Heir) is(class winnt.GUID) bool {
	for _, g := range h.ObjectTypes {
		if g == class {
			return true
		}
	}
	return false
}

// plainOf is the type an object type becomes without its GUIDs.
var plainOf = map[Type]Type{
	AccessAllowedObject: AccessAllowed, AccessDeniedObject: AccessDenied, SystemAuditObject: SystemAudit,
	SystemAlarmObject:           SystemAlarm,
	AccessAllowedCallbackObject: AccessAllowedCallback, AccessDeniedCallbackObject: AccessDeniedCallback,
	SystemAuditCallbackObject: SystemAuditCallback, SystemAlarmCallbackObject: SystemAlarmCallback,
}

// dropClass returns the ACE without its InheritedObjectType. An ACE that then has no object type becomes a plain one
// (S-69).
func (a ACE) dropClass() ACE {
	if _, named := a.InheritedObjectType(); !named {
		return a
	}
	x := ACEExtra{AppData: []byte(a.AppData())}
	t := a.Type()
	if g, ok := a.ObjectType(); ok {
		x.ObjectType = &g
	} else {
		t = plainOf[t]
	}
	out, err := NewACE(t, a.Flags(), a.Mask(), a.SID(), x)
	if err != nil { // unreachable: it is shorter than a
		return a
	}
	return out
}

// isNonInheritable reports whether an ACE is a resource attribute that children never inherit. Its claim then has the
// flag NON_INHERITABLE, bit 0 of the flags at offset 8 (S-70).
func isNonInheritable(ace ACE) bool {
	d := ace.AppData()
	return ace.Type() == SystemResourceAttribute && len(d) >= 12 && d[8]&1 != 0
}
