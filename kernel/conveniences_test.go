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

// eq fails the test unless a call returned the value want and the status wantSt.
func eq[T comparable](t *testing.T, name string, got T, st ntstatus.Status, want T, wantSt ntstatus.Status) {
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
	eq(t, "NtCreateSemaphore", h, st, 4, ok)
	h, st = th.NtOpenSemaphore(winnt.SEMAPHORE_QUERY_STATE, base("s"))
	eq(t, "NtOpenSemaphore", h, st, 8, ok)
	n, st := th.NtReleaseSemaphore(4, 3)
	eq(t, "NtReleaseSemaphore", n, st, 2, ok)
	n, st = th.NtReleaseSemaphore(4, 2)
	eq(t, "NtReleaseSemaphore", n, st, 0, ntstatus.SemaphoreLimitExceeded)
	eq(t, "NtReleaseSemaphore", 0, check.Status(th.NtReleaseSemaphore(8, 1)), 0, ntstatus.AccessDenied)
	q, st := th.NtQuerySemaphore(8)
	eq(t, "NtQuerySemaphore", q, st, nt.SemaphoreInformation{CurrentCount: 5, MaximumCount: 6}, ok)

	h, st = th.NtCreateTimer(winnt.TIMER_ALL_ACCESS, base("t"), nt.SynchronizationTimer)
	eq(t, "NtCreateTimer", h, st, 12, ok)
	h, st = th.NtOpenTimer(winnt.TIMER_QUERY_STATE, base("t"))
	eq(t, "NtOpenTimer", h, st, 16, ok)
	eq(t, "NtSetTimer", 0, check.Status(th.NtSetTimer(12, 0, -1)), 0, ntstatus.InvalidParameter6)
	h, st = th.NtCreateMutant(winnt.MUTANT_ALL_ACCESS, base("m"), true)
	eq(t, "NtCreateMutant", h, st, 20, ok)
	n, st = th.NtReleaseMutant(20)
	eq(t, "NtReleaseMutant", n, st, 0, ok)

	h, st = th.NtCreateDirectoryObject(winnt.DIRECTORY_ALL_ACCESS, base("d"))
	eq(t, "NtCreateDirectoryObject", h, st, 24, ok)
	h, st = th.NtOpenDirectoryObject(winnt.DIRECTORY_QUERY, base("d"))
	eq(t, "NtOpenDirectoryObject", h, st, 28, ok)
	h, st = th.NtCreateSymbolicLinkObject(winnt.SYMBOLIC_LINK_ALL_ACCESS, base(`d\l`), `\BaseNamedObjects\s`)
	eq(t, "NtCreateSymbolicLinkObject", h, st, 32, ok)
	h, st = th.NtOpenSymbolicLinkObject(winnt.SYMBOLIC_LINK_QUERY, base(`d\l`))
	eq(t, "NtOpenSymbolicLinkObject", h, st, 36, ok)
	target, st := th.NtQuerySymbolicLinkObject(36)
	eq(t, "NtQuerySymbolicLinkObject", target, st, `\BaseNamedObjects\s`, ok)
	h, st = th.NtOpenSemaphore(winnt.SEMAPHORE_QUERY_STATE, base(`d\l`))
	eq(t, "NtOpenSemaphore through a symbolic link", h, st, 40, ok)
	eq(t, "NtMakeTemporaryObject", 0, th.NtMakeTemporaryObject(28), 0, ntstatus.AccessDenied)
	eq(t, "NtMakePermanentObject", 0, th.NtMakePermanentObject(24), 0, ntstatus.PrivilegeNotHeld)

	h, st = th.NtCreateJobObject(winnt.JOB_OBJECT_ALL_ACCESS, base("j"))
	eq(t, "NtCreateJobObject", h, st, 44, ok)
	h, st = th.NtOpenJobObject(winnt.JOB_OBJECT_QUERY, base("j"))
	eq(t, "NtOpenJobObject", h, st, 48, ok)
	eq(t, "NtAssignProcessToJobObject", 0, th.NtAssignProcessToJobObject(48, winnt.NtCurrentProcess), 0,
		ntstatus.AccessDenied)
	eq(t, "NtAssignProcessToJobObject", 0, th.NtAssignProcessToJobObject(44, winnt.NtCurrentProcess), 0, ok)

	h, st = th.NtGetNextThread(winnt.NtCurrentProcess, 0, winnt.THREAD_SUSPEND_RESUME, 0, 0)
	eq(t, "NtGetNextThread", h, st, 52, ok)
	_, st = th.NtGetNextThread(winnt.NtCurrentProcess, h, winnt.THREAD_SUSPEND_RESUME, 0, 0)
	eq(t, "NtGetNextThread", 0, st, 0, ntstatus.NoMoreEntries)
	h, st = th.NtGetNextProcess(0, winnt.PROCESS_QUERY_INFORMATION, winnt.OBJ_INHERIT, 0)
	eq(t, "NtGetNextProcess", h, st, 56, ok)
	for _, before := range []uint32{0, 1} {
		n, st := th.NtSuspendThread(52)
		eq(t, "NtSuspendThread", n, st, before, ok)
	}
	for _, before := range []uint32{2, 1, 0} {
		n, st := th.NtResumeThread(52)
		eq(t, "NtResumeThread", n, st, before, ok)
	}
}

