package services

import (
	"strings"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Revoke takes all rights from the tokens that tokens selects, and then ends the use of the files of trees that files
// selects. It returns the number of each.
//
// files gets the token that the opening thread impersonated, as it was at the open, and a kernel name of the file. If
// the thread impersonated no client, the token is nil. Revoke first passes the name at the open, and then the present
// name. A nil function selects nothing. Both functions are called with a lock held, so they must not wait. A logon or
// an open that runs at the same time can be missed: change the account or the descriptor first.
func (s *System) Revoke(tokens func(*token.Token) bool, files func(client *token.Token, name string) bool) (ended,
	closed int) {
	if tokens != nil {
		ended = s.revokeTokens(tokens)
	}
	if files != nil {
		s.Security.Objects.Visit(func(o ob.Object) {
			f, ok := o.(*File)
			selected := func(name string) bool { return files(f.admitted.token, name) }
			if ok && f.complete.Load() && f.named(selected) && !f.revoked.Swap(true) {
				closed++
			}
		})
	}
	return ended, closed
}

// RevokeFilesOf ends the use of the files of trees that the processes have open, and no other process. The end of the
// processes then deletes only those that their opens created (W-99).
func RevokeFilesOf(all []*ps.Process) {
	held := map[*File]int64{}
	for _, p := range all {
		for e := range p.Table().All() {
			if f, ok := e.Object.(*File); ok && f.complete.Load() {
				held[f]++
			}
		}
	}
	for f, n := range held {
		if f.HandleCount() == n {
			f.revoked.Store(true)
		}
	}
}

// revokeTokens takes all rights from the tokens that selected returns true for. It returns their number, without those
// that had no rights before. It also marks their logon sessions, so that copies and linked tokens that are made later
// have no rights (W-98).
func (s *System) revokeTokens(selected func(*token.Token) bool) (ended int) {
	all := map[*se.TokenObject]bool{}
	// A token can be copied after the first search and before the mark. The second search finds such a copy.
	for range 2 {
		var values []*token.Token
		s.Security.Objects.Visit(func(o ob.Object) {
			if t, ok := o.(*se.TokenObject); ok {
				if v := t.Value(); selected(v) {
					all[t], values = true, append(values, v)
				}
			}
		})
		s.Security.Sessions.Revoke(values, selected)
	}
	for t := range all {
		if t.Revoke() {
			ended++
		}
	}
	return ended
}

// named reports whether selected returns true for the kernel name by which the file of a tree was opened, or for the
// one that it has now.
func (f *File) named(selected func(name string) bool) bool {
	if selected(f.Path()) {
		return true
	}
	now, ok := f.currentName()
	return ok && selected(now)
}

// currentName returns the kernel name that the file of a tree has now. ok is false if the file system does not know it.
func (f *File) currentName() (name string, ok bool) {
	path, ok := f.currentPath()
	return strings.TrimSuffix(f.Path(), f.path) + path, ok
}

// currentPath returns the path that the file has now in its tree. ok is false if the file system does not know it.
func (f *File) currentPath() (path string, ok bool) {
	if r, ok := f.open.(nt.PathReporter); ok {
		return r.CurrentPath()
	}
	return "", false
}

// presentPath returns the path that the file has now, or that of its open if the file system does not know it.
func (f *File) presentPath() string {
	if path, ok := f.currentPath(); ok {
		return path
	}
	return f.path
}

// OpenedAs returns the token and the kernel names that Revoke passes for the file of a handle in a tree, also of a file
// that was revoked. It returns neither for another handle.
func (c *Context) OpenedAs(v winnt.Handle) (client *token.Token, names []string) {
	obj, _, st := ob.Reference[ob.Object](&c.Caller, v, 0, nil)
	if st != ntstatus.Success {
		return nil, nil
	}
	defer obj.Head().Deref(ob.TagCall)
	f, ok := obj.(*File)
	if !ok || !f.complete.Load() {
		return nil, nil
	}
	f.named(func(name string) bool { names = append(names, name); return false })
	return f.admitted.token, names
}

// notRevoked checks that an administrator has not ended the use of an open file (W-99). It returns STATUS_ACCESS_DENIED
// for such a file, and success for other objects. The handle stays open, so its value cannot be reused for another
// file.
func (c *Context) notRevoked(obj ob.Object) ntstatus.Status {
	if f, ok := obj.(*File); ok && f.revoked.Load() {
		// Every call on the file fails, through any of its handles (W-99).
		return c.Fail("W-99", ntstatus.AccessDenied)
	}
	return ntstatus.Success
}
