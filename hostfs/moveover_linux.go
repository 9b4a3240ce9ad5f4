package hostfs

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// moveOver moves the file to the name of another open file and gives that file the name m.AsideName, as for a save
// with a backup (F-215). Each of the two renames is decided. It returns STATUS_OBJECT_NAME_COLLISION if the other
// file does not have the name. A refusal of either decision is returned, and nothing is moved. It locks the two files
// in the order of their inodes.
// +checklocksignore
func (f *file) moveOver(g *target, q *fileaccess.Move, m *nt.FileMove) ntstatus.Status {
	a, ok := m.Aside.(*file)
	if !ok || g.existing < 0 || a.node == f.node || a.node.inode != g.status.Ino {
		return ntstatus.ObjectNameCollision
	}
	l := a.linkNow()
	q.Existing = nil // it is not replaced
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
