package unix

import (
	"fmt"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Stored makes tokens of peers by the accounts of a store.
type Stored struct{ Store *lsa.Store }

// Token returns the primary token of a peer in a logon session. That of an
// administrator is limited and has no pair, which takes two sessions: a caller
// that wants both asks [lsa.Store.TokenForUID] and kernel.System.LogOn. L-7
func (s Stored) Token(p *Peer, session winnt.LUID) (*token.Token, error) {
	r, st := s.Store.TokenForUID(p.UID, p.gids())
	if st != ntstatus.Success {
		return nil, fmt.Errorf("uid %d: %w", p.UID, st.Err())
	}
	if r.Linked != nil {
		r.Linked, r.Token.ElevationType = nil, winnt.TokenElevationTypeDefault
	}
	spec, _ := r.InSession(session, 0)
	if spec.Type == winnt.TokenImpersonation { // Anonymous is a client as a rule, and a process here
		spec.Type, spec.Level = winnt.TokenPrimary, 0
	}
	return token.New(spec)
}
