package hostfs

import (
	"slices"
	"strings"
	"sync"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// node is an inode with at least one open: the tree's table of opens has one for each. Tree.mu guards the fields
// without another guard.
type node struct {
	inode  uint64
	opens  []*file
	first  [1]*file // room of opens
	doomed []*link  // the names that go, each with its last open

	moving  sync.Mutex // held while a name of the file is moved or removed
	filling sync.Mutex // held while the contents are replaced
}

// link is one name of an open file. Tree.mu guards its fields.
type link struct {
	dir       int // holds the directory; -1: it is not held
	owned     bool
	directory uint64 // its inode
	name      string // in it; empty: the root of the tree
	path      string // of the file, below the root of the tree, with backslashes
	users     int
}

// enter adds an open of an inode to the table of opens, if the share modes allow it. A file descriptor must hold the
// inode. On failure nothing changes:
//   - too many opens in the tree: STATUS_TOO_MANY_OPENED_FILES
//   - name marked for deletion: STATUS_DELETE_PENDING
//   - conflict of share modes: STATUS_SHARING_VIOLATION
func (t *Tree) enter(inode uint64, f *file) ntstatus.Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.opens >= t.cfg.Opens {
		// A tree has a bounded number of open files (F-123).
		return ntstatus.TooManyOpenedFiles
	}
	n := t.nodes[inode]
	if n == nil {
		n = &f.ownNode
		n.inode, n.opens = inode, n.first[:0]
	}
	if n.goesLocked(f.link) {
		// A name that is marked for deletion cannot be opened (F-117).
		return ntstatus.DeletePending
	}
	for _, other := range n.opens {
		// Only opens that read, write, execute or delete take part (F-49).
		if fileaccess.SharesModes(f.granted) && fileaccess.SharesModes(other.granted) &&
			(!shares(other.share, f.granted) || !shares(f.share, other.granted)) {
			// Two opens must each share what the other may do (F-116).
			return ntstatus.SharingViolation
		}
	}
	f.node = n
	t.linkLocked(n, f)
	n.opens = append(n.opens, f)
	t.nodes[inode] = n
	t.opens++
	return ntstatus.Success
}

// linkLocked makes opens of a file by the same name share one link, so that a rename or deletion mark affects all
// (F-181). A shared link without a directory takes that of f. If it has one, the directory that f owns is closed.
//
// +checklocks:t.mu
func (t *Tree) linkLocked(n *node, f *file) {
	for _, other := range n.opens {
		l := other.link
		if !l.same(f.link) {
			continue
		}
		switch {
		case l.dir < 0:
			l.dir, l.owned, l.directory = f.link.dir, f.link.owned, f.link.directory
		case f.link.owned:
			shut(f.link.dir)
		}
		f.link = l
		break
	}
	f.link.users++
}

// same reports whether two links of one file are the same name. It compares the directories, or the paths if one of
// the links does not hold its directory.
func (l *link) same(m *link) bool {
	if l.name != m.name {
		return false
	}
	if l.dir < 0 || m.dir < 0 {
		return l.path == m.path
	}
	return l.directory == m.directory
}

// shares reports whether share access s allows another open to have these rights. Rights other than reading, writing
// and DELETE never conflict.
func shares(s fileaccess.ShareAccess, granted winnt.AccessMask) bool {
	const reads, writes = winnt.FILE_READ_DATA | winnt.FILE_EXECUTE, winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
	return (granted&reads == 0 || s&fileaccess.ShareRead != 0) &&
		(granted&writes == 0 || s&fileaccess.ShareWrite != 0) &&
		(granted&winnt.DELETE == 0 || s&fileaccess.ShareDelete != 0)
}

// leave removes an open from the table of opens. The last open by a name that is marked for deletion removes the
// name, and enter refuses that name until then. Errors of the removal are lost (F-117).
func (t *Tree) leave(f *file) {
	t.mu.Lock()
	n, l := f.node, f.link
	if f.deleteOnClose {
		t.doomLocked(n, l)
	}
	for i, other := range n.opens {
		if other == f {
			n.opens = append(n.opens[:i], n.opens[i+1:]...)
			break
		}
	}
	t.opens--
	t.unlinkLocked(l)
	if slices.Contains(n.doomed, l) && l.users == 1 { // this was the last open by a name that is marked for deletion
		t.mu.Unlock()
		t.remove(n, l, f)
		t.mu.Lock()
		t.spareLocked(n, l)
	}
	if len(n.opens) == 0 && len(n.doomed) == 0 {
		delete(t.nodes, n.inode)
	}
	t.mu.Unlock()
}

// KeepName withdraws FILE_DELETE_ON_CLOSE: the name stays when the open is closed. It implements [nt.NameKeeper].
func (f *file) KeepName() {
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	f.deleteOnClose = false
}

// goesLocked reports whether a name of a file is marked for deletion. Tree.mu is held.
func (n *node) goesLocked(l *link) bool {
	return slices.ContainsFunc(n.doomed, func(d *link) bool { return d.same(l) })
}

// doomLocked marks a name for deletion with its last open. A second mark changes nothing.
// +checklocks:t.mu
func (t *Tree) doomLocked(n *node, l *link) {
	if !slices.Contains(n.doomed, l) {
		n.doomed = append(n.doomed, l)
		l.users++
		t.dooms++
	}
}

// spareLocked removes the mark for deletion from a name. Without a mark it does nothing.
// +checklocks:t.mu
func (t *Tree) spareLocked(n *node, l *link) {
	if i := slices.Index(n.doomed, l); i >= 0 {
		n.doomed = slices.Delete(n.doomed, i, i+1)
		t.dooms--
		t.unlinkLocked(l)
	}
}

// unlinkLocked ends one use of a link. With the last use it closes the directory if the link owns it. It removes no
// file.
// +checklocks:t.mu
func (t *Tree) unlinkLocked(l *link) {
	if l.users--; l.users == 0 && l.owned {
		shut(l.dir)
	}
}

// doom marks the name of an open for deletion with the last open by that name, or removes the mark if remove is
// false. Repeating either has no effect.
func (t *Tree) doom(f *file, remove bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if remove {
		t.doomLocked(f.node, f.link)
	} else {
		t.spareLocked(f.node, f.link)
	}
}

// pending reports whether a directory is open and marked for deletion. It suffices to know the inode number, because
// a directory has one name.
func (t *Tree) pending(inode uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[inode]
	return n != nil && len(n.doomed) > 0
}

// goes reports whether the name of the open is marked for deletion.
func (f *file) goes() bool {
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	return f.node.goesLocked(f.link)
}

// pendingAt reports whether the file with that inode number is open and its name l is marked for deletion. l holds
// its directory.
func (t *Tree) pendingAt(inode uint64, l link) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[inode]
	return n != nil && n.goesLocked(&l)
}

// isOpen reports whether this tree has an open of the inode, or a name of it that still has to be removed.
func (t *Tree) isOpen(inode uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nodes[inode] != nil
}

// opensBelow reports whether this tree has an open of any descendant of the directory at path. It ignores the
// directory itself. Components are separated by backslashes, and case matters.
func (t *Tree) opensBelow(path string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range t.nodes {
		for _, f := range n.opens {
			if strings.HasPrefix(f.link.path, path+`\`) {
				return true
			}
		}
	}
	return false
}
