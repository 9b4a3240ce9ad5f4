package daemon

import "time"

// Stats counts what a daemon has done and holds. The zero value is that of a daemon that
// has not begun.
type Stats struct {
	Connections, Users           int
	Refused                      uint64        // connections and threads that exceeded a bound
	Calls                        uint64        // services performed
	Served                       time.Duration // in them
	Denied                       uint64
	Watchers                     int
	Objects, Handles, References int64 // of the kernel
}

// Stats returns the counts of now. It walks over all objects.
func (d *Daemon) Stats() Stats {
	var s Stats
	s.Objects, s.Handles, s.References = d.sys.Counts()
	s.Watchers = int(d.watchers.Load())
	d.mu.Lock()
	s.Connections, s.Users, s.Refused = len(d.connections), len(d.users), d.refused
	d.mu.Unlock()
	d.turns.mu.Lock()
	s.Calls, s.Served = d.turns.calls, d.turns.served
	d.turns.mu.Unlock()
	d.denials.mu.Lock()
	s.Denied = d.denials.next - 1
	d.denials.mu.Unlock()
	return s
}
