package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// is fails the test unless a call returned the value want and the status wantSt.
func is[T comparable](t *testing.T, name string, got T, st ntstatus.Status, want T, wantSt ntstatus.Status) {
	t.Helper()
	check.That(t, got == want && st == wantSt, "%s: got %v, %s; want %v, %s", name, got, st, want, wantSt)
}

// base returns attributes that name an object in \BaseNamedObjects.
func base(name string) *nt.ObjectAttributes {
	return &nt.ObjectAttributes{ObjectName: kernel.BaseNamedObjects + `\` + name}
}

// The convenience methods for kernel objects pass their parameters in order and return the results of the service.
// Handle values increase from 4 in steps of 4 (O-10, O-137, O-138, O-139, O-140).
func TestObjectConveniencesPassParameters(t *testing.T) {
	_, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	const ok = ntstatus.Success
	h, st := th.NtCreateSemaphore(winnt.SEMAPHORE_ALL_ACCESS, base("s"), 2, 6)
	is(t, "NtCreateSemaphore", h, st, 4, ok)
	h, st = th.NtOpenSemaphore(winnt.SEMAPHORE_QUERY_STATE, base("s"))
	is(t, "NtOpenSemaphore", h, st, 8, ok)
	n, st := th.NtReleaseSemaphore(4, 3)
	is(t, "NtReleaseSemaphore", n, st, 2, ok)
	n, st = th.NtReleaseSemaphore(4, 2)
	is(t, "NtReleaseSemaphore", n, st, 0, ntstatus.SemaphoreLimitExceeded)
	is(t, "NtReleaseSemaphore", 0, check.Status(th.NtReleaseSemaphore(8, 1)), 0, ntstatus.AccessDenied)
	q, st := th.NtQuerySemaphore(8)
	is(t, "NtQuerySemaphore", q, st, nt.SemaphoreInformation{CurrentCount: 5, MaximumCount: 6}, ok)

	h, st = th.NtCreateTimer(winnt.TIMER_ALL_ACCESS, base("t"), nt.SynchronizationTimer)
	is(t, "NtCreateTimer", h, st, 12, ok)
	h, st = th.NtOpenTimer(winnt.TIMER_QUERY_STATE, base("t"))
	is(t, "NtOpenTimer", h, st, 16, ok)
	h, st = th.NtCreateMutant(winnt.MUTANT_ALL_ACCESS, base("m"), true)
	is(t, "NtCreateMutant", h, st, 20, ok)
	n, st = th.NtReleaseMutant(20)
	is(t, "NtReleaseMutant", n, st, 0, ok)

	h, st = th.NtCreateDirectoryObject(winnt.DIRECTORY_ALL_ACCESS, base("d"))
	is(t, "NtCreateDirectoryObject", h, st, 24, ok)
	h, st = th.NtOpenDirectoryObject(winnt.DIRECTORY_QUERY, base("d"))
	is(t, "NtOpenDirectoryObject", h, st, 28, ok)
	h, st = th.NtCreateSymbolicLinkObject(winnt.SYMBOLIC_LINK_ALL_ACCESS, base(`d\l`), `\BaseNamedObjects\s`)
	is(t, "NtCreateSymbolicLinkObject", h, st, 32, ok)
	h, st = th.NtOpenSymbolicLinkObject(winnt.SYMBOLIC_LINK_QUERY, base(`d\l`))
	is(t, "NtOpenSymbolicLinkObject", h, st, 36, ok)
	target, st := th.NtQuerySymbolicLinkObject(36)
	is(t, "NtQuerySymbolicLinkObject", target, st, `\BaseNamedObjects\s`, ok)
	h, st = th.NtOpenSemaphore(winnt.SEMAPHORE_QUERY_STATE, base(`d\l`))
	is(t, "NtOpenSemaphore through a symbolic link", h, st, 40, ok)
	is(t, "NtMakeTemporaryObject", 0, th.NtMakeTemporaryObject(28), 0, ntstatus.AccessDenied)
	is(t, "NtMakePermanentObject", 0, th.NtMakePermanentObject(24), 0, ntstatus.PrivilegeNotHeld)

	h, st = th.NtCreateJobObject(winnt.JOB_OBJECT_ALL_ACCESS, base("j"))
	is(t, "NtCreateJobObject", h, st, 44, ok)
	h, st = th.NtOpenJobObject(winnt.JOB_OBJECT_QUERY, base("j"))
	is(t, "NtOpenJobObject", h, st, 48, ok)
	is(t, "NtAssignProcessToJobObject", 0, th.NtAssignProcessToJobObject(48, winnt.NtCurrentProcess), 0,
		ntstatus.AccessDenied)
	is(t, "NtAssignProcessToJobObject", 0, th.NtAssignProcessToJobObject(44, winnt.NtCurrentProcess), 0, ok)

	h, st = th.NtGetNextThread(winnt.NtCurrentProcess, 0, winnt.THREAD_SUSPEND_RESUME, 0, 0)
	is(t, "NtGetNextThread", h, st, 52, ok)
	_, st = th.NtGetNextThread(winnt.NtCurrentProcess, h, winnt.THREAD_SUSPEND_RESUME, 0, 0)
	is(t, "NtGetNextThread", 0, st, 0, ntstatus.NoMoreEntries)
	for _, before := range []uint32{0, 1} {
		n, st := th.NtSuspendThread(52)
		is(t, "NtSuspendThread", n, st, before, ok)
	}
	for _, before := range []uint32{2, 1, 0} {
		n, st := th.NtResumeThread(52)
		is(t, "NtResumeThread", n, st, before, ok)
	}
}

// The convenience methods for tokens pass their parameters in order and return the results of the service (T-60,
// T-90, T-100).
func TestTokenConveniencesPassParameters(t *testing.T) {
	user := sid.MustParse("S-1-5-21-1-2-3-1001")
	_, th := userThread(t, token.StandardUser(user))
	const ok = ntstatus.Success
	h, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	is(t, "NtOpenProcessToken", h, st, 4, ok)
	h, st = th.NtFilterToken(4, 0, []sid.SID{sid.Users}, []winnt.Privilege{winnt.SeShutdownPrivilege}, []sid.SID{user})
	is(t, "NtFilterToken", h, st, 8, ok)
	same, st := th.NtCompareTokens(4, 8)
	is(t, "NtCompareTokens", same, st, false, ok)
	same, st = th.NtCompareTokens(8, 8)
	is(t, "NtCompareTokens", same, st, true, ok)
	x, st := th.NtQueryInformationToken(8, winnt.TokenRestrictedSids)
	if list, _ := x.([]token.Group); st != ok || len(list) != 1 || list[0].SID != user {
		t.Errorf("T-60: TokenRestrictedSids = %v, %s; want only %v, %s", x, st, user, ok)
	}
	h, st = th.NtFilterTokenEx(nt.FilterTokenExIn{ExistingTokenHandle: 4})
	is(t, "NtFilterTokenEx", h, st, 12, ok)
	x, st = th.NtQueryInformationToken(12, winnt.TokenIsRestricted)
	is(t, "TokenIsRestricted", x.(uint32), st, 0, ok)

	is(t, "NtSetInformationToken", 0, th.NtSetInformationToken(12, winnt.TokenOwner, sid.LocalSystem), 0,
		ntstatus.InvalidOwner)
	is(t, "NtSetInformationToken", 0, th.NtSetInformationToken(12, winnt.TokenDefaultDacl, (*sd.ACL)(nil)), 0, ok)
	is(t, "NtImpersonateAnonymousToken", 0, th.NtImpersonateAnonymousToken(winnt.NtCurrentProcess), 0,
		ntstatus.ObjectTypeMismatch)
	is(t, "NtImpersonateThread", 0, th.NtImpersonateThread(winnt.NtCurrentThread, 4, nil), 0, ntstatus.AccessViolation)
	qos := &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation}
	is(t, "NtImpersonateThread", 0, th.NtImpersonateThread(winnt.NtCurrentThread, 4, qos), 0, ntstatus.ObjectTypeMismatch)
	before, st := th.NtAllocateLocallyUniqueId()
	after, st2 := th.NtAllocateLocallyUniqueId()
	check.That(t, st == ok && st2 == ok && before != 0 && after > before,
		"NtAllocateLocallyUniqueId: %v, %s, then %v, %s; want a value above 0, %s, then one above %v, %s", before, st, after,
		st2, ok, before, ok)
	is(t, "NtCreateToken", 0, check.Status(th.NtCreateToken(nt.CreateTokenIn{})), 0, ntstatus.AccessViolation)
	is(t, "NtCreateTokenEx", 0, check.Status(th.NtCreateTokenEx(nt.CreateTokenExIn{})), 0, ntstatus.AccessViolation)
	is(t, "NtCloseObjectAuditAlarm", 0, th.NtCloseObjectAuditAlarm(nt.CloseObjectAuditAlarmIn{GenerateOnClose: true}), 0,
		ntstatus.PrivilegeNotHeld)
	is(t, "NtDeleteObjectAuditAlarm", 0, th.NtDeleteObjectAuditAlarm(nt.CloseObjectAuditAlarmIn{GenerateOnClose: true}), 0,
		ntstatus.PrivilegeNotHeld)
	is(t, "NtPrivilegeObjectAuditAlarm", 0, th.NtPrivilegeObjectAuditAlarm(nt.PrivilegeObjectAuditAlarmIn{}), 0,
		ntstatus.InvalidHandle)
}

// LsaClose closes a policy handle. It fails for a handle of another type and for a handle that is protected from
// close (L-40, O-42).
func TestLsaCloseRejectsOtherHandles(t *testing.T) {
	_, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	const ok = ntstatus.Success
	h, st := th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)
	is(t, "LsaOpenPolicy", h, st, 4, ok)
	e, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	is(t, "NtCreateEvent", e, st, 8, ok)
	protect := func(on bool) {
		t.Helper()
		check.Require(t, th.NtSetInformationObject(h, nt.HandleFlagInformation{ProtectFromClose: on}), ok,
			"NtSetInformationObject")
	}
	is(t, "LsaClose of an event", 0, th.LsaClose(e), 0, ntstatus.ObjectTypeMismatch)
	protect(true)
	is(t, "LsaClose of a protected handle", 0, th.LsaClose(h), 0, ntstatus.HandleNotClosable)
	protect(false)
	is(t, "LsaClose", 0, th.LsaClose(h), 0, ok)
	is(t, "LsaClose twice", 0, th.LsaClose(h), 0, ntstatus.InvalidHandle)
	is(t, "LsaOpenPolicy again", 0, check.Status(th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)), 0, ok)
}
