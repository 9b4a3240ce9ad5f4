// Package roster tells a live index who the people of a directory are, asked by LDAP: versions of
// their memberships as they change, and a beat as long as the directory answers.
//
//	r := &roster.LDAP{Directory: d} // of package ldap
//	err := index.Run(ctx, index.Config{…, Roster: r})
//
// It asks for the number of the newest change, and for the people only if one of them or of the
// groups has changed. Who the people are counts once it was read alike twice, or nothing changed while
// it was read (N-21). A directory that is away vouches for nothing, so that an index gives
// nothing once its last beat is older than the limit (N-9).
//
// Guards: an LDAP belongs to the run that it is given to.
package roster
