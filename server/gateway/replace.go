package gateway

import (
	"context"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/gateway/dav"
	"github.com/refmon/refmon/winnt"
)

// Removable returns nil if the client may delete the file or folder, without a change. It does not test the members
// of a folder.
func (f files) Removable(name dav.Path) error {
	at := placeOf(name)
	h, st := f.q.open(at, winnt.DELETE|winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return f.q.refusedAs(at, winnt.DELETE, st)
	}
	defer f.q.s.p.release(h)
	now, st := f.q.facts(h)
	if st == ntstatus.Success && now.readOnly {
		st = ntstatus.CannotDelete
	}
	if st != ntstatus.Success {
		return f.q.refusedAs(at, winnt.DELETE, st)
	}
	return nil
}

// Hidden returns a random name in the folder of name that no client can use. The request may use it and what is in it.
func (f files) Hidden(name dav.Path) dav.Path {
	dir, _ := placeOf(name).above()
	return f.hide(dir.below(randomName()))
}

// hide lets the request use a hidden place, and returns its path.
func (f files) hide(at place) dav.Path {
	f.q.hidden = append(f.q.hidden, at)
	return at.name()
}

// Replace gives from the name to in one step, with its properties. The file or folder that has this name gets a hidden
// one, which is returned and which the request may use. One of both is a folder (F-215).
func (f files) Replace(from, to dav.Path) (dav.Path, error) {
	at, target := placeOf(from), placeOf(to)
	h, st := f.q.open(at, winnt.DELETE, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return "", f.q.refusedAs(at, winnt.DELETE, st)
	}
	defer f.q.s.p.release(h)
	old, st := f.q.open(target, winnt.DELETE|winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return "", f.q.refusedAs(target, winnt.DELETE, st)
	}
	defer f.q.s.p.release(old)
	now, st := f.q.facts(old)
	if st == ntstatus.Success {
		st = f.q.s.as(f.q.ctx, func(th *nt.Thread) ntstatus.Status { return f.q.s.p.conn.Refill(th, old, h) })
	}
	if st != ntstatus.Success {
		return "", f.q.refusedToMake(target, winnt.FILE_ADD_FILE, st)
	}
	f.q.g.props.drop(target)
	f.q.g.props.move(at, target)
	f.q.ctx = context.WithoutCancel(f.q.ctx) // the old resource is removed even if the client leaves
	dir, _ := target.above()
	return f.hide(dir.below(nt.AsideName(now.id))), nil
}
