package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// bench is a server with SeImpersonatePrivilege, one thread of it, and a client's token. Both users are in about
// twenty groups.
type bench struct {
	sys    *kernel.System
	p      *kernel.Process
	th     *nt.Thread
	k      *kernel.KernelThread
	client *kernel.AccessToken
	closed bool
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	b := &bench{sys: kernel.Boot(kernel.Config{})}
	server := benchToken(tb, "S-1-5-21-1-2-3-2000", winnt.TokenPrimary)
	p, err := b.sys.NewProcess("server", server)
	check.NoError(tb, err)
	b.p = p
	if b.th, err = p.NewThread(); err != nil {
		tb.Fatal(err)
	}
	b.k = b.sys.KernelMode(b.th)
	b.client = b.k.CaptureToken(benchToken(tb, "S-1-5-21-1-2-3-1107", winnt.TokenImpersonation), b.k.Thread())
	tb.Cleanup(func() { check.NoError(tb, b.closeNow()) })
	return b
}

// closeNow closes the system once. Its error lists what leaked.
func (b *bench) closeNow() error {
	if b.closed {
		return nil
	}
	b.closed = true
	b.k.PsRevertToSelf()
	b.k.PsDereferenceImpersonationToken(b.client)
	return b.sys.Close()
}

func benchToken(tb testing.TB, user string, typ winnt.TokenType) *token.Token {
	tb.Helper()
	s := token.StandardUser(sid.MustParse(user))
	for i := range uint32(15) {
		s.Groups = append(s.Groups, token.Group{SID: sid.MustParse("S-1-5-21-1-2-3").WithRID(3000 + i),
			Attributes: token.GroupDefault})
	}
	s.Privileges |= winnt.SeImpersonatePrivilege.Bit()
	s.EnabledPrivileges |= winnt.SeImpersonatePrivilege.Bit()
	s.Type = typ
	if typ == winnt.TokenImpersonation {
		s.Level = winnt.SecurityImpersonation
	}
	return check.Must(token.New(s))
}

// gate fails if f allocates more than allowed, and then measures f.
func gate(b *testing.B, allowed float64, f func()) {
	b.Helper()
	f()
	if n := testing.AllocsPerRun(100, f); n > allowed {
		b.Fatalf("%v allocations, want at most %v", n, allowed)
	}
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
}

// BenchmarkImpersonateRevert measures PsImpersonateClient and PsRevertToSelf. Their budget is 40 ns together and no
// allocation.
func BenchmarkImpersonateRevert(b *testing.B) {
	s := newBench(b)
	t := s.k.Thread()
	gate(b, 0, func() {
		s.k.PsImpersonateClient(t, s.client, false, false, winnt.SecurityImpersonation)
		s.k.PsRevertToSelf()
	})
}

// BenchmarkOpenThreadToken measures NtOpenThreadToken and NtClose while impersonating. Their budget is 200 ns and no
// allocation.
func BenchmarkOpenThreadToken(b *testing.B) {
	s := newBench(b)
	s.k.PsImpersonateClient(s.k.Thread(), s.client, false, false, winnt.SecurityImpersonation)
	gate(b, 0, func() {
		h, st := s.th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, false)
		if !st.IsSuccess() {
			b.Fatalf("NtOpenThreadToken: %v", st)
		}
		s.th.NtClose(h)
	})
}

// BenchmarkDuplicateToken measures NtDuplicateToken and NtClose, with a new descriptor, label, LUID and handle. Their
// budget is 400 ns.
func BenchmarkDuplicateToken(b *testing.B) {
	s := newBench(b)
	h, st := s.th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE|winnt.TOKEN_QUERY)
	if !st.IsSuccess() {
		b.Fatalf("NtOpenProcessToken: %v", st)
	}
	gate(b, 2, func() {
		n, st := s.th.NtDuplicateToken(h, 0, nil, false, winnt.TokenImpersonation)
		if !st.IsSuccess() {
			b.Fatalf("NtDuplicateToken: %v", st)
		}
		s.th.NtClose(n)
	})
}

// BenchmarkServiceCall measures what a service call costs: NtClose of a pseudo handle, which does nothing. Its budget
// is 5 ns more than BenchmarkServiceImplementation.
func BenchmarkServiceCall(b *testing.B) {
	s := newBench(b)
	gate(b, 0, func() { s.th.NtClose(winnt.NtCurrentProcess) })
}

// BenchmarkServiceImplementation measures the same without nt.Thread.
func BenchmarkServiceImplementation(b *testing.B) {
	s := newBench(b)
	impl := s.th.Services()
	gate(b, 0, func() { impl.NtClose(nt.CloseIn{Handle: winnt.NtCurrentProcess}) })
}

// BenchmarkOpenThreadTokenParallel opens a different token on each core.
func BenchmarkOpenThreadTokenParallel(b *testing.B) {
	b.RunParallel(func(pb *testing.PB) {
		s := newBench(b)
		s.k.PsImpersonateClient(s.k.Thread(), s.client, false, false, winnt.SecurityImpersonation)
		for pb.Next() {
			h, _ := s.th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, false)
			s.th.NtClose(h)
		}
	})
}
