package services_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestCompareTokensChecksFirstHandleFirst checks the errors in order. A pseudo handle is valid only while the thread
// has such a token. A token equals another one with the same SIDs (T-100).
func TestCompareTokensChecksFirstHandleFirst(t *testing.T) {
	w, th, k := newProcess(t, winnt.SeImpersonatePrivilege)
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY))
	weak := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.READ_CONTROL))
	const none, process = winnt.Handle(0x7770), winnt.NtCurrentProcess
	bad := []struct {
		h    winnt.Handle
		want ntstatus.Status
	}{{none, ntstatus.InvalidHandle}, {process, ntstatus.ObjectTypeMismatch}, {weak, ntstatus.AccessDenied},
		{winnt.NtCurrentThreadToken, ntstatus.NoToken}}
	for _, first := range bad {
		for _, second := range bad {
			equal, st := th.NtCompareTokens(first.h, second.h)
			check.That(t, st == first.want && !equal,
				"NtCompareTokens(%v, %v) = %v, %v, want false, %v", first.h, second.h, equal, st, first.want)
		}
		want(t, "a good first handle", check.Status(th.NtCompareTokens(own, first.h)), first.want)
	}
	out, st := th.Services().NtCompareTokens(nt.CompareTokensIn{FirstTokenHandle: none, FaultEqual: unread(1)})
	check.That(t, st == unread(1) && !out.Equal,
		"NtCompareTokens with an invalid handle and an unwritable output = %+v, %v, want the error of the pointer", out,
		st)
	source := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE|winnt.TOKEN_QUERY))
	limited := check.Result(th.NtFilterToken(source, 0, nil, nil, []sid.SID{sid.Users}))
	for i, h := range []winnt.Handle{limited, check.Result(th.NtFilterToken(source, 0, nil, nil, nil))} {
		check.Equal(t, check.Result(th.NtCompareTokens(own, h)), i == 1,
			"T-100: a token and its restricted or plain copy")
	}
	for _, pseudo := range []winnt.Handle{own, winnt.NtCurrentProcessToken, winnt.NtCurrentEffectiveToken} {
		equal, st := th.NtCompareTokens(pseudo, own)
		check.That(t, st == ntstatus.Success && equal,
			"NtCompareTokens(%v, the process's own token) = %v, %v, want true, %v", pseudo, equal, st, ntstatus.Success)
	}
	w.impersonate(k, client, winnt.SecurityAnonymous)
	defer k.PsRevertToSelf()
	for _, pseudo := range []winnt.Handle{winnt.NtCurrentThreadToken, winnt.NtCurrentEffectiveToken} {
		want(t, "I-24", check.Status(th.NtCompareTokens(own, pseudo)), ntstatus.CantOpenAnonymous)
	}
}

