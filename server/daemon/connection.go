package daemon

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// connection is one client: a program of the host and the process it has here.
// It implements [wire.Process].
type connection struct {
	d       *Daemon         // immutable
	conn    net.Conn        // immutable
	peer    *unix.Peer      // immutable
	served  *wire.Server    // immutable
	full    bool            // immutable: it came by the administrators' socket
	account uint32          // immutable: the uid whose bounds it counts against
	asked   bool            // immutable: its program must run under the peer's uid, which is asked
	token   *token.Token    // set by logon
	end     func()          // set by logon: lets the logon session go, once a process holds it
	process *kernel.Process // set before the first thread is made
	begun   bool            // there is a first thread; owned by the connection's reader

	share   *share                  // of the daemon's time; set before the first call
	session atomic.Pointer[Session] // nil until there is a process
	watches atomic.Bool             // it looks at calls
	lent    lent                    // what its program was handed out
}

// serve serves a program that connected, until it is gone. What goes wrong before
// there is a process is a status for the client and a line for the log.
func (d *Daemon) serve(conn *net.UnixConn, full bool) {
	peer, err := unix.Of(conn)
	if err != nil {
		d.log.Error("a peer is not known, its connection is closed", "error", err)
		_ = wire.Refuse(conn, ntstatus.AccessDenied)
		return
	}
	defer peer.Close()
	c := &connection{d: d, conn: conn, peer: peer, full: full, account: d.counted(peer.UID), end: func() {}}
	c.served = wire.NewServer(conn, c)
	if err := d.admit(c); err != nil {
		d.log.Warn("a connection too many", "uid", peer.UID, "error", err)
		_ = wire.Refuse(conn, statusOf(err))
		return
	}
	defer d.forget(c)
	if err = c.logOn(); err == nil {
		peer.Close() // who it is has been decided: a connection keeps one descriptor
		err = c.run()
	}
	d.over(c, err)
}

// over logs the end of a connection: what a client did wrong as a warning.
func (d *Daemon) over(c *connection, err error) {
	level := slog.LevelDebug
	if err != nil {
		level = slog.LevelWarn
	}
	d.log.Log(d.ctx, level, "connection ended", "uid", c.peer.UID, "pid", c.peer.PID, "error", err)
}

// run serves the connection as a process with its token.
func (c *connection) run() error {
	name := c.peer.Name
	if name == "" {
		name = "uid-" + strconv.Itoa(int(c.peer.UID))
	}
	if c.process == nil {
		p, err := c.d.sys.NewProcess(name, c.token)
		c.end() // the process holds the session now
		if err != nil {
			_ = wire.Refuse(c.conn, statusOf(err))
			return fmt.Errorf("process of uid %d: %w", c.peer.UID, err)
		}
		c.process = p
	}
	p := c.process
	defer p.Close()
	// A process that another ends has no connection any more; calls under way are answered. W-76
	p.Object().AtExit(c.served.Stop)
	c.share = c.d.turns.join(c.account)
	defer c.d.turns.part(c.account)
	c.session.Store(&Session{Process: uint64(p.ID()), Name: name, UID: c.peer.UID, PID: c.peer.PID,
		User: c.token.User().SID.String(), Full: c.full, Since: time.Now(),
		Session: fmt.Sprintf("0x%x", uint64(c.token.Spec().AuthenticationID)), guard: p.Object().Security()})
	c.d.log.Debug("connection", "uid", c.peer.UID, "pid", c.peer.PID, "process", uint64(p.ID()), "name", name)
	err := c.spoken()
	if err == nil {
		err = c.served.Serve()
	} else {
		_ = wire.Refuse(c.conn, ntstatus.AccessDenied)
		p.Exit()
	}
	if th := c.first(); th != nil {
		th.Close() // there was no room for it
	}
	if hungUp(err) {
		return nil
	}
	return err
}

// spoken waits for the first word of a program that was started for another user. One that
// runs under another uid is not the one, and gets nothing (W-94).
func (c *connection) spoken() error {
	if !c.asked {
		return nil
	}
	uid, err := speaker(c.conn)
	if err == nil && uid != c.peer.UID {
		err = fmt.Errorf("a program for uid %d runs under uid %d", c.peer.UID, uid)
	}
	return err
}

// hungUp reports whether an error says that the client has gone, which is no fault: it
// was killed within a frame, or with answers that it had not read.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// ID returns the id of the process.
func (c *connection) ID() winnt.Handle { return c.process.ID() }

// Profile returns the conformance profile of the kernel.
func (c *connection) Profile() nt.Profile { return c.d.sys.Profile() }

// NewThread makes a thread of the process, within the bounds of its user.
func (c *connection) NewThread() (*nt.Thread, error) {
	if !c.d.thread(c.account, 1) {
		return nil, ntstatus.InsufficientResources.Err()
	}
	th, err := c.first(), error(nil)
	if th == nil {
		th, err = c.process.NewThread()
	}
	if err != nil {
		c.d.thread(c.account, -1)
	}
	return th, err
}

// first returns the thread that was made with the process, once; nil where there is
// none.
func (c *connection) first() *nt.Thread {
	if c.begun {
		return nil
	}
	c.begun = true
	return c.process.FirstThread()
}

// Administer answers a request about accounts, by the token that the program
// connected with.
func (c *connection) Administer(request []byte) ([]byte, ntstatus.Status) {
	if c.d.administer == nil {
		return nil, ntstatus.NotSupported
	}
	return c.d.administer(c.token, request)
}

// Exit ends the process.
func (c *connection) Exit() { c.process.Exit() }

// GiveBack ends a thread.
func (c *connection) GiveBack(th *nt.Thread) {
	th.Close()
	c.d.thread(c.account, -1)
}

func statusOf(err error) ntstatus.Status {
	var e *ntstatus.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return ntstatus.InsufficientResources
}
