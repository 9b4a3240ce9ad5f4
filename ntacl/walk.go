package ntacl

import "fmt"

// Info holds the data of a tree about a file. The zero value is a file of root
// without any permission.
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

// Tree is a tree of files. Its implementation defines the form of paths. Walk and
// Reader pass on its errors unchanged.
type Tree interface {
	// Stat returns the data of a file. It follows a link.
	Stat(path string) (Info, error)
	// Lstat returns the data of a file and does not follow a link.
	Lstat(path string) (Info, error)
	// List returns the children of a directory.
	List(path string) ([]Entry, error)
	// Attribute appends the value of an extended attribute to dst. It returns nil
	// and no error for a file without it.
	Attribute(dst []byte, path, name string) ([]byte, error)
	// Join returns the path of a child.
	Join(path, name string) string
}

// Found is one file that a walk visits. Its descriptor has not been read.
type Found struct {
	Path      string
	Directory bool
	Err       error // error of Stat for the root, or of List; nil otherwise
}

// Walk calls visit for a file and, with recurse, for all its descendants,
// directories before their children, in the order of List. If it cannot list a
// directory, it visits the directory again with the error and continues. It
// stops when visit returns false, and then returns false. It visits a root that
// it cannot stat once, with the error. It does not follow links, except for the
// root, and visits neither links nor devices.
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

// walk visits the file f and, with recurse, its descendants, for [Walk]. If a directory cannot be listed completely,
// it is visited again with the error, and then its listed entries. Entries of other kinds are skipped. If visit
// returns false, the walk ends and the result is false.
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

// Names of the attributes for the POSIX ACL of a file, and for the one that the
// children of a directory inherit.
const (
	posixAccess  = "system.posix_acl_access"
	posixDefault = "system.posix_acl_default"
)

// Reader reads files of a tree one after the other and reuses its memory. Tree
// is required. It belongs to one goroutine.
type Reader struct {
	Tree      Tree
	Attribute string // name of the attribute that holds descriptors; "": [Name]
	// IgnorePosix accepts every attribute without checking its hash, as a server
	// does that ignores the system's ACLs.
	IgnorePosix bool

	buf  []byte
	file File
}

// File is a file that has been read.
type File struct {
	Descriptor []byte    // self-relative bytes of the attribute; nil: use [Posix]
	Attribute  Attribute // without Descriptor; version 0: the file does not have one
	Verdict    Verdict   // on Attribute; Stale: there is no Descriptor
	Info       Info      // zero, like the next two, if Read needed no permissions
	PosixACL   []byte    // the POSIX ACL, nil without one
	Inherited  []byte    // the default ACL of a directory, nil without one
}

// Read reads a file. The result is valid until the next call. The error is that of the tree, or wraps [ErrAttribute].
// Read reads the permissions only for a file without the attribute, or to verify its hash. If r.Attribute is
// [WholeName], a file without it is an error. With IgnorePosix, and up to version 2, the hash is not verified. If the
// permissions cannot be read, it returns the incomplete file as well.
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
	if name == WholeName {
		if f.Descriptor, f.Attribute.Version = value, 1; value == nil {
			return nil, fmt.Errorf("%w: the mount has no whole descriptor of the file", ErrAttribute)
		}
		return f, nil
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

// posix reads the POSIX permissions of the file at path into f, and verifies the attribute's hash with them. used is
// the number of used bytes in the reader's buffer. If the hash is stale, f.Descriptor becomes nil. Without a
// descriptor, f.Verdict is unchanged. A missing file is an error.
func (r *Reader) posix(f *File, path string, used int) (err error) {
	// A stale attribute means that the permissions changed without the server, so the permissions apply instead.
	// Lstat does not follow a link that replaced the file after the walk found it.
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
