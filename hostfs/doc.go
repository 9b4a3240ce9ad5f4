// Package hostfs serves a directory of Linux as a file system of a kernel: a server
// opens files as its client, and the descriptor that Samba keeps in an extended
// attribute decides.
//
//	tree, err := hostfs.Open(hostfs.Config{Path: "/srv/share"})
//	defer tree.Close()
//	sys.AddTree("share", tree)
//	// as a client, on a thread that impersonates it:
//	h, _, st := th.NtCreateFile(nt.CreateFileIn{DesiredAccess: winnt.GENERIC_READ, CreateDisposition: winnt.FILE_OPEN,
//		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\share\plans\plan.docx`})})
//
// A [Tree] is a directory held open; it implements [nt.FileSystem]. A name is looked up
// once, below that directory: no link is followed and no mount entered. What is found
// is held by a descriptor, its attribute is read from that inode, package fileaccess
// decides, and that inode is opened: renames, replacements and links made meanwhile
// change nothing about it. Renames and deletions move a name first, look at what they
// moved, and put back what is another file's.
//
// A new file is made under a name of its own ([privatePrefix]), gets its attribute, and
// is renamed to its place, where it never stands without. Deletion and replacement pass
// through such names too; a crash can leave one behind, which no client sees and which a
// later listing of its directory removes where nothing is lost by that.
//
// The attribute is written in the version in which it was found, with a hash that makes
// a file server believe it; where that hash cannot be computed the change is refused.
// POSIX permissions are never changed, apart from the set-uid and set-gid bits, which
// the first write clears. The tree's own path must be closed to everybody but its
// servers: who reaches the files by it is decided by mode bits. [Tree.Exposure] says who
// does.
//
// With [Config.HandOut] programs get descriptors of files that a kernel opened for them
// ([kernel.System.HandOut]): through read-only copies of the tree's mount, on which even
// the owner of a file changes nothing, and for writing only where no program can make
// more of it. docs/adr/0031 says what remains: locks, leases and watches.
//
// Share modes and pending deletions are those of the handles of one Tree; another
// server on the same files, smbd among them, does not see them.
//
// Attributes (read-only, hidden, system, archive) and the time of creation are those that
// smbd keeps in user.DOSATTRIB, and are written there; a read-only file is read-only here.
// Where the file system has no such attributes, files are ordinary ones.
//
// Extended attributes are the host's user.* ones, and a file can be made without a name, for
// components that show a tree to programs of the host; no service of the kernel asks for either.
//
// Not there: streams, short names, byte-range locks, notification of changes. Other systems
// than Linux have no Tree: Open fails with [errors.ErrUnsupported].
//
// Guards: a Tree and its open files may be used by any goroutine. Tree.mu guards the
// table of opens, file.listing the scan of a directory, file.keeping its attributes, Tree.writing the attributes;
// writing and node.moving may be held when mu is taken, never the reverse, and no lock
// is held during a decision.
package hostfs
