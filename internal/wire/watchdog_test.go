package wire

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
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
		both := [2]*timeSlice{(&Server{watchdog: l}).newTimeSlice(nil), (&Server{watchdog: l}).newTimeSlice(nil)}
		both[0].enter()
		both[1].enter()
		naps.Store(0)
		time.Sleep(3 * idleInspections * inspectEvery)
		if l.mu.Lock(); len(l.slices) != 2 {
			t.Errorf("the watchdog inspects %d time slices, want 2", len(l.slices))
		}
		l.mu.Unlock()
		both[0].leave()
		both[1].leave()
		if got := naps.Load(); got < 2*idleInspections {
			t.Errorf("during a time slice the watchdog slept %d times, want at least %d", got, 2*idleInspections)
		}
		time.Sleep(time.Second)
	})
}

// traced is a scheduler that records its calls. Its slow lane has room for as many calls as room says.
type traced struct {
	Scheduler
	room  int
	calls []any
}

func (s *traced) Enter() time.Time { s.calls = append(s.calls, "enter"); return time.Now() }

func (s *traced) Leave(_ time.Time, slow bool) { s.calls = append(s.calls, slow) }

func (s *traced) Slow() bool {
	s.calls = append(s.calls, "slow")
	s.room--
	return s.room >= 0
}

// TestPartsOfCallArePreemptedSeparately checks that the watchdog can preempt a call twice: before and after its wait
// for the disk. The time slice ends with the scheduler's last result of Slow (W-43).
func TestPartsOfCallArePreemptedSeparately(t *testing.T) {
	const slow = 10 * inspectEvery
	for _, c := range []struct {
		room  int
		parts [2]time.Duration
		want  []any
	}{
		{2, [2]time.Duration{0, 0}, []any{"enter", false, "enter", false}},
		{2, [2]time.Duration{slow, 0}, []any{"enter", "slow", true, "enter", false}},
		{2, [2]time.Duration{0, slow}, []any{"enter", false, "enter", "slow", true}},
		{2, [2]time.Duration{slow, slow}, []any{"enter", "slow", true, "enter", "slow", true}},
		{1, [2]time.Duration{slow, slow}, []any{"enter", "slow", true, "enter", "slow", false}},
	} {
		synctest.Test(t, func(t *testing.T) {
			by := &traced{room: c.room}
			slice := (&Server{watchdog: &Watchdog{}, scheduler: by}).newTimeSlice(nil)
			slice.enter()
			slice.call(func() {
				time.Sleep(c.parts[0])
				slice.pause(func() { time.Sleep(slow) })
				time.Sleep(c.parts[1])
			})
			slice.leave()
			time.Sleep(time.Second)
			check.SlicesEqual(t, by.calls, c.want, "calls of the scheduler")
		})
	}
}

// TestReaderIsHandedOnOnce checks that a second call of handOn starts no second reader.
func TestReaderIsHandedOnOnce(t *testing.T) {
	var begun atomic.Int64
	s := &Server{watchdog: &Watchdog{}}
	slice := s.newTimeSlice(func() { begun.Add(1) })
	slice.handOn()
	slice.handOn()
	s.running.Wait()
	if n := begun.Load(); n != 1 {
		t.Errorf("%d readers began, want 1", n)
	}
}
