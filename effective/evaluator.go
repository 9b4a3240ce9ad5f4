package effective

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Evaluator decides one question for one descriptor after another. It belongs
// to one goroutine. The results of its methods are valid until the next call.
// Do not use the zero value: [NewEvaluator] returns an Evaluator.
type Evaluator struct {
	p         *Principals
	q         Question
	rights    []right
	requested winnt.AccessMask // of all rights together, without the bits no entry grants

	chain []winnt.GUID // of the object types, if each is the only child of the one before; else nil

	interest winnt.AccessMask // requested bits, or every bit if any right suffices

	// Of the descriptor being decided, all over columns.
	d        *sd.Descriptor
	universe winnt.AccessMask // bits to decide
	plain    Set              // pairs that are decided here
	rare     Set              // pairs that take the scalar check
	owner    *row
	ownBits  winnt.AccessMask
	low      Set // tokens below the object's label; nil: none
	lowMost  [2]winnt.AccessMask
	entries  []entry
	base     []winnt.AccessMask // division of requested that does not depend on the descriptor
	parts    []winnt.AccessMask
	classes  []class // the first used of them belong to this descriptor
	used     int
	pair     access.Request

	ceilings [8]*[2]winnt.AccessMask // by the policy of a label
	out      []Set                   // one a right, over columns
	expanded []Set                   // the same over principals, if these differ
	scratch  Set
	masks    []winnt.AccessMask // over columns
	wide     []winnt.AccessMask // over principals
}

// class is a set of rights that each entry of the descriptor grants or denies together, and the tokens to which they
// are granted. Deciding classes instead of single rights saves work.
type class struct {
	mask      winnt.AccessMask
	granted   Set
	undecided Set
}

// NewEvaluator returns an evaluator for a question about the principals, which must not be nil. The error is
// [access.ErrNoMapping], [ErrNoRights] or [ErrRights]. The evaluator is for one goroutine; p can be shared.
func NewEvaluator(p *Principals, q Question) (*Evaluator, error) {
	rights, err := q.rights()
	if err != nil {
		return nil, err
	}
	n := len(p.tokens)
	e := &Evaluator{p: p, q: q, chain: q.chain(), rights: rights, plain: newSet(n), rare: newSet(n), scratch: newSet(n)}
	for i := range rights {
		e.requested |= rights[i].requested &^ ungranted
		e.out = append(e.out, newSet(n))
		if p.column != nil {
			e.expanded = append(e.expanded, newSet(p.Len()))
		}
	}
	e.interest = e.requested
	for i := range rights {
		if rights[i].any {
			e.interest = everyBit &^ ungranted
		}
	}
	e.parts = append(e.parts, e.requested)
	for i := range rights {
		e.split(rights[i].requested)
	}
	e.split(winnt.WRITE_OWNER)
	e.base = append(e.base, e.parts...)
	e.request(&e.pair)
	return e, nil
}

// Allowed returns a set for each mask in Question.Rights, in the same order. It contains the principals that have all
// rights of the mask on an object with this descriptor. A nil descriptor denies, and so does a mask without
// rights. The next call overwrites the result.
func (e *Evaluator) Allowed(d *sd.Descriptor) []Set {
	for _, s := range e.out {
		clear(s)
	}
	if d != nil {
		e.begin(d, e.interest)
		e.walk(e.requested, false)
		anybody := false
		for i := range e.rights {
			if r := &e.rights[i]; r.any {
				anybody = true
			} else if !r.none {
				e.combine(r.requested, e.out[i])
			}
		}
		if anybody {
			e.walk(everyBit&^ungranted, true)
			for i := range e.rights {
				if e.rights[i].any {
					e.either(e.out[i])
				}
			}
		}
		e.scalarSets()
	}
	if e.p.column == nil {
		return e.out
	}
	for i, s := range e.out {
		e.p.expand(e.expanded[i], s)
	}
	return e.expanded
}

// Maximum returns a mask for each principal, in the order of [Compile]. It has
// all rights that MAXIMUM_ALLOWED would grant on an object with this descriptor,
// and is 0 if access is denied or the descriptor is nil. The next call overwrites
// the result.
func (e *Evaluator) Maximum(d *sd.Descriptor) []winnt.AccessMask {
	if e.masks == nil {
		e.masks = make([]winnt.AccessMask, len(e.p.tokens))
		if e.p.column != nil {
			e.wide = make([]winnt.AccessMask, e.p.Len())
		}
	}
	clear(e.masks)
	if d != nil {
		e.begin(d, everyBit&^ungranted)
		e.walk(everyBit&^ungranted, true)
		for i := range e.classes[:e.used] {
			c := &e.classes[i]
			for t := range c.granted.All() {
				e.masks[t] |= c.mask
			}
		}
		e.scalarMasks()
	}
	if e.p.column == nil {
		return e.masks
	}
	for i, c := range e.p.column {
		e.wide[i] = e.masks[c]
	}
	return e.wide
}

// combine stores in out the tokens that have every right in requested, from the decided classes. Entries grant rights,
// WRITE_OWNER also comes from a privilege, and ACCESS_SYSTEM_SECURITY only from a privilege. It changes
// e.scratch.
func (e *Evaluator) combine(requested winnt.AccessMask, out Set) {
	begun := false
	both := func(s Set) {
		if begun {
			out.and(s)
		} else {
			copy(out, s)
			begun = true
		}
	}
	for i := range e.classes[:e.used] {
		c := &e.classes[i]
		switch {
		case c.mask&requested == 0:
		case c.mask&winnt.WRITE_OWNER != 0: // no class has WRITE_OWNER and another right
			copy(e.scratch, e.p.ownership)
			e.scratch.and(e.plain)
			e.clip(winnt.WRITE_OWNER, e.scratch) // the ceiling stops privileges too
			e.scratch.or(c.granted)
			both(e.scratch)
		default:
			both(c.granted)
		}
	}
	if !begun { // entries decide none of the requested bits
		copy(out, e.plain)
	}
	if requested&sacl != 0 {
		copy(e.scratch, e.p.security)
		e.clip(sacl, e.scratch)
		out.and(e.scratch)
	}
}

// either adds to out the tokens with at least one right, granted by an entry or to the owner. It answers a question
// for MAXIMUM_ALLOWED alone.
func (e *Evaluator) either(out Set) {
	for i := range e.classes[:e.used] {
		out.or(e.classes[i].granted)
	}
}

// Repeatable reports whether equal descriptors may share the result for this
// one. They may not if a condition reads local attributes, or if a
// callback decides an entry, because both can change at any time. It is true for a
// nil descriptor.
func (e *Evaluator) Repeatable(d *sd.Descriptor) bool {
	return e.repeatable(d.DACL()) && e.repeatable(d.SACL())
}

// repeatable reports whether a list always gives the same result for tokens with the same SIDs and claims: no condition
// reads a token's local attributes, and no callback decides. A list without conditions and application data is
// repeatable.
func (e *Evaluator) repeatable(l *sd.ACL) bool {
	if l.Facts()&sd.HasExtras == 0 {
		return true
	}
	for _, entry := range l.Entries() {
		x := l.Extra(entry.Aux)
		if x == nil {
			continue
		}
		if x.Condition != nil && x.Condition.Reads(claims.Local) || x.Opaque && e.p.cfg.Options.Callback != nil {
			return false
		}
	}
	return true
}
