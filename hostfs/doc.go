// Package hostfs serves a Linux directory as a file system of a kernel. A server opens files as its client, and the
// descriptor that Samba stores in an extended attribute decides.
//
//	tree, err := hostfs.Open(hostfs.Config{Path: "/srv/share"})
//	defer tree.Close()
//	sys.AddTree("share", tree)
//	// as a client, on a thread that impersonates it:
//	h, _, st := th.NtCreateFile(nt.CreateFileIn{DesiredAccess: winnt.GENERIC_READ, CreateDisposition: winnt.FILE_OPEN,
//		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\share\plans\plan.docx`})})
//
// A [Tree] is an open directory. It implements [nt.FileSystem]. A name is looked up once, below that directory,
// without following links or entering mounts. The lookup holds the inode by a file descriptor. The attribute is read
// from that inode, package fileaccess decides, and the same inode is opened. Concurrent renames, replacements and
// links do not change that. Renames and deletions first move a name, then check which file they moved, and move
// another file back.
//
// A new file is created under a private name ([privatePrefix]), gets its attribute, and is then renamed. It
// therefore never exists under its final name without the attribute. Deletion and replacement also use such names. A
// crash can leave one behind. No client sees it, and a later listing of the directory removes it if nothing is lost
// by that. A replacement of contents, and a rename that replaces a file, leave a record in a private directory at the
// root while they run. [Open] completes the recorded changes of a server that was killed.
//
// The attribute is written in the version in which it was found, with a hash that makes a file server accept it. If
// that hash cannot be computed, the change is refused. POSIX permissions never change, except for the set-uid and
// set-gid bits, which the first write clears. Only the tree's servers may have access to its path, because mode bits
// decide for everybody who uses the path. [Tree.Exposure] reports who can.
//
// With [Config.HandOut] programs get file descriptors of files that a kernel opened for them
// ([kernel.System.HandOut]). They come through read-only copies of the tree's mount, on which even the owner of a
// file can change nothing. For writing they are passed only if no program can get more rights from them.
// docs/adr/0031 describes the remaining limits: locks, leases and watches.
//
// Share modes and pending deletions apply to the handles of one Tree. Another server on the same files, such as
// smbd, does not see them.
//
// Attributes (read-only, hidden, system, archive) and the creation time are those that smbd stores in
// user.DOSATTRIB, and are written there. A read-only file is also read-only here. On a file system without such
// attributes, files have none of them.
//
// Extended attributes (the host's user.*) and files without a name exist for components that show a tree to programs
// of the host. No service of the kernel uses them.
//
// Not supported: streams, short names, byte-range locks, notification of changes. On systems other than Linux, Open
// fails with [errors.ErrUnsupported].
//
// Guards: any goroutine may use a Tree and its open files. Tree.mu guards the table of opens, file.listing the scan
// of a directory, file.keeping its attributes, and Tree.writing the attributes. writing and node.moving may be held
// when mu is taken, never the reverse. redo.mu is taken last. No lock is held during a decision.
package hostfs
