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

// Limits of API calls.
const (
	callsEach  = 100  // of one user, per second and in one burst
	mostBucket = 4096 // users in the table
)

// rates limits the API calls of each user. It is safe for concurrent use.
type rates struct {
	now func() time.Time // immutable

	mu sync.Mutex
	// +checklocks:mu
	of map[sid.SID]bucket // guarded by mu
}

// bucket is a token bucket: the calls left at a time.
type bucket struct {
	left float64
	at   time.Time
}

// allow reports whether a user may make an API call now, and counts an allowed call. Beyond callsEach calls a second
// allow returns false without blocking (G-27). If the table of users is full, a new user resets all counters.
func (r *rates) allow(user sid.SID) bool {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	b, known := r.of[user]
	if !known {
		if len(r.of) >= mostBucket {
			clear(r.of) // bounds the memory; each user starts with a full bucket again
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

// healthTimeout is the longest that refmond may take for a health check.
const healthTimeout = 3 * time.Second

// health serves /health: 200 if refmond makes two known decisions correctly within healthTimeout, else 503. It needs
// no logon. A decision that comes too late is dropped.
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
