package beneath

import (
	"errors"
	"io/fs"
	"runtime"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Attribute appends an extended attribute of a file below the root to dst. It returns nil without an error if the file
// has no such attribute or the file system does not support attributes. It does not follow a link. It enlarges the
// buffer if it has to. The error is ERANGE for a value of more than most bytes. EINTR is retried. A file that is
// missing is an error.
func (d *Dirs) Attribute(dst []byte, path, name string, most int) ([]byte, error) {
	fd, base, own, err := d.at(path)
	if err != nil {
		return nil, &fs.PathError{Op: "attribute " + name, Path: path, Err: err}
	}
	if own {
		defer func() { _ = unix.Close(fd) }()
	}
	get := func(dst []byte) (int, error) { return unix.Lgetxattr(procPath(fd, base), name, dst) }
	if d.root.xattrat {
		get = func(dst []byte) (int, error) { return getxattrat(fd, base, unix.AT_SYMLINK_NOFOLLOW, name, dst) }
	}
	if cap(dst)-len(dst) < 1024 {
		dst = append(make([]byte, 0, len(dst)+4096), dst...)
	}
	for {
		n, err := get(dst[len(dst):cap(dst)])
		if n > most {
			err = unix.ERANGE
		}
		switch room := cap(dst) - len(dst); {
		case err == nil:
			return dst[:len(dst)+n], nil
		case errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP):
			return nil, nil
		case errors.Is(err, unix.ERANGE) && room < most:
			dst = append(make([]byte, 0, len(dst)+min(8*room, most)), dst...)
		case errors.Is(err, unix.EINTR):
		default:
			return nil, &fs.PathError{Op: "attribute " + name, Path: path, Err: err}
		}
	}
}

// xattrArgs is struct xattr_args of linux/xattr.h on systems with 64-bit pointers.
type xattrArgs struct {
	value unsafe.Pointer
	size  uint32
	flags uint32
}

// hasXattrAt reports whether the kernel has getxattrat (Linux 6.13), by a trial on the open directory fd. On a 32-bit
// system it is false.
func hasXattrAt(fd int) bool {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		return false
	}
	var few [16]byte
	_, err := getxattrat(fd, ".", unix.AT_SYMLINK_NOFOLLOW, "user.refmon", few[:])
	return err == nil || errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ERANGE)
}

// EntryAttribute reads an extended attribute of an entry of an open directory into dst and returns its length. dst
// must not be empty. It does not follow a link. The error is ENODATA if the attribute is missing, and ERANGE if it does
// not fit. getxattrat takes a third of the time of a path through /proc, which is used on older kernels.
func EntryAttribute(dir int, entry, attribute string, dst []byte) (int, error) {
	if strconv.IntSize == 64 {
		n, err := getxattrat(dir, entry, unix.AT_SYMLINK_NOFOLLOW, attribute, dst)
		if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM) {
			return n, err
		}
	}
	return unix.Lgetxattr(procPath(dir, entry), attribute, dst)
}

// getxattrat reads an attribute of an entry of an open directory into dst and returns its length. A value longer than
// dst is ERANGE. An empty dst panics. A name with a zero byte is EINVAL.
func getxattrat(fd int, name string, flags int, attribute string, dst []byte) (int, error) {
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return 0, err
	}
	of, err := unix.BytePtrFromString(attribute)
	if err != nil {
		return 0, err
	}
	args := xattrArgs{value: unsafe.Pointer(&dst[0]), size: uint32(len(dst))}
	n, _, errno := unix.Syscall6(unix.SYS_GETXATTRAT, uintptr(fd), uintptr(unsafe.Pointer(path)), uintptr(flags),
		uintptr(unsafe.Pointer(of)), uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args))
	runtime.KeepAlive(dst)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
