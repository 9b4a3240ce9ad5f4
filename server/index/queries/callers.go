package queries

import (
	"context"
	"sync"
	"time"
)

// Limits of one payer, and of all together (N-99).
const (
	connectionsOfUser = 32
	placesOfUser      = 4
	connections       = 512
	reserved          = 64 // of connections: only for callers with trust
)

// patience is the longest time that a question waits for a place.
const patience = 5 * time.Second

// callers limits the connections and the concurrent questions of each payer, so that one user cannot block the server
// for others. Its zero value is ready.
type callers struct {
	mu sync.Mutex
	// +checklocks:mu
	users map[payer]*user // guarded by mu: payers with a connection or a question
	// +checklocks:mu
	open int // guarded by mu: number of connections
}

// payer is the user who is charged for a caller: its uid, or the owner of a subordinate uid. Programs in a container of
// a trusted user take nothing from that user.
type payer struct {
	uid   uint32
	trust bool
}

// user has the open connections and the questions of one payer. callers.mu guards the counts.
type user struct {
	connections int
	questions   int           // questions that wait for a place or have one
	places      chan struct{} // has a value for each question that is being answered
}

// connect counts a new connection against the limits of the caller's payer and of the server. The caller calls
// disconnect when the connection ends. If the payer or the server has too many connections, connect returns nil and
// counts nothing. Only a caller with trust can use the last reserved connections.
func (s *callers) connect(c caller) *user {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := connections
	if !c.payer.trust {
		most -= reserved
	}
	u := s.users[c.payer]
	if s.open >= most || u != nil && u.connections >= connectionsOfUser {
		return nil
	}
	if u == nil {
		u = &user{places: make(chan struct{}, placesOfUser)}
		if s.users == nil {
			s.users = map[payer]*user{}
		}
		s.users[c.payer] = u
	}
	u.connections++
	s.open++
	return u
}

// disconnect uncounts a closed connection of a caller that connect has counted.
func (s *callers) disconnect(c caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	c.user.connections--
	s.forget(c)
}

// forget removes a user who has neither a connection nor a question left. A question can outlive its connection.
// +checklocks:s.mu
func (s *callers) forget(c caller) {
	if c.user.connections == 0 && c.user.questions == 0 {
		delete(s.users, c.payer)
	}
}

// enter waits until a question of caller c may run. Each payer has a limited number of running questions. enter returns
// true once the question may run; the caller then calls leave. enter returns false after patience, or if ctx ends.
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

// leave ends a question that enter admitted, so that the payer's next one may run.
func (s *callers) leave(c caller) {
	<-c.user.places
	s.done(c)
}

// done uncounts a question that has ended or given up waiting. It must be called once for each question.
func (s *callers) done(c caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.user.questions--
	s.forget(c)
}
