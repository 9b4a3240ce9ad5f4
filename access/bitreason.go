package access

import (
	"github.com/refmon/refmon/winnt"
)

// decidedBy returns the cause that an explanation shows for bits that an ACE decided. kind is allow or deny.
//   - ACE evaluated for the restricting SIDs or the AppContainer: the cause of that evaluation
//   - ACE on a node of an object type list: allowedNode or deniedNode
//   - any other ACE: allowed, deniedNeeded, or deniedMaximum with MAXIMUM_ALLOWED
func decidedBy(q *query, kind effect) cause {
	switch {
	case q.pass == restrictedPass && kind == allow:
		return restrictedAllowed
	case q.pass == restrictedPass:
		return restrictedDenied
	case q.pass == packagePass && kind == allow:
		return packageAllowed
	case q.pass == packagePass:
		return packageDenied
	case q.tree != nil && kind == allow:
		return allowedNode
	case q.tree != nil:
		return deniedNode
	case kind == allow:
		return allowed
	case q.stop:
		return deniedNeeded
	}
	return deniedMaximum
}

// decide records the ACE with index ace as the reason for the bits that it decided. A deny ACE always becomes the
// reason. An allow ACE does so only in the object's own DACL, evaluated for the user and groups.
func (t *tracer) decide(q *query, ace int, kind effect, bits winnt.AccessMask) {
	// Restricting SIDs, the package and central access rules cannot add rights, so an allow ACE there keeps the
	// earlier reason.
	if kind == deny {
		t.last = t.denial(q, ace)
		t.set(bits, t.last)
	} else if q.pass == userPass && t.rule == nil {
		t.set(bits, Reason{Kind: AceAllow, List: "DACL", Index: ace})
	}
}

// denial returns the reason for bits that the current pass over the DACL refuses. ace is the index of the ACE that
// denies them, or -1 if no ACE allows them. Inside a central access rule the reason is that rule, without the ACE.
func (t *tracer) denial(q *query, ace int) Reason {
	r := Reason{List: "DACL", Index: ace}
	switch {
	case t.rule != nil:
		return Reason{Kind: CentralAccessRule, Index: t.ruleAt, Name: t.rule.Name}
	case q.pass == restrictedPass:
		// Index keeps the entry that denied a bit, if there is one: a restricted token may be refused by an entry or
		// because no entry grants the bit.
		r.Kind = RestrictedPass
	case q.pass == packagePass:
		r.Kind = AppContainerPass
	case ace >= 0:
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

// endPass records the end of one evaluation of the DACL. Undecided bits at the root get a reason. If the request wants
// a result for each node, those of each node do too.
func (t *tracer) endPass(q *query) {
	t.fillEntries(q.dacl.acl)
	if q.tree == nil {
		t.recordUndecided(q, 0, q.undecided)
		return
	}
	// Without a result list the root answers for the whole tree, so only its bits are reported. With one, each node has
	// an answer with a reason.
	for i := 0; i == 0 || i < len(q.tree.nodes) && q.tree.each; i++ {
		t.recordUndecided(q, i, q.tree.nodes[i].undecided)
	}
}

// recordUndecided records that the DACL ended without an ACE for some bits of a node. It adds a step and, for the
// root, sets the reason of the bits. If bits is 0, or a deny ACE stopped the evaluation early, it does nothing.
func (t *tracer) recordUndecided(q *query, node int, bits winnt.AccessMask) {
	// After an early stop [tracer.end] assigns the reason.
	if bits == 0 || q.stop && t.last.Kind != 0 { // the walk ended before they were decided: see end
		return
	}
	if node == 0 {
		t.set(bits, t.denial(q, -1))
	}
	if bits &= t.x.interesting(); bits != 0 {
		s := t.add(lostBecause(t, q), bits, false)
		s.Pass, s.Node = q.pass.String(), node
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
