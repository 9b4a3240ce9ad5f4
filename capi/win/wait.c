/* Events that are set and reset, waiting, and calls that are queued to threads. */
#include "win.h"

BOOL WINAPI SetEvent(HANDLE event) { return done(NtSetEvent(event, NULL)); }

BOOL WINAPI ResetEvent(HANDLE event) { return done(NtResetEvent(event, NULL)); }

/* What the services take for a time in milliseconds; NULL for INFINITE. */
static PLARGE_INTEGER span(LARGE_INTEGER *t, DWORD ms)
{
	t->QuadPart = ms * -10000ll;
	return ms == INFINITE ? NULL : t;
}

/* STATUS_USER_APC and STATUS_TIMEOUT are WAIT_IO_COMPLETION and WAIT_TIMEOUT. */
static DWORD waited(NTSTATUS st) { return NT_SUCCESS(st) ? (DWORD)st : (done(st), WAIT_FAILED); }

DWORD WINAPI WaitForSingleObjectEx(HANDLE h, DWORD ms, BOOL alertable)
{
	LARGE_INTEGER t;
	return waited(NtWaitForSingleObject(h, alertable != 0, span(&t, ms)));
}

DWORD WINAPI WaitForSingleObject(HANDLE h, DWORD ms) { return WaitForSingleObjectEx(h, ms, FALSE); }

DWORD WINAPI WaitForMultipleObjectsEx(DWORD n, const HANDLE *handles, BOOL all, DWORD ms, BOOL alertable)
{
	LARGE_INTEGER t;
	return waited(NtWaitForMultipleObjects(n, handles, all ? WaitAll : WaitAny, alertable != 0, span(&t, ms)));
}

DWORD WINAPI WaitForMultipleObjects(DWORD n, const HANDLE *handles, BOOL all, DWORD ms)
{
	return WaitForMultipleObjectsEx(n, handles, all, ms, FALSE);
}

DWORD WINAPI SleepEx(DWORD ms, BOOL alertable)
{
	LARGE_INTEGER t = {.QuadPart = ms == INFINITE ? (LONGLONG)1 << 63 : ms * -10000ll};
	return NtDelayExecution(alertable != 0, &t) == STATUS_USER_APC ? WAIT_IO_COMPLETION : 0;
}

void WINAPI Sleep(DWORD ms) { SleepEx(ms, FALSE); }

DWORD WINAPI QueueUserAPC(PAPCFUNC routine, HANDLE thread, ULONG_PTR data)
{
	return (DWORD)done(NtQueueApcThread(thread, (PPS_APC_ROUTINE)(void *)routine, (PVOID)data, NULL, NULL));
}
