package oracle

// writing returns the rights that a restriction of writing is about.
func (r *run) writing() Word {
	return deleteRight | writeDAC | writeOwner | r.Mapping.Write&^(r.Mapping.Read|r.Mapping.Execute)
}

// covers reports whether a list grants need to the user, and body to the package.
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

// walk reports whether a list grants all of need.
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

// sets returns the rights that each node gets at most, or one node without object types.
func (r *run) sets(ceiling Word) []Word {
	final := r.granted(r.SD.DACL)
	for _, l := range r.centralLists() {
		for i, m := range r.granted(l) {
			final[i] &= m | r.owner
		}
	}
	for i := range final {
		final[i] = final[i]&ceiling | r.privileged
	}
	return final
}

// granted returns the rights that one list and the owner's rights give each node.
func (r *run) granted(l *ACL) []Word {
	out := make([]Word, max(1, len(r.Types)))
	container := r.Token.AppContainer != ""
	if l == nil || l.Null {
		r.rule("A-42")
		for i := range out {
			if out[i] = r.Mapping.All&^dropped | r.asked | r.owner; container {
				out[i] = 0
			} else if !r.max {
				out[i] = ^Word(0)
			}
		}
		return out
	}
	for i, m := range r.maximum(l, userSide) {
		out[i] = m | r.owner
	}
	if r.Token.restricted() {
		r.rule("A-90")
		for i, m := range r.maximum(l, restrictedSide) {
			free := Word(0)
			if r.Token.WriteRestricted {
				free = ^r.writing()
			}
			out[i] &= m | r.owner | free
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

// centralLists returns the DACLs of the central rules that apply.
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
		system := func(s string) ACE { return ACE{Type: Allow, Mask: 0x10000000, SID: s} }
		return []*ACL{{Entries: []ACE{system("S-1-5-32-544"), system("S-1-5-18"), system("S-1-3-4")}}}
	}
	return nil
}
