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
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Identity decides what the token of a peer is made of. It is used from any
// goroutine.
type Identity interface {
	// LogOn logs a peer on. At the administrators' socket full is set: the result
	// is then the full token of an administrator, or an error (L-51).
	LogOn(p *unix.Peer, full bool) (logon.Result, error)
}

// Config says what a daemon is to be. State, Socket and Identity are required.
type Config struct {
	State  string // folder, made if it is not there
	Lock   *State // of the state folder, from [LockState]; nil: Start takes it
	Socket string
	// AdminSocket is where administrators have their full token; "" for none.
	AdminSocket string
	// Inherited are listening sockets that a service manager made: one takes the place
	// of Socket or AdminSocket if it is bound to that path.
	Inherited []*net.UnixListener
	Identity  Identity
	LSA       logon.Authority // who is who; nil knows the well-known names only
	// Administer answers a request about accounts, by the token of the process that
	// asks; nil answers none. It decides who may.
	Administer func(by *token.Token, request []byte) (answer []byte, st ntstatus.Status)
	// StartAs returns the uid under which programs of a user are started by programs of the
	// host's superuser; nil: no program is started for another user.
	StartAs func(sid.SID) (uid uint32, ok bool)
	// Quota returns the uid whose bounds a uid counts against; nil: its own.
	Quota   func(uid uint32) uint32
	Limits  Limits
	Profile nt.Profile
	Audit   *audit.Log   // nil: the kernel's own, in memory
	Log     *slog.Logger // nil: none
}

// Daemon is a running daemon.
type Daemon struct {
	identity atomic.Pointer[Identity]
	limits   Limits            // immutable
	log      *slog.Logger      // immutable
	sys      *kernel.System    // immutable
	lock     *State            // immutable
	listener *net.UnixListener // immutable
	admin    *net.UnixListener // immutable; nil without administrators' socket
	serving  sync.WaitGroup
	ctx      context.Context // immutable: done once Close begins
	stop     context.CancelFunc

	administer func(*token.Token, []byte) ([]byte, ntstatus.Status) // immutable; may be nil
	quota      func(uint32) uint32                                  // immutable; may be nil
	startAs    func(sid.SID) (uint32, bool)                         // immutable; may be nil

	turns    *turns       // immutable
	calls    kept         // while they are watched
	denials  kept         // the newest
	watchers atomic.Int32 // connections that look at calls

	mu sync.Mutex
	// +checklocks:mu
	connections map[*connection]struct{} // guarded by mu
	// +checklocks:mu
	users map[uint32]user // guarded by mu
	// +checklocks:mu
	refused uint64 // guarded by mu: what bounds refused
	// +checklocks:mu
	closing bool // guarded by mu
}

// Start takes the lock of the state folder, boots the kernel and binds the
// socket, in this order. On an error nothing is left.
func Start(cfg Config) (_ *Daemon, err error) {
	if cfg.Identity == nil {
		return nil, errors.New("daemon: no identity: no client could be known")
	}
	d := &Daemon{limits: cfg.Limits.orDefault(), log: cfg.Log, lock: cfg.Lock, administer: cfg.Administer,
		quota: cfg.Quota, startAs: cfg.StartAs, turns: newTurns(), calls: kept{most: keptCalls, next: 1},
		denials:     kept{most: keptDenials, next: 1},
		connections: map[*connection]struct{}{}, users: map[uint32]user{}}
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
	if d.listener, err = cfg.listen(cfg.Socket); err == nil && cfg.AdminSocket != "" {
		if d.admin, err = cfg.listen(cfg.AdminSocket); err != nil {
			err = errors.Join(err, d.listener.Close())
		}
	}
	if err != nil {
		return nil, errors.Join(err, d.sys.Close(), d.lock.Close())
	}
	d.ctx, d.stop = context.WithCancel(context.Background())
	return d, nil
}

// Identity returns who decides about tokens now.
func (d *Daemon) Identity() Identity { return *d.identity.Load() }

// SetIdentity replaces who decides about tokens. Those who are connected keep
// what they have (W-23).
func (d *Daemon) SetIdentity(id Identity) { d.identity.Store(&id) }

// System returns the kernel that the daemon plays.
func (d *Daemon) System() *kernel.System { return d.sys }

// acceptPause is how long the daemon waits after accept failed, for want of
// descriptors as a rule.
const acceptPause = 100 * time.Millisecond

// Serve serves clients until Close.
func (d *Daemon) Serve() error {
	var admin sync.WaitGroup
	if d.admin != nil {
		admin.Go(func() { d.accept(d.admin) })
	}
	d.accept(d.listener)
	admin.Wait()
	return nil
}

// accept serves the clients of one socket until it is closed.
func (d *Daemon) accept(l *net.UnixListener) {
	for {
		conn, err := l.AcceptUnix()
		if err == nil {
			d.begin(conn, l == d.admin)
			continue
		}
		if d.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		// Want of descriptors or memory passes; those who are served stay (W-17).
		d.log.Error("accept", "error", err)
		select {
		case <-d.ctx.Done():
			return
		case <-time.After(acceptPause):
		}
	}
}

// begin serves a connection on a goroutine of its own, unless Close has begun.
func (d *Daemon) begin(conn *net.UnixConn, full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing {
		_ = conn.Close()
		return
	}
	d.serving.Go(func() { d.serve(conn, full) })
}

// Close takes no further client, ends the connections once the calls they have
// begun are answered, and gives everything back. The error names what of the
// kernel was still referenced.
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
