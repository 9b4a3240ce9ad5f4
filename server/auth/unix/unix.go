package unix

import (
	"context"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth"
	"github.com/refmon/refmon/server/lsa"
)

// New returns a package that identifies peers by the accounts of a store. Evidence without a Known peer, or with a name
// or a password, gets STATUS_NO_SUCH_PACKAGE. The logon type does not count.
func New(s *lsa.Store) auth.Package { return known{s} }

type known struct{ store *lsa.Store } // immutable

// Name implements [auth.Package].
func (known) Name() string { return "unix" }

// Authenticate implements [auth.Package].
func (k known) Authenticate(_ context.Context, e auth.Evidence) (logon.Result, ntstatus.Status) {
	if e.Peer == nil || !e.Peer.Known || e.Name != "" || e.Password != "" {
		// The kernel's credentials prove no name that the peer gives (L-19).
		return logon.Result{}, ntstatus.NoSuchPackage
	}
	return k.store.TokenForUID(e.Peer.UID, e.Peer.GIDs)
}

// Evidence returns the uid and the groups of a peer as evidence. All other fields are empty, and all of them if the
// peer is not Known.
func (p *Peer) Evidence() auth.Evidence {
	if !p.Known {
		return auth.Evidence{}
	}
	return auth.Evidence{Peer: &auth.Peer{Known: true, UID: p.UID, GIDs: p.gids()}}
}
