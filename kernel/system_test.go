package kernel_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func ExampleBoot() {
	sys := kernel.Boot(kernel.Config{})
	th := start(sys, "fileserver", `{"user":"S-1-5-20","privileges":["SeImpersonatePrivilege"]}`)
	_, st := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
	fmt.Println(th.Name(), "has no client:", st)
	fmt.Println("leaked:", sys.Close())
	// Output:
	// fileserver/1 has no client: STATUS_NO_TOKEN
	// leaked: <nil>
}

func plain(tb testing.TB, user string, typ winnt.TokenType) *token.Token {
	tb.Helper()
	s := token.StandardUser(sid.MustParse(user))
	s.Type, s.Level = typ, winnt.SecurityImpersonation
	if typ == winnt.TokenPrimary {
		s.Level = 0
	}
	return check.Must(token.New(s))
}

// The System process runs as LocalSystem and has the id 4 (T-114).
func TestSystemProcessIsLocalSystem(t *testing.T) {
	sys := boot(t, kernel.Config{})
	k := check.Must(sys.SystemThread())
	check.That(t, k.Thread().IsSystemThread() && k.Thread().Process().ID() == 4,
		"SystemThread: thread of process %s, system thread %t; want process 4, true", k.Thread().Process().ID(),
		k.Thread().IsSystemThread())
	tok := k.PsReferencePrimaryToken(k.Thread().Process())
	defer k.PsDereferencePrimaryToken(tok)
	if v := tok.Value(); v.User().SID != sid.LocalSystem || v.AuthenticationID() != winnt.SYSTEM_LUID ||
		v.Type() != winnt.TokenPrimary {
		t.Errorf("token of the System process: user %s, session %v, type %v; want %s, %v, %v", v.User().SID,
			v.AuthenticationID(), v.Type(), sid.LocalSystem, winnt.SYSTEM_LUID, winnt.TokenPrimary)
	}
}

// CreateProcess needs exactly one primary token, as a value or as an object, and a system that is not closed.
func TestCreateProcessRejectsUnusableTokens(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	k := check.Must(sys.SystemThread())
	const user = "S-1-5-21-1-2-3-1001"
	obj, acting := k.NewToken(plain(t, user, winnt.TokenPrimary)), k.NewToken(plain(t, user, winnt.TokenImpersonation))
	for name, spec := range map[string]kernel.ProcessSpec{
		"no token":               {},
		"two tokens":             {Token: plain(t, user, winnt.TokenPrimary), TokenObject: obj},
		"an impersonation token": {Token: plain(t, user, winnt.TokenImpersonation)},
		"an object of one":       {TokenObject: acting},
		"a quota of one byte": {Token: plain(t, user, winnt.TokenPrimary),
			Quota: kernel.NewQuotaBlock(nil, 1, false)},
	} {
		if p, err := sys.CreateProcess(spec); err == nil || p != nil {
			t.Errorf("CreateProcess with %s: %v, %v; want nil and an error", name, p, err)
		}
	}
	alone, made := kernel.NewQuotaBlock(nil, 1<<20, false), kernel.NewQuotaBlock(nil, 1<<20, false)
	spec := kernel.ProcessSpec{Name: "p", TokenObject: obj, Quota: alone, Descriptor: sddl.MustParse("D:(A;;GA;;;SY)")}
	p := check.Must(sys.CreateProcess(spec))
	spec.TokenObject, spec.Token, spec.Quota = nil, obj.Value(), made
	check.Must(sys.CreateProcess(spec))
	check.That(t, 0 < alone.Used() && alone.Used() < made.Used(),
		"%d bytes are charged with an existing token object, %d with a new one", alone.Used(), made.Used())
	got := p.Object().PrimaryToken() // T-112: attached without a copy
	check.That(t, got == obj, "the process does not have the token object that was passed, want that object")
	k.PsDereferencePrimaryToken(obj)
	k.PsDereferencePrimaryToken(acting)
	check.NoError(t, sys.Close())
	check.ErrorIs(t, check.Err(sys.NewProcess("late", plain(t, user, winnt.TokenPrimary))),
		ntstatus.ProcessIsTerminating.Err(), "NewProcess of a closed system")
	check.ErrorIs(t, check.Err(p.NewThread()), ntstatus.ProcessIsTerminating.Err(), "NewThread of a closed system")
	check.Equal(t, sys.Close(), nil, "second Close")
}

