// Package diskio opens, writes, syncs and renames files, and lets a test make any of these operations fail. Stores
// use it if an error of the disk could lose an acknowledged change, or keep a rejected one.
//
//	var faults diskio.Faults // nil outside tests
//	f, err := faults.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE, 0o600)
//	// …
//	err = errors.Join(f.Sync(), f.Close())
//	err = faults.Rename(name+".new", name)
//
// Package internal/test/inject has the injectors for [Faults]. The functions may be used by several goroutines if the
// Faults may. A [File] is as safe as its [os.File].
package diskio

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// Faults is called before each operation on a file, with the operation's name, such as "write" or "sync", and the
// file's. The operation is not carried out if Faults returns an error, except for the bytes of a [Short]. A nil Faults
// lets every operation succeed or fail by itself. Only tests set one.
type Faults func(operation, name string) error

// Check calls f with an operation and a file name and returns its error, nil for no error. Nil Faults never fail.
func (f Faults) Check(operation, name string) error {
	if f == nil {
		return nil
	}
	return f(operation, name)
}

// Short is an error for the operation "write". The write stores only its first bytes and then fails.
type Short struct {
	Bytes int   // how many bytes are stored, at most those of the write; 0 or less: none
	Err   error // the error of the write; nil: it reports none, as write(2) does
}

// Error returns "short write", and the text of the write's error if there is one.
func (s *Short) Error() string {
	if s.Err == nil {
		return "short write"
	}
	return "short write: " + s.Err.Error()
}

// Unwrap returns the error of the write, which may be nil.
func (s *Short) Unwrap() error { return s.Err }

// Write writes b through the function write, with injected errors. If Faults has an error for the operation "write", it
// returns that error. It then passes only the bytes that a [Short] stores, or does not call write at all. An error of
// write comes first.
func (f Faults) Write(name string, b []byte, write func([]byte) (int, error)) (n int, err error) {
	fault := f.Check("write", name)
	if fault == nil {
		return write(b)
	}
	var short *Short
	if !errors.As(fault, &short) {
		return 0, fault
	}
	if stored := b[:min(max(short.Bytes, 0), len(b))]; len(stored) > 0 {
		if n, err = write(stored); err != nil {
			return n, err
		}
	}
	return n, short.Err
}

// File is an open file whose operations can fail with injected errors: those that write, truncate and sync call the
// Faults that opened it first. The others are those of [os.File].
type File struct {
	*os.File
	faults Faults // immutable
}

// OpenFile opens a file as [os.OpenFile] does, with injected errors. The operation is "create" with os.O_CREATE, and
// "open" without. An injected error is returned before the file is opened.
func (f Faults) OpenFile(name string, flag int, mode os.FileMode) (*File, error) {
	operation := "open"
	if flag&os.O_CREATE != 0 {
		operation = "create"
	}
	if err := f.Check(operation, name); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(name, flag, mode)
	if err != nil {
		return nil, err
	}
	return &File{file, f}, nil
}

// Check returns the error of the Faults for an operation on the file that this package does not carry out.
func (f *File) Check(operation string) error { return f.faults.Check(operation, f.Name()) }

// Write writes b as [os.File.Write] does, with injected errors. The operation is "write". An injected error may come
// after a part of b was written.
func (f *File) Write(b []byte) (int, error) { return f.faults.Write(f.Name(), b, f.File.Write) }

// WriteString writes s as [File.Write] does.
func (f *File) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

// ReadFrom copies r to the file until the end of r, with calls of [File.Write]. It returns the number of bytes that
// were written, also with an error.
func (f *File) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{f}, r) }

// WriteAt writes b at an offset as [os.File.WriteAt] does, with injected errors. The operation is "write".
func (f *File) WriteAt(b []byte, at int64) (int, error) {
	return f.faults.Write(f.Name(), b, func(b []byte) (int, error) { return f.File.WriteAt(b, at) })
}

// Truncate changes the size as [os.File.Truncate] does, with injected errors. Such an error leaves the size. The
// operation is "truncate".
func (f *File) Truncate(size int64) error {
	if err := f.Check("truncate"); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

// Sync makes the file durable as [os.File.Sync] does. After an injected error nothing was synced. The operation is
// "sync".
func (f *File) Sync() error {
	if err := f.Check("sync"); err != nil {
		return err
	}
	return f.File.Sync()
}

// WriteFile replaces the contents of a file like [os.WriteFile], with the operations "create" and "write". It makes
// nothing durable. After an error the file may exist with part of the contents.
func (f Faults) WriteFile(name string, b []byte, mode os.FileMode) error {
	file, err := f.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	return errors.Join(err, file.Close())
}

// Replace replaces a file, or creates it, and makes it durable. It writes to name.new first and renames that, so the
// file is never incomplete; it removes a file or link of that name. After an error the file has its old contents, or
// the new ones if only the folder could not be synced.
func (f Faults) Replace(name string, b []byte, mode os.FileMode) error {
	part := name + ".new"
	// A file that an earlier run left may be readable by others, or be a link to another file.
	if info, err := os.Lstat(part); err == nil && !info.IsDir() {
		if err := os.Remove(part); err != nil {
			return err
		}
	}
	file, err := f.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if err = file.Chmod(mode); err == nil { // whatever the umask is
		_, err = file.Write(b)
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = f.Rename(part, name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return f.SyncDir(filepath.Dir(name))
}

// Rename renames a file as [os.Rename] does, with injected errors. After such an error the file has its old name. The
// operation is "rename", with the new name.
func (f Faults) Rename(from, to string) error {
	if err := f.Check("rename", to); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// Remove removes a file or an empty directory as [os.Remove] does, with injected errors. Such an error leaves it. The
// operation is "remove".
func (f Faults) Remove(name string) error {
	if err := f.Check("remove", name); err != nil {
		return err
	}
	return os.Remove(name)
}

// SyncDir makes the names in a directory durable, so that created and renamed files survive a crash. The operation is
// "syncdir". On Windows it does nothing else, because [os.Open] opens a directory for reading, and FlushFileBuffers
// needs a handle with GENERIC_WRITE (Microsoft's page of FlushFileBuffers). There a power failure can undo the last
// creations and renames, but not the contents of a file that was synced.
func (f Faults) SyncDir(name string) error {
	if err := f.Check("syncdir", name); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
