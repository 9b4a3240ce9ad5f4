package hostfs

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// copiedAtOnce is how much of a file the system is asked to copy at once, in bytes.
const copiedAtOnce = 16 << 20

// Refill implements nt.Refillable.
func (f *file) Refill(from nt.OpenFile) ntstatus.Status {
	src, ok := from.(*file)
	if !ok || f.directory || src.directory || f.symlink || src.symlink || src.node == f.node {
		return ntstatus.InvalidParameter
	}
	// Of two that come at once one is whole in the end (G-33).
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
	return statusOf(retry(func() error { return unix.Ftruncate(f.fd, int64(s.Size)) }))
}

// makeRoom sees to it that there is room for what a file is to become, before anything in it
// changes (G-34). File systems without the call are asked by the copy itself.
func (f *file) makeRoom(size int64) error {
	s, err := f.stat()
	if err != nil || size <= int64(s.Size) {
		return err
	}
	err = retry(func() error { return unix.Fallocate(f.fd, unix.FALLOC_FL_KEEP_SIZE, 0, size) })
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	if err != nil {
		_ = unix.Ftruncate(f.fd, int64(s.Size)) // what was allocated behind the end goes
	}
	return err
}

// copyFrom copies the first bytes of another file to the same places.
func (f *file) copyFrom(src *file, size int64) ntstatus.Status {
	for at := int64(0); at < size; {
		in, out := at, at
		n, err := unix.CopyFileRange(src.fd, &in, f.fd, &out, int(min(size-at, copiedAtOnce)), 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EXDEV), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS),
			errors.Is(err, unix.EOPNOTSUPP):
			return f.copyByHand(src, at, size)
		case err != nil:
			return statusOf(err)
		case n == 0:
			return ntstatus.EndOfFile // the file became shorter meanwhile
		}
		at += int64(n)
	}
	return ntstatus.Success
}

// copyByHand copies where the system does not.
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
			return ntstatus.EndOfFile // likewise
		}
		at += int64(n)
	}
	return ntstatus.Success
}
