package authzen

import (
	"fmt"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestLimiterRefillsAllowanceOverTime checks the allowance of a caller, and that callers beyond the table cost no
// memory (Z-15).
func TestLimiterRefillsAllowanceOverTime(t *testing.T) {
	now := time.Unix(0, 0)
	l := NewLimiter(2, func() time.Time { return now })
	allow := func() (n int) {
		for range 5 {
			if l.Allow(Caller{"a", "b"}) {
				n++
			}
		}
		return n
	}
	check.Equal(t, allow(), 2, "questions at once")
	now = now.Add(500 * time.Millisecond)
	check.Equal(t, allow(), 1, "questions after half a second")
	for range 2 { // a refused question does not count the time before it twice
		now = now.Add(200 * time.Millisecond)
		check.Equal(t, allow(), 0, "questions after less than half a second")
	}
	now = now.Add(time.Hour)
	check.Equal(t, allow(), 2, "questions after an hour")
	for i := range mostCallers {
		l.Allow(Caller{"a", fmt.Sprint(i)})
	}
	l.mu.Lock()
	known := len(l.of)
	l.mu.Unlock()
	check.That(t, known <= mostCallers, "%d callers, want at most %d", known, mostCallers)
	check.That(t, !NewLimiter(0, time.Now).Allow(Caller{}), "a limiter of 0 allows")
}
