/* The services with previous mode kernel (seeds "ZwOpenThreadTokenEx", "NtDuplicateToken"; O-2, O-13, O-28,
 * O-29, I-26). */
#include "kernel.h"

static void opening(void)
{
	HANDLE h = NULL, u;
	/* The attributes come first: the thread does not impersonate yet (I-20). */
	STATUS(ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_QUERY, TRUE, 0, &h), STATUS_INVALID_PARAMETER);
	STATUS(ZwOpenThreadTokenEx((HANDLE)0x98760, TOKEN_QUERY, TRUE, 0, &h), STATUS_INVALID_PARAMETER);
	STATUS(ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_QUERY, TRUE, OBJ_KERNEL_HANDLE, &h), STATUS_NO_TOKEN);
	STATUS(ZwOpenThreadTokenEx((HANDLE)0x98760, TOKEN_QUERY, TRUE, OBJ_KERNEL_HANDLE, &h), STATUS_INVALID_HANDLE);
	STATUS(ZwOpenThreadTokenEx(ZwCurrentProcess(), TOKEN_QUERY, TRUE, OBJ_KERNEL_HANDLE, &h), STATUS_OBJECT_TYPE_MISMATCH);
	STATUS(ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_QUERY, TRUE, OBJ_KERNEL_HANDLE, NULL), STATUS_ACCESS_VIOLATION);

	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation);
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	/* "must be set if the caller is not running in the system process context" (O-29) */
	STATUS(ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_QUERY, TRUE, 0, &h), STATUS_INVALID_PARAMETER);
	STATUS(ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_QUERY, TRUE, OBJ_INHERIT, &h), STATUS_INVALID_PARAMETER);
	STATUS(ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_QUERY, TRUE, OBJ_KERNEL_HANDLE | OBJ_INHERIT, &h),
		STATUS_INVALID_PARAMETER);
	STATUS(ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_QUERY, TRUE, OBJ_KERNEL_HANDLE, &h), STATUS_SUCCESS);
	CHECK(ObIsKernelHandle(h));
	CHECK((intptr_t)h < 0);
	/* A kernel handle is invalid in user mode (O-13, P-15). */
	ULONG type = 0, n;
	STATUS(NtQueryInformationToken(h, TokenType, &type, sizeof type, &n), STATUS_INVALID_HANDLE);
	STATUS(NtClose(h), STATUS_INVALID_HANDLE);
	STATUS(ObCloseHandle(h, UserMode), STATUS_INVALID_HANDLE);
	STATUS(ZwQueryInformationToken(h, TokenType, &type, sizeof type, &n), STATUS_SUCCESS);
	SAME(type, TokenImpersonation);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	STATUS(ZwClose(h), STATUS_INVALID_HANDLE);
	/* In user mode the flag is ignored (O-28), and not needed. */
	STATUS(NtOpenThreadTokenEx(NtCurrentThread(), TOKEN_QUERY, FALSE, OBJ_KERNEL_HANDLE, &u), STATUS_SUCCESS);
	CHECK(!ObIsKernelHandle(u));
	STATUS(NtClose(u), STATUS_SUCCESS);
	/* The forms without attributes are exempt; their handle is the process's. */
	STATUS(ZwOpenThreadToken(ZwCurrentThread(), TOKEN_QUERY, TRUE, &h), STATUS_SUCCESS);
	CHECK(!ObIsKernelHandle(h));
	STATUS(NtQueryInformationToken(h, TokenType, &type, sizeof type, &n), STATUS_SUCCESS);
	STATUS(ObCloseHandle(h, UserMode), STATUS_SUCCESS);
	PsRevertToSelf();

	STATUS(ZwOpenProcessTokenEx(ZwCurrentProcess(), TOKEN_QUERY, 0, &h), STATUS_INVALID_PARAMETER);
	STATUS(ZwOpenProcessTokenEx(ZwCurrentProcess(), TOKEN_QUERY, OBJ_KERNEL_HANDLE, &h), STATUS_SUCCESS);
	CHECK(ObIsKernelHandle(h));
	STATUS(ObCloseHandle(h, KernelMode), STATUS_SUCCESS);
	STATUS(ZwOpenProcessToken(ZwCurrentProcess(), TOKEN_QUERY, &h), STATUS_SUCCESS);
	CHECK(!ObIsKernelHandle(h));
	STATUS(ZwClose(h), STATUS_SUCCESS);
	CHECK(!ObIsKernelHandle(ZwCurrentProcess()));
	CHECK(!ObIsKernelHandle(ZwCurrentThread()));
	PsDereferenceImpersonationToken(a);
}

