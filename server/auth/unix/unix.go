package unix

import (
	"context"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth"
	"github.com/refmon/refmon/server/lsa"
)

// New returns the package for the accounts of a store, which proves who a client is
// by the credentials that the host's kernel has of the other end of its socket.
func New(s *lsa.Store) auth.Package { return credentials{s} }

type credentials struct{ store *lsa.Store } // immutable

// Name implements [auth.Package].
func (credentials) Name() string { return "unix" }

// Authenticate implements [auth.Package].
func (c credentials) Authenticate(_ context.Context, e auth.Evidence) (logon.Result, ntstatus.Status) {
	if e.Peer == nil || e.Name != "" || e.Password != "" {
		// What the kernel says of a peer is no proof of a name that the peer gives. L-19
		return logon.Result{}, ntstatus.NoSuchPackage
	}
	return c.store.TokenForUID(e.Peer.UID, e.Peer.GIDs)
}
