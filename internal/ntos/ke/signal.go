package ke

import "sync"

// Signal is the signal state of a kernel object, on which threads wait. The zero value is not signalled.
type Signal struct {
	mu sync.Mutex
	// +checklocks:mu
	set bool // guarded by mu
	// +checklocks:mu
	changed chan struct{} // guarded by mu: closed when the state becomes signalled; nil until first requested
	// +checklocks:mu
	waiters []*Waiter // guarded by mu: the longest wait first
	// +checklocks:mu
	released map[*Waiter]struct{} // guarded by mu: those that have not ended
}

// Set signals the state, releases or wakes the waiters (see [Release]) and returns the previous state.
func (s *Signal) Set() (before bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.set
	s.setLocked()
	return before
}

// Reset clears the state and returns the previous one. It wakes nobody.
func (s *Signal) Reset() (before bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.set = s.set, false
	return before
}

// Take reports whether the state is signalled. With reset it also clears the state, so that only one caller sees true.
func (s *Signal) Take(reset bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.set
	if reset {
		s.set = false
	}
	return was
}

// Changed returns a channel that is closed by the next Set. Get the channel first, then check the state, and wait only
// if it is not signalled.
func (s *Signal) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}
