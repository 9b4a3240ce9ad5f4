package hostfs

import (
	"strconv"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file has the system calls of an open. They build names in stack buffers, because package unix allocates a
// copy of each name.

// shortName is the longest name that is built on the stack, in bytes.
const shortName = 256

// noName is an empty name.
var noName [1]byte

// below opens a file by its path below a directory, without access to its contents (O_PATH). Every lookup in a tree
// goes through it. Backslashes and slashes both separate components. It follows no link and enters no mount (F-112).
// It returns EINVAL for a path with a zero byte, and tries again after EINTR and EAGAIN.
func below(dir int, path string, flags uint64) (int, error) {
	how := unix.OpenHow{
		Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC | flags,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS |
			unix.RESOLVE_NO_XDEV,
	}
	var short [shortName]byte
	name := short[:]
	if len(path) >= len(short) {
		name = make([]byte, len(path)+1)
	}
	for i := range len(path) {
		switch name[i] = path[i]; name[i] {
		case '\\':
			name[i] = '/'
		case 0:
			return -1, unix.EINVAL
		}
	}
	for {
		fd, _, err := unix.Syscall6(unix.SYS_OPENAT2, uintptr(dir), uintptr(unsafe.Pointer(&name[0])),
			uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
		switch err {
		case 0:
			return int(fd), nil
		case unix.EINTR, unix.EAGAIN:
			// On EAGAIN a concurrent rename kept the kernel from proving that the path stays below the directory.
			// Another program's lease is no reason for it, because O_PATH breaks no lease.
		default:
			return -1, err
		}
	}
}

// resolve opens a path below a directory like below, but with access to the contents. If another program has a lease
// on the file, it fails with EAGAIN with O_NONBLOCK in flags, and otherwise waits, by default at most 45 seconds.
func resolve(dir int, path string, flags int) (int, error) {
	fd, err := below(dir, path, 0)
	if err != nil {
		return -1, err
	}
	defer shut(fd)
	return openAgain(fd, flags)
}

// statMask selects the fields that every statx call requests.
const statMask = unix.STATX_BASIC_STATS | unix.STATX_BTIME

// stat returns the state of the inode that fd holds: type, mode, owner, size and times. fd may be opened with O_PATH.
// It repeats interrupted calls. Other errors are returned as unix.Errno.
func stat(fd int) (s unix.Statx_t, err error) {
	for {
		_, _, err := unix.Syscall6(unix.SYS_STATX, uintptr(fd), uintptr(unsafe.Pointer(&noName[0])), unix.AT_EMPTY_PATH,
			statMask, uintptr(unsafe.Pointer(&s)), 0)
		switch err {
		case 0:
			return s, nil
		case unix.EINTR:
		default:
			return s, err
		}
	}
}

// statAt returns the state of a name of a directory. It does not follow a link.
func statAt(dir int, name string, flags int) (s unix.Statx_t, err error) {
	err = retry(func() error { return unix.Statx(dir, name, flags|unix.AT_SYMLINK_NOFOLLOW, statMask, &s) })
	return s, err
}

// ownDescriptors returns a descriptor of /proc/self/fd, which is never closed. A path relative to it has one component.
// It returns -1 if the directory could not be opened. Callers then use the full path.
var ownDescriptors = sync.OnceValue(func() int {
	fd, err := unix.Open("/proc/self/fd", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
})

// openAgain opens the file of an open file descriptor again with other flags, such as for writing, independent of its
// name. The caller closes the result. It repeats interrupted calls, and returns -1 with every error.
func openAgain(fd, flags int) (int, error) {
	var room [40]byte
	short, at := room[:0], ownDescriptors()
	if at < 0 {
		short, at = append(short, "/proc/self/fd/"...), unix.AT_FDCWD
	}
	name := append(strconv.AppendInt(short, int64(fd), 10), 0)
	for {
		n, _, err := unix.Syscall6(unix.SYS_OPENAT, uintptr(at), uintptr(unsafe.Pointer(&name[0])),
			uintptr(flags|unix.O_CLOEXEC|unix.O_LARGEFILE), 0, 0, 0)
		switch err {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return -1, err
		}
	}
}
