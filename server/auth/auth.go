// Package auth has the common types of all ways to authenticate a client. Each way is a package of its own, so a
// daemon links only those that it uses:
//
//	auth/unix      the host's kernel identifies the peer of a socket
//	auth/password  a name and a password of the account store
//	auth/kerberos  a ticket
//	auth/domain    a password that a domain checks, or a name in its directory
//
// The first two implement [Package]. The others implement logon.Authority and pass all other logons to the next one.
//
// A [Package] is safe for concurrent use.
package auth

import (
	"context"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Peer is the other end of a socket as the host's kernel identifies it. The zero value identifies nobody.
type Peer struct {
	Known   bool // UID and GIDs are those of the peer; otherwise they do not count
	UID     uint32
	GIDs    []uint32 // the primary one first, then the supplementary ones, which may repeat it
	Foreign bool     // see the Peer of package unix: it may have left groups of the host
}

// Evidence is what a client presented to prove its identity. The zero value proves nothing.
type Evidence struct {
	Type     winnt.LogonType
	Peer     *Peer  // nil or not Known if the client did not connect over a local socket
	Domain   string // "": the name decides
	Name     string // "": the client gave no name
	Password logon.Secret
}

// Package authenticates clients.
type Package interface {
	// Name returns the package's name in the configuration and in audit records.
	Name() string
	// Authenticate returns the contents of the client's token. For another kind of evidence it returns
	// STATUS_NO_SUCH_PACKAGE, so that the caller tries the next package. With any other failure, the result has
	// no token, but may have the reason for the audit record.
	Authenticate(ctx context.Context, e Evidence) (logon.Result, ntstatus.Status)
}

// First tries the packages in order and returns the first result whose status is not STATUS_NO_SUCH_PACKAGE, be
// it a success or a failure. It does not try the packages after that. Without packages, or if all return
// STATUS_NO_SUCH_PACKAGE, it returns an empty result with that status.
func First(ctx context.Context, e Evidence, packages ...Package) (logon.Result, ntstatus.Status) {
	for _, p := range packages {
		if r, st := p.Authenticate(ctx, e); st != ntstatus.NoSuchPackage {
			return r, st
		}
	}
	return logon.Result{}, ntstatus.NoSuchPackage
}
