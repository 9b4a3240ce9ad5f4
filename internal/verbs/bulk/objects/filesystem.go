package objects

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/refmon/refmon/ntacl"
)

// osTree is the file system of this machine, by paths: the files that a caller
// named, and all files where nothing better is to be had.
type osTree struct {
	follow map[string]bool // links that were given as roots; nil: none
}

// Stat tells about what a path leads to.
func (osTree) Stat(path string) (ntacl.Info, error) {
	i, err := os.Stat(path)
	return infoOf(i, err)
}

// Lstat tells about a file.
func (t osTree) Lstat(path string) (ntacl.Info, error) {
	if t.follow != nil && t.follow[path] {
		return t.Stat(path)
	}
	return lstat(path)
}

// List gives the children of a directory by name.
func (osTree) List(path string) ([]ntacl.Entry, error) {
	list, err := os.ReadDir(path)
	return entriesOf(list), err
}

func entriesOf(list []fs.DirEntry) []ntacl.Entry {
	out := make([]ntacl.Entry, len(list))
	for i, e := range list {
		out[i] = ntacl.Entry{Name: e.Name(), Directory: e.IsDir(), Other: !e.IsDir() && !e.Type().IsRegular()}
	}
	return out
}

// Join returns the path of a child.
func (osTree) Join(path, name string) string {
	if n := len(path); n > 0 && path[n-1] != filepath.Separator && name != "" {
		return path + string(filepath.Separator) + name
	}
	return filepath.Join(path, name)
}

// Attribute reads an extended attribute.
func (t osTree) Attribute(dst []byte, path, name string) ([]byte, error) {
	return attribute(dst, path, name, t.follow != nil && t.follow[path])
}

func infoOf(i os.FileInfo, err error) (ntacl.Info, error) {
	if err != nil {
		return ntacl.Info{}, err
	}
	out := ntacl.Info{Directory: i.IsDir(), Mode: uint32(i.Mode().Perm())}
	for bit, mode := range map[os.FileMode]uint32{os.ModeSetuid: 0o4000, os.ModeSetgid: 0o2000, os.ModeSticky: 0o1000} {
		if i.Mode()&bit != 0 {
			out.Mode |= mode
		}
	}
	out.Other = !i.IsDir() && !i.Mode().IsRegular()
	return out, nil
}
