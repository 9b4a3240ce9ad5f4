package claims

// applyOperator adds an operator to the expression's tree. It removes the operands from the stack of the postfix
// program and pushes the operator. If the stack has too few operands, it marks the whole program as broken and empties
// the stack.
func (d *decoder) applyOperator(opcode byte, stack []ref) []ref {
	n := node{op: opcode}
	want := 1
	switch operators[opcode].family {
	case famRelation, famSet, famBinary:
		want = 2
	}
	if len(stack) < want {
		d.broken = true
		return stack[:0]
	}
	n.left = stack[len(stack)-want]
	n.right = stack[len(stack)-1]
	d.check(n)
	d.e.nodes = append(d.e.nodes, n)
	return append(stack[:len(stack)-want], ref(len(d.e.nodes)-1))
}

// check validates the operands of operator n. It sets d.broken if they make the whole expression Unknown, and clears
// d.text if the text form cannot express them.
func (d *decoder) check(n node) {
	switch operators[n.op].family {
	case famBinary, famNot:
		// A literal as operand of a logical operator makes the whole expression
		// Unknown.
		if d.isLiteral(n.left) || d.isLiteral(n.right) {
			d.broken = true
		}
	case famRelation:
		// The left operand is an attribute (S-36). A set operation binds
		// tighter, so its result is let through as well (S-47).
		if !d.isAttribute(n.left) && !(n.left >= 0 && operators[d.e.nodes[n.left].op].family == famSet) {
			d.text = false
		}
		d.checkRight(n.right)
	case famSet:
		// Text has an attribute before a set operator (S-36).
		if !d.isAttribute(n.left) {
			d.text = false
		}
		d.checkRight(n.right)
	case famExists:
		if !d.isAttribute(n.left) {
			d.text = false
		}
	case famMember:
		if n.left >= 0 || !d.isLiteral(n.left) {
			d.text = false
		} else if o := &d.e.operands[^n.left]; o.kind == kindScalar && o.typ != SID {
			d.text = false
		}
	}
}

// checkRight clears d.text if r cannot be the right operand of an operator in the text form: the result of another
// operator, or a local attribute (S-36).
func (d *decoder) checkRight(r ref) {
	if r >= 0 || d.isAttribute(r) && d.e.operands[^r].scope == Local {
		d.text = false
	}
}

// isAttribute reports whether operand r is an attribute, and not a literal or the result of an operator.
func (d *decoder) isAttribute(r ref) bool {
	return r < 0 && d.e.operands[^r].kind == kindAttribute
}

// isLiteral reports whether operand r is a literal or a list of literals.
func (d *decoder) isLiteral(r ref) bool {
	return r < 0 && d.e.operands[^r].kind != kindAttribute
}

// finish completes the expression with the stack that remains after the last token: it sets the root and the state. A
// program that does not leave exactly one result or attribute is broken.
func (d *decoder) finish(stack []ref) {
	switch {
	case d.broken || len(stack) != 1 || d.isLiteral(stack[0]):
		// A program without exactly one result, the empty one included, is
		// always Unknown (A-117, S-37).
		d.e.state = stateBroken
		return
	case d.text:
		d.e.state = stateFine
	default:
		d.e.state = stateUnwritable
	}
	d.e.root = stack[0]
}
