/* Threads at once, and one that acts on another (I-9, I-47, P-13). */
#include "kernel.h"
#include <pthread.h>
#include <unistd.h>

enum { ROUNDS = 2000 };

static PACCESS_TOKEN tokens[2];
static PSECURITY_DESCRIPTOR theirs[2];
static pthread_barrier_t both;

static void *act(void *arg)
{
	intptr_t me = (intptr_t)arg;
	GENERIC_MAPPING m = {1, 1, 1, 1};
	int wrong = 0;
	CHECK(state().token == NULL);
	pthread_barrier_wait(&both);
	for (int i = 0; i < ROUNDS; i++) {
		SECURITY_SUBJECT_CONTEXT s;
		ACCESS_MASK granted;
		NTSTATUS st;
		wrong += PsImpersonateClient(ME, tokens[me], i & 1, FALSE, SecurityImpersonation) != STATUS_SUCCESS;
		SeCaptureSubjectContext(&s);
		wrong += s.ClientToken != tokens[me];
		wrong += !SeAccessCheck(theirs[me], &s, FALSE, 1, 0, NULL, &m, UserMode, &granted, &st);
		wrong += SeAccessCheck(theirs[!me], &s, FALSE, 1, 0, NULL, &m, UserMode, &granted, &st);
		SeReleaseSubjectContext(&s);
		if (i % 3 == 0)
			PsRevertToSelf();
	}
	SAME(wrong, 0);
	return NULL; /* may end while impersonating */
}

static void at_once(void)
{
	pthread_t t[2];
	tokens[0] = token_of(alice, TokenImpersonation, SecurityImpersonation);
	tokens[1] = token_of(bob, TokenImpersonation, SecurityImpersonation);
	theirs[0] = sddl("O:SYG:SYD:(A;;0x1;;;S-1-5-21-7-7-7-1001)");
	theirs[1] = sddl("O:SYG:SYD:(A;;0x1;;;S-1-5-21-7-7-7-1002)");
	pthread_barrier_init(&both, NULL, 2);
	for (intptr_t i = 0; i < 2; i++)
		CHECK(pthread_create(&t[i], NULL, act, (void *)i) == 0);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(state().token == NULL);
}

static _Atomic(PETHREAD) other;
static atomic_int done;

/* Watches its own state: it is one of the two quadruples, or none, and never a mixture. */
static void *watched(void *arg)
{
	int *seen = arg, wrong = 0;
	HANDLE h;
	other = ME;
	while (!done) {
		STATE s = state();
		if (!s.token)
			continue;
		int i = s.token == tokens[1];
		wrong += s.token != tokens[i] || s.copy != i || s.effective != !i || s.level != (i ? SecurityIdentification
			: SecurityImpersonation);
		seen[i] = 1;
		PsDereferenceImpersonationToken(s.token);
	}
	SAME(wrong, 0);
	/* what was done to this thread is seen in user mode */
	STATUS(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &h), STATUS_SUCCESS);
	STATUS(NtClose(h), STATUS_SUCCESS);
	return NULL;
}

static void on_another(void)
{
	pthread_t t;
	int seen[2] = {0, 0};
	CHECK(pthread_create(&t, NULL, watched, seen) == 0);
	while (!other)
		;
	CHECK(other != ME);
	CHECK(IoThreadToProcess(other) == MINE);
	int wrong = 0;
	for (int i = 0; i < ROUNDS || !seen[0] || !seen[1]; i++) {
		wrong += PsImpersonateClient(other, tokens[i & 1], i & 1, !(i & 1),
			i & 1 ? SecurityIdentification : SecurityImpersonation) != STATUS_SUCCESS;
		if (i % 7 == 0)
			PsRevertThreadToSelf(other);
	}
	SAME(wrong, 0);
	CHECK(state().token == NULL);
	STATUS(PsImpersonateClient(other, tokens[0], FALSE, TRUE, SecurityImpersonation), STATUS_SUCCESS);
	SECURITY_QUALITY_OF_SERVICE q = {sizeof q, SecurityImpersonation, SECURITY_STATIC_TRACKING, FALSE};
	SECURITY_CLIENT_CONTEXT c; /* the other thread as a client of this one */
	STATUS(SeCreateClientSecurity(other, &q, FALSE, &c), STATUS_SUCCESS);
	CHECK(user_is(c.ClientToken, alice));
	SeDeleteClientSecurity(&c);
	done = 1;
	CHECK(pthread_join(t, NULL) == 0);
	PsDereferenceImpersonationToken(tokens[0]);
	PsDereferenceImpersonationToken(tokens[1]);
}

