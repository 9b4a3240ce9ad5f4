// Package words reads rights as users write them: words whose masks depend on the
// type of object (read, write, modify, full, list, control), the words of auditors
// of Active Directory (AddMember, DCSync, ForceChangePassword), names and masks,
// and a right on one property, property set, extended right or class (WP:member).
//
//	rights, err := words.Parse("read+DCSync+WP:servicePrincipalName")
//	for _, p := range rights[1].Parts(winnt.DirectoryServiceObject) {
//		… p.Mask on p.Types …
//	}
//
// A right is one or more parts, each a mask on a chain of object types; all of
// them must be granted, or with [Right.Any] one of them. The package has no state.
package words
