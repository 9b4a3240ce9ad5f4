package admission

import (
	"container/list"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/refmon/refmon/logon"
)

// Limit counts failed password logons. The zero value has the default limits. It is safe for concurrent use.
type Limit struct {
	// Set the fields before the first use. Afterwards only Bound may change the limits. A negative limit refuses
	// every attempt.
	PerPair   int              // failures of one name from one origin within Window; 0: 5
	PerName   int              // failures of one name from all origins; 0: 100
	PerOrigin int              // failures of one origin; 0: 50. An origin that is a program has ten times as many
	Window    time.Duration    // counts from the first failure; 0: 15 minutes
	LockPair  bool             // the failure that reaches PerPair starts a new Window for the pair
	Now       func() time.Time // nil: time.Now

	mu sync.Mutex
	// +checklocks:mu
	pairs, names, origins, proved counts // guarded by mu
}

// Default limits. NIST SP 800-63B 5.2.2 allows at most 100 online guesses for one account, which is 20 origins with
// five each.
const (
	DefaultPerPair   = 5
	DefaultPerName   = 100
	DefaultPerOrigin = 50
	DefaultWindow    = 15 * time.Minute
	maxKept          = 1 << 14
	anonymousFactor  = 10
	// provedFor is how long after a logon from an origin the failures from other origins do not count against it.
	provedFor = 30 * 24 * time.Hour
)

// counts is a table of failed logons by key, ordered by the time at which they expire. The zero value is empty.
type counts struct {
	byKey map[string]*list.Element
	order list.List // of *counted
}

type counted struct {
	key   string
	n     int
	first time.Time
}

// live returns the failures that still count for key, 0 if there is no counter. It first removes every counter whose
// first failure is at least window old. All calls on one table must use the same window.
func (c *counts) live(key string, now time.Time, window time.Duration) int {
	for e := c.order.Front(); e != nil; e = c.order.Front() {
		if x := e.Value.(*counted); now.Sub(x.first) < window {
			break
		}
		c.remove(e)
	}
	if e := c.byKey[key]; e != nil {
		return e.Value.(*counted).n
	}
	return 0
}

// remove deletes a counter of failures, given by its list element e, which must be in the table.
func (c *counts) remove(e *list.Element) {
	c.order.Remove(e)
	delete(c.byKey, e.Value.(*counted).key)
}

// add counts one failure of key. A new counter starts at now; a failure of an existing one does not change when
// it expires. A full table removes its oldest counter first (D-26).
func (c *counts) add(key string, now time.Time) {
	if c.byKey == nil {
		c.byKey = map[string]*list.Element{}
	}
	if e := c.byKey[key]; e != nil {
		e.Value.(*counted).n++
		return
	}
	if len(c.byKey) >= maxKept {
		c.remove(c.order.Front())
	}
	c.byKey[key] = c.order.PushBack(&counted{key: key, n: 1, first: now})
}

// restart makes a counter expire later, as if its first failure were now. It ignores an unknown key.
func (c *counts) restart(key string, now time.Time) {
	if e := c.byKey[key]; e != nil {
		e.Value.(*counted).first = now
		c.order.MoveToBack(e)
	}
}

// undo takes one failure of key back and removes a counter that reaches 0. It ignores an unknown key.
func (c *counts) undo(key string) {
	if e := c.byKey[key]; e != nil {
		if x := e.Value.(*counted); x.n > 1 {
			x.n--
			return
		}
		c.remove(e)
	}
}

// drop forgets all failures of key. It ignores an unknown key.
func (c *counts) drop(key string) {
	if e := c.byKey[key]; e != nil {
		c.remove(e)
	}
}