/* Threads of kernel code: the System process's, or another's. */
static struct { atomic_int stage; PETHREAD me; HANDLE id, process; BOOLEAN system; NTSTATUS open,
	nt; PACCESS_TOKEN client; } made;

static void NTAPI start(PVOID context)
{
	HANDLE h = NULL, u = NULL;
	made.me = ME;
	made.id = PsGetCurrentThreadId();
	made.process = PsGetCurrentProcessId();
	SAME(GetCurrentThreadId(), (uintptr_t)made.id);
	made.system = PsIsSystemThread(ME);
	made.client = state().token;
	made.open = ZwOpenProcessTokenEx(ZwCurrentProcess(), TOKEN_QUERY, 0, &h);
	/* kernel mode takes no OBJ_INHERIT */
	made.nt = NtOpenProcessTokenEx(NtCurrentProcess(), TOKEN_QUERY, OBJ_INHERIT, &u);
	if (!made.open)
		ZwClose(h);
	made.stage = 1;
	while (made.stage == 1)
		;
	/* ends while impersonating */
	STATUS(PsImpersonateClient(ME, tokens[0], FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	if (context)
		PsTerminateSystemThread(STATUS_SUCCESS);
}

static void system_threads(void)
{
	OBJECT_ATTRIBUTES a;
	HANDLE h = NULL;
	CLIENT_ID id;
	PVOID o;
	tokens[0] = token_of(alice, TokenImpersonation, SecurityImpersonation);
	InitializeObjectAttributes(&a, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
	STATUS(PsCreateSystemThread(NULL, THREAD_ALL_ACCESS, &a, NULL, NULL, start, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(PsCreateSystemThread(&h, THREAD_ALL_ACCESS, &a, NULL, readonly, start, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(PsCreateSystemThread(&h, THREAD_ALL_ACCESS, &a, (HANDLE)0x54320, NULL, start, NULL), STATUS_INVALID_HANDLE);
	STATUS(PsCreateSystemThread(&h, THREAD_ALL_ACCESS, &a, ZwCurrentThread(), NULL, start, NULL),
		STATUS_OBJECT_TYPE_MISMATCH);
	STATUS(PsTerminateSystemThread(STATUS_SUCCESS), STATUS_INVALID_PARAMETER); /* this is not a system thread */
	for (int i = 0; i < 3; i++) {
		HANDLE process = i == 1 ? ZwCurrentProcess() : NULL;
		made.stage = 0;
		STATUS(PsImpersonateClient(ME, tokens[0], FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
		STATUS(PsCreateSystemThread(&h, THREAD_ALL_ACCESS, &a, process, &id, start, i == 2 ? &made : NULL), STATUS_SUCCESS);
		CHECK(ObIsKernelHandle(h));
		while (made.stage != 1)
			;
		STATUS(ObReferenceObjectByHandle(h, 0, *PsThreadType, KernelMode, &o, NULL), STATUS_SUCCESS);
		CHECK(o == made.me);
		STATUS(PsAssignImpersonationToken(o, NULL), STATUS_SUCCESS); /* of that thread, not of this one */
		STATE s = state();
		CHECK(s.token == tokens[0]);
		PsDereferenceImpersonationToken(s.token);
		PsRevertToSelf();
		CHECK(id.UniqueThread == made.id && id.UniqueProcess == made.process);
		SAME((uintptr_t)made.process, process ? (uintptr_t)PsGetCurrentProcessId() : 4);
		CHECK(made.system);
		CHECK(made.client == NULL); /* a new thread does not impersonate (I-9) */
		/* "if the caller is not running in the system process context" it must ask for a kernel handle (O-29) */
		STATUS(made.open, process ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS);
		STATUS(made.nt, STATUS_INVALID_PARAMETER);
		made.stage = 2;
		ObDereferenceObject(o);
		STATUS(ZwClose(h), STATUS_SUCCESS);
		/* the object ends with the pthread, noticed by a later call */
		PETHREAD t;
		for (int tries = 0; tries < 5000 && PsLookupThreadByThreadId(id.UniqueThread, &t) == STATUS_SUCCESS; tries++) {
			ObDereferenceObject(t);
			usleep(1000);
		}
		STATUS(PsLookupThreadByThreadId(id.UniqueThread, &t), STATUS_INVALID_PARAMETER);
	}
	PsDereferenceImpersonationToken(tokens[0]);
}

void test_kthreads(void)
{
	at_once();
	on_another();
	system_threads();
}
