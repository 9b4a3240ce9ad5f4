// Package se is the part of NT security that has state: token objects, logon sessions and identifiers. It also has
// the rules that need a token and its history: whether a thread may impersonate a token, and which descriptor a new
// object gets.
//
// A [TokenObject] contains an immutable [token.Token]. Readers load the value once and use that snapshot. Writers
// build a new value and swap it in by compare-and-swap. [CanImpersonate] is the decision table of PsImpersonateClient
// as a pure function of two values.
//
// TokenObject.value is atomic. LogonSessions.mu guards the sessions. Everything else is immutable.
package se
