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

// on returns a thread of a new process in a system of that profile. The process has the privileges, disabled.
func on(t *testing.T, profile nt.Profile, privileges ...winnt.Privilege) (*win32.Thread, *kernel.System,
	*kernel.KernelThread) {
	t.Helper()
	sys := kernel.Boot(kernel.Config{Profile: profile})
	t.Cleanup(func() {
		check.NoError(t, sys.Close())
	})
	s := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	for _, p := range privileges {
		s.Privileges |= p.Bit() // held; no function needs them enabled
	}
	v := must(token.New(s))
	p := must(sys.NewProcess("program", v))
	th := must(p.NewThread())
	return win32.On(th), sys, sys.KernelMode(th)
}

// given returns a handle with these rights of a token that admits the system alone.
func given(t *testing.T, k *kernel.KernelThread, spec token.Spec, rights winnt.AccessMask) winnt.Handle {
	t.Helper()
	v := must(token.New(spec))
	tok := k.NewTokenProtected(v, sddl.MustParse("O:SYG:SYD:(A;;GA;;;SY)"))
	t.Cleanup(func() { k.PsDereferencePrimaryToken(tok) })
	return check.Result(k.ObOpenObjectByPointer(tok, 0, rights, winnt.TokenObject, kernel.KernelMode))
}

// thread returns a thread of a new process in a new system. The process has the privileges, enabled.
func thread(tb testing.TB, privileges ...winnt.Privilege) (*win32.Thread, *kernel.System) {
	tb.Helper()
	sys := kernel.Boot(kernel.Config{})
	tb.Cleanup(func() {
		check.NoError(tb, sys.Close())
	})
	s := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	for _, p := range privileges {
		s.Privileges |= p.Bit()
		s.EnabledPrivileges |= p.Bit()
	}
	v := must(token.New(s))
	p := must(sys.NewProcess("program", v))
	th := must(p.NewThread())
	return win32.On(th), sys
}

// must returns v, or panics if there is an error.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
