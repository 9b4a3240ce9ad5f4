// Package domain logs users of a domain on without their tickets: by a password that the
// domain checks, or by their names alone (S4U). It stands before another authority, which
// answers for everybody else.
//
//	a := domain.Authority{Authority: next, Store: store, Realm: "EXAMPLE.TEST", Name: "EXAMPLE",
//		Passwords: domain.ByKDC(passwords), Names: domain.ByDirectory(directory), Limit: &domain.Limit{}}
//	r, st := a.LogOn(request)        // DOMAIN\alice, alice@EXAMPLE.TEST
//
// How often wrong passwords lock an account is the directory's to say. In front of it a
// [Limit] of this host's own counts failures for each name and for each program or address
// that asks, so that this host is no place to guess from. No password is in any text.
//
// An [Authority] is safe for concurrent use.
package domain
