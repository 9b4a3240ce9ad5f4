package daemon

import (
	"cmp"
	"slices"
	"time"
)

// Stats are the counters of a daemon. The zero value is that of a daemon that has done nothing.
type Stats struct {
	Connections, Users           int
	Refused                      uint64        // connections and threads rejected at a limit
	Calls                        uint64        // answered calls, whatever their status
	Served                       time.Duration // total length of the time slices; logons need none
	Denied                       uint64        // denied calls, and denials passed to AddDenial
	RecordsLeftOut               uint64        // audit records beyond their user's rate
	Watchers                     int
	Objects, Handles, References int64   // counts of the kernel
	Charged                      int64   // bytes charged to all clients
	Quotas                       []Quota // accounts with a connection or a charge, largest first
}

// Quota is the memory that one account makes the daemon hold.
type Quota struct {
	UID           uint32 // account whose limits count
	Administrator bool   // connections at the administrators' socket
	Used, Limit   int64  // bytes
}

// Stats returns a copy of the current counters. It visits all objects of the kernel. The counters are read one
// after the other, so they need not belong to the same moment.
func (d *Daemon) Stats() Stats {
	var s Stats
	s.Objects, s.Handles, s.References = d.sys.Counts()
	s.RecordsLeftOut = d.sys.PeerRecords().LeftOut()
	s.Watchers = int(d.watchers.Load())
	d.mu.Lock()
	for p, b := range d.blocks {
		if used := b.Used(); used != 0 { // an unused block is about to be removed
			s.Quotas = append(s.Quotas, Quota{p.uid, p.full, used, b.Limit()})
		}
	}
	s.Connections, s.Users, s.Refused, s.Calls = len(d.connections), len(d.users), d.refused, d.answered
	for c := range d.connections {
		s.Calls += c.served.Answered()
	}
	d.mu.Unlock()
	slices.SortFunc(s.Quotas, func(a, b Quota) int {
		return cmp.Or(cmp.Compare(b.Used, a.Used), cmp.Compare(a.UID, b.UID))
	})
	s.Charged = d.pool.Used()
	d.scheduler.mu.Lock()
	s.Served = d.scheduler.served
	d.scheduler.mu.Unlock()
	d.denials.mu.Lock()
	s.Denied = d.denials.next - 1
	d.denials.mu.Unlock()
	return s
}
