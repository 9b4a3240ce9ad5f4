package claims

// Eval evaluates the condition for a token and an object, which env describes. A program error gives Unknown. So does
// an operator whose attribute is absent, or whose operands do not have matching types. Exists and Not_Exists have a
// result for an absent attribute, and so have Contains and Not_Contains if their list is empty.
func (e *Expr) Eval(env Env) Truth {
	// A program without exactly one result is Unknown.
	if e.state == stateBroken {
		return Unknown
	}
	return e.truth(env, e.root)
}

// truth evaluates one part of the condition: an operator with its operands, or an attribute that is a condition by
// itself.
func (e *Expr) truth(env Env, r ref) Truth {
	if r < 0 {
		return e.attributeTruth(env, r)
	}
	n := &e.nodes[r]
	switch n.op {
	case opAnd:
		// False settles a conjunction, and Unknown wins over True.
		l := e.truth(env, n.left)
		if l == False {
			return False
		}
		if r := e.truth(env, n.right); r != True {
			return r
		}
		return l
	case opOr:
		// True settles a disjunction, and Unknown wins over False.
		l := e.truth(env, n.left)
		if l == True {
			return True
		}
		if r := e.truth(env, n.right); r != False {
			return r
		}
		return l
	case opNot:
		// The negation of Unknown is Unknown.
		return e.truth(env, n.left).Not()
	}
	switch operators[n.op].family {
	case famMember:
		return e.member(env, n)
	case famExists:
		return e.exists(env, n)
	case famSet:
		return e.set(env, n)
	}
	return e.relation(env, n)
}

// load stores the values of operand r in v. ok is false if r is the result of an operator, or NULL: an attribute that
// is missing, disabled or empty, has duplicates, or has more than MaxValues values.
func (e *Expr) load(env Env, r ref, v *view) (ok bool) {
	if r >= 0 {
		return false
	}
	o := &e.operands[^r]
	if o.kind != kindAttribute {
		*v = view{lits: o.lits, order: o.order, n: len(o.lits), typ: o.typ, composite: o.kind == kindComposite}
		return true
	}
	// The prefix says which list holds the name; an attribute that is missing
	// or disabled is NULL.
	a, found := env.Attribute(o.scope, o.name)
	if !found || a.Flags&FlagDisabled != 0 {
		return false
	}
	*v = a.view()
	// An attribute that holds one value twice counts as not existing (S-32).
	return v.n > 0 && v.n <= MaxValues && !v.duplicates()
}

// attributeTruth evaluates an attribute as a condition: it is True if any value
// is a non-zero integer, a true boolean or a non-empty string. It is
// Unknown for SIDs, octet strings and NULL.
func (e *Expr) attributeTruth(env Env, r ref) Truth {
	var v view
	if !e.load(env, r, &v) {
		return Unknown
	}
	if v.typ == SID || v.typ == Octets {
		return Unknown
	}
	for i := 0; i < v.n; i++ {
		if x := v.at(i); x.i != 0 || x.s != "" {
			return True
		}
	}
	return False
}

// exists evaluates Exists and Not_Exists: whether an attribute is not NULL, in
// every scope. For any other operand, and for a claim without values, it
// returns Unknown.
func (e *Expr) exists(env Env, n *node) Truth {
	if n.left >= 0 || e.operands[^n.left].kind != kindAttribute {
		return Unknown
	}
	var v view
	t := False
	switch {
	case e.load(env, n.left, &v):
		t = True
	case e.bareClaim(env, &e.operands[^n.left]):
		// A user or device claim without values neither exists nor is absent.
		return Unknown
	}
	if n.op == opNotExists {
		return t.Not()
	}
	return t
}

// bareClaim reports whether attribute o is an enabled user or device claim without values, for which Exists is
// Unknown.
func (e *Expr) bareClaim(env Env, o *operand) bool {
	if o.scope != User && o.scope != Device {
		return false
	}
	a, found := env.Attribute(o.scope, o.name)
	return found && a.Flags&FlagDisabled == 0 && a.Len() == 0
}

// member evaluates the Member_of family: whether the token, or its device, has
// all SIDs of the list, or with _any at least one. It returns Unknown
// for an empty list and one that holds anything but SIDs.
func (e *Expr) member(env Env, n *node) Truth {
	if n.left >= 0 {
		return Unknown
	}
	o := &e.operands[^n.left]
	if o.kind == kindAttribute || o.typ != SID {
		return Unknown // no SIDs, or not only SIDs, or none at all
	}
	var device, anyOf, negate bool
	switch n.op {
	case opDeviceMemberOf:
		device = true
	case opMemberOfAny:
		anyOf = true
	case opDeviceMemberOfAny:
		device, anyOf = true, true
	case opNotMemberOf:
		negate = true
	case opNotDeviceMemberOf:
		device, negate = true, true
	case opNotMemberOfAny:
		anyOf, negate = true, true
	case opNotDeviceMembOfAny:
		device, anyOf, negate = true, true, true
	}
	t := False
	if (!device || env.HasDevice()) && memberOf(env, o.lits, device, anyOf) {
		t = True
	}
	if negate {
		return t.Not()
	}
	return t
}

// memberOf reports whether the token, or with device its device, has every SID of a list, or with anyOf at least one.
func memberOf(env Env, lits []literal, device, anyOf bool) bool {
	for i := range lits {
		if env.Member(lits[i].sid, device) == anyOf {
			return anyOf
		}
	}
	return !anyOf
}
