package hostfs

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// lender holds the mounts through which file descriptors for programs are opened: detached copies of the tree's
// mount, to which no path leads.
type lender struct {
	reads  int    // read-only
	writes int    // -1: no descriptor for writing is passed
	self   uint32 // the uid of this program
	// users is true if the security descriptors are in an attribute of users (user.*).
	users bool
}

// restricted has the mount attributes of every passed descriptor: no execution, no set-uid bits, no devices (F-153).
const restricted = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC

// newLender makes detached copies of the mount that root is on: a read-only one, and for HandOutWrites one for
// writing too. attribute is the one with the security descriptors. It needs CAP_SYS_ADMIN. On an error nothing stays
// open. The caller closes the result.
func newLender(root int, what HandOut, attribute string) (*lender, error) {
	l := &lender{reads: -1, writes: -1, self: uint32(os.Geteuid()), users: strings.HasPrefix(attribute, extended)}
	var err error
	if l.reads, err = clone(root, restricted|unix.MOUNT_ATTR_RDONLY); err == nil && what == HandOutWrites {
		l.writes, err = clone(root, restricted)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// clone returns a detached copy of the mount of a directory, with additional mount attributes and without the mounts
// below it. The caller closes the descriptor. After an error nothing stays open.
func clone(root int, attributes uint64) (int, error) {
	fd, err := unix.OpenTree(root, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return -1, fmt.Errorf("copy of its mount: %w", err)
	}
	set := unix.MountAttr{Attr_set: attributes, Propagation: unix.MS_PRIVATE}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &set); err != nil {
		shut(fd)
		return -1, fmt.Errorf("attributes of the copy of its mount: %w", err)
	}
	return fd, nil
}

// close closes both mounts. It does nothing for nil.
func (l *lender) close() {
	if l != nil {
		shut(l.reads)
		shut(l.writes)
	}
}

// HandsOut returns which file descriptors the tree hands out. If that is less than configured, it returns
// HandOutNothing and the reason: copies of mounts need CAP_SYS_ADMIN. If nothing was configured, the error is nil.
func (t *Tree) HandsOut() (HandOut, error) {
	if t.lender == nil {
		return HandOutNothing, t.noLender
	}
	return t.cfg.HandOut, nil
}

// Rights that a handle needs before a descriptor is passed.
const (
	// seen has the rights to read what any descriptor shows: the attributes, the extended
	// ones, and the security descriptor among those (F-154).
	seen    = winnt.FILE_READ_ATTRIBUTES | winnt.FILE_READ_EA | winnt.READ_CONTROL
	reading = winnt.FILE_READ_DATA
	// writing has all rights that a descriptor for writing gives: its holder can also change the length and the
	// times. A handle for appending is not enough, because the holder can clear O_APPEND.
	writing = winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.FILE_WRITE_ATTRIBUTES | winnt.FILE_WRITE_EA
)

// HandOut opens the file once more for a program of the host with that uid, and returns the file and the rights that
// using it requires. granted has the rights of the handle. If a file for writing would allow too much, the result is
// only for reading. The caller closes it. STATUS_NOT_SUPPORTED means that the tree hands nothing out, and
// STATUS_ACCESS_DENIED that a file descriptor would allow more than granted. Directories give
// STATUS_FILE_IS_A_DIRECTORY. Links are STATUS_ACCESS_DENIED as well, and so is a handle without all rights to read
// the security descriptor.
func (f *file) HandOut(granted winnt.AccessMask, uid uint32) (*os.File, winnt.AccessMask, ntstatus.Status) {
	l := f.t.lender
	if l == nil {
		// The zero value and a tree without a copy of its mount pass no descriptors (F-151).
		return nil, 0, ntstatus.NotSupported
	}
	if f.directory {
		// Names below a directory would be opened through it (F-152).
		return nil, 0, ntstatus.FileIsADirectory
	}
	if f.symlink {
		// A descriptor of a link names only a path, and its target may be a file that nobody checked (F-152).
		return nil, 0, ntstatus.AccessDenied
	}
	s, err := f.stat()
	if err != nil {
		return nil, 0, statusOf(err)
	}
	k, err := f.t.known(held{fd: f.fd}, &s, f.user)
	if err != nil {
		return nil, 0, statusOf(err)
	}
	if granted&seen != seen || k.audited && granted&winnt.ACCESS_SYSTEM_SECURITY == 0 {
		// The attribute with the whole security descriptor can be read through any descriptor (F-154).
		return nil, 0, ntstatus.AccessDenied
	}
	reads, writes := granted&reading != 0, l.confines(&s, granted, uid)
	var out *os.File
	used := winnt.FILE_READ_DATA
	switch {
	case writes && reads:
		used |= winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
		out, err = f.through(l.writes, unix.O_RDWR, &s)
	case writes:
		used = winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
		out, err = f.through(l.writes, unix.O_WRONLY, &s)
	case reads:
		out, err = f.through(l.reads, unix.O_RDONLY, &s)
	default:
		return nil, 0, ntstatus.AccessDenied
	}
	return out, used, statusOf(err)
}

// confines reports whether a writable file descriptor gives no program more rights than granted (F-155). It examines
// the owner and mode in s. uid is the user of the program. The result is false if the owner is not root or this
// process, if others could read more or set the security descriptor, and for set-uid and set-gid bits.
func (l *lender) confines(s *unix.Statx_t, granted winnt.AccessMask, uid uint32) bool {
	if l.writes < 0 || granted&writing != writing {
		return false
	}
	// The owner changes permissions and attributes of the file through any descriptor (F-155).
	if s.Uid == uid || s.Uid != 0 && s.Uid != l.self {
		return false
	}
	// With a POSIX ACL the bits of the group are its mask, which bounds all its entries (F-155).
	others := (s.Mode | s.Mode>>3) & 0o7
	if others&0o4 != 0 && granted&reading == 0 {
		return false // the receiver could open the file again for reading
	}
	if others&0o2 != 0 && l.users {
		// The host lets them set attributes of users through the descriptor, and so the security descriptor (F-155).
		return false
	}
	// Writing through a mapping would not clear these bits (F-125).
	return s.Mode&(unix.S_ISUID|unix.S_ISGID) == 0
}

// through opens an open file again on one of the lender's mounts, by its name. If the name is missing there or now
// belongs to another file, it fails. Devices cannot be opened on these mounts (F-156).
func (f *file) through(mount, flags int, s *unix.Statx_t) (*os.File, error) {
	path := f.linkNow().path
	fd, err := resolve(mount, path, flags|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return nil, err
	}
	found, err := stat(fd)
	if err == nil && (found.Ino != s.Ino || deviceOf(&found) != deviceOf(s)) {
		err = unix.ESTALE
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, 0) // clear O_NONBLOCK: the receiver chooses its own mode
	}
	if err != nil {
		shut(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}
