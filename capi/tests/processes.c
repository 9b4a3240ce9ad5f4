/* Processes that are made: their tokens, their handles, who may make them with
 * which token (CreateProcessAsUser). */
#include "check.h"

static DWORD token_dword(HANDLE t, TOKEN_INFORMATION_CLASS class)
{
	DWORD v = 0xdead, n;
	STATUS(NtQueryInformationToken(t, class, &v, sizeof v, &n), STATUS_SUCCESS);
	return v;
}

static LUID token_id(HANDLE t)
{
	TOKEN_STATISTICS s;
	ULONG n;
	STATUS(NtQueryInformationToken(t, TokenStatistics, &s, sizeof s, &n), STATUS_SUCCESS);
	return s.TokenId;
}

static BOOL same_luid(LUID a, LUID b) { return a.LowPart == b.LowPart && a.HighPart == b.HighPart; }

void end_process(PROCESS_INFORMATION *p)
{
	CHECK(TerminateProcess(p->hProcess, 0));
	CHECK(CloseHandle(p->hThread));
	CHECK(CloseHandle(p->hProcess));
}

static void terminate(HANDLE p)
{
	CHECK(TerminateProcess(p, 3));
	FAILS(TerminateProcess(p, 3), ERROR_ACCESS_DENIED); /* documented */
	STATUS(NtTerminateProcess(p, 0), STATUS_PROCESS_IS_TERMINATING);
}

