package gateway

import (
	"context"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/gateway/dav"
	"github.com/refmon/refmon/winnt"
)

// Removable returns nil if the client may delete the file or folder, and otherwise the refusal. It changes nothing. A
// read-only file is refused. It does not test the members of a folder.
func (f files) Removable(name dav.Path) error {
	at := placeOf(name)
	h, st := f.q.open(at, winnt.DELETE|winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return f.q.refusedAs(at, winnt.DELETE, st)
	}
	defer f.q.s.release(h)
	now, st := f.q.facts(h)
	if st == ntstatus.Success && now.readOnly {
		st = ntstatus.CannotDelete
	}
	if st != ntstatus.Success {
		return f.q.refusedAs(at, winnt.DELETE, st)
	}
	return nil
}

// Hidden returns a random hidden name in the folder that has name. No client can use it. This request may use it and
// its descendants. Hidden creates nothing.
func (f files) Hidden(name dav.Path) dav.Path {
	dir, _ := placeOf(name).above()
	return f.hide(dir.below(randomName()))
}

// hide lets this request, and no other, use a place with a hidden name and its descendants. It returns the place's
// path.
func (f files) hide(at place) dav.Path {
	f.q.hidden = append(f.q.hidden, at)
	return at.name()
}

// stage is an open folder with a hidden name, in which a copy is built before it gets its final name.
type stage struct {
	q  *request
	at place
	h  winnt.Handle // grants DELETE
}

// Stage creates an empty folder under a hidden name, with the rights of the client. Its handle can rename the folder
// even if the client may not delete it. The caller closes the stage.
func (f files) Stage(name dav.Path) (dav.Stage, error) {
	at := placeOf(name)
	h, st := f.q.open(at, winnt.DELETE, winnt.FILE_CREATE, directoryOnly)
	if st != ntstatus.Success {
		return nil, f.q.refusedToMake(at, winnt.FILE_ADD_SUBDIRECTORY, st)
	}
	return &stage{f.q, at, h}, nil
}

// Rename gives the folder a free name, with the properties that clients set in it. An existing name is an error. An
// error leaves the folder and its properties unchanged.
func (s *stage) Rename(to dav.Path) error {
	target := placeOf(to)
	st := s.q.s.as(s.q.ctx, func(th *nt.Thread) ntstatus.Status {
		return th.NtSetInformationFile(s.h, nt.FileRenameInformation, nt.FileRename{FileName: target.object()})
	})
	if st != ntstatus.Success {
		return s.q.refusedToMake(target, winnt.FILE_ADD_SUBDIRECTORY, st)
	}
	s.q.g.props.drop(target, true)
	s.q.g.props.move(s.at, target)
	return nil
}

// Close releases the handle at refmond. A stage that was not committed is deleted with it.
func (s *stage) Close() { s.q.s.release(s.h) }

// Detach lets the request finish even if its client disconnects: the end of the client's connection no longer cancels
// the request's context. Detach cannot be undone.
func (f files) Detach() { f.q.ctx, f.q.detached = context.WithoutCancel(f.q.ctx), true }

// Replace renames from to to, which exists, in one step. The properties of from move with it, and those of the old
// resource are dropped. The old resource gets a hidden name, which Replace returns and this request may use. At least
// one of both is a folder (F-215). After success the request no longer ends when its client leaves. After an error
// nothing has changed.
func (f files) Replace(from, to dav.Path) (dav.Path, error) {
	at, target := placeOf(from), placeOf(to)
	h, st := f.q.open(at, winnt.DELETE, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return "", f.q.refusedAs(at, winnt.DELETE, st)
	}
	defer f.q.s.release(h)
	old, st := f.q.open(target, winnt.DELETE|winnt.FILE_READ_ATTRIBUTES, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		return "", f.q.refusedAs(target, winnt.DELETE, st)
	}
	defer f.q.s.release(old)
	now, st := f.q.facts(old)
	if st == ntstatus.Success {
		st = f.q.s.as(f.q.ctx, func(th *nt.Thread) ntstatus.Status { return f.q.s.p.conn.Refill(th, old, h) })
	}
	if st != ntstatus.Success {
		return "", f.q.refusedToMake(target, winnt.FILE_ADD_FILE, st)
	}
	f.q.g.props.drop(target, true)
	f.q.g.props.move(at, target)
	f.Detach() // the old resource is removed even if the client leaves
	dir, _ := target.above()
	return f.hide(dir.below(nt.AsideName(now.id))), nil
}
