package kernel_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// boot starts a kernel that the end of the test closes. The test fails if the kernel leaks.
func boot(t testing.TB, cfg kernel.Config) *kernel.System {
	sys := kernel.Boot(cfg)
	t.Cleanup(func() { check.NoError(t, sys.Close()) })
	return sys
}

// userThread boots a kernel and returns it with a thread of a process that has the token. The test fails if the
// kernel leaks.
func userThread(t *testing.T, spec token.Spec) (*kernel.System, *nt.Thread) {
	t.Helper()
	return threadOf(t, kernel.Config{}, spec)
}

// threadOf is userThread with a configuration.
func threadOf(t *testing.T, cfg kernel.Config, spec token.Spec) (*kernel.System, *nt.Thread) {
	t.Helper()
	sys := boot(t, cfg)
	p := check.Must(sys.NewProcess("p", check.Must(token.New(spec))))
	return sys, check.Must(p.NewThread())
}

// A filter that cannot allocate its token leaves no object, handle or reference (T-60).
func TestFailedFilterLeavesNothing(t *testing.T) {
	var memory inject.Injector
	sys, th := threadOf(t, kernel.Config{Faults: memory.Point}, token.LocalSystem())
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY|winnt.TOKEN_DUPLICATE))
	before := counts(sys)
	memory.Fail(ntstatus.InsufficientResources.Err(), inject.Kind("se: filter token"))
	check.Equal(t, check.Status(th.NtFilterToken(own, 0, nil, nil, nil)), ntstatus.InsufficientResources, "filter")
	check.Equal(t, counts(sys), before, "objects, handles and references")
}

// A sandbox runs with a filtered token. Users is disabled, only one privilege remains, and it can write only what
// Everyone may write.
func ExampleKernelThread_SeTokenIsWriteRestricted() {
	sys := kernel.Boot(kernel.Config{})
	defer sys.Close()
	v, _ := token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	p, _ := sys.NewProcess("browser", v)
	th, _ := p.NewThread()
	own, _ := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY|winnt.TOKEN_DUPLICATE)
	box, st := th.NtFilterToken(own, winnt.DISABLE_MAX_PRIVILEGE|winnt.WRITE_RESTRICTED, []sid.SID{sid.Users}, nil,
		[]sid.SID{sid.Everyone})
	fmt.Println(st)
	k := sys.KernelMode(th)
	o, _, _ := k.ObReferenceObjectByHandle(box, 0, winnt.TokenObject, kernel.KernelMode)
	defer k.ObDereferenceObject(o)
	t := o.(*kernel.AccessToken)
	fmt.Println(k.SeTokenIsWriteRestricted(t), k.SeTokenIsAdmin(t), t.Value().Present().Names())
	// Output:
	// STATUS_SUCCESS
	// true false [SeChangeNotifyPrivilege]
}

func BenchmarkNtFilterToken(b *testing.B) {
	w := newBench(b)
	own := check.Result(w.th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE))
	b.ReportAllocs()
	for b.Loop() {
		h := check.Result(w.th.NtFilterToken(own, winnt.DISABLE_MAX_PRIVILEGE, nil, nil, nil))
		w.th.NtClose(h)
	}
}

// The routines that read a token return its own properties (T-103). SeFilterToken makes a restricted copy of it, and
// refuses an unknown flag (T-60).
func TestTokenRoutinesReadTheToken(t *testing.T) {
	sys := boot(t, kernel.Config{})
	k := check.Must(sys.SystemThread())
	spec := token.Administrator(sid.MustParse("S-1-5-21-1-2-3-1001"))
	spec.SessionID, spec.AuthenticationID = 7, 0x3E7
	spec.Type, spec.Level = winnt.TokenImpersonation, winnt.SecurityDelegation
	full := k.NewToken(check.Must(token.New(spec)))
	limited := check.Result(k.SeFilterToken(kernel.SeFilterTokenIn{ExistingToken: full, Flags: winnt.WRITE_RESTRICTED,
		SIDsToDisable:  nt.Cap([]token.Group{{SID: sid.Administrators}}),
		RestrictedSIDs: nt.Cap([]token.Group{{SID: sid.Everyone}})}))
	admins := check.Result(k.SeFilterToken(kernel.SeFilterTokenIn{ExistingToken: full,
		RestrictedSIDs: nt.Cap([]token.Group{{SID: sid.Administrators}})}))
	none, st := k.SeFilterToken(kernel.SeFilterTokenIn{ExistingToken: full, Flags: 0x10})
	check.That(t, none == nil && st == ntstatus.InvalidParameter,
		"T-60: SeFilterToken with the flag 0x10: %v, %v, want nil, %v", none, st, ntstatus.InvalidParameter)
	for o, want := range map[*kernel.AccessToken][3]bool{full: {true, false, false}, limited: {false, true, true},
		admins: {true, true, false}} {
		check.Equal(t, [3]bool{k.SeTokenIsAdmin(o), k.SeTokenIsRestricted(o), k.SeTokenIsWriteRestricted(o)}, want,
			"T-103: the token is an administrator's, restricted, restricted in writing only")
		check.Equal(t, k.SeTokenType(o), winnt.TokenImpersonation, "T-103: SeTokenType")
		check.Equal(t, k.SeTokenImpersonationLevel(o), winnt.SecurityDelegation, "T-103: SeTokenImpersonationLevel")
		check.Equal(t, k.SeQueryAuthenticationIdToken(o), 0x3E7, "T-103: SeQueryAuthenticationIdToken")
		check.Equal(t, k.SeQuerySessionIdToken(o), 7, "T-103: SeQuerySessionIdToken")
		for class, c := range map[winnt.TokenInfoClass]struct {
			want any
			st   ntstatus.Status
		}{winnt.TokenSessionId: {uint32(7), ntstatus.Success}, 0x7777: {nil, ntstatus.InvalidInfoClass},
			winnt.TokenLinkedToken: {nil, ntstatus.InvalidInfoClass}} {
			got, st := k.SeQueryInformationToken(o, class)
			check.That(t, got == c.want && st == c.st,
				"T-80: SeQueryInformationToken of class %v: %v, %v, want %v, %v", class, got, st, c.want, c.st)
		}
		k.PsDereferenceImpersonationToken(o)
	}
	plain := k.NewToken(check.Must(token.New(token.Spec{User: token.Group{SID: sid.LocalSystem}})))
	got, st := k.SeQueryInformationToken(plain, winnt.TokenLogonSid)
	check.That(t, got == nil && st == ntstatus.NotFound, "T-80: logon SID of a token without one: %v, %v, want nil, %v",
		got, st, ntstatus.NotFound)
	k.PsDereferencePrimaryToken(plain)
}
