package kernel

import (
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Revoke takes all rights from the live tokens that tokens selects. It also ends the use of the open files of trees
// that files selects: their handles stay valid, and each later call on them is denied. ended is the number of tokens,
// and closed the number of files. A token that is made later for the user and logon session of a selected token has no
// rights. Logon sessions that several users share, such as the well-known ones, are excluded from this.
//
// files gets the token of the client for whom the file was opened, as it was at the open, and a kernel name of the
// file. The token is nil if the process opened the file for itself. Revoke first passes the name at the open, and then
// the present name. A nil function selects nothing. Both functions are called with a lock held, so they must not wait.
// A logon or an open that runs at the same time can be missed.
func (s *System) Revoke(tokens func(*token.Token) bool, files func(client *token.Token, name string) bool) (ended,
	closed int) {
	return s.sys.Revoke(tokens, files)
}

// RevokeFiles ends the use of the open files of trees to which only the process has handles, or processes that it
// created and that no program runs in. The handles stay valid, and each later call on them is denied. When the process
// ends, it deletes only files that it created, even with FILE_DELETE_ON_CLOSE.
func (p *Process) RevokeFiles() {
	p.sys.mu.Lock()
	list := []*Process{p}
	for i := 0; i < len(list); i++ {
		list = append(list, list[i].children...)
	}
	p.sys.mu.Unlock()
	all := make([]*ps.Process, len(list))
	for i, p := range list {
		all[i] = p.p
	}
	services.RevokeFilesOf(all)
}

// OpenedAs returns the token and the kernel names that Revoke passes for the file of a handle. It returns neither for a
// handle of another object, and for a thread of another system.
func (s *System) OpenedAs(th *nt.Thread, h winnt.Handle) (client *token.Token, names []string) {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return nil, nil
	}
	return c.OpenedAs(h)
}
