package pac

import (
	"fmt"
	"time"
	"unicode/utf16"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/sid"
)

// Ticket has the fields of a ticket that its PAC must match.
type Ticket struct {
	Client   string // cname's components, joined by "/", without the realm
	AuthTime time.Time
	// Delegated accepts a ticket whose PAC has delegation information; false rejects it.
	Delegated bool
}

// Check returns nil if the PAC belongs to the ticket t, and otherwise an error that wraps [ErrInvalid]. It compares the
// client's name and the authentication time, and requires that the client is an account of a domain. It also rejects
// delegation unless t.Delegated, and a ticket that another account requested. It verifies no signature. The PAC's other
// names are compared only if they have a SID.
func (p *PAC) Check(t Ticket) error {
	want := make([]byte, 0, 2*len(t.Client))
	for _, u := range utf16.Encode([]rune(t.Client)) {
		want = append(want, byte(u), byte(u>>8))
	}
	// The name must equal the ticket's client byte for byte (K-14).
	if string(want) != p.Client.Name {
		return fmt.Errorf("%w: it was made for %.64q, and the ticket for %.64q", ErrInvalid,
			utf16Text([]byte(p.Client.Name)), t.Client)
	}
	// The time must be the ticket's authentication time (K-14).
	if at := filetime.Of(t.AuthTime.Truncate(time.Second)); p.Client.AuthTime != at {
		return fmt.Errorf("%w: it was made for a ticket of %d, and this one is of %d", ErrInvalid, p.Client.AuthTime, at)
	}
	if p.Logon.UserID == 0 || p.Logon.DomainID.SubAuthorities() != 4 || p.Logon.DomainID.Authority() != 5 ||
		p.Logon.DomainID.Sub(0) != 21 {
		// The client must be an account of a domain; otherwise the parts could form a well-known
		// SID (K-15).
		return fmt.Errorf("%w: %v and %d make no user of a domain", ErrInvalid, p.Logon.DomainID, p.Logon.UserID)
	}
	user := p.Logon.User()
	if p.UPN != nil && !p.UPN.SID.IsZero() && p.UPN.SID != user {
		return fmt.Errorf("%w: its names are those of %v, and the user is %v", ErrInvalid, p.UPN.SID, user)
	}
	if p.Delegation != nil && !t.Delegated {
		// A service requested the ticket for its client, and the configuration does not accept that
		// (K-17, K-87).
		return fmt.Errorf("%w: it came by delegation %v, and kerberos.delegated is false", ErrInvalid, p.Delegation)
	}
	return p.requestor(user)
}

// requestor checks that the ticket's client requested it: it returns an error if another account did, because old KDCs
// could confuse accounts. A service that acts for its client may be the requestor (K-16).
func (p *PAC) requestor(user sid.SID) error {
	if p.Requestor.IsZero() || p.Requestor == user || p.Delegation != nil {
		return nil
	}
	return fmt.Errorf("%w: %v requested it, and the user is %v", ErrInvalid, p.Requestor, user)
}