/* Kernel mode: no rights on the thread handle, no DACL; the anonymous level still closes the door (I-24, I-26). */
static void unchecked(void)
{
	HANDLE h, thread;
	CLIENT_ID me;
	OBJECT_ATTRIBUTES a;
	InitializeObjectAttributes(&a, NULL, 0, NULL, NULL);
	refmon_client_id(&me);
	SAME((uintptr_t)me.UniqueThread, (uintptr_t)PsGetCurrentThreadId());
	SAME((uintptr_t)me.UniqueProcess, (uintptr_t)PsGetCurrentProcessId());
	STATUS(NtOpenThread(&thread, THREAD_IMPERSONATE, &a, &me), STATUS_SUCCESS);
	for (int level = 0; level < 4; level++) {
		PACCESS_TOKEN t = token_of(alice, TokenImpersonation, level);
		STATUS(PsImpersonateClient(ME, t, FALSE, FALSE, level), STATUS_SUCCESS);
		NTSTATUS want = level ? STATUS_SUCCESS : STATUS_CANT_OPEN_ANONYMOUS;
		for (int self = 0; self < 2; self++) {
			STATUS(ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_ALL_ACCESS, self, OBJ_KERNEL_HANDLE, &h), want);
			if (level)
				STATUS(ZwClose(h), STATUS_SUCCESS);
			STATUS(ZwOpenThreadTokenEx(thread, TOKEN_ALL_ACCESS, self, OBJ_KERNEL_HANDLE, &h), want);
			if (level)
				STATUS(ZwClose(h), STATUS_SUCCESS);
			STATUS(NtOpenThreadToken(thread, TOKEN_QUERY, self, &h), STATUS_ACCESS_DENIED); /* IC-4 */
		}
		/* Executive-level objects cannot be opened at SecurityIdentification (seed 001, I-22). */
		NTSTATUS nt = NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, FALSE, &h);
		STATUS(nt, level == 0 ? STATUS_CANT_OPEN_ANONYMOUS : level == 1 ? STATUS_BAD_IMPERSONATION_LEVEL : STATUS_SUCCESS);
		if (NT_SUCCESS(nt))
			STATUS(NtClose(h), STATUS_SUCCESS);
		PsRevertToSelf();
		PsDereferenceImpersonationToken(t);
	}
	STATUS(NtClose(thread), STATUS_SUCCESS);
}

/* Whose context is compared with the token's DACL: the thread's, the process's, or in kernel mode no context
 * (IC-7, IC-8, I-21, I-26). */
static void lists(void)
{
	static const struct { const char *sddl; NTSTATUS thread, process; } cases[] = {
		{"O:SYG:SYD:(A;;0xF01FF;;;S-1-5-21-7-7-7-1001)", STATUS_SUCCESS, STATUS_ACCESS_DENIED},
		{"O:SYG:SYD:(A;;0xF01FF;;;BA)", STATUS_ACCESS_DENIED, STATUS_SUCCESS},
		{"O:SYG:SYD:", STATUS_ACCESS_DENIED, STATUS_ACCESS_DENIED},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		HANDLE k = logon(alice, TokenImpersonation, SecurityImpersonation), h;
		STATUS(ZwSetSecurityObject(k, DACL_SECURITY_INFORMATION, sddl(cases[i].sddl)), STATUS_SUCCESS);
		PACCESS_TOKEN t = referenced(k);
		STATUS(PsImpersonateClient(ME, t, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
		for (int self = 0; self < 2; self++) {
			NTSTATUS want = self ? cases[i].process : cases[i].thread;
			STATUS(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, self, &h), want);
			if (!want)
				STATUS(NtClose(h), STATUS_SUCCESS);
			STATUS(ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_ALL_ACCESS, self, OBJ_KERNEL_HANDLE, &h), STATUS_SUCCESS);
			STATUS(ZwClose(h), STATUS_SUCCESS);
			STATE s = state(); /* IC-10: a refused open changes nothing */
			CHECK(s.token == t);
			SAME(s.level, SecurityImpersonation);
			PsDereferenceImpersonationToken(s.token);
		}
		PsRevertToSelf();
		PsDereferenceImpersonationToken(t);
	}
}

/* CopyOnOpen and EffectiveOnly: an open goes through a copy, which takes the token's place (I-5, I-6, I-23,
 * IC-11, IC-73). */
