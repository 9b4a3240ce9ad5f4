package pac

import (
	"fmt"
	"time"
	"unicode/utf16"

	"github.com/refmon/refmon/sid"
)

// Ticket has what a ticket says of its client, with which its PAC must agree.
type Ticket struct {
	Client   string // cname's components, joined by "/", without the realm
	AuthTime time.Time
	// Delegated says what becomes of a ticket that a service had for its client, if
	// its requestor is not the client: without it, the ticket is refused.
	Delegated bool
}

// unixEpoch is 1 January 1970 as a FILETIME.
const unixEpoch = 116444736000000000

// Check reports, wrapping [ErrInvalid], how the PAC is not that of the ticket.
func (p *PAC) Check(t Ticket) error {
	want := make([]byte, 0, 2*len(t.Client))
	for _, u := range utf16.Encode([]rune(t.Client)) {
		want = append(want, byte(u), byte(u>>8))
	}
	// The name is that of the ticket's client, byte for byte. K-14
	if string(want) != p.Client.Name {
		return fmt.Errorf("%w: it was made for %.64q, and the ticket for %.64q", ErrInvalid,
			utf16Text([]byte(p.Client.Name)), t.Client)
	}
	// The time is that at which the ticket's client proved who it is. K-14
	if at := t.AuthTime.Unix()*10_000_000 + unixEpoch; p.Client.AuthTime != at {
		return fmt.Errorf("%w: it was made for a ticket of %d, and this one is of %d", ErrInvalid, p.Client.AuthTime, at)
	}
	if p.Logon.UserID == 0 || p.Logon.DomainID.SubAuthorities() != 4 || p.Logon.DomainID.Authority() != 5 ||
		p.Logon.DomainID.Sub(0) != 21 {
		// The client is an account of a domain: no well-known SID is made of the parts. K-15
		return fmt.Errorf("%w: %v and %d make no user of a domain", ErrInvalid, p.Logon.DomainID, p.Logon.UserID)
	}
	user := p.Logon.User()
	if p.UPN != nil && !p.UPN.SID.IsZero() && p.UPN.SID != user {
		return fmt.Errorf("%w: its names are those of %v, and the user is %v", ErrInvalid, p.UPN.SID, user)
	}
	return p.requestor(user, t.Delegated)
}

// requestor refuses a requestor who is not the user, as KDCs of old could be led to
// take one account for another. K-16
func (p *PAC) requestor(user sid.SID, delegated bool) error {
	if p.Requestor.IsZero() || p.Requestor == user {
		return nil
	}
	if p.Delegation == nil {
		return fmt.Errorf("%w: %v requested it, and the user is %v", ErrInvalid, p.Requestor, user)
	}
	if !delegated {
		// A service that acts for its client may be the requestor, if the configuration lets it. K-17
		return fmt.Errorf("%w: %v requested it by delegation for %v: the configuration does not let that in", ErrInvalid,
			p.Requestor, user)
	}
	return nil
}
