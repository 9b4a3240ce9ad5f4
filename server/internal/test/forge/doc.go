// Package forge creates PACs and tickets for tests, as a KDC does, with keys that the test has, and the messages of an
// LDAP server. It is written independently of the parsers and imports none of them.
//
//	buffers := forge.PAC{Domain: domain, User: 1104, Primary: 513, Name: "alice"}.Buffers()
//	data := forge.Seal(buffers, key)
package forge