// Network returns the origin that an address counts for: an IPv4 address itself, and the network of 64 bits of an IPv6
// address, because its host has all of them. A text that is not an address, such as one with a port, is returned
// unchanged (D-30).
func Network(origin string) string {
	at, err := netip.ParseAddr(origin)
	if err != nil {
		return origin
	}
	p := logon.Network(at)
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// bounds are the limits of a Limit in effect, with defaults filled in, and the current time.
type bounds struct {
	pair, name, origin int
	window             time.Duration
	now                time.Time
}

// bounds returns the limits in effect for an origin that is an address (named) or a program: the defaults in place of
// zero fields, and the current time of the clock.
func (l *Limit) bounds(named bool) bounds {
	or := func(n, otherwise int) int {
		if n == 0 {
			return otherwise
		}
		return n
	}
	b := bounds{or(l.PerPair, DefaultPerPair), or(l.PerName, DefaultPerName), or(l.PerOrigin, DefaultPerOrigin), l.Window,
		time.Time{}}
	if b.window == 0 {
		b.window = DefaultWindow
	}
	if !named {
		b.origin *= anonymousFactor
	}
	if l.Now == nil {
		b.now = time.Now()
	} else {
		b.now = l.Now()
	}
	return b
}

// Bound replaces PerPair, PerName and PerOrigin. 0 selects the default, and a negative limit refuses every
// attempt. The counts of failures stay, so a lower limit can refuse the next attempt (D-33).
func (l *Limit) Bound(perPair, perName, perOrigin int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.PerPair, l.PerName, l.PerOrigin = perPair, perName, perOrigin
}

// pair returns the key that counts failures of one name from one origin. It does not change the case of the name.
func pair(name, origin string) string { return name + "\x00" + origin }

// Attempt counts a failure before the password is checked, so that concurrent guesses count. It returns false and
// counts nothing if a limit is reached. The limit of a name alone does not apply to an origin for which [Limit.Proved]
// is true. named means that origin is an address, not a program. Names are compared without regard to case, and
// origins exactly.
//
// After Attempt returned true, call Succeeded once if the password was right, and Unknown once if nobody checked it.
// After a wrong password call neither (D-25).
func (l *Limit) Attempt(name, origin string, named bool) bool {
	name = strings.ToUpper(name)
	both := pair(name, origin)
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bounds(named)
	if l.refusesLocked(name, origin, b) {
		return false
	}
	l.pairs.add(both, b.now)
	if l.LockPair && l.pairs.live(both, b.now, b.window) >= b.pair {
		l.pairs.restart(both, b.now)
	}
	l.names.add(name, b.now)
	l.origins.add(origin, b.now)
	return true
}

// Refuses reports whether [Limit.Attempt] would return false. It counts nothing.
func (l *Limit) Refuses(name, origin string, named bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refusesLocked(strings.ToUpper(name), origin, l.bounds(named))
}

// refusesLocked reports whether a limit is reached for a name in upper case and an origin. An origin is refused for its
// own failures. For the failures from all origins, only origins are refused from which the name has not logged on, so
// that a stranger's guesses do not lock the user out (D-25).
//
// +checklocks:l.mu
func (l *Limit) refusesLocked(name, origin string, b bounds) bool {
	both := pair(name, origin)
	return l.pairs.live(both, b.now, b.window) >= b.pair || l.origins.live(origin, b.now, b.window) >= b.origin ||
		l.names.live(name, b.now, b.window) >= b.name && l.proved.live(both, b.now, provedFor) == 0
}

// Succeeded removes the failures of a name from an origin, and makes [Limit.Proved] true for them for 30 days. From the
// counters of the name and of the origin it takes back only this attempt, so other origins get no new guesses, and the
// origin none for other names (D-25).
func (l *Limit) Succeeded(name, origin string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name = strings.ToUpper(name)
	both := pair(name, origin)
	l.pairs.drop(both)
	l.names.undo(name)
	l.origins.undo(origin)
	l.proved.drop(both)
	l.proved.add(both, l.bounds(true).now)
}

// Unknown takes back one attempt that [Limit.Attempt] counted, from the pair, the name and the origin. Call it
// once if nobody checked the password; a further call would take back another attempt. Without counted failures
// it does nothing.
func (l *Limit) Unknown(name, origin string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name = strings.ToUpper(name)
	l.pairs.undo(pair(name, origin))
	l.names.undo(name)
	l.origins.undo(origin)
}

// Proved reports whether Succeeded was called for the name and the origin within the last 30 days. Only the newest
// 16,384 pairs are kept, and only in memory.
func (l *Limit) Proved(name, origin string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.proved.live(pair(strings.ToUpper(name), origin), l.bounds(true).now, provedFor) > 0
}

// Forget removes the failures of a name, whose case is ignored, from all origins, for example when an administrator
// unlocks the account. The counters of the origins and the result of [Limit.Proved] stay. An unknown name has no
// effect.
func (l *Limit) Forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name = strings.ToUpper(name)
	l.names.drop(name)
	for key, e := range l.pairs.byKey {
		if strings.HasPrefix(key, pair(name, "")) {
			l.pairs.remove(e)
		}
	}
}
