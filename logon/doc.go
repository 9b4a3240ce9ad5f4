// Package logon has the values that a logon consists of: what is asked
// ([Request]), who is found ([Person]), what the token is made of ([Result]),
// and the names and SIDs of accounts ([Account]). An [Authority] answers; a
// kernel makes sessions and token objects out of its answers.
//
//	person := logon.Person{Account: alice, Groups: groups, Rights: logon.SeNetworkLogonRight}
//	r, st := logon.Compose(person, winnt.LOGON32_LOGON_NETWORK)
//	spec, linked := r.InSession(session, other)   // for token.New
//
// [Memory] is an Authority that knows the well-known names and what it was given.
// The daemon's store of accounts (server/lsa) is another.
package logon