/* A child has a copy of its parent's primary token, also while the caller impersonates. */
static void children(void)
{
	PROCESS_INFORMATION p = {0};
	STARTUPINFOA si = {sizeof si};
	HANDLE own = process_token(TOKEN_QUERY), t, imp = client(SecurityImpersonation), d;
	FAILS(CreateProcessA(NULL, NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p), ERROR_INVALID_PARAMETER);
	FAILS(CreateProcessA(NULL, "", NULL, NULL, FALSE, 0, NULL, NULL, &si, &p), ERROR_INVALID_PARAMETER);
	FAILS(CreateProcessA("a", NULL, NULL, NULL, FALSE, 0x00000001 /* DEBUG_PROCESS */, NULL, NULL, &si, &p),
		ERROR_NOT_SUPPORTED);
	FAILS(CreateProcessA("a", NULL, NULL, NULL, FALSE, 0x01000000 /* CREATE_BREAKAWAY_FROM_JOB */, NULL, NULL, &si, &p),
		ERROR_NOT_SUPPORTED);
	SAME((uintptr_t)p.hProcess, 0);
	FAILS(CreateProcessA("a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, NULL), ERROR_NOACCESS);
	FAILS(CreateProcessA("a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, UNMAPPED), ERROR_NOACCESS);
	FAILS(CreateProcessA("a", NULL, UNMAPPED, NULL, FALSE, 0, NULL, NULL, &si, &p), ERROR_NOACCESS);
	FAILS(CreateProcessA("a", NULL, NULL, UNMAPPED, FALSE, 0, NULL, NULL, &si, &p), ERROR_NOACCESS);
	CHECK(SetThreadToken(NULL, imp));
	CHECK(CreateProcessA(NULL, "program with arguments", NULL, NULL, FALSE, CREATE_NO_WINDOW, NULL, NULL, &si, &p));
	CHECK(RevertToSelf());
	CHECK(p.hProcess && p.hThread && p.hProcess != p.hThread);
	CHECK(p.dwProcessId && p.dwThreadId && p.dwProcessId != GetCurrentProcessId() && p.dwThreadId != GetCurrentThreadId());
	CHECK(OpenProcessToken(p.hProcess, TOKEN_ALL_ACCESS, &t));
	SAME(token_dword(t, TokenType), TokenPrimary);
	SAME(token_dword(t, TokenElevation), token_dword(own, TokenElevation));
	CHECK(!same_luid(token_id(t), token_id(own))); /* T-113: a copy */
	BOOLEAN equal = FALSE;
	STATUS(NtCompareTokens(t, own, &equal), STATUS_SUCCESS);
	SAME(equal, TRUE);
	CHECK(CloseHandle(t));
	FAILS(OpenThreadToken(p.hThread, TOKEN_QUERY, TRUE, &t), ERROR_NO_TOKEN); /* it does not impersonate */
	/* by its ids */
	HANDLE h = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, p.dwProcessId);
	CHECK(h != NULL);
	STATUS(NtCompareObjects(h, p.hProcess), STATUS_SUCCESS);
	FAILS(TerminateProcess(h, 0), ERROR_ACCESS_DENIED); /* without PROCESS_TERMINATE */
	CHECK(CloseHandle(h));
	h = OpenThread(THREAD_QUERY_LIMITED_INFORMATION, FALSE, p.dwThreadId);
	CHECK(h != NULL);
	CHECK(CloseHandle(h));
	/* handles can be put into it and taken out */
	CHECK(DuplicateHandle(GetCurrentProcess(), own, p.hProcess, &d, 0, FALSE, DUPLICATE_SAME_ACCESS));
	CHECK(DuplicateHandle(p.hProcess, d, GetCurrentProcess(), &h, 0, FALSE,
		DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
	STATUS(NtCompareObjects(h, own), STATUS_SUCCESS);
	CHECK(CloseHandle(h));
	/* its first thread can be made to impersonate */
	CHECK(SetThreadToken(&p.hThread, imp));
	CHECK(OpenThreadToken(p.hThread, TOKEN_QUERY, TRUE, &t));
	CHECK(CloseHandle(t));
	SAME(ResumeThread(p.hThread), 0);
	terminate(p.hProcess);
	CHECK(CloseHandle(p.hThread));
	CHECK(CloseHandle(p.hProcess));
	FAILS(TerminateProcess(NULL, 0), ERROR_INVALID_HANDLE);
	FAILS(TerminateProcess(GetCurrentThread(), 0), ERROR_INVALID_HANDLE); /* of another type */
	CHECK(CloseHandle(imp));
	CHECK(CloseHandle(own));
}

static HANDLE restricted(void)
{
	HANDLE own = process_token(TOKEN_ALL_ACCESS), t;
	CHECK(CreateRestrictedToken(own, DISABLE_MAX_PRIVILEGE, 0, NULL, 0, NULL, 0, NULL, &t));
	CHECK(CloseHandle(own));
	return t;
}

static void quota(BOOLEAN on)
{
	BOOLEAN was;
	STATUS(RtlAdjustPrivilege(SE_INCREASE_QUOTA_PRIVILEGE, on, FALSE, &was), STATUS_SUCCESS);
}

/* Restricted versions of the caller's own token need no privilege: validated on Windows (I-96). */
static void restricted_versions(void)
{
	PROCESS_INFORMATION p;
	STARTUPINFOA si = {sizeof si};
	HANDLE own = process_token(TOKEN_ALL_ACCESS), t, copy;
	static const DWORD flags[] = {0, DISABLE_MAX_PRIVILEGE, SANDBOX_INERT, LUA_TOKEN};
	quota(FALSE);
	for (int i = 0; i < 4; i++) {
		CHECK(CreateRestrictedToken(own, flags[i], 0, NULL, 0, NULL, 0, NULL, &t));
		CHECK(CreateProcessAsUserA(t, "a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p));
		end_process(&p);
		CHECK(DuplicateTokenEx(t, TOKEN_ALL_ACCESS, NULL, SecurityAnonymous, TokenPrimary, &copy));
		CHECK(CreateProcessAsUserA(copy, "a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p));
		end_process(&p);
		CHECK(CloseHandle(copy));
		CHECK(CloseHandle(t));
	}
	/* privileges that are held and not enabled are left as they were */
	BOOLEAN was = 9;
	STATUS(RtlAdjustPrivilege(SE_INCREASE_QUOTA_PRIVILEGE, FALSE, FALSE, &was), STATUS_SUCCESS);
	SAME(was, FALSE);
	CHECK(CloseHandle(own));
}

/* The rules of CreateProcessAsUser: a restricted version of the caller's token needs no privilege; others
 * need SeIncreaseQuotaPrivilege and SeAssignPrimaryTokenPrivilege, held if not enabled. */
static void as_user(void)
{
	PROCESS_INFORMATION p;
	STARTUPINFOA si = {sizeof si};
	HANDLE own = process_token(TOKEN_ALL_ACCESS), child = restricted(), other, weak, t;
	quota(FALSE);
	CHECK(CreateProcessAsUserA(child, "a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p)); /* T-111: a child */
	CHECK(OpenProcessToken(p.hProcess, TOKEN_QUERY, &t));
	SAME(token_dword(t, TokenType), TokenPrimary);
	BOOLEAN equal = FALSE;
	STATUS(NtCompareTokens(t, child, &equal), STATUS_SUCCESS);
	SAME(equal, TRUE);
	CHECK(same_luid(token_id(t), token_id(child))); /* T-112: a token that no process has becomes the process's as it is */
	PROCESS_INFORMATION second;
	HANDLE t2;
	CHECK(CreateProcessAsUserA(child, "a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &second));
	CHECK(OpenProcessToken(second.hProcess, TOKEN_QUERY, &t2));
	CHECK(!same_luid(token_id(t2), token_id(child))); /* one that has one is copied */
	CHECK(CloseHandle(t2));
	end_process(&second);
	CHECK(CloseHandle(t));
	end_process(&p);
	CHECK(CreateProcessAsUserW(NULL, u"a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, NULL, &p)); /* as CreateProcess */
	end_process(&p);
	/* a copy is a sibling, a copy of it no more than that (T-111) */
	CHECK(DuplicateTokenEx(own, TOKEN_ALL_ACCESS, NULL, SecurityAnonymous, TokenPrimary, &other));
	CHECK(CreateProcessAsUserA(other, "a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p));
	end_process(&p);
	CHECK(CloseHandle(other));
	/* a token that is neither needs the privilege: a restricted one of the restricted one */
	CHECK(CreateRestrictedToken(child, 0, 0, NULL, 0, NULL, 0, NULL, &other));
	FAILS(CreateProcessAsUserA(other, "a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p), ERROR_PRIVILEGE_NOT_HELD);
	CHECK(CloseHandle(other));
	/* rights of the handle */
	CHECK(DuplicateHandle(GetCurrentProcess(), child, GetCurrentProcess(), &weak, TOKEN_QUERY | TOKEN_DUPLICATE, FALSE,
		0));
	FAILS(CreateProcessAsUserA(weak, "a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(weak));
	CHECK(DuplicateHandle(GetCurrentProcess(), child, GetCurrentProcess(), &weak, TOKEN_ASSIGN_PRIMARY | TOKEN_DUPLICATE,
		FALSE, 0));
	FAILS(CreateProcessAsUserA(weak, "a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(weak));
	FAILS(CreateProcessAsUserA((HANDLE)0xdeadbeec, "a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p),
		ERROR_INVALID_HANDLE);
	FAILS(CreateProcessAsUserA(GetCurrentProcess(), "a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p),
		ERROR_INVALID_HANDLE);
	/* I-96, observed: an impersonation token is made a primary one, from SecurityImpersonation up */
	CHECK(DuplicateTokenEx(own, TOKEN_ALL_ACCESS, NULL, SecurityIdentification, TokenImpersonation, &other));
	FAILS(CreateProcessAsUserA(other, "a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p),
		ERROR_BAD_IMPERSONATION_LEVEL);
	CHECK(CloseHandle(other));
	CHECK(CloseHandle(child));
	CHECK(CloseHandle(own));
}

/* T-110: the token of a process that has not begun to run can be replaced. */
static void replaced(void)
{
	PROCESS_INFORMATION p;
	HANDLE child = restricted(), t;
	struct { HANDLE token, thread; } given = {child, NULL};
	BOOLEAN equal = FALSE;
	CHECK(CreateProcessA("a", NULL, NULL, NULL, FALSE, CREATE_SUSPENDED, NULL, NULL, NULL, &p));
	STATUS(NtSetInformationProcess(p.hProcess, ProcessAccessToken, &given, sizeof given), STATUS_SUCCESS);
	CHECK(OpenProcessToken(p.hProcess, TOKEN_QUERY, &t));
	STATUS(NtCompareTokens(t, child, &equal), STATUS_SUCCESS);
	SAME(equal, TRUE);
	CHECK(CloseHandle(t) && CloseHandle(child));
	end_process(&p);
}

/* NtCreateUserProcess with these attributes and all rights. */
static NTSTATUS create_process(PHANDLE p, PHANDLE t, PPS_ATTRIBUTE_LIST list)
{
	return NtCreateUserProcess(p, t, PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, NULL, NULL, 0, 0, NULL, NULL, list);
}

/* NtCreateUserProcess itself: attributes, ids, bad pointers. */
static void native(void)
{
	HANDLE p = (HANDLE)0x55, t = (HANDLE)0x55, child = restricted();
	CLIENT_ID id = {0};
	struct { SIZE_T TotalLength; PS_ATTRIBUTE a[3]; } list = {sizeof list,
		{{PS_ATTRIBUTE_PARENT_PROCESS, 8, {(ULONG_PTR)-1}, NULL}, {PS_ATTRIBUTE_CLIENT_ID, 16, {(ULONG_PTR)&id}, NULL},
		{PS_ATTRIBUTE_TOKEN, 8, {(ULONG_PTR)child}, NULL}}};
	PPS_ATTRIBUTE_LIST attributes = (PPS_ATTRIBUTE_LIST)&list;
	STATUS(create_process(&p, &t, attributes), STATUS_SUCCESS);
	CHECK(id.UniqueProcess && id.UniqueThread);
	HANDLE again = OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, (DWORD)(uintptr_t)id.UniqueProcess);
	STATUS(NtCompareObjects(again, p), STATUS_SUCCESS);
	CHECK(CloseHandle(again));
	STATUS(NtTerminateProcess(p, STATUS_SUCCESS), STATUS_SUCCESS);
	STATUS(NtClose(p), STATUS_SUCCESS);
	STATUS(NtClose(t), STATUS_SUCCESS);
	id.UniqueThread = (HANDLE)0x55;
	/* flags of a process that are not documented (I-95) */
	STATUS(NtCreateUserProcess(&p, &t, PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, NULL, NULL, 1, 0, NULL, NULL, NULL),
		STATUS_INVALID_PARAMETER);
	SAME((uintptr_t)p, 0);
	SAME((uintptr_t)t, 0);
	STATUS(NtCreateUserProcess(&p, &t, PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, NULL, NULL, 0, 2, NULL, NULL, NULL),
		STATUS_INVALID_PARAMETER);
	list.a[2].Value = 0xdeadbeec;
	STATUS(create_process(&p, &t, attributes), STATUS_INVALID_HANDLE);
	SAME((uintptr_t)id.UniqueThread, 0x55); /* a failure writes no ids */
	list.a[2].Attribute = PS_ATTRIBUTE_IMAGE_NAME;
	list.a[2].Size = 6;
	list.a[2].ValuePtr = u"abc";
	/* I-95: no such file */
	STATUS(create_process(&p, &t, attributes), STATUS_OBJECT_NAME_NOT_FOUND);
	list.a[2].ValuePtr = UNMAPPED;
	STATUS(create_process(&p, &t, attributes), STATUS_ACCESS_VIOLATION);
	list.a[2].Attribute = 0x00060001; /* a debug object */
	STATUS(create_process(&p, &t, attributes), STATUS_NOT_SUPPORTED);
	list.a[1].ValuePtr = (char *)readonly - 8; /* room for one of the two ids */
	STATUS(create_process(&p, &t, attributes), STATUS_ACCESS_VIOLATION);
	list.TotalLength = sizeof list - 1;
	STATUS(create_process(&p, &t, attributes), STATUS_INVALID_PARAMETER);
	list.TotalLength = 0;
	STATUS(create_process(&p, &t, attributes), STATUS_INVALID_PARAMETER);
	void *bad[] = {NULL, UNMAPPED, KERNEL, NONCANONICAL, readonly, none};
	ULONG before = handle_count();
	for (int i = 0; i < 6; i++) {
		STATUS(NtCreateUserProcess(bad[i], &t, 0, 0, NULL, NULL, 0, 0, NULL, NULL, NULL), STATUS_ACCESS_VIOLATION);
		STATUS(NtCreateUserProcess(&p, bad[i], 0, 0, NULL, NULL, 0, 0, NULL, NULL, NULL), STATUS_ACCESS_VIOLATION);
		if (bad[i] && bad[i] != readonly) {
			STATUS(NtCreateUserProcess(&p, &t, 0, 0, bad[i], NULL, 0, 0, NULL, NULL, NULL), STATUS_ACCESS_VIOLATION);
			STATUS(NtCreateUserProcess(&p, &t, 0, 0, NULL, bad[i], 0, 0, NULL, NULL, NULL), STATUS_ACCESS_VIOLATION);
			STATUS(NtCreateUserProcess(&p, &t, 0, 0, NULL, NULL, 0, 0, NULL, NULL, bad[i]), STATUS_ACCESS_VIOLATION);
		}
	}
	SAME(handle_count(), before);
	CHECK(CloseHandle(child));
}

void test_processes(void)
{
	children();
	restricted_versions();
	as_user();
	replaced();
	native();
}
