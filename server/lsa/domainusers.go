package lsa

import (
	linked "container/list"
	"slices"
	"strings"
	"sync"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
)

// domainUsers remembers the names of domain users who logged on, as their domains wrote them. The zero value is empty.
type domainUsers struct {
	mu sync.RWMutex
	// +checklocks:mu
	names map[sid.SID]*linked.Element // guarded by mu; of order
	// +checklocks:mu
	order linked.List // guarded by mu; logon.Account values, the latest logon first
}

// maxDomainUsers limits the number of names. Beyond it, the name of the user whose last logon is the oldest is dropped.
const maxDomainUsers = 10_000

// of returns the name of a domain user who logged on, by SID. ok is false if the user did not log on, or was dropped
// because of the limit.
func (g *domainUsers) of(id sid.SID) (a logon.Account, ok bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	e, ok := g.names[id]
	if ok {
		a = e.Value.(logon.Account)
	}
	return a, ok
}

// put stores the name of a user who logs on, or replaces the stored one. Beyond maxDomainUsers it removes the user
// whose last logon is the oldest (L-73).
func (g *domainUsers) put(a logon.Account) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e, ok := g.names[a.SID]; ok {
		e.Value = a
		g.order.MoveToFront(e)
		return
	}
	if g.names == nil {
		g.names = map[sid.SID]*linked.Element{}
	}
	g.names[a.SID] = g.order.PushFront(a)
	if len(g.names) > maxDomainUsers {
		// The dropped user's last logon is older than those of 10,000 other users (L-73).
		delete(g.names, g.order.Remove(g.order.Back()).(logon.Account).SID)
	}
}

// DomainUsers returns the SIDs of the remembered domain users that match, the latest logon first. A user who was
// created again has two (L-73).
func (s *Store) DomainUsers(match func(a logon.Account) bool) (found []sid.SID) {
	g := &s.domainUsers
	g.mu.RLock()
	defer g.mu.RUnlock()
	for e := g.order.Front(); e != nil; e = e.Next() {
		if a := e.Value.(logon.Account); match(a) {
			found = append(found, a.SID)
		}
	}
	return found
}

// rememberDomainUser remembers the name of a domain's user who logged on, so that records and tables show a name
// next to the SID. It ignores empty and overlong names, and names of a domain that belongs to this
// computer or the system (L-73).
func (s *Store) rememberDomainUser(a logon.Account) {
	if a.Name == "" || a.Domain == "" || len(a.Name)+len(a.Domain) >= logon.MaxName || s.isOwnDomain(a.Domain) {
		return
	}
	s.domainUsers.put(a)
}

// isOwnDomain reports whether a domain name belongs to this computer or the system.
func (s *Store) isOwnDomain(domain string) bool {
	_, known := logon.WellKnownName(domain)
	return known || domain == "." || slices.ContainsFunc([]string{s.computer, unixUsers, unixGroups},
		func(own string) bool { return strings.EqualFold(own, domain) })
}
