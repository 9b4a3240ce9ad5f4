package claims

// relation evaluates a comparison with ==, !=, <, <=, > or >=. It returns Unknown in these cases:
//   - An operand is NULL, or the left operand is not an attribute.
//   - The types are not comparable.
//   - An order operator has a set, boolean or SID operand.
func (e *Expr) relation(env Env, relationNode *node) Truth {
	var l, r view
	// The left operand must be an attribute.
	if !e.load(env, relationNode.left, &l) || !l.attribute {
		return Unknown
	}
	if !e.load(env, relationNode.right, &r) {
		return Unknown
	}
	if !areComparable(&l, &r) {
		return Unknown
	}
	sensitive := l.sensitive || r.sensitive
	if relationNode.op == opEqual || relationNode.op == opNotEqual {
		return truthOf(equal(&l, &r, sensitive) == (relationNode.op == opEqual))
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
	switch relationNode.op {
	case opLess:
		return truthOf(c < 0)
	case opLessEqual:
		return truthOf(c <= 0)
	case opGreater:
		return truthOf(c > 0)
	}
	return truthOf(c >= 0)
}

// equal reports whether two operands have the same number of values, and the right one has each left value.
// The order does not matter. left must not have duplicates. If right has duplicates, the result is false.
func equal(left, right *view, caseSensitive bool) bool {
	if left.n != right.n {
		return false
	}
	for i := 0; i < left.n; i++ {
		if !right.has(left.at(i), caseSensitive) {
			return false
		}
	}
	return true
}

// setOperator evaluates Contains, Any_of, Not_Contains and Not_Any_of. A negation inverts the result, but Unknown
// stays Unknown.
func (e *Expr) setOperator(env Env, setNode *node) Truth {
	contains := setNode.op == opContains || setNode.op == opNotContains
	t := e.overlap(env, setNode, contains)
	if setNode.op == opNotContains || setNode.op == opNotAnyOf {
		// The negated operators give the opposite, and Unknown stays Unknown
		//
		return t.Not()
	}
	return t
}

// overlap evaluates Contains (isContains is true) or Any_of. Contains needs every right value in the left
// operand, Any_of at least one.
//   - {} on the right: False, but Any_of with a NULL left operand is Unknown
//   - other NULL operand, or a left operand that is not an attribute: Unknown
//   - types that are not comparable: Unknown
//   - literal scalar on the right of Any_of: Unknown
func (e *Expr) overlap(env Env, setNode *node, isContains bool) Truth {
	var l, r view
	if !e.load(env, setNode.right, &r) {
		return Unknown
	}
	if r.n == 0 && isContains {
		return False // {} is contained in nothing, whether the left exists or not
	}
	if !e.load(env, setNode.left, &l) || !l.attribute {
		return Unknown
	}
	if r.n == 0 {
		return False
	}
	if !isContains && !r.attribute && !r.composite {
		return Unknown // Any_of wants a list or an attribute
	}
	if !areComparable(&l, &r) {
		return Unknown
	}
	sensitive := l.sensitive || r.sensitive
	for i := 0; i < r.n; i++ {
		if l.has(r.at(i), sensitive) != isContains {
			return truthOf(!isContains)
		}
	}
	return truthOf(isContains)
}

// areComparable reports whether each value of the left operand is comparable with each value of the right one (A-112,
// All values of the left operand have one type.
func areComparable(left, right *view) bool {
	for i := 0; i < right.n; i++ {
		y := right.at(i)
		if !left.at(0).comparable(y) {
			return false
		}
	}
	if left.typ != right.typ && right.n > 0 {
		for i := 1; i < left.n; i++ { // integers against a boolean
			if !left.at(i).comparable(right.at(0)) {
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
