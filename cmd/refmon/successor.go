package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// successor is a new version of an existing output file. It has the suffix .new until it replaces that file.
type successor struct {
	*os.File
	name string // of the existing file, without links
}

// openSuccessor creates the successor of an existing output file, with the mode and owner of that file. It replaces one
// that an earlier run left. A symbolic link to the existing file stays, and its target is replaced. output.close closes
// the file.
func (o *output) openSuccessor(name string) (*successor, error) {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	next := name + ".new"
	if err := errors.Join(apart(name, o.taken...), apart(next, o.taken...)); err != nil {
		return nil, err
	}
	// A process that has the earlier file open, or its link, gets nothing of the new one.
	if old, err := os.Lstat(next); err == nil && !old.IsDir() {
		if err := os.Remove(next); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(next, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := copyOwnerAndMode(f, info); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(next))
	}
	o.files, o.taken = append(o.files, f), append(o.taken, name, next)
	return &successor{f, name}, nil
}

// replace puts the successor in the place of the existing file.
func (s *successor) replace() error { return os.Rename(s.Name(), s.name) }

// exchange writes a temporary file next to a file, makes it durable and renames it to that name, so that the file is
// never incomplete, also after a power failure. prepare may be nil. It may change the temporary file, which nobody else
// can read, before the rename. After an error the file has its old contents, and the temporary file is removed.
func exchange(name string, b []byte, prepare func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".refmon-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil && prepare != nil {
		err = prepare(f)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// copyOwnerAndMode gives a new file the owner and permissions of an existing one. It returns an error if the caller may
// not set the owner or group, because the mode could then let others read the file.
func copyOwnerAndMode(f *os.File, existing os.FileInfo) error {
	err := copyOwner(f, existing)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s belongs to another user or group, which this user may not set for a new file: "+
			"write to another file, or run as its owner", existing.Name())
	}
	if err != nil {
		return err
	}
	return f.Chmod(existing.Mode().Perm())
}
