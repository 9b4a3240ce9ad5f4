package wire

import (
	"sync"
	"time"
)

// Lookout looks for calls that take long (W-43), beside the goroutines that make them, and
// for all connections that share it. The zero value goes by
// Go's clock.
//
// A daemon's goes by the host's, see [NewLookout]: a timer of Go's that is due soon makes
// every wait for input a short one and keeps Go's own watchman awake, which takes a fifth
// of a call (docs/performance.md).
type Lookout struct {
	nap func(time.Duration) // immutable; nil for a timer of Go's

	mu sync.Mutex
	// +checklocks:mu
	stints []*stint // that had a turn not long ago; guarded by mu
	// +checklocks:mu
	awake bool // it looks; guarded by mu
	// +checklocks:mu
	idle int // looks that saw no call, the last ones; guarded by mu
}

// How a lookout looks.
const (
	lookTime  = time.Millisecond // between two looks; a call that both see takes long
	idleLooks = 10               // that see no call, before it sleeps until there is one
)

// NewLookout returns the lookout of a program with many connections.
func NewLookout() *Lookout { return &Lookout{nap: nap} }

// watch looks after a stint until it has had no turn for a while.
func (l *Lookout) watch(t *stint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stints = append(l.stints, t)
	if l.awake {
		return
	}
	l.awake, l.idle = true, 0
	if l.nap == nil {
		time.AfterFunc(lookTime, l.tick)
		return
	}
	go func() {
		for again := true; again; again = l.look() {
			l.nap(lookTime)
		}
	}()
}

// sleep sleeps by the lookout's clock.
func (l *Lookout) sleep(d time.Duration) {
	if l.nap == nil {
		time.Sleep(d)
		return
	}
	l.nap(d)
}

// tick looks by Go's clock.
func (l *Lookout) tick() {
	if l.look() {
		time.AfterFunc(lookTime, l.tick)
	}
}

// look looks once. It reports false once there has been nothing to see for a while.
func (l *Lookout) look() (again bool) {
	l.mu.Lock()
	seen := l.stints
	l.stints = nil
	l.mu.Unlock()
	kept := seen[:0]
	for _, t := range seen {
		if t.look() {
			kept = append(kept, t)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(seen[len(kept):])
	l.stints = append(kept, l.stints...)
	if l.idle++; len(l.stints) > 0 {
		l.idle = 0
	}
	l.awake = l.idle < idleLooks
	return l.awake
}