// leaky boots a kernel and leaks one reference to a client's token.
func leaky(tb testing.TB) *kernel.System {
	tb.Helper()
	sys := kernel.Boot(kernel.Config{})
	p := check.Must(sys.NewProcess("server", plain(tb, "S-1-5-21-1-2-3-1500", winnt.TokenPrimary)))
	k := sys.KernelMode(check.Must(p.NewThread()))
	t := k.CaptureToken(plain(tb, "S-1-5-21-1-2-3-1001", winnt.TokenImpersonation), k.Thread())
	st := k.PsImpersonateClient(k.Thread(), t, false, false, winnt.SecurityIdentification)
	check.RequireThat(tb, st.IsSuccess(), "PsImpersonateClient: %v, want success", st)
	k.PsReferenceImpersonationToken(k.Thread()) // never released
	k.PsDereferenceImpersonationToken(t)
	return sys
}

// Close returns an error that lists leaked references (P-5).
func TestCloseReportsLeaks(t *testing.T) {
	sys := leaky(t)
	k := check.Must(sys.SystemThread())
	policy := check.Result(k.Zw().LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES))
	_, _, st := k.ObReferenceObjectByHandle(policy, 0, nil, kernel.UserMode) // never released
	check.Success(t, st)
	err := sys.Close()
	if err == nil || !strings.Contains(err.Error(), "2 objects still referenced") ||
		!strings.Contains(err.Error(), "Token: handles 0, references 1") {
		t.Errorf("Close of a system with a leaked token and policy: %v, want an error that lists two objects with "+
			"1 reference", err)
	}
}

// CloseAllHandles and Close release handles, impersonations and tickets that programs left.
func TestSystemCloseReleasesLeftHandles(t *testing.T) {
	sys := boot(t, kernel.Config{})
	p := check.Must(sys.NewProcess("server", plain(t, "S-1-5-21-1-2-3-1500", winnt.TokenPrimary)))
	th := check.Must(p.NewThread())
	k := sys.KernelMode(th)
	got := sys.KernelMode(th)
	check.That(t, got == k, "second KernelMode of a thread = %v, want %v as the first time", got, k)
	tok := k.NewToken(plain(t, "S-1-5-21-1-2-3-1500", winnt.TokenImpersonation))
	k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation)
	k.PsDereferenceImpersonationToken(tok)
	th.Services().SaveImpersonation()
	th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, false)
	k.ZwOpenProcessTokenEx(winnt.NtCurrentProcess, winnt.TOKEN_QUERY, winnt.OBJ_KERNEL_HANDLE)
	check.NoError(t, sys.CreateFile("f", sddl.MustParse("D:(A;;FA;;;WD)")))
	check.That(t, sys.CreateFile("f", nil) != nil, "second CreateFile of one name: no error, want one")
	_, h, _ := sys.Counts()
	check.That(t, h == 2, "%d open handles, want 2", h)
	system := check.Must(sys.SystemThread())
	protected := check.Result(system.ZwOpenProcessTokenEx(winnt.NtCurrentProcess, winnt.TOKEN_QUERY, 0))
	check.Success(t, system.Zw().NtSetInformationObject(protected, nt.HandleFlagInformation{ProtectFromClose: true}))
	sys.CloseAllHandles()
	_, h, _ = sys.Counts()
	check.That(t, h == 0 && !k.Thread().IsImpersonating(),
		"after CloseAllHandles: %d handles, impersonating %t; want 0, false", h, k.Thread().IsImpersonating())
	for _, attributes := range []uint32{0, winnt.OBJ_KERNEL_HANDLE} { // the end of the test finds no leak
		check.Success(t, check.Status(system.ZwOpenProcessTokenEx(winnt.NtCurrentProcess, winnt.TOKEN_QUERY,
			attributes)))
	}
}

