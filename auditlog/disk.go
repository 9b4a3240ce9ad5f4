package auditlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
)

// disk is the interface between a log and its folder. Each operation on a file is
// one call, so that tests can make any single call fail or be the last one. Names
// are relative to the folder, with slashes.
type disk interface {
	// Create creates a file that only its owner can read. It fails if the file exists.
	Create(name string) (file, error)
	// Open opens an existing file.
	Open(name string) (file, error)
	// Mkdir creates a folder and its parents. An existing folder is not an error.
	Mkdir(name string) error
	// Rename renames a file. It replaces an existing file with the new name.
	Rename(from, to string) error
	// Remove unlinks a file.
	Remove(name string) error
	// List returns the names in a folder, sorted; none if the folder does not exist.
	List(name string) ([]string, error)
	// SyncDir makes the names of a folder durable.
	SyncDir(name string) error
	// Lock locks the folder for one writer until unlock.
	Lock() (unlock func() error, err error)
}

// file is an open file of a disk.
type file interface {
	io.ReaderAt
	io.WriterAt
	Size() (int64, error)
	Truncate(size int64) error
	// Sync makes the content durable.
	Sync() error
	Close() error
}

// readFile returns the content of a file. It fails for more than limit bytes. An error while reading returns no bytes.
// A file that became shorter is an error.
func readFile(d disk, name string, limit int64) ([]byte, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, fmt.Errorf("read %s: the file is larger than any of its kind", name)
	}
	b := make([]byte, size)
	if n, err := f.ReadAt(b, 0); err != nil && (!errors.Is(err, io.EOF) || n < len(b)) {
		return nil, err
	}
	return b, nil
}

// isEnd reports whether err means the end of a segment after a whole frame.
func isEnd(err error) bool { return errors.Is(err, io.EOF) }

// isUnread reports whether a file could not be opened or read, so that its contents are not known.
func isUnread(err error) bool {
	var failed *fs.PathError
	return errors.As(err, &failed)
}

// isUnreadable reports whether a file that is there could not be opened or read. A directory or a link in its place
// does not count.
func isUnreadable(err error) bool {
	for _, other := range []error{fs.ErrNotExist, syscall.EISDIR, syscall.ENOTDIR, syscall.ELOOP} {
		if errors.Is(err, other) {
			return false
		}
	}
	return isUnread(err)
}
