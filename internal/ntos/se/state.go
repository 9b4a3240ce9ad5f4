package se

import (
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/winnt"
)

// State is what the security system of one kernel holds: the identifiers it
// allots and the logon sessions. It is made by NewState.
type State struct {
	luid     atomic.Uint64 // last identifier allotted
	Sessions LogonSessions
	Objects  ob.Census // every live object of the system
}

// firstLUID is where locally allotted identifiers start: above the well-known
// ones (20 section 1.4).
const firstLUID = 0x3E8

// NewState makes the state with the well-known logon sessions, which are
// never deleted.
func NewState() *State {
	s := &State{}
	s.luid.Store(firstLUID)
	s.Sessions.live = map[winnt.LUID]*session{}
	for _, l := range []winnt.LUID{winnt.SYSTEM_LUID, winnt.ANONYMOUS_LOGON_LUID, winnt.LOCALSERVICE_LUID, winnt.NETWORKSERVICE_LUID, winnt.IUSER_LUID} {
		s.Sessions.live[l] = &session{permanent: true}
	}
	return s
}

// AllocateLUID returns an identifier never returned before (T-4, T-5: they
// only grow).
func (s *State) AllocateLUID() winnt.LUID { return winnt.LUID(s.luid.Add(1)) }

// LogonSessions are the sessions that tokens belong to, by AuthenticationId.
type LogonSessions struct {
	mu   sync.Mutex
	live map[winnt.LUID]*session // guarded by mu
}

type session struct {
	tokens    int // live token objects of the session
	permanent bool
}

// Known reports whether a token may be created for that session (T-5).
func (l *LogonSessions) Known(id winnt.LUID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.live[id] != nil
}

// Open creates a session that lives until its last token goes; it does
// nothing for one that exists.
func (l *LogonSessions) Open(id winnt.LUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live[id] == nil {
		l.live[id] = &session{}
	}
}

func (l *LogonSessions) reference(id winnt.LUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.live[id]
	if s == nil {
		s = &session{}
		l.live[id] = s
	}
	s.tokens++
}

// dereference drops one token's hold; the session goes with its last (T-5).
func (l *LogonSessions) dereference(id winnt.LUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.live[id]
	if s == nil {
		return
	}
	if s.tokens--; s.tokens == 0 && !s.permanent {
		delete(l.live, id)
	}
}
