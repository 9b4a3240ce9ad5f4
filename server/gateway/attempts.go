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
	wrongOfName    = 5  // failures for one name from one address within attemptTime
	wrongOfAddress = 50 // failures from one address within attemptTime, for all names
	attemptTime    = 15 * time.Minute
	mostAttempts   = 8192 // counters in the table
)

// attempts counts failed password logons by client address and stops further ones before they reach refmond. So an
// unauthenticated client cannot lock a user out (G-32). attempts is safe for concurrent use.
type attempts struct {
	now func() time.Time // immutable

	mu sync.Mutex
	// +checklocks:mu
	of map[attempt]wrong // guarded by mu
}

// attempt is the key of a counter of failed logons: a client's network and a name in upper case, after a backslash. The
// name is "" for the counter of all names of a network.
type attempt struct {
	from netip.Prefix
	name string
}

// wrong counts the failed attempts of a key, those in progress included, since the first of them.
type wrong struct {
	count int
	since time.Time
}

// try counts a logon attempt with a name from a client address, to limit password guessing. The name's domain and
// letter case are ignored, because refmond has several spellings for one account. If the address, or the name from this
// address, is at its limit, ok is false, right is nil and nothing is counted. The caller calls right once to uncount an
// attempt that did not fail or was not tried.
func (a *attempts) try(address, name string) (right func(), ok bool) {
	all := attempt{from: networkOf(address)}
	_, short, _ := logon.Split(name)
	one := attempt{all.from, `\` + strings.ToUpper(short)} // the folding of refmond's account names; never ""
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

// countLocked returns the count of a key, 0 if it has none. If the first attempt was attemptTime ago or more, it
// deletes the counter and returns 0.
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

// addLocked increments the counter of a key. To add a key to a full table, it first deletes all expired counters and at
// least one, which may not have expired. refmond's own limit on wrong passwords still applies.
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

// networkOf returns the network whose logon attempts count together, for a client's address and port such as
// "192.0.2.1:443": one IPv4 address, or an IPv6 prefix. All texts that are not an address and port share the zero
// prefix.
func networkOf(address string) netip.Prefix {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Prefix{}
	}
	return logon.Network(at.Addr())
}
