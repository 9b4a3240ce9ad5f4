package lsa

import (
	"slices"
	"strings"
	"sync"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
)

// guests are the users of domains who logged on, by the names that their domain gave them. The
// zero value has no user.
type guests struct {
	mu sync.RWMutex
	// +checklocks:mu
	names map[sid.SID]logon.Account // guarded by mu
}

// maxGuests is how many users of domains have names at once.
const maxGuests = 10_000

// of returns the account of a SID, ok false for one who did not log on.
func (g *guests) of(id sid.SID) (a logon.Account, ok bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	a, ok = g.names[id]
	return a, ok
}

// greet remembers a domain's user who logged on, so that records and tables have the name beside
// the SID. A name that this computer has given, or the system, is told of no other account. L-73
func (s *Store) greet(a logon.Account) {
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

// ours reports whether the name of a domain is one of this computer's, or the system's.
func (s *Store) ours(domain string) bool {
	_, known := logon.WellKnownName(domain)
	return known || domain == "." || slices.ContainsFunc([]string{s.computer, unixUsers, unixGroups},
		func(own string) bool { return strings.EqualFold(own, domain) })
}
