package lsa

import (
	"slices"
	"strings"
	"sync"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
)

// guests holds the names of domain users who logged on, as their domains wrote them. The zero value
// is empty.
type guests struct {
	mu sync.RWMutex
	// +checklocks:mu
	names map[sid.SID]logon.Account // guarded by mu
}

// maxGuests limits the number of names. When it is reached, all names are dropped.
const maxGuests = 10_000

// of returns the account of a SID. ok is false if the user did not log on or was dropped.
func (g *guests) of(id sid.SID) (a logon.Account, ok bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	a, ok = g.names[id]
	return a, ok
}

// rememberGuest remembers the name of a domain's user who logged on, so that records and tables show a name
// next to the SID. It ignores empty and overlong names, and names of a domain that belongs to this
// computer or the system (L-73).
func (s *Store) rememberGuest(a logon.Account) {
	if old, ok := s.guests.of(a.SID); ok && old == a {
		return
	}
	if a.Name == "" || a.Domain == "" || len(a.Name)+len(a.Domain) >= logon.MaxName || s.ours(a.Domain) {
		return
	}
	s.guests.mu.Lock()
	defer s.guests.mu.Unlock()
	if s.guests.names == nil || len(s.guests.names) >= maxGuests {
		s.guests.names = map[sid.SID]logon.Account{}
	}
	s.guests.names[a.SID] = a
}

// ours reports whether a domain name belongs to this computer or the system.
func (s *Store) ours(domain string) bool {
	_, known := logon.WellKnownName(domain)
	return known || domain == "." || slices.ContainsFunc([]string{s.computer, unixUsers, unixGroups},
		func(own string) bool { return strings.EqualFold(own, domain) })
}
