/* The last error, memory, handles, processes and threads by id. */
#include "win.h"

DWORD WINAPI GetLastError(void) { return rm_teb()->last_error; }

void WINAPI SetLastError(DWORD code) { rm_teb()->last_error = code; }

HLOCAL WINAPI LocalFree(HLOCAL p)
{
	free(p);
	return NULL;
}

BOOL WINAPI CloseHandle(HANDLE h) { return done(NtClose(h)); }

BOOL WINAPI DuplicateHandle(HANDLE sourceProcess, HANDLE source, HANDLE targetProcess, LPHANDLE target, DWORD access,
	BOOL inherit, DWORD options)
{
	return done(NtDuplicateObject(sourceProcess, source, targetProcess, target, access, inherit ? OBJ_INHERIT : 0,
		options));
}

BOOL WINAPI CompareObjectHandles(HANDLE a, HANDLE b) { return done(NtCompareObjects(a, b)); }

BOOL WINAPI GetHandleInformation(HANDLE h, LPDWORD flags)
{
	OBJECT_HANDLE_FLAG_INFORMATION f;
	NTSTATUS st = NtQueryObject(h, ObjectHandleFlagInformation, &f, sizeof f, NULL);
	if (NT_SUCCESS(st))
		*flags = (f.Inherit ? HANDLE_FLAG_INHERIT : 0) | (f.ProtectFromClose ? HANDLE_FLAG_PROTECT_FROM_CLOSE : 0);
	return done(st);
}

BOOL WINAPI SetHandleInformation(HANDLE h, DWORD mask, DWORD flags)
{
	return done(rm_set_handle_information(h, mask, flags));
}

HANDLE WINAPI GetCurrentProcess(void) { return NtCurrentProcess(); }

HANDLE WINAPI GetCurrentThread(void) { return NtCurrentThread(); }

DWORD WINAPI GetCurrentProcessId(void)
{
	CLIENT_ID id = {0};
	refmon_client_id(&id);
	return (DWORD)(uintptr_t)id.UniqueProcess;
}

DWORD WINAPI GetCurrentThreadId(void)
{
	CLIENT_ID id = {0};
	refmon_client_id(&id);
	return (DWORD)(uintptr_t)id.UniqueThread;
}

HANDLE WINAPI OpenProcess(DWORD access, BOOL inherit, DWORD pid)
{
	HANDLE h = NULL;
	CLIENT_ID id = {(HANDLE)(uintptr_t)pid, NULL};
	OBJECT_ATTRIBUTES oa;
	InitializeObjectAttributes(&oa, NULL, inherit ? OBJ_INHERIT : 0, NULL, NULL);
	return done(NtOpenProcess(&h, access, &oa, &id)) ? h : NULL;
}

HANDLE WINAPI OpenThread(DWORD access, BOOL inherit, DWORD tid)
{
	HANDLE h = NULL;
	CLIENT_ID id = {NULL, (HANDLE)(uintptr_t)tid};
	OBJECT_ATTRIBUTES oa;
	InitializeObjectAttributes(&oa, NULL, inherit ? OBJ_INHERIT : 0, NULL, NULL);
	return done(NtOpenThread(&h, access, &oa, &id)) ? h : NULL;
}
