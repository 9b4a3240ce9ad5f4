package tree

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/refmon/refmon/ntacl"
)

// osTree accesses the file system by paths: the files that a caller names, and all files on systems without openat2.
type osTree struct {
	follow map[string]bool // links that were given as roots; nil: none
}

// Stat returns information about a file. It follows links; a dangling one is an error.
func (osTree) Stat(path string) (ntacl.Info, error) { return stat(path, true) }

// Lstat returns information about a file or link. For a link that was given as a root it describes the target.
func (t osTree) Lstat(path string) (ntacl.Info, error) { return stat(path, t.follow[path]) }

// List returns the children of a directory, sorted by name. With an error it also returns those that it could read.
func (osTree) List(path string) ([]ntacl.Entry, error) {
	list, err := os.ReadDir(path)
	return entriesOf(list), err
}

// entriesOf converts directory entries, in the same order.
func entriesOf(list []fs.DirEntry) []ntacl.Entry {
	out := make([]ntacl.Entry, len(list))
	for i, e := range list {
		out[i] = ntacl.Entry{Name: e.Name(), Directory: e.IsDir(), Other: !e.IsDir() && !e.Type().IsRegular()}
	}
	return out
}

// Join returns the path of a child, as [Join].
func (osTree) Join(path, name string) string { return Join(path, name) }

// Join returns the path of a child. It starts with path unchanged, because a walk removes the path of its root as a
// prefix. An empty name gives path itself.
func Join(path, name string) string {
	switch n := len(path); {
	case n == 0 || name == "":
		return filepath.Join(path, name)
	case path[n-1] == filepath.Separator:
		return path + name
	}
	return path + string(filepath.Separator) + name
}

// Attribute appends an extended attribute to dst. It follows a link only if that was given as a root.
func (t osTree) Attribute(dst []byte, path, name string) ([]byte, error) {
	return attribute(dst, path, name, t.follow[path])
}
