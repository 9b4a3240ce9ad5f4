// Package ldap asks Active Directory by LDAP: who an account is, in which groups, and
// what is in the directory.
//
//	d, err := ldap.New(ldap.Config{Servers: []string{"ldaps://dc1.example.test"}, Domain: domain, Account: asker})
//	if err != nil { return err }
//	found, err := d.Find(ctx, "alice")   // for a logon without the client's ticket
//	err = d.People(ctx, &list)           // for refmond directory export
//
// A server proves itself by its certificate or by Kerberos, and every message is then
// encrypted or signed. What it says is still bounded: bytes, entries and time of an
// answer, depth of groups; no referral is followed. An answer that is not whole is an
// error, and never a token of fewer groups: one of those left out could deny.
//
// A [Directory] is safe for concurrent use. Rules D of docs/rules/99-directory.md.
package ldap
