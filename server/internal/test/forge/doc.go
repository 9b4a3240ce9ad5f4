// Package forge makes for tests what a KDC makes: privilege attribute certificates
// and tickets, sealed with a key that the test has. It is written apart from the
// readers, and imports none of them.
//
//	buffers := forge.PAC{Domain: domain, User: 1104, Primary: 513, Name: "alice"}.Buffers()
//	data := forge.Seal(buffers, key)
package forge
