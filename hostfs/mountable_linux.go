package hostfs

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

// Shown returns what a mount shows of an open file, by one look at it: its facts
// without what Windows alone asks for (attributes, time of creation, whether a directory
// is empty), and its descriptor, nil where it has none.
func (f *file) Shown() (facts nt.FileFacts, d *sd.Descriptor, st ntstatus.Status) {
	s, err := f.stat()
	if err != nil {
		return facts, nil, statusOf(err)
	}
	if k, err := f.t.known(f.fd, &s); err == nil {
		d = k.descriptor
	}
	return factsOf(&s), d, ntstatus.Success
}

// Found returns the same as it was when the file was opened, without a look at it: for who
// opened it this moment. It looks where the open made or emptied the file.
func (f *file) Found() (facts nt.FileFacts, d *sd.Descriptor, st ntstatus.Status) {
	if f.decided == nil || f.found.FileID == 0 {
		return f.Shown()
	}
	return f.found, f.decided.descriptor, ntstatus.Success
}

func factsOf(s *unix.Statx_t) nt.FileFacts {
	facts := nt.FileFacts{FileBasic: nt.FileBasic{LastAccessTime: fileTime(s.Atime), LastWriteTime: fileTime(s.Mtime),
		ChangeTime: fileTime(s.Ctime)}, EndOfFile: int64(s.Size), AllocationSize: int64(s.Blocks) * 512,
		Links: s.Nlink, FileID: s.Ino, Directory: s.Mode&unix.S_IFMT == unix.S_IFDIR}
	if facts.Directory {
		facts.EndOfFile, facts.AllocationSize, facts.Links = 0, 0, 1
	}
	return facts
}

// Statfs tells about the file system that the tree is on.
func (t *Tree) Statfs(s *unix.Statfs_t) error {
	return retry(func() error { return unix.Fstatfs(t.root, s) })
}

// RemoveName removes at once the name of a file that is to go away with its last open,
// as FILE_DISPOSITION_POSIX_SEMANTICS has it; the opens go on without a name. M-20
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

// Allocate reserves or gives up space, as fallocate(2) does.
func (f *file) Allocate(mode uint32, at, length int64) ntstatus.Status {
	if err := f.changing(); err != nil {
		return statusOf(err)
	}
	return statusOf(retry(func() error { return unix.Fallocate(f.fd, mode, at, length) }))
}

// Backing returns the descriptor of an open file, for the host's kernel to read and
// write the file by itself; the file keeps it. Where it is to be written, the set-uid
// and set-gid bits go now, and it is to be archived: no write is seen later (F-125).
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

// Locking opens the file of an open once more, for locks that every other program of the host
// meets: they are those of the descriptor, which is the caller's to close. It can lock for
// reading alone where the file cannot be written to, as while it runs.
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
