// Package kerberos authenticates clients by Kerberos tickets for a service of this host, as
// browsers, curl and SMB clients send them (SPNEGO, RFC 4178; RFC 4121).
//
//	keys, err := kerberos.ReadKeytab("/etc/refmond/http.keytab")
//	if err != nil { return err }
//	a, err := kerberos.New(kerberos.Config{Keys: keys, Realm: "EXAMPLE.TEST"})
//	if err != nil { return err }
//	c, err := a.Accept(blob, nil)        // send c.Answer to the client
//
// A token is checked in this order: the untrusted outer token, the ticket with a key of the keytab,
// the authenticator with the ticket's key, the times, the channel bindings, the PAC, and last the
// replay cache. A rejection is a [*Refusal]. It has a status for the client and the details for the
// audit record. Neither contains a key, a ticket or a PAC.
//
// An [Acceptor] is safe for concurrent use. Whoever holds the keytab can forge a ticket for any
// user. Therefore the keytab must be a file of mode 0600 that belongs to root or the daemon's user.
package kerberos
