// Package ke implements [Signal], the signal state of an event, file, process or thread, for which threads wait. The
// packages ps, npfs and services use it.
//
//	var s ke.Signal
//	changed := s.Changed() // before Take, so that no change is missed
//	if !s.Take(false) {
//		<-changed
//	}
//
// Signal.mu guards the state. Code that holds it takes no other lock. No function of this package waits.
package ke
