// Package roster reads the people of a live index from an LDAP directory. It reports each changed
// version, and heartbeats while the directory answers.
//
//	r := &roster.LDAP{Directory: d} // of package ldap
//	err := index.Run(ctx, index.Config{…, Roster: r})
//
// It polls the directory's change number and reads the accounts only if the number differs. A version takes effect
// after two identical reads, or if nothing changed during the read (N-21). While the directory is unreachable there are
// no heartbeats, so queries fail when the last one is older than the limit (N-9).
//
// An [LDAP] belongs to one run.
package roster
