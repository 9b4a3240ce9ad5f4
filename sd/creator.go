package sd

// creatorList is the DACL or SACL of the descriptor that an object's creator supplied.
type creatorList struct {
	present, defaulted, protected bool
	list                          *ACL // not nil when compute is called on a present one
}

// compute returns the entries of a new object's DACL or SACL (the table of S-63). With isDefault, inherited entries
// replace the creator's list if there are any. With autoInherit, inherited entries follow the explicit ones of an
// unprotected list. If neither list exists, found is false.
func (c creatorList) compute(inherited []ACE, isDefault, autoInherit bool, heir *Heir) (aces []ACE, found bool) {
	switch {
	case !c.present || c.defaulted || isDefault:
		if len(inherited) > 0 {
			return inherited, true
		}
		if !c.present {
			return nil, false
		}
		return heir.explicitEntries(c.list, autoInherit, takeAll), true
	case !autoInherit:
		return append(heir.explicitEntries(c.list, false, takeAll), c.always(inherited)...), true
	case c.protected:
		return append(heir.explicitEntries(c.list, true, takeAll), c.always(inherited)...), true
	}
	return append(heir.explicitEntries(c.list, true, takeExplicit), inherited...), true
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

// Which entries of a creator's list to use.
const (
	takeAll      = iota // all, as explicit ones
	takeExplicit        // those not marked Inherited
)

// explicitEntries returns the entries of a creator's list as explicit entries of the new object (S-65). Generic bits
// are mapped, except in inherit-only entries.
//   - selection takeExplicit: leaves out entries that are marked as inherited
//   - substitute: replaces placeholders, and keeps the original as an inherit-only entry for children
func (h *Heir) explicitEntries(creator *ACL, substitute bool, selection int) []ACE {
	out := make([]ACE, 0, creator.Len())
	for _, a := range creator.All() {
		if a.Flags()&Inherited != 0 && selection == takeExplicit {
			continue
		}
		a = h.edit.withFlags(a, a.Flags()&^Inherited)
		switch {
		case a.Flags()&InheritOnly != 0:
			out = append(out, a)
		case substitute:
			out = h.split(out, a, false)
		default:
			out = append(out, h.effective(a, false, false))
		}
	}
	return out
}
