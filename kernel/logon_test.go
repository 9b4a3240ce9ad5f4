package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// LinkLogons links an administrator's two tokens. It rejects a pair of the same token (T-90, T-130).
func TestLinkLogonsPairsTokens(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	user := sid.MustParse("S-1-5-21-1-2-3-500")
	var pair [2]*token.Token
	for i, spec := range []token.Spec{token.Administrator(user), token.LimitedAdministrator(user)} {
		spec.AuthenticationID = sys.OpenLogonSession()
		pair[i] = check.Must(token.New(spec))
	}
	check.Equal(t, sys.LinkLogons(pair[0], pair[0]), ntstatus.InvalidParameter, "LinkLogons of a token with itself")
	check.Require(t, sys.LinkLogons(pair[0], pair[1]), ntstatus.Success, "LinkLogons")
	th := check.Must(check.Must(sys.NewProcess("admin", pair[0])).NewThread())
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY))
	linked := check.Result(th.NtQueryInformationToken(own, winnt.TokenLinkedToken))
	for length, want := range map[uint32]ntstatus.Status{7: ntstatus.BufferTooSmall, 8: ntstatus.Success} { // T-80
		out, st := th.Services().NtQueryInformationToken(nt.QueryInformationTokenIn{TokenHandle: own,
			TokenInformationClass: winnt.TokenLinkedToken, TokenInformationLength: length})
		check.That(t, st == want && out.ReturnLength == 8,
			"T-80: TokenLinkedToken into %d bytes: %v, return length %d; want %v, 8", length, st, out.ReturnLength, want)
	}
	kind, st := th.NtQueryInformationToken(linked.(winnt.Handle), winnt.TokenElevationType)
	check.That(t, st == ntstatus.Success && kind == winnt.TokenElevationTypeLimited,
		"TokenElevationType of the linked token: %v, %v; want %v, %v", kind, st, winnt.TokenElevationTypeLimited,
		ntstatus.Success)
}

// A caller with SeTcbPrivilege gets the linked token as a primary token, and other callers as an impersonation token
// at SecurityIdentification. While the thread impersonates, the client's privileges decide (T-80).
func TestLinkedTokenNeedsTcb(t *testing.T) {
	of := func(user string, held bool) token.Spec {
		s := token.Administrator(sid.MustParse(user))
		s.Privileges |= winnt.SeTcbPrivilege.Bit() | winnt.SeImpersonatePrivilege.Bit()
		s.EnabledPrivileges = winnt.SeImpersonatePrivilege.Bit()
		if held {
			s.EnabledPrivileges = s.Privileges
		}
		return s
	}
	value := func(s token.Spec) *token.Token { return check.Must(token.New(s)) }
	for i := range 4 {
		own, theirs := i&1 != 0, i&2 != 0
		sys := kernel.Boot(kernel.Config{})
		full, limited := of("S-1-5-21-1-2-3-500", own), token.LimitedAdministrator(sid.MustParse("S-1-5-21-1-2-3-500"))
		full.AuthenticationID, limited.AuthenticationID = sys.OpenLogonSession(), sys.OpenLogonSession()
		tok := value(full)
		check.Require(t, sys.LinkLogons(tok, value(limited)), ntstatus.Success, "LinkLogons")
		th := check.Must(check.Must(sys.NewProcess("admin", tok)).NewThread())
		h := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY))
		ask := func(who string, primary bool) {
			linked, st := th.NtQueryInformationToken(h, winnt.TokenLinkedToken)
			check.RequireThat(t, st == ntstatus.Success, "linked token of %s: %v, want success", who, st)
			v, st := th.NtQueryInformationToken(linked.(winnt.Handle), winnt.TokenStatistics)
			want := nt.TokenStatistics{TokenType: winnt.TokenImpersonation, ImpersonationLevel: winnt.SecurityIdentification}
			if primary {
				want = nt.TokenStatistics{TokenType: winnt.TokenPrimary}
			}
			got, _ := v.(nt.TokenStatistics)
			if st != ntstatus.Success || got.TokenType != want.TokenType ||
				!primary && got.ImpersonationLevel != want.ImpersonationLevel {
				t.Errorf("process has SeTcbPrivilege: %t, client has it: %t; linked token as the %s sees it: %v, "+
					"%v at %v; want %v at %v", own, theirs, who, st, got.TokenType, got.ImpersonationLevel,
					want.TokenType, want.ImpersonationLevel)
			}
		}
		ask("process", own)
		client := value(of("S-1-5-21-1-2-3-1108", theirs))
		check.NoError(t, sys.As(th, client, func() error { ask("client", theirs); return nil }))
	}
}
