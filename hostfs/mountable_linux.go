package hostfs

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

// Shown returns the data that a mount shows of an open file, with one query. d is nil if the descriptor is missing or
// cannot be read; that is not an error. The facts omit data that only Windows needs: attributes, creation time, and
// whether a directory is empty.
func (f *file) Shown() (facts nt.FileFacts, d *sd.Descriptor, st ntstatus.Status) {
	s, err := f.stat()
	if err != nil {
		return facts, nil, statusOf(err)
	}
	if k, err := f.t.known(held{fd: f.fd}, &s, f.user); err == nil {
		d = k.descriptor
	}
	return factsOf(&s), d, ntstatus.Success
}

// Found returns the facts and the descriptor that the open itself read or gave to a new file, without another query, so
// they may be out of date. It calls Shown instead if the open emptied the file.
func (f *file) Found() (facts nt.FileFacts, d *sd.Descriptor, st ntstatus.Status) {
	if f.decided == nil || f.found.FileID == 0 {
		return f.Shown()
	}
	return f.found, f.decided.descriptor, ntstatus.Success
}

// factsOf converts the state of a file to the facts that a mount shows, without attributes and creation time. A
// directory has size 0 and one link.
func factsOf(s *unix.Statx_t) nt.FileFacts {
	facts := nt.FileFacts{FileBasic: nt.FileBasic{LastAccessTime: fileTime(s.Atime), LastWriteTime: fileTime(s.Mtime),
		ChangeTime: fileTime(s.Ctime)}, EndOfFile: int64(s.Size), AllocationSize: int64(s.Blocks) * 512,
		Links: s.Nlink, FileID: s.Ino, Directory: s.Mode&unix.S_IFMT == unix.S_IFDIR}
	if facts.Directory {
		facts.EndOfFile, facts.AllocationSize, facts.Links = 0, 0, 1
	}
	return facts
}

// Statfs fills s with the statistics of the tree's file system, as fstatfs(2) does for the root.
func (t *Tree) Statfs(s *unix.Statfs_t) error {
	return retry(func() error { return unix.Fstatfs(t.root, s) })
}

// RemoveName immediately removes the name of a file that is to be deleted with its
// last open, as FILE_DISPOSITION_POSIX_SEMANTICS does. The opens continue without a name. It fails with
// STATUS_CANNOT_DELETE if the name is not marked for deletion (M-20).
func (f *file) RemoveName() ntstatus.Status {
	t, n := f.t, f.node
	t.mu.Lock()
	doomed := f.link
	if !slices.Contains(n.doomed, doomed) {
		t.mu.Unlock()
		return ntstatus.CannotDelete
	}
	doomed.users++
	t.mu.Unlock()
	st := statusOf(t.removeLink(n, doomed, f))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unlinkLocked(doomed)
	t.spareLocked(n, doomed)
	return st
}

// Allocate reserves or frees space in the range that starts at at and has length bytes. mode has the flags of
// fallocate(2), which can also change the size and zero the range. Like a write, it first clears the set-uid and
// set-gid bits and sets the archive attribute.
func (f *file) Allocate(mode uint32, at, length int64) ntstatus.Status {
	if err := f.changing(); err != nil {
		return statusOf(err)
	}
	return statusOf(f.allocate(mode, at, length))
}

// Extent returns the first offset at or after at that has data, or that is in a hole if hole is true. The end of the
// file is a hole. It returns -1 and success if there is no such offset, or if at is not inside the file. A directory
// or link gives STATUS_INVALID_PARAMETER.
func (f *file) Extent(at int64, hole bool) (int64, ntstatus.Status) {
	if f.directory || f.symlink {
		return -1, ntstatus.InvalidParameter
	}
	whence := unix.SEEK_DATA
	if hole {
		whence = unix.SEEK_HOLE
	}
	f.offset.Lock() // an append reads the file descriptor's offset
	defer f.offset.Unlock()
	at, err := unix.Seek(f.fd, at, whence)
	if errors.Is(err, unix.ENXIO) {
		return -1, ntstatus.Success
	}
	return at, statusOf(err)
}

// Sync makes the contents and attributes of an open file durable, and the names in an open directory. It needs no
// right, as fsync(2). A link is STATUS_ACCESS_DENIED.
func (f *file) Sync() ntstatus.Status {
	if !f.directory {
		return statusOf(f.flush())
	}
	d, err := openDirectory(f.fd)
	if err != nil {
		return statusOf(err)
	}
	defer func() { _ = d.Close() }() // only read
	if err := f.fault("sync"); err != nil {
		return statusOf(err)
	}
	return statusOf(retry(func() error { return unix.Fsync(int(d.Fd())) }))
}

// Backing returns the file descriptor of an open file, with which the host's kernel reads and writes the file
// directly. The file keeps ownership of it: do not close it. For writing, Backing clears the set-uid and set-gid bits
// and sets the archive attribute now, because later writes are not seen (F-125). A directory or link gives -1 and
// STATUS_INVALID_PARAMETER.
func (f *file) Backing(write bool) (fd int, st ntstatus.Status) {
	if f.directory || f.symlink {
		return -1, ntstatus.InvalidParameter
	}
	if write {
		if err := f.changing(); err != nil {
			return -1, statusOf(err)
		}
	}
	return f.fd, ntstatus.Success
}

// Locking opens the file again, for locks that conflict with those of all other programs on the host. The locks
// belong to the returned file descriptor, which the caller must close. If the file cannot be opened for writing, for
// example while it is being executed, only read locks are possible. A directory or link gives -1 and
// STATUS_INVALID_PARAMETER.
func (f *file) Locking() (fd int, st ntstatus.Status) {
	if f.directory || f.symlink {
		return -1, ntstatus.InvalidParameter
	}
	fd, err := openAgain(f.fd, unix.O_RDWR|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		fd, err = openAgain(f.fd, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	}
	return fd, statusOf(err)
}
