// Package ke holds the signal states for which threads wait: those of events, files, processes and threads. The
// packages ps, npfs and services use it.
//
//	var s ke.Signal
//	changed := s.Changed() // before the look, so that no change is missed
//	if !s.Take(false) {
//		<-changed
//	}
//
// Signal.mu guards them. Its holder takes no other lock. No function of this package waits.
package ke
