// Package pac reads the privilege attribute certificate of a Kerberos ticket: who
// the client is, in which groups, with which claims, as the domain's KDC says
// (MS-PAC).
//
//	p, err := pac.Open(data, key)       // key: the one that decrypted the ticket
//	if err != nil { return err }
//	if err := p.Check(ticket); err != nil { return err }
//	for _, g := range p.Logon.Groups { … }
//
// [Open] verifies the server signature over the bytes as they came before it reads
// any buffer. The KDC signature is of a key that a service does not have: its
// presence is all that can be checked, so that the holder of the service's key
// can make any PAC for that service.
//
// Sizes are checked before memory is taken, and a PAC is read whole or refused. A
// PAC is immutable once opened.
package pac
