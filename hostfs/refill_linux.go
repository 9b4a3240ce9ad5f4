package hostfs

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// copiedAtOnce is the number of bytes per copy call.
const copiedAtOnce = 16 << 20

// Refill implements nt.Refillable.
func (f *file) Refill(from nt.OpenFile) ntstatus.Status {
	src, ok := from.(*file)
	if !ok || f.directory || src.directory || f.symlink || src.symlink || src.node == f.node {
		return ntstatus.InvalidParameter
	}
	// The result of two concurrent refills is the contents of one of them (G-33).
	f.node.filling.Lock()
	defer f.node.filling.Unlock()
	s, err := src.stat()
	if err == nil {
		err = f.makeRoom(int64(s.Size))
	}
	if err == nil {
		err = f.changing()
	}
	if err != nil {
		return statusOf(err)
	}
	if st := f.copyFrom(src, int64(s.Size)); st != ntstatus.Success {
		return st
	}
	return statusOf(f.truncate(f.fd, int64(s.Size)))
}

// makeRoom allocates space for the new contents before anything in the file changes (G-34). On a file system without
// such a call the copy itself fails if there is no space.
func (f *file) makeRoom(size int64) error {
	s, err := f.stat()
	if err != nil || size <= int64(s.Size) {
		return err
	}
	err = f.allocate(unix.FALLOC_FL_KEEP_SIZE, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	if err != nil {
		_ = unix.Ftruncate(f.fd, int64(s.Size)) // free the allocation after the end
	}
	return err
}

// copyFrom copies the first size bytes of another file. It returns STATUS_END_OF_FILE if that file is shorter.
func (f *file) copyFrom(src *file, size int64) ntstatus.Status {
	for at := int64(0); at < size; {
		n, err := f.copyRange(src, at, int(min(size-at, copiedAtOnce)))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EXDEV), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS),
			errors.Is(err, unix.EOPNOTSUPP):
			return f.copyByHand(src, at, size)
		case err != nil:
			return statusOf(err)
		case n == 0:
			return ntstatus.EndOfFile // the file became shorter
		}
		at += int64(n)
	}
	return ntstatus.Success
}

// copyByHand copies from an offset on by reading and writing, where copy_file_range(2) is not supported.
func (f *file) copyByHand(src *file, at, size int64) ntstatus.Status {
	b := make([]byte, min(size-at, 1<<20))
	for at < size {
		n, st := src.ReadAt(b[:min(size-at, int64(len(b)))], at)
		if st == ntstatus.Success && n > 0 {
			n, st = f.WriteAt(b[:n], at)
		}
		if st != ntstatus.Success {
			return st
		}
		if n == 0 {
			return ntstatus.EndOfFile // the file became shorter
		}
		at += int64(n)
	}
	return ntstatus.Success
}
