package authzen

import (
	"sync"
	"time"
)

// mostCallers is the most callers in the table of a limiter.
const mostCallers = 4096

// Limiter limits the questions of each caller. It is safe for concurrent use.
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

// NewLimiter returns a limiter of each caller's questions per second, read from the clock now. Less than 1 allows
// none.
func NewLimiter(each int, now func() time.Time) *Limiter {
	return &Limiter{each: float64(each), now: now, of: map[Caller]allowance{}}
}

// Allow counts a question of a caller. It returns false, and counts nothing, if the caller asked too many in the last
// second (Z-15). A new caller clears a full table.
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
