// Package sd holds security descriptors, access control lists and their
// entries as immutable values over their exact bytes, in the self-relative
// layout of MS-DTYP 2.4.6.
//
// The types: a [Descriptor] has an owner, a group, control bits and up to two
// lists; an [ACL] is a list of [ACE]; an [Entry] is an ACE compiled for the
// access check, 32 bytes each, made once when the list is decoded or built;
// [Parts] is the plain form a Descriptor is made from.
//
//	d, err := sd.Decode(bytes)
//	if err != nil { return err } // a *sd.DecodeError with offset and status
//	for i, ace := range d.DACL().All() {
//		fmt.Println(i, ace.Type(), ace.SID(), ace.Mask())
//	}
//
// Reading copies the input once; SIDs and entries are substrings of the copy.
// Unknown entry types and bytes after an entry are kept and written back.
// Nothing is repaired unasked: [Canonicalize], [Set], [Assign] are explicit.
//
// Guards: none needed. Every value is immutable once made and may be shared
// between goroutines; a nil *ACL is no list (the NULL or absent one).
package sd
