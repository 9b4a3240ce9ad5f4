package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

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
