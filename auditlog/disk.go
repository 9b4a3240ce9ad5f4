package auditlog

import (
	"errors"
	"io"
	"io/fs"
)

// disk is the seam between a log and its folder: each operation on a file is
// one call of it, so that tests can let any single one fail or be the last.
// Names are relative to the folder, with slashes.
type disk interface {
	// Create makes a file that is not there yet, readable by its owner only.
	Create(name string) (file, error)
	// Open opens a file that is there.
	Open(name string) (file, error)
	// Mkdir makes a folder with its parents; one that is there is no error.
	Mkdir(name string) error
	// Rename gives a file another name, in place of what had it.
	Rename(from, to string) error
	// Remove unlinks a file.
	Remove(name string) error
	// List returns the names in a folder, sorted; none if it is not there.
	List(name string) ([]string, error)
	// SyncDir makes the names of a folder durable.
	SyncDir(name string) error
	// Lock takes the folder for one writer until unlock.
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

// readFile returns the content of a file of at most limit bytes.
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
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("the file is larger than any of its kind")}
	}
	b := make([]byte, size)
	if n, err := f.ReadAt(b, 0); err != nil && (!errors.Is(err, io.EOF) || n < len(b)) {
		return nil, err
	}
	return b, nil
}

// isEnd reports whether a segment ends where it should.
func isEnd(err error) bool { return errors.Is(err, io.EOF) }