// The convenience methods for tokens pass their parameters in order and return the results of the service (T-60,
// T-90, T-100).
func TestTokenConveniencesPassParameters(t *testing.T) {
	user := sid.MustParse("S-1-5-21-1-2-3-1001")
	_, th := userThread(t, token.StandardUser(user))
	const ok = ntstatus.Success
	h, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	eq(t, "NtOpenProcessToken", h, st, 4, ok)
	h, st = th.NtFilterToken(4, 0, []sid.SID{sid.Users}, []winnt.Privilege{winnt.SeShutdownPrivilege,
		winnt.SeUndockPrivilege}, []sid.SID{user})
	eq(t, "NtFilterToken", h, st, 8, ok)
	left, st := th.NtQueryInformationToken(8, winnt.TokenPrivileges)
	eq(t, "privileges of the filtered token", len(left.([]nt.LUIDAndAttributes)), st, 3, ok)
	same, st := th.NtCompareTokens(4, 8)
	eq(t, "NtCompareTokens", same, st, false, ok)
	same, st = th.NtCompareTokens(8, 8)
	eq(t, "NtCompareTokens", same, st, true, ok)
	x, st := th.NtQueryInformationToken(8, winnt.TokenRestrictedSids)
	if list, _ := x.([]token.Group); st != ok || len(list) != 1 || list[0].SID != user {
		t.Errorf("T-60: TokenRestrictedSids = %v, %s; want only %v, %s", x, st, user, ok)
	}
	h, st = th.NtFilterTokenEx(nt.FilterTokenExIn{ExistingTokenHandle: 4})
	eq(t, "NtFilterTokenEx", h, st, 12, ok)
	x, st = th.NtQueryInformationToken(12, winnt.TokenIsRestricted)
	eq(t, "TokenIsRestricted", x.(uint32), st, 0, ok)

	eq(t, "NtAdjustGroupsToken", 0, check.Status(th.NtAdjustGroupsToken(12, true, nil, false)), 0, ok)
	eq(t, "NtAdjustGroupsToken", 0, check.Status(th.NtAdjustGroupsToken(12, false, nil, false)), 0,
		ntstatus.InvalidParameter)
	off, st := th.NtAdjustPrivilegesToken(12, true, []nt.LUIDAndAttributes{}, true)
	eq(t, "NtAdjustPrivilegesToken", len(off), st, 1, ok)
	eq(t, "NtSetInformationToken", 0, th.NtSetInformationToken(12, winnt.TokenOwner, sid.LocalSystem), 0,
		ntstatus.InvalidOwner)
	eq(t, "NtSetInformationToken", 0, th.NtSetInformationToken(12, winnt.TokenDefaultDacl, (*sd.ACL)(nil)), 0, ok)
	eq(t, "NtImpersonateAnonymousToken", 0, th.NtImpersonateAnonymousToken(winnt.NtCurrentProcess), 0,
		ntstatus.ObjectTypeMismatch)
	eq(t, "NtImpersonateThread", 0, th.NtImpersonateThread(winnt.NtCurrentThread, 4, nil), 0, ntstatus.AccessViolation)
	qos := &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation}
	eq(t, "NtImpersonateThread", 0, th.NtImpersonateThread(winnt.NtCurrentThread, 4, qos), 0,
		ntstatus.ObjectTypeMismatch)
	before, st := th.NtAllocateLocallyUniqueId()
	after, st2 := th.NtAllocateLocallyUniqueId()
	check.That(t, st == ok && st2 == ok && before != 0 && after > before,
		"NtAllocateLocallyUniqueId: %v, %s, then %v, %s; want a value above 0, %s, then one above %v, %s", before, st,
		after, st2, ok, before, ok)
	eq(t, "NtCreateToken", 0, check.Status(th.NtCreateToken(nt.CreateTokenIn{})), 0, ntstatus.AccessViolation)
	eq(t, "NtCreateTokenEx", 0, check.Status(th.NtCreateTokenEx(nt.CreateTokenExIn{})), 0, ntstatus.AccessViolation)
	eq(t, "NtCloseObjectAuditAlarm", 0, th.NtCloseObjectAuditAlarm(nt.CloseObjectAuditAlarmIn{GenerateOnClose: true}),
		0, ntstatus.PrivilegeNotHeld)
	eq(t, "NtDeleteObjectAuditAlarm", 0, th.NtDeleteObjectAuditAlarm(nt.CloseObjectAuditAlarmIn{GenerateOnClose: true}), 0,
		ntstatus.PrivilegeNotHeld)
	eq(t, "NtPrivilegeObjectAuditAlarm", 0, th.NtPrivilegeObjectAuditAlarm(nt.PrivilegeObjectAuditAlarmIn{}), 0,
		ntstatus.InvalidHandle)
}

// LsaClose closes a policy handle. It fails for a handle of another type and for a handle that is protected from
// close (L-40, O-42).
func TestLsaCloseRejectsOtherHandles(t *testing.T) {
	_, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	const ok = ntstatus.Success
	h, st := th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)
	eq(t, "LsaOpenPolicy", h, st, 4, ok)
	e, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	eq(t, "NtCreateEvent", e, st, 8, ok)
	protect := func(on bool) {
		t.Helper()
		check.Require(t, th.NtSetInformationObject(h, nt.HandleFlagInformation{ProtectFromClose: on}), ok,
			"NtSetInformationObject")
	}
	eq(t, "LsaClose of an event", 0, th.LsaClose(e), 0, ntstatus.ObjectTypeMismatch)
	protect(true)
	eq(t, "LsaClose of a protected handle", 0, th.LsaClose(h), 0, ntstatus.HandleNotClosable)
	protect(false)
	eq(t, "LsaClose", 0, th.LsaClose(h), 0, ok)
	eq(t, "LsaClose twice", 0, th.LsaClose(h), 0, ntstatus.InvalidHandle)
	eq(t, "LsaOpenPolicy again", 0, check.Status(th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)), 0, ok)
}
