package unix

import (
	"context"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth"
	"github.com/refmon/refmon/server/lsa"
)

// New returns a package that identifies peers by the accounts of s, which must not be nil. Evidence gets
// STATUS_NO_SUCH_PACKAGE if its peer is nil or not Known, or if it has a name or a password. The package ignores
// the logon type and the context.
func New(s *lsa.Store) auth.Package { return known{s} }

// known is the package that New returns.
type known struct{ store *lsa.Store } // immutable

// Name returns "unix".
func (known) Name() string { return "unix" }

// Authenticate returns the token of the peer's uid and groups.
func (k known) Authenticate(_ context.Context, e auth.Evidence) (logon.Result, ntstatus.Status) {
	if e.Peer == nil || !e.Peer.Known || e.Name != "" || e.Password != "" {
		// The kernel's credentials prove no name that the peer gives (L-19).
		return logon.Result{}, ntstatus.NoSuchPackage
	}
	gids, st := e.Peer.GIDs, ntstatus.Success
	if e.Peer.Foreign {
		gids, st = k.store.WithHostGroups(e.Peer.UID, gids) // as in Stored (W-102)
	}
	if st != ntstatus.Success {
		return logon.Result{}, st
	}
	return k.store.TokenForUID(e.Peer.UID, gids)
}

// Evidence returns the peer's uid and groups as evidence for an [auth.Package]. The other fields are zero. If
// the peer is not Known, Evidence returns the zero value.
func (p *Peer) Evidence() auth.Evidence {
	if !p.Known {
		return auth.Evidence{}
	}
	return auth.Evidence{Peer: &auth.Peer{Known: true, UID: p.UID, GIDs: p.gids(), Foreign: p.Foreign}}
}
