package lpc_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/ntos/lpc"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// world is a system that must end with nothing left.
type world struct {
	t   *testing.T
	sys *ps.System
}

func newWorld(t *testing.T) *world {
	t.Helper()
	boot, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t, ps.New(nt.Documented, ob.NewKernelTable(0), boot)}
	t.Cleanup(func() {
		w.sys.SystemProcess().Exit()
		w.sys.SystemProcess().Deref(ob.TagCall)
		if left := w.sys.Security.Objects.Report(); len(left) > 0 {
			t.Errorf("leaked:\n%s", strings.Join(left, "\n"))
		}
	})
	return w
}

// value is a token of that user that may impersonate.
func (w *world) value(user string, typ winnt.TokenType, level winnt.SecurityImpersonationLevel) *token.Token {
	w.t.Helper()
	s := token.StandardUser(sid.MustParse(user))
	s.Type, s.Level = typ, level
	s.Privileges |= winnt.SeImpersonatePrivilege.Bit()
	s.EnabledPrivileges |= winnt.SeImpersonatePrivilege.Bit()
	v, err := token.New(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// threads makes a process of that user, and threads of it.
func (w *world) threads(user string, n int) (all []*ps.Thread) {
	w.t.Helper()
	v := w.value(user, winnt.TokenPrimary, 0)
	tok := w.sys.Security.NewToken(v, se.NewDescriptor(v, winnt.TokenObject, nil))
	defer tok.Deref(ob.TagCall)
	p := w.sys.NewProcess(user, tok, nil)
	for range n {
		th, st := p.NewThread()
		want(w.t, "thread", st, ntstatus.Success)
		all = append(all, th)
	}
	w.t.Cleanup(func() {
		p.Exit()
		for _, th := range all {
			th.Deref(ob.TagCall)
		}
		p.Deref(ob.TagCall)
	})
	return all
}

// as makes a thread act with a token of that user.
func (w *world) as(th *ps.Thread, user string, level winnt.SecurityImpersonationLevel) {
	w.t.Helper()
	v := w.value(user, winnt.TokenImpersonation, level)
	tok := w.sys.Security.NewToken(v, se.NewDescriptor(v, winnt.TokenObject, nil))
	defer tok.Deref(ob.TagCall)
	if out := ps.ImpersonateClient(th, tok, true, false, level); out.Status != ntstatus.Success || out.Demoted {
		w.t.Fatalf("impersonate: %+v", out)
	}
}

// port gives a port a handle, which DropOpen closes.
func (w *world) port(p *lpc.Port) *lpc.Port {
	p.Init(lpc.PortType, p, nil)
	w.sys.Security.Objects.Track(p)
	p.HoldOpen()
	p.Deref(ob.TagCall)
	return p
}

func want(t *testing.T, what string, got, st ntstatus.Status) {
	t.Helper()
	if got != st {
		t.Errorf("%s: %v, want %v", what, got, st)
	}
}

// changed reports whether a channel is closed.
func changed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func idOf(th *ps.Thread) nt.ClientID {
	return nt.ClientID{UniqueProcess: th.Process().ID(), UniqueThread: th.ID()}
}
