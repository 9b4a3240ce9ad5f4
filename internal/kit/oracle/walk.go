package oracle

// writing returns the rights that count as writing: a write-restricted token needs its restricting SIDs for them
//
func (r *run) writing() Word {
	return deleteRight | writeDAC | writeOwner | r.Mapping.Write&^(r.Mapping.Read|r.Mapping.Execute)
}

// covers reports whether the list l grants need to the user and the restricting SIDs, and body to the package.
// Restricting SIDs and a package count only if the token has them. In a write-restricted token the restricting SIDs
// need only write rights. Results without entries:
//   - no DACL: everything is granted, but nothing to a package
//   - an empty list: only a need of 0 is granted
func (r *run) covers(l *ACL, need, body Word) bool {
	container := r.Token.AppContainer != ""
	if l == nil || l.Null {
		r.rule("A-42")
		// Without a DACL a package is granted nothing.
		return !container || body == 0
	}
	if len(l.Entries) == 0 {
		r.rule("A-43")
	}
	walk := r.walk
	if len(r.Types) > 0 {
		walk = r.walkTypes
	}
	if !walk(l, userSide, need) {
		return false
	}
	if r.Reversed == "A-53" {
		need, body = need|r.privileged, body|r.privileged
	}
	if r.Token.restricted() {
		r.rule("A-90")
		second := need
		if r.Token.WriteRestricted {
			r.rule("A-91")
			second &= r.writing()
		}
		if !walk(l, restrictedSide, second) {
			return false
		}
	}
	if container {
		r.rule("A-95")
	}
	return !container || walk(l, packageSide, body)
}

// walk reports whether l grants all of need to a side. The first entry that names a right decides about
// it. An empty list grants only a need of 0.
func (r *run) walk(l *ACL, s side, need Word) bool {
	for i := range l.Entries {
		if need == 0 {
			return true
		}
		a := &l.Entries[i]
		m := r.Mapping.Map(a.Mask) &^ dropped
		if a.Mask>>28 != 0 {
			r.rule("A-45")
		}
		switch r.effect(s, a) {
		case 1:
			need &^= m
		case -1:
			r.rule("A-71")
			if need&m != 0 {
				return false
			}
		}
	}
	return need == 0
}

// sets computes a request for the maximum: all rights that the DACL, privileges, ownership and central rules give
// within ceiling, on each node of the object type list. Without such a list the result has one element.
func (r *run) sets(ceiling Word) []Word {
	final := r.granted(r.SD.DACL, r.owner)
	for i := range final {
		if r.Reversed != "A-53" {
			final[i] |= r.privileged
		}
		final[i] &= ceiling
	}
	for _, l := range r.centralLists() {
		// Rules do not remove what privileges and ownership grant.
		kept := (r.privileged | r.owner) & ceiling
		if r.Reversed == "A-103" {
			kept = 0
		}
		for i, m := range r.granted(l, kept) {
			final[i] &= m | kept
		}
	}
	return final
}

// granted returns the rights that l grants on each node to all sides of the token. The user and the restricting SIDs
// also have the rights in owner. The package counts only in an AppContainer. If there is no list, all rights are
// granted, but none to a package.
func (r *run) granted(l *ACL, owner Word) []Word {
	out := make([]Word, max(1, len(r.Types)))
	container := r.Token.AppContainer != ""
	if l == nil || l.Null {
		r.rule("A-42")
		for i := range out {
			if out[i] = r.Mapping.All&^dropped | r.requested | owner; container {
				out[i] = 0
			}
		}
		return out
	}
	for i, m := range r.maximum(l, userSide) {
		if out[i] = m | owner; r.Reversed == "A-53" {
			out[i] |= r.privileged
		}
	}
	if r.Token.restricted() {
		r.rule("A-90")
		for i, m := range r.maximum(l, restrictedSide) {
			free := Word(0)
			if r.Token.WriteRestricted {
				free = ^r.writing()
			}
			out[i] &= m | owner | free
		}
	}
	if container {
		r.rule("A-95")
		for i, m := range r.maximum(l, packageSide) {
			out[i] &= m
		}
	}
	return out
}

// centralLists returns the DACLs of the central rules that apply. The first SACL entry that names a
// policy counts. Other results:
//   - no policies, none named, or no rule applies: nil
//   - the policy is not configured: one list that grants all to administrators, SYSTEM and the owner
func (r *run) centralLists() (out []*ACL) {
	if r.SD.SACL == nil || len(r.Policies) == 0 {
		return nil
	}
	for _, a := range r.SD.SACL.Entries {
		if a.Type != ScopedPolicy || a.Flags&InheritOnly != 0 {
			continue
		}
		r.rule("A-100")
		for _, p := range r.Policies {
			if p.ID != a.SID {
				continue
			}
			for _, rule := range p.Rules {
				e := conditions{r.AccessCheck, userSide, true}
				if rule.AppliesTo == nil || e.eval(rule.AppliesTo) == yes {
					r.rule("A-101")
					out = append(out, rule.SD.DACL)
				}
			}
			return out
		}
		if r.Reversed == "A-100" {
			return nil
		}
		system := func(s string) ACE { return ACE{Type: Allow, Mask: 0x10000000, SID: s} }
		return []*ACL{{Entries: []ACE{system("S-1-5-32-544"), system("S-1-5-18"), system("S-1-3-4")}}}
	}
	return nil
}
