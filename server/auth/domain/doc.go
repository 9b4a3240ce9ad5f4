// Package domain logs on users of a domain without their tickets: with a password that the domain checks, or by name
// alone (S4U). It passes all other logons to another authority.
//
//	a := domain.New(domain.Authority{Authority: next, Store: store, Realm: "EXAMPLE.TEST", Name: "EXAMPLE",
//		Passwords: domain.ByKDC(passwords), Names: domain.ByDirectory(directory)})
//	r, st := a.LogOn(request) // DOMAIN\alice, alice@EXAMPLE.TEST
//
// The directory decides when wrong passwords lock an account. In addition an [admission.Limit] of this host counts
// failures by name and by origin, so that nobody can guess passwords through this host. No error, record or log line
// contains a password.
//
// An [Authority] is safe for concurrent use.
package domain
