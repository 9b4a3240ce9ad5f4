// Package lsa is the daemon's account database: accounts, local groups, rights,
// the audit policy, the SID of this machine and the maps between uids and SIDs,
// in one file that is safe against a crash.
//
//	store, err := lsa.Open(lsa.Config{Folder: "/var/lib/refmon"})
//	r, st := store.TokenForUID(peer.UID, peer.GIDs)   // who connected
//
// A [Store] is a [logon.Authority]. It gives
// values; sessions and token objects are the kernel's. [Store.Update] is the
// only way to change it, and each change is offered to Config.Audit before it
// is made.
//
// Guards: a Store is used from many goroutines. What it knows is one immutable
// value behind an atomic pointer; writers take turns.
package lsa
