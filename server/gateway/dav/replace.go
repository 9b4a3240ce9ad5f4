package dav

import (
	"cmp"
	"context"
)

// replaceTree moves or copies the source, which has the facts i, over an existing destination. At least one of both is
// a folder. A copy is made under a hidden name. Then one step replaces the destination, so that clients see the old
// resource or the new one, even if the server is killed (G-42). Finally replaceTree removes the old resource. If
// something of it cannot be removed, the rest gets the destination's name with " (old)", or stays hidden if that name
// is taken or too long.
func (x *exchange) replaceTree(i Info) error {
	// "Prior to performing the [copy or] move, the server MUST perform a DELETE with 'Depth: infinity' on the destination
	// resource": as the user, and with the rights that DELETE takes (RFC 4918, 9.8.4, 9.9.3).
	if !x.removable(x.to) {
		return x.outcome(x.to)
	}
	from, copied := x.name, x.method == "COPY"
	if copied {
		from = x.files.Hidden(x.to)
		x.hidden, x.shown = from, x.to
		x.copyTree(x.name, from, i, x.infinite())
		if _, err := x.files.Stat(from); err != nil {
			return cmp.Or(x.outcome(x.to), err)
		}
	}
	old, err := x.files.Replace(from, x.to)
	if err != nil {
		if x.hidden, x.shown = "", ""; copied {
			x.removeTree(from)
			x.parts = nil
		}
		return err
	}
	if !copied {
		x.Locks.Drop(x.name, true)
	}
	x.dropMembers(x.to)
	// The destination is complete, so the rest runs even if the client leaves. What cannot be removed, such as a file
	// that a program has just opened, gets a name that clients see.
	x.ctx, x.budget = context.WithoutCancel(x.ctx), mostCopied
	x.hidden, x.shown = old, x.to+" (old)"
	if !x.removeTree(old) {
		_ = x.files.Rename(old, x.shown, false) // a name that exists, or is too long, leaves it hidden
	}
	return x.outcome(x.to)
}

// dropMembers removes the locks of all members of a folder. A lock of the folder itself stays: "the server MUST add
// the moved resource to the destination lock scope" (RFC 4918, 7.6).
func (x *exchange) dropMembers(name Path) {
	for _, l := range x.Locks.Active() {
		if l.Root != name && l.Root.Under(name) {
			x.Locks.Drop(l.Root, false)
		}
	}
}

// removable reports whether the user may remove a resource with all its descendants. It records each obstacle in
// x.parts, and changes nothing. Each resource counts against x.budget; beyond it the result is false.
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
