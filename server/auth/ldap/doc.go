// Package ldap reads accounts and their groups from Active Directory over LDAP, and exports a
// directory's contents.
//
//	d, err := ldap.New(ldap.Config{Servers: []string{"ldaps://dc1.example.test"}, Security: ldap.TLS,
//		Domain: domain, Account: reader, Password: secret})
//	if err != nil { return err }
//	defer d.Close()
//	found, err := d.Find(ctx, "alice", false) // for a logon without the client's ticket
//	err = d.People(ctx, &people)              // for refmond directory export and the live index
//
// A server authenticates itself by its certificate or by Kerberos. Every message is then encrypted
// or signed. Responses are still limited in bytes, entries, groups and time, and referrals are not
// followed. An incomplete response is an error. It never becomes a token with fewer groups, because
// a missing group could be one that denies.
//
// A [Directory] is safe for concurrent use. The rules are D in docs/rules/99-directory.md.
package ldap
