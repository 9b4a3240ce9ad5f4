package objects

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/beneath"
	"github.com/refmon/refmon/ntacl"
)

// below is a root of a walk whose files are read below it: a link that has taken
// the place of one of its directories is not followed. Its Tree is for one
// goroutine.
type below struct {
	root *beneath.Root
	path string // as the caller named it
}

// staysBelow says that this system can stay below a directory.
const staysBelow = true

// openBelow opens a directory. It is nil where path is a file, below which there
// is nothing.
func openBelow(path string) (*below, error) {
	root, err := beneath.Open(path)
	switch {
	case errors.Is(err, unix.ENOTDIR):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &below{root, path}, nil
}

// tree returns the files below the root for one goroutine, and what gives back
// what it holds.
func (b *below) tree() (t ntacl.Tree, done func()) {
	dirs := b.root.Dirs()
	return &belowTree{dirs: dirs, path: b.path}, dirs.Close
}

// belowTree is the files below a root, by the paths that a walk makes.
type belowTree struct {
	osTree
	dirs *beneath.Dirs
	path string
}

// name returns a path as it is below the root.
func (t *belowTree) name(path string) string {
	rest := path[min(len(t.path), len(path)):]
	if len(rest) > 0 && rest[0] == '/' {
		return rest[1:]
	}
	return rest
}

// Stat tells about a file as Lstat does: no link below the root is followed.
func (t *belowTree) Stat(path string) (ntacl.Info, error) { return t.Lstat(path) }

// Lstat tells about a file. A link or a device that has taken its place since the
// walk found it is an error.
func (t *belowTree) Lstat(path string) (ntacl.Info, error) {
	s, err := t.dirs.Stat(t.name(path))
	if err != nil {
		return ntacl.Info{}, err
	}
	info := infoOfStat(&s)
	if info.Other {
		return info, &fs.PathError{Op: "stat", Path: path, Err: errNoFile}
	}
	return info, nil
}

var errNoFile = errors.New("it was a file or a directory when it was found, and is something else now")

// List gives the children of a directory by name.
func (t *belowTree) List(path string) ([]ntacl.Entry, error) {
	list, err := t.dirs.List(t.name(path))
	return entriesOf(list), err
}

// Attribute reads an extended attribute.
func (t *belowTree) Attribute(dst []byte, path, name string) ([]byte, error) {
	return t.dirs.Attribute(dst, t.name(path), name, ntacl.MaxSize)
}

func infoOfStat(s *unix.Stat_t) ntacl.Info {
	kind := s.Mode & unix.S_IFMT
	return ntacl.Info{
		Directory: kind == unix.S_IFDIR,
		Other:     kind != unix.S_IFDIR && kind != unix.S_IFREG,
		Mode:      s.Mode & 0o7777, UID: s.Uid, GID: s.Gid,
	}
}

// attribute appends an extended attribute of a file that the caller named, not of
// what a link points to unless follow is true. It returns nil if the file has no such
// attribute, also where the file system has no attributes.
func attribute(dst []byte, path, name string, follow bool) ([]byte, error) {
	get := unix.Lgetxattr
	if follow {
		get = unix.Getxattr
	}
	if cap(dst)-len(dst) < 1024 {
		dst = append(make([]byte, 0, len(dst)+4096), dst...)
	}
	for {
		n, err := get(path, name, dst[len(dst):cap(dst)])
		switch {
		case err == nil:
			return dst[:len(dst)+n], nil
		case errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP):
			return nil, nil
		case errors.Is(err, unix.ERANGE) && cap(dst) < ntacl.MaxSize:
			dst = append(make([]byte, 0, 8*cap(dst)), dst...)
		case errors.Is(err, unix.EINTR):
		default:
			return nil, &os.PathError{Op: "attribute " + name, Path: path, Err: err}
		}
	}
}

// lstat tells about a file with as little as needed.
func lstat(path string) (ntacl.Info, error) {
	var s unix.Stat_t
	err := unix.Lstat(path, &s)
	for errors.Is(err, unix.EINTR) {
		err = unix.Lstat(path, &s)
	}
	if err != nil {
		return ntacl.Info{}, &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	return infoOfStat(&s), nil
}