// KernelMode and Spawn reject a thread of another system. Each system keeps its own profile.
func TestThreadOfAnotherSystemHasNoKernelMode(t *testing.T) {
	a, b := kernel.Boot(kernel.Config{}), kernel.Boot(kernel.Config{Profile: nt.Observed})
	defer a.Close()
	defer b.Close()
	p := check.Must(a.NewProcess("p", plain(t, "S-1-5-21-1-2-3-1001", winnt.TokenPrimary)))
	th := check.Must(p.NewThread())
	check.That(t, b.KernelMode(th) == nil, "KernelMode for a thread of another system is not nil, want nil")
	if other, err := b.Spawn(th); err == nil || other != nil {
		t.Errorf("Spawn for a thread of another system: %v, %v; want nil, an error", other, err)
	}
	if other, err := a.Spawn(th); err != nil || a.KernelMode(other) == nil {
		t.Errorf("Spawn for a thread of this system: %v, %v; want a thread with a kernel-mode interface, nil", other,
			err)
	}
	check.That(t, a.Profile() == nt.Documented && b.Profile() == nt.Observed && th.Services().Profile() == nt.Documented,
		"profiles of the two systems and the thread: %v, %v, %v; want %v, %v, %v", a.Profile(), b.Profile(),
		th.Services().Profile(), nt.Documented, nt.Observed, nt.Documented)
}

// Each row of kernel.Table has a unique name, a summary and conditions. A Zw routine has the parameters of its Nt
// service (O-2).
func TestKernelTableMatchesServices(t *testing.T) {
	seen := map[string]bool{}
	for row := range kernel.Table.All {
		m := row.Info()
		check.That(t, !seen[m.Name] && kernel.Table.Find(m.Name) == row && m.Summary != "" && len(m.Conditions) != 0,
			"%s: want a unique name, a summary and conditions, got %+v", m.Name, m)
		seen[m.Name] = true
		if zw, found := strings.CutPrefix(m.Name, "Zw"); found { // O-2
			n := nt.NtTable.Find("Nt" + zw)
			check.That(t, n != nil && n.InType() == row.InType() && n.OutType() == row.OutType() &&
				m.Document() == n.Info().Document(), "%s: want parameters and document of the service Nt%s", m.Name, zw)
		}
	}
}

// SystemThreadOf creates a system thread with the identity of an ordinary process and the rights of kernel mode. It
// fails for a process that has ended.
func TestSystemThreadOfActsAsItsProcess(t *testing.T) {
	sys := boot(t, kernel.Config{})
	own := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))))
	p := check.Must(sys.NewProcess("server", own))
	k := check.Must(sys.SystemThreadOf(p.Object()))
	check.That(t, k.Thread().IsSystemThread() && k.Thread().Process() == p.Object(),
		"SystemThreadOf: system thread %t, in process %s; want true, %s", k.Thread().IsSystemThread(),
		k.Thread().Process().ID(), p.Object().ID())
	// A handle for kernel mode only is not possible outside of the System process (O-29).
	check.Equal(t, check.Status(k.ZwOpenProcessTokenEx(winnt.NtCurrentProcess, winnt.TOKEN_QUERY, 0)),
		ntstatus.InvalidParameter, "ZwOpenProcessTokenEx without OBJ_KERNEL_HANDLE")
	p.Exit()
	check.ErrorIs(t, check.Err(sys.SystemThreadOf(p.Object())), ntstatus.ProcessIsTerminating.Err(),
		"SystemThreadOf of an ended process")
}
