package services_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const (
	svc    = "S-1-5-21-1-2-3-1500"
	client = "S-1-5-21-1-2-3-1001"
)

// world is a kernel that must close without a leak.
type world struct {
	tb  testing.TB
	sys *kernel.System
}

func newWorld(tb testing.TB, cfg kernel.Config) *world {
	tb.Helper()
	w := &world{tb, kernel.Boot(cfg)}
	tb.Cleanup(func() {
		if err := w.sys.Close(); err != nil {
			tb.Error(err)
		}
	})
	return w
}

// value is a token of that user with these privileges enabled.
func value(tb testing.TB, user string, typ winnt.TokenType, level winnt.SecurityImpersonationLevel,
	privileges ...winnt.Privilege) *token.Token {
	tb.Helper()
	s := token.StandardUser(sid.MustParse(user))
	s.Type, s.Level = typ, level
	for _, p := range privileges {
		s.Privileges |= p.Bit()
		s.EnabledPrivileges |= p.Bit()
	}
	t, err := token.New(s)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func (w *world) process(name string, privileges ...winnt.Privilege) *kernel.Process {
	w.tb.Helper()
	return w.with(name, value(w.tb, svc, winnt.TokenPrimary, 0, privileges...))
}

// of makes a process whose token is made of the spec.
func (w *world) of(name string, spec token.Spec) *kernel.Process {
	w.tb.Helper()
	v, err := token.New(spec)
	if err != nil {
		w.tb.Fatal(err)
	}
	return w.with(name, v)
}

func (w *world) with(name string, v *token.Token) *kernel.Process {
	w.tb.Helper()
	p, err := w.sys.NewProcess(name, v)
	if err != nil {
		w.tb.Fatal(err)
	}
	return p
}

// system returns a thread of a process of the system's own.
func (w *world) system(name string) *nt.Thread {
	w.tb.Helper()
	th, _ := w.thread(w.of(name, token.LocalSystem()))
	return th
}

func (w *world) thread(p *kernel.Process) (*nt.Thread, *kernel.KernelThread) {
	w.tb.Helper()
	th, err := p.NewThread()
	if err != nil {
		w.tb.Fatal(err)
	}
	return th, w.sys.KernelMode(th)
}

// token makes an object that admits the server of k.
func (w *world) token(k *kernel.KernelThread, user string, level winnt.SecurityImpersonationLevel,
	privileges ...winnt.Privilege) *kernel.AccessToken {
	w.tb.Helper()
	t := k.CaptureToken(value(w.tb, user, winnt.TokenImpersonation, level, privileges...), k.Thread())
	w.tb.Cleanup(func() { k.PsDereferenceImpersonationToken(t) })
	return t
}
