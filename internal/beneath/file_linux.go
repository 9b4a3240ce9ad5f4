package beneath

import (
	"errors"
	"io/fs"
	"strconv"

	"golang.org/x/sys/unix"
)

// File is a file or directory below a root, held by a descriptor. A rename or a
// link that takes its name does not change which file it is. It belongs to one
// goroutine. The zero value is not usable; see [Dirs.Hold].
type File struct {
	fd   int
	path string
	// Status is the state of the file when it was opened.
	Status unix.Stat_t
}

// Hold opens a file below the root by a path with slashes; "" is the root. A link at the end of the path is held
// itself, and its Status says so. The file is not opened for reading or writing. The error is [ErrMount] if another
// mount is there. The caller closes the file. A failure is a *fs.PathError.
func (d *Dirs) Hold(path string) (*File, error) {
	fd, err := d.OpenPath(path)
	if err != nil {
		return nil, err
	}
	f := &File{fd: fd, path: path}
	if f.Status, err = statAt(fd, "", unix.AT_EMPTY_PATH); err != nil {
		f.Close()
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return f, nil
}

// Close closes the file. Call it once: the descriptor may have another use afterwards.
func (f *File) Close() { _ = unix.Close(f.fd) } // opened with O_PATH

// ProcPath returns a path in /proc that leads to the file while it is open, for calls that accept only paths. Only this
// process can use it.
func (f *File) ProcPath() string { return "/proc/self/fd/" + strconv.Itoa(f.fd) }

// Attribute reads an extended attribute of the file. It returns nil and no error if the file has no such attribute, or
// if the file system does not support attributes. EINTR is retried; a value beyond maxValue is an error.
func (f *File) Attribute(name string) ([]byte, error) {
	for size := 1024; ; {
		b := make([]byte, size)
		n, err := unix.Getxattr(f.ProcPath(), name, b)
		switch {
		case err == nil:
			return b[:n], nil
		case errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP):
			return nil, nil
		case errors.Is(err, unix.ERANGE) && size < maxValue:
			size = maxValue
		case errors.Is(err, unix.EINTR):
		default:
			return nil, &fs.PathError{Op: "read " + name, Path: f.path, Err: err}
		}
	}
}

// maxValue is the length of the longest attribute of Linux, in bytes.
const maxValue = 1 << 16

// SetAttribute writes an extended attribute. A nil value removes it, which is no error if the file does not have it.
// Any other error is a *fs.PathError with the name of the attribute. It repeats an interrupted call.
func (f *File) SetAttribute(name string, value []byte) error {
	set := func() error { return unix.Setxattr(f.ProcPath(), name, value, 0) }
	if value == nil {
		set = func() error { return unix.Removexattr(f.ProcPath(), name) }
	}
	for {
		err := set()
		switch {
		case value == nil && errors.Is(err, unix.ENODATA):
			return nil
		case err == nil:
			return nil
		case !errors.Is(err, unix.EINTR):
			return &fs.PathError{Op: "write " + name, Path: f.path, Err: err}
		}
	}
}
