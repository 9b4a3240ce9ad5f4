package services_test

import (
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// I-70, T-110: a value of fixed length is of exactly that length.
func TestExactLengths(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	for _, by := range []int{-1, 0, 1} {
		wanted := ntstatus.InfoLengthMismatch
		if by == 0 {
			wanted = ntstatus.InvalidHandle
		}
		_, st := th.Services().NtSetInformationThread(nt.SetInformationThreadIn{ThreadHandle: 0x7770,
			ThreadInformationClass: nt.ThreadImpersonationToken, ThreadInformationLength: uint32(8 + by)})
		want(t, "a thread's token", st, wanted)
		_, st = th.Services().NtSetInformationProcess(nt.SetInformationProcessIn{ProcessHandle: 0x7770,
			ProcessInformationClass: nt.ProcessAccessToken, ProcessInformationLength: uint32(16 + by)})
		want(t, "a process's token", st, wanted)
		_, st = th.Services().NtSetInformationObject(nt.SetInformationObjectIn{Handle: 0x7770,
			ObjectInformationClass: nt.ObjectHandleFlagInformation, ObjectInformationLength: uint32(2 + by)})
		want(t, "a handle's flags", st, wanted)
	}
}

// I-74: the anonymous token is kept from a restricted process, whatever its thread acts as, and
// whose thread it is for.
func TestWhoIsAnonymous(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	filtered := func(v *token.Token) *token.Token {
		t.Helper()
		n, st := v.Filter(token.FilterSpec{Restrict: []token.Group{{SID: sid.Everyone}}})
		want(t, "restrict", st, ntstatus.Success)
		return n
	}
	for _, process := range []bool{false, true} {
		v := value(t, svc, winnt.TokenPrimary, 0, winnt.SeImpersonatePrivilege)
		if process {
			v = filtered(v)
		}
		p, err := w.sys.NewProcess("p", v)
		if err != nil {
			t.Fatal(err)
		}
		th, k := w.thread(p)
		own, st := k.ObOpenObjectByPointer(k.Thread(), 0, winnt.THREAD_IMPERSONATE, winnt.ThreadObject, kernel.KernelMode)
		want(t, "open the thread", st, ntstatus.Success)
		for _, acts := range []bool{false, true} {
			if acts {
				c := k.NewToken(filtered(value(t, client, winnt.TokenImpersonation, winnt.SecurityImpersonation)))
				want(t, "act", k.PsImpersonateClient(k.Thread(), c, false, false, winnt.SecurityImpersonation), ntstatus.Success)
				k.PsDereferencePrimaryToken(c)
			}
			wanted := ntstatus.Success
			if process {
				wanted = ntstatus.AccessDenied
			}
			_, st := th.Services().NtImpersonateAnonymousToken(nt.ImpersonateAnonymousTokenIn{ThreadHandle: own})
			want(t, "the anonymous token", st, wanted)
			k.PsRevertToSelf()
		}
	}
}

// T-80: a list of claims needs room for its header, and for each attribute its structure, the
// structures and the texts of all its values and its name, in eighths.
func TestRoomOfClaims(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	for name, c := range map[string]struct {
		claim            claims.Attribute
		claimed, ofToken uint32
	}{
		"strings": {claims.Attribute{Type: claims.String, Strings: []string{"ab", "c"}}, 16 + 32 + 32, 16 + 40 + 40},
		"numbers": {claims.Attribute{Type: claims.Int64, Ints: []int64{1, 2, 3}}, 16 + 32 + 32, 16 + 40 + 32},
		"SIDs": {claims.Attribute{Type: claims.SID, SIDs: []sid.SID{sid.Everyone, sid.LocalSystem}}, 16 + 32 + 64,
			16 + 40 + 64},
		"octets": {claims.Attribute{Type: claims.Octets, Octets: [][]byte{{1, 2, 3}, {4, 5, 6, 7, 8}}}, 16 + 32 + 48,
			16 + 40 + 48},
	} {
		c.claim.Name = "n"
		set, err := claims.NewSet([]claims.Attribute{c.claim})
		if err != nil {
			t.Fatal(err)
		}
		spec := token.StandardUser(sid.MustParse(svc))
		spec.UserClaims, spec.DeviceClaims, spec.LocalAttributes = set, set, set
		p := w.of("p", spec)
		th, _ := w.thread(p)
		for class, need := range map[winnt.TokenInfoClass]uint32{winnt.TokenUserClaimAttributes: c.claimed,
			winnt.TokenDeviceClaimAttributes: c.claimed, winnt.TokenSecurityAttributes: c.ofToken} {
			for length, wanted := range map[uint32]ntstatus.Status{need: 0, need - 1: ntstatus.BufferTooSmall} {
				out, st := th.Services().NtQueryInformationToken(nt.QueryInformationTokenIn{
					TokenHandle: winnt.NtCurrentProcessToken, TokenInformationClass: class, TokenInformationLength: length})
				if want(t, name+" of "+class.String(), st, wanted); out.ReturnLength != need {
					t.Errorf("%s of %v: %d bytes are told, want %d", name, class, out.ReturnLength, need)
				}
			}
		}
	}
}
