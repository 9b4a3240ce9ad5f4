// Package unix proves who a client is by the credentials that the host's kernel has
// of the other end of a Unix socket.
//
//	p := unix.New(store)
//	r, st := p.Authenticate(ctx, auth.Evidence{Peer: &auth.Peer{UID: uid, GIDs: gids}})
package unix

import (
	"context"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth"
	"github.com/refmon/refmon/server/lsa"
)

// New returns the package for the accounts of a store.
func New(s *lsa.Store) auth.Package { return unix{s} }

type unix struct{ store *lsa.Store } // immutable

// Name implements [auth.Package].
func (unix) Name() string { return "unix" }

// Authenticate implements [auth.Package].
func (u unix) Authenticate(_ context.Context, e auth.Evidence) (logon.Result, ntstatus.Status) {
	if e.Peer == nil || e.Name != "" || e.Password != "" {
		// What the kernel says of a peer is no proof of a name that the peer gives. L-19
		return logon.Result{}, ntstatus.NoSuchPackage
	}
	return u.store.TokenForUID(e.Peer.UID, e.Peer.GIDs)
}
