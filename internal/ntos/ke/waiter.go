package ke

import "slices"

// Release says what [Signal.Set] does for those who wait. The zero value only wakes them.
type Release uint8

const (
	Wakes Release = iota // all waiters test the object again, and it counts how many acquire it
	All                  // all are released
	One                  // the one that waits longest is released, and the state stays as it is
)

// Waiter is one wait for a [Signal]. A release belongs to it even if the state changes before the waiting thread
// runs. The caller must call End once.
type Waiter struct {
	of       *Signal
	release  Release
	signaled chan struct{} // closed at the Set that wakes or releases it
}

// Wait begins a wait. All waits of a signal need the same r. Begin the wait first, then check the state, and block only
// if it is not signalled.
func (s *Signal) Wait(r Release) *Waiter {
	w := &Waiter{s, r, make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiters = append(s.waiters, w)
	return w
}

// Signaled returns a channel that is closed when the wait is woken or released.
func (w *Waiter) Signaled() <-chan struct{} { return w.signaled }

// End ends the wait. With take it reports whether the wait was released. Without take the release of [One] goes to the
// next in line, or becomes the signalled state.
func (w *Waiter) End(take bool) (taken bool) {
	s := w.of
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, released := s.released[w]; released {
		delete(s.released, w)
		if !take && w.release == One {
			s.setLocked()
		}
		return take
	}
	if i := slices.Index(s.waiters, w); i >= 0 {
		s.waiters = slices.Delete(s.waiters, i, i+1)
	}
	return false
}

// setLocked releases or wakes the waiters, and signals the state unless that released [One].
//
// +checklocks:s.mu
func (s *Signal) setLocked() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	for len(s.waiters) > 0 {
		w := s.waiters[0]
		s.waiters[0], s.waiters = nil, s.waiters[1:]
		if w.release != Wakes {
			// What happens before the waiter looks does not take that back (O-149).
			if s.released == nil {
				s.released = map[*Waiter]struct{}{}
			}
			s.released[w] = struct{}{}
		}
		close(w.signaled)
		if w.release == One {
			return
		}
	}
	s.waiters, s.set = nil, true
}
