package se

import (
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/winnt"
)

// State is the security state of one kernel: its identifiers, logon sessions and AppContainers. [NewState] creates
// it.
type State struct {
	luid     atomic.Uint64 // last identifier allotted
	Sessions LogonSessions
	Boxes    LowBoxes
	Objects  ob.Census // every live object of the system
}

// lowestLUID and highestLUID are the limits of a random start. From lowestLUID on the high part is never 0, unlike in
// the well-known identifiers and in identifiers of kernels that always started at the same number.
// Above highestLUID 2^48 identifiers are left.
const (
	lowestLUID  winnt.LUID = 1 << 32
	highestLUID            = ^winnt.LUID(0) - 1<<48
)

// NewState makes the state with the well-known logon sessions, which are never deleted. The identifiers that it
// allots follow first; with 0 they follow a random number.
func NewState(first winnt.LUID) *State {
	s := &State{}
	if first == 0 {
		first = randomLUID()
	}
	s.luid.Store(uint64(first))
	s.Sessions.live = map[winnt.LUID]*session{}
	for _, l := range []winnt.LUID{winnt.SYSTEM_LUID, winnt.ANONYMOUS_LOGON_LUID, winnt.LOCALSERVICE_LUID,
		winnt.NETWORKSERVICE_LUID, winnt.IUSER_LUID} {
		s.Sessions.live[l] = &session{permanent: true}
	}
	return s
}

// AllocateLUID returns an identifier that it never returned before. Each one is larger than the one before.
func (s *State) AllocateLUID() winnt.LUID { return winnt.LUID(s.luid.Add(1)) }

// randomLUID returns a random number from lowestLUID to highestLUID. The SIDs of logon sessions come from these
// numbers. Since no two starts repeat them, an entry for an ended session never applies to a later one (F-198).
func randomLUID() winnt.LUID {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // it never fails
		if l := winnt.LUID(binary.LittleEndian.Uint64(b[:])); l >= lowestLUID && l <= highestLUID {
			return l
		}
	}
}
