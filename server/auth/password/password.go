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

// New returns the package for the accounts of a store.
func New(s *lsa.Store) auth.Package { return password{s} }

type password struct{ store *lsa.Store } // immutable

// Name implements [auth.Package].
func (password) Name() string { return "password" }

// Authenticate implements [auth.Package].
func (p password) Authenticate(_ context.Context, e auth.Evidence) (logon.Result, ntstatus.Status) {
	if e.Name == "" {
		// Evidence without a name is for another package. An anonymous client has a package of its
		// own (L-19).
		return logon.Result{}, ntstatus.NoSuchPackage
	}
	return p.store.LogOn(logon.Request{Package: logon.Password, Type: e.Type, Domain: e.Domain, Name: e.Name,
		Password: e.Password})
}
