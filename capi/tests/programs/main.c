/* Programs that CreateProcess starts with a daemon: this one starts itself. */
#include "../check.h"
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

atomic_int checks, failures;

static char self[4096];

/* The program that is started: child EVENT "two words". It reads from its input which process it is to be. */
static int child(char **argv)
{
	HANDLE event = (HANDLE)(uintptr_t)strtoull(argv[2], NULL, 16), t;
	unsigned id = 0;
	char folder[4096];
	CHECK(scanf("%u", &id) == 1);
	SAME(GetCurrentProcessId(), id);
	CHECK(argv[3] && strcmp(argv[3], "two \"words\"") == 0 && !argv[4]);
	CHECK(getenv("WORD") && strcmp(getenv("WORD"), "w\xc3\xb6rd \xf0\x9f\x98\x80") == 0);
	CHECK(!getenv("OURS"));
	CHECK(getcwd(folder, sizeof folder) && strcmp(folder, "/") == 0);
	union { TOKEN_PRIVILEGES p; char room[1000]; } held;
	DWORD n;
	CHECK(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &t));
	CHECK(GetTokenInformation(t, TokenPrivileges, &held, sizeof held, &n));
	SAME(held.p.PrivilegeCount, 1);
	if (failures == 0)
		CHECK(SetEvent(event)); /* at the value that the parent has */
	return failures == 0 ? 5 : 1;
}

static HANDLE without_privileges(void)
{
	HANDLE own, t = NULL;
	CHECK(OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &own));
	CHECK(CreateRestrictedToken(own, DISABLE_MAX_PRIVILEGE, 0, NULL, 0, NULL, 0, NULL, &t));
	CHECK(CloseHandle(own));
	return t;
}

/* The process of p ends, with this exit code (W-77). Closes both handles. */
static void finished(PROCESS_INFORMATION *p, DWORD code)
{
	DWORD got = 0;
	SAME(WaitForSingleObject(p->hProcess, 120000), WAIT_OBJECT_0);
	CHECK(GetExitCodeProcess(p->hProcess, &got));
	SAME(got, code);
	CHECK(GetExitCodeThread(p->hThread, &got));
	SAME(got, code);
	CHECK(CloseHandle(p->hThread));
	CHECK(CloseHandle(p->hProcess));
}

/* This process has as many handles as before a program was created. The library may close its own handles of the
 * program shortly after its end. */
static void closed(ULONG before)
{
	for (int i = 0; i < 10000 && handle_count() != before; i++)
		usleep(1000);
	SAME(handle_count(), before);
}

