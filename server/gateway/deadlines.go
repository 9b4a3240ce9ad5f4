package gateway

import (
	"sync"
	"time"
)

// Package net/http sets seven deadlines for each request, which almost never come, and each is a
// timer to the runtime. Here a deadline that is far away is a number, and one timer for all
// connections of a listener looks once a second which of them have come.

// lookTime is how much later than it says a deadline may come that is further away than twice this.
const lookTime = time.Second

// deadlines are those of all connections of a listener. The zero value has none.
type deadlines struct {
	mu sync.Mutex
	// +checklocks:mu
	of map[*gathered]struct{} // guarded by mu
	// +checklocks:mu
	looks *time.Timer // guarded by mu; it runs as long as there are connections
}

// add begins to look after a connection.
func (d *deadlines) add(c *gathered) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of == nil {
		d.of = map[*gathered]struct{}{}
	}
	d.of[c] = struct{}{}
	switch {
	case len(d.of) > 1:
	case d.looks == nil:
		d.looks = time.AfterFunc(lookTime, d.look)
	default:
		d.looks.Reset(lookTime)
	}
}

// remove ends that. A connection that is not looked after any more may be removed again.
func (d *deadlines) remove(c *gathered) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.of, c)
	if len(d.of) == 0 && d.looks != nil {
		d.looks.Stop()
	}
}

// look ends the reads and writes whose time is over.
func (d *deadlines) look() {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.of {
		c.reads.look(now, c.Conn.SetReadDeadline)
		c.writes.look(now, c.Conn.SetWriteDeadline)
	}
	if len(d.of) > 0 {
		d.looks.Reset(lookTime)
	}
}

// deadline is that of the reads, or of the writes, of a connection. The zero value never comes.
type deadline struct {
	mu sync.Mutex
	// +checklocks:mu
	at time.Time // guarded by mu; zero: it is known below, or there is no deadline
	// +checklocks:mu
	told bool // the connection below has one; guarded by mu
}

// set sets the deadline, on the connection below where it is near.
func (d *deadline) set(t time.Time, below func(time.Time) error) error {
	near := !t.IsZero() && time.Until(t) < 2*lookTime
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = t
	switch {
	case near:
		d.at, d.told = time.Time{}, true
	case d.told:
		d.told, t = false, time.Time{}
	default:
		return nil
	}
	return below(t)
}

// look tells the connection below of a deadline that has come.
func (d *deadline) look(now time.Time, below func(time.Time) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at.IsZero() || now.Before(d.at) {
		return
	}
	_ = below(d.at) // a connection that is closed needs none
	d.at, d.told = time.Time{}, true
}

// SetReadDeadline implements net.Conn. A deadline that is far away may come lookTime later.
func (c *gathered) SetReadDeadline(t time.Time) error {
	if c.by == nil {
		return c.Conn.SetReadDeadline(t)
	}
	return c.reads.set(t, c.Conn.SetReadDeadline)
}

// SetWriteDeadline implements net.Conn, likewise.
func (c *gathered) SetWriteDeadline(t time.Time) error {
	if c.by == nil {
		return c.Conn.SetWriteDeadline(t)
	}
	return c.writes.set(t, c.Conn.SetWriteDeadline)
}

// SetDeadline implements net.Conn, likewise.
func (c *gathered) SetDeadline(t time.Time) error {
	err := c.SetReadDeadline(t)
	if err2 := c.SetWriteDeadline(t); err == nil {
		err = err2
	}
	return err
}

// Close implements net.Conn.
func (c *gathered) Close() error {
	if c.by != nil {
		c.by.remove(c)
	}
	return c.Conn.Close()
}
