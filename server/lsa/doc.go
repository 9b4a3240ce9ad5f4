// Package lsa is the daemon's account database: accounts, local groups, rights, the audit policy,
// the computer's SID, and the maps between uids and SIDs. All of it is in one bbolt file that
// survives a crash at any moment.
//
//	store, err := lsa.Open(lsa.Config{Folder: "/var/lib/refmon"})
//	r, st := store.TokenForUID(peer.UID, peer.GIDs)   // the connected client
//
// A [Store] is a [logon.Authority]. It returns values; the kernel owns sessions and token objects.
// Only [Store.Update] and [Store.Import] change accounts, groups, rights and maps. They pass each
// change to Config.Audit before they commit. Logons with a password also store failed attempts.
//
// A Store is safe for concurrent use. Readers load one immutable state from an atomic pointer;
// writers are serialized.
package lsa
