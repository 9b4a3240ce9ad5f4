package mount

import (
	"slices"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// listing is how far a directory was read. One batch of names is kept, however long
// the directory is.
type listing struct {
	mu sync.Mutex
	// +checklocks:mu
	names []nt.FileEntry // guarded by mu
	// +checklocks:mu
	from uint64 // guarded by mu: the place of names[0], counted from 0
	// +checklocks:mu
	begun bool // guarded by mu
	// +checklocks:mu
	ended bool // guarded by mu
}

// OpenDir implements fuse.RawFileSystem.
func (m *Mount) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	n := m.nodes.get(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return m.as(&in.InHeader, func(t *worker) fuse.Status {
		const base = winnt.FILE_LIST_DIRECTORY | winnt.SYNCHRONIZE
		h, s := t.openNode(m, n, nt.CreateFileIn{DesiredAccess: base | winnt.FILE_READ_ATTRIBUTES,
			CreateOptions: uint32(fileaccess.DirectoryFile)})
		if s == fuse.EACCES {
			h, s = t.openNode(m, n, nt.CreateFileIn{DesiredAccess: base, CreateOptions: uint32(fileaccess.DirectoryFile)})
		}
		if s != fuse.OK {
			return s
		}
		return m.opened(t, &in.InHeader, n, h, 0, out)
	})
}

// ReadDir implements fuse.RawFileSystem. The names . and .. come first.
func (m *Mount) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	o := m.open(in.Fh)
	if o == nil {
		return fuse.EBADF
	}
	run := m.do
	if m.hide {
		// What is hidden depends on who lists, which is who opened: the kernel sends the
		// two together. M-14
		run = func(f func(*worker) fuse.Status) fuse.Status { return m.as(&in.InHeader, f) }
	}
	return run(func(t *worker) fuse.Status { return m.readDir(t, o, in.Offset, out) })
}

func (m *Mount) readDir(t *worker, o *open, at uint64, out *fuse.DirEntryList) fuse.Status {
	for ; at < 2; at++ {
		if !out.AddDirEntry(fuse.DirEntry{Name: [...]string{".", ".."}[at], Mode: syscall.S_IFDIR, Off: at + 1}) {
			return fuse.OK
		}
	}
	l := &o.list
	l.mu.Lock()
	defer l.mu.Unlock()
	for ; ; at++ {
		e, st := l.entryLocked(t, o.h, at-2)
		if st != ntstatus.Success || e == nil {
			return status(st)
		}
		if m.hide && !m.visible(t, o.n, e.FileName) {
			continue
		}
		mode := modeOf(e.FileAttributes&fileaccess.AttributeDirectory != 0,
			e.FileAttributes&fileaccess.AttributeReparsePoint != 0)
		if !out.AddDirEntry(fuse.DirEntry{Name: e.FileName, Mode: mode, Off: at + 1}) {
			return fuse.OK
		}
	}
}

// entryLocked returns the entry at a place, nil behind the last.
//
// +checklocks:l.mu
func (l *listing) entryLocked(t *worker, h winnt.Handle, at uint64) (*nt.FileEntry, ntstatus.Status) {
	if !l.begun || at < l.from {
		l.names, l.from, l.begun, l.ended = nil, 0, false, false
	}
	for at >= l.from+uint64(len(l.names)) {
		if l.ended {
			return nil, ntstatus.Success
		}
		names, st := t.NtQueryDirectoryFile(h, "", !l.begun)
		l.begun = true
		if st == ntstatus.NoMoreFiles || st == ntstatus.NoSuchFile {
			l.ended = true
			return nil, ntstatus.Success
		}
		if st != ntstatus.Success {
			return nil, st
		}
		l.from += uint64(len(l.names))
		// These two were told by the mount itself.
		l.names = slices.DeleteFunc(names, func(e nt.FileEntry) bool { return e.FileName == "." || e.FileName == ".." })
	}
	return &l.names[at-l.from], ntstatus.Success
}

// visible reports whether the caller may read an entry (F-71).
func (m *Mount) visible(t *worker, dir *node, name string) bool {
	h, _, st := t.openAt(m, m.nodes.path(dir, name), nt.CreateFileIn{DesiredAccess: winnt.GENERIC_READ,
		CreateDisposition: winnt.FILE_OPEN})
	if st == ntstatus.Success {
		t.NtClose(h)
	}
	return st == ntstatus.Success
}

// ReleaseDir implements fuse.RawFileSystem.
func (m *Mount) ReleaseDir(in *fuse.ReleaseIn) { m.leave(in.Fh) }

// FsyncDir implements fuse.RawFileSystem: the tree has written names already.
func (m *Mount) FsyncDir(<-chan struct{}, *fuse.FsyncIn) fuse.Status { return fuse.OK }
