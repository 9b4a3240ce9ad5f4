package sd

// creatorList is the DACL or SACL of the descriptor that an object's creator supplied.
type creatorList struct {
	present, defaulted, protected bool
	list                          *ACL // not nil when compute is called on a present one
}

// compute returns the entries of a new object's DACL or SACL, from the creator's list and the inherited entries (the
// table of S-63). isDefault means that inherited entries take the place of the creator's list. found is false if
// neither provides a list.
func (c creatorList) compute(inherited []ACE, isDefault, auto bool, h *Heir) (aces []ACE, found bool) {
	switch {
	case !c.present || c.defaulted || isDefault:
		if len(inherited) > 0 {
			return inherited, true
		}
		if !c.present {
			return nil, false
		}
		return h.explicit(c.list, auto, takeAll), true
	case !auto:
		return append(h.explicit(c.list, false, takeAll), c.always(inherited)...), true
	case c.protected:
		return append(h.explicit(c.list, true, takeAll), c.always(inherited)...), true
	}
	return append(h.explicit(c.list, true, takeExplicit), inherited...), true
}

// always returns the inherited entries that a protected list of the creator does not block: resource attributes and
// policy ids (S-70).
func (c creatorList) always(inherited []ACE) []ACE {
	var out []ACE
	for _, a := range inherited {
		if a.Type() == SystemResourceAttribute || a.Type() == SystemScopedPolicyID {
			out = append(out, a)
		}
	}
	return out
}

// Which entries of a creator's list count.
const (
	takeAll      = iota // all, as explicit ones
	takeExplicit        // those not marked Inherited
)

// explicit returns the entries of a creator's list as explicit entries of the new object. With takeExplicit it leaves
// out entries that are marked as inherited. It maps the generic bits of effective entries. An inherit-only entry
// keeps its mask, and remains even if nothing can inherit it (S-65). With auto it also substitutes placeholders and
// keeps the original as an inherit-only entry for children.
func (h *Heir) explicit(l *ACL, auto bool, take int) []ACE {
	out := make([]ACE, 0, l.Len())
	for _, a := range l.All() {
		if a.Flags()&Inherited != 0 && take == takeExplicit {
			continue
		}
		a = h.edit.withFlags(a, a.Flags()&^Inherited)
		switch {
		case a.Flags()&InheritOnly != 0:
			out = append(out, a)
		case auto:
			out = h.split(out, a, false)
		default:
			out = append(out, h.effective(a, false, false))
		}
	}
	return out
}
