// Package host tells who the users and groups of this host are: by
// io.systemd.UserDatabase where its socket answers, else by getent.
//
//	names := host.New()
//	uid, ok := names.UID(ctx, "alice")
//
// ok false says that the name was not found or that no service answered, which
// cannot be told apart and proves nothing. [Domains] asks winbind, by wbinfo. Both are
// safe for concurrent use.
package host
