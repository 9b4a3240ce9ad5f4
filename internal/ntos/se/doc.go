// Package se is the stateful half of NT security: token objects, the logon
// sessions they belong to, the identifiers they are given, and the rules that
// need both a token and its history (who may impersonate whom, what a new
// object's descriptor is).
//
// A [TokenObject] is a box around an immutable [token.Token]: readers load the
// value once and work on that snapshot, writers build a new value and swap it
// in by compare-and-swap. [CanImpersonate] is the decision table of
// PsImpersonateClient as a pure function over two values.
//
// Guards: TokenObject.value is atomic; LogonSessions.mu guards the sessions; everything else is immutable.
package se