/* A program has its token, event, arguments, environment and folder. Its process lasts until the program ends. */
static void runs(BOOL wide, BOOL wide_environment, DWORD flags)
{
	SECURITY_ATTRIBUTES sa = {sizeof sa, NULL, TRUE};
	ULONG before = handle_count();
	HANDLE event = CreateEventA(&sa, TRUE, FALSE, NULL), t = without_privileges();
	PROCESS_INFORMATION p;
	STARTUPINFOA si = {sizeof si};
	STARTUPINFOW siw = {sizeof siw};
	char line[8192];
	char bytes[] = "WORD=w\xc3\xb6rd \xf0\x9f\x98\x80\0PATH=/bin\0";
	WCHAR units[] = u"WORD=w\u00f6rd \U0001f600\0PATH=/bin\0";
	LPVOID environment = wide_environment ? (LPVOID)units : (LPVOID)bytes;
	WCHAR linew[8192];
	int in[2], was = dup(0);
	CHECK(pipe(in) == 0 && dup2(in[0], 0) == 0);
	snprintf(line, sizeof line, "\"%s\" child %llx \"two \\\"words\\\"\"", self, (unsigned long long)(uintptr_t)event);
	for (size_t i = 0; i <= strlen(line); i++)
		linew[i] = (unsigned char)line[i];
	if (wide_environment)
		flags |= CREATE_UNICODE_ENVIRONMENT;
	if (wide)
		CHECK(CreateProcessAsUserW(t, NULL, linew, NULL, NULL, TRUE, flags, environment, u"/", &siw, &p));
	else
		CHECK(CreateProcessAsUserA(t, self, line, NULL, NULL, TRUE, flags, environment, "/", &si, &p));
	if (flags & CREATE_SUSPENDED) {
		SAME(SuspendThread(p.hThread), 1);
		SAME(ResumeThread(p.hThread), 2);
		SAME(ResumeThread(p.hThread), 1);
		SAME(ResumeThread(p.hThread), 0);
	}
	dup2(was, 0);
	close(was);
	close(in[0]);
	SAME(WaitForSingleObject(p.hProcess, 0), WAIT_TIMEOUT);
	SAME(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
	dprintf(in[1], "%u\n", p.dwProcessId);
	close(in[1]);
	finished(&p, 5);
	SAME(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
	CHECK(CloseHandle(event));
	CHECK(CloseHandle(t));
	closed(before);
}

/* TerminateProcess ends the program, and one that has not started. The handle needs no other right. */
static void ended(DWORD flags, DWORD code)
{
	PROCESS_INFORMATION p;
	STARTUPINFOA si = {sizeof si};
	ULONG before = handle_count();
	HANDLE own = GetCurrentProcess(), weak;
	CHECK(CreateProcessA(NULL, "program", NULL, NULL, FALSE, flags, NULL, NULL, &si, &p));
	CHECK(DuplicateHandle(own, p.hProcess, own, &weak, PROCESS_TERMINATE, FALSE, 0));
	SAME(WaitForSingleObject(p.hProcess, 0), WAIT_TIMEOUT);
	CHECK(TerminateProcess(weak, code));
	FAILS(TerminateProcess(weak, 4), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(weak));
	finished(&p, code);
	closed(before);
}

/* Another program ends one that has not started. The library closes its handles when it starts the next program. */
static void ended_by_another(void)
{
	SECURITY_ATTRIBUTES sa = {sizeof sa, NULL, TRUE};
	PROCESS_INFORMATION p, other;
	STARTUPINFOA si = {sizeof si};
	ULONG before = handle_count();
	char line[8192];
	CHECK(CreateProcessA(NULL, "program", &sa, NULL, FALSE, CREATE_SUSPENDED, NULL, NULL, &si, &p));
	snprintf(line, sizeof line, "\"%s\" end %llx", self, (unsigned long long)(uintptr_t)p.hProcess);
	CHECK(CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &si, &other));
	finished(&other, 0);
	finished(&p, 3);
	CHECK(CreateProcessA("/bin/true", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p));
	finished(&p, 0);
	closed(before);
}

/* Programs that know nothing of this: the exit code, and 128 and the signal that killed it. */
static void strangers(void)
{
	PROCESS_INFORMATION p;
	STARTUPINFOA si = {sizeof si};
	CHECK(CreateProcessA("/bin/sh", "sh -c \"exit 7\"", NULL, NULL, FALSE, 0, NULL, NULL, &si, &p));
	finished(&p, 7);
	/* A resume also starts a program whose process nobody may open. The handle only needs THREAD_SUSPEND_RESUME. */
	SECURITY_ATTRIBUTES sa = {sizeof sa, NULL, FALSE};
	HANDLE own = GetCurrentProcess(), weak;
	CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorA("D:(A;;0x1001;;;WD)", 1, &sa.lpSecurityDescriptor,
		NULL));
	PROCESS_INFORMATION each[5];
	char line[] = "sh -c \"exit 0\"";
	for (int i = 0; i < 5; i++, line[12]++)
		CHECK(CreateProcessA("/bin/sh", line, &sa, NULL, FALSE, CREATE_SUSPENDED, NULL, NULL, &si, &each[i]));
	ended(CREATE_SUSPENDED, 3); /* the end of another program does not change that */
	for (int i = 0; i < 5; i++) {
		CHECK(DuplicateHandle(own, each[i].hThread, own, &weak, THREAD_SUSPEND_RESUME, FALSE, 0));
		SAME(ResumeThread(weak), 1);
		CHECK(CloseHandle(weak));
		finished(&each[i], i);
	}
	LocalFree(sa.lpSecurityDescriptor);
	CHECK(CreateProcessA("/bin/sh", "sh -c \"kill -9 $$\"", NULL, NULL, FALSE, 0, NULL, NULL, &si, &p));
	finished(&p, 128 + 9);
}

