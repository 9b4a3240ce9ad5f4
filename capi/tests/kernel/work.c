/* "The task should be dispatched to a work queue where [it] can be safely handled by system worker thread" (seed
 * "PsImpersonateClient", I-49, IC-60). */
#include "kernel.h"
#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int finished;

static void finish(void)
{
	pthread_mutex_lock(&mutex);
	finished++;
	pthread_cond_signal(&condition);
	pthread_mutex_unlock(&mutex);
}

static void wait_for(int n)
{
	pthread_mutex_lock(&mutex);
	while (finished < n)
		pthread_cond_wait(&condition, &mutex);
	finished = 0;
	pthread_mutex_unlock(&mutex);
}

struct request { SECURITY_SUBJECT_CONTEXT who; PETHREAD from; NTSTATUS opened; };

static void NTAPI serve(PVOID parameter)
{
	struct request *r = parameter;
	HANDLE h;
	GENERIC_MAPPING m = {1, 2, 4, 7};
	ACCESS_MASK granted;
	NTSTATUS st;
	/* a thread of the System process that does not impersonate */
	CHECK(PsIsSystemThread(ME));
	CHECK(ME != r->from);
	CHECK(MINE == PsInitialSystemProcess);
	SAME((uintptr_t)PsGetCurrentProcessId(), 4);
	CHECK(state().token == NULL);
	PACCESS_TOKEN system = PsReferencePrimaryToken(MINE);
	CHECK(user_is(system, SeExports->SeLocalSystemSid));
	PsDereferencePrimaryToken(system);
	/* in the System process a kernel handle need not be asked for (seed "ZwOpenThreadTokenEx", O-29) */
	STATUS(ZwOpenProcessTokenEx(ZwCurrentProcess(), TOKEN_QUERY, 0, &h), STATUS_SUCCESS);
	CHECK(!ObIsKernelHandle(h));
	STATUS(ZwClose(h), STATUS_SUCCESS);
	/* the requester is data to decide with */
	CHECK(SeAccessCheck(sddl("O:SYG:SYD:(A;;0x1;;;S-1-5-21-7-7-7-1001)"), &r->who, FALSE, 1, 0, NULL, &m, UserMode,
		&granted, &st));
	CHECK(!SeAccessCheck(sddl("O:SYG:SYD:(A;;0x1;;;SY)"), &r->who, FALSE, 1, 0, NULL, &m, UserMode, &granted, &st));
	/* it may act for a client, if it stops before it returns */
	STATUS(PsImpersonateClient(ME, r->who.ClientToken, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	STATUS(ZwOpenThreadTokenEx(ZwCurrentThread(), TOKEN_QUERY, FALSE, 0, &h), STATUS_SUCCESS);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	PsRevertToSelf();
	SeReleaseSubjectContext(&r->who);
	finish();
}

static int order[2000], next;
static void NTAPI note(PVOID parameter)
{
	order[next++] = *(int *)parameter;
	finish();
}

static int device;
static void NTAPI of_device(PDEVICE_OBJECT object, PVOID context)
{
	CHECK((PVOID)object == &device);
	CHECK(context == &finished);
	finish();
}

static void NTAPI frees(PVOID object, PVOID context, PIO_WORKITEM item)
{
	CHECK(object == &device);
	IoFreeWorkItem(item);
	if (context) { /* an item may queue another */
		item = IoAllocateWorkItem((PDEVICE_OBJECT)&device);
		IoQueueWorkItemEx(item, frees, DelayedWorkQueue, NULL);
	}
	finish();
}

void test_kwork(void)
{
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation);
	struct request r = {.from = ME};
	WORK_QUEUE_ITEM item;
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	SeCaptureSubjectContext(&r.who);
	ExInitializeWorkItem(&item, serve, &r);
	ExQueueWorkItem(&item, DelayedWorkQueue);
	STATE s = state(); /* the requester goes on as before */
	CHECK(s.token == a);
	PsDereferenceImpersonationToken(s.token);
	PsRevertToSelf();
	wait_for(1);

	static WORK_QUEUE_ITEM many[2000];
	static int numbers[2000];
	for (int i = 0; i < 2000; i++) {
		numbers[i] = i;
		ExInitializeWorkItem(&many[i], note, &numbers[i]);
		ExQueueWorkItem(&many[i], CriticalWorkQueue);
	}
	wait_for(2000);
	int wrong = 0;
	for (int i = 0; i < 2000; i++)
		wrong += order[i] != i;
	SAME(wrong, 0);

	PIO_WORKITEM w = IoAllocateWorkItem((PDEVICE_OBJECT)&device);
	IoQueueWorkItem(w, of_device, DelayedWorkQueue, &finished);
	wait_for(1);
	IoFreeWorkItem(w);
	IoQueueWorkItemEx(IoAllocateWorkItem((PDEVICE_OBJECT)&device), frees, DelayedWorkQueue, &device);
	wait_for(2);
	PsDereferenceImpersonationToken(a);
}
