package feed

import (
	"errors"
	"os"
)

// errBusy refuses a client that may try again.
var errBusy = errors.New("refmond has too many watches: try again later")

// errRevoked refuses a client that may try again.
var errRevoked = errors.New("somebody's access was revoked while refmond checked that of this watcher: try again")

// errClosed refuses a client after Close.
var errClosed = errors.New("refmond stops")

// ask reserves a decision about a client and returns nil; the caller then calls answered, and all.Done at the end of
// the watch. It returns errBusy if too many clients wait for a decision, and errClosed after Close.
func (s *Server) ask(payer uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	trusted := payer == 0 || int(payer) == os.Geteuid()
	if s.pending[payer] == mostAsked || s.pending[payer] == 0 && len(s.pending) >= mostAsking && !trusted {
		return errBusy
	}
	if s.ctx.Err() != nil {
		return errClosed
	}
	if s.pending == nil {
		s.pending = map[uint32]int{}
	}
	s.pending[payer]++
	s.all.Add(1) // under the lock, which Close takes before it waits
	return nil
}

// answered frees the reservation of a decision.
func (s *Server) answered(payer uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending[payer]--; s.pending[payer] == 0 {
		delete(s.pending, payer)
	}
}

// payer returns the uid that a client's uid counts against.
func (s *Server) payer(uid uint32) uint32 {
	if s.Quota == nil {
		return uid
	}
	return s.Quota(uid)
}
