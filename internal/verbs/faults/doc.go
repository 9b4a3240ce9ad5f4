// Package faults answers "which fault wins": what a service returns when two
// things are wrong with a call at once.
//
// The Conditions of a service stand in the order in which it tests them, so
// of two faults the one whose condition stands earlier must win. For each
// condition of nt.NtTable and kernel.Table this package has a [Fault], a small
// function that brings the condition about; [Matrix] pairs the faults of a
// service that can hold at the same time, and [Call] makes the call on a fresh
// kernel with any set of faults in force and compares what came back.
//
//	for _, p := range faults.Matrix("NtDuplicateToken", nt.Documented) {
//		got := p.Check()
//		fmt.Println(p.First.Rule(), "and", p.Second.Rule(), "give", got.Status)
//	}
//
// Faults of pointers that are not in the In structure (an output variable that
// cannot be written) belong to the C face and are listed by [Absent] with the
// reason, as are others that cannot be brought about here. A condition with
// neither a fault nor a reason fails the package's test.
//
// Guards: the registry is filled before main and immutable afterwards; a world
// belongs to one call.
package faults
