package sd

import (
	"slices"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// ListEditor edits access control lists as administrators think of them: it
// adds, replaces and removes rules of trustees and keeps the list in canonical
// order. Methods that take a rule or a trustee never change inherited entries
// (S-83). The zero value edits DACLs of objects without children. A ListEditor
// is a value without state.
//
// Methods return a new list of the same revision and leave the old one as it is.
// Those that return an error fail with [ErrNoList] for a nil list and with
// [ErrNotCanonical] for a list that [ListEditor.Canonical] refuses. The error of
// [NewACL] says that the new list would be too long. All other errors concern
// the rule: they are [ErrInexpressible] or wrap STATUS_INVALID_PARAMETER or
// STATUS_INVALID_SID.
type ListEditor struct {
	Container bool // the object has children, which inherit
	System    bool // lists are SACLs
}

// Canonical reports whether the methods accept a list. Its order must be: explicit deny entries, explicit allow
// entries, then inherited entries of any type. In a SACL, explicit audit entries come before inherited ones. It
// returns false for explicit entries of other types, such as compound ones, and for a nil list.
func (e ListEditor) Canonical(acl *ACL) bool {
	if acl == nil {
		return false
	}
	last := 0
	for _, a := range acl.All() {
		stage := 0
		switch t := a.Type(); {
		case a.Flags()&Inherited != 0:
			stage = 2
		case t == AccessAllowedCompound, e.System && !t.IsAudit(), !e.System && !t.IsAllow() && !t.IsDeny():
			return false
		case t.IsAllow():
			stage = 1
		}
		if stage < last {
			return false
		}
		last = stage
	}
	return true
}

// Add adds the rights of a rule. It puts them into an existing explicit entry of the trustee if one entry can express
// both. If none can, it inserts an entry (S-84). It fails for inheritance flags that have no meaning: those of an
// object without children, and NP or IO without OI or CI.
func (e ListEditor) Add(acl *ACL, rule Rule) (*ACL, error) {
	rule, aces, err := e.begin(acl, rule, true)
	if err != nil {
		return nil, err
	}
	return e.add(acl, aces, rule)
}

// Set replaces explicit entries of the trustee by one entry with the rule's rights. It replaces only entries of the
// rule's kind: those that allow, that deny, or that audit. Deny entries therefore remain if the rule allows, and the
// reverse. It fails as Add does.
func (e ListEditor) Set(acl *ACL, rule Rule) (*ACL, error) {
	rule, aces, err := e.begin(acl, rule, true)
	if err != nil {
		return nil, err
	}
	return e.add(acl, slices.DeleteFunc(aces, rule.concerns), rule)
}

// Remove removes the rights of a rule from the trustee's explicit entries, for the objects that the rule's flags name.
// Rights on other objects remain, in an entry of their own. Remove fails with [ErrInexpressible], and removes nothing,
// if no flags describe those objects (S-85). A rule that concerns no entry changes nothing.
func (e ListEditor) Remove(acl *ACL, rule Rule) (*ACL, error) {
	rule, aces, err := e.begin(acl, rule, false)
	if err != nil {
		return nil, err
	}
	out := make([]ACE, 0, len(aces)+1)
	for _, a := range aces {
		if !rule.concerns(a) || a.Mask()&rule.Mask == 0 || e.System && a.Flags()&rule.Flags&auditFlags == 0 {
			out = append(out, a)
			continue
		}
		if out, err = e.cut(out, a, rule); err != nil {
			return nil, err
		}
	}
	return newACL(acl.Revision(), out)
}

// RemoveExact removes the trustee's explicit entries with exactly the rule's rights and flags. It leaves all others.
// Without such an entry the result equals acl.
func (e ListEditor) RemoveExact(acl *ACL, rule Rule) (*ACL, error) {
	rule, aces, err := e.begin(acl, rule, false)
	if err != nil {
		return nil, err
	}
	return newACL(acl.Revision(), slices.DeleteFunc(aces, func(a ACE) bool {
		return rule.concerns(a) && a.Mask() == rule.Mask && a.Flags() == rule.Flags
	}))
}

// Purge removes all explicit entries of a trustee, whatever their type. It fails
// for the zero SID.
func (e ListEditor) Purge(acl *ACL, trustee sid.SID) (*ACL, error) {
	if trustee.IsZero() {
		return nil, errNoTrustee()
	}
	if err := e.accepts(acl); err != nil {
		return nil, err
	}
	return newACL(acl.Revision(), slices.DeleteFunc(acl.Slice(), func(a ACE) bool {
		return a.Flags()&Inherited == 0 && a.SID() == trustee
	}))
}

// RemoveInherited returns a list without the inherited entries of l, in the same revision. The error is [ErrNoList]
// or [ErrNotCanonical].
func (e ListEditor) RemoveInherited(l *ACL) (*ACL, error) {
	if err := e.accepts(l); err != nil {
		return nil, err
	}
	return newACL(l.Revision(), slices.DeleteFunc(l.Slice(), func(a ACE) bool { return a.Flags()&Inherited != 0 }))
}

// accepts reports why the editor cannot edit a list: [ErrNoList] for a nil list, [ErrNotCanonical] for one that is
// not in canonical order, and otherwise nil.
func (e ListEditor) accepts(l *ACL) error {
	switch {
	case l == nil:
		return ErrNoList
	// The list is not in canonical order (S-83).
	case !e.Canonical(l):
		return ErrNotCanonical
	}
	return nil
}

// begin starts an edit: it checks the rule, then the list. It returns the checked rule and a copy of the list's
// entries. isAdding is false for an edit that removes rights.
func (e ListEditor) begin(acl *ACL, rule Rule, isAdding bool) (Rule, []ACE, error) {
	rule, err := e.checkRule(rule, isAdding)
	if err == nil {
		err = e.accepts(acl)
	}
	if err != nil {
		return rule, nil, err
	}
	return rule, acl.Slice(), nil
}

// concerns reports whether the rule is about ACE a. The ACE must be explicit, have the rule's trustee, and allow, deny
// or audit like the rule.
func (r *Rule) concerns(a ACE) bool {
	return a.Flags()&Inherited == 0 && a.SID() == r.Trustee && qualifier(a) == qualifier(ACE{string([]byte{byte(r.Type)})})
}

// qualifier returns whether an explicit ACE denies (0), allows (1) or does something else (2), which is also their
// canonical order.
func qualifier(a ACE) int {
	switch t := a.Type(); {
	case t.IsDeny():
		return 0
	case t.IsAllow():
		return 1
	}
	return 2
}

// add returns the list with the rights of a rule added. aces are its entries, without those that the caller has
// removed. The rule is merged into an entry, or inserted as a new one.
func (e ListEditor) add(acl *ACL, aces []ACE, rule Rule) (*ACL, error) {
	a, err := NewACE(rule.Type, rule.Flags, rule.Mask, rule.Trustee)
	if err != nil {
		return nil, err
	}
	for i, old := range aces {
		if both, ok := e.join(old, a); ok {
			aces[i] = both
			return newACL(acl.Revision(), e.joined(sortACEs(aces)))
		}
	}
	return newACL(acl.Revision(), sortACEs(slices.Insert(aces, 0, a)))
}

// cut removes the rule's rights from an ACE and appends what remains of it to entries, as up to three of them. It
// fails with ErrInexpressible if no inheritance flags describe the objects on which the rights remain.
func (e ListEditor) cut(entries []ACE, ace ACE, rule Rule) ([]ACE, error) {
	was, named := onSelf, placesOf(rule.Flags)
	if e.Container {
		was = placesOf(ace.Flags())
	}
	if was&named == 0 {
		return append(entries, ace), nil
	}
	keep := func(mask winnt.AccessMask, flags uint8) {
		if mask != 0 {
			entries = append(entries, ace.WithMask(mask).WithFlags(flags))
		}
	}
	shared, flags := ace.Mask()&rule.Mask, ace.Flags()
	keep(ace.Mask()&^rule.Mask, flags)
	if rest := flags & auditFlags &^ rule.Flags; rest != 0 {
		keep(shared, flags&^auditFlags|rest)
	}
	left := was &^ named
	if left == 0 {
		return entries, nil
	}
	inherit, ok := flagsOf(left)
	if !ok {
		return nil, ErrInexpressible
	}
	keep(shared, inherit|flags&rule.Flags&auditFlags)
	return entries, nil
}
