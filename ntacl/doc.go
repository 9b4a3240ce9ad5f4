// Package ntacl reads and writes the extended attribute in which a Samba file
// server keeps the Windows security descriptor of a file, and walks trees of
// files that have one.
//
// [Decode] takes an attribute apart and [Attribute.Append] puts it together,
// versions 1 to 4. [Walk] finds the files of a [Tree], which the caller
// implements, and a [Reader] reads each: the attribute's descriptor, or the
// permissions of which [Posix] makes a descriptor for a file without one.
//
//	a, err := ntacl.Decode(value) // of the attribute security.NTACL
//	if err != nil { return err }
//	dec, err := access.Check(tok, a.Descriptor, winnt.FILE_READ_DATA, winnt.FileObject)
//
// The attribute holds hashes of the POSIX permissions at the time it was
// written. A server that finds them changed since uses the permissions instead;
// [Attribute.Verify] tells when, and a Reader does the same.
//
// Guards: none. The package has no state; an Attribute is a plain value, a
// Reader belongs to one goroutine.
package ntacl
