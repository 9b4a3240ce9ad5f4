package dav

import (
	"errors"
	"net/http"
)

// mostCopied is the most resources that one request copies or removes, and the most members of one folder (G-20).
const mostCopied = 100_000

// errExists refuses MKCOL of an existing name: "MKCOL can only be executed on an unmapped URL" (RFC 4918, 9.3.1).
var errExists = Refuse(http.StatusMethodNotAllowed, "this name exists already")

// errTooMany refuses a request that exceeds its budget.
var errTooMany = Refuse(http.StatusInsufficientStorage, "too many files for one request: use several")

// remove serves DELETE: it removes the resource with its descendants and answers 204. If some could not be removed, the
// others are gone, and the error lists the failures. A resource that is hidden or missing is a refusal before locks are
// tested.
func (x *exchange) remove() error {
	if err := x.files.Mutable(x.name); err != nil {
		return err
	}
	// A hidden resource is reported as missing before locks and conditions are tested (G-8; RFC
	// 9110, 13.2.1).
	if _, err := x.stat(); err != nil {
		return err
	}
	// A user without the right to remove the resource must not keep others waiting for it (G-38).
	if err := x.files.Movable(x.name, x.name); err != nil {
		return err
	}
	leave, err := x.enter()
	if err != nil {
		return err
	}
	defer leave()
	if x.removeTree(x.name); len(x.parts) > 0 {
		return x.outcome(x.name)
	}
	// A program of the host may have removed a locked member, whose lock ends with the folder at the latest (G-46).
	x.Locks.Drop(x.name, true)
	return x.respond(http.StatusNoContent)
}

// removeTree removes a resource with its descendants and their locks, and reports whether all are gone. removeTree
// records each failure in x.parts and continues. The ancestors of a remaining resource also stay, unrecorded: "If any
// resource identified by a member URL cannot be deleted, then all of the member's ancestors MUST NOT be deleted" (RFC
// 4918, 9.6.1).
func (x *exchange) removeTree(name Path) bool {
	if x.budget--; x.budget < 0 {
		x.fail(name, errTooMany)
		return false
	}
	if err := x.ctx.Err(); err != nil {
		x.fail(name, errLeft)
		return false
	}
	err := x.files.Remove(name)
	if errors.Is(err, ErrNotEmpty) {
		if !x.removeMembers(name) {
			return false
		}
		err = x.files.Remove(name)
	}
	if err != nil {
		x.fail(name, err)
		return false
	}
	// The server "MUST destroy locks rooted on the deleted resource" (RFC 4918, 9.6).
	x.Locks.Drop(name, false)
	return true
}

// removeMembers empties a folder: it removes the members with their descendants, and reports whether all are gone. It
// records failures in x.parts, also for a folder with more than mostCopied members.
func (x *exchange) removeMembers(name Path) bool {
	list, more, err := x.files.List(name, mostCopied)
	defer x.files.Forget(list)
	if err != nil {
		x.fail(name, err)
		return false
	}
	whole := true
	for _, m := range list {
		whole = x.removeTree(name.Join(m.Name)) && whole
	}
	if more {
		x.fail(name, errTooMany)
	}
	return whole && !more
}

// mkcol serves MKCOL: it creates an empty folder and answers 201. A request with a body is refused with 415. An
// existing name and a locked folder are refusals. A missing folder above is a refusal of Mkdir.
func (x *exchange) mkcol() error {
	if err := x.files.Mutable(x.name); err != nil {
		return err
	}
	// "If a server receives a MKCOL request entity type it does not support or understand, it MUST respond with a 415"
	// (RFC 4918, 9.3). This server understands none.
	if !x.bodyless() {
		return Refuse(http.StatusUnsupportedMediaType, "MKCOL must not have a body")
	}
	// A user who cannot create the folder must not keep others waiting for the name (G-38).
	if err := x.folderMakeable(); err != nil {
		return err
	}
	leave, err := x.enter()
	if err != nil {
		return err
	}
	defer leave()
	if err := x.files.Mkdir(x.name); err != nil {
		return err
	}
	return x.respond(http.StatusCreated)
}
