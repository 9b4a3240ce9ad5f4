package services

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/refmon/refmon/audit"
)

// peerRecords is the default rate: records of connections and unproved logons per user and minute.
const peerRecords = 60

// PeerRecords limits the rate of audit records that users of the host cause by connections and by logons without a
// checked credential, separately for each user. It leaves out records beyond the limit; the user's next record contains
// their number. The zero value has the default rate. It is safe for concurrent use.
type PeerRecords struct {
	rate atomic.Int64  // records a minute and user; 0: the default
	left atomic.Uint64 // records ever left out

	mu sync.Mutex
	// +checklocks:mu
	users map[string]*allowance // guarded by mu
}

// allowance counts the records of one user. Guarded by PeerRecords.mu.
type allowance struct {
	records float64 // that may be written now
	at      time.Time
	leftOut uint64 // since the last one that was written
}

// maxPeers is the largest number of users in PeerRecords.users.
const maxPeers = 16384

// SetRate sets how many records a user's connections and unproved logons leave in a minute. 0 means the default; a
// negative rate records none.
func (p *PeerRecords) SetRate(perMinute int) { p.rate.Store(int64(perMinute)) }

// LeftOut returns how many records were left out since the start, because of the limit.
func (p *PeerRecords) LeftOut() uint64 { return p.left.Load() }

// take reports whether the user's rate allows a record now. If it does, leftOut is the number of records left out
// since the user's last one. A new user has a full minute's allowance. With false the record counts as left out.
func (p *PeerRecords) take(user string, now time.Time) (leftOut uint64, ok bool) {
	most := float64(p.rate.Load())
	if most == 0 {
		most = peerRecords
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.users[user]
	if a == nil {
		if p.users == nil || len(p.users) >= maxPeers {
			p.forgetLocked(now, most)
		}
		a = &allowance{records: most, at: now}
		p.users[user] = a
	}
	a.records, a.at = min(most, a.records+now.Sub(a.at).Minutes()*most), now
	if a.records < 1 {
		a.leftOut++
		p.left.Add(1)
		return 0, false
	}
	a.records--
	leftOut, a.leftOut = a.leftOut, 0
	return leftOut, true
}

// lost counts a record that take allowed and that could not be written. leftOut is what take returned for it.
func (p *PeerRecords) lost(user string, leftOut uint64) {
	p.left.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.users[user]; a != nil {
		a.leftOut += leftOut + 1
	}
}

// forgetLocked makes room for new users: it removes those who have their full allowance of most records and no left-out
// ones. If that makes no room, it removes all users.
// +checklocks:p.mu
func (p *PeerRecords) forgetLocked(now time.Time, most float64) {
	for user, a := range p.users {
		if a.leftOut == 0 && a.records+now.Sub(a.at).Minutes()*most >= most {
			delete(p.users, user)
		}
	}
	if p.users == nil || len(p.users) >= maxPeers {
		p.users = map[string]*allowance{}
	}
}

// recordPeer records an event that a user of the host caused without a checked credential, within the user's
// rate. No call waits for it or fails without it (U-92). It reports whether the record was written.
func (s *System) recordPeer(user string, e audit.Event) bool {
	leftOut, ok := s.Peers.take(user, time.Now())
	if !ok {
		return false
	}
	if !s.Log.WriteLater(e.LeftOut(leftOut)) {
		s.Peers.lost(user, leftOut)
		return false
	}
	return true
}
