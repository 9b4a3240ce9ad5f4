package hostfs

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// handleOfID asks for a handle that tells files apart, also of a file system that opens
// none by it (AT_HANDLE_FID, since Linux 6.5).
const handleOfID = 0x200

// Identity returns the number of what a place means, 0 where nothing is there, and what
// tells it from every other file that had that number or will have it; a mount needs both of
// files that it may tell nothing else about. The latter is empty where the file system
// has nothing of the kind.
func (p *place) Identity() (number uint64, id string) {
	if p.object < 0 {
		return 0, ""
	}
	return p.status.Ino, p.read.identify(p.object, &p.status)
}

// Identity returns the same of an open file.
func (f *file) Identity() (number uint64, id string) {
	if f.decided != nil {
		if id := f.decided.id.Load(); id != nil {
			return f.node.inode, *id
		}
	}
	s, err := f.stat()
	if err != nil {
		return f.node.inode, ""
	}
	return f.node.inode, f.decided.identify(f.fd, &s)
}

// Directory reports whether an open is of a directory.
func (f *file) Directory() bool { return f.directory }

// identify returns what tells the file of a descriptor from others, and keeps it: what
// is known of a file is that of one inode.
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

// readIdentity asks for the handle. It returns "" where that fails: a file system without handles
// answers so, and does not fail.
func readIdentity(fd int, s *unix.Statx_t) string {
	handle, err := handleOf(fd)
	if err != nil {
		return ""
	}
	return identityString(s, handle)
}

// identityString makes one string of all that tells files of a number apart: the time of
// birth, and the handle, which has the file system's own count of the number's uses. F-180
func identityString(s *unix.Statx_t, handle []byte) string {
	born := s.Mask&unix.STATX_BTIME != 0
	if !born && handle == nil {
		// Numbers are used again: nothing tells this file from the next one with its number (F-180).
		return ""
	}
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 64), s.Ino)
	if born {
		b = binary.LittleEndian.AppendUint64(b, uint64(s.Btime.Sec))
		b = binary.LittleEndian.AppendUint32(b, s.Btime.Nsec)
	}
	return string(append(b, handle...))
}

// handleOf returns the file system's handle of what a descriptor holds; nil for a file
// system without them.
func handleOf(fd int) ([]byte, error) {
	for _, flags := range []int{unix.AT_EMPTY_PATH | handleOfID, unix.AT_EMPTY_PATH} {
		h, _, err := unix.NameToHandleAt(fd, "", flags)
		switch {
		case err == nil:
			return h.Bytes(), nil
		case errors.Is(err, unix.EINVAL): // an older kernel
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EOVERFLOW), errors.Is(err, unix.ENOSYS),
			errors.Is(err, unix.EPERM): // EPERM: a filter of system calls
			return nil, nil
		default:
			return nil, err
		}
	}
	return nil, nil
}
