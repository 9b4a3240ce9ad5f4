/* Looking at processes, threads and handles. */
#include "check.h"

/* A process ends once; what it ended with is told of it and of its threads (O-169). */
static void codes(void)
{
	PROCESS_INFORMATION p;
	STARTUPINFOA si = {sizeof si};
	DWORD code = 0;
	CHECK(CreateProcessA(NULL, "program", NULL, NULL, FALSE, 0, NULL, NULL, &si, &p));
	CHECK(GetExitCodeProcess(p.hProcess, &code));
	SAME(code, STILL_ACTIVE);
	CHECK(GetExitCodeThread(p.hThread, &code));
	SAME(code, STILL_ACTIVE);
	CHECK(TerminateProcess(p.hProcess, 3));
	STATUS(NtTerminateProcess(p.hProcess, 4), STATUS_PROCESS_IS_TERMINATING);
	CHECK(GetExitCodeProcess(p.hProcess, &code));
	SAME(code, 3);
	code = 0;
	CHECK(GetExitCodeThread(p.hThread, &code));
	SAME(code, 3);
	FAILS(GetExitCodeProcess(p.hThread, &code), ERROR_INVALID_HANDLE);
	FAILS(GetExitCodeThread(NULL, &code), ERROR_INVALID_HANDLE);
	CHECK(CloseHandle(p.hThread));
	CHECK(CloseHandle(p.hProcess));
}

/* Processes are walked, and asked who they are and what they hold (U-95, U-96, U-97). */
void test_looking(void)
{
	PROCESS_BASIC_INFORMATION b;
	THREAD_BASIC_INFORMATION t;
	KERNEL_USER_TIMES times;
	HANDLE p = NULL, next, own = process_token(TOKEN_QUERY);
	CLIENT_ID id;
	ULONG n, count, seen = 0;
	union { PROCESS_HANDLE_SNAPSHOT_INFORMATION list; UNICODE_STRING name; char room[1 << 16]; } u;
	codes();
	refmon_client_id(&id);
	STATUS(NtQueryInformationProcess(NtCurrentProcess(), ProcessBasicInformation, &b, sizeof b, &n), STATUS_SUCCESS);
	SAME(n, sizeof b);
	SAME(b.UniqueProcessId, (ULONG_PTR)id.UniqueProcess);
	SAME((ULONG)b.ExitStatus, (ULONG)STATUS_PENDING);
	STATUS(NtQueryInformationProcess(NtCurrentProcess(), ProcessBasicInformation, &b, sizeof b - 1, NULL),
		STATUS_INFO_LENGTH_MISMATCH);
	STATUS(NtQueryInformationProcess(NULL, ProcessBasicInformation, NULL, 0, none), STATUS_ACCESS_VIOLATION);
	STATUS(NtQueryInformationThread(NULL, ThreadBasicInformation, none, sizeof t, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(NtQueryInformationProcess(NtCurrentProcess(), 99, &b, sizeof b, &n), STATUS_INVALID_INFO_CLASS);
	STATUS(NtQueryInformationProcess(NtCurrentProcess(), ProcessTimes, &times, sizeof times, &n), STATUS_SUCCESS);
	STATUS(NtQueryInformationThread(NtCurrentThread(), ThreadBasicInformation, &t, sizeof t, &n), STATUS_SUCCESS);
	SAME((ULONG_PTR)t.ClientId.UniqueThread, (ULONG_PTR)id.UniqueThread);
	STATUS(NtQueryInformationThread(NtCurrentThread(), ThreadNameInformation, &u, sizeof u, &n), STATUS_SUCCESS);
	SAME(u.name.Length + sizeof u.name + 2, n);
	CHECK(u.name.Buffer == (PWSTR)(&u.name + 1));
	STATUS(NtQueryInformationProcess(NtCurrentProcess(), ProcessImageFileName, &u, sizeof u, &n), STATUS_SUCCESS);
	CHECK(u.name.Buffer == (PWSTR)(&u.name + 1) && u.name.Length && u.name.Buffer[u.name.Length / 2 - 1]);
	STATUS(NtQueryInformationProcess(NtCurrentProcess(), ProcessHandleCount, &count, sizeof count, &n), STATUS_SUCCESS);
	STATUS(NtQueryInformationProcess(NtCurrentProcess(), ProcessHandleInformation, &u, 20, &n),
		STATUS_INFO_LENGTH_MISMATCH);
	SAME(n, 16 + 40 * count);
	STATUS(NtQueryInformationProcess(NtCurrentProcess(), ProcessHandleInformation, &u, sizeof u, &n), STATUS_SUCCESS);
	SAME(u.list.NumberOfHandles, count);
	SAME(n, 16 + 40 * count);
	for (ULONG i = 0; i < count; i++)
		if (u.list.Handles[i].HandleValue == own) {
			SAME(u.list.Handles[i].GrantedAccess, TOKEN_QUERY);
			seen++;
		}
	SAME(seen, 1);
	for (seen = 0; NtGetNextProcess(p, PROCESS_QUERY_INFORMATION, 0, 0, &next) == STATUS_SUCCESS; p = next) {
		if (p)
			CHECK(CloseHandle(p));
		STATUS(NtQueryInformationProcess(next, ProcessBasicInformation, &b, sizeof b, &n), STATUS_SUCCESS);
		seen += b.UniqueProcessId == (ULONG_PTR)id.UniqueProcess;
	}
	SAME(seen, 1);
	CHECK(CloseHandle(p));
	CHECK(CloseHandle(own));
}
