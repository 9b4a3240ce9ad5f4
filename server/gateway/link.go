package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// link is the gateway's connection to refmond. After a failure the next request reconnects, as a new process without
// the handles of the old one. It is safe for concurrent use.
type link struct {
	dial func() (*client.Conn, error) // immutable
	cfg  *Config                      // immutable

	mu sync.Mutex
	// +checklocks:mu
	at *process // guarded by mu; nil before the first request and after Close
	// +checklocks:mu
	closed bool // guarded by mu
}

// errStopped is the error of requests after Close.
var errStopped = errors.New("the gateway stops")

// process returns the current connection to refmond, and blocks to connect if there is none or it failed. Concurrent
// callers get the same process, which the link owns. It returns errStopped after close, and otherwise the error of
// dial.
func (l *link) process() (*process, error) {
	l.mu.Lock()
	p := l.at
	closed := l.closed
	l.mu.Unlock()
	switch {
	case closed:
		return nil, errStopped
	case p != nil && p.conn.Err() == nil:
		return p, nil
	}
	conn, err := l.dial()
	if err != nil {
		return nil, fmt.Errorf("refmond: %w", err)
	}
	p = newProcess(conn, l.cfg)
	if used, err := l.use(p); used != p {
		_ = conn.Close()
		return used, err
	}
	l.warn(conn.Thread())
	return p, nil
}

// use makes p the current process and returns it. If another request connected first, use returns that process
// instead, and after close errStopped.
func (l *link) use(p *process) (*process, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, errStopped
	case l.at == nil || l.at.conn.Err() != nil:
		l.at = p
	}
	return l.at, nil
}

// warn logs two mistakes in the setup that clients only see as 404: the gateway's account has no
// SeImpersonatePrivilege, so its clients' tokens open nothing, and refmond does not serve a tree of the configuration.
// It opens no file: the gateway's own account has no right. It logs nothing if a call fails.
func (l *link) warn(th *nt.Thread) {
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
	if st != ntstatus.Success {
		return
	}
	user, _ := th.NtQueryInformationToken(own, winnt.TokenUser)
	held, st := th.NtQueryInformationToken(own, winnt.TokenPrivileges)
	th.NtClose(own)
	account, _ := user.(token.Group)
	privileges, _ := held.([]nt.LUIDAndAttributes)
	if st == ntstatus.Success && !slices.ContainsFunc(privileges, func(p nt.LUIDAndAttributes) bool {
		return winnt.Privilege(p.LUID) == winnt.SeImpersonatePrivilege
	}) {
		l.cfg.Log.Error("clients can open nothing: the gateway's user needs SeImpersonatePrivilege; grant it and restart "+
			"the gateway", "run", "refmond account right grant "+account.SID.String()+" SeImpersonatePrivilege")
	}
	for _, tree := range l.cfg.Trees {
		// The name is invalid in every tree, so the call opens no file and leaves no audit record.
		_, st := th.NtOpenFile(winnt.FILE_READ_ATTRIBUTES,
			&nt.ObjectAttributes{ObjectName: place{tree: tree, path: "?"}.object()}, 0, 0)
		if st == ntstatus.ObjectPathNotFound {
			l.cfg.Log.Error("refmond has no such tree: add it to refmond's configuration, or correct it below trees in "+
				"the gateway's", "tree", tree)
		}
	}
}

// close disconnects from refmond, which ends every handle and impersonation. Later calls of process return
// errStopped. Without a connection it returns nil. It does not wait for calls in progress.
func (l *link) close() error {
	l.mu.Lock()
	p := l.at
	l.at, l.closed = nil, true
	l.mu.Unlock()
	if p == nil {
		return nil
	}
	return p.conn.Close()
}

// process is one connection to refmond: a process there, its threads and its tokens. It is safe for concurrent use.
type process struct {
	conn     *client.Conn    // immutable
	threads  chan *nt.Thread // one entry for each allowed thread; nil: not created yet
	turns    *admission.Pool // immutable: shares the threads among the users
	logons   *admission.Pool // immutable: shares a part of the threads among the clients that log on
	stores   *admission.Pool // immutable: shares a part of the threads among the users that store uploads
	sessions *sessions       // immutable
	subjects *sessions       // immutable: accounts that questions of the AuthZEN API are about
}

