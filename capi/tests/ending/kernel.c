/* A system thread that ends: what its key destructors call is made by a new thread of the process. */
#include <refmon/ntifs.h>
#include "../check.h"
#include <pthread.h>
#include <unistd.h>

atomic_int checks, failures;

static pthread_key_t late;
static atomic_int stage;
static PETHREAD before;

static void meddle(void *unused)
{
	(void)unused;
	BOOLEAN b;
	SECURITY_IMPERSONATION_LEVEL level;
	CHECK(PsGetCurrentThread() != before);
	CHECK(!PsIsSystemThread(PsGetCurrentThread()));
	CHECK(PsReferenceImpersonationToken(PsGetCurrentThread(), &b, &b, &level) == NULL);
	CHECK(PsGetCurrentProcess() != PsInitialSystemProcess);
	STATUS(PsTerminateSystemThread(STATUS_SUCCESS), STATUS_INVALID_PARAMETER);
	stage = 2;
}

static void NTAPI start(PVOID terminate)
{
	before = PsGetCurrentThread();
	CHECK(PsIsSystemThread(before));
	CHECK(PsGetCurrentProcess() == PsInitialSystemProcess);
	pthread_setspecific(late, &late);
	stage = 1;
	if (terminate)
		PsTerminateSystemThread(STATUS_SUCCESS);
}

int main(void)
{
	OBJECT_ATTRIBUTES a;
	HANDLE h;
	PsGetCurrentThread();
	pthread_key_create(&late, meddle);
	InitializeObjectAttributes(&a, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
	for (int i = 0; i < 4; i++) {
		stage = 0;
		STATUS(PsCreateSystemThread(&h, THREAD_ALL_ACCESS, &a, NULL, NULL, start, i % 2 ? &a : NULL), STATUS_SUCCESS);
		while (stage != 2)
			usleep(100);
		STATUS(ZwClose(h), STATUS_SUCCESS);
	}
	printf("%d assertions, %d failed\n", checks, failures);
	return failures != 0;
}
