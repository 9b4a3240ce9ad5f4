// Package host resolves the users and groups of this host. [Names] queries io.systemd.UserDatabase,
// and then getent if the service does not answer or has no such record. For a user's groups it queries both.
//
//	names := host.New()
//	uid, ok := names.UID(ctx, "alice")
//
// If ok is false, the name was not found or no service answered. The two cases cannot be
// distinguished, so it does not prove that the name is free. [Domains] queries winbind through
// wbinfo. Both types are safe for concurrent use.
package host