/* A relative name is that of a file in this program's folder, not in the new one's. PATH is the present one. */
static void relative(void)
{
	PROCESS_INFORMATION p;
	STARTUPINFOA si = {sizeof si};
	char here[4096], folder[] = "/tmp/programs-XXXXXX", inner[64], path[8192];
	snprintf(path, sizeof path, "%s", getenv("PATH"));
	CHECK(getcwd(here, sizeof here) && mkdtemp(folder) && chdir(folder) == 0 && mkdir("inner", 0700) == 0);
	CHECK(symlink("/bin/true", "tool") == 0 && symlink("/bin/false", "inner/tool") == 0);
	CHECK(CreateProcessA("./tool", NULL, NULL, NULL, FALSE, 0, NULL, "inner", &si, &p));
	finished(&p, 0);
	CHECK(CreateProcessA(NULL, "./tool", NULL, NULL, FALSE, 0, NULL, "inner", &si, &p));
	finished(&p, 0);
	snprintf(inner, sizeof inner, "%s/inner", folder);
	setenv("PATH", inner, 1);
	if (CreateProcessA(NULL, "tool", NULL, NULL, FALSE, 0, NULL, NULL, &si, &p))
		finished(&p, 1);
	else
		SAME(GetLastError(), ERROR_SUCCESS);
	setenv("PATH", path, 1);
	CHECK(unlink("tool") == 0 && unlink("inner/tool") == 0 && rmdir("inner") == 0);
	CHECK(chdir(here) == 0 && rmdir(folder) == 0);
}

static void refused(void)
{
	PROCESS_INFORMATION p = {0};
	STARTUPINFOA si = {sizeof si};
	ULONG before = handle_count();
	FAILS(CreateProcessA("program that is not there", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p),
		ERROR_FILE_NOT_FOUND);
	FAILS(CreateProcessA(NULL, "notthere x", NULL, NULL, FALSE, 0, NULL, NULL, &si, &p), ERROR_FILE_NOT_FOUND);
	FAILS(CreateProcessA("/", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p), ERROR_FILE_NOT_FOUND);
	FAILS(CreateProcessA("/etc/passwd", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &si, &p), ERROR_ACCESS_DENIED);
	FAILS(CreateProcessA(NULL, "/etc/passwd", NULL, NULL, FALSE, 0, NULL, NULL, &si, &p), ERROR_FILE_NOT_FOUND);
	FAILS(CreateProcessA(NULL, "program", NULL, NULL, FALSE, 0, NULL, "/etc/passwd", &si, &p), ERROR_DIRECTORY);
	FAILS(CreateProcessA(NULL, "program", NULL, NULL, FALSE, 0, NULL, "/not/there", &si, &p), ERROR_DIRECTORY);
	SAME((uintptr_t)p.hProcess, 0);
	SAME(handle_count(), before);
	PROCESS_INFORMATION q;
	CHECK(CreateProcessA("/etc/passwd", NULL, NULL, NULL, FALSE, CREATE_SUSPENDED, NULL, NULL, &si, &p));
	CHECK(CreateProcessA("/etc/passwd", NULL, NULL, NULL, FALSE, CREATE_SUSPENDED, NULL, NULL, &si, &q));
	SAME(ResumeThread(q.hThread), 1);
	SAME(WaitForSingleObject(p.hProcess, 0), WAIT_TIMEOUT); /* only the program of that thread starts (O-167) */
	finished(&q, (DWORD)STATUS_UNSUCCESSFUL);
	SAME(ResumeThread(p.hThread), 1);
	finished(&p, (DWORD)STATUS_UNSUCCESSFUL);
	HANDLE other;
	if (LogonUserA("SYSTEM", "NT AUTHORITY", NULL, LOGON32_LOGON_SERVICE, LOGON32_PROVIDER_DEFAULT, &other))
		FAILS(CreateProcessAsUserA(other, NULL, "program", NULL, NULL, FALSE, 0, NULL, NULL, &si, &p),
			ERROR_PRIVILEGE_NOT_HELD);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return !TerminateProcess((HANDLE)(uintptr_t)strtoull(argv[2], NULL, 16), 3);
	if (argc > 1)
		return child(argv);
	CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
	setenv("OURS", "the environment that is given takes its place", 1);
	for (int i = 0; i < 4; i++) /* the flag, not the function, tells how wide the environment is */
		runs(i & 1, i >> 1, 0);
	runs(FALSE, FALSE, CREATE_SUSPENDED);
	ended(0, 3);
	ended(CREATE_SUSPENDED, 3);
	ended(CREATE_SUSPENDED, STILL_ACTIVE); /* a process may also have ended with this code */
	ended_by_another();
	strangers();
	relative();
	refused();
	printf("%d assertions, %d failed\n", checks, failures);
	return failures != 0;
}
