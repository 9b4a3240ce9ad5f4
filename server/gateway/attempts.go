package gateway

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/refmon/refmon/logon"
)

// Limits of failed password logons. refmond locks a name after ten, so one address cannot lock it alone.
const (
	wrongOfName    = 5  // for one name from one address within attemptTime
	wrongOfAddress = 50 // from one address
	attemptTime    = 15 * time.Minute
	mostAttempts   = 8192 // counters in the table
)

// attempts counts failed password logons by client address, before they reach refmond. So an unauthenticated client
// cannot lock a user out (G-32). It is safe for concurrent use.
type attempts struct {
	now func() time.Time // immutable

	mu sync.Mutex
	// +checklocks:mu
	of map[attempt]wrong // guarded by mu
}

// attempt is the key of a counter: an address and a name. The name is "" for the counter of all names of an address.
type attempt struct {
	from netip.Prefix
	name string
}

// wrong is a counter of failed attempts, with those in progress, and the time of the first.
type wrong struct {
	count int
	since time.Time
}

// try counts an attempt by an address at a name, in any case of letters. If the address or the pair has reached its
// limit, it counts nothing, ok is false and right is nil. The caller calls right at most once, if the password was
// correct or not tried, to uncount the attempt.
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

// countLocked returns the count of a key. It deletes a counter older than attemptTime and returns 0.
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

// addLocked increments a counter. If the table is full, it first deletes counters in random order
// until one fits, and expired ones. refmond's own limit still applies.
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

// networkOf returns the network whose attempts count together: one IPv4 address, or an IPv6 prefix.
// All texts that are not an address and port share the zero prefix.
func networkOf(address string) netip.Prefix {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Prefix{}
	}
	return logon.Network(at.Addr())
}
