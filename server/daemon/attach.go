package daemon

import (
	"fmt"
	"os"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Attach starts serving a new connection whose process has the token tok and the given name. It returns the
// client's end, which the caller closes after it started the program that inherits it, for example as fd:3.
// Whoever holds the file acts as that process (W-40). The connection counts against the limits of the daemon's
// own user. Attach fails at a limit and after Close. If the daemon cannot create the process, Attach succeeds
// and the client reads the status from the connection.
func (d *Daemon) Attach(name string, tok *token.Token) (*os.File, error) {
	c := &connection{d: d, token: tok,
		peer: &peer.Peer{Known: true, UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), Name: name}}
	c.account = d.counted(c.peer.UID)
	return c.attach()
}

// Attach gives the connection's program a connection for a process that it created, to start another program in.
// It takes over the process behind the handle and returns the client's end, which the caller closes. program is
// the displayed name; "" keeps the process's name. The new connection counts against the limits of the same user
// as c. If the process has another user than c, Attach returns PrivilegeNotHeld. At a limit it returns
// InsufficientResources and closes the process.
func (c *connection) Attach(th *nt.Thread, process winnt.Handle, program string) (*os.File, ntstatus.Status) {
	p, st := c.d.sys.TakeOver(th, process, func(t *token.Token) ntstatus.Status {
		if t.User().SID != c.token.User().SID {
			// The program would run under the caller's uid, and other programs of that uid could
			// take the token (W-53).
			return ntstatus.PrivilegeNotHeld
		}
		return ntstatus.Success
	})
	if st != ntstatus.Success {
		return nil, st
	}
	of := &peer.Peer{Known: c.peer.Known, UID: c.peer.UID, GID: c.peer.GID, Name: p.Name()}
	return c.child(p, program, c.account, of, false)
}

// AttachAs is like Attach for a process of another account, and only for a program of the host's superuser. It
// also returns the account's uid: the new program must run under it, and the connection counts against its
// limits. AttachAs returns PrivilegeNotHeld to other callers, if Config.StartAs is nil, and for an account
// without a uid of its own.
func (c *connection) AttachAs(th *nt.Thread, process winnt.Handle, program string) (*os.File, uint32,
	ntstatus.Status) {
	if c.d.startAs == nil || !c.peer.Known || c.peer.UID != 0 {
		// Only a program that the host's kernel reports as root may start programs for others, and
		// only if the configuration allows it (W-93).
		return nil, 0, ntstatus.PrivilegeNotHeld
	}
	var uid uint32
	p, st := c.d.sys.TakeOver(th, process, func(t *token.Token) ntstatus.Status {
		var known bool
		if uid, known = c.d.startAs(t.User().SID); !known || uid == 0 || uid == sharedUID {
			// An account without a uid of its own cannot run programs (W-93).
			return ntstatus.PrivilegeNotHeld
		}
		return ntstatus.Success
	})
	if st != ntstatus.Success {
		return nil, 0, st
	}
	f, st := c.child(p, program, c.d.counted(uid), &peer.Peer{Known: true, UID: uid, Name: p.Name()}, true)
	c.d.log.Info("started a program for another user", "by pid", c.peer.PID, "uid", uid, "process", uint64(p.ID()),
		"program", program, "status", st.String())
	return f, uid, st
}

// sharedUID is the overflow uid. It belongs to no single user.
const sharedUID = 65534

// child connects a started program to the daemon and returns the client's end of the connection. p is the program's
// process, and the parameter of its identity. Limits count for the uid account. A program of "" keeps the displayed
// name. checksUID rejects a first byte from another uid. On failure child closes p and returns the error's status, or
// STATUS_INSUFFICIENT_RESOURCES.
func (c *connection) child(p *kernel.Process, program string, account uint32, of *peer.Peer,
	checksUID bool) (*os.File, ntstatus.Status) {
	child := &connection{d: c.d, process: p, account: account, peer: of, checksUID: checksUID,
		full: c.full && !checksUID}
	if program != "" {
		// The process is shown with the program's name; its threads keep their names (W-79).
		child.peer.Name = program
	}
	f, err := child.attach()
	if err != nil {
		p.FirstThread().Close()
		p.Close()
		return nil, ntstatus.Of(err, ntstatus.InsufficientResources)
	}
	return f, ntstatus.Success
}

// attach creates a socket pair, serves one end on a new goroutine and returns the other. The caller closes the
// returned end. c.peer and c.account must be set, and c.token or c.process. attach fails at a limit and after Close;
// then nothing stays open.
func (c *connection) attach() (*os.File, error) {
	conn, theirs, err := wire.Pair(c.peer.Name)
	if err != nil {
		return nil, err
	}
	d := c.d
	c.conn, c.end = conn, func() {}
	if c.checksUID {
		if err := passCredentials(conn); err != nil {
			_, _ = theirs.Close(), conn.Close()
			return nil, fmt.Errorf("connection of %s: %w", c.peer.Name, err)
		}
	}
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
		c.paid.Return()
		d.change(c.account, -1, 0)
		_, _ = theirs.Close(), conn.Close()
		return nil, fmt.Errorf("connection of %s: the daemon stops", c.peer.Name)
	}
	d.serving.Go(func() {
		defer d.forget(c)
		d.logEnd(c, c.run())
	})
	return theirs, nil
}
