/* Mutexes, semaphores and waitable timers: native services and their advapi32-style faces. */
#include "check.h"
#include <pthread.h>

static HANDLE shared;

static void *stranger(void *unused)
{
	(void)unused;
	LONG count = 77;
	MUTANT_BASIC_INFORMATION m;
	STATUS(NtReleaseMutant(shared, &count), STATUS_MUTANT_NOT_OWNED);
	SAME(count, 77); /* a failure leaves the output alone */
	STATUS(NtQueryMutant(shared, MutantBasicInformation, &m, sizeof m, NULL), STATUS_SUCCESS);
	SAME(m.CurrentCount, 0);
	SAME(m.OwnedByCaller, FALSE);
	FAILS(ReleaseMutex(shared), ERROR_NOT_OWNER);
	return NULL;
}

/* O-134: only the thread that owns a mutant releases it. */
static void mutants(void)
{
	MUTANT_BASIC_INFORMATION m;
	LONG count = 77;
	ULONG n = 0;
	pthread_t t;
	STATUS(NtCreateMutant(&shared, MUTANT_ALL_ACCESS, NULL, TRUE), STATUS_SUCCESS);
	STATUS(NtQueryMutant(shared, MutantBasicInformation, &m, sizeof m, &n), STATUS_SUCCESS);
	SAME(n, 8);
	SAME(m.CurrentCount, 0);
	SAME(m.OwnedByCaller, TRUE);
	SAME(m.AbandonedState, FALSE);
	CHECK(pthread_create(&t, NULL, stranger, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	STATUS(NtReleaseMutant(shared, none), STATUS_ACCESS_VIOLATION);
	STATUS(NtReleaseMutant(shared, (PLONG)((char *)&m + 1)), STATUS_DATATYPE_MISALIGNMENT);
	STATUS(NtReleaseMutant(shared, &count), STATUS_SUCCESS);
	SAME(count, 0);
	STATUS(NtReleaseMutant(shared, NULL), STATUS_MUTANT_NOT_OWNED);
	STATUS(NtQueryMutant(shared, MutantBasicInformation, &m, sizeof m, NULL), STATUS_SUCCESS);
	SAME(m.CurrentCount, 1);
	STATUS(NtQueryMutant(shared, 1, &m, sizeof m, NULL), STATUS_INVALID_INFO_CLASS);
	STATUS(NtQueryMutant(shared, MutantBasicInformation, &m, 7, none), STATUS_INFO_LENGTH_MISMATCH);
	STATUS(NtQueryMutant(NULL, MutantBasicInformation, none, sizeof m, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(NtQueryMutant(NULL, MutantBasicInformation, (char *)&m + 1, sizeof m, NULL), STATUS_DATATYPE_MISALIGNMENT);
	STATUS(NtQueryMutant(NULL, MutantBasicInformation, &m, sizeof m, none), STATUS_ACCESS_VIOLATION);
	STATUS(NtQueryMutant(NULL, MutantBasicInformation, &m, sizeof m, NULL), STATUS_INVALID_HANDLE);
	STATUS(NtCreateMutant(none, MUTANT_ALL_ACCESS, NULL, TRUE), STATUS_ACCESS_VIOLATION);
	CHECK(CloseHandle(shared));
}

/* O-137, O-138: counts and their maximum. */
static void semaphores(void)
{
	SEMAPHORE_BASIC_INFORMATION s;
	LONG before = 77;
	ULONG n = 0;
	HANDLE h;
	STATUS(NtCreateSemaphore(&h, SEMAPHORE_ALL_ACCESS, NULL, 0, 0), STATUS_INVALID_PARAMETER);
	STATUS(NtCreateSemaphore(&h, SEMAPHORE_ALL_ACCESS, NULL, -1, 2), STATUS_INVALID_PARAMETER);
	STATUS(NtCreateSemaphore(&h, SEMAPHORE_ALL_ACCESS, NULL, 3, 2), STATUS_INVALID_PARAMETER);
	STATUS(NtCreateSemaphore(&h, SEMAPHORE_ALL_ACCESS, NULL, 1, 3), STATUS_SUCCESS);
	STATUS(NtReleaseSemaphore(h, 3, &before), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
	SAME(before, 77);
	STATUS(NtReleaseSemaphore(h, 0, &before), STATUS_INVALID_PARAMETER);
	STATUS(NtReleaseSemaphore(h, 1, none), STATUS_ACCESS_VIOLATION);
	STATUS(NtReleaseSemaphore(h, 1, (PLONG)((char *)&before + 1)), STATUS_DATATYPE_MISALIGNMENT);
	STATUS(NtReleaseSemaphore(h, 1, &before), STATUS_SUCCESS);
	SAME(before, 1);
	STATUS(NtQuerySemaphore(h, SemaphoreBasicInformation, &s, sizeof s, &n), STATUS_SUCCESS);
	SAME(n, 8);
	SAME(s.CurrentCount, 2);
	SAME(s.MaximumCount, 3);
	STATUS(NtQuerySemaphore(NULL, SemaphoreBasicInformation, none, sizeof s, NULL), STATUS_ACCESS_VIOLATION);
	FAILS(ReleaseSemaphore(h, 2, NULL), ERROR_TOO_MANY_POSTS);
	CHECK(CloseHandle(h));
}

/* O-139, O-140: a timer's time comes by itself. */
static void timers(void)
{
	TIMER_BASIC_INFORMATION t;
	LARGE_INTEGER due = {.QuadPart = -36000000000};
	BOOLEAN was = 77;
	ULONG n = 0;
	HANDLE h;
	STATUS(NtCreateTimer(&h, TIMER_ALL_ACCESS, NULL, 2), STATUS_INVALID_PARAMETER_4);
	STATUS(NtCreateTimer(&h, TIMER_ALL_ACCESS, NULL, SynchronizationTimer), STATUS_SUCCESS);
	STATUS(NtSetTimer(h, &due, NULL, NULL, FALSE, -1, NULL), STATUS_INVALID_PARAMETER_6);
	STATUS(NtSetTimer(h, none, NULL, NULL, FALSE, 0, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(NtSetTimer(h, &due, NULL, NULL, FALSE, 0, none), STATUS_ACCESS_VIOLATION);
	STATUS(NtSetTimer(h, &due, (PTIMER_APC_ROUTINE)(void *)h, NULL, FALSE, 0, NULL), STATUS_NOT_SUPPORTED);
	STATUS(NtSetTimer(h, &due, NULL, NULL, FALSE, 0, &was), STATUS_SUCCESS);
	SAME(was, FALSE);
	STATUS(NtQueryTimer(h, TimerBasicInformation, &t, sizeof t, &n), STATUS_SUCCESS);
	SAME(n, 16);
	SAME(t.TimerState, FALSE);
	CHECK(t.RemainingTime.QuadPart > 0 && t.RemainingTime.QuadPart <= 36000000000);
	due.QuadPart = 0;
	SetLastError(7);
	CHECK(SetWaitableTimer(h, &due, 0, NULL, NULL, FALSE) && GetLastError() == 7);
	STATUS(NtQueryTimer(h, TimerBasicInformation, &t, sizeof t, NULL), STATUS_SUCCESS);
	SAME(t.TimerState, TRUE);
	CHECK(SetWaitableTimer(h, &due, 0, NULL, NULL, TRUE)); /* documented: a success with a code */
	SAME(GetLastError(), ERROR_NOT_SUPPORTED);
	was = 77;
	STATUS(NtCancelTimer(h, &was), STATUS_SUCCESS);
	SAME(was, TRUE);
	STATUS(NtSetTimer(h, &due, NULL, NULL, TRUE, 0, &was), STATUS_SUCCESS);
	SAME(was, TRUE);
	CHECK(CancelWaitableTimer(h));
	STATUS(NtQueryTimer(h, TimerBasicInformation, &t, 8, NULL), STATUS_INFO_LENGTH_MISMATCH);
	STATUS(NtQueryTimer(NULL, TimerBasicInformation, none, sizeof t, NULL), STATUS_ACCESS_VIOLATION);
	CHECK(CloseHandle(h));
	FAILS(CancelWaitableTimer(h), ERROR_INVALID_HANDLE);
}

/* Names: the object that is there is opened, one of another type refused. */
static void names(void)
{
	SECURITY_ATTRIBUTES sa = {sizeof sa, sddl("D:(A;;0x100001;;;BA)"), TRUE};
	HANDLE m = CreateMutexW(&sa, FALSE, u"Local\\capi-synch"), h;
	DWORD flags = 0;
	CHECK(m != NULL);
	SAME(GetLastError(), ERROR_SUCCESS);
	CHECK(GetHandleInformation(m, &flags));
	SAME(flags, HANDLE_FLAG_INHERIT);
	FAILS(CreateMutexA(NULL, FALSE, "capi-synch"), ERROR_ACCESS_DENIED); /* an open, and asks for all */
	h = CreateMutexExA(NULL, "Global\\capi-synch", 0, MUTEX_MODIFY_STATE);
	CHECK(h != NULL);
	SAME(GetLastError(), ERROR_ALREADY_EXISTS);
	STATUS(NtCompareObjects(m, h), STATUS_SUCCESS);
	CHECK(CloseHandle(h));
	FAILS(CreateMutexExW(NULL, NULL, 2, MUTEX_ALL_ACCESS), ERROR_INVALID_PARAMETER);
	FAILS(OpenMutexA(MUTEX_ALL_ACCESS, FALSE, "capi-synch"), ERROR_ACCESS_DENIED);
	h = OpenMutexW(SYNCHRONIZE, TRUE, u"capi-synch");
	CHECK(h != NULL);
	CHECK(CloseHandle(h));
	FAILS(CreateEventA(NULL, FALSE, FALSE, "capi-synch"), ERROR_INVALID_HANDLE);
	FAILS(CreateSemaphoreA(NULL, 0, 1, "capi-synch"), ERROR_INVALID_HANDLE);
	FAILS(CreateWaitableTimerA(NULL, FALSE, "capi-synch"), ERROR_INVALID_HANDLE);
	FAILS(OpenSemaphoreA(SYNCHRONIZE, FALSE, "capi-synch"), ERROR_INVALID_HANDLE);
	FAILS(OpenWaitableTimerA(SYNCHRONIZE, FALSE, "capi-none"), ERROR_FILE_NOT_FOUND);
	FAILS(OpenMutexA(SYNCHRONIZE, FALSE, NULL), ERROR_INVALID_PARAMETER);
	CHECK(CloseHandle(m));
	m = CreateSemaphoreW(NULL, 1, 4, u"capi-synch");
	h = CreateSemaphoreExA(NULL, 0, 1, "capi-synch", 0, SEMAPHORE_MODIFY_STATE);
	CHECK(m != NULL && h != NULL);
	LONG before = 0;
	CHECK(ReleaseSemaphore(h, 2, &before));
	SAME(before, 1);
	FAILS(CreateSemaphoreExW(NULL, 0, 1, NULL, 1, SEMAPHORE_ALL_ACCESS), ERROR_INVALID_PARAMETER);
	FAILS(CreateSemaphoreW(NULL, 2, 1, NULL), ERROR_INVALID_PARAMETER);
	CHECK(CloseHandle(h));
	CHECK(CloseHandle(m));
	m = CreateWaitableTimerW(NULL, TRUE, u"capi-synch");
	h = OpenWaitableTimerW(TIMER_QUERY_STATE, FALSE, u"capi-synch");
	CHECK(m != NULL && h != NULL);
	LARGE_INTEGER due = {.QuadPart = -1};
	FAILS(SetWaitableTimer(h, &due, 0, NULL, NULL, FALSE), ERROR_ACCESS_DENIED);
	FAILS(SetWaitableTimer(m, &due, -1, NULL, NULL, FALSE), ERROR_INVALID_PARAMETER);
	FAILS(CreateWaitableTimerExW(NULL, NULL, 4, TIMER_ALL_ACCESS), ERROR_INVALID_PARAMETER);
	CHECK(CloseHandle(h));
	CHECK(CloseHandle(m));
}

/* O-141: the links of the session, which are names like others. */
static void links(void)
{
	UNICODE_STRING name, target;
	OBJECT_ATTRIBUTES oa;
	WCHAR room[20];
	ULONG need = 0;
	HANDLE h, e = CreateEventA(NULL, FALSE, FALSE, "Session\\0\\capi-linked"), f;
	f = OpenEventW(EVENT_ALL_ACCESS, FALSE, u"Local\\capi-linked");
	STATUS(NtCompareObjects(e, f), STATUS_SUCCESS);
	CHECK(CloseHandle(e));
	CHECK(CloseHandle(f));
	FAILS(CreateEventA(NULL, FALSE, FALSE, "Session\\7\\capi-linked"), ERROR_PATH_NOT_FOUND);
	FAILS(CreateEventA(NULL, FALSE, FALSE, "global\\capi-linked"), ERROR_PATH_NOT_FOUND); /* as they are written */
	FAILS(CreateEventA(NULL, FALSE, FALSE, "Global"), ERROR_INVALID_HANDLE);
	RtlInitUnicodeString(&name, u"\\BaseNamedObjects\\Global");
	InitializeObjectAttributes(&oa, &name, 0, NULL, NULL);
	STATUS(NtOpenSymbolicLinkObject(&h, 1 /* SYMBOLIC_LINK_QUERY */, &oa), STATUS_SUCCESS);
	target.Buffer = room;
	target.Length = 0;
	target.MaximumLength = 34;
	STATUS(NtQuerySymbolicLinkObject(h, &target, &need), STATUS_BUFFER_TOO_SMALL);
	SAME(need, 36);
	target.MaximumLength = sizeof room;
	memset(room, 0xAA, sizeof room);
	STATUS(NtQuerySymbolicLinkObject(h, &target, NULL), STATUS_SUCCESS);
	SAME(target.Length, 34);
	CHECK(memcmp(room, u"\\BaseNamedObjects", 36) == 0);
	CHECK(CloseHandle(h));
	/* Creating the link again opens it with OBJ_OPENIF, wherever it was to lead. */
	h = NULL;
	InitializeObjectAttributes(&oa, &name, OBJ_OPENIF, NULL, NULL);
	STATUS(NtCreateSymbolicLinkObject(&h, 1, &oa, &name), STATUS_OBJECT_NAME_EXISTS);
	STATUS(NtQuerySymbolicLinkObject(h, &target, NULL), STATUS_SUCCESS);
	CHECK(memcmp(room, u"\\BaseNamedObjects", 36) == 0);
	STATUS(NtQuerySymbolicLinkObject(NULL, none, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(NtQuerySymbolicLinkObject(NULL, &target, none), STATUS_ACCESS_VIOLATION);
	target.Buffer = none;
	STATUS(NtQuerySymbolicLinkObject(NULL, &target, NULL), STATUS_ACCESS_VIOLATION);
	CHECK(CloseHandle(h));
}

/* O-144: how often a thread is suspended. */
static void suspends(void)
{
	HANDLE t = OpenThread(THREAD_SUSPEND_RESUME, FALSE, GetCurrentThreadId());
	ULONG before = 7;
	CHECK(t != NULL);
	SAME(SuspendThread(t), 0);
	STATUS(NtSuspendThread(t, &before), STATUS_SUCCESS);
	SAME(before, 1);
	STATUS(NtSuspendThread(t, none), STATUS_ACCESS_VIOLATION);
	SAME(ResumeThread(t), 2);
	SAME(ResumeThread(t), 1);
	SAME(ResumeThread(t), 0);
	for (int i = 0; i < 127; i++)
		SAME(SuspendThread(t), i);
	SetLastError(0);
	SAME(SuspendThread(t), (DWORD)-1);
	SAME(GetLastError(), 156); /* ERROR_SIGNAL_REFUSED */
	for (int i = 127; i > 0; i--)
		SAME(ResumeThread(t), i);
	CHECK(CloseHandle(t));
	t = OpenThread(THREAD_QUERY_INFORMATION, FALSE, GetCurrentThreadId());
	SAME(SuspendThread(t), (DWORD)-1);
	SAME(GetLastError(), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(t));
}

/* Security by name is that of any of the types. */
static void security_by_name(void)
{
	HANDLE m = CreateMutexA(NULL, FALSE, "capi-synch"), t = CreateWaitableTimerA(NULL, FALSE, "capi-synch-timer");
	PSECURITY_DESCRIPTOR d = NULL;
	SAME(GetNamedSecurityInfoA("capi-synch", SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL, &d),
		ERROR_SUCCESS);
	LocalFree(d);
	SAME(SetNamedSecurityInfoA("capi-synch-timer", SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL),
		ERROR_SUCCESS);
	CHECK(CloseHandle(m));
	CHECK(CloseHandle(t));
}

void test_synch(void)
{
	mutants();
	semaphores();
	timers();
	names();
	links();
	suspends();
	security_by_name();
}
