package hostfs

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/diskio"
)

// The calls by which a tree changes the host's files, and reads the attributes that decide. A test lets each of them
// fail with Config.Faults, which gets the call's name and that of the file in its directory, or of the attribute.

// fault returns the error that a test injects for a system call with Config.Faults. Outside tests it returns nil.
func (t *Tree) fault(call, name string) error { return diskio.Faults(t.cfg.Faults).Check(call, name) }

// fault returns the error that a test injects for a system call on this open file. Outside tests it returns nil.
func (f *file) fault(call string) error {
	if f.t.cfg.Faults == nil {
		return nil
	}
	return f.t.fault(call, f.linkNow().name)
}

// rename renames a name in one directory to a name in another, as renameat2(2) does. It does not repeat an
// interrupted call.
func (t *Tree) rename(from int, name string, to int, next string, flags uint) error {
	if err := t.fault("rename", next); err != nil {
		return err
	}
	return unix.Renameat2(from, name, to, next, flags)
}

// unlink removes a name of a directory, as unlinkat(2) does with these flags. It does not check which file has the
// name.
func (t *Tree) unlink(dir int, name string, flags int) error {
	if err := t.fault("unlink", name); err != nil {
		return err
	}
	return unix.Unlinkat(dir, name, flags)
}

// linkInode adds a name in a directory for the file that fd holds, as link(2) does. An existing name is EEXIST.
func (t *Tree) linkInode(fd, dir int, name string) error {
	if err := t.fault("link", name); err != nil {
		return err
	}
	return unix.Linkat(unix.AT_FDCWD, placeOf(fd), dir, name, unix.AT_SYMLINK_FOLLOW)
}

// duplicate returns another file descriptor for an open directory. The caller closes it. An error returns -1.
func (t *Tree) duplicate(fd int) (int, error) {
	if err := t.fault("dup", ""); err != nil {
		return -1, err
	}
	return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
}

// setAttribute sets an extended attribute of the file that fd holds. how has the flags of setxattr(2).
func (t *Tree) setAttribute(fd int, name string, value []byte, how int) error {
	if err := t.fault("setxattr", name); err != nil {
		return err
	}
	return setHeld(fd, name, value, how)
}

// attribute returns an extended attribute of the inode that a descriptor holds. It returns nil and no error if the
// attribute is missing or the file system has none.
func (t *Tree) attribute(h *held, name string) ([]byte, error) {
	if err := t.fault("getxattr", name); err != nil {
		return nil, err
	}
	return h.attributeOf(name)
}

// posixOf returns the POSIX ACLs of a file, or nil for a missing one. inherited is nil except for directories.
func (t *Tree) posixOf(h *held, s *unix.Statx_t) (access, inherited []byte, err error) {
	if err := t.fault("getxattr", aclAccess); err != nil {
		return nil, nil, err
	}
	return posixOf(h, s)
}

// chmod sets the permissions of the file that fd holds. name is the file's, for injected errors only.
func (t *Tree) chmod(fd int, name string, mode uint32) error {
	if err := t.fault("chmod", name); err != nil {
		return err
	}
	return unix.Chmod(placeOf(fd), mode)
}

// statAt reads the status of a name of a directory.
func (t *Tree) statAt(dir int, name string) (unix.Statx_t, error) {
	if err := t.fault("stat", name); err != nil {
		return unix.Statx_t{}, err
	}
	return statAt(dir, name, 0)
}

// stat reads the status of the open file.
func (f *file) stat() (unix.Statx_t, error) {
	if err := f.fault("stat"); err != nil {
		return unix.Statx_t{}, err
	}
	return stat(f.fd)
}

// canWrite returns the error with which the host refuses this process to remove names of a directory, nil if it does
// not refuse. A host that cannot tell does not refuse.
func (f *file) canWrite(dir int) error {
	if err := f.fault("access"); err != nil {
		return err
	}
	err := retry(func() error { return unix.Faccessat2(dir, ".", unix.W_OK, unix.AT_EACCESS) })
	if errors.Is(err, unix.EROFS) || errors.Is(err, unix.EACCES) {
		return err
	}
	// EPERM can also mean that a seccomp filter forbids faccessat2, and an append-only directory gives no error.
	if s, err := stat(dir); err == nil && s.Attributes&(unix.STATX_ATTR_IMMUTABLE|unix.STATX_ATTR_APPEND) != 0 {
		return unix.EPERM
	}
	return nil
}

// pwrite writes at an offset, or at the end for a negative one.
func (f *file) pwrite(b []byte, at int64) (int, error) {
	if f.t.cfg.Faults == nil {
		return pwrite(f.fd, b, at)
	}
	return diskio.Faults(f.t.cfg.Faults).Write(f.linkNow().name, b, func(b []byte) (int, error) {
		return pwrite(f.fd, b, at)
	})
}

// pwrite writes at an offset, or at the end of the file for a negative one, which sets the file descriptor's own offset
// to the end of the written bytes. It returns 0 with an error.
func pwrite(fd int, b []byte, at int64) (n int, err error) {
	if at < 0 {
		n, err = unix.Pwritev2(fd, [][]byte{b}, -1, unix.RWF_APPEND)
	} else {
		n, err = unix.Pwrite(fd, b, at)
	}
	return max(n, 0), err // package unix returns -1 with an error
}

// truncate sets the size of the file through fd, a descriptor of it. It repeats interrupted calls.
func (f *file) truncate(fd int, size int64) error {
	if err := f.fault("truncate"); err != nil {
		return err
	}
	return retry(func() error { return unix.Ftruncate(fd, size) })
}

// allocate reserves or frees space, as fallocate(2) does. It repeats interrupted calls. Errors are those of the
// system.
func (f *file) allocate(mode uint32, at, size int64) error {
	if err := f.fault("allocate"); err != nil {
		return err
	}
	return retry(func() error { return unix.Fallocate(f.fd, mode, at, size) })
}

// copyRange copies up to size bytes of src to the same offset of f, inside the kernel, and returns how many it
// copied. 0 without an error means the end of src.
func (f *file) copyRange(src *file, at int64, size int) (n int, err error) {
	fault := f.fault("copy")
	var short *diskio.Short
	switch {
	case errors.As(fault, &short):
		size = min(size, short.Bytes)
	case fault != nil:
		return 0, fault
	}
	in, out := at, at
	if n, err = unix.CopyFileRange(src.fd, &in, f.fd, &out, size, 0); err == nil && short != nil {
		err = short.Err
	}
	return n, err
}
