package ke_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ke"
	"github.com/refmon/refmon/internal/test/bare"
	"github.com/refmon/refmon/internal/test/check"
)

// A Set releases one waiter or all of them. A later change of the state does not affect the released waiters (O-149). A
// Set that only wakes leaves the state to the first waiter that checks it.
func TestSetReleasesWaiters(t *testing.T) {
	for name, c := range map[string]struct {
		release  ke.Release
		do       func(*ke.Signal)
		woken    int // of three waiters, the first ones
		released int
		signaled bool // afterwards
	}{
		"one":          {ke.One, func(s *ke.Signal) { s.Set() }, 1, 1, false},
		"two":          {ke.One, func(s *ke.Signal) { s.Set(); s.Set() }, 2, 2, false},
		"one, reset":   {ke.One, func(s *ke.Signal) { s.Set(); s.Reset() }, 1, 1, false},
		"more than 3":  {ke.One, func(s *ke.Signal) { s.Set(); s.Set(); s.Set(); s.Set(); s.Set() }, 3, 3, true},
		"all":          {ke.All, func(s *ke.Signal) { s.Set() }, 3, 3, true},
		"all, reset":   {ke.All, func(s *ke.Signal) { s.Set(); s.Reset() }, 3, 3, false},
		"wakes":        {ke.Wakes, func(s *ke.Signal) { s.Set() }, 3, 0, true},
		"wakes, reset": {ke.Wakes, func(s *ke.Signal) { s.Set(); s.Reset() }, 3, 0, false},
		"reset only":   {ke.All, func(s *ke.Signal) { s.Reset() }, 0, 0, false},
	} {
		var s ke.Signal
		waits := []*ke.Waiter{s.Wait(c.release), s.Wait(c.release), s.Wait(c.release)}
		c.do(&s)
		late := s.Wait(c.release)
		check.That(t, !bare.Closed(late.Signaled()) && !late.End(true), "%s: a later wait is released", name)
		for i, w := range waits {
			check.Equal(t, bare.Closed(w.Signaled()), i < c.woken, "%s: waiter %d is woken", name, i)
			check.Equal(t, w.End(true), i < c.released, "%s: waiter %d is released", name, i)
		}
		check.Equal(t, s.Take(false), c.signaled, "%s: signalled", name)
	}
}

// A release that an ended wait does not consume goes to the next waiter of the same kind, or becomes the state. An
// ended wait consumes no release (O-149).
func TestReleaseGoesToNextWaiter(t *testing.T) {
	var s ke.Signal
	first, ended, next := s.Wait(ke.One), s.Wait(ke.One), s.Wait(ke.One)
	check.That(t, !ended.End(true), "a wait is released without a Set")
	changed := s.Changed()
	check.That(t, !s.Set() && bare.Closed(changed), "the first Set: signalled before, or no waiter was woken")
	check.That(t, !first.End(false) && bare.Closed(next.Signaled()) && !s.Take(false), "the release is lost")
	check.That(t, !next.End(false) && s.Take(true), "the release does not become the state")
	all := s.Wait(ke.All)
	s.Set()
	s.Reset()
	check.That(t, !all.End(false) && !s.Take(false), "a release of all becomes the state, want it dropped")
}
