package claims

// relation evaluates a comparison with == != < <= > or >=. It returns Unknown if an operand is NULL, the left one is
// not an attribute, or the types are not comparable. The four operators of order also give Unknown for sets, booleans
// and SIDs.
func (e *Expr) relation(env Env, n *node) Truth {
	var l, r view
	// The left side comes from an attribute.
	if !e.load(env, n.left, &l) || !l.attribute {
		return Unknown
	}
	if !e.load(env, n.right, &r) {
		return Unknown
	}
	if !agree(&l, &r) {
		return Unknown
	}
	sensitive := l.sensitive || r.sensitive
	if n.op == opEqual || n.op == opNotEqual {
		return truthOf(equal(&l, &r, sensitive) == (n.op == opEqual))
	}
	// Sets have no order.
	if l.n != 1 || r.n != 1 || r.composite {
		return Unknown
	}
	x, y := l.at(0), r.at(0)
	// Booleans and SIDs are compared for equality only.
	if x.typ == Boolean || y.typ == Boolean || x.typ == SID {
		return Unknown
	}
	c := x.compare(y, sensitive)
	switch n.op {
	case opLess:
		return truthOf(c < 0)
	case opLessEqual:
		return truthOf(c <= 0)
	case opGreater:
		return truthOf(c > 0)
	}
	return truthOf(c >= 0)
}

// equal reports whether two operands have equal values, in any order: the same number, and the right has each value
// of the left. The left operand has no duplicates, so a right one with duplicates is unequal. sensitive means
// that case matters.
func equal(l, r *view, sensitive bool) bool {
	if l.n != r.n {
		return false
	}
	for i := 0; i < l.n; i++ {
		if !r.has(l.at(i), sensitive) {
			return false
		}
	}
	return true
}

// set evaluates Contains, Any_of, Not_Contains and Not_Any_of. A negation inverts the result, but Unknown stays
// Unknown.
func (e *Expr) set(env Env, n *node) Truth {
	contains := n.op == opContains || n.op == opNotContains
	t := e.overlap(env, n, contains)
	if n.op == opNotContains || n.op == opNotAnyOf {
		// The negated operators give the opposite, and Unknown stays Unknown
		//
		return t.Not()
	}
	return t
}

// overlap evaluates Contains (contains is true) or Any_of: whether the left operand has every value, or some value,
// of the right one. An empty right operand gives False, for Any_of only if the left exists. Any other NULL
// operand, a left operand that is not an attribute, and types that are not comparable give Unknown. Any_of also gives
// Unknown for a literal scalar on the right.
func (e *Expr) overlap(env Env, n *node, contains bool) Truth {
	var l, r view
	if !e.load(env, n.right, &r) {
		return Unknown
	}
	if r.n == 0 && contains {
		return False // {} is contained in nothing, whether the left exists or not
	}
	if !e.load(env, n.left, &l) || !l.attribute {
		return Unknown
	}
	if r.n == 0 {
		return False
	}
	if !contains && !r.attribute && !r.composite {
		return Unknown // Any_of wants a list or an attribute
	}
	if !agree(&l, &r) {
		return Unknown
	}
	sensitive := l.sensitive || r.sensitive
	for i := 0; i < r.n; i++ {
		if l.has(r.at(i), sensitive) != contains {
			return truthOf(!contains)
		}
	}
	return truthOf(contains)
}

// agree reports whether each value of the left operand is comparable with each value of the right one (A-112, A-113,
// All values of the left operand have one type.
func agree(l, r *view) bool {
	for i := 0; i < r.n; i++ {
		y := r.at(i)
		if !l.at(0).comparable(y) {
			return false
		}
	}
	if l.typ != r.typ && r.n > 0 {
		for i := 1; i < l.n; i++ { // integers against a boolean
			if !l.at(i).comparable(r.at(0)) {
				return false
			}
		}
	}
	return true
}

// truthOf converts a bool to True or False.
func truthOf(b bool) Truth {
	if b {
		return True
	}
	return False
}
