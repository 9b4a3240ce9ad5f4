package kernel

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
)

// LinkLogons makes the two tokens of an administrator, the full one and the
// limited one, a pair: each is the linked token of the other (T-90). Their
// logon sessions must be open and different: see [System.OpenLogonSession]. It
// returns STATUS_INVALID_PARAMETER unless the tokens belong to one user and one
// is full and the other limited, and STATUS_NO_SUCH_LOGON_SESSION for an
// unknown session.
func (s *System) LinkLogons(full, limited *token.Token) ntstatus.Status {
	return s.sys.Security.Sessions.Link(full, limited)
}
