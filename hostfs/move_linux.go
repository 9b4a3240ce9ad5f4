package hostfs

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// target is where a name is to go.
type target struct {
	directory *place // the directory itself
	name      string
	existing  int // holds what has the name already; -1: nothing
	status    unix.Statx_t
}

func (g *target) release() {
	shut(g.existing)
	if g.directory != nil {
		g.directory.Release()
	}
}

// Move implements nt.OpenFile.
func (f *file) Move(m *nt.FileMove) ntstatus.Status {
	l := f.linkNow()
	if l.name == "" && !(f.nameless && m.Link) {
		// The root of the tree has no name to change, nor has a file without one. F-118
		return ntstatus.AccessDenied
	}
	q := fileaccess.Move{Directory: f.directory, DeletePending: f.goes(), ReplaceIfExists: m.Replace,
		OpensBelow: f.directory && f.t.opensBelow(l.path)}
	var g target
	defer g.release()
	g.existing = -1
	dir, name := parentOf(m.Name)
	q.BadName = !fileaccess.ValidName(m.Name) || name == "" || nameable(m.Name) != ntstatus.Success
	if !q.BadName {
		if st := f.findTarget(&g, &q, m.Root, dir, name); st != ntstatus.Success {
			return st
		}
		q.SameDirectory = g.directory.status.Ino == l.directory
		q.SameName = q.SameDirectory && g.name == l.name
	}
	d := m.Decide(&q)
	switch {
	case !d.Allowed():
		return d.Status()
	case d.Nothing:
		return ntstatus.Success
	case q.BadName:
		return ntstatus.ObjectNameInvalid
	case g.existing >= 0 && (!d.Replaces || g.status.Ino == f.node.inode):
		return ntstatus.ObjectNameCollision
	}
	return f.move(&g, m.Link)
}

func parentOf(name string) (dir, last string) {
	i := strings.LastIndexByte(name, '\\')
	return name[:max(i, 0)], name[i+1:]
}

// findTarget finds the directory that a name is to go to, and what has the name there.
func (f *file) findTarget(g *target, q *fileaccess.Move, root nt.OpenFile, dir, name string) ntstatus.Status {
	r := fileaccess.Request{Name: dir}
	found, st := f.t.Find(&r, root)
	if st != ntstatus.Success {
		return st
	}
	g.directory, g.name = found.(*place), name
	q.Target, q.Face = g.directory.facts, r.Face
	if !q.Target.Object.IsDirectory {
		return ntstatus.ObjectPathNotFound
	}
	fd, err := below(g.directory.object, name, 0)
	if errors.Is(err, unix.ENOENT) && f.t.cfg.CaseInsensitive {
		if other, ok := g.directory.fold(g.directory.object, name); ok {
			fd, err = below(g.directory.object, other, 0)
			if s, lost := stat(fd); err == nil && lost == nil && s.Ino == f.node.inode {
				// A change of case alone finds the file itself in its way.
				shut(fd)
				return ntstatus.Success
			}
			g.name = other
		}
	}
	if errors.Is(err, unix.ENOENT) {
		return ntstatus.Success
	}
	if err != nil {
		return statusOf(err)
	}
	g.existing = fd
	return f.describeExisting(g, q)
}

// describeExisting states as facts what has the name already.
func (f *file) describeExisting(g *target, q *fileaccess.Move) (st ntstatus.Status) {
	var err error
	if g.status, err = stat(g.existing); err != nil {
		return statusOf(err)
	}
	kind := g.status.Mode & unix.S_IFMT
	if kind != unix.S_IFDIR && kind != unix.S_IFREG && kind != unix.S_IFLNK || deviceOf(&g.status) != f.t.device {
		return ntstatus.AccessDenied
	}
	k, err := f.t.known(g.existing, &g.status)
	if err != nil {
		return statusOf(err)
	}
	if kind == unix.S_IFLNK && !k.own() {
		// A link that was not made in the tree is not replaced (F-191).
		return ntstatus.AccessDenied
	}
	q.Existing = &fileaccess.Existing{IsDirectory: kind == unix.S_IFDIR, Attributes: k.dos.attributes,
		Descriptor:    k.descriptor,
		DeletePending: f.t.pendingAt(g.status.Ino, link{directory: g.directory.status.Ino, name: g.name}),
		Open:          f.t.isOpen(g.status.Ino)}
	return ntstatus.Success
}

