// Package ke holds the states that threads wait for: those of events, files,
// processes and threads.
//
//	var s ke.Signal
//	changed := s.Changed() // before the look, so that no change is missed
//	if !s.Take(false) {
//		<-changed
//	}
//
// Guards: Signal.mu, which is taken with no other lock inside. Nothing waits here.
package ke
