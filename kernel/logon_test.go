package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// T-90, T-130: an administrator's two tokens are linked to each other.
func TestLinkLogons(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	user := sid.MustParse("S-1-5-21-1-2-3-500")
	var pair [2]*token.Token
	for i, spec := range []token.Spec{token.Administrator(user), token.LimitedAdministrator(user)} {
		spec.AuthenticationID = sys.OpenLogonSession()
		tok, err := token.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		pair[i] = tok
	}
	if st := sys.LinkLogons(pair[0], pair[0]); st != ntstatus.InvalidParameter {
		t.Errorf("a token with itself: %v", st)
	}
	if st := sys.LinkLogons(pair[0], pair[1]); st != ntstatus.Success {
		t.Fatal(st)
	}
	p, err := sys.NewProcess("admin", pair[0])
	if err != nil {
		t.Fatal(err)
	}
	th, err := p.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	linked, st := th.NtQueryInformationToken(own, winnt.TokenLinkedToken)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	for length, want := range map[uint32]ntstatus.Status{7: ntstatus.BufferTooSmall, 8: ntstatus.Success} { // T-80
		out, st := th.Services().NtQueryInformationToken(nt.QueryInformationTokenIn{TokenHandle: own,
			TokenInformationClass: winnt.TokenLinkedToken, TokenInformationLength: length})
		if st != want || out.ReturnLength != 8 {
			t.Errorf("T-80: room for %d bytes: %v, %d", length, st, out.ReturnLength)
		}
	}
	kind, st := th.NtQueryInformationToken(linked.(winnt.Handle), winnt.TokenElevationType)
	if st != ntstatus.Success || kind != winnt.TokenElevationTypeLimited {
		t.Errorf("%v, %v", kind, st)
	}
}
