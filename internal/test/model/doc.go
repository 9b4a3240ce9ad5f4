// Package model is a second, naive kernel, written from the rules alone. Tests compare the real kernel with it. It
// has tokens, processes, threads, handles, impersonation, descriptors, jobs, mutants, semaphores and timers as plain
// values.
//
// A [Machine] is the model. It has no locks, no reference counts and no
// sharing tricks: a handle table is a slice, a count is computed by looking
// who holds what, an access check is three loops. A [Pair] holds a Machine and
// a kernel, makes the same call on both and compares status, outputs and
// everything observable: what each class tells of each token, what guards each
// object, every handle of every table, levels and counts.
// After each call the properties P-1 to P-15 are checked as far as they can be
// seen from outside.
//
//	p := model.NewPair(model.World{Seed: 42, Profile: nt.Documented})
//	for _, op := range model.Draw(42, 200) {
//		if err := p.Step(op); err != nil { … }
//	}
//	err := p.Close() // all counts at zero
//
// [Run] does that for many short histories and shrinks one that differs to the
// calls that matter, printed as a transcript.
//
// What is rare is drawn on purpose: a [Tally] counts the features of the calls, their
// verdicts and statuses, and [Tally.Scarce] names those that were hardly reached.
//
// Nothing here is shared with the kernel but constants of package winnt,
// statuses and the types of the calls. Guards: none; a Pair is used by one
// goroutine.
package model
