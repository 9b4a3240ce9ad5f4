// Package logon has the data of a logon: the [Request], the account and its groups
// ([Person]), the data of the token ([Result]), and names and SIDs of accounts ([Account]).
// An [Authority] processes requests. A kernel creates sessions and token objects from its
// results.
//
//	person := logon.Person{Account: alice, Groups: groups, Rights: logon.SeNetworkLogonRight}
//	r, st := logon.Compose(person, winnt.LOGON32_LOGON_NETWORK)
//	spec, linked := r.InSession(session, other)   // for token.New
//
// [Memory] is an Authority with the well-known names and a fixed list of accounts. Another
// one is the daemon's account store (server/lsa).
package logon
