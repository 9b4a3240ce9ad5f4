package auditlog

import (
	"cmp"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// free returns the free bytes of a folder's disk for this user, or -1 if that is not known.
func free(dir string) int64 {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return -1
	}
	return bytesFree(&s)
}

// bytesFree returns the number of bytes that an unprivileged user can still write. The unit of Bavail is Frsize, which
// is smaller than Bsize on some file systems, such as FUSE. Old kernels leave Frsize 0; then the unit is Bsize.
func bytesFree(s *unix.Statfs_t) int64 {
	return int64(s.Bavail) * int64(cmp.Or(s.Frsize, s.Bsize)) //nolint:unconvert // 32 bits on some processors
}

// Allocate implements allocator. It keeps the file's size, and returns errNoAllocation if the file system has no such
// call. It repeats an interrupted call. Other errors are *fs.PathErrors.
func (f osFile) Allocate(size int64) error {
	if err := f.Check("allocate"); err != nil {
		return err
	}
	for {
		err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size)
		switch err {
		case unix.EINTR:
		case nil:
			return nil
		case unix.EOPNOTSUPP, unix.ENOSYS:
			return errNoAllocation
		default:
			return &fs.PathError{Op: "allocate", Path: f.Name(), Err: err}
		}
	}
}

// syncData makes the content of a file durable, with only those attributes that reading the content needs. It repeats
// interrupted calls. Any other error is a *fs.PathError.
func syncData(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		switch err {
		case unix.EINTR:
		case nil:
			return nil
		default:
			return &fs.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
		}
	}
}
