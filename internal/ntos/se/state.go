package se

import (
	"sync/atomic"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/winnt"
)

// State holds what the security system of one kernel has: the identifiers it
// allots and the logon sessions. It is made by NewState.
type State struct {
	luid     atomic.Uint64 // last identifier allotted
	Sessions LogonSessions
	Boxes    LowBoxes
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
	for _, l := range []winnt.LUID{winnt.SYSTEM_LUID, winnt.ANONYMOUS_LOGON_LUID, winnt.LOCALSERVICE_LUID,
		winnt.NETWORKSERVICE_LUID, winnt.IUSER_LUID} {
		s.Sessions.live[l] = &session{permanent: true}
	}
	return s
}

// AllocateLUID returns an identifier never returned before; they only grow (20
// section 1.4).
func (s *State) AllocateLUID() winnt.LUID { return winnt.LUID(s.luid.Add(1)) }
