package effective

import (
	"github.com/refmon/refmon/access"
)

// scalarSets runs the access check for each rare token and each right, and adds
// the results to out.
func (e *Evaluator) scalarSets() {
	e.pair.Descriptor = e.d
	for t := range e.rare.All() {
		e.pair.Subject = access.Subject{Primary: e.p.tokens[t]}
		for i := range e.rights {
			e.pair.Desired = e.rights[i].desired
			if dec, err := access.SeAccessCheck(&e.pair); err == nil && dec.Allowed() {
				e.out[i].add(t)
			}
		}
	}
}

// scalarMasks does the work of scalarSets for a question with MAXIMUM_ALLOWED.
func (e *Evaluator) scalarMasks() {
	e.pair.Descriptor, e.pair.Desired = e.d, maximum
	for t := range e.rare.All() {
		e.pair.Subject = access.Subject{Primary: e.p.tokens[t]}
		if dec, err := access.SeAccessCheck(&e.pair); err == nil && dec.Allowed() {
			e.masks[t] = dec.Granted
		}
	}
}
