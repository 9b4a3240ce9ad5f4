package access

import (
	"github.com/refmon/refmon/winnt"
)

// decidedBy returns why an ACE of effect f decided bits, for the step of an explanation. The restricted pass and the
// AppContainer pass have causes of their own, and so have ACEs that act on a node of an object type list. Otherwise a
// denial either ends the walk over the DACL (q.stop), or with MAXIMUM_ALLOWED only removes its bits.
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

// decide records ACE i as the reason for the bits of m that it decided. A denial replaces the reason in every pass,
// see [tracer.denial]. An allow ACE sets it only in the user pass over the object's own DACL. The other passes and
// central access rules cannot add rights, so an earlier reason remains.
func (t *tracer) decide(q *query, i int, f effect, m winnt.AccessMask) {
	if f == deny {
		t.last = t.denial(q, i)
		t.set(m, t.last)
	} else if q.pass == userPass && t.rule == nil {
		t.set(m, Reason{Kind: AceAllow, List: "DACL", Index: i})
	}
}

// denial returns the reason for bits that the current pass over the DACL refuses. i is the index of the ACE that
// denies them, or -1 if no ACE allows them. Inside a central access rule the reason is that rule, without the ACE.
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

// passed records the end of one pass over the DACL. It gives a reason to the bits that no ACE decided: at the root,
// and at each node if the request wants one result per node. lost has the bits that the pass removed from the
// request.
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

// left records that a pass ended without an ACE for the bits in open at node at. It adds a step and, for the root, a
// reason. It does nothing if open is 0, or if a denial stopped the walk early: end assigns the reason of those bits.
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

// lostBecause returns the cause for bits that a pass refuses because none of its ACEs allows them. It tests the same
// conditions in the same order as [tracer.denial], so that step and reason agree.
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
