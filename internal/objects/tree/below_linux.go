package tree

import (
	"errors"
	"io/fs"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/beneath"
	"github.com/refmon/refmon/ntacl"
)

// below is the root directory of a walk that never leaves the tree, because it follows no symbolic link that replaces
// one of its directories. It counts its holders, and the last one closes the root. Its Tree is for one goroutine. The
// garbage collector closes a root that is lost, such as that of a batch that nobody reads.
type below struct {
	root    *beneath.Root
	path    string // as the caller named it
	holders atomic.Int32
}

// staysBelow is true: openat2 keeps a walk below its root on this system.
const staysBelow = true

// openBelow opens the directory at path as the root of a walk, with one holder. It returns nil without an error if
// path is a file.
func openBelow(path string) (*below, error) {
	root, err := beneath.Open(path)
	switch {
	case errors.Is(err, unix.ENOTDIR):
		return nil, nil
	case err != nil:
		return nil, err
	}
	b := &below{root: root, path: path}
	b.hold()
	return b, nil
}

// hold adds a holder, who must call release. It does nothing for nil.
func (b *below) hold() {
	if b != nil {
		b.holders.Add(1)
	}
}

// release removes a holder. The last one closes the root. It does nothing for nil.
func (b *below) release() {
	if b != nil && b.holders.Add(-1) == 0 {
		_ = b.root.Close() // it was only read
	}
}

// tree returns the files below the root for one goroutine, and a function that releases them.
func (b *below) tree() (t ntacl.Tree, done func()) {
	dirs := b.root.Dirs()
	return &belowTree{dirs: dirs, path: b.path}, dirs.Close
}

// belowTree accesses the files below a root by the paths of a walk.
type belowTree struct {
	osTree
	dirs *beneath.Dirs
	path string
}

// name returns a path relative to the root, "" for the root. path must begin with that of the root.
func (t *belowTree) name(path string) string {
	rest := path[min(len(t.path), len(path)):]
	if len(rest) > 0 && rest[0] == '/' {
		return rest[1:]
	}
	return rest
}

// Stat returns the result of Lstat, because links below the root are not followed.
func (t *belowTree) Stat(path string) (ntacl.Info, error) { return t.Lstat(path) }

// Lstat returns information about a file. A link or a device that has replaced it since the walk found it is an
// error.
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

// inodeOf returns the inode number of a regular file. It returns 0 for other files, after an error, and if t is not a
// walk below a root.
func inodeOf(t ntacl.Tree, path string) uint64 {
	b, ok := t.(*belowTree)
	if !ok {
		return 0
	}
	s, err := b.dirs.Stat(b.name(path))
	if err != nil || s.Mode&unix.S_IFMT != unix.S_IFREG {
		return 0
	}
	return s.Ino
}

// List returns the children of a directory, sorted by name. A path longer than the system takes in one call is an
// error: a walk would hold the ever longer paths of all descendants.
func (t *belowTree) List(path string) ([]ntacl.Entry, error) {
	if len(path) >= unix.PathMax {
		return nil, &fs.PathError{Op: "open", Path: path, Err: unix.ENAMETOOLONG}
	}
	list, err := t.dirs.List(t.name(path))
	return entriesOf(list), err
}

// Attribute appends the value of an extended attribute to dst and returns the result. It returns nil without an error
// for a missing attribute. A value larger than ntacl.MaxSize is the error ERANGE, and a missing file is an error.
func (t *belowTree) Attribute(dst []byte, path, name string) ([]byte, error) {
	return t.dirs.Attribute(dst, t.name(path), name, ntacl.MaxSize)
}

// infoOfStat returns the kind, mode and owner in s.
func infoOfStat(s *unix.Stat_t) ntacl.Info {
	kind := s.Mode & unix.S_IFMT
	return ntacl.Info{
		Directory: kind == unix.S_IFDIR,
		Other:     kind != unix.S_IFDIR && kind != unix.S_IFREG,
		Mode:      s.Mode & 0o7777, UID: s.Uid, GID: s.Gid,
	}
}

// attribute appends the value of an extended attribute to dst. It follows a link only if follow is true. A missing or
// unsupported attribute returns nil without an error. dst grows to a capacity of at least ntacl.MaxSize bytes; a
// value that does not fit then is the error ERANGE.
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

// stat returns the kind, mode and owner of a file. For a link these are its own, or with follow those of its target.
// It repeats an interrupted call. The error is an [os.PathError].
func stat(path string, follow bool) (ntacl.Info, error) {
	get, op := unix.Lstat, "lstat"
	if follow {
		get, op = unix.Stat, "stat"
	}
	var s unix.Stat_t
	err := get(path, &s)
	for errors.Is(err, unix.EINTR) {
		err = get(path, &s)
	}
	if err != nil {
		return ntacl.Info{}, &os.PathError{Op: op, Path: path, Err: err}
	}
	return infoOfStat(&s), nil
}
