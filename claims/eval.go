package claims

// Eval evaluates the condition for a token and an object, which env describes. A program error gives Unknown. So does
// an operator whose attribute is absent, or whose operands do not have matching types. Two pairs of operators have a
// result for an absent attribute: Exists and Not_Exists, and Contains and Not_Contains with an empty list.
func (e *Expr) Eval(env Env) Truth {
	// A program without exactly one result is Unknown.
	if e.state == stateBroken {
		return Unknown
	}
	return e.truth(env, e.root)
}

// truth evaluates one part of the condition: an operator with its operands, or an attribute that is a condition by
// itself.
func (e *Expr) truth(env Env, part ref) Truth {
	if part < 0 {
		return e.attributeTruth(env, part)
	}
	n := &e.nodes[part]
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
		return e.setOperator(env, n)
	}
	return e.relation(env, n)
}

// load stores the values of an operand in values. ok is false if the operand is the result of an operator, or NULL.
// NULL is an attribute that is missing, disabled or empty, that has duplicates, or that has more than MaxValues
// values.
func (e *Expr) load(env Env, operandRef ref, values *view) (ok bool) {
	if operandRef >= 0 {
		return false
	}
	o := &e.operands[^operandRef]
	if o.kind != kindAttribute {
		*values = view{lits: o.lits, order: o.order, n: len(o.lits), typ: o.typ, composite: o.kind == kindComposite}
		return true
	}
	// The prefix says which list holds the name; an attribute that is missing
	// or disabled is NULL.
	a, found := env.Attribute(o.scope, o.name)
	if !found || a.Flags&FlagDisabled != 0 {
		return false
	}
	*values = a.view()
	// An attribute that holds one value twice counts as not existing (S-32).
	return values.n > 0 && values.n <= MaxValues && !values.duplicates()
}

// attributeTruth evaluates an attribute as a condition. It is True if any value is a non-zero integer, a true
// boolean or a non-empty string. It is Unknown for SIDs, octet strings and NULL.
func (e *Expr) attributeTruth(env Env, attributeRef ref) Truth {
	var v view
	if !e.load(env, attributeRef, &v) {
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

// exists evaluates Exists and Not_Exists: whether an attribute is not NULL, in every scope. For any other
// operand, and for a claim without values, it returns Unknown.
func (e *Expr) exists(env Env, existsNode *node) Truth {
	if existsNode.left >= 0 || e.operands[^existsNode.left].kind != kindAttribute {
		return Unknown
	}
	var v view
	t := False
	switch {
	case e.load(env, existsNode.left, &v):
		t = True
	case e.isBareClaim(env, &e.operands[^existsNode.left]):
		// A user or device claim without values neither exists nor is absent.
		return Unknown
	}
	if existsNode.op == opNotExists {
		return t.Not()
	}
	return t
}

// isBareClaim reports whether an attribute is an enabled user or device claim without values. Exists is Unknown for
// it.
func (e *Expr) isBareClaim(env Env, attribute *operand) bool {
	if attribute.scope != User && attribute.scope != Device {
		return false
	}
	a, found := env.Attribute(attribute.scope, attribute.name)
	return found && a.Flags&FlagDisabled == 0 && a.Len() == 0
}

// member evaluates the Member_of family: whether the token, or its device, has all SIDs of the list, or with _any at
// least one. It returns Unknown for an empty list and one that holds anything but SIDs.
func (e *Expr) member(env Env, memberNode *node) Truth {
	if memberNode.left >= 0 {
		return Unknown
	}
	o := &e.operands[^memberNode.left]
	if o.kind == kindAttribute || o.typ != SID {
		return Unknown // no SIDs, or not only SIDs, or none at all
	}
	var device, anyOf, negate bool
	switch memberNode.op {
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
	if (!device || env.HasDevice()) && hasMembers(env, o.lits, device, anyOf) {
		t = True
	}
	if negate {
		return t.Not()
	}
	return t
}

// hasMembers reports whether the token, or with device its device, has every SID of a list, or with anyOf at least
// one.
func hasMembers(env Env, sids []literal, device, anyOf bool) bool {
	for i := range sids {
		if env.Member(sids[i].sid, device) == anyOf {
			return anyOf
		}
	}
	return !anyOf
}
