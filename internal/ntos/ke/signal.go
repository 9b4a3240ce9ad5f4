package ke

import "sync"

// Signal is a state that is signalled or not. The zero value is not signalled.
type Signal struct {
	mu sync.Mutex
	// +checklocks:mu
	set bool // guarded by mu
	// +checklocks:mu
	changed chan struct{} // guarded by mu: closed when the state becomes signalled; nil until it is asked for
}

// Set signals and returns what the state was.
func (s *Signal) Set() (before bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.set = s.set, true
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	return before
}

// Reset takes the signal away and returns what the state was.
func (s *Signal) Reset() (before bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.set = s.set, false
	return before
}

// Take reports whether the state is signalled, and takes the signal away for
// one caller where reset says so.
func (s *Signal) Take(reset bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.set
	if reset {
		s.set = false
	}
	return was
}

// Changed returns a channel that is closed when the state is signalled next. Take
// it, look at the state, and wait only if that is not signalled.
func (s *Signal) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}
