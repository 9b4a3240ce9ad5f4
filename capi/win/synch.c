/* Mutexes, semaphores and waitable timers. */
#include "win.h"

/* Whether flags has none but those known; else the last error is set. */
static BOOL known(DWORD flags, DWORD of) { return flags & ~of ? fail(ERROR_INVALID_PARAMETER) : TRUE; }

HANDLE WINAPI CreateMutexExW(LPSECURITY_ATTRIBUTES sa, LPCWSTR name, DWORD flags, DWORD access)
{
	HANDLE h = NULL;
	struct named n;
	if (!known(flags, CREATE_MUTEX_INITIAL_OWNER) || !rm_named(&n, name, sa))
		return NULL;
	return rm_made(&n, NtCreateMutant(&h, access, &n.oa, flags & CREATE_MUTEX_INITIAL_OWNER)) ? h : NULL;
}

HANDLE WINAPI CreateMutexW(LPSECURITY_ATTRIBUTES sa, BOOL owner, LPCWSTR name)
{
	return CreateMutexExW(sa, name, owner ? CREATE_MUTEX_INITIAL_OWNER : 0, MUTEX_ALL_ACCESS);
}

HANDLE WINAPI OpenMutexW(DWORD access, BOOL inherit, LPCWSTR name)
{
	return rm_open_by(NtOpenMutant, access, inherit, name);
}

BOOL WINAPI ReleaseMutex(HANDLE mutex) { return done(NtReleaseMutant(mutex, NULL)); }

HANDLE WINAPI CreateSemaphoreExW(LPSECURITY_ATTRIBUTES sa, LONG initial, LONG maximum, LPCWSTR name, DWORD flags,
	DWORD access)
{
	HANDLE h = NULL;
	struct named n;
	if (!known(flags, 0) || !rm_named(&n, name, sa))
		return NULL;
	return rm_made(&n, NtCreateSemaphore(&h, access, &n.oa, initial, maximum)) ? h : NULL;
}

HANDLE WINAPI CreateSemaphoreW(LPSECURITY_ATTRIBUTES sa, LONG initial, LONG maximum, LPCWSTR name)
{
	return CreateSemaphoreExW(sa, initial, maximum, name, 0, SEMAPHORE_ALL_ACCESS);
}

HANDLE WINAPI OpenSemaphoreW(DWORD access, BOOL inherit, LPCWSTR name)
{
	return rm_open_by(NtOpenSemaphore, access, inherit, name);
}

BOOL WINAPI ReleaseSemaphore(HANDLE semaphore, LONG count, LPLONG previous)
{
	return done(NtReleaseSemaphore(semaphore, count, previous));
}

HANDLE WINAPI CreateWaitableTimerExW(LPSECURITY_ATTRIBUTES sa, LPCWSTR name, DWORD flags, DWORD access)
{
	HANDLE h = NULL;
	struct named n;
	if (!known(flags, CREATE_WAITABLE_TIMER_MANUAL_RESET | CREATE_WAITABLE_TIMER_HIGH_RESOLUTION)
		|| !rm_named(&n, name, sa))
		return NULL;
	NTSTATUS st = NtCreateTimer(&h, access, &n.oa,
		flags & CREATE_WAITABLE_TIMER_MANUAL_RESET ? NotificationTimer : SynchronizationTimer);
	return rm_made(&n, st) ? h : NULL;
}

HANDLE WINAPI CreateWaitableTimerW(LPSECURITY_ATTRIBUTES sa, BOOL manual, LPCWSTR name)
{
	return CreateWaitableTimerExW(sa, name, manual ? CREATE_WAITABLE_TIMER_MANUAL_RESET : 0, TIMER_ALL_ACCESS);
}

HANDLE WINAPI OpenWaitableTimerW(DWORD access, BOOL inherit, LPCWSTR name)
{
	return rm_open_by(NtOpenTimer, access, inherit, name);
}

BOOL WINAPI SetWaitableTimer(HANDLE timer, const LARGE_INTEGER *due, LONG period, PTIMERAPCROUTINE routine, LPVOID arg,
	BOOL resume)
{
	BOOL set = done(NtSetTimer(timer, (PLARGE_INTEGER)due, (PTIMER_APC_ROUTINE)(void *)routine, arg, resume != 0,
		period, NULL));
	if (set && resume) /* no timer here wakes a computer that sleeps */
		SetLastError(ERROR_NOT_SUPPORTED);
	return set;
}

BOOL WINAPI CancelWaitableTimer(HANDLE timer) { return done(NtCancelTimer(timer, NULL)); }
