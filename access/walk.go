package access

import (
	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// walk is one pass over an ACL: who matches, which bits are to be decided. It
// is owned by one check and lives on its stack.
type walk struct {
	q       *query // what else there is to consult: tree, tracer, nil where absent
	entries []sd.Entry
	sids    *sidset.Set // of the pass
	pass    pass
	stop    bool // the first deny that hits ends the walk
	slow    bool // plain entries need judge too

	undecided, granted winnt.AccessMask
}

// run is the loop over the entries: there is no other. It stays in registers
// while entries are plain and their SIDs absent, which says all about them;
// apply looks at the others.
func (w *walk) run() {
	entries, index := w.entries, w.sids.Index()
	plain := !w.slow && w.q.tr == nil
	for i := range entries {
		e := &entries[i]
		if plain && e.Kind <= sd.AccessDenied && index.Absent(e.Hash) {
			continue
		}
		if !w.apply(e, i) {
			break
		}
	}
}

// apply lets one entry act; false ends the walk. Each bit is decided by the
// first entry that applies and has it; what is left undecided at
// the end was granted by nobody.
func (w *walk) apply(e *sd.Entry, i int) bool {
	q := w.q
	m := q.mapping.Map(e.Mask) & w.undecided // A-45; A-46: undecided never has bits no entry can grant
	if m == 0 || e.Flags&sd.InheritOnly != 0 {
		if q.tr != nil {
			q.tr.skip(w, i)
		}
		return true
	}
	f, at := allow+effect(e.Kind), 0
	if e.Kind > sd.AccessDenied || w.slow {
		if f, at = w.judge(e, i); f == ignore {
			return true
		}
	} else if hit := w.sids.Find(e.Hash, e.SID); hit < 0 || w.pass == userPass && !counted(q.who.token, f).Has(hit) {
		if q.tr != nil {
			q.tr.entry(w, i, w.missed(e.SID, e.Hash, f), 0)
		}
		return true
	}
	if q.tree != nil {
		w.undecided = w.onTree(i, f, at, m)
		return w.undecided != 0
	}
	if q.tr != nil {
		q.tr.decided(w, i, f, m)
	}
	w.undecided &^= m
	if f == allow {
		w.granted |= m
		return w.undecided != 0
	}
	return !w.stop
}

// judge decides whether an entry applies that is not plain, or whose SID may
// stand for another: ignore if it does not, else its effect and its node.
func (w *walk) judge(e *sd.Entry, i int) (f effect, at int) {
	k := &kinds[e.Kind]
	c := matched
	switch {
	case k.system:
		c = systemType
	case k.effect == ignore:
		c = unknownType
	case w.pass == traversePass:
		if !w.matchesEveryone(e, k) {
			return ignore, 0
		}
		return k.effect, 0
	default:
		c = w.matches(e, k)
	}
	if c == matched && k.object {
		at, c = w.node(e, k)
	}
	if c == matched && k.callback {
		c = w.condition(e, i, k.effect)
	}
	if c != matched {
		if w.q.tr != nil {
			w.q.tr.entry(w, i, c, 0)
		}
		return ignore, 0
	}
	return k.effect, at
}

// onTree applies an entry at a node and returns what is left to decide, 0 if
// the walk is over.
func (w *walk) onTree(i int, f effect, at int, m winnt.AccessMask) winnt.AccessMask {
	t := w.q.tree
	root := t.nodes[0]
	if f == allow {
		t.allow(at, m)
	} else if hit := t.deny(at, m); hit != 0 && w.stop {
		w.treeStep(i, f, at, m, root)
		return 0
	}
	w.treeStep(i, f, at, m, root)
	return t.undecided()
}

func (w *walk) treeStep(i int, f effect, at int, m winnt.AccessMask, before node) {
	if w.q.tr != nil {
		w.q.tr.decidedAt(w, i, f, at, m, before.undecided&^w.q.tree.nodes[0].undecided)
	}
}
