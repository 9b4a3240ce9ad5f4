/* An A form that has no memory for the text of a call fails; it does not call the W form without the text. */
#include <refmon/refmon.h>
#include <stdio.h>
#include <string.h>

enum { length = 4321 };
static int refused;

extern void *__libc_malloc(size_t n);

/* Refuses the blocks that hold a text of that length in UTF-16. */
void *malloc(size_t n)
{
	if (n == 2 * (length + 1)) {
		refused++;
		return NULL;
	}
	return __libc_malloc(n);
}

static int failures;

static void check(const char *name, int failed)
{
	DWORD code = GetLastError();
	if (failed && code == ERROR_NOT_ENOUGH_MEMORY)
		return;
	failures++;
	printf("%s: %s, code %u\n", name, failed ? "failed" : "succeeded", code);
}

int main(void)
{
	static char text[length + 1];
	memset(text, 'x', length);
	/* Without its name no other program can open the object. */
	check("CreateEventA", !CreateEventA(NULL, TRUE, FALSE, text));
	check("CreateMutexA", !CreateMutexA(NULL, FALSE, text));
	check("CreateNamedPipeA", CreateNamedPipeA(text, PIPE_ACCESS_DUPLEX, 0, 1, 0, 0, 0, NULL) == INVALID_HANDLE_VALUE);
	/* Without the name of a system a lookup is made on this computer. */
	LUID luid;
	check("LookupPrivilegeValueA", !LookupPrivilegeValueA(text, "SeDebugPrivilege", &luid));
	HANDLE token;
	check("LogonUserA", !LogonUserA("Administrator", text, "x", LOGON32_LOGON_NETWORK, 0, &token));
	char name[300];
	DWORD n = length;
	check("GetUserNameA", !GetUserNameA(name, &n));
	printf("%d calls, %d refused, %d failed\n", 6, refused, failures);
	return failures != 0;
}
