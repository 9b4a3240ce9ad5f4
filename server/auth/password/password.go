// Package password authenticates clients by a name and a password of the account store.
//
//	p := password.New(store)
//	r, st := p.Authenticate(ctx, auth.Evidence{Type: winnt.LOGON32_LOGON_NETWORK, Name: name, Password: secret})
package password

import (
	"context"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth"
	"github.com/refmon/refmon/server/lsa"
)

// New returns a package that checks a name and a password against the accounts of s, which must not be nil.
// Evidence without a name gets STATUS_NO_SUCH_PACKAGE, even if it has a password. The package does not use the
// context: a check that waits for its turn cannot be cancelled.
func New(s *lsa.Store) auth.Package { return password{s} }

// password is the package that New returns.
type password struct{ store *lsa.Store } // immutable

// Name returns "password".
func (password) Name() string { return "password" }

// Authenticate logs on the account with the name, the domain and the password of e. It ignores e.Peer and the
// context.
func (p password) Authenticate(_ context.Context, e auth.Evidence) (logon.Result, ntstatus.Status) {
	if e.Name == "" {
		// Evidence without a name is for another package (L-19).
		return logon.Result{}, ntstatus.NoSuchPackage
	}
	return p.store.LogOn(logon.Request{Package: logon.Password, Type: e.Type, Domain: e.Domain, Name: e.Name,
		Password: e.Password})
}
