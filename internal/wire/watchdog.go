package wire

import (
	"sync"
	"time"
)

// Watchdog finds calls that take long (W-43). It runs in a goroutine of its own, for all connections that share it.
// The zero value uses Go's clock. A daemon uses the host's, see [NewWatchdog]: a Go timer that is due soon shortens
// every wait for input and keeps Go's own watchdog thread awake, which takes a fifth of a call (docs/performance.md).
type Watchdog struct {
	sleepFor func(time.Duration) // immutable; nil for a timer of Go's

	mu sync.Mutex
	// +checklocks:mu
	slices []*timeSlice // recently used; guarded by mu
	// +checklocks:mu
	awake bool // it inspects; guarded by mu
	// +checklocks:mu
	idle int // latest inspections in sequence that found no time slice; guarded by mu
}

// Intervals of a watchdog.
const (
	inspectEvery    = time.Millisecond // between two inspections; a call that both find takes long
	idleInspections = 10               // without a time slice, before it sleeps until there is one
)

// NewWatchdog returns a watchdog that uses the host's clock.
func NewWatchdog() *Watchdog { return &Watchdog{sleepFor: hostSleep} }

// watch starts to inspect a time slice until that has been idle for a while. It starts the watchdog's timer or
// goroutine if that is asleep. watch locks l.
func (l *Watchdog) watch(t *timeSlice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slices = append(l.slices, t)
	if l.awake {
		return
	}
	l.awake, l.idle = true, 0
	if l.sleepFor == nil {
		time.AfterFunc(inspectEvery, l.tick)
		return
	}
	go func() {
		for again := true; again; again = l.inspect() {
			l.sleepFor(inspectEvery)
		}
	}()
}

// sleep blocks for d by the watchdog's clock.
func (l *Watchdog) sleep(d time.Duration) {
	if l.sleepFor == nil {
		time.Sleep(d)
		return
	}
	l.sleepFor(d)
}

// tick inspects the time slices, and schedules the next inspection unless all have been idle.
func (l *Watchdog) tick() {
	if l.inspect() {
		time.AfterFunc(inspectEvery, l.tick)
	}
}

// inspect checks each time slice once and drops those whose inspection returns false. It returns false, and the
// watchdog sleeps, if there was no time slice for a while.
func (l *Watchdog) inspect() (again bool) {
	l.mu.Lock()
	seen := l.slices
	l.slices = nil
	l.mu.Unlock()
	kept := seen[:0]
	for _, t := range seen {
		if t.inspect() {
			kept = append(kept, t)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(seen[len(kept):])
	l.slices = append(kept, l.slices...)
	if l.idle++; len(l.slices) > 0 {
		l.idle = 0
	}
	l.awake = l.idle < idleInspections
	return l.awake
}
