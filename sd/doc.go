// Package sd holds security descriptors, access control lists and their entries
// as immutable values. Each value keeps its exact bytes, in the self-relative
// layout of MS-DTYP 2.4.6.
//
// A [Descriptor] has an owner, a group, control bits and up to two lists. An
// [ACL] is a list of [ACE]. An [Entry] is an ACE compiled for the access check,
// 32 bytes each, once when the list is decoded or built. [Parts] holds the
// parts from which [New] makes a Descriptor.
//
//	d, err := sd.Decode(bytes)
//	if err != nil { return err } // a *sd.DecodeError with offset and status
//	for i, ace := range d.DACL().All() {
//		fmt.Println(i, ace.Type(), ace.SID(), ace.Mask())
//	}
//
// Decoding copies the input once. SIDs and entries are substrings of the copy.
// Unknown entry types and bytes after an entry are kept and written back.
// Decoding repairs nothing: [Canonicalize], [Set] and [Assign] change
// descriptors explicitly.
//
// Guards: none needed. Every value is immutable once made and may be shared
// between goroutines. A nil *ACL is not a list (NULL or absent).
package sd
