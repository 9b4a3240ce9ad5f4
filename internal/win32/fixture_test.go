package win32_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const alice = "S-1-5-21-1-2-3-1107"

// newThread returns a thread of a new process in a system of that profile. The process has the privileges, disabled: no
// function needs them enabled.
func newThread(t *testing.T, profile nt.Profile, privileges ...winnt.Privilege) (*win32.Thread, *kernel.System,
	*kernel.KernelThread) {
	t.Helper()
	return boot(t, profile, false, privileges)
}

// thread returns a thread of a new process in a new system. The process has the privileges, enabled.
func thread(t *testing.T, privileges ...winnt.Privilege) (*win32.Thread, *kernel.System) {
	t.Helper()
	w, sys, _ := boot(t, nt.Documented, true, privileges)
	return w, sys
}

func boot(t *testing.T, profile nt.Profile, enabled bool, privileges []winnt.Privilege) (*win32.Thread,
	*kernel.System, *kernel.KernelThread) {
	t.Helper()
	sys := kernel.Boot(kernel.Config{Profile: profile})
	t.Cleanup(func() { check.NoError(t, sys.Close()) })
	s := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	for _, p := range privileges {
		s.Privileges |= p.Bit()
		if enabled {
			s.EnabledPrivileges |= p.Bit()
		}
	}
	th := check.Must(check.Must(sys.NewProcess("program", check.Must(token.New(s)))).NewThread())
	return win32.On(th), sys, sys.KernelMode(th)
}

// ownToken returns a handle of the process's token with all rights.
func ownToken(t *testing.T, w *win32.Thread) winnt.Handle {
	t.Helper()
	h, ok := w.OpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	check.RequireThat(t, ok, "%v", w.LastError())
	return h
}

// duplicate returns a handle of an impersonation token like the token h.
func duplicate(t *testing.T, w *win32.Thread, h winnt.Handle, level winnt.SecurityImpersonationLevel) winnt.Handle {
	t.Helper()
	d, ok := w.DuplicateToken(h, level)
	check.RequireThat(t, ok, "%v", w.LastError())
	check.Equal(t, check.Result(w.NT().NtQueryInformationToken(d, winnt.TokenImpersonationLevel)), any(level), "level")
	return d
}

// newHandle returns a handle with these rights of a token that admits the system alone.
func newHandle(t *testing.T, k *kernel.KernelThread, spec token.Spec, rights winnt.AccessMask) winnt.Handle {
	t.Helper()
	tok := check.Result(k.NewTokenProtected(check.Must(token.New(spec)), sddl.MustParse("O:SYG:SYD:(A;;GA;;;SY)")))
	t.Cleanup(func() { k.PsDereferencePrimaryToken(tok) })
	return check.Result(k.ObOpenObjectByPointer(tok, 0, rights, winnt.TokenObject, kernel.KernelMode))
}
