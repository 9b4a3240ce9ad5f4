package hostfs

import (
	"cmp"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// target is the destination of a rename or a new link.
type target struct {
	directory *place // the directory itself
	name      string
	existing  int // holds the file with the new name; -1: no such file
	status    unix.Statx_t
	aside     string // the name that the existing file gets; "": it is removed
}

// release closes the descriptors of a target. It must be called once. existing may be -1.
func (g *target) release() {
	shut(g.existing)
	if g.directory != nil {
		g.directory.Release()
	}
}

// Move renames the file, or adds a hard link to it if m.Link is set. It looks up the target, passes the facts to
// m.Decide without a lock held, and executes the decision. If another program changes a name during the call, Move
// fails and moves that program's file back. The root of the tree gives STATUS_ACCESS_DENIED, and so does a file without
// a name unless m.Link is set. A bad name is STATUS_OBJECT_NAME_INVALID. A target that the decision does not replace is
// STATUS_OBJECT_NAME_COLLISION. A decision of Nothing succeeds.
func (f *file) Move(m *nt.FileMove) ntstatus.Status {
	l := f.linkNow()
	if l.name == "" && !(f.nameless && m.Link) {
		// The root of the tree has no name to change, nor has a file without one (F-118).
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
		if st := f.findTarget(&g, &q, m, dir, name); st != ntstatus.Success {
			return st
		}
		q.SameDirectory = g.directory.status.Ino == l.directory
		q.SameName = q.SameDirectory && g.name == l.name
	}
	if m.Aside != nil {
		return f.moveOver(&g, &q, m)
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

// parentOf splits a name at its last backslash. dir is "" if there is none.
func parentOf(name string) (dir, last string) {
	i := strings.LastIndexByte(name, '\\')
	return name[:max(i, 0)], name[i+1:]
}

// findTarget opens the directory of the new name, and the file that already has the name. For a free name g.existing
// stays -1. On a case-insensitive tree an existing spelling becomes g.name, but for a rename the file's current name
// counts as free. If dir is not a directory, the status is STATUS_OBJECT_PATH_NOT_FOUND, and STATUS_NOT_SAME_OBJECT if
// it is not m.Within. The caller always releases g.
func (f *file) findTarget(g *target, q *fileaccess.Move, m *nt.FileMove, dir, name string) ntstatus.Status {
	r := fileaccess.Request{Name: dir}
	found, st := f.t.Find(&r, m.Root)
	if st != ntstatus.Success {
		return st
	}
	g.directory, g.name = found.(*place), name
	q.Target, q.Face = g.directory.facts, r.Face
	if !q.Target.Object.IsDirectory {
		return ntstatus.ObjectPathNotFound
	}
	if number, id := g.directory.Identity(); m.Within != nil && *m.Within != (nt.FileIdentity{Number: number, ID: id}) {
		// Another directory has the path by now (M-11).
		return ntstatus.NotSameObject
	}
	fd, err := below(g.directory.object, name, 0)
	if errors.Is(err, unix.ENOENT) && f.t.cfg.CaseInsensitive {
		var other string
		if other, err = g.directory.fold(g.directory.object, name); err == nil {
			if l := f.linkNow(); !m.Link && other == l.name && g.directory.status.Ino == l.directory {
				// Only the case of the name changes: the existing file is the moved file itself. moveOwn fails if
				// another program has replaced it.
				return ntstatus.Success
			}
			fd, err = below(g.directory.object, other, 0)
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

// describeExisting reads the file that already has the new name, which the caller has opened as g.existing, and stores
// the facts in q.Existing. It returns STATUS_ACCESS_DENIED for special files, for files of another device and for links
// that were not made in the tree.
func (f *file) describeExisting(g *target, q *fileaccess.Move) (st ntstatus.Status) {
	var err error
	if g.status, err = stat(g.existing); err != nil {
		return statusOf(err)
	}
	kind := g.status.Mode & unix.S_IFMT
	if kind != unix.S_IFDIR && kind != unix.S_IFREG && kind != unix.S_IFLNK || deviceOf(&g.status) != f.t.device {
		return ntstatus.AccessDenied
	}
	k, err := f.t.known(held{fd: g.existing}, &g.status, f.user)
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

// move renames or links the file to the target, after the decision allowed it. It holds the lock of the file's names.
func (f *file) move(g *target, link bool) ntstatus.Status {
	f.node.moving.Lock()
	defer f.node.moving.Unlock()
	return f.moveLocked(g, link)
}

// moveLocked renames the file to the target, or adds a hard link there. It replaces a file that has the name. A hard
// link, or an error, leaves the name of this open unchanged. If another file has the old name by now, that file keeps
// it and the call fails (F-118).
//
// +checklocks:f.node.moving
func (f *file) moveLocked(g *target, link bool) ntstatus.Status {
	l, to := f.linkNow(), g.directory.object
	if link {
		if g.existing >= 0 {
			return f.linkOver(g)
		}
		return statusOf(f.t.linkInode(f.fd, to, g.name))
	}
	// The open's directory is held before anything moves: afterwards an error would leave the open with its old name.
	dir, err := f.t.duplicate(to)
	if err != nil {
		return statusOf(err)
	}
	if g.existing >= 0 {
		err = f.exchange(&l, g)
	} else {
		err = f.t.moveOwn(f.node.inode, l.dir, l.name, to, g.name)
	}
	if err != nil {
		shut(dir)
		return statusOf(err)
	}
	// A backup is to take the file under its new name (F-173).
	f.archive()
	f.renamed(g, dir)
	return ntstatus.Success
}

// linkOver adds a hard link to the file under a name that another file has, and replaces that file. It creates the
// link under a private name first. After an error it removes the private link.
func (f *file) linkOver(g *target) ntstatus.Status {
	to, private := g.directory.object, privateName()
	if err := f.t.linkInode(f.fd, to, private); err != nil {
		return statusOf(err)
	}
	l := link{dir: to, directory: g.directory.status.Ino, name: private}
	if err := f.exchange(&l, g); err != nil {
		_ = f.t.removeOwn(f.node.inode, false, to, private) // removeOwn leaves the name if it belongs to the other file
		return statusOf(err)
	}
	return ntstatus.Success
}

// errMoved means that a name now belongs to another file.
var errMoved = unix.ENOENT

// moveOwn renames a name to a free one, if it belongs to the file with that inode number. Otherwise it moves the
// other file back and returns an error. If that fails as well, the file stays under its new name.
func (t *Tree) moveOwn(inode uint64, from int, name string, to int, next string) error {
	if err := t.rename(from, name, to, next, unix.RENAME_NOREPLACE); err != nil {
		return err
	}
	s, err := t.statAt(to, next)
	if err == nil && s.Ino == inode {
		return nil
	}
	if err := t.rename(to, next, from, name, unix.RENAME_NOREPLACE); err != nil {
		return err
	}
	return cmp.Or(err, error(errMoved))
}

// exchange moves the file to a name that another file has, and replaces that file. It exchanges both names, checks
// them, and exchanges them back if one belongs to another file. A record lets the next server complete this after a
// crash (F-211). A directory that has entries and gets no other name is ENOTEMPTY.
func (f *file) exchange(l *link, g *target) error {
	if g.status.Mode&unix.S_IFMT == unix.S_IFDIR && g.aside == "" {
		// An attempt would show each directory under the other's name for a moment (M-20). If the entries cannot be read,
		// only the attempt can tell.
		if full, err := notEmpty(g.existing); err == nil && full {
			return unix.ENOTEMPTY
		}
	}
	r, err := f.t.newRecord()
	if err != nil {
		return err
	}
	defer r.end()
	if err := r.move(f.node.inode, g.status.Ino, l, g); err != nil {
		r.drop(redoPart)
		return err
	}
	err = f.exchangeBy(r, l, g)
	r.drop(redoMove)
	return err
}

// exchangeBy exchanges the names of two files and removes the replaced file. The record r must be stored. If g.aside
// is set, the replaced file gets that name instead. If a file moved during the call, or the last change fails,
// exchangeBy exchanges the names back and returns an error.
func (f *file) exchangeBy(r *record, l *link, g *target) error {
	to := g.directory.object
	swap := func() error { return f.t.rename(l.dir, l.name, to, g.name, unix.RENAME_EXCHANGE) }
	if err := swap(); err != nil {
		return err
	}
	own, lost := f.t.statAt(to, g.name)
	other, gone := f.t.statAt(l.dir, l.name)
	if lost != nil || gone != nil || own.Ino != f.node.inode || other.Ino != g.status.Ino {
		if err := swap(); err != nil {
			return err
		}
		return cmp.Or(lost, gone, error(errMoved))
	}
	if g.aside != "" {
		if err := f.t.moveOwn(other.Ino, l.dir, l.name, to, g.aside); err != nil {
			return cmp.Or(swap(), err)
		}
		return nil
	}
	if err := r.removeReplaced(&other, l.dir, l.name); err != nil {
		// What cannot be removed, such as a directory with entries, is not replaced: it has its name back (M-20).
		return cmp.Or(swap(), err)
	}
	return nil
}

// removedSuffix ends the private name of a file that is being removed. After a crash it shows [Tree.sweep] that this
// file was meant.
func removedSuffix(inode uint64) string { return "-" + strconv.FormatUint(inode, 16) }

// removeOwn removes a name, if it belongs to the file with that inode number. It moves the name to a private one
// first, which no other program replaces, and checks the file there. If the removal fails, it moves the name back.
func (t *Tree) removeOwn(inode uint64, directory bool, dir int, name string) error {
	private := privateName() + removedSuffix(inode)
	if err := t.moveOwn(inode, dir, name, dir, private); err != nil {
		return err
	}
	flags := 0
	if directory {
		flags = unix.AT_REMOVEDIR
	}
	err := t.unlink(dir, private, flags)
	if err != nil { // the directory got new entries
		err = errors.Join(err, t.rename(dir, private, dir, name, unix.RENAME_NOREPLACE))
	}
	return err
}

// remove deletes a name that is marked for deletion, when its last open ends. It ignores errors. A name that now
// belongs to another file stays.
func (t *Tree) remove(n *node, l *link, f *file) {
	_ = t.removeLink(n, l, f) // a close reports no status (F-117)
}

// removeLink removes the name that l has now, which may have changed since the open, and returns the error of
// the host.
func (t *Tree) removeLink(n *node, l *link, f *file) error {
	n.moving.Lock()
	defer n.moving.Unlock()
	t.mu.Lock()
	now := *l
	t.mu.Unlock()
	return t.removeOwn(n.inode, f.directory, now.dir, now.name)
}

// renamed updates the name that the opens of the file share, after a rename. It takes ownership of fd, which holds
// the new directory. It closes the previous directory if the link owned it.
func (f *file) renamed(g *target, fd int) {
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	l := f.link
	if l.owned {
		shut(l.dir)
	}
	l.dir, l.owned, l.directory, l.name = fd, true, g.directory.status.Ino, g.name
	l.path = join(join(g.directory.path, g.directory.name), g.name)
}
