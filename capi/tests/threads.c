/* Two pthreads with different users at once; each its own last error and identity. */
#include "check.h"
#include <pthread.h>
#include <unistd.h>

enum { ROUNDS = 2000 };

static HANDLE tokens[2];     /* an administrator's and another user's */
static PSECURITY_DESCRIPTOR admins_only;
static pthread_barrier_t both;

/* Whether the identity of this thread may open what admins only may. */
static void *act(void *arg)
{
	intptr_t me = (intptr_t)arg;
	GENERIC_MAPPING m = {1, 1, 1, 1};
	HANDLE none;
	SetLastError(1000 + me);
	/* a new thread does not impersonate */
	FAILS(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &none), ERROR_NO_TOKEN);
	SetLastError(1000 + me);
	CHECK(SetThreadToken(NULL, tokens[me]));
	pthread_barrier_wait(&both);
	int wrong = 0;
	for (int i = 0; i < ROUNDS; i++) {
		HANDLE h;
		PRIVILEGE_SET set;
		ULONG n = sizeof set;
		ACCESS_MASK granted;
		NTSTATUS access;
		if (NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &h)) {
			wrong++;
			continue;
		}
		if (NtAccessCheck(admins_only, h, 1, &m, &set, &n, &granted, &access) || NT_SUCCESS(access) != (me == 0))
			wrong++;
		wrong += NtClose(h) != 0;
		wrong += GetLastError() != (DWORD)(1000 + me);
	}
	SAME(wrong, 0);
	return (void *)(uintptr_t)GetCurrentThreadId(); /* ends while impersonating */
}

static void *once(void *arg)
{
	(void)arg;
	HANDLE h;
	STATUS(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &h), STATUS_NO_TOKEN);
	CHECK(ImpersonateSelf(SecurityImpersonation));
	return NULL;
}

void test_threads(void)
{
	HANDLE own = process_token(TOKEN_ALL_ACCESS), limited;
	PSID admins;
	CHECK(ConvertStringSidToSidA("BA", &admins));
	SID_AND_ATTRIBUTES off = {admins, 0};
	CHECK(CreateRestrictedToken(own, 0, 1, &off, 0, NULL, 0, NULL, &limited));
	CHECK(DuplicateToken(own, SecurityImpersonation, &tokens[0]));
	CHECK(DuplicateToken(limited, SecurityImpersonation, &tokens[1]));
	admins_only = sddl("O:LSG:SYD:(A;;0x1;;;BA)");
	pthread_t t[2];
	void *ids[2];
	pthread_barrier_init(&both, NULL, 2);
	for (intptr_t i = 0; i < 2; i++)
		CHECK(pthread_create(&t[i], NULL, act, (void *)i) == 0);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(t[i], &ids[i]) == 0);
	CHECK(ids[0] != ids[1]);
	HANDLE h;
	/* this thread was never touched */
	STATUS(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &h), STATUS_NO_TOKEN);
	/* ended threads give their objects back: their ids name no thread any more */
	for (int i = 0; i < 2; i++) {
		HANDLE left = NULL;
		/* the library may still be giving the thread back when pthread_join returns: ten seconds are enough */
		for (int tries = 0; tries < 10000; tries++) {
			left = OpenThread(THREAD_QUERY_INFORMATION, FALSE, (DWORD)(uintptr_t)ids[i]);
			if (!left)
				break;
			CloseHandle(left);
			usleep(1000);
		}
		CHECK(left == NULL);
	}
	for (int i = 0; i < 50; i++) { /* numbers of thread objects are used again, without what they had */
		CHECK(pthread_create(&t[0], NULL, once, NULL) == 0);
		CHECK(pthread_join(t[0], NULL) == 0);
	}
	CHECK(CloseHandle(limited));
	CHECK(CloseHandle(own));
}
