// The Windows half of the adapter: reads one call a line, calls advapi32 and ntdll, and writes one line.
//
// Words are separated by blanks; bytes are hexadecimal, and "-" is none. Texts are UTF-16LE.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <aclapi.h>
#include <sddl.h>

#define MAX_WORDS 400
static BYTE bytes[8][65536];
static int used;

// decode returns the bytes of a word, NULL for "-".
static void *decode(const char *s, DWORD *size)
{
	BYTE *b = memset(bytes[used++ % 8], 0, sizeof bytes[0]);
	*size = 0;
	if (!s || !strcmp(s, "-"))
		return NULL;
	for (unsigned v; *size < 65530 && sscanf(s, "%2x", &v) == 1; s += 2)
		b[(*size)++] = v;
	b[*size] = b[*size + 1] = 0;
	return b;
}

static void print(const char *head, const void *data, DWORD size)
{
	printf("%s ", head);
	for (DWORD i = 0; i < size; i++)
		printf("%02x", ((const BYTE *)data)[i]);
	puts("");
}

// fail writes the error that the last call set, or "other" for a mistake of this program.
static void fail(void) { printf("err %lu\n", GetLastError()); }

static void parse(char **w)
{
	DWORD n;
	PSECURITY_DESCRIPTOR sd;
	if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(decode(w[1], &n), SDDL_REVISION_1, &sd, NULL))
		return fail();
	print("ok", sd, GetSecurityDescriptorLength(sd));
	LocalFree(sd);
}

static void format(char **w)
{
	DWORD n;
	LPWSTR text;
	if (!ConvertSecurityDescriptorToStringSecurityDescriptorW(decode(w[1], &n), SDDL_REVISION_1, 0xf, &text, NULL))
		return fail();
	print("ok", text, lstrlenW(text) * 2);
	LocalFree(text);
}

BOOLEAN NTAPI RtlValidRelativeSecurityDescriptor(PSECURITY_DESCRIPTOR, ULONG, SECURITY_INFORMATION);

// read checks the bytes, takes the descriptor apart and puts it together again.
static void read_descriptor(char **w)
{
	static BYTE sd[4096], dacl[65536], sacl[65536], owner[512], group[512], out[65536];
	DWORD n, a = sizeof sd, d = sizeof dacl, s = sizeof sacl, o = sizeof owner, g = sizeof group, z = sizeof out;
	void *in = decode(w[1], &n);
	if (!RtlValidRelativeSecurityDescriptor(in, n, 0))
		SetLastError(ERROR_INVALID_SECURITY_DESCR), fail();
	else if (!MakeAbsoluteSD(in, (void *)sd, &a, (void *)dacl, &d, (void *)sacl, &s, owner, &o, group, &g) ||
		 !MakeSelfRelativeSD((void *)sd, out, &z))
		fail();
	else
		print("ok", out, GetSecurityDescriptorLength(out));
}

static HANDLE own_token(DWORD level)
{
	HANDLE own, copy = NULL;
	OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &own);
	DuplicateTokenEx(own, TOKEN_ALL_ACCESS, NULL, level, TokenImpersonation, &copy);
	CloseHandle(own);
	return copy;
}

// show writes user, groups and privileges of the process's token as SIDs and names.
static void show(char **w)
{
	static BYTE b[8192];
	DWORD n;
	LPSTR s;
	HANDLE t = own_token(SecurityImpersonation);
	(void)w;
	GetTokenInformation(t, TokenUser, b, sizeof b, &n);
	ConvertSidToStringSidA(((TOKEN_USER *)b)->User.Sid, &s);
	printf("ok %s", s);
	GetTokenInformation(t, TokenGroups, b, sizeof b, &n);
	for (DWORD i = 0; i < ((TOKEN_GROUPS *)b)->GroupCount; i++) {
		ConvertSidToStringSidA(((TOKEN_GROUPS *)b)->Groups[i].Sid, &s);
		printf(" %s=%lx", s, ((TOKEN_GROUPS *)b)->Groups[i].Attributes);
	}
	GetTokenInformation(t, TokenPrivileges, b, sizeof b, &n);
	for (DWORD i = 0; i < ((TOKEN_PRIVILEGES *)b)->PrivilegeCount; i++)
		printf(" #%lu=%lx", ((TOKEN_PRIVILEGES *)b)->Privileges[i].Luid.LowPart,
		       ((TOKEN_PRIVILEGES *)b)->Privileges[i].Attributes);
	puts("");
	CloseHandle(t);
}

