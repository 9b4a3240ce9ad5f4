package auditlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// temporary returns the name under which put writes a file before it renames it to name. The names of different files
// differ, because the writer begins a segment while the notary signs.
func temporary(name string) string { return "new-" + name }

// put durably replaces a file of the top folder with the content that fill writes. After a crash the file has the old
// or the new content. The caller must close the returned file, which is nil after an error. An error after the rename
// never matches isFull.
func put(d disk, name string, fill func(f file) error) (file, error) {
	// put cannot undo the rename, so no caller may go on as if only space were missing.
	part := temporary(name)
	if err := d.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := create(d, part, fill)
	if err != nil {
		return nil, err
	}
	if err = d.Rename(part, name); err == nil {
		if lost := d.SyncDir("."); lost != nil {
			err = fmt.Errorf("make the name %s durable: %v", name, lost) //nolint:errorlint // see above
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// overwrite durably writes the first size bytes of a file over themselves, which needs no space, and removes the part
// that put left of a copy. If cut is true, it removes the bytes after them. The caller must close the returned file,
// which is nil after an error.
func overwrite(d disk, name string, size int64, cut bool) (file, error) {
	if err := d.Remove(temporary(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	err = partOf(f, 0, size)(f)
	if err == nil && cut {
		err = f.Truncate(size)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// create creates a file with the content that fill writes, and makes the content durable, but not the name. The
// caller closes the file. It fails if the file exists; if fill fails, the incomplete file stays.
func create(d disk, name string, fill func(f file) error) (file, error) {
	f, err := d.Create(name)
	if err != nil {
		return nil, err
	}
	if err = fill(f); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// bytesOf returns a function for put and create that writes content.
func bytesOf(content []byte) func(f file) error {
	return func(f file) error {
		_, err := f.WriteAt(content, 0)
		return err
	}
}

// partOf returns a function for put and create that copies size bytes of from, starting at offset at. It fails if
// from is shorter. On an error the bytes copied so far stay in f.
func partOf(from io.ReaderAt, at, size int64) func(f file) error {
	return func(f file) error {
		buf := make([]byte, min(size, chunk))
		for done := int64(0); done < size; {
			b := buf[:min(size-done, chunk)]
			if n, err := from.ReadAt(b, at+done); n < len(b) {
				return err
			}
			if _, err := f.WriteAt(b, done); err != nil {
				return err
			}
			done += int64(len(b))
		}
		return nil
	}
}

// closed closes the file that put or create returned. It returns err if that is set, and otherwise the error of the
// close.
func closed(f file, err error) error {
	if err != nil {
		return err
	}
	return f.Close()
}
