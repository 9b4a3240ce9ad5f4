// Package lint finds problems in a security descriptor: entries that never decide, denials that come too late, wrong
// order, flags without effect, conditions that cannot be true, objects open to everyone. [Check] takes a descriptor,
// [Text] takes SDDL.
//
// A [Finding] is true for every token and every request, or names the token that it is about. An entry is reported as
// never deciding only if, for each token that it matches, earlier entries decide each of its rights. Removing such an
// entry changes no decision about the object; the tests verify this.
//
//	for _, f := range lint.Check(d, winnt.FileObject, sid.SID{}) { fmt.Println(f) }
//
// The package has no state; all functions are pure.
package lint
