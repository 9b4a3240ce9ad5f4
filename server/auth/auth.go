// Package auth has what every way to prove who a client is has in common. The ways
// are packages of their own, so that a daemon links those that it uses:
//
//   - auth/unix: the host's kernel says who the other end of a socket is.
//   - auth/password: a name and a password.
//   - auth/kerberos: a ticket; it answers in place of the store (kerberos.Authority).
//
// A [Package] is safe for concurrent use.
package auth

import (
	"context"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Peer is the other end of a socket as the host's kernel names it, never as it
// names itself.
type Peer struct {
	UID  uint32
	GIDs []uint32 // all of them, the primary one first
}

// Evidence has what a client has shown. The zero value proves nothing.
type Evidence struct {
	Type     winnt.LogonType
	Peer     *Peer // nil for no local socket
	Domain   string
	Name     string
	Password logon.Secret
}

// Package proves who a client is.
type Package interface {
	// Name is that of the package in the configuration and in records.
	Name() string
	// Authenticate returns what the client's token is made of. Evidence of another
	// kind is STATUS_NO_SUCH_PACKAGE, so that the next package is asked.
	Authenticate(ctx context.Context, e Evidence) (logon.Result, ntstatus.Status)
}

// First asks packages in turn, until one knows the kind of evidence.
func First(ctx context.Context, e Evidence, packages ...Package) (logon.Result, ntstatus.Status) {
	for _, p := range packages {
		if r, st := p.Authenticate(ctx, e); st != ntstatus.NoSuchPackage {
			return r, st
		}
	}
	return logon.Result{}, ntstatus.NoSuchPackage
}
