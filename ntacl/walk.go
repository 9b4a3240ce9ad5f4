package ntacl

// Info holds what a tree tells about a file. The zero value is a file of root that
// no user may touch.
type Info struct {
	Directory bool
	Other     bool   // neither file nor directory: a link, a device; it is not visited
	Mode      uint32 // permission bits, setuid, setgid and sticky
	UID, GID  uint32
}

// Entry is a child of a directory.
type Entry struct {
	Name      string
	Directory bool
	Other     bool // as in Info
}

// Tree is a tree of files, with paths as its implementation writes them. Errors
// are handed on as they are.
type Tree interface {
	// Stat tells about the file a path names; of a link, about what it points to.
	Stat(path string) (Info, error)
	// Lstat tells about a file and does not follow a link.
	Lstat(path string) (Info, error)
	// List gives the children of a directory.
	List(path string) ([]Entry, error)
	// Attribute appends the value of an extended attribute to dst; nil and no
	// error for a file without it.
	Attribute(dst []byte, path, name string) ([]byte, error)
	// Join is the path of a child.
	Join(path, name string) string
}

// Found is one file of a walk, not yet read.
type Found struct {
	Path      string
	Directory bool
	Err       error // there is no such file, or the directory could not be listed
}

// Walk finds a file and, with recurse, all below it, directories before what
// they hold, in the order List gives. A directory that cannot be listed is found
// again with its error, and the walk goes on. It ends early when visit is false;
// links are not followed, except for the root.
func Walk(t Tree, root string, recurse bool, visit func(Found) bool) bool {
	info, err := t.Stat(root)
	switch {
	case err != nil:
		return visit(Found{Path: root, Err: err})
	case info.Other:
		return true
	}
	return walk(t, Found{Path: root, Directory: info.Directory}, recurse, visit)
}

func walk(t Tree, f Found, recurse bool, visit func(Found) bool) bool {
	if !visit(f) {
		return false
	}
	if !f.Directory || !recurse {
		return true
	}
	list, err := t.List(f.Path)
	if err != nil && !visit(Found{Path: f.Path, Directory: true, Err: err}) {
		return false
	}
	for _, e := range list {
		if !e.Other && !walk(t, Found{Path: t.Join(f.Path, e.Name), Directory: e.Directory}, recurse, visit) {
			return false
		}
	}
	return true
}

// Names of the attributes that hold the POSIX ACL of a file and the one that
// children of a directory get.
const (
	posixAccess  = "system.posix_acl_access"
	posixDefault = "system.posix_acl_default"
)

// Reader reads files of a tree one after the other, into memory it uses again.
// Tree is needed. It belongs to one goroutine.
type Reader struct {
	Tree      Tree
	Attribute string // name of the attribute that holds descriptors; "": [Name]
	// IgnorePosix takes every attribute as it is, as a server does that ignores
	// the system's ACLs.
	IgnorePosix bool

	buf  []byte
	file File
}

// File is a file that has been read.
type File struct {
	Descriptor []byte    // self-relative bytes; of the attribute, or nil: [Posix] makes one
	Attribute  Attribute // without Descriptor; version 0: the file has none
	Verdict    Verdict   // on Attribute; Stale: there is no Descriptor
	Info       Info      // with no Descriptor
	PosixACL   []byte    // with no Descriptor: the POSIX ACL, if there is one
	Inherited  []byte    // with no Descriptor: what children of a directory get, if it says
}

// Read reads a file. What it returns is valid until the next call. The error is
// one of the tree, or wraps [ErrAttribute].
func (r *Reader) Read(path string) (*File, error) {
	f := &r.file
	*f = File{}
	name := r.Attribute
	if name == "" {
		name = Name
	}
	value, err := r.Tree.Attribute(r.buf[:0], path, name)
	if err != nil {
		return nil, err
	}
	if cap(value) > cap(r.buf) {
		r.buf = value
	}
	if value != nil {
		if f.Descriptor, err = f.Attribute.Split(value); err != nil {
			return nil, err
		}
		if r.IgnorePosix || f.Attribute.Version <= 2 {
			return f, nil
		}
	}
	return f, r.posix(f, path, len(value))
}

// posix reads the permissions, into the buffer after what is used of it, and
// chooses between them and the attribute.
func (r *Reader) posix(f *File, path string, used int) (err error) {
	// Lstat: a link that has taken a file's place in the meantime is not followed.
	if f.Info, err = r.Tree.Lstat(path); err != nil {
		return err
	}
	access, err := r.Tree.Attribute(r.buf[used:used], path, posixAccess)
	if err != nil {
		return err
	}
	f.PosixACL = access
	if f.Info.Directory {
		if f.Inherited, err = r.Tree.Attribute(nil, path, posixDefault); err != nil {
			return err
		}
	}
	if f.Descriptor == nil {
		return nil
	}
	if f.Verdict = f.Attribute.Verify(f.Info, access, f.Inherited); f.Verdict == Stale {
		f.Descriptor = nil
	}
	return nil
}
