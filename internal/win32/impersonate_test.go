package win32_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// I-42, I-72: a primary token whose DACL does not admit the caller is impersonated with the rights of its handle, at
// SecurityImpersonation at most, and an impersonation token directly. Each missing right is reported, and so is a level
// that is not one.
func TestImpersonateUsesRightsOfTokenHandle(t *testing.T) {
	const query, duplicate, impersonate = winnt.TOKEN_QUERY, winnt.TOKEN_DUPLICATE, winnt.TOKEN_IMPERSONATE
	for _, c := range []struct {
		typ    winnt.TokenType
		rights winnt.AccessMask
		want   ntstatus.Status
	}{
		{winnt.TokenPrimary, query | duplicate | impersonate, 0}, {winnt.TokenPrimary, winnt.TOKEN_ALL_ACCESS, 0},
		{winnt.TokenPrimary, query | duplicate, ntstatus.AccessDenied},
		{winnt.TokenPrimary, query | impersonate, ntstatus.AccessDenied},
		{winnt.TokenPrimary, duplicate | impersonate, ntstatus.AccessDenied},
		{winnt.TokenImpersonation, query | impersonate, 0}, {winnt.TokenImpersonation, query, ntstatus.AccessDenied},
		{winnt.TokenImpersonation, impersonate, ntstatus.AccessDenied},
	} {
		w, _, k := newThread(t, nt.Documented)
		spec := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
		spec.Type, spec.Level = c.typ, winnt.SecurityDelegation
		h := newHandle(t, k, spec, c.rights)
		ok := w.ImpersonateLoggedOnUser(h)
		if want := win32.Code(c.want.Win32()); ok != (c.want == 0) || !ok && w.LastError() != want {
			t.Errorf("%v by %#x: %v, %v, want %v", c.typ, uint32(c.rights), ok, w.LastError(), want)
		}
		if !ok {
			continue
		}
		level := winnt.SecurityDelegation
		if c.typ == winnt.TokenPrimary {
			level = winnt.SecurityImpersonation
		}
		acts, _, _, at := k.PsReferenceImpersonationToken(k.Thread())
		check.That(t, at == level && acts.Value().Type() == winnt.TokenImpersonation,
			"%v by %#x: %v at %v, want %v", c.typ, uint32(c.rights), acts.Value().Type(), at, level)
		k.PsDereferenceImpersonationToken(acts)
		// I-51: without a thread and a token the calling thread reverts.
		check.That(t, w.SetThreadToken(0, 0) && !k.Thread().IsImpersonating(),
			"SetThreadToken(0, 0) failed or the thread still impersonates: %v", w.LastError())
	}
	w, _ := thread(t)
	check.That(t, w.ImpersonateSelf(winnt.SecurityImpersonation), "%v", w.LastError())
	check.That(t, !w.ImpersonateSelf(9) && w.LastError() == 87, "level 9: %v, want an invalid parameter", w.LastError())
}
