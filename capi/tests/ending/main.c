/*
 * A pthread that ends: the destructors of the program's own keys run after
 * librefmon's and may still call. They are a new thread then, which does not
 * impersonate, and reach no impersonation of another thread.
 */
#include "../check.h"
#include <pthread.h>

atomic_int checks, failures;

static pthread_key_t late;
static pthread_barrier_t ended, inside, over;
static HANDLE token;
static atomic_int destructions;

static NTSTATUS own_token(void)
{
	HANDLE h = NULL;
	NTSTATUS st = NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &h);
	if (!st)
		NtClose(h);
	return st;
}

/* Runs on the ending pthread, while another one is attached and impersonates. */
static void meddle(void *unused)
{
	(void)unused;
	destructions++;
	pthread_barrier_wait(&ended);
	pthread_barrier_wait(&inside);
	STATUS(own_token(), STATUS_NO_TOKEN);
	CHECK(RevertToSelf());
	CHECK(SetThreadToken(NULL, NULL));
	pthread_barrier_wait(&over);
}

static void *ending(void *unused)
{
	(void)unused;
	CHECK(ImpersonateSelf(SecurityImpersonation));
	pthread_setspecific(late, &late);
	return NULL;
}

/* Attached when the first one has ended, so that it could be given the same number. */
static void *victim(void *unused)
{
	(void)unused;
	CHECK(SetThreadToken(NULL, token));
	STATUS(own_token(), STATUS_SUCCESS);
	pthread_barrier_wait(&inside);
	pthread_barrier_wait(&over);
	STATUS(own_token(), STATUS_SUCCESS); /* still the one that it set */
	return NULL;
}

static void another_thread(void)
{
	pthread_t first, second;
	CHECK(pthread_create(&first, NULL, ending, NULL) == 0);
	pthread_barrier_wait(&ended);
	CHECK(pthread_create(&second, NULL, victim, NULL) == 0);
	CHECK(pthread_join(first, NULL) == 0);
	CHECK(pthread_join(second, NULL) == 0);
	SAME(destructions, 1);
}

static pthread_key_t again;

/* Sets its own key again, until the system gives up: the last call is after librefmon's last destructor. */
static void once_more(void *rounds)
{
	STATUS(own_token(), STATUS_NO_TOKEN);
	CHECK(ImpersonateSelf(SecurityIdentification));
	pthread_setspecific(again, rounds);
}

static void *stubborn(void *unused)
{
	CHECK(ImpersonateSelf(SecurityImpersonation));
	pthread_setspecific(again, &again);
	return unused;
}

static void *silent(void *unused) /* calls in its destructor only */
{
	pthread_setspecific(again, &again);
	return unused;
}

static pthread_barrier_t crowd;

static void *brief(void *id)
{
	*(DWORD *)id = GetCurrentThreadId();
	pthread_barrier_wait(&crowd);
	return NULL;
}

/* However many end before the next call, each is given back: its id names no thread soon after. */
static void many(void)
{
	enum { count = 200 };
	pthread_t t[count];
	DWORD ids[count];
	CHECK(pthread_barrier_init(&crowd, NULL, count) == 0);
	for (int i = 0; i < count; i++)
		CHECK(pthread_create(&t[i], NULL, brief, &ids[i]) == 0);
	for (int i = 0; i < count; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	for (int i = 0; i < count; i++) /* each call gives some back */
		STATUS(own_token(), STATUS_NO_TOKEN);
	for (int i = 0; i < count; i++)
		FAILS(OpenThread(THREAD_QUERY_LIMITED_INFORMATION, FALSE, ids[i]), ERROR_INVALID_PARAMETER);
}

int main(void)
{
	pthread_t t;
	void *(*bodies[])(void *) = {stubborn, silent};
	pthread_barrier_init(&ended, NULL, 2);
	pthread_barrier_init(&inside, NULL, 2);
	pthread_barrier_init(&over, NULL, 2);
	pthread_key_create(&late, meddle);
	pthread_key_create(&again, once_more);
	HANDLE own = NULL;
	STATUS(NtOpenProcessToken(NtCurrentProcess(), TOKEN_ALL_ACCESS, &own), STATUS_SUCCESS);
	CHECK(DuplicateToken(own, SecurityImpersonation, &token));
	another_thread();
	for (int i = 0; i < 20; i++) {
		CHECK(pthread_create(&t, NULL, bodies[i % 2], NULL) == 0);
		CHECK(pthread_join(t, NULL) == 0);
	}
	STATUS(own_token(), STATUS_NO_TOKEN);
	many();
	printf("%d assertions, %d failed\n", checks, failures);
	return failures != 0;
}
