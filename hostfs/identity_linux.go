package hostfs

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/nt"
)

// handleOfID requests a handle that distinguishes files, even on a file system that cannot open files by handle
// (AT_HANDLE_FID, since Linux 6.5).
const handleOfID = 0x200

// Identity returns the inode number of the found file, or 0 if nothing was found. id distinguishes the file from
// every other file that had or will have the same number. A mount needs both even for files about which it may reveal
// nothing else. id is empty if the file system does not support it.
func (p *place) Identity() (number uint64, id string) {
	if p.object < 0 {
		return 0, ""
	}
	return p.status.Ino, p.read.identify(p.object, &p.status)
}

// Directory returns the identity of the directory that holds the name. ok is false if it does not exist, and for the
// root of the tree.
func (p *place) Directory() (d nt.FileIdentity, ok bool) {
	if p.parent < 0 {
		return d, false
	}
	return nt.FileIdentity{Number: p.parentStatus.Ino, ID: p.parentsKnown.identify(p.parent, &p.parentStatus)}, true
}

// Identity returns the inode number of an open file, and an id that distinguishes it from every other file that had
// or will have this number. id is empty if the file system offers nothing to tell them apart.
func (f *file) Identity() (number uint64, id string) {
	if f.decided != nil {
		if id := f.decided.id.Load(); id != nil {
			return f.node.inode, *id
		}
	}
	s := unix.Statx_t{Ino: f.node.inode, Mask: f.bornMask, Btime: f.born}
	return f.node.inode, f.decided.identify(f.fd, &s)
}

// Directory reports whether the open file is a directory. It makes no system call.
func (f *file) Directory() bool { return f.directory }

// identify returns the id of the inode that fd holds, and caches it in k for later calls. If k is nil, it reads the
// id and caches nothing. The id is "" if the file system offers none.
func (k *known) identify(fd int, s *unix.Statx_t) string {
	if k == nil {
		return readIdentity(fd, s)
	}
	if id := k.id.Load(); id != nil {
		return *id
	}
	id := readIdentity(fd, s)
	k.id.Store(&id)
	return id
}

// readIdentity reads the id that distinguishes the inode that fd holds from later ones with the same number: its time
// of birth and its handle. It returns "" if reading the handle fails, or if the file system has neither.
func readIdentity(fd int, s *unix.Statx_t) string {
	handle, err := handleOf(fd)
	if err != nil {
		return ""
	}
	return identityString(s, handle)
}

// identityString combines everything that distinguishes files with the same inode number: the time of birth, and the
// handle, which contains the file system's own count of the number's uses (F-180). It returns "" without both.
func identityString(s *unix.Statx_t, handle []byte) string {
	born := s.Mask&unix.STATX_BTIME != 0
	if !born && handle == nil {
		// Inode numbers are reused, and nothing distinguishes this file from the next one with its number (F-180).
		return ""
	}
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 64), s.Ino)
	if born {
		b = binary.LittleEndian.AppendUint64(b, uint64(s.Btime.Sec))
		b = binary.LittleEndian.AppendUint32(b, s.Btime.Nsec)
	}
	return string(append(b, handle...))
}

// handleOf returns the file system's handle of the inode that fd holds. It returns nil and no error if the file system
// has no handles, or if the call is not available. Another error of the host is returned.
func handleOf(fd int) ([]byte, error) {
	var h fileHandle
	for _, flags := range [...]uintptr{unix.AT_EMPTY_PATH | handleOfID, unix.AT_EMPTY_PATH} {
		var mount int32
		h.bytes = maxHandle
		_, _, err := unix.Syscall6(unix.SYS_NAME_TO_HANDLE_AT, uintptr(fd), uintptr(unsafe.Pointer(&noName[0])),
			uintptr(unsafe.Pointer(&h)), uintptr(unsafe.Pointer(&mount)), flags, 0)
		switch err {
		case 0:
			return slices.Clone(h.handle[:min(h.bytes, maxHandle)]), nil
		case unix.EINVAL: // an older kernel does not know the flags: try the next ones
		case unix.EOPNOTSUPP, unix.EOVERFLOW, unix.ENOSYS, unix.EPERM: // EPERM: a seccomp filter
			return nil, nil
		default:
			return nil, err
		}
	}
	return nil, nil
}

// maxHandle is MAX_HANDLE_SZ, in bytes.
const maxHandle = 128

// fileHandle is struct file_handle of linux/fcntl.h.
type fileHandle struct {
	bytes  uint32
	kind   int32
	handle [maxHandle]byte
}
