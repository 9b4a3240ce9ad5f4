package bare

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// World is a system that must end with nothing left. It belongs to one test; the zero value cannot be used.
type World struct {
	T   *testing.T // immutable
	Sys *ps.System // immutable
}

// New makes a system, which ends with the test, and reports what is left of it then.
func New(t *testing.T) *World {
	t.Helper()
	boot, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	w := &World{t, ps.New(nt.Documented, ob.NewKernelTable(0), boot, 0)}
	t.Cleanup(func() {
		w.Sys.SystemProcess().Exit()
		w.Sys.SystemProcess().Deref(ob.TagCall)
		if left := w.Sys.Security.Objects.Report(); len(left) > 0 {
			t.Errorf("leaked:\n%s", strings.Join(left, "\n"))
		}
	})
	return w
}

// Value returns a token of that user that may impersonate.
func (w *World) Value(user string, typ winnt.TokenType, level winnt.SecurityImpersonationLevel) *token.Token {
	w.T.Helper()
	s := token.StandardUser(sid.MustParse(user))
	s.Type, s.Level = typ, level
	s.Privileges |= winnt.SeImpersonatePrivilege.Bit()
	s.EnabledPrivileges |= winnt.SeImpersonatePrivilege.Bit()
	v, err := token.New(s)
	if err != nil {
		w.T.Fatal(err)
	}
	return v
}

// Threads creates a process of a user with n threads. At the end of the test the process may have no quota charges.
func (w *World) Threads(user string, n int) (all []*ps.Thread) {
	w.T.Helper()
	v := w.Value(user, winnt.TokenPrimary, 0)
	tok := w.Sys.Security.NewToken(v, se.DefaultDescriptor(v, winnt.TokenObject))
	defer tok.Deref(ob.TagCall)
	p := w.Sys.NewProcess(user, tok)
	block := quota.NewBlock(nil, 1<<30, false)
	p.SetQuota(block)
	for range n {
		th, st := p.NewThread()
		if st != ntstatus.Success {
			w.T.Fatalf("thread: %v", st)
		}
		all = append(all, th)
	}
	w.T.Cleanup(func() {
		p.Exit()
		for _, th := range all {
			th.Deref(ob.TagCall)
		}
		p.Deref(ob.TagCall)
		if n := block.Used(); n != 0 {
			w.T.Errorf("%d bytes are charged to the process of %s at the end", n, user)
		}
	})
	return all
}

// As lets a thread impersonate a user at a level.
func (w *World) As(th *ps.Thread, user string, level winnt.SecurityImpersonationLevel) {
	w.T.Helper()
	v := w.Value(user, winnt.TokenImpersonation, level)
	tok := w.Sys.Security.NewToken(v, se.DefaultDescriptor(v, winnt.TokenObject))
	defer tok.Deref(ob.TagCall)
	if out := ps.ImpersonateClient(th, tok, true, false, level); out.Status != ntstatus.Success || out.Demoted {
		w.T.Fatalf("impersonate: %+v", out)
	}
}

// Closed reports whether a channel is closed.
func Closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
