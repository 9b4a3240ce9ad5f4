/* Waiting: events, semaphores, threads that end, and calls that are queued to a thread. */
#include "check.h"
#include <pthread.h>

static HANDLE ask, answer, joined;

/* Answers an event, and tells a handle of its thread before it ends. */
static void *partner(void *arg)
{
	(void)arg;
	CHECK(DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &joined, 0, FALSE,
		DUPLICATE_SAME_ACCESS));
	SAME(WaitForSingleObject(ask, 60000), WAIT_OBJECT_0);
	CHECK(SetEvent(answer));
	return NULL;
}

static void test_two_threads(void)
{
	pthread_t t;
	ask = CreateEventW(NULL, FALSE, FALSE, NULL), answer = CreateEventW(NULL, TRUE, FALSE, NULL);
	CHECK(!pthread_create(&t, NULL, partner, NULL));
	SAME(WaitForSingleObject(answer, 0), WAIT_TIMEOUT);
	usleep(2000); /* most often the partner waits then */
	CHECK(SetEvent(ask));
	SAME(WaitForSingleObject(answer, 0x7fffffff), WAIT_OBJECT_0); /* 24 days in 100-ns units are more than 32 bits */
	SAME(WaitForSingleObject(answer, INFINITE), WAIT_OBJECT_0);
	SAME(WaitForSingleObject(ask, 0), WAIT_TIMEOUT); /* the partner took it */
	SAME(WaitForSingleObject(joined, 60000), WAIT_OBJECT_0);
	CHECK(!pthread_join(t, NULL));
	SAME(WaitForSingleObject(joined, 0), WAIT_OBJECT_0); /* for good */
	CHECK(CloseHandle(joined));

	HANDLE both[2] = {ask, answer}, wrong[3] = {answer, (HANDLE)4000, answer};
	STATUS(NtWaitForMultipleObjects(2, wrong, WaitAny, FALSE, NULL), STATUS_INVALID_HANDLE);
	STATUS(NtWaitForMultipleObjects(2, wrong + 1, WaitAll, FALSE, NULL), STATUS_INVALID_HANDLE);
	SAME(WaitForMultipleObjects(2, both, FALSE, INFINITE), WAIT_OBJECT_0 + 1);
	SAME(WaitForMultipleObjects(2, both, TRUE, 1), WAIT_TIMEOUT);
	CHECK(SetEvent(ask));
	SAME(WaitForMultipleObjects(2, both, TRUE, INFINITE), WAIT_OBJECT_0);
	STATUS(NtWaitForMultipleObjects(0, both, WaitAny, FALSE, NULL), STATUS_INVALID_PARAMETER_1);
	STATUS(NtWaitForMultipleObjects(65, both, WaitAny, FALSE, NULL), STATUS_INVALID_PARAMETER_1);
	STATUS(NtWaitForMultipleObjects(2, UNMAPPED, WaitAny, FALSE, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(NtWaitForSingleObject(answer, FALSE, UNMAPPED), STATUS_ACCESS_VIOLATION);
	STATUS(NtSetEvent(answer, UNMAPPED), STATUS_ACCESS_VIOLATION);
	STATUS(NtDelayExecution(FALSE, NULL), STATUS_ACCESS_VIOLATION);
	LONG before = 7;
	STATUS(NtResetEvent(answer, &before), STATUS_SUCCESS);
	SAME(before, 1);
	LARGE_INTEGER long_ago = {.QuadPart = 1};
	STATUS(NtWaitForSingleObject(answer, FALSE, &long_ago), STATUS_TIMEOUT);
	STATUS(NtDelayExecution(TRUE, &long_ago), STATUS_SUCCESS);
	SAME(WaitForSingleObject(GetCurrentProcess(), 0), WAIT_TIMEOUT);
	SetLastError(0);
	SAME(WaitForSingleObject(NULL, 0), WAIT_FAILED);
	SAME(GetLastError(), ERROR_INVALID_HANDLE);
	CHECK(CloseHandle(ask) && CloseHandle(answer));
}

static ULONG_PTR made;
static void NTAPI note(ULONG_PTR digit) { made = made * 10 + digit; }

/* A call that queues another one: that is made by the next wait. */
static void NTAPI again(ULONG_PTR digit)
{
	note(digit);
	CHECK(QueueUserAPC(note, GetCurrentThread(), digit + 1));
}

static void NTAPI three(PVOID a, PVOID b, PVOID c)
{
	made = (ULONG_PTR)a * 100 + (ULONG_PTR)b * 10 + (ULONG_PTR)c;
}

static void test_calls(void)
{
	HANDLE e = CreateEventW(NULL, TRUE, FALSE, NULL);
	made = 0;
	CHECK(QueueUserAPC(note, GetCurrentThread(), 1));
	CHECK(QueueUserAPC(again, GetCurrentThread(), 2));
	SAME(SleepEx(0, FALSE), 0);
	SAME(WaitForSingleObject(e, 0), WAIT_TIMEOUT);
	SAME(made, 0);
	SAME(WaitForSingleObjectEx(e, INFINITE, TRUE), WAIT_IO_COMPLETION);
	SAME(made, 12);
	SAME(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
	SAME(made, 123);
	SAME(SleepEx(0, TRUE), 0);
	CHECK(QueueUserAPC(note, GetCurrentThread(), 4));
	SAME(WaitForMultipleObjectsEx(1, &e, TRUE, INFINITE, TRUE), WAIT_IO_COMPLETION);
	SAME(made, 1234);
	CHECK(SetEvent(e) && QueueUserAPC(note, GetCurrentThread(), 5));
	SAME(WaitForSingleObjectEx(e, INFINITE, TRUE), WAIT_OBJECT_0); /* the object first */
	SAME(made, 1234);
	STATUS(NtQueueApcThread(GetCurrentThread(), three, (PVOID)4, (PVOID)5, (PVOID)6), STATUS_SUCCESS);
	STATUS(NtTestAlert(), STATUS_SUCCESS);
	SAME(made, 456);
	FAILS(QueueUserAPC(note, NULL, 1), ERROR_INVALID_HANDLE);
	CHECK(CloseHandle(e));
}

/* Queues a call to the thread that reads, most likely while it waits. */
static void *queue_late(void *reader)
{
	SleepEx(50, FALSE);
	CHECK(QueueUserAPC(note, reader, 6));
	return NULL;
}

/* A queued APC ends an alertable read, whether it is queued before the read or during it (I-135). */
static void test_alertable_read(void)
{
	HANDLE reader;
	pthread_t t;
	UNICODE_STRING name;
	OBJECT_ATTRIBUTES oa;
	IO_STATUS_BLOCK io;
	LARGE_INTEGER limit = {.QuadPart = -500000};
	HANDLE s, c;
	char b;
	RtlInitUnicodeString(&name, u"\\??\\pipe\\native-alert");
	InitializeObjectAttributes(&oa, &name, 0, NULL, NULL);
	STATUS(NtCreateNamedPipeFile(&s, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &oa, &io,
		FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_CREATE, FILE_SYNCHRONOUS_IO_ALERT, 0, 0, 0, 1, 0, 0, &limit),
		STATUS_SUCCESS);
	c = CreateFileA("\\\\.\\pipe\\native-alert", GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
	CHECK(c != INVALID_HANDLE_VALUE);
	made = 0;
	CHECK(QueueUserAPC(note, GetCurrentThread(), 5));
	STATUS(NtReadFile(s, NULL, NULL, NULL, &io, &b, 1, NULL, NULL), 0xC0000120); /* STATUS_CANCELLED */
	SAME(made, 5);
	CHECK(DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &reader, 0, FALSE,
		DUPLICATE_SAME_ACCESS));
	CHECK(!pthread_create(&t, NULL, queue_late, reader));
	STATUS(NtReadFile(s, NULL, NULL, NULL, &io, &b, 1, NULL, NULL), 0xC0000120);
	SAME(made, 56);
	CHECK(!pthread_join(t, NULL) && CloseHandle(reader) && CloseHandle(c) && CloseHandle(s));
}

void test_waits(void)
{
	test_two_threads();
	test_calls();
	test_alertable_read();
}
