package wire

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestWatchdogSleepsWhenIdle checks that one goroutine inspects all time slices, that it ends after as many idle
// the constant's number of inspections, and that the next time slice starts it again.
func TestWatchdogSleepsWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var naps atomic.Int64
		l := &Watchdog{sleepFor: func(d time.Duration) {
			if naps.Add(1) > 1000 {
				select {} // it never ends: the bubble reports a deadlock
			}
			time.Sleep(d)
		}}
		for round := 1; round <= 2; round++ {
			for range 2 {
				s := (&Server{watchdog: l}).newTimeSlice(nil)
				s.enter()
				s.leave()
			}
			time.Sleep(time.Second)
			if got, want := naps.Load(), int64(round*idleInspections); got != want {
				t.Errorf("after round %d the watchdog slept %d times, want %d", round, got, want)
			}
		}
		s := (&Server{watchdog: l}).newTimeSlice(nil)
		s.enter()
		naps.Store(0)
		time.Sleep(3 * idleInspections * inspectEvery)
		s.leave()
		if got := naps.Load(); got < 2*idleInspections {
			t.Errorf("during a time slice the watchdog slept %d times, want at least %d", got, 2*idleInspections)
		}
		time.Sleep(time.Second)
	})
}
