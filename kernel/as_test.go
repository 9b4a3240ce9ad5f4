package kernel_test

import (
	"errors"
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

// As runs its function as the client and then restores the previous client, also when nested and after a panic. It
// returns the function's error and leaves no reference to a token (I-76).
func TestAsRestoresThePreviousClient(t *testing.T) {
	b := newBench(t)
	alice := benchToken(t, "S-1-5-21-1-2-3-1107", winnt.TokenImpersonation)
	bob := benchToken(t, "S-1-5-21-1-2-3-1108", winnt.TokenPrimary)
	who := func() string {
		h, st := b.th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
		if st == ntstatus.NoToken {
			return "self"
		}
		check.RequireThat(t, st == ntstatus.Success, "NtOpenThreadToken: %v, want success or STATUS_NO_TOKEN", st)
		defer b.th.NtClose(h)
		return b.k.Thread().Subject().Client.User().SID.String()
	}
	before := counts(b.sys)
	failure := errors.New("of the function")
	err := b.sys.As(b.th, alice, func() error {
		check.Equal(t, who(), "S-1-5-21-1-2-3-1107", "inside As(alice): the thread acts as")
		func() {
			defer func() { _ = recover() }()
			_ = b.sys.As(b.th, bob, func() error {
				check.Equal(t, who(), "S-1-5-21-1-2-3-1108", "inside the nested As(bob): the thread acts as")
				panic("within")
			})
		}()
		check.Equal(t, who(), "S-1-5-21-1-2-3-1107", "after the nested As panicked: the thread acts as")
		return failure
	})
	check.That(t, errors.Is(err, failure) && who() == "self",
		`As returned %v, and then the thread acts as %s; want the function's error and "self"`, err, who())
	check.Equal(t, counts(b.sys), before, "objects, handles and references at the end")
}

// As impersonates at the level of the client's token, and with a primary token at SecurityImpersonation (I-76).
func TestAsUsesTheClientsLevel(t *testing.T) {
	b := newBench(t)
	for level := winnt.SecurityAnonymous; level <= winnt.SecurityDelegation; level++ {
		s := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1107"))
		s.Type, s.Level = winnt.TokenImpersonation, level
		client := check.Must(token.New(s))
		var now kernel.Acting
		err := b.sys.As(b.th, client, func() error { now, _ = b.sys.Acting(b.k.Thread().ID()); return nil })
		check.That(t, err == nil && now.Level == level,
			"As with a client at %v: the thread acts at %v, error %v; want %v, nil", level, now.Level, err, level)
	}
	var now kernel.Acting
	primary := benchToken(t, "S-1-5-21-1-2-3-1108", winnt.TokenPrimary)
	err := b.sys.As(b.th, primary, func() error { now, _ = b.sys.Acting(b.k.Thread().ID()); return nil })
	check.That(t, err == nil && now.Level == winnt.SecurityImpersonation,
		"As with a primary token: the thread acts at %v, error %v; want %v, nil", now.Level, err,
		winnt.SecurityImpersonation)
}

// As returns an error and does not run its function if the thread belongs to another system or has ended, or if an
// argument is nil.
func TestAsRejectsUnusableThreads(t *testing.T) {
	b := newBench(t)
	alice := benchToken(t, "S-1-5-21-1-2-3-1107", winnt.TokenImpersonation)
	never := func() error { t.Error("As ran the function, want an error only"); return nil }
	other := kernel.Boot(kernel.Config{})
	check.That(t, other.As(b.th, alice, never) != nil, "As with a thread of another system: no error, want one")
	check.NoError(t, other.Close())
	check.That(t, b.sys.As(nil, alice, never) != nil && b.sys.As(b.th, nil, never) != nil &&
		b.sys.As(b.th, new(token.Token), never) != nil && b.sys.As(b.th, alice, nil) != nil,
		"As with a nil thread, client or function, or a zero client: no error, want one")
	p := check.Must(b.sys.NewProcess("jailed", benchToken(t, "S-1-5-21-1-2-3-2000", winnt.TokenPrimary)))
	th := check.Must(p.NewThread())
	check.RequireThat(t, !p.AssignToJob(kernel.JobSecurity{Flags: winnt.JOB_OBJECT_SECURITY_RESTRICTED_TOKEN}).IsSuccess(),
		"AssignToJob of an unrestricted process to a job for restricted tokens succeeded, want an error")
	th.Close()
	th.Close() // does nothing
	check.That(t, b.sys.As(th, alice, never) != nil, "As with a thread that was closed: no error, want one")
}

// NewThreadAs creates a thread that acts as the client until its Close. It creates none for a nil or zero client. No
// object, handle or reference remains (I-76).
func TestNewThreadAsActsAsTheClient(t *testing.T) {
	b := newBench(t)
	alice := benchToken(t, "S-1-5-21-1-2-3-1107", winnt.TokenPrimary)
	before := counts(b.sys)
	th := check.Must(b.p.NewThreadAs(alice))
	k := b.sys.KernelMode(th)
	if s := k.Thread().Subject(); s.Client == nil || s.Client.User() != alice.User() {
		t.Errorf("NewThreadAs(alice): the thread's subject is %+v, want the client %v", s, alice.User())
	}
	th.Close()
	for _, none := range []*token.Token{nil, {}} {
		if th, err := b.p.NewThreadAs(none); err == nil {
			t.Errorf("NewThreadAs(%p) = %s, want an error", none, th.Name())
		}
	}
	ended := check.Must(b.sys.NewProcess("ended", benchToken(t, "S-1-5-21-1-2-3-2000", winnt.TokenPrimary)))
	ended.Close()
	check.ErrorIs(t, check.Err(ended.NewThreadAs(alice)), ntstatus.ProcessIsTerminating.Err(), "NewThreadAs after the end")
	check.Equal(t, counts(b.sys), before, "objects, handles and references at the end")
}

// A call on a thread after its Close acts neither as the client nor as the server, and opens nothing (I-9).
func TestClosedThreadActsAsNobody(t *testing.T) {
	b := newBench(t)
	check.NoError(t, b.sys.CreateFile("secret", sddl.MustParse("O:S-1-5-21-1-2-3-2000D:(A;;FA;;;S-1-5-21-1-2-3-2000)")))
	name := &nt.ObjectAttributes{ObjectName: "secret"}
	open := func(th *nt.Thread) ntstatus.Status {
		h, st := th.NtOpenFile(winnt.FILE_READ_DATA, name, 0, 0)
		if st == ntstatus.Success {
			check.Success(t, b.th.NtClose(h))
		}
		return st
	}
	check.Success(t, open(b.th)) // the server may
	client := check.Must(b.p.NewThreadAs(benchToken(t, "S-1-5-21-1-2-3-1107", winnt.TokenPrimary)))
	plain := check.Must(b.p.NewThread())
	check.Equal(t, open(client), ntstatus.AccessDenied, "as the client")
	for _, th := range []*nt.Thread{client, plain} {
		th.Close()
		check.Equal(t, open(th), ntstatus.BadImpersonationLevel, "after Close")
		_, st := th.NtQueryInformationToken(winnt.NtCurrentEffectiveToken, winnt.TokenUser)
		check.Equal(t, st, ntstatus.CantOpenAnonymous, "query of the effective token after Close")
	}
}

// If a job refuses the client, As does not run its function, NewThreadAs creates no thread, and both errors have the
// status (I-76, I-90).
func TestRefusedClientRunsNothing(t *testing.T) {
	sys := boot(t, kernel.Config{})
	p := check.Must(sys.NewProcess("jailed", plain(t, "S-1-5-21-1-2-3-2000", winnt.TokenPrimary)))
	check.Success(t, p.AssignToJob(kernel.JobSecurity{Flags: winnt.JOB_OBJECT_SECURITY_NO_ADMIN}))
	th := check.Must(p.NewThread())
	admin := check.Must(token.New(token.Administrator(sid.MustParse("S-1-5-21-1-2-3-500"))))
	err := sys.As(th, admin, func() error { t.Error("As ran its function, want an error only"); return nil })
	check.ErrorIs(t, err, ntstatus.AccessDenied.Err(), "As of an administrator")
	before := counts(sys)
	none, err := p.NewThreadAs(admin)
	check.ErrorIs(t, err, ntstatus.AccessDenied.Err(), "NewThreadAs of an administrator")
	check.That(t, none == nil && counts(sys) == before,
		"NewThreadAs: thread %v, %v objects, handles and references; want none, %v", none, counts(sys), before)
}
