// Package kerberos proves who a client is by a Kerberos ticket for a service of this
// host, as browsers, curl and SMB clients send it (SPNEGO, RFC 4178; RFC 4121).
//
//	keys, err := kerberos.ReadKeytab("/etc/refmond/http.keytab")
//	if err != nil { return err }
//	a, err := kerberos.New(kerberos.Config{Keys: keys, Realm: "EXAMPLE.TEST"})
//	if err != nil { return err }
//	c, err := a.Accept(blob, nil)        // c.Answer goes back to the client
//
// The order of a check: the outer token (no byte of it is trusted), the ticket with
// a key of the keytab, the authenticator with the ticket's key, the times, the
// binding to the channel, the replay cache, and the PAC last. A refusal is a
// [*Refusal]: what the client may hear, and what the record alone says. No key, no
// ticket and no PAC is in either.
//
// An [Acceptor] is safe for concurrent use. Who holds the keytab can make a ticket
// that names any user: it is a file of mode 0600 of root or of the daemon's own
// user, or refused.
package kerberos
