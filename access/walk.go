package access

import (
	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// walk is the state of one pass over an ACL: who matches, which bits are to
// be decided. It is part of a query, which has what else there is to consult.
type walk struct {
	sids *sidset.Set // of the pass
	pass pass
	stop bool // the first deny that hits ends the walk
	slow bool // plain entries need judge too

	allowing int // of the restricted pass: how many of sids allow; those that a later filter dropped deny only (T-63)

	undecided, granted winnt.AccessMask
}

// run runs the loop over the entries: there is no other. Each bit is decided by
// the first entry that applies and has it; what is left undecided
// at the end was not granted. It stays in registers while entries are
// plain and their SIDs absent, which says all about them.
func (q *query) run() {
	entries, index, table := q.dacl.entries, q.sids.Index(), q.sids
	if q.slow || q.tr != nil || q.dacl.facts&sd.HasOthers != 0 {
		index, table = sidset.Anything()
	}
	for i := range entries {
		// The token has none of the SIDs that hash so: the entry is for others.
		if h := entries[i].Hash; index.Absent(h) || table.Absent(h) {
			continue
		}
		e := &entries[i]
		// What is decided is not decided again: an entry whose bits are all
		// settled is passed over like one that is for children only.
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
				q.tr.entry(q, i, q.missed(e.SID, e.Hash, f), 0)
			}
			continue
		}
		if q.tree != nil {
			if q.undecided = q.onTree(i, f, at, m); q.undecided == 0 {
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
			// The first denial of what is still needed ends the walk.
			return
		}
	}
}

// counts reports whether a SID of the pass counts for an effect.
func (q *query) counts(hit int, f effect) bool {
	switch {
	case q.pass == userPass:
		// Enabled SIDs count for entries that allow, deny-only ones too for
		// entries that deny.
		return counted(q.who.token, f).Has(hit)
	case q.pass == restrictedPass && f == allow:
		// A restricting SID that a later filter dropped counts where an entry denies
		// and not where it allows.
		return hit < q.allowing
	}
	return true
}

// judge decides whether an entry applies that is not plain, or whose SID may
// stand for another: ignore if it does not, else its effect and its node.
func (q *query) judge(e *sd.Entry, i int) (f effect, at int) {
	k := &kinds[e.Kind]
	var c cause
	switch {
	case k.system:
		c = systemType
	case k.effect == ignore:
		c = unknownType
	case q.pass == traversePass:
		if !q.matchesEveryone(e, k) {
			return ignore, 0
		}
		return k.effect, 0
	default:
		// The SID is compared before the node is sought and the condition
		// evaluated: most entries are for others, and a condition is the dearest.
		c = q.matches(e, k)
	}
	if c == matched && k.object {
		at, c = q.node(e, k)
	}
	if c == matched && k.callback {
		c = q.condition(e, k.effect)
	}
	if c != matched {
		if q.tr != nil {
			q.tr.entry(q, i, c, 0)
		}
		return ignore, 0
	}
	return k.effect, at
}

// onTree applies an entry at a node and returns what is left to decide, 0 if
// the walk is over.
func (q *query) onTree(i int, f effect, at int, m winnt.AccessMask) winnt.AccessMask {
	// With a tree the bits of each node are decided apart; the walk goes on
	// as long as some node has something left.
	t := q.tree
	root := t.nodes[0]
	if f == allow {
		// A grant reaches the subtree, and ancestors all of whose children have it
		//
		t.allow(at, m)
	} else if hit := t.deny(at, m); hit != 0 && q.stop {
		// A denial of what the subtree still needs ends the walk.
		q.treeStep(i, f, at, m, root)
		return 0
	}
	q.treeStep(i, f, at, m, root)
	return t.undecided()
}

// treeStep records an entry at a node. The bits that it decided at the root are
// those that the object as a whole gains or loses.
func (q *query) treeStep(i int, f effect, at int, m winnt.AccessMask, before node) {
	if q.tr != nil {
		q.tr.decidedAt(q, i, f, at, m, before.undecided&^q.tree.nodes[0].undecided)
	}
}
