// Package pac parses the privilege attribute certificate of a Kerberos ticket (MS-PAC): the KDC's
// statement of a client's SID, groups and claims.
//
//	p, err := pac.Open(data, key)       // key: the one that decrypted the ticket
//	if err != nil { return err }
//	if err := p.Check(ticket); err != nil { return err }
//	id, err := p.Identity(place)        // only the SIDs that this KDC may assign
//
// [Open] verifies the server signature over the raw bytes before it parses any buffer. A service
// does not have the key of the KDC signature, so only its presence is checked. Therefore a holder
// of the service's key can forge any PAC for that service.
//
// Sizes are checked before memory is allocated. A PAC with a malformed buffer is rejected as a
// whole. A PAC is immutable once opened.
package pac
