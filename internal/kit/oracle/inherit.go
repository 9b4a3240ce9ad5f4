package oracle

import "bytes"

// Inheritance is the question of a new object's descriptor.
type Inheritance struct {
	Parent, Creator, Default *Descriptor // nil: none
	Directory, Auto          bool
	Owner, Group             string
	Class                    string // GUID, "" for none
	Mapping                  Mapping
}

// Inherit returns the descriptor of the new object (S-61 to S-72), for a caller who may set every owner and SACL. With
// a protected list the parent's is not inherited. A nil creator or parent counts as empty.
func Inherit(q *Inheritance) *Descriptor {
	var c, p Descriptor
	if q.Creator != nil {
		c = *q.Creator
	}
	if q.Parent != nil {
		p = *q.Parent
	}
	out := &Descriptor{Owner: q.Owner, Group: q.Group}
	// The creator's owner and group precede the token's (S-61, S-62).
	if c.Owner != "" {
		out.Owner = c.Owner
	}
	if c.Group != "" {
		out.Group = c.Group
	}
	h := &heir{q, out.Owner, out.Group}
	// Protection and the request bits come from the creator (S-64).
	out.Control = c.Control & (DACLProtected | SACLProtected | DACLAutoRequest | SACLAutoRequest)
	if q.Auto {
		out.Control |= (DACLAutoInherited | SACLAutoInherited) &^ (c.Control & (DACLProtected | SACLProtected) >> 2)
	}
	out.DACL = h.list(c.DACL, p.DACL, c.Control&DACLProtected != 0)
	if out.DACL == nil {
		if out.DACL = (&ACL{Null: true}); q.Default != nil { // the token's default applies (S-63)
			out.DACL = &ACL{Entries: h.explicit(q.Default.DACL, false, false)}
		}
	}
	out.SACL = h.list(c.SACL, p.SACL, c.Control&SACLProtected != 0)
	return out
}

// heir is the new object whose descriptor is computed, with its owner and group.
type heir struct {
	*Inheritance
	owner, group string
}

// list returns the new object's list, made of the creator's and the parent's (S-63). It returns nil if neither gives
// one. A creator's NULL list stays NULL. A protected list takes only attributes and policies from the parent. Explicit
// entries come before inherited ones.
func (h *heir) list(creator, parent *ACL, protected bool) *ACL {
	var inherited, always []ACE
	if parent != nil {
		for _, a := range parent.Entries {
			// Attributes and policy identifiers also reach a protected list (S-70).
			keeps := a.Type == ResourceAttribute || a.Type == ScopedPolicy
			if protected && !keeps {
				continue
			}
			got := h.pass(a)
			if inherited = append(inherited, got...); keeps {
				always = append(always, got...)
			}
		}
	}
	switch {
	case creator != nil && creator.Null:
		return &ACL{Null: true}
	case creator == nil && len(inherited) == 0:
		return nil
	case creator == nil:
		return &ACL{Entries: inherited}
	case h.Auto && !protected:
		return &ACL{Entries: append(h.explicit(creator, true, true), inherited...)}
	}
	return &ACL{Entries: append(h.explicit(creator, h.Auto, false), always...)}
}

// passed has the flags that a leaf and a container inherit for each set of the OI, CI and NP flags (S-66). "-" means
// that there is no entry. With IO the container only stores the entry.
var passed = [8][2]string{{"-", "-"}, {"", "OIIO"}, {"-", "CI"}, {"", "OICI"}, {"-", "-"}, {"", "-"}, {"-", ""},
	{"", ""}}

// pass returns the entries that the object inherits from the parent's entry a, nil for none (S-66 to S-70). A claim
// that must not be inherited returns nil. An entry of another class becomes inherit-only, or is dropped if no child
// could inherit it.
func (h *heir) pass(a ACE) []ACE {
	if a.Claim != nil && a.Claim.Flags&1 != 0 {
		return nil
	}
	cell := passed[a.Flags&7][0]
	if h.Directory {
		cell = passed[a.Flags&7][1]
	}
	if cell == "-" {
		return nil
	}
	a.Flags = a.Flags&0xE0 | map[string]byte{"": 0, "OIIO": 9, "CI": 2, "OICI": 3}[cell]
	// An entry for another class is only stored (S-69).
	if a.Class != "" && a.Class != h.Class && a.Flags&InheritOnly == 0 {
		if a.Flags&3 == 0 {
			return nil
		}
		a.Flags |= InheritOnly
	}
	if h.Auto {
		a.Flags |= Inherited
	}
	if a.Flags&InheritOnly != 0 {
		return []ACE{a}
	}
	return h.split(a, true)
}

// split returns entry a in the form that is effective on the object (S-67). Generic rights are mapped and placeholder
// SIDs replaced. If drop is true, the class is removed. A container that propagates a also gets a itself as
// inherit-only, if the forms differ.
func (h *heir) split(a ACE, drop bool) []ACE {
	e := h.effective(a, true)
	if drop && e.Class != "" {
		if e.Class = ""; e.Object == "" {
			e.Type = map[byte]byte{AllowObject: Allow, DenyObject: Deny, AuditObject: Audit, 0x08: Alarm,
				AllowCallbackObj: AllowCallback, DenyCallbackObj: DenyCallback, 0x0F: AuditCallback, 0x10: 0x0E}[e.Type]
		}
	}
	if h.Directory && a.Flags&3 != 0 && !bytes.Equal(a.bytes(), e.bytes()) {
		e.Flags &^= 7
		a.Flags |= InheritOnly
		return []ACE{e, a}
	}
	return []ACE{e}
}

// effective returns the entry with generic rights mapped (S-65) and, if substitute is true, with placeholders such as
// CREATOR OWNER replaced (S-68). It keeps the masks of labels, resource attributes and policy identifiers.
func (h *heir) effective(a ACE, substitute bool) ACE {
	if a.Type != MandatoryLabel && a.Type != ResourceAttribute && a.Type != ScopedPolicy {
		a.Mask = h.Mapping.Map(a.Mask)
	}
	if substitute {
		switch a.SID {
		case "S-1-3-0":
			a.SID = h.owner
		case "S-1-3-1":
			a.SID = h.group
		case "S-1-3-2": // the server's, which are those of the token
			a.SID = h.Owner
		case "S-1-3-3":
			a.SID = h.Group
		}
	}
	return a
}

// explicit returns the creator's entries for the new object, without the inherited flag (S-65). If own is true,
// entries that had the flag are left out. If auto is true, entries are split, else only generic rights are mapped.
// Inherit-only entries are neither split nor mapped.
func (h *heir) explicit(l *ACL, auto, own bool) (out []ACE) {
	for _, a := range l.Entries {
		if a.Flags&Inherited != 0 && own {
			continue
		}
		a.Flags &^= Inherited
		switch {
		case a.Flags&InheritOnly != 0:
			out = append(out, a)
		case auto:
			out = append(out, h.split(a, false)...)
		default:
			out = append(out, h.effective(a, false))
		}
	}
	return out
}
