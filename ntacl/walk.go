package ntacl

// Info is what a tree tells about a file. The zero value is a file of root that
// nobody may touch.
type Info struct {
	Name      string // last element of the path
	Directory bool
	Other     bool   // neither file nor directory: a link, a device; it is not visited
	Mode      uint32 // permission bits
	UID, GID  uint32
}

// Tree is a tree of files, with paths as its implementation writes them. Errors
// are handed to the caller of Walk as they are.
type Tree interface {
	// Stat tells about the file a path names; of a link, about what it points to.
	Stat(path string) (Info, error)
	// List names the children of a directory; Walk asks for each with Lstat.
	List(path string) ([]string, error)
	// Lstat tells about a file and does not follow a link.
	Lstat(path string) (Info, error)
	// Attribute reads an extended attribute; nil and no error if there is none.
	Attribute(path, name string) ([]byte, error)
	// Join is the path of a child.
	Join(path, name string) string
}

// File is one file of a walk.
type File struct {
	Path      string
	Directory bool
	Attribute []byte // value of the attribute that holds the descriptor; nil: there is none
	Info      Info
	PosixACL  []byte // with no Attribute: the POSIX ACL, if there is one
	Err       error  // the file could not be read; nothing but Path holds
}

// Options of a walk. The zero value visits the root alone.
type Options struct {
	Recurse   bool
	Attribute string // "": [Name]
}

const posixACL = "system.posix_acl_access"

// Walk visits a file and, with Recurse, all below it, directories before what
// they hold, in the order List gives. A file that cannot be read is visited
// with its error and the walk goes on. It ends early when visit is false; links
// are not followed, except for the root.
func Walk(t Tree, root string, opt Options, visit func(File) bool) bool {
	if opt.Attribute == "" {
		opt.Attribute = Name
	}
	info, err := t.Stat(root)
	if err != nil {
		return visit(File{Path: root, Err: err})
	}
	return walk(t, root, info, &opt, visit)
}

func walk(t Tree, path string, info Info, opt *Options, visit func(File) bool) bool {
	if info.Other {
		return true
	}
	f := File{Path: path, Directory: info.Directory, Info: info}
	if f.Attribute, f.Err = t.Attribute(path, opt.Attribute); f.Err == nil && f.Attribute == nil {
		f.PosixACL, f.Err = t.Attribute(path, posixACL)
	}
	if !visit(f) {
		return false
	}
	if !info.Directory || !opt.Recurse {
		return true
	}
	names, err := t.List(path)
	if err != nil && !visit(File{Path: path, Directory: true, Err: err}) {
		return false
	}
	for _, name := range names {
		child := t.Join(path, name)
		info, err := t.Lstat(child)
		if err != nil {
			if !visit(File{Path: child, Err: err}) {
				return false
			}
			continue
		}
		if !walk(t, child, info, opt, visit) {
			return false
		}
	}
	return true
}