static void copies(void)
{
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation);
	for (int mode = 0; mode < 4; mode++) {
		BOOLEAN copy = mode & 1, effective = mode >> 1;
		HANDLE h, again;
		PACCESS_TOKEN opened, second;
		STATUS(PsImpersonateClient(ME, a, copy, effective, SecurityImpersonation), STATUS_SUCCESS);
		STATUS(ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_ALL_ACCESS, TRUE, OBJ_KERNEL_HANDLE, &h), STATUS_SUCCESS);
		STATUS(ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_ALL_ACCESS, TRUE, OBJ_KERNEL_HANDLE, &again), STATUS_SUCCESS);
		/* the client's disabled privilege may be enabled unless the context is effective only (IC-13, IC-14) */
		TOKEN_PRIVILEGES on = {1, {{SeExports->SeShutdownPrivilege, SE_PRIVILEGE_ENABLED}}};
		STATUS(ZwAdjustPrivilegesToken(h, FALSE, &on, 0, NULL, NULL), effective ? STATUS_NOT_ALL_ASSIGNED : STATUS_SUCCESS);
		on.Privileges[0].Attributes = 0;
		STATUS(ZwAdjustPrivilegesToken(h, FALSE, &on, 0, NULL, NULL), effective ? STATUS_NOT_ALL_ASSIGNED : STATUS_SUCCESS);
		opened = referenced(h);
		second = referenced(again);
		CHECK(opened == second);
		CHECK((opened == a) == !mode);
		CHECK(SAME_LUID(token_id(opened), token_id(a)) == !mode);
		STATE s = state();
		CHECK(s.token == opened);
		SAME(s.copy, FALSE);
		SAME(s.effective, effective);
		SAME(s.level, SecurityImpersonation);
		PsDereferenceImpersonationToken(s.token);
		/* set aside and put back, the state still knows that its token is its own copy */
		SE_IMPERSONATION_STATE saved;
		SAME(PsDisableImpersonation(ME, &saved), TRUE);
		PsRestoreImpersonation(ME, &saved);
		STATUS(ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_ALL_ACCESS, TRUE, OBJ_KERNEL_HANDLE, &h), STATUS_SUCCESS);
		PACCESS_TOKEN third = referenced(h);
		CHECK(third == opened);
		PsDereferenceImpersonationToken(third);
		PsRevertToSelf();
		PsDereferenceImpersonationToken(opened);
		PsDereferenceImpersonationToken(second);
	}
	PsDereferenceImpersonationToken(a);
}

