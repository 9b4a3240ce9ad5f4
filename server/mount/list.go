package mount

import (
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// settled is how long a directory must be unchanged before the kernel may cache its listing. Hosts update a change time
// only once per tick, so a second change in the same tick leaves the time as it is.
const settled = 2 * time.Second

// listing is a program's position in an open directory. It keeps one batch of names.
type listing struct {
	mu sync.Mutex
	// +checklocks:mu
	names []nt.DirectoryName // guarded by mu: names that were read and not passed yet
	// +checklocks:mu
	at uint64 // guarded by mu: the position before names[0]; 0: the start
	// +checklocks:mu
	ended bool // guarded by mu: there are no more names
	// +checklocks:mu
	counted bool // guarded by mu: the names have no positions, so their number is one
}

// OpenDir opens a directory for listing. It needs FILE_LIST_DIRECTORY. The handle also gets FILE_READ_ATTRIBUTES if the
// caller has it. It returns ESTALE for an unknown node. A refusal of listing is EACCES. The kernel caches the names
// only if every user sees the same ones.
func (m *Mount) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	n := m.nodes.get(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return m.as(&in.InHeader, func(t *worker) fuse.Status {
		const base = winnt.FILE_LIST_DIRECTORY | winnt.SYNCHRONIZE
		h, s := t.openNode(m, n, nt.CreateFileIn{DesiredAccess: base | winnt.FILE_READ_ATTRIBUTES,
			CreateOptions: uint32(fileaccess.DirectoryFile)})
		tells := s == fuse.OK
		if s == fuse.EACCES {
			h, s = t.openNode(m, n, nt.CreateFileIn{DesiredAccess: base, CreateOptions: uint32(fileaccess.DirectoryFile)})
		}
		if s != fuse.OK {
			return s
		}
		if s := m.addOpen(t, &in.InHeader, n, h, 0, out); s != fuse.OK {
			return s // after a failed open the kernel keeps its cached names
		}
		if tells && !m.hide && m.sys.ListsSameNames(t.Thread, h) {
			m.cacheNames(t, n, h, out)
		}
		return fuse.OK
	})
}

// cacheNames lets the kernel cache a directory's names until the directory changes (M-70). Every open still needs the
// right to list. The handle h must grant FILE_READ_ATTRIBUTES, because a caching kernel requests the attributes. If
// the attributes cannot be read, nothing is cached.
func (m *Mount) cacheNames(t *worker, n *node, h winnt.Handle, out *fuse.OpenOut) {
	f, done, st := t.file(m, h)
	if st != ntstatus.Success {
		return
	}
	defer done()
	facts, _, st := f.Found() // facts from before the names are read, so a later change has another time
	if st != ntstatus.Success {
		return
	}
	if cache, keep := m.nodes.cachesNames(n, facts.ChangeTime, m.now()); keep {
		out.OpenFlags |= fuse.FOPEN_CACHE_DIR | fuse.FOPEN_KEEP_CACHE
	} else if cache {
		out.OpenFlags |= fuse.FOPEN_CACHE_DIR
	}
}

// ReadDir adds the entries after in.Offset to out until out is full. Offset 0 is the start; other offsets are those of
// entries. At the end of the directory it adds none and returns OK. With Config.HideUnreadable it leaves out entries
// that the caller may not read. It returns EBADF for an unknown handle.
func (m *Mount) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	o := m.open(in.Fh)
	if o == nil {
		return fuse.EBADF
	}
	read := func(t *worker) fuse.Status { return m.readDir(t, o, in.Offset, out) }
	if m.hide {
		// The user who lists decides which entries are hidden. That is the user who opened the
		// directory, because the kernel opens and reads it in one call (M-14).
		return m.as(&in.InHeader, read)
	}
	return m.do(o.payer, read)
}

// readDir adds directory entries after an offset to out, until out is full or the directory ends. Both ends are OK. A
// mount that hides unreadable files leaves out files that the client cannot see. A failed read returns its status;
// entries added before stay.
func (m *Mount) readDir(t *worker, o *open, after uint64, out *fuse.DirEntryList) fuse.Status {
	l := &o.list
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.seekLocked(after); ; {
		if st := l.fillLocked(m, t, o.h, after); st != ntstatus.Success || len(l.names) == 0 {
			return status(st)
		}
		e := &l.names[0]
		dots := e.Name == "." || e.Name == ".."
		if (!m.hide || dots || m.visible(t, o.n, e.Name)) && !out.AddDirEntry(
			fuse.DirEntry{Name: e.Name, Ino: e.FileID, Mode: modeOf(nil, e.Directory, e.Link), Off: e.Position}) {
			return fuse.OK
		}
		l.at, l.names = e.Position, l.names[1:]
	}
}

// seekLocked discards the batch unless it continues after an offset. Names without positions are then read again from
// the start (M-71).
//
// +checklocks:l.mu
func (l *listing) seekLocked(after uint64) {
	if after == l.at && after != 0 {
		return
	}
	l.names, l.at, l.ended = nil, after, false
	if l.counted {
		l.at = 0
	}
}

// fillLocked reads further names of the open directory h until a name lies after an offset. At the end of the
// directory, fillLocked leaves no names and returns Success. An entry without a position gets its number. After an
// error, earlier names stay.
// +checklocks:l.mu
func (l *listing) fillLocked(m *Mount, t *worker, h winnt.Handle, after uint64) ntstatus.Status {
	for !l.ended {
		for l.counted && len(l.names) > 0 && l.at < after {
			l.at, l.names = l.names[0].Position, l.names[1:]
		}
		if len(l.names) > 0 {
			break
		}
		names, st := m.sys.ListNames(t.Thread, h, l.at)
		if st == ntstatus.NoMoreFiles || st == ntstatus.NoSuchFile {
			l.ended = true
			break
		}
		if st != ntstatus.Success {
			return st
		}
		for i := range names {
			if names[i].Position == 0 {
				l.counted, names[i].Position = true, l.at+uint64(i)+1
			}
		}
		l.names = names
	}
	return ntstatus.Success
}

// visible reports whether the caller may open the entry name of dir with generic read (F-71). Every failure of the
// open, also of a missing entry, counts as not visible.
func (m *Mount) visible(t *worker, dir *node, name string) bool {
	h, st := t.openIn(m, dir, name, nt.CreateFileIn{DesiredAccess: winnt.GENERIC_READ,
		CreateDisposition: winnt.FILE_OPEN})
	if st == ntstatus.Success {
		t.NtClose(h)
	}
	return st == ntstatus.Success
}

// ReleaseDir closes a directory that OpenDir opened, and its handle. It ignores an unknown handle.
func (m *Mount) ReleaseDir(in *fuse.ReleaseIn) { m.leave(in.Fh) }

// FsyncDir makes the names in a directory durable and returns after that. It returns EBADF for an unknown handle.
func (m *Mount) FsyncDir(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	o := m.open(in.Fh)
	if o == nil {
		return fuse.EBADF
	}
	return m.sync(o)
}
