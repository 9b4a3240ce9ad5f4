package kernel

import (
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Revoke takes all rights from the live tokens for which tokens returns true, and ends the use of the open files of
// trees for which files returns true. It returns the number of tokens and of files. files gets the client for whom the
// file was opened, the zero SID for the process's own, and the kernel name of the file: the one by which it was opened,
// and then the one that it has now. A nil function selects nothing. Both are called with a lock held and must not wait.
// Handles stay valid, and each later call on such a file is denied. A logon or an open that runs at the same time can
// be missed.
func (s *System) Revoke(tokens func(*token.Token) bool, files func(client sid.SID, name string) bool) (ended,
	closed int) {
	return s.sys.Revoke(tokens, files)
}

// FileNames returns the kernel names that Revoke passes for the file of a handle. It returns none for a handle of
// another object, and for a thread of another system.
func (s *System) FileNames(th *nt.Thread, h winnt.Handle) []string {
	c, ok := th.Services().(*services.Context)
	if !ok || c.Sys != s.sys {
		return nil
	}
	return c.FileNames(h)
}
