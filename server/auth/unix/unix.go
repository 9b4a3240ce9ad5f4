package unix

import (
	"context"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
)

// New returns a package that identifies peers by the accounts of s, which must not be nil. Evidence gets
// STATUS_NO_SUCH_PACKAGE if its peer is nil or not Known, or if it has a name or a password. The package ignores
// the logon type and the context.
func New(s *lsa.Store) auth.Package { return known{s} }

// known is the package that New returns.
type known struct{ store *lsa.Store } // immutable

// Name returns "unix".
func (known) Name() string { return "unix" }

// Authenticate returns the token of the peer's uid and groups. For evidence with a name or a password, and for an
// unknown peer, it returns NoSuchPackage, so that another package may decide.
func (k known) Authenticate(_ context.Context, e auth.Evidence) (logon.Result, ntstatus.Status) {
	if e.Peer == nil || !e.Peer.Known || e.Name != "" || e.Password != "" {
		// The kernel's credentials prove no name that the peer gives (L-19).
		return logon.Result{}, ntstatus.NoSuchPackage
	}
	return tokenOf(k.store, e.Peer)
}

// tokenOf returns the contents of a token for the peer's uid and groups, and the groups in more. p must not be nil
// and must be Known. A Foreign peer also gets the host's groups for the uid. If these are unreadable, the result is
// the status of that lookup.
func tokenOf(s *lsa.Store, p *auth.Peer, more ...sid.SID) (logon.Result, ntstatus.Status) {
	gids := p.GIDs
	if p.Foreign {
		// In a user namespace a user can leave groups of the host, and a deny entry may name one (W-102).
		var st ntstatus.Status
		if gids, st = s.WithHostGroups(p.UID, gids); st != ntstatus.Success {
			return logon.Result{}, st
		}
	}
	return s.TokenForUID(p.UID, gids, more...)
}

// Evidence returns the peer's uid and groups as evidence for an [auth.Package]. The other fields are zero. If
// the peer is not Known, Evidence returns the zero value.
func (p *Peer) Evidence() auth.Evidence {
	if !p.Known {
		return auth.Evidence{}
	}
	return auth.Evidence{Peer: &auth.Peer{Known: true, UID: p.UID, GIDs: p.gids(), Foreign: p.Foreign}}
}
