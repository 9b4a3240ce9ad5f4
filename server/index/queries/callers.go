package queries

import (
	"context"
	"sync"
	"time"
)

// Limits of one uid, and of all uids together (N-99).
const (
	connectionsOfUser = 32
	placesOfUser      = 4
	connections       = 512
	reserved          = 64 // of connections: only for callers with trust
)

// patience is the longest time that a question waits for a place.
const patience = 5 * time.Second

// callers charges connections and questions to uids. Its zero value is ready.
type callers struct {
	mu sync.Mutex
	// +checklocks:mu
	users map[uint32]*user // those with a charge
	// +checklocks:mu
	open int // connections
}

// user is what one uid has. callers.mu guards the counts.
type user struct {
	connections int
	questions   int           // that wait for a place or have one
	places      chan struct{} // has a value for each question that is being answered
}

// connect charges a connection to the caller's uid. The caller calls disconnect when it ends. It returns nil and
// charges nothing if the uid has too many, or all uids together. A caller without trust cannot use the last reserved
// connections.
func (s *callers) connect(c caller) *user {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := connections
	if !c.trust {
		most -= reserved
	}
	u := s.users[c.uid]
	if s.open >= most || u != nil && u.connections >= connectionsOfUser {
		return nil
	}
	if u == nil {
		u = &user{places: make(chan struct{}, placesOfUser)}
		if s.users == nil {
			s.users = map[uint32]*user{}
		}
		s.users[c.uid] = u
	}
	u.connections++
	s.open++
	return u
}

// disconnect uncounts a connection. The caller must have been counted by connect.
func (s *callers) disconnect(c caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	c.user.connections--
	s.forget(c)
}

// forget removes a user without a charge. A question can outlive its connection.
//
// +checklocks:s.mu
func (s *callers) forget(c caller) {
	if c.user.connections == 0 && c.user.questions == 0 {
		delete(s.users, c.uid)
	}
}

// enter waits for a place for a question. It returns true once the caller has a place; the caller then calls leave. It
// returns false if there is none within patience, or if ctx ends.
func (s *callers) enter(ctx context.Context, c caller) bool {
	s.mu.Lock()
	c.user.questions++
	s.mu.Unlock()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case c.user.places <- struct{}{}:
		return true
	case <-late.C:
	case <-ctx.Done():
	}
	s.done(c)
	return false
}

// leave frees the place of a running question and uncounts it.
func (s *callers) leave(c caller) {
	<-c.user.places
	s.done(c)
}

// done uncounts a question. It must be called once for each question.
func (s *callers) done(c caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.user.questions--
	s.forget(c)
}
