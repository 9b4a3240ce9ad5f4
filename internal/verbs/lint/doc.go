// Package lint finds what is wrong with a security descriptor for every token:
// entries that never decide anything, refusals that come too late, lists out of
// order, flags without effect, conditions that cannot be true, objects open to
// all.
//
// [Check] looks at a descriptor, [Text] at SDDL. A [Finding] is true for every
// token and every question, or says which token it speaks of: an entry is said
// never to decide only if each of its rights is, for each token the entry
// matches, decided by an entry before it. Taking such an entry out changes no
// decision about the object, as the tests do.
//
//	for _, f := range lint.Check(d, winnt.DirectoryFileObject, sid.SID{}) {
//		fmt.Println(f)
//	}
//
// Guards: no state; everything is a pure function.
package lint
