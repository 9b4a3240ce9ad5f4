package logon

import "net/netip"

// Network returns what of an address is one client's: an address of IPv4 itself, of IPv6 the
// network, as its owner has all 2^64 of it. Zones do not tell clients apart. The zero value
// gives the zero value.
func Network(at netip.Addr) netip.Prefix {
	at = at.Unmap().WithZone("")
	bits := 64
	if at.Is4() {
		bits = 32
	}
	p, _ := at.Prefix(bits) // the bits fit
	return p
}
