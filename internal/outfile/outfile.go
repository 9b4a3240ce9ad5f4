// Package outfile writes output files that are complete or not there. A [File] is a new file in the folder of its
// target, and takes the target's name only when everything is on disk. After an error, a full disk or a kill the
// earlier file is unchanged.
//
//	err := outfile.Write("report.html", 0o644, report.Write)
package outfile

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// File is the new version of an output file. Close it. It is not safe for concurrent use.
type File struct {
	f      *os.File // nil: closed
	name   string   // as the caller gave it
	target string   // the file that f replaces, without links; "": f is the output itself
	failed error    // the first error of a write
}

// Create begins a new version of the file name; mode is that of a file that does not exist yet, before the umask. The
// new version has the permissions, owner and group of an earlier file. Create follows links and replaces their target.
// Another hard link of the earlier file keeps its contents, such as a backup by cp -l (B-19). A pipe, a terminal, a
// device, a mount point or an open file in /proc is written in place.
//
// It is an error if the caller may not write the earlier file or its folder, or may not set its owner or group. In a
// folder such as /tmp, in which everybody may create files, it is an error if another user owns the file or link.
func Create(name string, mode fs.FileMode) (*File, error) {
	target, direct, err := resolve(name)
	if err != nil {
		return nil, err
	}
	if direct {
		f, err := os.OpenFile(target, os.O_WRONLY|os.O_TRUNC, 0)
		if err != nil {
			return nil, err
		}
		return &File{f: f, name: name}, nil
	}
	// The open fails as it would without a new version, for example for a file that is read-only.
	old, err := os.OpenFile(target, os.O_WRONLY, 0)
	if old != nil {
		defer func() { _ = old.Close() }() // nothing was written
		mode = 0o600
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	dir, base := filepath.Split(target)
	at := dir + base[:min(len(base), 200)] + ".new-" + rand.Text()[:12]
	f, err := os.OpenFile(at, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return nil, fmt.Errorf("write %s: its new version cannot be created: %w: the folder must be writable; or name "+
			"another file", name, errors.Unwrap(err))
	}
	out := &File{f: f, name: name, target: target}
	if old != nil {
		if err := likeOld(f, old); err != nil {
			return nil, errors.Join(err, out.Close())
		}
	}
	return out, nil
}

// likeOld gives a new file the owner, the group and the permissions of an existing one. If the caller may not set the
// owner or group, that is an error: the permissions would then let other users read the file.
func likeOld(f, old *os.File) error {
	info, err := old.Stat()
	if err != nil {
		return err
	}
	if err := copyOwner(f, info); errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s belongs to another user or group, which this user may not set for a new file: "+
			"write to another file, or run as its owner", info.Name())
	} else if err != nil {
		return err
	}
	// The new output is as private as the earlier one (B-19). Before the ACL, the mode would open the file to the users of
	// the folder's default ACL.
	if err := copyACL(f, old); err != nil {
		return err
	}
	return f.Chmod(info.Mode().Perm())
}

// resolve follows the links at the end of a name. direct is true for a file to write in place: one that is not regular
// or is a mount point, and one that a process has open.
func resolve(name string) (target string, direct bool, err error) {
	if name == "" || os.IsPathSeparator(name[len(name)-1]) {
		return "", false, &fs.PathError{Op: "write", Path: name, Err: errors.New("it does not name a file")}
	}
	whole, err := os.Stat(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, err
	}
	target = name
	for range 40 { // links, as many as Linux follows
		dir, err := filepath.EvalSymlinks(filepath.Dir(target))
		if err != nil {
			return "", false, fmt.Errorf("write %s: %w", name, err)
		}
		if strings.HasPrefix(dir, "/proc/") { // another process has that file open, and gets none that replaces it
			return target, true, nil
		}
		target = filepath.Join(dir, filepath.Base(target))
		info, err := os.Lstat(target)
		if errors.Is(err, fs.ErrNotExist) {
			return target, false, nil
		}
		if err == nil {
			err = checkOwner(dir, info)
		}
		switch {
		case err != nil:
			return "", false, fmt.Errorf("write %s: %w", name, err)
		case info.Mode()&fs.ModeSymlink == 0:
			return target, whole != nil && !whole.Mode().IsRegular() || isMount(target), nil
		}
		next, err := os.Readlink(target)
		if err != nil {
			return "", false, err
		}
		if !filepath.IsAbs(next) {
			next = dir + string(filepath.Separator) + next // not joined: a link before ".." would be lost
		}
		target = next
	}
	return "", false, fmt.Errorf("write %s: too many links", name)
}

// checkOwner returns an error for a file or link that another user may have created in a folder for temporary files, so
// that the caller would write a file of that user's choice. Linux calls this protected_symlinks and protected_regular.
func checkOwner(dir string, info fs.FileInfo) error {
	folder, err := os.Stat(dir)
	if err != nil || folder.Mode()&fs.ModeSticky == 0 || folder.Mode()&0o002 == 0 {
		return err
	}
	if by := ownerOf(info); by != os.Geteuid() && by != ownerOf(folder) {
		return fmt.Errorf("another user created %s in a folder that everybody may write: remove it, or name another file",
			filepath.Join(dir, info.Name()))
	}
	return nil
}

// Write appends to the new version. After an error the file cannot be committed.
func (f *File) Write(b []byte) (int, error) {
	n, err := f.f.Write(b)
	if err != nil {
		err = f.about(err)
		f.failed = errors.Join(f.failed, err)
	}
	return n, err
}

// about returns an error with the name of the output in place of that of the new version. It returns nil for nil.
func (f *File) about(err error) error {
	if at := new(fs.PathError); errors.As(err, &at) {
		err = at.Err
	}
	if err == nil {
		return nil
	}
	kept := ""
	if f.target != "" {
		kept = ": an earlier file is unchanged"
	}
	return fmt.Errorf("write %s: %w%s", f.name, err, kept)
}

// Commit makes the new versions durable and closes them. Then it gives them the names of their targets, in this order.
// After an error of a write, of any of the files, no target is replaced.
func Commit(files ...*File) error {
	for _, f := range files {
		err := f.failed // A failed run leaves all earlier outputs (B-19).
		if err == nil && f.target != "" {
			err = f.about(f.f.Sync())
		}
		if err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := f.about(f.f.Close()); err != nil {
			return err
		}
	}
	for _, f := range files {
		if f.target != "" {
			if err := os.Rename(f.f.Name(), f.target); err != nil {
				return f.about(errors.Unwrap(err))
			}
		}
		f.f = nil
	}
	return nil
}

// Close removes the new version, unless Commit has succeeded. The target stays.
func (f *File) Close() error {
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	if errors.Is(err, fs.ErrClosed) {
		err = nil
	}
	if f.target != "" {
		err = errors.Join(err, os.Remove(f.f.Name()))
	}
	f.f = nil
	return err
}

// Write calls a function with a buffered writer, and replaces the file by the function's output. See [Create] for the
// mode. After an error the earlier file is unchanged.
func Write(name string, mode fs.FileMode, write func(io.Writer) error) error {
	f, err := Create(name, mode)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err = write(w); err == nil { // after an error Flush would return the same one
		err = w.Flush()
	}
	if err == nil {
		err = Commit(f)
	}
	return errors.Join(err, f.Close())
}

// WriteFile replaces a file by one with the contents b, as [Write] does.
func WriteFile(name string, b []byte, mode fs.FileMode) error {
	return Write(name, mode, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}
