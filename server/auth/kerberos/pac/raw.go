package pac

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/refmon/refmon/sid"
)

// ClientInfo is PAC_CLIENT_INFO: the client and the time of the PAC's ticket (MS-PAC 2.7).
type ClientInfo struct {
	AuthTime int64  // FILETIME
	Name     string // UTF-16LE, not decoded
}

// readClientInfo parses PAC_CLIENT_INFO. The name must fill the buffer (K-6); otherwise it is ErrInvalid.
func readClientInfo(b []byte) (ClientInfo, error) {
	if len(b) < 10 {
		return ClientInfo{}, fmt.Errorf("%w: client information of %d bytes", ErrInvalid, len(b))
	}
	n := int(binary.LittleEndian.Uint16(b[8:]))
	// The name must fill the buffer (K-6).
	if n%2 != 0 || len(b) != 10+n {
		return ClientInfo{}, fmt.Errorf("%w: client information of %d bytes with a name of %d", ErrInvalid, len(b), n)
	}
	return ClientInfo{AuthTime: int64(binary.LittleEndian.Uint64(b)), Name: string(b[10:])}, nil
}

// UPNInfo is UPN_DNS_INFO (MS-PAC 2.10).
type UPNInfo struct {
	UPN, DNSDomain string
	MadeUp         bool // the account has no UPN; this one is its name with the domain
	SAMName        string
	SID            sid.SID // zero if the KDC wrote none
}

// Flags of UPN_DNS_INFO.
const (
	upnMadeUp   = 1
	upnExtended = 2
)

// readUPN parses a UPN_DNS_INFO. An empty name is "". A name outside the buffer or in the fixed fields (K-7), and a
// UTF-16 name of odd length, are ErrInvalid. If there is the extension, a malformed SID is an error, else there is no
// SID.
func readUPN(b []byte) (*UPNInfo, error) {
	if len(b) < 12 {
		return nil, fmt.Errorf("%w: names of %d bytes", ErrInvalid, len(b))
	}
	flags := binary.LittleEndian.Uint32(b[8:])
	fixed := 12
	if flags&upnExtended != 0 {
		fixed = 20
	}
	var parts [4][]byte
	for i := range (fixed - 4) / 4 {
		at := 4 * i
		if i >= 2 {
			at += 4 // skip the flags
		}
		if at+4 > len(b) {
			return nil, fmt.Errorf("%w: names of %d bytes, want %d", ErrInvalid, len(b), fixed)
		}
		n, offset := int(binary.LittleEndian.Uint16(b[at:])), int(binary.LittleEndian.Uint16(b[at+2:]))
		// Each name must be after the fixed part and inside the buffer (K-7).
		if n > 0 && (offset < fixed || offset+n > len(b)) || i < 3 && n%2 != 0 {
			return nil, fmt.Errorf("%w: name %d: %d bytes at %d of %d", ErrInvalid, i, n, offset, len(b))
		}
		if n > 0 {
			parts[i] = b[offset : offset+n]
		}
	}
	u := &UPNInfo{UPN: utf16Text(parts[0]), DNSDomain: utf16Text(parts[1]), MadeUp: flags&upnMadeUp != 0,
		SAMName: utf16Text(parts[2])}
	if flags&upnExtended != 0 {
		s, err := wholeSID(parts[3])
		if err != nil {
			return nil, err
		}
		u.SID = s
	}
	return u, nil
}

// wholeSID parses a buffer that must have exactly one SID and nothing else. Otherwise it is ErrInvalid.
func wholeSID(b []byte) (sid.SID, error) {
	s, n, err := sid.Decode(b)
	if err != nil || n != len(b) {
		return sid.SID{}, fmt.Errorf("%w: %d bytes are not a SID", ErrInvalid, len(b))
	}
	return s, nil
}

// Attributes has the flags of PAC_ATTRIBUTES_INFO (MS-PAC 2.14).
type Attributes uint32

// The client requested the PAC, or the KDC added it without a request.
const (
	WasRequested Attributes = 1 << iota
	WasGivenImplicitly
)

// readAttributes parses PAC_ATTRIBUTES_INFO and keeps the two known bits. Fewer than two bits are ErrInvalid. Bytes
// after the bits are ignored.
func readAttributes(b []byte) (Attributes, error) {
	if len(b) < 4 {
		return 0, fmt.Errorf("%w: attributes of %d bytes", ErrInvalid, len(b))
	}
	bits := uint64(binary.LittleEndian.Uint32(b))
	if bits < 2 || (bits+31)/32*4 > uint64(len(b)-4) {
		return 0, fmt.Errorf("%w: attributes of %d bits in %d bytes", ErrInvalid, bits, len(b))
	}
	return Attributes(binary.LittleEndian.Uint32(b[4:])) & (WasRequested | WasGivenImplicitly), nil
}

// Delegation is S4U_DELEGATION_INFO (MS-PAC 2.9): a service requested the ticket for its client.
type Delegation struct {
	Target    string
	Transited []string // the services in order
}

// mostServices limits the services in a text, and longestService the characters of each.
const (
	mostServices   = 8
	longestService = 256
)

// String describes the services that the ticket was delegated through and its target, with limited
// length. The text may contain control characters from the KDC.
func (d *Delegation) String() string {
	if len(d.Transited) == 0 {
		return fmt.Sprintf("through no named service for %.*s", longestService, d.Target)
	}
	names := make([]string, min(mostServices, len(d.Transited)))
	for i := range names {
		names[i] = fmt.Sprintf("%.*s", longestService, d.Transited[i])
	}
	text := "through " + strings.Join(names, ", ")
	if n := len(d.Transited) - mostServices; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("%s for %.*s", text, longestService, d.Target)
}

// maxTransited limits the services that a ticket was delegated through.
const maxTransited = 256

// readDelegation parses S4U_DELEGATION_INFO. More than maxTransited services are ErrInvalid. A malformed text is
// ErrInvalid, too.
func readDelegation(b []byte) (*Delegation, error) {
	r := newReader(b, "delegation information")
	target := r.counted()
	count, there := r.u32(), r.pointer()
	d := &Delegation{Target: r.text(target)}
	n := r.array(there, count, 8, "services")
	if n > maxTransited {
		r.fail("%d services, want at most %d", n, maxTransited)
		n = 0
	}
	heads := make([]counted, n)
	for i := range heads {
		heads[i] = r.counted()
	}
	for _, h := range heads {
		d.Transited = append(d.Transited, r.text(h))
	}
	if r.err != nil {
		return nil, r.err
	}
	return d, nil
}
