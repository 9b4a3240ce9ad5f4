/* A function that has no memory for a text or list of its call fails; it does not make the call without it. */
#include <refmon/refmon.h>
#include <stdio.h>
#include <string.h>

/* A text of that length in UTF-16 has as many bytes as a list of that many groups or privileges. */
enum { length = 4315, groups = (length - 3) / 8, privileges = (length - 1) / 6 };
static int refused;

extern void *__libc_malloc(size_t n);

/* Refuses the blocks of that size. */
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
	/* Without one of its lists the new token has more rights than asked for. */
	static SID_AND_ATTRIBUTES sids[groups];
	static LUID_AND_ATTRIBUTES luids[privileges];
	char world[68];
	DWORD size = sizeof world;
	if (!CreateWellKnownSid(WinWorldSid, NULL, world, &size) ||
		!OpenProcessToken(GetCurrentProcess(), TOKEN_DUPLICATE, &token))
		return 2;
	for (int i = 0; i < groups; i++)
		sids[i].Sid = world;
	HANDLE out;
	check("SidsToDisable", !CreateRestrictedToken(token, 0, groups, sids, 0, NULL, 0, NULL, &out));
	check("PrivilegesToDelete", !CreateRestrictedToken(token, 0, 0, NULL, privileges, luids, 0, NULL, &out));
	check("SidsToRestrict", !CreateRestrictedToken(token, 0, 0, NULL, 0, NULL, groups, sids, &out));
	printf("%d calls, %d refused, %d failed\n", 9, refused, failures);
	return failures != 0;
}
