package access

import (
	"github.com/refmon/refmon/winnt"
)

// decidedBy returns the cause for an entry that decided bits. The restricted pass and the package pass have causes of
// their own. In the user pass an entry acts on a node if there is an object tree. Otherwise a denial ends the walk if
// all requested bits are required (q.stop), and only removes its bits with MAXIMUM_ALLOWED.
func decidedBy(q *query, f effect) cause {
	switch {
	case q.pass == restrictedPass && f == allow:
		return restrictedAllowed
	case q.pass == restrictedPass:
		return restrictedDenied
	case q.pass == packagePass && f == allow:
		return packageAllowed
	case q.pass == packagePass:
		return packageDenied
	case q.tree != nil && f == allow:
		return allowedNode
	case q.tree != nil:
		return deniedNode
	case f == allow:
		return allowed
	case q.stop:
		return deniedNeeded
	}
	return deniedMaximum
}

// decide records why an entry decides the bits of m. A denial sets their reason in every pass, see [tracer.denial].
// An allow entry sets it only in the user pass over the object's own DACL: the other passes and the central access
// rules cannot add rights, so an earlier reason remains.
func (t *tracer) decide(q *query, i int, f effect, m winnt.AccessMask) {
	if f == deny {
		t.last = t.denial(q, i)
		t.set(m, t.last)
	} else if q.pass == userPass && t.rule == nil {
		t.set(m, Reason{Kind: AceAllow, List: "DACL", Index: i})
	}
}

// denial returns the reason for bits that the current pass refuses. i is the index of the entry that denies them, or
// -1 if no entry allows them. Inside a central access rule the reason is that rule, without the entry.
func (t *tracer) denial(q *query, i int) Reason {
	r := Reason{List: "DACL", Index: i}
	switch {
	case t.rule != nil:
		return Reason{Kind: CentralAccessRule, Index: t.ruleAt, Name: t.rule.Name}
	case q.pass == restrictedPass:
		// Index keeps the entry that denied a bit, if there is one: a restricted token may be refused by an entry or
		// because no entry grants the bit.
		r.Kind = RestrictedPass
	case q.pass == packagePass:
		r.Kind = AppContainerPass
	case i >= 0:
		r.Kind = AceDeny
	case len(q.dacl.entries) == 0:
		// An empty list is a decision of the owner; a list that only has entries for others may be an oversight. The
		// reasons differ.
		return Reason{Kind: EmptyDacl, Index: -1}
	default:
		return Reason{Kind: NoAce, Index: -1}
	}
	return r
}

// passed completes the record of a pass. lost has the bits that the pass removed. passed gives a reason to those that
// no entry decided: for the root, and for each node if the request wants one result per node.
func (t *tracer) passed(q *query, lost winnt.AccessMask) {
	t.fillEntries(q.dacl.acl)
	if q.tree == nil {
		t.left(q, 0, lost&q.undecided)
		return
	}
	// Without a result list the root answers for the whole tree, so only its lost bits are reported. With one, each
	// node has an answer with a reason.
	t.left(q, 0, lost&q.tree.nodes[0].undecided)
	for i := 1; i < len(q.tree.nodes) && q.tree.each; i++ {
		t.left(q, i, q.tree.nodes[i].undecided)
	}
}

// left adds a step for the bits in open, which the pass left undecided at node at. It does nothing if open is 0, or
// if a denial stopped the walk early: end assigns the reason of those bits.
func (t *tracer) left(q *query, at int, open winnt.AccessMask) {
	if open == 0 || q.stop && t.last.Kind != 0 { // the walk ended before they were decided: see end
		return
	}
	if at == 0 {
		t.set(open, t.denial(q, -1))
	}
	if open &= t.x.interesting(); open != 0 {
		s := t.add(lostBecause(t, q), open, false)
		s.Pass, s.Node = q.pass.String(), at
	}
}

// lostBecause returns the cause for bits that no entry of the pass granted. It tests the conditions in the same order
// as [tracer.denial], so that step and reason agree.
func lostBecause(t *tracer, q *query) cause {
	switch {
	case t.rule != nil:
		return ruleLost
	case q.pass == restrictedPass:
		return restrictedLost
	case q.pass == packagePass:
		return packageLost
	case len(q.dacl.entries) == 0:
		return emptyList
	}
	return nothingGranted
}
