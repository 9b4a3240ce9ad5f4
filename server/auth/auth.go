// Package auth has the common types of all ways to authenticate a client. Each way is a package of its own, so a
// daemon links only those that it uses:
//
//	auth/unix      the host's kernel identifies the peer of a socket
//	auth/password  a name and a password
//	auth/kerberos  a ticket; it replaces the store (kerberos.Authority)
//
// A [Package] is safe for concurrent use.
package auth

import (
	"context"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Peer is the other end of a socket as the host's kernel identifies it.
type Peer struct {
	UID  uint32
	GIDs []uint32 // all of them, the primary one first
}

// Evidence is what a client presented to prove its identity. The zero value proves nothing.
type Evidence struct {
	Type     winnt.LogonType
	Peer     *Peer // nil for no local socket
	Domain   string
	Name     string
	Password logon.Secret
}

// Package authenticates clients.
type Package interface {
	// Name returns the package's name in the configuration and in audit records.
	Name() string
	// Authenticate returns the contents of the client's token. For another kind of evidence it returns
	// STATUS_NO_SUCH_PACKAGE, so that the caller tries the next package.
	Authenticate(ctx context.Context, e Evidence) (logon.Result, ntstatus.Status)
}

// First tries packages in order and returns the first result other than STATUS_NO_SUCH_PACKAGE. Without packages it
// returns that status.
func First(ctx context.Context, e Evidence, packages ...Package) (logon.Result, ntstatus.Status) {
	for _, p := range packages {
		if r, st := p.Authenticate(ctx, e); st != ntstatus.NoSuchPackage {
			return r, st
		}
	}
	return logon.Result{}, ntstatus.NoSuchPackage
}
