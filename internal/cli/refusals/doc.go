// Package refusals finds the status of a service when two of its failure conditions hold at once.
//
// A service tests its Conditions in the order of the table, so the earlier condition decides the status. For each
// condition of nt.NtTable and kernel.Table this package has a [Refusal], a small function that makes the condition
// true. [Matrix] pairs the refusals of a service that can hold together. [Call] calls the service on a new kernel
// with any set of refusals in force and checks the result. The table (nt.Meta) defines the order; this package does
// not repeat it.
//
//	for _, p := range refusals.Matrix("NtDuplicateToken", nt.Documented) {
//		got, err := p.Check()
//		fmt.Println(p.First.Rule(), "and", p.Second.Rule(), "give", got.Status, err)
//	}
//
// Refusals of pointers outside the In structure, such as an unwritable output variable, belong to the C interface.
// [Absent] lists them with the reason, as it lists other conditions that this package cannot make true. The package's
// test fails for a condition with neither a refusal nor a reason.
//
// The registry is filled when it is first used and immutable afterwards. A world belongs to one call.
package refusals