// newProcess returns the process of a new connection, which it then owns. It enables SeTcbPrivilege for Certificates
// and SeAuditPrivilege for AuthZEN and Index. It creates threads when requests first need them.
func newProcess(conn *client.Conn, cfg *Config) *process {
	p := &process{conn: conn, threads: make(chan *nt.Thread, cfg.Threads),
		turns:  admission.NewPool(cfg.Threads, mostWaitingCalls),
		logons: admission.NewPool(max(cfg.Threads/4, 1), mostWaitingLogons),
		stores: admission.NewPool(max(cfg.Threads/2, 1), mostWaitingStores)}
	for range cfg.Threads {
		p.threads <- nil
	}
	p.sessions, p.subjects = newSessions(p, cfg), newSessions(p, cfg)
	p.subjects.most = min(p.subjects.most, mostSubjects)
	if len(cfg.Certificates) > 0 {
		enable(conn.Thread(), winnt.SeTcbPrivilege) // a logon without a password then yields a full token (G-7)
	}
	if cfg.AuthZEN != nil || cfg.Index != nil {
		enable(conn.Thread(), winnt.SeAuditPrivilege) // for the records of questions (G-64, G-120)
	}
	return p
}

// enable turns on a privilege that the gateway's own token holds. It ignores errors: if the account does not hold the
// privilege, nothing changes.
func enable(th *nt.Thread, p winnt.Privilege) {
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ADJUST_PRIVILEGES)
	if st != ntstatus.Success {
		return
	}
	defer th.NtClose(own)
	th.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{{LUID: winnt.LUID(p),
		Attributes: winnt.SE_PRIVILEGE_ENABLED}}, false)
}

// do runs f on a pool thread with the gateway's identity, without impersonation. Use it only for calls that a handle
// authorizes. do blocks until a thread is free. do returns the status of f, Cancelled if ctx ends first, or the error
// status of a failed connection.
func (p *process) do(ctx context.Context, f func(*nt.Thread) ntstatus.Status) ntstatus.Status {
	return p.run(ctx, 0, f)
}

// Limits of logons and uploads that wait for a thread.
const (
	mostWaitingLogons = 256
	longestLogonWait  = 30 * time.Second
	mostWaitingStores = 1 << 16 // uploads that have arrived; limits.connections bounds them earlier
	mostWaitingCalls  = 1 << 18 // limits.connections bounds them earlier
)

// userKey is the key of a context's value that names the user whose turn a call of refmond takes.
type userKey struct{}

// forUser returns a context with which calls of refmond take the turn of a session's user.
func forUser(ctx context.Context, s *session) context.Context {
	return context.WithValue(ctx, userKey{}, s.user.Binary())
}

// userOf returns the user of a context from forUser, and "" for another one.
func userOf(ctx context.Context) string {
	user, _ := ctx.Value(userKey{}).(string)
	return user
}

// logOn runs f, which logs an account on, on a pool thread as do does. A logon waits in refmond for a password hash or
// a domain controller, so logons use at most a quarter of the threads, and the requesters take turns. logOn returns the
// status of f. If too many logons wait, or no such thread is free within longestLogonWait, logOn does not call f and
// returns InsufficientResources or Cancelled.
func (p *process) logOn(ctx context.Context, requester string, f func(*nt.Thread) ntstatus.Status) ntstatus.Status {
	waiting, cancel := context.WithTimeout(ctx, longestLogonWait)
	defer cancel()
	return p.inTurn(waiting, p.logons, requester, f)
}

// store runs f, which writes a whole upload to the disk, on a pool thread as do does. Such a call can take minutes, so
// these calls use at most half of the threads, and the users take turns. store returns the status of f. If ctx ends
// first, it does not call f and returns InsufficientResources or Cancelled.
func (p *process) store(ctx context.Context, user string, f func(*nt.Thread) ntstatus.Status) ntstatus.Status {
	return p.inTurn(ctx, p.stores, user, f)
}

// inTurn runs f as do does, but first waits for a place in turns. Without a place it returns InsufficientResources.
func (p *process) inTurn(ctx context.Context, turns *admission.Pool, requester string,
	f func(*nt.Thread) ntstatus.Status) ntstatus.Status {
	// The threads outside this share remain for short calls (G-55).
	if !turns.Enter(ctx, requester) {
		return ntstatus.InsufficientResources
	}
	defer turns.Leave()
	return p.do(ctx, f)
}

