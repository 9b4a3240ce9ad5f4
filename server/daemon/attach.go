package daemon

import (
	"fmt"
	"os"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Attach makes a process with that token and returns the connection to it, for a
// program that the caller starts: it inherits the descriptor, say as fd:3. Who
// holds the descriptor is that process (W-40). The caller closes the file once the program
// has it.
func (d *Daemon) Attach(name string, tok *token.Token) (*os.File, error) {
	c := &connection{d: d, token: tok,
		peer: &peer.Peer{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), Name: name}}
	c.account = d.counted(c.peer.UID)
	return c.attach()
}

// Attach implements [wire.Attacher]: a program that this one starts gets a connection
// that is a process which this one made. It counts against the bounds of the same user.
func (c *connection) Attach(th *nt.Thread, process winnt.Handle, program string) (*os.File, ntstatus.Status) {
	p, st := c.d.sys.TakeOver(th, process, func(t *token.Token) ntstatus.Status {
		if t.User().SID != c.token.User().SID {
			// The program would run as the same uid, whose other programs could take the token (W-53).
			return ntstatus.PrivilegeNotHeld
		}
		return ntstatus.Success
	})
	if st != ntstatus.Success {
		return nil, st
	}
	child := &connection{d: c.d, token: p.Object().Token(), process: p, account: c.account, full: c.full,
		peer: &peer.Peer{UID: c.peer.UID, GID: c.peer.GID, Name: p.Name()}}
	if program != "" {
		// It is shown by its own name; its threads keep those of the process (W-79).
		child.peer.Name = program
	}
	f, err := child.attach()
	if err != nil {
		p.FirstThread().Close()
		p.Close()
		return nil, statusOf(err)
	}
	return f, ntstatus.Success
}

// attach serves a connection without a socket's peer, and returns its other end.
func (c *connection) attach() (*os.File, error) {
	conn, theirs, err := wire.Pair(c.peer.Name)
	if err != nil {
		return nil, err
	}
	d := c.d
	c.conn, c.end = conn, func() {}
	c.served = wire.NewServer(conn, c)
	c.served.Patient()
	if err := d.admit(c); err != nil {
		_, _ = theirs.Close(), conn.Close()
		return nil, fmt.Errorf("connection of %s: %w", c.peer.Name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing {
		delete(d.connections, c)
		d.change(c.account, -1, 0)
		_, _ = theirs.Close(), conn.Close()
		return nil, fmt.Errorf("connection of %s: the daemon stops", c.peer.Name)
	}
	d.serving.Go(func() {
		defer d.forget(c)
		d.over(c, c.run())
	})
	return theirs, nil
}
