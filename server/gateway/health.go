package gateway

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// healthTimeout is the longest that refmond may take for a health check.
const healthTimeout = 3 * time.Second

// health serves /health: 200 if refmond makes two known decisions correctly within healthTimeout, else 503. It needs
// no logon. Requests during a check wait for its result. A decision that comes too late is dropped.
func (g *Gateway) health(w http.ResponseWriter, r *http.Request, _ *session) {
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	c := g.checks.join(g.decides)
	select {
	case <-c.done:
		if c.ok {
			plain(w, http.StatusOK, "ok")
			return
		}
	case <-ctx.Done():
	}
	busy(w)
}

// healthChecks runs one health check at a time. The zero value is ready to use. It is safe for concurrent use.
type healthChecks struct {
	mu sync.Mutex
	// +checklocks:mu
	running *healthCheck // guarded by mu; nil: none
}

// healthCheck is a check that runs or is done. ok is set before done is closed.
type healthCheck struct {
	done chan struct{}
	ok   bool
}

// join returns the check that runs, or starts one that calls decides. decides gets healthTimeout to find a free thread.
func (h *healthChecks) join(decides func(context.Context) bool) *healthCheck {
	h.mu.Lock()
	defer h.mu.Unlock()
	// Health needs no logon, so all its clients together use one thread (G-55).
	if h.running != nil {
		return h.running
	}
	c := &healthCheck{done: make(chan struct{})}
	h.running = c
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
		defer cancel()
		c.ok = decides(ctx)
		h.mu.Lock()
		h.running = nil
		h.mu.Unlock()
		close(c.done)
	}()
	return c
}

// yes and no are descriptors that grant everybody everything, and nothing.
var yes, no = sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)"), sddl.MustParse("O:SYG:SYD:")

// decides reports whether refmond decides two test checks correctly. This is the health test: access to the
// descriptor yes must be granted, and to no denied. The result is false if refmond is unreachable or ctx ends before
// a thread is free.
func (g *Gateway) decides(ctx context.Context) bool {
	p, err := g.link.process()
	if err != nil {
		return false
	}
	return p.do(ctx, func(th *nt.Thread) ntstatus.Status {
		own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY|winnt.TOKEN_DUPLICATE)
		if st != ntstatus.Success {
			return st
		}
		defer th.NtClose(own)
		level := &nt.ObjectAttributes{SecurityQualityOfService: &nt.SecurityQualityOfService{
			ImpersonationLevel: winnt.SecurityIdentification}}
		tok, st := th.NtDuplicateToken(own, winnt.TOKEN_QUERY, level, false, winnt.TokenImpersonation)
		if st != ntstatus.Success {
			return st
		}
		defer th.NtClose(tok)
		granted, st := th.NtAccessCheck(yes, tok, winnt.FILE_READ_DATA, winnt.FileObject.Mapping)
		refused, st2 := th.NtAccessCheck(no, tok, winnt.FILE_READ_DATA, winnt.FileObject.Mapping)
		if st != ntstatus.Success || st2 != ntstatus.Success || granted.AccessStatus != ntstatus.Success ||
			refused.AccessStatus != ntstatus.AccessDenied {
			return ntstatus.Unsuccessful
		}
		return ntstatus.Success
	}) == ntstatus.Success
}
