package hostfs

import (
	"errors"
	"slices"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Extended attributes of the inode that a descriptor holds. For a descriptor that is open for reading or writing the
// f…xattr calls suffice. One opened with O_PATH needs a path: its number below ownDescriptors is the shortest.

// smallAttribute is the size of values that are read without an allocation, in bytes.
const smallAttribute = 1024

// held is a file descriptor through which extended attributes are read. If the kernel refuses that, as for O_PATH,
// the read sets place, so that further reads use the path in /proc at once.
type held struct {
	fd    int
	place bool // opened with O_PATH: attributes are read by path
}

// attributeOf reads an extended attribute of the inode that a descriptor holds. It returns nil without an error if the
// attribute is missing or the file system has no attributes. An empty value is not nil.
func (h *held) attributeOf(name string) ([]byte, error) {
	var b [smallAttribute]byte
	n, err := h.read(name, b[:])
	if errors.Is(err, unix.ERANGE) {
		return attribute(placeOf(h.fd), name)
	}
	if err != nil || n < 0 {
		return nil, err
	}
	return slices.Clone(b[:n]), nil
}

// read reads an extended attribute of the held inode into b and returns the length of the value. b must not be empty.
// A missing or unsupported attribute is -1 without an error. A value that does not fit, or a name of shortName bytes
// or more, is ERANGE.
func (h *held) read(name string, b []byte) (int, error) {
	var room [shortName]byte
	if len(name) >= len(room) {
		return -1, unix.ERANGE
	}
	copy(room[:], name)
	for {
		n, err := uintptr(0), unix.EBADF
		if !h.place {
			n, _, err = unix.Syscall6(unix.SYS_FGETXATTR, uintptr(h.fd), uintptr(unsafe.Pointer(&room[0])),
				uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, 0)
		}
		if err == unix.EBADF {
			h.place = true
			n, err = readPlace(h.fd, &room, b)
		}
		switch err {
		case 0:
			return int(n), nil
		case unix.ENODATA, unix.ENOTSUP:
			return -1, nil
		case unix.EINTR:
		default:
			return -1, err
		}
	}
}

// xattrArgs is struct xattr_args of linux/xattr.h where a pointer has 64 bits.
type xattrArgs struct {
	value unsafe.Pointer
	size  uint32
	flags uint32
}

// readPlace reads an attribute into b through an O_PATH descriptor, and returns the length of the value. name ends
// with a zero byte. A value longer than b is ERANGE, a missing attribute ENODATA. With an error the length is
// meaningless. An empty b panics.
func readPlace(fd int, name *[shortName]byte, b []byte) (uintptr, unix.Errno) {
	if dir := ownDescriptors(); dir >= 0 && strconv.IntSize == 64 {
		var room [24]byte
		number := append(strconv.AppendInt(room[:0], int64(fd), 10), 0)
		args := xattrArgs{value: unsafe.Pointer(&b[0]), size: uint32(len(b))}
		n, _, err := unix.Syscall6(unix.SYS_GETXATTRAT, uintptr(dir), uintptr(unsafe.Pointer(&number[0])), 0,
			uintptr(unsafe.Pointer(&name[0])), uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args))
		if err != unix.ENOSYS && err != unix.EPERM { // ENOSYS: before Linux 6.13; EPERM: a seccomp filter
			return n, err
		}
	}
	var room [40]byte
	path := append(strconv.AppendInt(append(room[:0], "/proc/self/fd/"...), int64(fd), 10), 0)
	n, _, err := unix.Syscall6(unix.SYS_GETXATTR, uintptr(unsafe.Pointer(&path[0])), uintptr(unsafe.Pointer(&name[0])),
		uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, 0)
	return n, err
}

// setHeld sets an extended attribute of the inode that a descriptor holds. how has the flags of setxattr(2). It also
// works for a descriptor that was opened with O_PATH.
func setHeld(fd int, name string, value []byte, how int) error {
	err := retry(func() error { return unix.Fsetxattr(fd, name, value, how) })
	if errors.Is(err, unix.EBADF) {
		err = retry(func() error { return unix.Setxattr(placeOf(fd), name, value, how) })
	}
	return err
}
