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

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// connection is one client: a program of the host and its process in the emulated kernel. It implements [wire.Process].
type connection struct {
	d         *Daemon         // immutable
	conn      net.Conn        // immutable
	peer      *unix.Peer      // immutable
	served    *wire.Server    // immutable
	full      bool            // immutable: connected at the administrators' socket
	account   uint32          // immutable: the uid against whose limits the connection counts
	checksUID bool            // immutable: the program must run under the peer's uid
	token     *token.Token    // set by logon, or by run for a process that another connection created
	end       func()          // set by logon: releases the logon session after a process holds it
	process   *kernel.Process // set before the first thread is created
	begun     bool            // the first thread exists; owned by the connection's reader

	quota   *kernel.QuotaBlock      // set by admit: charged for the connection and its process
	paid    quota.Receipt           // the charge for the connection itself; owned by admit and forget
	share   *share                  // used time for the scheduler; set before the first call
	session atomic.Pointer[session] // nil until the process exists
	watches atomic.Bool             // the client watches calls
	passed  passedDescriptors       // descriptors that the connection's program received
	early   []*revocation           // revocations before the session existed; guarded by d.mu
}

// serve identifies a connected program, logs it on and serves its calls until it disconnects. full marks a connection
// to the administrators' socket. serve closes the peer's identity and logs errors. An error before the process exists
// is also sent to the client as a status.
func (d *Daemon) serve(conn *net.UnixConn, full bool) {
	peer, err := unix.Of(conn)
	if err != nil {
		d.log.Error("closed a connection whose peer cannot be identified", "error", err)
		_ = wire.Refuse(conn, ntstatus.AccessDenied)
		return
	}
	defer peer.Close()
	c := &connection{d: d, conn: conn, peer: peer, full: full, account: d.counted(peer.UID), end: func() {}}
	c.served = wire.NewServer(conn, c)
	if err := d.admit(c); err != nil {
		d.log.Warn("rejected a connection over the limit", "uid", peer.UID, "error", err)
		_ = wire.Refuse(conn, ntstatus.Of(err, ntstatus.InsufficientResources))
		return
	}
	defer d.forget(c)
	if err = c.logOn(); err == nil {
		peer.Close() // the logon has used the pidfd, and nothing needs it any more
		err = c.run()
	}
	d.logEnd(c, err)
}

// logEnd logs that a connection has ended: as a warning with err, or at debug level if err is nil.
func (d *Daemon) logEnd(c *connection, err error) {
	level := slog.LevelDebug
	if err != nil {
		level = slog.LevelWarn
	}
	d.log.Log(d.ctx, level, "connection ended", "uid", c.peer.UID, "pid", c.peer.PID, "error", err)
}

// run serves the connection's calls as a process until the connection ends. run creates the process if c.process is
// nil, and always closes the process. A disconnected client is no error. If the process cannot be created, a
// revocation selected the connection, or checkSpeaker fails, the client receives a status and run returns an error.
func (c *connection) run() error {
	name := c.peer.Name
	if name == "" {
		name = "uid-" + strconv.Itoa(int(c.peer.UID))
	}
	if c.process == nil {
		p, err := c.d.sys.CreateProcess(kernel.ProcessSpec{Name: name, Token: c.token, Quota: c.quota})
		c.end() // on success the process now holds the session
		if err != nil {
			_ = wire.Refuse(c.conn, ntstatus.Of(err, ntstatus.InsufficientResources))
			return fmt.Errorf("process of uid %d: %w", c.peer.UID, err)
		}
		c.process = p
	} else {
		// Read the token now: a revocation that did not see this connection has already changed it (W-98).
		c.token = c.process.Object().Token()
		c.process.SetQuota(c.quota) // the connection that created the process may be of another account
	}
	p := c.process
	defer p.Close()
	// If another process ends this one, its connection ends after the running calls (W-76).
	p.Object().AtExit(c.served.Stop)
	c.share = c.d.scheduler.join(c.account)
	defer c.d.scheduler.part(c.account)
	valid := c.show(&session{guard: p.Object().Security, Session: inspect.Session{
		Process: uint64(p.ID()), Name: name, UID: c.peer.UID, PID: c.peer.PID,
		User: c.token.User().SID.String(), Full: c.full, Since: time.Now(),
		Session: fmt.Sprintf("0x%x", uint64(c.token.Spec().AuthenticationID))}})
	c.d.log.Debug("connection", "uid", c.peer.UID, "pid", c.peer.PID, "process", uint64(p.ID()), "name", name)
	err := errRevoked
	if valid {
		err = c.checkSpeaker()
	}
	if err == nil {
		err = c.served.Serve()
	} else {
		_ = wire.Refuse(c.conn, ntstatus.AccessDenied)
		p.Exit()
	}
	if th := c.first(); th != nil {
		th.Close() // the thread limit was reached
	}
	if hungUp(err) {
		return nil
	}
	return err
}

var errRevoked = errors.New("the access of the user was revoked while the program connected")

// checkSpeaker verifies that a program started for a user runs under the user's uid (W-94). checkSpeaker waits for
// the connection's first byte. A byte from another uid and a disconnected client are errors. Without c.checksUID the
// result is nil.
func (c *connection) checkSpeaker() error {
	if !c.checksUID {
		return nil
	}
	uid, err := speaker(c.conn)
	if err == nil && uid != c.peer.UID {
		err = fmt.Errorf("a program for uid %d runs under uid %d", c.peer.UID, uid)
	}
	return err
}

// hungUp reports whether an error means that the client disconnected, even within a frame.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// ID returns the ID of the connection's process in the kernel, not the host's pid. The process must exist.
func (c *connection) ID() winnt.Handle { return c.process.ID() }

// Profile returns the conformance profile of the kernel, which is the same for all connections.
func (c *connection) Profile() nt.Profile { return c.d.sys.Profile() }

// NewThread returns the first thread of the process on the first call, and a new one afterwards. The caller
// returns it with GiveBack. At the thread limit of the user it returns InsufficientResources. An error counts no
// thread.
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

// first returns the thread with which the process was created, on the first call only, because a client's first thread
// needs no new one. On later calls it returns nil.
func (c *connection) first() *nt.Thread {
	if c.begun {
		return nil
	}
	c.begun = true
	return c.process.FirstThread()
}

// Administer passes a request about accounts and the program's token to Config.Administer, and returns its reply
// and status. Without Config.Administer it returns NotSupported.
func (c *connection) Administer(request []byte) ([]byte, ntstatus.Status) {
	if c.d.administer == nil {
		return nil, ntstatus.NotSupported
	}
	return c.d.administer(c.token, request)
}

// Exit ends the connection's process in the kernel. It does not end the program of the host.
func (c *connection) Exit() { c.process.Exit() }

// GiveBack ends a thread from NewThread and frees its place in the limit of threads. Call it once per thread.
func (c *connection) GiveBack(th *nt.Thread) {
	th.Close()
	c.d.thread(c.account, -1)
}
