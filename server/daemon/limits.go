package daemon

import (
	"github.com/refmon/refmon/ntstatus"
)

// Limits bound what clients can make the daemon hold (W-17). A zero field stands
// for the default. The bounds of one connection are constants of package wire.
type Limits struct {
	Connections int // at once, of all users; default 16384
	PerUser     int // connections of one uid at once; default 2048
	Threads     int // of all connections of one uid; default 8192
}

func (l Limits) orDefault() Limits {
	for _, f := range []struct {
		at *int
		to int
	}{{&l.Connections, 16384}, {&l.PerUser, 2048}, {&l.Threads, 8192}} {
		if *f.at <= 0 {
			*f.at = f.to
		}
	}
	return l
}

// counted returns the uid whose bounds a uid counts against: a subordinate uid counts
// against those of the user who has it. L-29
func (d *Daemon) counted(uid uint32) uint32 {
	if d.quota == nil {
		return uid
	}
	return d.quota(uid)
}

// user counts what one uid holds. Guarded by Daemon.mu.
type user struct {
	connections, threads int
}

// admit counts a connection of a uid, unless a bound is reached.
func (d *Daemon) admit(c *connection) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.users[c.account]
	switch {
	case d.closing:
		return ntstatus.PortDisconnected.Err()
	// One user cannot take all connections, and all together no more than the daemon can hold (W-17).
	case len(d.connections) >= d.limits.Connections, u.connections >= d.limits.PerUser:
		d.refused++
		return ntstatus.InsufficientResources.Err()
	}
	u.connections++
	d.users[c.account] = u
	d.connections[c] = struct{}{}
	return nil
}

// forget takes a connection back out of the counts.
func (d *Daemon) forget(c *connection) {
	c.unwatch()
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.connections, c)
	d.change(c.account, -1, 0)
}

// thread counts a thread more or less of a uid; it reports whether there was room.
func (d *Daemon) thread(uid uint32, by int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	// The threads of one user's connections are bounded together (W-17).
	if by > 0 && d.users[uid].threads >= d.limits.Threads {
		d.refused++
		return false
	}
	d.change(uid, 0, by)
	return true
}

// change adds to the counts of a uid, and forgets one that holds nothing.
//
// +checklocks:d.mu
func (d *Daemon) change(uid uint32, connections, threads int) {
	u := d.users[uid]
	u.connections += connections
	u.threads += threads
	d.users[uid] = u
	if u == (user{}) {
		delete(d.users, uid)
	}
}
