package kernel

import (
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Revoke takes all rights from the live tokens for which tokens returns true, and ends the use of the open files of
// trees for which files returns true. It returns the number of tokens and of files. files gets the client for whom
// the file was opened, the zero SID for the process's own, and the kernel name of the file. A nil function selects
// nothing. Both are called with a lock held and must not wait. Handles stay valid, and each later call on such a file
// is denied. A logon or an open that runs at the same time can be missed.
func (s *System) Revoke(tokens func(*token.Token) bool, files func(client sid.SID, name string) bool) (ended,
	closed int) {
	return s.sys.Revoke(tokens, files)
}
