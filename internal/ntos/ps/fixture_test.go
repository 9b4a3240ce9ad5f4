package ps_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const (
	svc  = "S-1-5-21-1-2-3-1500" // the server's user
	user = "S-1-5-21-1-2-3-1001" // a client
)

// world is a system. Closing it fails the test if an object remains.
type world struct {
	tb        testing.TB
	sys       *ps.System
	processes []*ps.Process
	threads   []*ps.Thread
	tokens    []*se.TokenObject
}

func newWorld(tb testing.TB, profile nt.Profile) *world {
	tb.Helper()
	boot := check.Must(token.New(token.LocalSystem()))
	w := &world{tb: tb, sys: ps.New(profile, ob.NewKernelTable(0), boot, 1000)}
	check.Equal(tb, w.sys.SystemProcess().PrimaryToken().ID(), 1001, "first identifier")
	tb.Cleanup(w.close)
	return w
}

// close ends the processes and releases the references of the test. Any object that remains was leaked by the code
// under test.
func (w *world) close() {
	for _, p := range append(w.processes, w.sys.SystemProcess()) {
		p.Exit()
	}
	for _, t := range w.threads {
		t.Deref(ob.TagCall)
	}
	for _, p := range append(w.processes, w.sys.SystemProcess()) {
		p.Deref(ob.TagCall)
	}
	for _, t := range w.tokens {
		t.Deref(ob.TagCall)
	}
	if left := w.sys.Security.Objects.Report(); len(left) > 0 {
		w.tb.Errorf("leaked objects, want none\n%s", strings.Join(left, "\n"))
	}
}

// value is a token of that user at that level; change may be nil.
func value(tb testing.TB, u string, typ winnt.TokenType, level winnt.SecurityImpersonationLevel,
	change func(*token.Spec)) *token.Token {
	tb.Helper()
	s := token.StandardUser(sid.MustParse(u))
	s.Type, s.Level = typ, level
	if change != nil {
		change(&s)
	}
	return check.Must(token.New(s))
}

func privileged(s *token.Spec) {
	s.Privileges |= winnt.SeImpersonatePrivilege.Bit()
	s.EnabledPrivileges |= winnt.SeImpersonatePrivilege.Bit()
}

// token makes a token object of an impersonation token of that user.
func (w *world) token(u string, level winnt.SecurityImpersonationLevel) *se.TokenObject {
	w.tb.Helper()
	v := value(w.tb, u, winnt.TokenImpersonation, level, nil)
	t := w.sys.Security.NewToken(v, se.DefaultDescriptor(v, winnt.TokenObject))
	w.tokens = append(w.tokens, t)
	return t
}

// process makes a process of the server's user.
func (w *world) process(name string, change func(*token.Spec)) *ps.Process {
	w.tb.Helper()
	v := value(w.tb, svc, winnt.TokenPrimary, 0, change)
	t := w.sys.Security.NewToken(v, se.DefaultDescriptor(v, winnt.TokenObject))
	defer t.Deref(ob.TagCall)
	p := w.sys.NewProcess(name, t)
	w.processes = append(w.processes, p)
	return p
}

func (w *world) thread(p *ps.Process) *ps.Thread {
	w.tb.Helper()
	t := check.Result(p.NewThread())
	w.threads = append(w.threads, t)
	return t
}

// impersonate ends the test if the impersonation fails or is lowered to identification.
func impersonate(tb testing.TB, t *ps.Thread, tok *se.TokenObject, copyOnOpen, effectiveOnly bool,
	level winnt.SecurityImpersonationLevel) {
	tb.Helper()
	out := ps.ImpersonateClient(t, tok, copyOnOpen, effectiveOnly, level)
	check.RequireThat(tb, out.Status == ntstatus.Success && !out.Demoted,
		"impersonate: %+v, want %v and not demoted", out, ntstatus.Success)
}
