package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Identity decides the token of a peer. The daemon calls it from any goroutine, once for each new connection.
type Identity interface {
	// LogOn returns the contents of a peer's token. full is set at the administrators' socket. The result is then
	// the full token of an administrator, or an error (L-51). After an error the client gets STATUS_ACCESS_DENIED,
	// and the record has the error's status and the result's account.
	LogOn(p *unix.Peer, full bool) (logon.Result, error)
}

// Config configures a daemon. State, Socket and Identity are required.
type Config struct {
	State  string // state folder, created if it is missing; not used with Lock
	Lock   *State // lock of the state folder, from [LockState]; nil: Start takes it. The daemon releases it
	Socket string
	// AdminSocket is the socket at which administrators get their full token; "" for none.
	AdminSocket string
	// Inherited are listening sockets of a service manager. One replaces Socket or AdminSocket if it is bound to
	// that path. The daemon ignores all others.
	Inherited []*net.UnixListener
	Identity  Identity
	LSA       logon.Authority // nil: well-known names only
	// Administer answers a request about accounts with the rights of the caller's token. nil:
	// NotSupported.
	Administer func(by *token.Token, request []byte) (answer []byte, st ntstatus.Status)
	// StartAs returns the uid for a user's programs that the host's superuser starts. nil: no
	// program is started for another user.
	StartAs func(sid.SID) (uid uint32, ok bool)
	// Revoke ends the access that other components keep for the selected users and files. It returns the access that
	// they cannot end. name is the kernel name of a file, or "" for access that belongs to no file. nil: no other
	// component keeps access.
	Revoke func(selected func(user *token.Token, name string) bool) []inspect.Remaining
	// Accounts returns the SIDs of domain users with a name such as EXAMPLE\alice or alice@EXAMPLE.COM, for a revocation.
	// nil: there is no domain.
	Accounts func(name string) ([]sid.SID, ntstatus.Status)
	// KernelName returns the kernel name of a path of the host, false for a path in no tree. nil: there are no trees.
	KernelName func(path string) (name string, ok bool)
	// Quota returns the uid whose limits a uid counts against; nil: its own.
	Quota   func(uid uint32) uint32
	Limits  Limits
	Profile nt.Profile
	Audit   *audit.Log // nil: records stay in memory
	// ConnectionRecords limits the audit records per minute for one user's connections and for logons
	// in which no credential is checked; 0: 60; negative: none.
	ConnectionRecords int
	Log               *slog.Logger // nil: none
}

// Daemon is a running daemon. It is safe for concurrent use. Its zero value is not usable.
type Daemon struct {
	identity atomic.Pointer[Identity]
	limits   Limits            // immutable
	log      *slog.Logger      // immutable
	sys      *kernel.System    // immutable
	lock     *State            // immutable
	listener *net.UnixListener // immutable
	admin    *net.UnixListener // immutable; nil without a socket for administrators
	serving  sync.WaitGroup
	ctx      context.Context // immutable: done once Close begins
	stop     context.CancelFunc

	administer func(*token.Token, []byte) ([]byte, ntstatus.Status) // immutable; may be nil
	quota      func(uint32) uint32                                  // immutable; may be nil
	revoke     revoker                                              // immutable
	startAs    func(sid.SID) (uint32, bool)                         // immutable; may be nil

	pool      *kernel.QuotaPool // immutable: limits all blocks together
	scheduler *scheduler        // immutable
	calls     callBuffer        // the newest calls, recorded while a client watches
	denials   callBuffer        // the newest denials
	watchers  atomic.Int32      // connections that watch calls

	mu sync.Mutex
	// +checklocks:mu
	connections map[*connection]struct{} // guarded by mu
	// +checklocks:mu
	users map[uint32]user // guarded by mu
	// +checklocks:mu
	blocks map[payer]*kernel.QuotaBlock // guarded by mu: blocks with a connection or a charge
	// +checklocks:mu
	refused uint64 // guarded by mu: connections and threads rejected at a limit
	// +checklocks:mu
	answered uint64 // guarded by mu: calls of connections that have ended
	// +checklocks:mu
	closing bool // guarded by mu
}

