package win32_test

import (
	"testing"

	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const alice = "S-1-5-21-1-2-3-1107"

// on returns a thread of a new process of a system of that profile.
func on(t *testing.T, profile nt.Profile, privileges ...winnt.Privilege) (*win32.Thread, *kernel.System,
	*kernel.KernelThread) {
	t.Helper()
	sys := kernel.Boot(kernel.Config{Profile: profile})
	t.Cleanup(func() {
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	})
	s := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	for _, p := range privileges {
		s.Privileges |= p.Bit() // held; no function needs them enabled
	}
	v, err := token.New(s)
	if err != nil {
		t.Fatal(err)
	}
	p, err := sys.NewProcess("program", v)
	if err != nil {
		t.Fatal(err)
	}
	th, err := p.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	return win32.On(th), sys, sys.KernelMode(th)
}

// given returns a handle with these rights of a token that admits the system alone.
func given(t *testing.T, k *kernel.KernelThread, spec token.Spec, rights winnt.AccessMask) winnt.Handle {
	t.Helper()
	v, err := token.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	tok := k.NewTokenProtected(v, sddl.MustParse("O:SYG:SYD:(A;;GA;;;SY)"))
	t.Cleanup(func() { k.PsDereferencePrimaryToken(tok) })
	h, st := k.ObOpenObjectByPointer(tok, 0, rights, winnt.TokenObject, kernel.KernelMode)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	return h
}

// I-42, I-72: a primary token that does not admit the caller is impersonated by what its handle grants, at
// SecurityImpersonation at most, and an impersonation token as it is; each lack of a right is told.
func TestImpersonatingByAHandle(t *testing.T) {
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
		w, _, k := on(t, nt.Documented)
		spec := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
		spec.Type, spec.Level = c.typ, winnt.SecurityDelegation
		h := given(t, k, spec, c.rights)
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
		if at != level || acts.Value().Type() != winnt.TokenImpersonation {
			t.Errorf("%v by %#x: %v at %v, want %v", c.typ, uint32(c.rights), acts.Value().Type(), at, level)
		}
		k.PsDereferenceImpersonationToken(acts)
		// I-51: without a thread and a token the calling thread reverts.
		if !w.SetThreadToken(0, 0) || k.Thread().IsImpersonating() {
			t.Errorf("it does not revert: %v", w.LastError())
		}
	}
}

// O-131: who the thread acts as is asked in the name of the process, so that a client who only identifies is known
// too.
func TestCurrentUserOfAClient(t *testing.T) {
	w, _, k := on(t, nt.Documented)
	for _, level := range []winnt.SecurityImpersonationLevel{winnt.SecurityIdentification,
		winnt.SecurityImpersonation} {
		spec := token.StandardUser(sid.MustParse(alice))
		spec.Type, spec.Level = winnt.TokenImpersonation, level
		v, err := token.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		tok := k.CaptureToken(v, k.Thread())
		if st := k.PsImpersonateClient(k.Thread(), tok, false, false, level); st != ntstatus.Success {
			t.Fatal(st)
		}
		k.PsDereferenceImpersonationToken(tok)
		if user, st := w.CurrentUser(); st != ntstatus.Success || user.String() != alice {
			t.Errorf("at %v: %v, %v", level, user, st)
		}
	}
	k.PsRevertToSelf()
}

// I-96: which rights and which type of token a process for another user takes depends on the profile; what the
// caller's process holds, and not what is enabled, counts.
func TestProcessesOfUsers(t *testing.T) {
	const query, assign, duplicate = winnt.TOKEN_QUERY, winnt.TOKEN_ASSIGN_PRIMARY, winnt.TOKEN_DUPLICATE
	quota, primary := winnt.SeIncreaseQuotaPrivilege, winnt.SeAssignPrimaryTokenPrivilege
	both := []winnt.Privilege{quota, primary}
	for _, c := range []struct {
		name       string
		typ        winnt.TokenType
		rights     winnt.AccessMask
		privileges []winnt.Privilege
		documented ntstatus.Status
		observed   ntstatus.Status
	}{
		{"all", winnt.TokenPrimary, query | assign | duplicate, both, 0, 0},
		{"not to duplicate", winnt.TokenPrimary, query | assign, both, ntstatus.AccessDenied, 0},
		{"not to assign", winnt.TokenPrimary, query | duplicate, both, ntstatus.AccessDenied, ntstatus.AccessDenied},
		{"not to query", winnt.TokenPrimary, assign | duplicate, both, ntstatus.AccessDenied, ntstatus.AccessDenied},
		{"impersonation", winnt.TokenImpersonation, query | assign | duplicate, both, ntstatus.BadTokenType, 0},
		{"no quota", winnt.TokenPrimary, query | assign | duplicate, both[1:], ntstatus.PrivilegeNotHeld,
			ntstatus.PrivilegeNotHeld},
		{"no assignment", winnt.TokenPrimary, query | assign | duplicate, both[:1], ntstatus.PrivilegeNotHeld,
			ntstatus.PrivilegeNotHeld},
	} {
		for profile, want := range map[nt.Profile]ntstatus.Status{nt.Documented: c.documented, nt.Observed: c.observed} {
			for _, suspended := range []uint32{0, winnt.CREATE_SUSPENDED} {
				w, _, k := on(t, profile, c.privileges...)
				spec := token.StandardUser(sid.MustParse(alice))
				spec.Type, spec.Level = c.typ, winnt.SecurityDelegation
				h := given(t, k, spec, c.rights)
				out, ok := w.CreateProcessAsUser(win32.CreateProcessAsUserIn{Token: h, CreationFlags: suspended})
				if code := win32.Code(want.Win32()); ok != (want == 0) || !ok && w.LastError() != code {
					t.Errorf("%s, %v: %v, %v, want %v", c.name, profile, ok, w.LastError(), code)
				}
				if !ok {
					continue
				}
				resumed, st := w.NT().Services().NtResumeThread(nt.ResumeThreadIn{ThreadHandle: out.Thread})
				if st != ntstatus.Success || (resumed.PreviousSuspendCount == 1) != (suspended != 0) {
					t.Errorf("%s, %v: the thread was suspended %d times, %v", c.name, profile, resumed.PreviousSuspendCount, st)
				}
			}
		}
	}
}
