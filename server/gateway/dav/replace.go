package dav

import (
	"cmp"
	"context"
	"net/http"
)

// replaceTree moves or copies the source over an existing destination; at least one is a folder. i describes the
// source. If the user may not remove the destination, nothing changes. Clients see the old resource or the new one,
// even if the server is killed (G-42). The error lists resources that could not be copied. If one of them failed with a
// code of 500 or above, nothing changes. Parts of the old resource that cannot be removed get the destination's name
// with " (old)", or stay hidden if that name is taken or too long.
func (x *exchange) replaceTree(i Info) error {
	most := x.budget
	// "Prior to performing the [copy or] move, the server MUST perform a DELETE with 'Depth: infinity' on the destination
	// resource": as the user, and with the rights that DELETE takes (RFC 4918, 9.8.4, 9.9.3).
	if !x.removable(x.to) {
		return x.outcome(x.to)
	}
	x.budget = most // the old resource does not count as copied
	from, copied := x.name, x.method == "COPY"
	if copied {
		from = x.files.Hidden(x.to)
		x.hidden, x.shown = from, x.to
		x.copyTree(x.name, from, i, x.infinite())
		defer x.closeStage()
		if x.ctx.Err() != nil {
			return x.discard(from, errLeft)
		}
		if _, err := x.files.Stat(from); err != nil {
			return x.discard(from, cmp.Or(x.outcome(x.to), err))
		}
		// Such a failure may be temporary, and the client would lose the old resource for an incomplete copy (G-42).
		if x.broken {
			return x.discard(from, x.outcome(x.to))
		}
		if err := x.recheck(); err != nil {
			return x.discard(from, err)
		}
	}
	old, err := x.files.Replace(from, x.to)
	if err != nil {
		if copied {
			return x.discard(from, err)
		}
		return err
	}
	if !copied {
		x.Locks.Drop(x.name, true)
	}
	x.dropMembers(x.to)
	// The destination is complete, so remove the old resource even if the client leaves. A part that cannot be removed,
	// such as a file that a program has just opened, gets a name that clients see.
	x.ctx, x.budget = context.WithoutCancel(x.ctx), mostCopied
	x.hidden, x.shown = old, x.to+" (old)"
	if !x.removeTree(old) {
		_ = x.files.Rename(old, x.shown, false) // if the new name exists or is too long, the rest stays hidden
	}
	return x.outcome(x.to)
}

// copyFolder copies the source folder, which i describes, to a free name. The new name appears only after the last
// resource was copied, even if the server is killed (G-51). The error lists resources that could not be copied. If
// the client leaves or the name was taken, copyFolder removes the copy.
func (x *exchange) copyFolder(i Info) error {
	from := x.files.Hidden(x.to)
	x.hidden, x.shown = from, x.to
	x.copyTree(x.name, from, i, x.infinite())
	defer x.closeStage()
	switch {
	case x.ctx.Err() != nil:
		return x.discard(from, errLeft)
	case x.stage == nil:
		return x.outcome(x.to) // copyTree could not create the hidden folder
	}
	err := x.recheck()
	if err == nil {
		err = x.stage.Rename(x.to)
	}
	if err != nil {
		return x.discard(from, err)
	}
	return x.outcome(x.to)
}

// makeFolder creates an empty folder for a copy. If name is the hidden folder of the copy, it stays open as x.stage.
func (x *exchange) makeFolder(name Path) (err error) {
	if name == x.hidden {
		x.stage, err = x.files.Stage(name)
		return err
	}
	return x.files.Mkdir(name)
}

// closeStage releases the hidden folder in which a copy was built. It does nothing without one.
func (x *exchange) closeStage() {
	if x.stage != nil {
		x.stage.Close()
	}
}

// errLeft refuses the rest of a request whose client has left.
var errLeft = Refuse(http.StatusServiceUnavailable, "the client closed the connection")

// discard removes a hidden copy, even if the client has left, and returns err. What the user may not remove stays
// hidden.
func (x *exchange) discard(copied Path, err error) error {
	x.files.Detach()
	x.ctx, x.budget = context.WithoutCancel(x.ctx), mostCopied
	x.removeTree(copied)
	return err
}

// dropMembers removes the locks of all descendants of a folder that was replaced. A lock of the folder itself stays:
// "the server MUST add the moved resource to the destination lock scope" (RFC 4918, 7.6).
func (x *exchange) dropMembers(name Path) {
	for _, l := range x.Locks.Active() {
		if l.Root != name && l.Root.Under(name) {
			x.Locks.Drop(l.Root, false)
		}
	}
}

// removable reports whether the user may remove a resource with all its descendants. removable changes no file and
// records each obstacle in x.parts. Each resource counts against x.budget, the limit of one request; beyond the limit
// the result is false.
func (x *exchange) removable(name Path) bool {
	if x.budget--; x.budget < 0 {
		x.fail(name, errTooMany)
		return false
	}
	if err := x.files.Removable(name); err != nil {
		x.fail(name, err)
		return false
	}
	if i, err := x.files.Stat(name); err != nil || !i.Folder {
		return true
	}
	list, more, err := x.files.List(name, mostCopied)
	defer x.files.Forget(list)
	if more {
		err = errTooMany
	}
	if err != nil {
		x.fail(name, err)
		return false
	}
	whole := true
	for _, m := range list {
		whole = x.removable(name.Join(m.Name)) && whole
	}
	return whole
}
