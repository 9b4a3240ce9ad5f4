package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// calls is a tracer that keeps every call.
type calls []nt.Call

func (c *calls) Traced(one *nt.Call) { *c = append(*c, *one) }

// effective is what PsReferenceEffectiveToken and PsIsThreadImpersonating return about a thread.
type effective struct {
	user         string
	typ          winnt.TokenType
	only, client bool
	level        winnt.SecurityImpersonationLevel
}

// effectiveOf asks both routines about the thread of k.
func effectiveOf(k *kernel.KernelThread) effective {
	row := func(name string, in any) any {
		out, _ := k.CallRow(kernel.Table.Find(name), in)
		return out
	}
	of := row("PsReferenceEffectiveToken", kernel.PsReferenceEffectiveTokenIn{Thread: k.Thread()}).(kernel.
		PsReferenceEffectiveTokenOut)
	defer k.PsDereferencePrimaryToken(of.Token)
	acts := row("PsIsThreadImpersonating", kernel.PsIsThreadImpersonatingIn{Thread: k.Thread()}).(kernel.
		PsIsThreadImpersonatingOut)
	return effective{of.Token.Value().User().SID.String(), of.TokenType, of.EffectiveOnly, acts.Result,
		of.ImpersonationLevel}
}

// A thread impersonates with the options that PsImpersonateClient got, can set that aside and restore it, and reverts,
// with and without a tracer (I-40, I-50, I-60, I-61, I-62).
func TestImpersonationRoutinesWorkTogether(t *testing.T) {
	const user = "S-1-5-21-1-2-3-1500"
	sys := boot(t, kernel.Config{})
	k := check.Must(sys.SystemThread())
	own := effective{"S-1-5-18", winnt.TokenPrimary, false, false, winnt.SecurityAnonymous}
	client := k.NewToken(plain(t, user, winnt.TokenImpersonation))
	traced := new(calls)
	for _, tracer := range []nt.Tracer{nil, traced} {
		k.Trace(tracer)
		check.Equal(t, effectiveOf(k), own, "the thread before")
		none, active := k.PsDisableImpersonation(k.Thread())
		check.Equal(t, active, false, "I-60: PsDisableImpersonation without a client")
		for _, state := range []*kernel.SavedState{none, nil} {
			k.PsRestoreImpersonation(k.Thread(), state)
			check.Equal(t, effectiveOf(k), own, "I-61: the thread after the state %v was restored", state)
		}
		for _, c := range []struct {
			copies, only bool
			level        winnt.SecurityImpersonationLevel
		}{{true, false, winnt.SecurityIdentification}, {false, true, winnt.SecurityImpersonation}} {
			check.Success(t, k.PsImpersonateClient(k.Thread(), client, c.copies, c.only, c.level))
			want := effective{user, winnt.TokenImpersonation, c.only, true, c.level}
			check.Equal(t, effectiveOf(k), want, "I-62: the thread with a client")
			got, copies, only, level := k.PsReferenceImpersonationToken(k.Thread())
			check.That(t, got == client && copies == c.copies && only == c.only && level == c.level,
				"I-62: PsReferenceImpersonationToken: %v, %t, %t, %v, want %v, %+v", got, copies, only, level,
				client, c)
			k.PsDereferenceImpersonationToken(got)

			state, active := k.PsDisableImpersonation(k.Thread())
			check.That(t, state != nil && active, "I-60: PsDisableImpersonation: %v, %t, want a state, true", state,
				active)
			check.Equal(t, effectiveOf(k), own, "I-60: the thread without its client")
			k.PsRestoreImpersonation(k.Thread(), state)
			check.Equal(t, effectiveOf(k), want, "I-61: the thread with its client again")
			k.PsRevertToSelf()
			check.Equal(t, effectiveOf(k), own, "I-50: the thread after PsRevertToSelf")
		}
		check.Success(t, k.PsImpersonateClient(k.Thread(), client, false, false, winnt.SecurityImpersonation))
		check.Success(t, check.Status(k.CallRow(kernel.Table.Find("PsRevertThreadToSelf"),
			kernel.PsRevertThreadToSelfIn{Thread: k.Thread()})))
		check.Equal(t, effectiveOf(k), own, "I-50: the thread after PsRevertThreadToSelf")
		check.Equal(t, k.PsImpersonateClient(k.Thread(), client, false, false, winnt.SecurityDelegation+1),
			ntstatus.InvalidParameter, "I-41: PsImpersonateClient at an undefined level")
		k.PsRevertToSelf()
	}
	check.Equal(t, (*traced)[len(*traced)-1].Row.Info().Name, "PsRevertToSelf", "the last traced call")
	k.PsDereferenceImpersonationToken(client)
}

// PsAssignImpersonationToken makes the thread that it names, or the calling one, impersonate the token of a handle at
// the token's level, without EffectiveOnly. Handle 0 ends the impersonation (I-70).
func TestPsAssignImpersonationTokenUsesTokenOfHandle(t *testing.T) {
	sys, th := userThread(t, token.LocalSystem())
	k := sys.KernelMode(th)
	other := check.Must(sys.SystemThread())
	self := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE))
	h := check.Result(th.NtDuplicateToken(self, winnt.TOKEN_ALL_ACCESS, &nt.ObjectAttributes{
		SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityIdentification}}, true,
		winnt.TokenImpersonation))
	own := effectiveOf(k)
	want := effective{own.user, winnt.TokenImpersonation, false, true, winnt.SecurityIdentification}

	check.Success(t, k.PsAssignImpersonationToken(nil, h))
	check.Equal(t, [2]bool{effectiveOf(k).client, effectiveOf(other).client}, [2]bool{true, false},
		"I-70: the calling thread impersonates, another thread does")
	check.Success(t, k.PsAssignImpersonationToken(nil, 0))
	check.Success(t, k.PsAssignImpersonationToken(other.Thread(), h))
	check.Equal(t, effectiveOf(other), want, "I-70: the other thread")
	check.Equal(t, effectiveOf(k), own, "I-70: the calling thread")
	check.Success(t, k.PsAssignImpersonationToken(other.Thread(), 0))
	check.Equal(t, effectiveOf(other).client, false, "I-70: the other thread impersonates after handle 0")
	for handle, status := range map[winnt.Handle]ntstatus.Status{self: ntstatus.BadTokenType,
		0x7770: ntstatus.InvalidHandle, winnt.NtCurrentThread: ntstatus.ObjectTypeMismatch} {
		check.Equal(t, k.PsAssignImpersonationToken(nil, handle), status, "I-70: handle %v", handle)
	}
}
