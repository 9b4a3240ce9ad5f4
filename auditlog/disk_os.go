package auditlog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/refmon/refmon/internal/diskio"
)

// folder is the disk of the operating system.
type folder struct {
	dir    string
	faults diskio.Faults // nil outside tests
}

// path returns the path of a file of the log. name has slashes on every system.
func (d folder) path(name string) string { return filepath.Join(d.dir, filepath.FromSlash(name)) }

// Create creates a file that only its owner can read. It fails if the file exists.
func (d folder) Create(name string) (file, error) {
	f, err := d.faults.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// Open opens an existing file for reading and writing, or only for reading if nothing more is permitted. The caller
// closes it.
func (d folder) Open(name string) (file, error) {
	f, err := d.faults.OpenFile(d.path(name), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) || isReadOnly(err) {
		// A pipe in its place would block until somebody writes to it.
		f, err = d.faults.OpenFile(d.path(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// Mkdir creates a folder and its parents, for their owner alone. An existing folder is not an error.
func (d folder) Mkdir(name string) error { return os.MkdirAll(d.path(name), 0o700) }

// Rename implements disk.
func (d folder) Rename(from, to string) error { return d.faults.Rename(d.path(from), d.path(to)) }

// Remove implements disk.
func (d folder) Remove(name string) error { return d.faults.Remove(d.path(name)) }

// List implements disk. A missing folder has no entries and is not an error. The names are sorted.
func (d folder) List(name string) ([]string, error) {
	entries, err := os.ReadDir(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names, err
}

// SyncDir makes the names in a folder durable.
func (d folder) SyncDir(name string) error { return d.faults.SyncDir(d.path(name)) }

// osFile is a file of the operating system.
type osFile struct{ *diskio.File }

// Size implements file.
func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Sync implements file. It makes the content durable, but not the file's name.
func (f osFile) Sync() error {
	if err := f.Check("sync"); err != nil {
		return err
	}
	return syncData(f.File.File)
}