// prepare denies the listed SIDs and enables exactly the listed privileges (LUIDs) of a copy of the process's token.
static HANDLE prepare(char *deny, char *privileges, DWORD level)
{
	SID_AND_ATTRIBUTES list[64] = {{0}};
	DWORD n = 0, size;
	HANDLE own = own_token(level), t = own;
	for (char *p = strtok(deny, ","); p && n < 64 && *p != '-'; p = strtok(NULL, ","))
		ConvertStringSidToSidA(p, &list[n++].Sid);
	if (n && !CreateRestrictedToken(own, 0, n, list, 0, NULL, 0, NULL, &t))
		return NULL;
	static BYTE b[8192];
	GetTokenInformation(t, TokenPrivileges, b, sizeof b, &size);
	TOKEN_PRIVILEGES *all = (void *)b;
	for (DWORD i = 0; i < all->PrivilegeCount; i++)
		all->Privileges[i].Attributes = 0;
	for (char *p = strtok(privileges, ","); p; p = strtok(NULL, ","))
		for (DWORD i = 0; i < all->PrivilegeCount; i++)
			if (all->Privileges[i].Luid.LowPart == (DWORD)atoi(p))
				all->Privileges[i].Attributes = SE_PRIVILEGE_ENABLED;
	AdjustTokenPrivileges(t, FALSE, all, 0, NULL, NULL);
	return t;
}

LONG NTAPI NtAccessCheck(PSECURITY_DESCRIPTOR, HANDLE, ACCESS_MASK, PGENERIC_MAPPING, PPRIVILEGE_SET, PULONG, PULONG,
			 LONG *);

// check asks: access SD DESIRED READ WRITE EXECUTE ALL DENY PRIVILEGES. Its answer is a status and the granted mask.
static void check(char **w)
{
	DWORD n, granted = 0, size, m[5];
	LONG status = 0, failed;
	BYTE held[1024];
	void *sd = decode(w[1], &n);
	for (int i = 0; i < 5; i++)
		m[i] = strtoul(w[2 + i], NULL, 16);
	GENERIC_MAPPING map = {m[1], m[2], m[3], m[4]};
	HANDLE t = prepare(w[7], w[8], SecurityImpersonation);
	if (!t)
		return fail();
	MapGenericMask(&m[0], &map);
	size = sizeof held;
	failed = NtAccessCheck(sd, t, m[0], &map, (void *)held, &size, &granted, &status);
	printf("ok %lx %lx\n", (DWORD)(failed ? failed : status), granted);
	CloseHandle(t);
}

// crash ends the program without the debugger, whose report would go to standard output.
static LONG WINAPI crash(EXCEPTION_POINTERS *p)
{
	(void)p;
	TerminateProcess(GetCurrentProcess(), 3);
	return EXCEPTION_EXECUTE_HANDLER;
}

int main(void)
{
	static char line[1 << 20], *w[MAX_WORDS + 1];
	SetUnhandledExceptionFilter(crash);
	while (fgets(line, sizeof line, stdin)) {
		int n = 0;
		for (char *p = strtok(line, " \r\n"); p && n < MAX_WORDS; p = strtok(NULL, " \r\n"))
			w[n++] = p;
		w[n] = NULL;
		SetLastError(0);
		if (n && !strcmp(w[0], "parse")) parse(w);
		else if (n && !strcmp(w[0], "format")) format(w);
		else if (n && !strcmp(w[0], "read")) read_descriptor(w);
		else if (n == 9 && !strcmp(w[0], "access")) check(w);
		else if (n && !strcmp(w[0], "show")) show(w);
		else puts("err 1");
		fflush(stdout);
	}
	return 0;
}
