package daemon

import (
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
)

// Limits bound the resources that clients use (W-17). A zero or negative field means the default. Package wire has
// the limits of one connection.
type Limits struct {
	Connections int // connections of all users; default 16384
	PerUser     int // connections of one uid; default 2048
	Threads     int // threads of all connections of one uid; default 8192

	// Quota limits the bytes that the daemon holds for one account, default 256 MiB. Total limits
	// all accounts together, default 1 GiB. Reserve is the part of Total for administrators only,
	// default 128 MiB.
	Quota, Total, Reserve int64
}

// orDefault returns a copy of l in which the default replaces each field that is zero or negative.
func (l Limits) orDefault() Limits {
	for _, f := range []struct {
		at *int
		to int
	}{{&l.Connections, 16384}, {&l.PerUser, 2048}, {&l.Threads, 8192}} {
		if *f.at <= 0 {
			*f.at = f.to
		}
	}
	for _, f := range []struct {
		at *int64
		to int64
	}{{&l.Quota, 256 << 20}, {&l.Total, 1 << 30}, {&l.Reserve, 128 << 20}} {
		if *f.at <= 0 {
			*f.at = f.to
		}
	}
	return l
}

// payer identifies who pays for memory: an account, separately for the administrators' socket. Each payer has a quota
// block.
type payer struct {
	uid  uint32 // result of Daemon.counted
	full bool
}

// blockOf returns the quota block to which a payer's memory is charged. If there is none, it first removes all blocks
// that nothing is charged to, and then creates one.
// +checklocks:d.mu
func (d *Daemon) blockOf(p payer) *kernel.QuotaBlock {
	b := d.blocks[p]
	if b == nil {
		for key, old := range d.blocks { // remove the unused blocks of users who have disconnected
			if old.Used() == 0 {
				delete(d.blocks, key)
			}
		}
		// Only connections at the administrators' socket may use the reserve.
		b = kernel.NewQuotaBlock(d.pool, d.limits.Quota, p.full)
		b.SetUser(recordedUser(p.uid)) // its logons without a credential share the rate of its connections (U-92)
		if d.blocks == nil {
			d.blocks = map[payer]*kernel.QuotaBlock{}
		}
		d.blocks[p] = b
	}
	return b
}

// counted returns the uid whose limits a program's uid counts against. A subordinate uid, as in a container, counts
// against its owner (L-29). Without Config.Quota it returns uid.
func (d *Daemon) counted(uid uint32) uint32 {
	if d.quota == nil {
		return uid
	}
	return d.quota(uid)
}

// user has the counts of one uid. Guarded by Daemon.mu.
type user struct {
	connections, threads int
}

// admit counts a new connection against its account's limits, sets its quota and charges it. After success the caller
// must call forget. Errors:
//   - a limit is reached: InsufficientResources; only the count of refusals changes
//   - the daemon is closed: PortDisconnected
//   - the user's quota does not cover the connection: the status of the charge, counted as a refusal
func (d *Daemon) admit(c *connection) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.users[c.account]
	switch {
	case d.closing:
		return ntstatus.PortDisconnected.Err()
	// Neither one user nor all together may exceed the limits (W-17).
	case len(d.connections) >= d.limits.Connections, u.connections >= d.limits.PerUser:
		d.refused++
		return ntstatus.InsufficientResources.Err()
	}
	c.quota = d.blockOf(payer{c.account, c.full})
	var st ntstatus.Status
	if c.paid, st = c.Payer().Charge(wire.ConnectionSize); st != ntstatus.Success {
		d.refused++
		return st.Err()
	}
	u.connections++
	d.users[c.account] = u
	d.connections[c] = struct{}{}
	return nil
}

// forget takes back what admit did: it uncounts a connection and returns its charges. It also adds the
// connection's calls to the total and stops its recording of calls.
func (d *Daemon) forget(c *connection) {
	c.unwatch()
	c.passed.drop()
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.connections, c)
	d.answered += c.served.Answered()
	c.paid.Return()
	d.change(c.account, -1, 0)
	if p := (payer{c.account, c.full}); d.users[c.account].connections == 0 && d.blocks[p].Used() == 0 {
		delete(d.blocks, p)
	}
}

// Payer returns the quota block that pays for the connection's requests and replies. admit must have set it.
func (c *connection) Payer() quota.Payer { return quota.Payer{Block: c.quota} }

// thread adds by to the thread count of the user uid and returns true. by may be negative. If by is positive and the
// user has as many threads as the limit, thread returns false and counts a refusal.
func (d *Daemon) thread(uid uint32, by int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	// The limit covers all connections of a user (W-17).
	if by > 0 && d.users[uid].threads >= d.limits.Threads {
		d.refused++
		return false
	}
	d.change(uid, 0, by)
	return true
}

// change updates the numbers of connections and threads that count for a uid. The arguments are added and may be
// negative. It removes a uid whose counts are both 0.
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
