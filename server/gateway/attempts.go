package gateway

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/refmon/refmon/logon"
)

// Bounds of passwords that were wrong. refmond locks a name after ten: one address alone
// does not get so far with a name.
const (
	wrongOfName    = 5  // from one address, for one name, until attemptTime has passed
	wrongOfAddress = 50 // from one address
	attemptTime    = 15 * time.Minute
	mostAttempts   = 8192 // addresses and names that are remembered
)

// attempts counts passwords that were wrong by the address that they came from, before
// refmond hears of them: a stranger must not be able to lock a user out (G-32).
type attempts struct {
	now func() time.Time // immutable

	mu sync.Mutex
	// +checklocks:mu
	of map[attempt]wrong // guarded by mu
}

// attempt says who tries what; the name is "" for all names of an address.
type attempt struct {
	from netip.Prefix
	name string
}

// wrong has how many were wrong, those under way included, and since when.
type wrong struct {
	count int
	since time.Time
}

// try takes an attempt of an address at a name. It reports false where there were too many;
// else right gives the attempt back once the password was right.
func (a *attempts) try(address, name string) (right func(), ok bool) {
	all := attempt{from: networkOf(address)}
	one := attempt{all.from, strings.ToLower(name)}
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.countLocked(all, now) >= wrongOfAddress || a.countLocked(one, now) >= wrongOfName {
		return nil, false
	}
	a.addLocked(all, now)
	a.addLocked(one, now)
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, k := range []attempt{all, one} {
			if w, here := a.of[k]; here && w.count > 1 {
				a.of[k] = wrong{w.count - 1, w.since}
			} else {
				delete(a.of, k)
			}
		}
	}, true
}

// countLocked returns how many were wrong lately.
//
// +checklocks:a.mu
func (a *attempts) countLocked(k attempt, now time.Time) int {
	w, here := a.of[k]
	if here && now.Sub(w.since) >= attemptTime {
		delete(a.of, k)
		return 0
	}
	return w.count
}

// addLocked counts one more. Where there is no room, what is over goes, and else something:
// the bound of refmond still stands.
//
// +checklocks:a.mu
func (a *attempts) addLocked(k attempt, now time.Time) {
	w, here := a.of[k]
	if !here {
		w.since = now
		if len(a.of) >= mostAttempts {
			for old, o := range a.of {
				if now.Sub(o.since) >= attemptTime || len(a.of) >= mostAttempts {
					delete(a.of, old)
				}
			}
		}
	}
	w.count++
	a.of[k] = w
}

// networkOf returns what counts as one address: of IPv6 a network, as each host has many. What
// is no address is one for all.
func networkOf(address string) netip.Prefix {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Prefix{}
	}
	return logon.Network(at.Addr())
}
