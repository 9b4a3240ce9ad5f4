package access

import (
	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// walk is the state of one pass over a DACL: the token's SIDs that ACEs can match, the rights that are still
// undecided, and those granted. The query that contains it has all other data.
type walk struct {
	sids *sidset.Set // of the pass
	pass pass
	stop bool // the first deny that hits ends the walk
	slow bool // even plain entries go through judge

	allowing int // of the restricted pass: how many of sids allow; those that a later filter dropped deny only (T-63)

	undecided, granted winnt.AccessMask
}

// run decides the undecided rights by the DACL's ACEs, for one set of SIDs. The first ACE that applies and has a bit
// decides the bit. A bit that no ACE decides is not granted.
func (q *query) run() {
	// The loop stays in registers while ACEs are plain and their SIDs absent from the token.
	entries, index, table := q.dacl.entries, q.sids.Index(), q.sids
	if q.slow || q.tr != nil || q.dacl.facts&sd.HasOthers != 0 {
		index, table = sidset.Anything()
	}
	for i := range entries {
		// The token has no SID with this hash: the entry does not match.
		if h := entries[i].Hash; index.Absent(h) || table.Absent(h) {
			continue
		}
		e := &entries[i]
		// A bit is decided once. An entry whose bits are all decided is skipped, as is an inherit-only entry.
		m := q.mapping.Map(e.Mask) & q.undecided // A-45; A-46: undecided never has bits no entry can grant
		if m == 0 || e.Flags&sd.InheritOnly != 0 {
			if q.tr != nil {
				q.tr.skip(q, i)
			}
			continue
		}
		// ACCESS_ALLOWED and ACCESS_DENIED are types 0 and 1, as allow and deny
		// follow each other: the two plain types need no table.
		f, at := allow+effect(e.Kind), 0
		if e.Kind > sd.AccessDenied || q.slow {
			if f, at = q.judge(e, i); f == ignore {
				continue
			}
		} else if hit := q.sids.FindPresent(e.Hash, e.SID); hit < 0 || !q.counts(hit, f) {
			if q.tr != nil {
				q.tr.entry(q, i, q.whyNoMatch(e.SID, e.Hash, f), 0)
			}
			continue
		}
		if q.tree != nil {
			if q.undecided = q.applyToTree(i, f, at, m); q.undecided == 0 {
				return
			}
			continue
		}
		if q.tr != nil {
			q.tr.decided(q, i, f, m)
		}
		q.undecided &^= m
		if f == allow {
			// All that was to be decided is granted.
			if q.granted |= m; q.undecided == 0 {
				return
			}
		} else if q.stop {
			// The first denial of a required bit ends the walk.
			return
		}
	}
}

// counts reports whether the SID at index hit of q.sids makes an ACE of this kind apply.
//   - enabled group: always
//   - deny-only group: for a deny ACE
//   - restricting SID: for a deny ACE, or if no later filter removed the SID
//   - package or capability: always
func (q *query) counts(hit int, kind effect) bool {
	switch {
	case q.pass == userPass:
		// Enabled SIDs count for entries that allow, deny-only ones too for
		// entries that deny.
		return counted(q.who.token, kind).Has(hit)
	case q.pass == restrictedPass && kind == allow:
		// A restricting SID that a later filter dropped counts where an entry denies
		// and not where it allows.
		return hit < q.allowing
	}
	return true
}

// judge decides whether an ACE applies that is not plain (object, callback, compound) or whose SID may be a
// placeholder. kind is allow, deny, or ignore if the ACE does not apply. node is the node on which it acts.
func (q *query) judge(entry *sd.Entry, ace int) (kind effect, node int) {
	k := &kinds[entry.Kind]
	var c cause
	switch {
	case k.system:
		c = systemType
	case k.effect == ignore:
		c = unknownType
	case q.pass == traversePass:
		if !q.matchesEveryone(entry, k) {
			return ignore, 0
		}
		return k.effect, 0
	default:
		// The SID comes before the node and the condition: most entries are for other
		// SIDs, and a condition is the most expensive test.
		c = q.matches(entry, k)
	}
	if c == matched && k.object {
		node, c = q.node(entry, k)
	}
	if c == matched && k.callback {
		c = q.condition(entry, k.effect)
	}
	if c != matched {
		if q.tr != nil {
			q.tr.entry(q, ace, c, 0)
		}
		return ignore, 0
	}
	return k.effect, node
}

// applyToTree applies an ACE to one node of the object type list. bits has the ACE's undecided bits. It returns the
// bits that some node still has to decide, or 0 if the walk over the DACL is over.
func (q *query) applyToTree(ace int, kind effect, node int, bits winnt.AccessMask) winnt.AccessMask {
	// With a tree the bits of each node are decided apart; the walk goes on
	// as long as some node has something left.
	t := q.tree
	root := t.nodes[0]
	if kind == allow {
		// A grant reaches the subtree, and ancestors all of whose children have it
		//
		t.allow(node, bits)
	} else if hit := t.deny(node, bits); hit != 0 && q.stop {
		// A denial of a bit that the subtree still requires ends the walk.
		q.traceTreeStep(ace, kind, node, bits, root)
		return 0
	}
	q.traceTreeStep(ace, kind, node, bits, root)
	return t.undecided()
}

// traceTreeStep adds a step to the explanation, if there is one, for an ACE that acted on one node. rootBefore is the
// root before the ACE. The bits that changed there are those that the object as a whole gained or lost.
func (q *query) traceTreeStep(ace int, kind effect, nodeIndex int, bits winnt.AccessMask, rootBefore node) {
	if q.tr != nil {
		q.tr.decidedAt(q, ace, kind, nodeIndex, bits, rootBefore.undecided&^q.tree.nodes[0].undecided)
	}
}