// TestFilterTokenErrorsAndEffects checks the errors of T-60 and T-63 in order, that the new handle has the rights of
// the source handle, and that the token keeps everything that no list names (T-61, T-62, T-64).
func TestFilterTokenErrorsAndEffects(t *testing.T) {
	th := newThread(t, winnt.SeTcbPrivilege, winnt.SeBackupPrivilege)
	const rights = winnt.TOKEN_DUPLICATE | winnt.TOKEN_QUERY
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, rights))
	check.Success(t, th.NtSetInformationObject(own, nt.HandleFlagInformation{Inherit: true}))
	call := func(in nt.FilterTokenExIn) (winnt.Handle, ntstatus.Status) {
		out, st := th.Services().NtFilterTokenEx(in)
		return out.NewTokenHandle, st
	}
	badHandles(t, th, own, winnt.TOKEN_QUERY, winnt.NtCurrentProcess, func(h winnt.Handle) ntstatus.Status {
		return check.Status(call(nt.FilterTokenExIn{ExistingTokenHandle: h}))
	})
	marked := []token.Group{{SID: sid.Users, Attributes: winnt.SE_GROUP_ENABLED}}
	in := nt.FilterTokenExIn{ExistingTokenHandle: own, SIDsToDisable: nt.Cap([]token.Group{
		{SID: sid.Users, Attributes: winnt.SE_GROUP_MANDATORY}}), // the attributes are ignored
		PrivilegesToDelete: nt.Cap([]nt.LUIDAndAttributes{{LUID: winnt.SeBackupPrivilege.LUID()}}),
		RestrictedSIDs:     nt.Cap([]token.Group{{SID: sid.Everyone}})}
	checkOrder(t, "NtFilterTokenEx", in, func(in nt.FilterTokenExIn) ntstatus.Status {
		had := len(handles(t, th))
		h, st := call(in)
		if now := handles(t, th); st != ntstatus.Success && len(now) != had {
			t.Errorf("NtFilterTokenEx failed with %v and left a handle, want none", st)
		} else if is := strings.Replace(now[own], " 0x2", " 0x0", 1); st == ntstatus.Success && now[h] != is {
			t.Errorf("T-60: the new handle has rights and attributes %s, want %s, not inheritable", now[h], is)
		}
		return st
	}, []rung[nt.FilterTokenExIn]{
		{"a pointer", ntstatus.AccessViolation,
			func(in *nt.FilterTokenExIn) { in.PrivilegesToDelete.Status = ntstatus.AccessViolation }},
		{"the flags", ntstatus.InvalidParameter, func(in *nt.FilterTokenExIn) { in.Flags = 0x10 }},
		{"the handle", ntstatus.InvalidHandle, func(in *nt.FilterTokenExIn) { in.ExistingTokenHandle = 0x7770 }},
		{"a malformed SID", ntstatus.InvalidSID,
			func(in *nt.FilterTokenExIn) { in.SIDsToDisable.Status = ntstatus.InvalidSID }},
		{"an attribute", ntstatus.InvalidParameter, func(in *nt.FilterTokenExIn) { in.RestrictedSIDs = nt.Cap(marked) }},
	})
	h := check.Result(call(in))
	old, now := tokenValues(t, th, own), tokenValues(t, th, h)
	for class, text := range old {
		changes := slices.Contains([]string{"TokenGroups", "TokenPrivileges", "TokenRestrictedSids", "TokenHasRestrictions",
			"TokenStatistics", "TokenIsRestricted"}, class)
		check.That(t, changes || now[class] == text, "T-64: %s was %s, now %s, want no change", class, text, now[class])
	}
	for _, g := range class[[]token.Group](t, th, h, winnt.TokenGroups) {
		if deny := g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0; deny != (g.SID == sid.Users) {
			t.Errorf("T-61: group %s has attributes %#x, want deny-only only for Users", g.SID, g.Attributes)
		}
	}
	for _, p := range class[[]nt.LUIDAndAttributes](t, th, h, winnt.TokenPrivileges) {
		check.That(t, p.LUID != winnt.SeBackupPrivilege.LUID(), "T-62: the token still has a deleted privilege")
	}
	got := class[[]token.Group](t, th, h, winnt.TokenRestrictedSids)
	check.That(t, len(got) == 1 && got[0].SID == sid.Everyone && got[0].Attributes == 7,
		"T-63: restricting SIDs = %+v, want Everyone, mandatory and enabled", got)
	// Two classes repeat the lists of others (T-80).
	privileges := class[[]nt.LUIDAndAttributes](t, th, h, winnt.TokenPrivileges)
	lists := class[nt.TokenGroupsAndPrivileges](t, th, h, winnt.TokenGroupsAndPrivileges)
	check.DeepEqual(t, [2]any{lists.RestrictedSIDs, lists.Privileges}, [2]any{got, privileges}, "TokenGroupsAndPrivileges")
	all := class[nt.TokenAccessInformation](t, th, h, winnt.TokenAccessInformation)
	check.DeepEqual(t, [2]any{all.RestrictedSIDs, all.Privileges}, [2]any{got, privileges}, "TokenAccessInformation")
}
