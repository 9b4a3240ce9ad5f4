package daemon

import (
	"net"
	"sync"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/unix"
)

// startsAtOnce is the number of one uid's connections that refmond logs on at the same time. A program can connect
// several thousand times a second. If each connection ran at once, the calls of all other users would wait for them.
const startsAtOnce = 16

// arrivals has one uid's connections at one socket that are not logged on yet. Guarded by Daemon.mu.
type arrivals struct {
	starting int             // those that run, at most startsAtOnce
	waiting  []*net.UnixConn // the others, the oldest first
}

// begin serves a connection on a new goroutine and takes ownership of it. If startsAtOnce connections of its uid are
// not logged on yet, the connection waits for one of them. begin refuses it if too many wait. After Close, begin only
// closes it. full means that the client connected at the administrators' socket.
func (d *Daemon) begin(conn *net.UnixConn, full bool) {
	uid, err := unix.UID(conn)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing {
		_ = conn.Close()
		return
	}
	if err != nil {
		d.log.Error("closed a connection whose peer cannot be identified", "error", err)
		_ = conn.Close()
		return
	}
	who := payer{uid, full}
	a := d.arriving[who]
	if a == nil {
		a = &arrivals{}
		d.arriving[who] = a
	}
	switch {
	case a.starting < startsAtOnce:
		a.starting++
		d.start(conn, who)
	// As many wait as could be served, of one uid and of all (W-17).
	case len(a.waiting) >= d.limits.PerUser, d.waiting+len(d.connections) >= d.limits.Connections:
		d.refused++
		d.log.Warn("rejected a connection over the limit", "uid", uid, "error", ntstatus.InsufficientResources.Err())
		_ = wire.Refuse(conn, ntstatus.InsufficientResources) // does not block: the new socket's buffer has room
	default:
		a.waiting = append(a.waiting, conn)
		d.waiting++
	}
}

// start serves a connection of who on a new goroutine.
// +checklocks:d.mu
func (d *Daemon) start(conn *net.UnixConn, who payer) {
	d.serving.Go(func() {
		logged := sync.OnceFunc(func() { d.next(who) })
		defer logged()
		d.serve(conn, who.full, logged)
	})
}

// next starts the oldest waiting connection of who in place of one that logged on or ended. If Close has begun, next
// closes all that wait.
func (d *Daemon) next(who payer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.arriving[who]
	if d.closing {
		for _, conn := range a.waiting {
			_ = conn.Close()
		}
		d.waiting -= len(a.waiting)
		a.waiting = nil
	}
	if len(a.waiting) > 0 {
		conn := a.waiting[0]
		a.waiting = a.waiting[1:]
		d.waiting--
		d.start(conn, who)
		return
	}
	if a.starting--; a.starting == 0 {
		delete(d.arriving, who)
	}
}
