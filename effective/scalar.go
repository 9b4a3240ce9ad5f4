package effective

import (
	"github.com/refmon/refmon/access"
)

// scalarSets decides the tokens that entries and SIDs alone do not decide: it runs the full access check for each of
// them and each right, and adds the results to out. A check that fails adds nothing.
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

// scalarMasks runs the full access check with MAXIMUM_ALLOWED for each token that needs it, and stores the granted
// rights in masks. A denial leaves the mask as it is.
func (e *Evaluator) scalarMasks() {
	e.pair.Descriptor, e.pair.Desired = e.d, maximum
	for t := range e.rare.All() {
		e.pair.Subject = access.Subject{Primary: e.p.tokens[t]}
		if dec, err := access.SeAccessCheck(&e.pair); err == nil && dec.Allowed() {
			e.masks[t] = dec.Granted
		}
	}
}