static void duplicating(void)
{
	HANDLE source = logon(alice, TokenImpersonation, SecurityIdentification), h, narrow;
	SECURITY_QUALITY_OF_SERVICE q = {sizeof q, SecurityIdentification, SECURITY_STATIC_TRACKING, FALSE};
	OBJECT_ATTRIBUTES a;
	InitializeObjectAttributes(&a, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
	a.SecurityQualityOfService = &q;
	STATUS(ZwDuplicateToken(source, 0, &a, FALSE, 3, &h), STATUS_INVALID_PARAMETER);
	STATUS(ZwDuplicateToken((HANDLE)0x54320, 0, &a, FALSE, TokenImpersonation, &h), STATUS_INVALID_HANDLE);
	STATUS(ZwDuplicateToken(source, 0, &a, FALSE, TokenImpersonation, &h), STATUS_SUCCESS);
	CHECK(ObIsKernelHandle(h));
	PACCESS_TOKEN t = referenced(h);
	SAME(SeTokenImpersonationLevel(t), SecurityIdentification);
	PsDereferenceImpersonationToken(t);
	/* "a primary token from an impersonation token below SecurityImpersonation" and a level above the source's */
	STATUS(ZwDuplicateToken(source, 0, &a, FALSE, TokenPrimary, &h), STATUS_BAD_IMPERSONATION_LEVEL);
	q.ImpersonationLevel = SecurityImpersonation;
	STATUS(ZwDuplicateToken(source, 0, &a, FALSE, TokenImpersonation, &h), STATUS_BAD_IMPERSONATION_LEVEL);
	q.Length = 11;
	STATUS(ZwDuplicateToken(source, 0, &a, FALSE, TokenImpersonation, &h), STATUS_INVALID_PARAMETER);
	q = (SECURITY_QUALITY_OF_SERVICE){sizeof q, SecurityAnonymous, SECURITY_STATIC_TRACKING, FALSE};
	/* Rights on the handle are not compared in kernel mode (O-32): TOKEN_QUERY is enough there. */
	STATUS(ZwDuplicateObject(ZwCurrentProcess(), source, ZwCurrentProcess(), &narrow, TOKEN_QUERY, 0, 0), STATUS_SUCCESS);
	CHECK(!ObIsKernelHandle(narrow));
	STATUS(NtDuplicateToken(narrow, 0, NULL, FALSE, TokenImpersonation, &h), STATUS_ACCESS_DENIED);
	STATUS(ZwDuplicateToken(narrow, 0, &a, FALSE, TokenImpersonation, &h), STATUS_SUCCESS);
	OBJECT_HANDLE_INFORMATION info = {9, 9};
	STATUS(ObReferenceObjectByHandle(h, 0, NULL, KernelMode, (PVOID *)&t, &info), STATUS_SUCCESS);
	SAME(info.GrantedAccess, TOKEN_QUERY); /* DesiredAccess 0: as the source (T-44) */
	SAME(info.HandleAttributes, 0);
	ObDereferenceObject(t);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	STATUS(NtClose(narrow), STATUS_SUCCESS);
	/* EffectiveOnly leaves out what is disabled: of two privileges one stays (T-48) */
	STATUS(ZwDuplicateToken(source, TOKEN_QUERY, &a, TRUE, TokenImpersonation, &h), STATUS_SUCCESS);
	char room[64];
	ULONG n;
	STATUS(ZwQueryInformationToken(h, TokenPrivileges, room, sizeof room, &n), STATUS_SUCCESS);
	SAME(((PTOKEN_PRIVILEGES)room)->PrivilegeCount, 1);
	SAME(((PTOKEN_PRIVILEGES)room)->Privileges[0].Luid.LowPart, SE_CHANGE_NOTIFY_PRIVILEGE);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	STATUS(ZwClose(source), STATUS_SUCCESS);
}

/* OBJ_FORCE_ACCESS_CHECK: kernel mode is asked what user mode would be (O-33). */
static void forced(void)
{
	UNICODE_STRING name;
	OBJECT_ATTRIBUTES a;
	HANDLE e, h;
	RtlInitUnicodeString(&name, u"\\BaseNamedObjects\\kernel-test");
	InitializeObjectAttributes(&a, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, sddl("O:SYG:SYD:(A;;0x1;;;WD)"));
	STATUS(ZwCreateEvent(&e, EVENT_ALL_ACCESS, &a, NotificationEvent, FALSE), STATUS_SUCCESS);
	CHECK(ObIsKernelHandle(e));
	a.SecurityDescriptor = NULL;
	STATUS(ZwOpenEvent(&h, EVENT_MODIFY_STATE, &a), STATUS_SUCCESS);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	a.Attributes |= OBJ_FORCE_ACCESS_CHECK;
	STATUS(ZwOpenEvent(&h, EVENT_MODIFY_STATE, &a), STATUS_ACCESS_DENIED);
	STATUS(ZwOpenEvent(&h, EVENT_QUERY_STATE, &a), STATUS_SUCCESS);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	STATUS(NtOpenEvent(&h, EVENT_MODIFY_STATE, &a), STATUS_ACCESS_DENIED);
	STATUS(ZwClose(e), STATUS_SUCCESS);
}

static void threads(void)
{
	PACCESS_TOKEN a;
	HANDLE k = logon(alice, TokenImpersonation, SecurityImpersonation), p = logon(alice, TokenPrimary, 0);
	STATUS(ObReferenceObjectByHandle(k, 0, NULL, KernelMode, &a, NULL), STATUS_SUCCESS);
	STATUS(ZwSetInformationThread(ZwCurrentThread(), ThreadImpersonationToken, &k, 4), STATUS_INFO_LENGTH_MISMATCH);
	/* IC-41 */
	STATUS(ZwSetInformationThread(ZwCurrentThread(), ThreadImpersonationToken, &p, sizeof p), STATUS_BAD_TOKEN_TYPE);
	STATUS(NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &k, sizeof k), STATUS_INVALID_HANDLE);
	STATUS(ZwSetInformationThread(ZwCurrentThread(), ThreadImpersonationToken, &k, sizeof k), STATUS_SUCCESS);
	STATE s = state();
	CHECK(s.token == a);
	SAME(s.level, SecurityImpersonation);
	PsDereferenceImpersonationToken(s.token);
	HANDLE none = NULL;
	STATUS(ZwSetInformationThread(ZwCurrentThread(), ThreadImpersonationToken, &none, sizeof none), STATUS_SUCCESS);
	CHECK(state().token == NULL);
	STATUS(ZwImpersonateAnonymousToken(ZwCurrentThread()), STATUS_SUCCESS);
	s = state();
	CHECK(user_is(s.token, SeExports->SeAnonymousLogonSid));
	PsDereferenceImpersonationToken(s.token);
	PsRevertToSelf();
	PsDereferenceImpersonationToken(a);
	STATUS(ZwClose(k), STATUS_SUCCESS);
	STATUS(ZwClose(p), STATUS_SUCCESS);
}

void test_zw(void)
{
	opening();
	unchecked();
	lists();
	copies();
	duplicating();
	forced();
	threads();
}
