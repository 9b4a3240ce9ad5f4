#include "check.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

atomic_int checks, failures;
void *readonly, *none;

HANDLE process_token(ACCESS_MASK access)
{
	HANDLE h = NULL;
	STATUS(NtOpenProcessToken(NtCurrentProcess(), access, &h), STATUS_SUCCESS);
	return h;
}

HANDLE client(SECURITY_IMPERSONATION_LEVEL level)
{
	HANDLE own = process_token(TOKEN_DUPLICATE), h = NULL;
	CHECK(DuplicateTokenEx(own, TOKEN_ALL_ACCESS, NULL, level, TokenImpersonation, &h));
	CHECK(CloseHandle(own));
	return h;
}

PSECURITY_DESCRIPTOR sddl(const char *text)
{
	PSECURITY_DESCRIPTOR d = NULL;
	CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorA(text, SDDL_REVISION_1, &d, NULL));
	return d;
}

static pthread_barrier_t turn;
static pthread_t ending;
static void *end(void *handle)
{
	DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), handle, 0, FALSE,
		DUPLICATE_SAME_ACCESS);
	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&turn);
	return NULL;
}

/* The first wait of a program makes a descriptor to learn of threads that end. This one ends just before. */
int eventfd(unsigned count, int flags)
{
	if (ending) {
		pthread_barrier_wait(&turn);
		pthread_join(ending, NULL);
	}
	return (int)syscall(SYS_eventfd2, count, flags);
}

static BOOL first_wait(void)
{
	HANDLE h;
	pthread_barrier_init(&turn, NULL, 2);
	pthread_create(&ending, NULL, end, &h);
	pthread_barrier_wait(&turn);
	return WaitForSingleObject(h, 60000) == WAIT_OBJECT_0;
}

/* A child of fork is refused, and says so once. After exec it may call again, wait, and end itself. */
static void test_fork(void)
{
	int out[2];
	CHECK(pipe(out) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(out[1], 2);
		int ok = NtClose(NULL) == (NTSTATUS)STATUS_NOT_SUPPORTED && NtClose(NULL) == (NTSTATUS)STATUS_NOT_SUPPORTED;
		ok = ok && !CloseHandle(NULL) && GetLastError() == ERROR_NOT_SUPPORTED;
		ok = ok && GetCurrentProcessId() == 0 && GetCurrentThreadId() == 0;
		if (ok)
			execl("/proc/self/exe", "tests", "end", (char *)NULL);
		_exit(8);
	}
	int status;
	char text[300] = "";
	CHECK(waitpid(pid, &status, 0) == pid);
	SAME(WEXITSTATUS(status), (BYTE)STILL_ACTIVE); /* an exit code like any other */
	close(out[1]);
	CHECK(read(out[0], text, sizeof text - 1) > 0);
	CHECK(strstr(text, "forked") != NULL);
	CHECK(strstr(strstr(text, "forked") + 1, "forked") == NULL);
	close(out[0]);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "end"))
		return first_wait() && TerminateProcess(GetCurrentProcess(), STILL_ACTIVE) ? 9 : 10;
	readonly = (char *)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096;
	CHECK(!mprotect(readonly, 4096, PROT_READ));
	none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	test_pointers();
	test_tokens();
	test_query();
	test_impersonation();
	test_checks();
	test_security();
	test_text();
	test_wellknown();
	test_logon();
	test_entries();
	test_accounts();
	test_parts();
	test_objects();
	test_synch();
	test_waits();
	test_bounds();
	test_overlapped();
	test_pipeinfo();
	test_pipewait();
	test_devices();
	test_threads();
	test_pipes();
	test_files();
	test_instances();
	test_ports();
	test_routines();
	test_validated();
	test_ace_data();
	test_identities();
	test_descriptors();
	test_trustees();
	test_audit_checks();
	test_processes();
	test_looking();
	test_jobs();
	test_flip();
	test_fuzz();
	test_fork();
	printf("%d assertions, %d failed\n", checks, failures);
	return failures != 0;
}