// as runs f on a pool thread that impersonates the token tok, and reverts afterwards. f must not wait for a client or
// a lock. as returns the status of f. as fails without calling f:
//   - tok is 0: NoToken
//   - ctx ends before a thread is free: Cancelled
//   - the impersonation fails: its status
func (p *process) as(ctx context.Context, tok winnt.Handle, f func(*nt.Thread) ntstatus.Status) ntstatus.Status {
	if tok == 0 {
		// Without a token the gateway would act as itself (G-1).
		return ntstatus.NoToken
	}
	return p.run(ctx, tok, f)
}

// run runs f on a pool thread and returns its status. The thread impersonates tok unless tok is 0. If there is no
// thread, or the impersonation fails, run returns that status without calling f. A thread that may still impersonate
// is replaced, also after a panic of f (G-2).
func (p *process) run(ctx context.Context, tok winnt.Handle, f func(*nt.Thread) ntstatus.Status) ntstatus.Status {
	th, st := p.take(ctx)
	if st != ntstatus.Success {
		return st
	}
	clean := false
	defer func() {
		if !clean {
			// The thread may still impersonate the client, so it is replaced (G-2).
			th.Close()
			th = nil
		}
		p.giveBack(th)
	}()
	if tok != 0 {
		if st := th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, tok); st != ntstatus.Success {
			return st
		}
	}
	st = f(th)
	if tok == 0 {
		clean = true
		return st
	}
	clean = th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 0) == ntstatus.Success
	return st
}

// take reserves a thread of the pool. take blocks until it is the turn of the user of ctx and a thread is free, and
// creates the thread if needed. The caller returns the thread with giveBack, or nil for a new one. If ctx has ended or
// ends first, the status is Cancelled. If the thread cannot be created, the status is that of the connection.
func (p *process) take(ctx context.Context) (*nt.Thread, ntstatus.Status) {
	if ctx.Err() != nil {
		return nil, ntstatus.Cancelled // do not start even if a thread is free
	}
	// The calls of one user wait for each other, not those of other users (G-55).
	if !p.turns.Enter(ctx, userOf(ctx)) {
		return nil, ntstatus.Cancelled
	}
	var th *nt.Thread
	select {
	case th = <-p.threads:
	case <-ctx.Done():
		p.turns.Leave()
		return nil, ntstatus.Cancelled
	}
	if th != nil {
		return th, ntstatus.Success
	}
	th, err := p.conn.NewThread()
	if err != nil {
		p.giveBack(nil)
		return nil, ntstatus.Of(err, ntstatus.PortDisconnected)
	}
	return th, ntstatus.Success
}

// giveBack returns a thread of take to the pool. nil lets a later call create a new one.
func (p *process) giveBack(th *nt.Thread) {
	p.threads <- th
	p.turns.Leave()
}

// openAs opens an existing file with the rights of tok, in one round trip. The caller releases o's handle, and closes
// o.File if refmond passed a descriptor. The status is NoToken if the token tok is 0, and Cancelled if ctx ends
// before a thread is free.
func (p *process) openAs(ctx context.Context, tok winnt.Handle, in nt.CreateFileIn) (o client.OpenedAs,
	st ntstatus.Status) {
	if tok == 0 {
		return o, ntstatus.NoToken
	}
	th, st := p.take(ctx)
	if st != ntstatus.Success {
		return o, st
	}
	defer func() {
		if !o.Reverted {
			// The thread may still impersonate the client, so it is replaced (G-2).
			th.Close()
			th = nil
		}
		p.giveBack(th)
	}()
	return p.conn.OpenFileAs(th, tok, in)
}

// readAs opens and reads an existing file with the rights of tok, in one round trip. A file of at most mostAtOnce
// bytes arrives whole, without a handle, and may share memory with room. The caller releases a larger file's handle.
// If the token tok is 0, the status is NoToken.
func (p *process) readAs(ctx context.Context, tok winnt.Handle, in nt.CreateFileIn, room []byte) (o client.ReadAs,
	st ntstatus.Status) {
	if tok == 0 {
		return o, ntstatus.NoToken
	}
	th, st := p.take(ctx)
	if st != ntstatus.Success {
		return o, st
	}
	// refmond impersonates the client during the open only (G-30).
	defer func() { p.giveBack(th) }()
	return p.conn.ReadFileAs(th, tok, in, mostAtOnce, room)
}

// mostAtOnce is the largest file, in bytes, whose contents refmond returns with an open.
const mostAtOnce = 64 << 10
