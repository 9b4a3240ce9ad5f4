package claims

import "github.com/refmon/refmon/sid"

// Outcomes is a set of possible results of a condition. The zero value is the
// empty set, which no condition has.
type Outcomes uint8

// Has reports whether t is in the set.
func (o Outcomes) Has(t Truth) bool { return o>>t&1 != 0 }

const anyOutcome = 1<<Unknown | 1<<False | 1<<True

// Outcomes returns a superset of the results that the condition can have for any token. A result that is not in the
// set is impossible. One that is in the set may still be unreachable. lookup returns the object's attributes; nil
// means an object without any. A linter for descriptors uses it: an allow entry whose condition cannot be True has no
// effect.
func (e *Expr) Outcomes(lookup func(name string) (Attribute, bool)) Outcomes {
	// A program without exactly one result is Unknown.
	if e.state == stateBroken {
		return 1 << Unknown
	}
	return e.outcomes(objectOnly(lookup), e.root)
}

// objectOnly is an [Env] for a condition whose token is unknown: it has only the attributes of the object.
type objectOnly func(name string) (Attribute, bool)

// Attribute returns a resource attribute of the object. Every other attribute is absent.
func (f objectOnly) Attribute(scope Scope, name string) (Attribute, bool) {
	if f == nil || scope != Resource {
		return Attribute{}, false
	}
	return f(name)
}

// Member returns false. Outcomes never evaluates an operator that calls it.
func (objectOnly) Member(sid.SID, bool) bool { return false }

// HasDevice returns false. Outcomes never evaluates an operator that calls it.
func (objectOnly) HasDevice() bool { return false }

// outcomes returns the results that one part of the condition can have for any token. It may return more than those,
// never fewer.
func (e *Expr) outcomes(env objectOnly, part ref) Outcomes {
	if part < 0 {
		if e.fixed(part) {
			return 1 << e.truth(env, part)
		}
		return anyOutcome
	}
	n := &e.nodes[part]
	switch n.op {
	case opAnd, opOr:
		// Each pair of outcomes of the two operands gives one outcome.
		return combine(n.op, e.outcomes(env, n.left), e.outcomes(env, n.right))
	case opNot:
		return negated(e.outcomes(env, n.left))
	}
	switch operators[n.op].family {
	case famMember:
		// A list that is empty or holds anything but SIDs gives Unknown, any
		// other list never does.
		if n.left >= 0 || e.operands[^n.left].kind == kindAttribute || e.operands[^n.left].typ != SID {
			return 1 << Unknown
		}
		return 1<<False | 1<<True
	case famExists:
		if n.left >= 0 || e.fixed(n.left) {
			return 1 << e.truth(env, part)
		}
		if scope := e.operands[^n.left].scope; scope == User || scope == Device {
			// A claim without values makes it Unknown.
			return anyOutcome
		}
		return 1<<False | 1<<True
	}
	return e.comparisonOutcomes(env, part)
}

// comparisonOutcomes returns the results that a relation or set operator can have for any token. It
// returns one result if the object alone, or the types, decide it.
func (e *Expr) comparisonOutcomes(env objectOnly, test ref) Outcomes {
	n := &e.nodes[test]
	if (n.left >= 0 || e.fixed(n.left)) && (n.right >= 0 || e.fixed(n.right)) {
		return 1 << e.truth(env, test)
	}
	if n.right >= 0 {
		return 1 << Unknown
	}
	right := &e.operands[^n.right]
	set := operators[n.op].family == famSet
	var v view
	switch {
	case e.fixed(n.right) && !e.load(env, n.right, &v): // an attribute that the object does not have
		return 1 << Unknown
	case n.left >= 0 || e.operands[^n.left].kind != kindAttribute: // the left operand must be an attribute
		return 1 << Unknown
	case e.fixed(n.left) && !e.load(env, n.left, &v):
		return 1 << Unknown
	case right.kind == kindAttribute:
		return anyOutcome
	case len(right.lits) > 1 && right.typ == 0: // no attribute has literals of two types
		return 1 << Unknown
	case set && right.kind == kindScalar && (n.op == opAnyOf || n.op == opNotAnyOf):
		return 1 << Unknown
	case !set && n.op != opEqual && n.op != opNotEqual && (right.kind == kindComposite || right.typ == SID):
		return 1 << Unknown
	}
	return anyOutcome
}

// fixed reports whether r is an operand whose values do not depend on the token: a literal or a resource attribute.
// It returns false for the result of an operator.
func (e *Expr) fixed(r ref) bool {
	if r >= 0 {
		return false
	}
	o := &e.operands[^r]
	return o.kind != kindAttribute || o.scope == Resource
}

// negated returns the possible results of NOT for an operand with the possible results o: True and False change
// places, Unknown stays.
func negated(o Outcomes) Outcomes {
	return o&(1<<Unknown) | o>>1&(1<<False) | o<<1&(1<<True)
}

// combine returns the possible results of AND or OR for operands with the possible results left and right.
func combine(opcode byte, left, right Outcomes) (out Outcomes) {
	for x := Unknown; x <= True; x++ {
		for y := Unknown; y <= True; y++ {
			if left.Has(x) && right.Has(y) {
				out |= 1 << andOr(opcode, x, y)
			}
		}
	}
	return out
}

// andOr returns the result of AND or OR for two truth values. If neither operand decides alone, Unknown wins.
func andOr(opcode byte, left, right Truth) Truth {
	settles := False
	if opcode == opOr {
		settles = True
	}
	switch {
	case left == settles || right == settles:
		return settles
	case left == Unknown || right == Unknown:
		return Unknown
	}
	return settles.Not()
}
