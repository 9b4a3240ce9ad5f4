package hostfs

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// moveOver moves the file to the name of another open file, which gets the name m.AsideName, as for a save with a
// backup (F-215). If the decision on either rename is a refusal, nothing is moved and its status is returned. If
// m.Aside does not have the name, the status is STATUS_OBJECT_NAME_COLLISION. Both files are locked, in inode order.
//
// +checklocksignore
func (f *file) moveOver(g *target, q *fileaccess.Move, m *nt.FileMove) ntstatus.Status {
	a, ok := m.Aside.(*file)
	if !ok || g.existing < 0 || a.node == f.node || a.node.inode != g.status.Ino {
		return ntstatus.ObjectNameCollision
	}
	l := a.linkNow()
	q.Existing = nil // the existing file is moved aside, not replaced
	p := fileaccess.Move{Directory: a.directory, DeletePending: a.goes(),
		OpensBelow: a.directory && f.t.opensBelow(l.path), Target: q.Target, Face: q.Face, SameDirectory: true}
	if d := m.DecideAside(&p); !d.Allowed() {
		return d.Status()
	}
	if l.name != g.name || l.directory != g.directory.status.Ino {
		return ntstatus.ObjectNameCollision // another link of the file
	}
	if d := m.Decide(q); !d.Allowed() {
		return d.Status()
	}
	dir, err := f.t.duplicate(g.directory.object)
	if err != nil {
		return statusOf(err)
	}
	// The order keeps two moves over each other's file from waiting for each other.
	first, second := f.node, a.node
	if first.inode > second.inode {
		first, second = second, first
	}
	first.moving.Lock()
	defer first.moving.Unlock()
	second.moving.Lock()
	defer second.moving.Unlock()
	g.aside = m.AsideName
	if st := f.moveLocked(g, false); st != ntstatus.Success {
		shut(dir)
		return st
	}
	a.renamed(&target{directory: g.directory, name: g.aside}, dir)
	return ntstatus.Success
}
