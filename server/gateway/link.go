package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// link is the gateway's way to refmond. A connection that was lost is made anew by the
// next request, with a process that has none of the old one's handles.
type link struct {
	dial func() (*client.Conn, error) // immutable
	cfg  *Config                      // immutable

	mu sync.Mutex
	// +checklocks:mu
	at *process // guarded by mu; nil before the first request and after Close
	// +checklocks:mu
	closed bool // guarded by mu
}

// errStopped is told to requests after Close.
var errStopped = errors.New("the gateway stops")

// process returns the process of the moment.
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
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.at != nil && l.at.conn.Err() == nil {
		_ = conn.Close() // another request was faster
		if l.closed {
			return nil, errStopped
		}
		return l.at, nil
	}
	l.at = p
	return p, nil
}

// close ends the process, and with it every handle and impersonation.
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

// process is one connection: a process of refmond, its threads and the tokens it holds.
type process struct {
	conn     *client.Conn    // immutable
	threads  chan *nt.Thread // one entry a thread that may be; nil: it is not made yet
	sessions *sessions       // immutable
}

func newProcess(conn *client.Conn, cfg *Config) *process {
	p := &process{conn: conn, threads: make(chan *nt.Thread, cfg.Threads)}
	for range cfg.Threads {
		p.threads <- nil
	}
	p.sessions = newSessions(p, cfg)
	if len(cfg.Certificates) > 0 {
		enableTcb(conn.Thread())
	}
	return p
}

// enableTcb enables the privilege that gives a logon without a password a full token, where
// the gateway's account was granted it; it is not enabled by itself (G-7).
func enableTcb(th *nt.Thread) {
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ADJUST_PRIVILEGES)
	if st != ntstatus.Success {
		return
	}
	defer th.NtClose(own)
	th.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{{LUID: winnt.LUID(winnt.SeTcbPrivilege),
		Attributes: winnt.SE_PRIVILEGE_ENABLED}}, false)
}

// do runs f on a thread of the pool that acts as the gateway: for what a handle decides, and
// not who asks.
func (p *process) do(ctx context.Context, f func(*nt.Thread) ntstatus.Status) ntstatus.Status {
	return p.run(ctx, 0, f)
}

// as runs f on a thread that acts with a token. f makes calls of refmond and waits for
// nothing else: neither a client nor a lock.
func (p *process) as(ctx context.Context, tok winnt.Handle, f func(*nt.Thread) ntstatus.Status) ntstatus.Status {
	if tok == 0 {
		// Without a client's token nothing is done in a client's name (G-1).
		return ntstatus.NoToken
	}
	return p.run(ctx, tok, f)
}

func (p *process) run(ctx context.Context, tok winnt.Handle, f func(*nt.Thread) ntstatus.Status) ntstatus.Status {
	th, st := p.take(ctx)
	if st != ntstatus.Success {
		return st
	}
	clean := false
	defer func() {
		if !clean {
			// The thread may still act as the client: it is ended, another takes its place (G-2).
			th.Close()
			th = nil
		}
		p.threads <- th
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

// take waits for a thread as long as the client of the request does.
func (p *process) take(ctx context.Context) (*nt.Thread, ntstatus.Status) {
	if ctx.Err() != nil {
		return nil, ntstatus.Cancelled // a free thread is no chance to go on
	}
	var th *nt.Thread
	select {
	case th = <-p.threads:
	default:
		select {
		case th = <-p.threads:
		case <-ctx.Done():
			return nil, ntstatus.Cancelled
		}
	}
	if th != nil {
		return th, ntstatus.Success
	}
	th, err := p.conn.NewThread()
	if err != nil {
		p.threads <- nil
		var e *ntstatus.Error
		if errors.As(err, &e) {
			return nil, e.Status
		}
		return nil, ntstatus.PortDisconnected
	}
	return th, ntstatus.Success
}

// openAs opens an existing file as the owner of a token, with a descriptor where one is
// handed out, in one exchange with refmond.
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
			// The thread may still act as the client: it is ended, another takes its place (G-2).
			th.Close()
			th = nil
		}
		p.threads <- th
	}()
	return p.conn.OpenFileAs(th, tok, in)
}

// readAs opens an existing file as the owner of a token, with what is in it where that is
// little, in one exchange with refmond.
func (p *process) readAs(ctx context.Context, tok winnt.Handle, in nt.CreateFileIn, room []byte) (o client.ReadAs,
	st ntstatus.Status) {
	if tok == 0 {
		return o, ntstatus.NoToken
	}
	th, st := p.take(ctx)
	if st != ntstatus.Success {
		return o, st
	}
	// refmond lets the thread act as the client for the open alone (G-30).
	defer func() { p.threads <- th }()
	return p.conn.ReadFileAs(th, tok, in, mostAtOnce, room)
}

// mostAtOnce is the longest file, in bytes, that refmond sends with its answer: longer ones
// are read by a descriptor.
const mostAtOnce = 64 << 10

// release closes a handle of the process. A client that has left is no reason to keep it.
func (p *process) release(h winnt.Handle) {
	if h == 0 {
		return
	}
	p.do(context.Background(), func(th *nt.Thread) ntstatus.Status { return th.NtClose(h) })
}
