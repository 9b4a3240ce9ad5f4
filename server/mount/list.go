package mount

import (
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// listing is the position in a directory. It keeps one batch of names.
type listing struct {
	mu sync.Mutex
	// +checklocks:mu
	names []nt.DirectoryName // guarded by mu
	// +checklocks:mu
	from uint64 // guarded by mu: the place of names[0], counted from 0
	// +checklocks:mu
	begun bool // guarded by mu
	// +checklocks:mu
	ended bool // guarded by mu
}

// OpenDir opens a directory for listing. It needs FILE_LIST_DIRECTORY. The handle also gets FILE_READ_ATTRIBUTES if
// the caller has it. It returns ESTALE for an unknown node.
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

// ReadDir adds the entries from in.Offset on to out until out is full. It lists . and .. first. At the end of the
// directory it adds none and returns OK. With Config.HideUnreadable it leaves out entries that the caller may not
// read. It returns EBADF for an unknown handle.
func (m *Mount) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	o := m.open(in.Fh)
	if o == nil {
		return fuse.EBADF
	}
	run := m.do
	if m.hide {
		// The user who lists decides which entries are hidden. That is the user who opened the
		// directory, because the kernel opens and reads it in one call (M-14).
		run = func(f func(*worker) fuse.Status) fuse.Status { return m.as(&in.InHeader, f) }
	}
	return run(func(t *worker) fuse.Status { return m.readDir(t, o, in.Offset, out) })
}

// readDir adds the entries from offset at to out until out is full or the directory ends. Both are OK. Offsets 0 and 1
// are . and ..
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
		e, st := l.entryLocked(m, t, o.h, at-2)
		if st != ntstatus.Success || e == nil {
			return status(st)
		}
		if m.hide && !m.visible(t, o.n, e.Name) {
			continue
		}
		if !out.AddDirEntry(fuse.DirEntry{Name: e.Name, Mode: modeOf(nil, e.Directory, e.Link), Off: at + 1}) {
			return fuse.OK
		}
	}
}

// entryLocked returns the entry at an offset that counts from 0. At the end it returns nil and Success. It reads
// further batches from the directory as needed. An offset before the current batch reads the directory again from its
// start. The result is valid until the next call.
//
// +checklocks:l.mu
func (l *listing) entryLocked(m *Mount, t *worker, h winnt.Handle, at uint64) (*nt.DirectoryName, ntstatus.Status) {
	if !l.begun || at < l.from {
		l.names, l.from, l.begun, l.ended = nil, 0, false, false
	}
	for at >= l.from+uint64(len(l.names)) {
		if l.ended {
			return nil, ntstatus.Success
		}
		names, st := m.sys.ListNames(t.Thread, h, !l.begun)
		l.begun = true
		if st == ntstatus.NoMoreFiles || st == ntstatus.NoSuchFile {
			l.ended = true
			return nil, ntstatus.Success
		}
		if st != ntstatus.Success {
			return nil, st
		}
		l.from += uint64(len(l.names))
		l.names = names
	}
	return &l.names[at-l.from], ntstatus.Success
}

// visible reports whether the caller may open the entry name of dir with generic read (F-71). Every failure of the
// open, also of a missing entry, counts as not visible.
func (m *Mount) visible(t *worker, dir *node, name string) bool {
	h, _, st := t.openAt(m, m.nodes.path(dir, name), nt.CreateFileIn{DesiredAccess: winnt.GENERIC_READ,
		CreateDisposition: winnt.FILE_OPEN})
	if st == ntstatus.Success {
		t.NtClose(h)
	}
	return st == ntstatus.Success
}

// ReleaseDir closes a directory that OpenDir opened, and its handle. It ignores an unknown handle.
func (m *Mount) ReleaseDir(in *fuse.ReleaseIn) { m.leave(in.Fh) }

// FsyncDir does nothing and returns OK, because the tree does not delay changes of names.
func (m *Mount) FsyncDir(<-chan struct{}, *fuse.FsyncIn) fuse.Status { return fuse.OK }
