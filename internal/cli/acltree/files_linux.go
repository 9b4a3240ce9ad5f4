package acltree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/beneath"
)

// tree is the files below a directory, or one file in it.
type tree struct {
	root *beneath.Root
	dirs *beneath.Dirs
	only string // name of the one file; "": the directory is the root
}

// Tree is an opened tree of the host. Close it.
type Tree struct {
	Files
	// Path is the absolute path of the root, without links in its directories.
	Path string
	t    *tree
}

// Open opens a directory with its descendants, or one file. The caller closes the Tree. Open follows a link in the
// middle of the path, and refuses one at its end with [ErrKind]. The error is an *fs.PathError with name.
func Open(name string) (*Tree, error) {
	whole, err := beneath.Resolve(name)
	if err != nil {
		return nil, err
	}
	t := &tree{}
	dir, base := filepath.Split(whole)
	if base == "" { // whole is "/"
		t.root, err = beneath.Open(whole)
	} else {
		err = t.open(dir, base)
	}
	if err != nil {
		var about *fs.PathError
		if errors.As(err, &about) {
			err = about.Err
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	t.dirs = t.root.Dirs()
	return &Tree{Files: t, Path: whole, t: t}, nil
}

// open opens the entry base of the directory dir as the tree. A directory or the root of a mount becomes t.root. For
// a regular file, t.root is dir and t.only is base. Any other kind is [ErrKind]. After an error nothing stays open.
func (t *tree) open(dir, base string) error {
	above, err := beneath.Open(dir)
	if err != nil {
		return err
	}
	below := above.Dirs()
	defer below.Close()
	f, err := below.Hold(base)
	switch {
	case errors.Is(err, beneath.ErrMount): // base is a mount point: open the mount as the tree
		_ = above.Close() // an O_PATH descriptor has nothing to flush
		t.root, err = beneath.Open(dir + base)
		return err
	case err != nil:
		_ = above.Close()
		return err
	}
	defer f.Close()
	switch kindOf(f.Status.Mode) {
	case Regular:
		t.root, t.only = above, base
		return nil
	case Directory:
		t.root, err = beneath.Open(f.ProcPath())
		_ = above.Close()
		return err
	}
	_ = above.Close()
	return &fs.PathError{Op: "open", Path: dir + base, Err: ErrKind}
}

// Close closes the tree. Its files must not be opened afterwards.
func (t *Tree) Close() {
	t.t.dirs.Close()
	_ = t.t.root.Close() // only a place
}

// Lock reserves an open undo file until it is closed: for one run alone, or for undos, of which several may share it.
// Two runs would overwrite each other's entries, and an undo would miss the files that a run changes after it. Lock
// returns [ErrInUse] if another command has the file, or if the name belongs to another file now. A file system without
// locks is an error. So is a file of another user than the caller and root, and one that others may write.
func Lock(f *os.File, alone bool) error {
	how := unix.LOCK_SH // on NFS an exclusive lock would need a descriptor for writing
	if alone {
		how = unix.LOCK_EX
	}
	if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			return ErrInUse
		}
		return fmt.Errorf("flock: %w: keep the undo file in a file system that has locks", err)
	}
	now, err := os.Stat(f.Name())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	at, err := f.Stat()
	// Another run that changed nothing may have removed the file.
	if err == nil && (now == nil || !os.SameFile(now, at)) {
		err = ErrInUse
	}
	if err != nil {
		return err
	}
	// Whoever can write the file chooses the descriptors that the caller stores (F-207).
	about := at.Sys().(*syscall.Stat_t)
	if by := int(about.Uid); by != os.Geteuid() && by != 0 || about.Mode&0o022 != 0 {
		return fmt.Errorf("another user can write it (owner %d, mode %#o), and so choose the descriptors: use an undo file "+
			"of your own that only you may write", by, about.Mode&0o7777)
	}
	return nil
}

// in converts the name of a file of the walk into its path below t.root. The names differ only if the tree is a
// single file: then "" is that file.
func (t *tree) in(name string) string { return path.Join(t.only, name) }

// Hold opens a file of the tree. "" is the root. The caller closes the file.
func (t *tree) Hold(name string) (Held, error) {
	f, err := t.dirs.Hold(t.in(name))
	if err != nil {
		return nil, err
	}
	return held{f}, nil
}

// List returns the children of a directory of the tree. "" is the root.
func (t *tree) List(name string) ([]fs.DirEntry, error) { return t.dirs.List(t.in(name)) }

// held implements [Held] with an open file of the host.
type held struct{ *beneath.File }

// Status returns the state of the file when it was opened.
func (h held) Status() Status {
	s := &h.File.Status
	return Status{Kind: kindOf(s.Mode), Device: uint64(s.Dev), Inode: s.Ino, //nolint:unconvert // some machines differ
		Mode: s.Mode & 0o7777, UID: s.Uid, GID: s.Gid}
}

// kindOf returns the kind of a file with this st_mode. Links, devices, sockets and pipes are Other.
func kindOf(mode uint32) Kind {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return Regular
	case unix.S_IFDIR:
		return Directory
	}
	return Other
}
