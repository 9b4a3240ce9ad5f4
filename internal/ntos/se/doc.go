// Package se is the stateful half of NT security: token objects, their logon sessions and identifiers, and the rules
// that need both a token and its history (whether a thread may impersonate a token, the descriptor of a new object).
//
// A [TokenObject] contains an immutable [token.Token]. Readers load the value once and use that snapshot. Writers
// build a new value and swap it in by compare-and-swap. [CanImpersonate] is the decision table of PsImpersonateClient
// as a pure function of two values.
//
// TokenObject.value is atomic. LogonSessions.mu guards the sessions. Everything else is immutable.
package se