// Start locks the state directory, boots the kernel and binds the sockets, in this order. It does not serve yet. The
// caller then calls [Daemon.Serve], and [Daemon.Close] even if it does not serve. On an error Start releases all that
// it took, and also Config.Lock, unless Identity is missing. Without Audit the records are in memory.
func Start(cfg Config) (_ *Daemon, err error) {
	if cfg.Identity == nil {
		return nil, errors.New("daemon: Config.Identity is nil: no client could log on")
	}
	d := &Daemon{limits: cfg.Limits.orDefault(), log: cfg.Log, lock: cfg.Lock, administer: cfg.Administer,
		quota: cfg.Quota, startAs: cfg.StartAs, scheduler: newScheduler(), calls: callBuffer{most: keptCalls, next: 1},
		denials:     callBuffer{most: keptDenials, next: 1, fair: true},
		connections: map[*connection]struct{}{}, users: map[uint32]user{}}
	d.revoke = revoker{others: cfg.Revoke, nameOf: cfg.KernelName, accounts: cfg.Accounts}
	d.pool = kernel.NewQuotaPool(d.limits.Total, d.limits.Reserve)
	d.SetIdentity(cfg.Identity)
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.lock == nil {
		if d.lock, err = LockState(cfg.State); err != nil {
			return nil, err
		}
	}
	if cfg.Audit == nil {
		cfg.Audit = &audit.Log{Sink: audit.NewMemory(0, 0), Clock: auditlog.Now}
	}
	d.sys = kernel.Boot(kernel.Config{Profile: cfg.Profile, Log: cfg.Audit, LSA: cfg.LSA})
	d.sys.PeerRecords().SetRate(cfg.ConnectionRecords)
	if d.listener, err = cfg.listen(cfg.Socket); err == nil && cfg.AdminSocket != "" {
		if d.admin, err = cfg.listen(cfg.AdminSocket); err != nil {
			err = errors.Join(err, d.listener.Close())
		}
	}
	if err != nil {
		return nil, errors.Join(err, d.sys.Close(), d.lock.Close())
	}
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.serving.Go(d.trimLoop)
	return d, nil
}

// Identity returns the Identity that decides about new connections now. It is never nil. A reload may replace it
// later.
func (d *Daemon) Identity() Identity { return *d.identity.Load() }

// SetIdentity replaces the Identity for new connections. Existing ones keep their tokens (W-23). id must not be nil.
func (d *Daemon) SetIdentity(id Identity) { d.identity.Store(&id) }

// System returns the daemon's kernel. The daemon owns it: Close closes it.
func (d *Daemon) System() *kernel.System { return d.sys }

// acceptPause is the wait after accept failed, usually for lack of descriptors.
const acceptPause = 100 * time.Millisecond

// Serve accepts clients on the daemon's sockets and blocks until Close begins. It does not wait for their
// connections to end, and always returns nil: it logs an error of accept and tries again after 100 ms. Call it
// once.
func (d *Daemon) Serve() error {
	var admin sync.WaitGroup
	if d.admin != nil {
		admin.Go(func() { d.accept(d.admin) })
	}
	d.accept(d.listener)
	admin.Wait()
	return nil
}

// accept serves each client of one socket on a new goroutine, and blocks until the socket is closed or Close
// begins. It logs the first of other errors in a row and tries again after acceptPause.
func (d *Daemon) accept(l *net.UnixListener) {
	failing := false
	for {
		conn, err := l.AcceptUnix()
		if err == nil {
			failing = false
			d.begin(conn, l == d.admin)
			continue
		}
		if d.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		// Try again: a lack of descriptors or memory is temporary, and connected clients are not affected (W-17).
		if !failing {
			d.log.Error("cannot accept connections", "error", err)
		}
		failing = true
		select {
		case <-d.ctx.Done():
			return
		case <-time.After(acceptPause):
		}
	}
}

// begin serves a connection on a new goroutine and takes ownership of it. After Close it only closes the
// connection. full means that the client connected at the administrators' socket.
func (d *Daemon) begin(conn *net.UnixConn, full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing {
		_ = conn.Close()
		return
	}
	d.serving.Go(func() { d.serve(conn, full) })
}

// Close stops accepting clients, waits for the running calls, ends the connections, and closes the kernel and
// the state's lock. It blocks until all that is done. The error names kernel objects that are still referenced.
// A second call returns nil without waiting for the first.
func (d *Daemon) Close() error {
	d.mu.Lock()
	if d.closing {
		d.mu.Unlock()
		return nil
	}
	d.closing = true
	for c := range d.connections {
		c.served.Stop()
	}
	d.mu.Unlock()
	d.stop()
	_ = d.listener.Close()
	if d.admin != nil {
		_ = d.admin.Close()
	}
	d.serving.Wait()
	if err := errors.Join(d.sys.Close(), d.lock.Close()); err != nil {
		return fmt.Errorf("daemon: %w", err)
	}
	return nil
}
