package ke_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ke"
	"github.com/refmon/refmon/internal/test/check"
)

// Of several waiters exactly one consumes an auto-reset signal, and no Set is lost.
func TestSignalWakesOneWaiter(t *testing.T) {
	const waiters, rounds = 8, 200
	var s ke.Signal
	var taken atomic.Int64
	var done sync.WaitGroup
	took, stop := make(chan struct{}), make(chan struct{})
	for range waiters {
		done.Go(func() {
			for {
				changed := s.Changed()
				if s.Take(true) {
					taken.Add(1)
					took <- struct{}{}
					continue
				}
				select {
				case <-changed:
				case <-stop:
					return
				}
			}
		})
	}
	for range rounds {
		s.Set()
		<-took
	}
	close(stop)
	done.Wait()
	if n := taken.Load(); n != rounds || s.Take(false) {
		t.Errorf("%d signals were taken and one is left: %v, want %d, false", n, s.Take(false), rounds)
	}
}

// Each call returns the previous state and sets the documented one. Only Set closes the channel of the next change,
// even if the event was already signalled (O-148).
func TestSignalReturnsPreviousState(t *testing.T) {
	set := func(s *ke.Signal) bool { return s.Set() }
	reset := func(s *ke.Signal) bool { return s.Reset() }
	look := func(s *ke.Signal) bool { return s.Take(false) }
	take := func(s *ke.Signal) bool { return s.Take(true) }
	for name, c := range map[string]struct {
		do       func(*ke.Signal) bool
		from, to bool
		notified bool
	}{
		"set":                      {set, false, true, true},
		"set again":                {set, true, true, true},
		"reset":                    {reset, true, false, false},
		"reset when not signalled": {reset, false, false, false},
		"look":                     {look, true, true, false},
		"look when not signalled":  {look, false, false, false},
		"take":                     {take, true, false, false},
		"take when not signalled":  {take, false, false, false},
	} {
		var s ke.Signal
		check.That(t, !s.Take(false), "the zero Signal is signalled, want not signalled")
		if c.from {
			s.Set()
		}
		one, two := s.Changed(), s.Changed()
		check.Equal(t, c.do(&s), c.from, "%s: previous state", name)
		for _, changed := range []<-chan struct{}{one, two} {
			select {
			case <-changed:
				check.That(t, c.notified, "%s: the change woke a waiter, want none woken", name)
			default:
				check.That(t, !c.notified, "%s: the change woke no waiter, want it woken", name)
			}
		}
		check.Equal(t, s.Take(false), c.to, "%s: signalled", name)
		if c.notified {
			select {
			case <-s.Changed():
				t.Errorf("%s: a new waiter was woken before the next change, want it to wait", name)
			default:
			}
		}
	}
}
