package auditlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// temporary returns the name of a file before its rename to name. The names
// differ, because the writer begins a segment while the notary signs.
func temporary(name string) string { return "new-" + name }

// put replaces a file of the top folder by the content that fill writes. After a
// crash the name has either the old content or the new one. put returns the open
// file. After the rename an error never matches isFull, because put cannot undo
// the rename.
func put(d disk, name string, fill func(f file) error) (file, error) {
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

// create creates a file and makes the content that fill writes durable. It fails
// if the file exists.
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

// bytesOf fills a file with a content.
func bytesOf(content []byte) func(f file) error {
	return func(f file) error {
		_, err := f.WriteAt(content, 0)
		return err
	}
}

// partOf fills a file with a part of another.
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

// closed closes the file that put or create returned.
func closed(f file, err error) error {
	if err != nil {
		return err
	}
	return f.Close()
}
