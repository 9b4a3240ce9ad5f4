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

// run is the loop over the entries: there is no other. It stays in registers
// while entries are plain and their SIDs absent, which says all about them;
// apply looks at the others.
func (q *query) run() {
	entries, index := q.dacl.entries, q.sids.Index()
	if q.slow || q.tr != nil {
		index = sidset.Anything()
	}
	for i := range entries {
		e := &entries[i]
		if index.Absent(e.Hash) && e.Kind <= sd.AccessDenied {
			continue
		}
		if !q.apply(e, i) {
			break
		}
	}
}

// apply lets one entry act; false ends the walk. Each bit is decided by the
// first entry that applies and has it; what is left undecided at
// the end was granted by nobody.
func (q *query) apply(e *sd.Entry, i int) bool {
	m := q.mapping.Map(e.Mask) & q.undecided // A-45; A-46: undecided never has bits no entry can grant
	if m == 0 || e.Flags&sd.InheritOnly != 0 {
		if q.tr != nil {
			q.tr.skip(q, i)
		}
		return true
	}
	f, at := allow+effect(e.Kind), 0
	if e.Kind > sd.AccessDenied || q.slow {
		if f, at = q.judge(e, i); f == ignore {
			return true
		}
	} else if hit := q.sids.Find(e.Hash, e.SID); hit < 0 || q.pass == userPass && !counted(q.who.token, f).Has(hit) || q.pass == restrictedPass && f == allow && hit >= q.allowing {
		if q.tr != nil {
			q.tr.entry(q, i, q.missed(e.SID, e.Hash, f), 0)
		}
		return true
	}
	if q.tree != nil {
		q.undecided = q.onTree(i, f, at, m)
		return q.undecided != 0
	}
	if q.tr != nil {
		q.tr.decided(q, i, f, m)
	}
	q.undecided &^= m
	if f == allow {
		q.granted |= m
		return q.undecided != 0
	}
	return !q.stop
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
		c = q.matches(e, k)
	}
	if c == matched && k.object {
		at, c = q.node(e, k)
	}
	if c == matched && k.callback {
		c = q.condition(e, i, k.effect)
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
	t := q.tree
	root := t.nodes[0]
	if f == allow {
		t.allow(at, m)
	} else if hit := t.deny(at, m); hit != 0 && q.stop {
		q.treeStep(i, f, at, m, root)
		return 0
	}
	q.treeStep(i, f, at, m, root)
	return t.undecided()
}

func (q *query) treeStep(i int, f effect, at int, m winnt.AccessMask, before node) {
	if q.tr != nil {
		q.tr.decidedAt(q, i, f, at, m, before.undecided&^q.tree.nodes[0].undecided)
	}
}
