/* Making and ending processes. */
#include "win.h"

/* Flags of the program that is not run here. */
#define OF_PROGRAM \
	(DETACHED_PROCESS | CREATE_NEW_CONSOLE | NORMAL_PRIORITY_CLASS | IDLE_PRIORITY_CLASS | HIGH_PRIORITY_CLASS | \
	 REALTIME_PRIORITY_CLASS | CREATE_NEW_PROCESS_GROUP | \
	 CREATE_UNICODE_ENVIRONMENT | BELOW_NORMAL_PRIORITY_CLASS | ABOVE_NORMAL_PRIORITY_CLASS | \
	 CREATE_DEFAULT_ERROR_MODE | CREATE_NO_WINDOW)

static BOOL create(HANDLE token, BOOL program, LPSECURITY_ATTRIBUTES process, LPSECURITY_ATTRIBUTES thread,
	BOOL inherit, DWORD flags, LPPROCESS_INFORMATION out)
{
	if (!program)
		return fail(ERROR_INVALID_PARAMETER);
	if (flags & ~(OF_PROGRAM | CREATE_SUSPENDED))
		return fail(ERROR_NOT_SUPPORTED);
	return done(rm_create_process(token, process, thread, inherit != 0, flags & CREATE_SUSPENDED, out));
}

BOOL WINAPI CreateProcessAsUserW(HANDLE token, LPCWSTR application, LPWSTR command, LPSECURITY_ATTRIBUTES process,
	LPSECURITY_ATTRIBUTES thread, BOOL inherit, DWORD flags, LPVOID environment, LPCWSTR directory, LPSTARTUPINFOW startup,
	LPPROCESS_INFORMATION out)
{
	(void)environment, (void)directory, (void)startup;
	return create(token, application || (command && *command), process, thread, inherit, flags, out);
}

BOOL WINAPI CreateProcessAsUserA(HANDLE token, LPCSTR application, LPSTR command, LPSECURITY_ATTRIBUTES process,
	LPSECURITY_ATTRIBUTES thread, BOOL inherit, DWORD flags, LPVOID environment, LPCSTR directory, LPSTARTUPINFOA startup,
	LPPROCESS_INFORMATION out)
{
	(void)environment, (void)directory, (void)startup;
	return create(token, application || (command && *command), process, thread, inherit, flags, out);
}

BOOL WINAPI CreateProcessW(LPCWSTR application, LPWSTR command, LPSECURITY_ATTRIBUTES process,
	LPSECURITY_ATTRIBUTES thread, BOOL inherit, DWORD flags, LPVOID environment, LPCWSTR directory, LPSTARTUPINFOW startup,
	LPPROCESS_INFORMATION out)
{
	return CreateProcessAsUserW(NULL, application, command, process, thread, inherit, flags, environment, directory,
		startup, out);
}

BOOL WINAPI CreateProcessA(LPCSTR application, LPSTR command, LPSECURITY_ATTRIBUTES process,
	LPSECURITY_ATTRIBUTES thread, BOOL inherit, DWORD flags, LPVOID environment, LPCSTR directory, LPSTARTUPINFOA startup,
	LPPROCESS_INFORMATION out)
{
	return CreateProcessAsUserA(NULL, application, command, process, thread, inherit, flags, environment, directory,
		startup, out);
}

BOOL WINAPI TerminateProcess(HANDLE process, UINT code) { return done(NtTerminateProcess(process, (NTSTATUS)code)); }

DWORD WINAPI SuspendThread(HANDLE thread)
{
	ULONG count;
	return done(NtSuspendThread(thread, &count)) ? count : (DWORD)-1;
}

DWORD WINAPI ResumeThread(HANDLE thread)
{
	ULONG count;
	return done(NtResumeThread(thread, &count)) ? count : (DWORD)-1;
}

BOOL WINAPI AssignProcessToJobObject(HANDLE job, HANDLE process)
{
	return done(NtAssignProcessToJobObject(job, process));
}

BOOL WINAPI SetInformationJobObject(HANDLE job, JOBOBJECTINFOCLASS class, LPVOID information, DWORD length)
{
	return done(NtSetInformationJobObject(job, class, information, length));
}
