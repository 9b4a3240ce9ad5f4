package gateway

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Bounds of calls of the API by one user.
const (
	callsEach  = 100 // a second, and as many at once
	mostBucket = 4096
)

// rates counts the calls of users.
type rates struct {
	now func() time.Time // immutable

	mu sync.Mutex
	// +checklocks:mu
	of map[sid.SID]bucket // guarded by mu
}

// bucket has what a user may still call at a moment.
type bucket struct {
	left float64
	at   time.Time
}

// allow takes one call of a user's (G-27).
func (r *rates) allow(user sid.SID) bool {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	b, known := r.of[user]
	if !known {
		if len(r.of) >= mostBucket {
			clear(r.of) // each begins anew: a bound of memory, not a way around one of calls
		}
		b = bucket{callsEach, now}
	}
	b.left = min(callsEach, b.left+now.Sub(b.at).Seconds()*callsEach)
	b.at = now
	ok := b.left >= 1
	if ok {
		b.left--
	}
	r.of[user] = b
	return ok
}

// healthTimeout is how long refmond may take for the questions of health.
const healthTimeout = 3 * time.Second

// health asks refmond for two decisions whose answers are known: a listening port alone is no
// health.
func (g *Gateway) health(w http.ResponseWriter, r *http.Request, _ *session) {
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	done := make(chan bool, 1)
	go func() { done <- g.decides(ctx) }()
	select {
	case ok := <-done:
		if ok {
			plain(w, http.StatusOK, "ok")
			return
		}
	case <-ctx.Done():
	}
	busy(w)
}

// yes and no are descriptors that grant everybody everything, and nothing.
var yes, no = sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)"), sddl.MustParse("O:SYG:SYD:")

// decides reports whether refmond grants what it must and refuses what it must.
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
