package main

import (
	"os"
	"path/filepath"
)

// successor is a new version of an existing output file. It has the suffix .new until it replaces that file.
type successor struct {
	*os.File
	name string // of the existing file, without links
}

// succeed opens the successor of an existing output file, with the mode and owner of that file. A symbolic link stays,
// and its target is replaced. The end of the run closes the file.
func (o *output) succeed(name string) (*successor, error) {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if err := apart(name, o.taken...); err != nil {
		return nil, err
	}
	o.taken = append(o.taken, name)
	f, err := o.open(name+".new", false)
	if err != nil {
		return nil, err
	}
	return &successor{f, name}, likeFile(f, info)
}

// replace puts the successor in the place of the existing file.
func (s *successor) replace() error { return os.Rename(s.Name(), s.name) }

// likeFile gives a new file the owner and permissions of an existing one. An owner that the caller may not set is an
// error, because others could read the new file.
func likeFile(f *os.File, existing os.FileInfo) error {
	if err := ownedLike(f, existing); err != nil {
		return err
	}
	return f.Chmod(existing.Mode().Perm())
}
