// Package ntacl decodes and encodes the extended attribute in which a Samba file
// server stores the Windows security descriptor of a file. It also walks trees of
// such files.
//
// [Decode] and [Attribute.Append] support versions 1 to 4 of the attribute. [Walk]
// finds the files of a [Tree], which the caller implements. A [Reader] reads the
// descriptor of each file. For a file without one, [Posix] makes a descriptor from
// its permissions.
//
//	a, err := ntacl.Decode(value) // of the attribute security.NTACL
//	if err != nil { return err }
//	dec, err := access.Check(tok, a.Descriptor, winnt.FILE_READ_DATA, winnt.FileObject)
//
// The attribute contains hashes of the POSIX permissions at the time when it was
// written. If the permissions have changed since, a server uses them instead of the
// descriptor. [Attribute.Verify] reports that, and a Reader behaves like the server.
//
// Guards: none. The package has no state. An Attribute is a plain value, and a Reader
// belongs to one goroutine.
package ntacl
