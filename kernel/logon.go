package kernel

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
)

// LinkLogons makes the two tokens of an administrator, the full one and the
// limited one, a pair: each is the linked token of the other (T-90). Their
// logon sessions must be open, see [System.OpenLogonSession], and differ. The
// statuses: STATUS_INVALID_PARAMETER unless the tokens are of one user, one
// full and the other limited; STATUS_NO_SUCH_LOGON_SESSION.
func (s *System) LinkLogons(full, limited *token.Token) ntstatus.Status {
	return s.sys.Security.Sessions.Link(full, limited)
}
