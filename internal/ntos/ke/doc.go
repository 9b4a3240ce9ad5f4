// Package ke holds the states that threads wait for: the states of events,
// files, processes and threads.
//
//	var s ke.Signal
//	changed := s.Changed() // before the look, so that no change is missed
//	if !s.Take(false) {
//		<-changed
//	}
//
// Signal.mu guards them. Its holder takes no other lock. No function of this package waits.
package ke
