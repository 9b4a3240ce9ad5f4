// Package ntacl reads and writes the extended attribute in which a Samba file
// server keeps the Windows security descriptor of a file, and walks trees of
// files that have one.
//
// [Decode] takes an attribute apart and [Attribute.Append] puts it together,
// versions 1 to 4. [Walk] visits a [Tree], which the caller implements, and
// gives each file's descriptor: the attribute's, or one made of mode and POSIX
// ACL where there is none ([Posix]).
//
//	a, err := ntacl.Decode(value) // of the attribute security.NTACL
//	if err != nil { return err }
//	dec, err := access.Check(tok, a.Descriptor, winnt.FILE_READ_DATA, winnt.FileObject)
//
// The attribute holds hashes of the POSIX permissions at the time it was
// written. A server that finds them changed since does not use the attribute.
// The hashes are read and kept, not verified: what they are taken over depends
// on the server's account database.
//
// Guards: none. The package has no state; an Attribute is a plain value.
package ntacl
