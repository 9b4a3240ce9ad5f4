package domain

import (
	"container/list"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/refmon/refmon/logon"
)

// Limit counts failures of logons with a password. The zero value has the default bounds.
type Limit struct {
	// PerName and PerOrigin are changed by Bound once the limit is used.
	PerName   int              // failures of one name within Window; 0 stands for 5
	PerOrigin int              // of one address; 0 stands for 50. A program that names none has ten times as many
	Window    time.Duration    // 0 stands for 15 minutes
	Now       func() time.Time // nil: time.Now

	mu sync.Mutex
	// +checklocks:mu
	names, origins counts // guarded by mu
}

// Defaults, and how many names, and how many origins, are kept.
const (
	defaultPerName   = 5
	defaultPerOrigin = 50
	defaultWindow    = 15 * time.Minute
	maxKept          = 1 << 14
	anonymousFactor  = 10
)

// counts are failures by what is counted; in order, the oldest in front.
type counts struct {
	byKey map[string]*list.Element
	order list.List // of *counted
}

type counted struct {
	key   string
	n     int
	first time.Time
}

// live drops what is over, and returns the count of a key, nil for none.
func (c *counts) live(key string, now time.Time, window time.Duration) *counted {
	for e := c.order.Front(); e != nil; e = c.order.Front() {
		if x := e.Value.(*counted); now.Sub(x.first) < window {
			break
		}
		c.remove(e)
	}
	if e := c.byKey[key]; e != nil {
		return e.Value.(*counted)
	}
	return nil
}

func (c *counts) remove(e *list.Element) {
	c.order.Remove(e)
	delete(c.byKey, e.Value.(*counted).key)
}

// add counts one failure. Where too many are kept the oldest is forgotten. D-26
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

// undo takes one failure back.
func (c *counts) undo(key string) {
	if e := c.byKey[key]; e != nil {
		if x := e.Value.(*counted); x.n > 1 {
			x.n--
			return
		}
		c.remove(e)
	}
}

// network returns what of an address is one client's. Who has an address of IPv6 has the 2^64
// of its network, which count as one. D-30
func network(origin string) string {
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

func (l *Limit) bounds() (name, origin int, window time.Duration, now time.Time) {
	name, origin, window = l.PerName, l.PerOrigin, l.Window
	if name == 0 {
		name = defaultPerName
	}
	if origin == 0 {
		origin = defaultPerOrigin
	}
	if window == 0 {
		window = defaultWindow
	}
	if l.Now == nil {
		return name, origin, window, time.Now()
	}
	return name, origin, window, l.Now()
}

// Bound changes the bounds. What was counted counts on. D-33
func (l *Limit) Bound(perName, perOrigin int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.PerName, l.PerOrigin = perName, perOrigin
}

// attempt counts a failure before the password is looked at, so that guesses at once count
// as those in turn, and reports whether it may be looked at. D-25
func (l *Limit) attempt(name, origin string, named bool) bool {
	name = strings.ToUpper(name)
	l.mu.Lock()
	defer l.mu.Unlock()
	most, perOrigin, window, now := l.bounds()
	if !named {
		perOrigin *= anonymousFactor
	}
	n, o := l.names.live(name, now, window), l.origins.live(origin, now, window)
	if n != nil && n.n >= most || o != nil && o.n >= perOrigin {
		return false
	}
	l.names.add(name, now)
	l.origins.add(origin, now)
	return true
}

// succeeded forgets the failures of a name. Those of the origin stay, but for this one: who
// has one password may not guess at others for ever. D-25
func (l *Limit) succeeded(name, origin string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name = strings.ToUpper(name)
	if e := l.names.byKey[name]; e != nil {
		l.names.remove(e)
	}
	l.origins.undo(origin)
}

// unknown takes an attempt back of which nothing became known.
func (l *Limit) unknown(name, origin string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names.undo(strings.ToUpper(name))
	l.origins.undo(origin)
}
