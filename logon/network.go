package logon

import "net/netip"

// Network returns the part of an address that identifies one client. For IPv4 this is the
// address itself. For IPv6 it is the network of 64 bits, because its owner has all 2^64
// addresses. Zones do not distinguish clients. The zero value gives the zero value.
func Network(at netip.Addr) netip.Prefix {
	at = at.Unmap().WithZone("")
	bits := 64
	if at.Is4() {
		bits = 32
	}
	p, _ := at.Prefix(bits) // the bits fit
	return p
}