// move does what was decided. The system moves names, not files: what was moved is
// looked at afterwards, and put back where it is another file's. F-118
func (f *file) move(g *target, link bool) ntstatus.Status {
	f.node.moving.Lock()
	defer f.node.moving.Unlock()
	l, to := f.linkNow(), g.directory.object
	if link {
		if g.existing >= 0 {
			return f.linkOver(g)
		}
		return statusOf(linkInode(f.fd, to, g.name))
	}
	var err error
	if g.existing >= 0 {
		err = f.exchange(&l, g)
	} else {
		err = moveOwn(f.node.inode, l.dir, l.name, to, g.name)
	}
	if err != nil {
		return statusOf(err)
	}
	// A backup is to take the file under its new name (F-173).
	f.archive()
	return statusOf(f.renamed(g))
}

// linkInode gives a name to the inode that a descriptor holds.
func linkInode(fd, dir int, name string) error {
	return unix.Linkat(unix.AT_FDCWD, placeOf(fd), dir, name, unix.AT_SYMLINK_FOLLOW)
}

// linkOver gives the file a private name and puts that in the place of what was
// decided to be replaced.
func (f *file) linkOver(g *target) ntstatus.Status {
	to, private := g.directory.object, privateName()
	if err := linkInode(f.fd, to, private); err != nil {
		return statusOf(err)
	}
	l := link{dir: to, name: private}
	if err := f.exchange(&l, g); err != nil {
		_ = unix.Unlinkat(to, private, 0) // no other program knows the name
		return statusOf(err)
	}
	return ntstatus.Success
}

// errMoved says that a name is that of another file meanwhile.
var errMoved = unix.ENOENT

// moveOwn renames a name to one that is free, if it is still the file's.
func moveOwn(inode uint64, from int, name string, to int, next string) error {
	if err := unix.Renameat2(from, name, to, next, unix.RENAME_NOREPLACE); err != nil {
		return err
	}
	if s, err := statAt(to, next, 0); err == nil && s.Ino == inode {
		return nil
	}
	if err := unix.Renameat2(to, next, from, name, unix.RENAME_NOREPLACE); err != nil {
		return err
	}
	return errMoved
}

// exchange puts the file in the place of what was decided to be replaced, and removes
// that: both names are exchanged, looked at, and exchanged again where one is another
// file's.
func (f *file) exchange(l *link, g *target) error {
	to := g.directory.object
	if err := unix.Renameat2(l.dir, l.name, to, g.name, unix.RENAME_EXCHANGE); err != nil {
		return err
	}
	own, lost := statAt(to, g.name, 0)
	other, gone := statAt(l.dir, l.name, 0)
	if lost != nil || gone != nil || own.Ino != f.node.inode || other.Ino != g.status.Ino {
		if err := unix.Renameat2(l.dir, l.name, to, g.name, unix.RENAME_EXCHANGE); err != nil {
			return err
		}
		return errMoved
	}
	err := removeOwn(g.status.Ino, g.status.Mode&unix.S_IFMT == unix.S_IFDIR, l.dir, l.name)
	if errors.Is(err, unix.ENOTEMPTY) {
		// A directory with entries is not replaced: it has its name back. M-20
		if back := unix.Renameat2(l.dir, l.name, to, g.name, unix.RENAME_EXCHANGE); back != nil {
			return back
		}
		return unix.ENOTEMPTY
	}
	return err
}

// removeOwn removes a name, if it is still the file's: under a private name that
// no other program exchanges it is looked at.
func removeOwn(inode uint64, directory bool, dir int, name string) error {
	private := privateName()
	if err := moveOwn(inode, dir, name, dir, private); err != nil {
		return err
	}
	flags := 0
	if directory {
		flags = unix.AT_REMOVEDIR
	}
	err := unix.Unlinkat(dir, private, flags)
	if err != nil { // entries were made meanwhile
		err = errors.Join(err, unix.Renameat2(dir, private, dir, name, unix.RENAME_NOREPLACE))
	}
	return err
}

// remove removes the name of a file that goes away with its last open. What is another
// file's meanwhile stays.
func (t *Tree) remove(n *node, l *link, f *file) {
	_ = t.removeLink(n, l, f) // who closed it is told nothing (F-117)
}

func (t *Tree) removeLink(n *node, l *link, f *file) error {
	n.moving.Lock()
	defer n.moving.Unlock()
	t.mu.Lock()
	now := *l
	t.mu.Unlock()
	return removeOwn(n.inode, f.directory, now.dir, now.name)
}

// renamed notes the new name of the file's opens.
func (f *file) renamed(g *target) error {
	fd, err := unix.FcntlInt(uintptr(g.directory.object), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	l := f.link
	if l.owned {
		shut(l.dir)
	}
	l.dir, l.owned, l.directory, l.name = fd, true, g.directory.status.Ino, g.name
	l.path = join(join(g.directory.path, g.directory.name), g.name)
	return nil
}
