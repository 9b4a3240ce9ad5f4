package authzen

import (
	"sync"
	"time"
)

// mostCallers is the most callers in the table of a limiter.
const mostCallers = 4096

// usualRate is the rate of each caller in questions per second if the file of types has no "ask", which sets it.
const usualRate = 100

// Limiter is a token bucket for each caller. It is safe for concurrent use. Its zero value is not usable; use
// NewLimiter.
type Limiter struct {
	each float64          // immutable: questions per second, and in one burst
	now  func() time.Time // immutable

	mu sync.Mutex
	// +checklocks:mu
	of map[Caller]allowance // guarded by mu
}

// allowance is a token bucket: the questions left at a time.
type allowance struct {
	left float64
	at   time.Time
}

// NewLimiter returns a limiter that allows each caller this many questions per second, and as many in one burst. If
// each is less than 1, it allows none. It reads the time from now, which must not be nil.
func NewLimiter(each int, now func() time.Time) *Limiter {
	return &Limiter{each: float64(each), now: now, of: map[Caller]allowance{}}
}

// Allow reports whether a caller may ask a question now, and counts it if so. It returns false, without counting, if
// the caller has used up its rate (Z-15). It never blocks. If the table of callers is full, a new caller resets all
// counters.
func (l *Limiter) Allow(who Caller) bool {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	a, known := l.of[who]
	if !known {
		if len(l.of) >= mostCallers {
			clear(l.of) // bounds the memory; each caller starts with a full allowance again
		}
		a = allowance{l.each, now}
	}
	a.left = min(l.each, a.left+now.Sub(a.at).Seconds()*l.each)
	a.at = now
	ok := a.left >= 1
	if ok {
		a.left--
	}
	l.of[who] = a
	return ok
}
