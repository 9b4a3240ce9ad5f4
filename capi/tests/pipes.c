/* Impersonating the client of a named pipe: the eight combinations of tracking,
 * effective-only and level, each asked after the first and the second write. */
#include "check.h"
#include <pthread.h>

struct scenario {
	DWORD flags;
	int revert; /* the client stops impersonating between its writes */
	struct { DWORD level; int admin; } after[2];
};

static const char pipe_path[] = "\\\\.\\pipe\\capi-test";
static pthread_barrier_t turn;
static HANDLE limited; /* impersonation token without Administrators */

static void *client_thread(void *arg)
{
	const struct scenario *s = arg;
	CHECK(SetThreadToken(NULL, limited));
	HANDLE h = CreateFileA(pipe_path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, s->flags, NULL);
	CHECK(h != INVALID_HANDLE_VALUE);
	DWORD n;
	CHECK(WriteFile(h, "a", 1, &n, NULL));
	SAME(n, 1);
	pthread_barrier_wait(&turn);
	if (s->revert)
		CHECK(RevertToSelf());
	CHECK(WriteFile(h, "b", 1, &n, NULL));
	char c;
	CHECK(ReadFile(h, &c, 1, &n, NULL)); /* waits for the server */
	SAME(c, 'c');
	CHECK(CloseHandle(h));
	return NULL;
}

/* Whom the server acts as: the level, and whether Administrators are enabled. */
static void probe(HANDLE pipe, DWORD level, int admin)
{
	HANDLE t;
	DWORD got = 99, n;
	PSID admins;
	BOOL member = 9;
	CHECK(ImpersonateNamedPipeClient(pipe));
	if (level == SecurityAnonymous) {
		FAILS(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &t), ERROR_CANT_OPEN_ANONYMOUS);
		CHECK(RevertToSelf());
		return;
	}
	CHECK(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &t));
	CHECK(RevertToSelf());
	CHECK(GetTokenInformation(t, TokenImpersonationLevel, &got, 4, &n));
	SAME(got, level);
	CHECK(ConvertStringSidToSidA("BA", &admins));
	CHECK(CheckTokenMembership(t, admins, &member));
	SAME(member, admin);
	CHECK(LocalFree(admins) == NULL);
	CHECK(CloseHandle(t));
}

static void serve(const struct scenario *s)
{
	pthread_t t;
	DWORD n;
	char c;
	/* the token's default DACL would admit Administrators, not the client */
	SECURITY_ATTRIBUTES sa = {sizeof sa, sddl("D:(A;;GA;;;AU)"), FALSE};
	HANDLE pipe = CreateNamedPipeA(pipe_path, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 1, 1024, 1024, 0, &sa);
	CHECK(LocalFree(sa.lpSecurityDescriptor) == NULL);
	CHECK(pipe != INVALID_HANDLE_VALUE);
	FAILS(ImpersonateNamedPipeClient(pipe), ERROR_CANNOT_IMPERSONATE); /* no client is there: observed (T-133) */
	pthread_barrier_init(&turn, NULL, 2);
	CHECK(pthread_create(&t, NULL, client_thread, (void *)s) == 0);
	CHECK(ConnectNamedPipe(pipe, NULL) || GetLastError() == ERROR_PIPE_CONNECTED);
	FAILS(ImpersonateNamedPipeClient(pipe), ERROR_CANNOT_IMPERSONATE); /* before anything is read */
	CHECK(ReadFile(pipe, &c, 1, &n, NULL));
	SAME(c, 'a');
	probe(pipe, s->after[0].level, s->after[0].admin);
	pthread_barrier_wait(&turn);
	CHECK(ReadFile(pipe, &c, 1, &n, NULL));
	SAME(c, 'b');
	probe(pipe, s->after[1].level, s->after[1].admin);
	CHECK(WriteFile(pipe, "c", 1, &n, NULL));
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(ImpersonateNamedPipeClient(pipe)); /* the client is gone, its identity is not */
	CHECK(RevertToSelf());
	FAILS(ReadFile(pipe, &c, 1, &n, NULL), ERROR_BROKEN_PIPE);
	CHECK(DisconnectNamedPipe(pipe));
	CHECK(CloseHandle(pipe));
	pthread_barrier_destroy(&turn);
}

void test_pipes(void)
{
	enum { ID = SecurityIdentification, IMP = SecurityImpersonation };
	static const struct scenario list[] = {
		{0, 0, {{IMP, 0}, {IMP, 0}}},
		{0, 1, {{IMP, 0}, {IMP, 1}}}, /* the default tracks dynamically */
		{SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, 1, {{ID, 0}, {ID, 0}}}, /* static: as at the open */
		{SECURITY_SQOS_PRESENT | SECURITY_IMPERSONATION, 1, {{IMP, 0}, {IMP, 0}}},
		{SECURITY_SQOS_PRESENT | SECURITY_IMPERSONATION | SECURITY_CONTEXT_TRACKING, 1, {{IMP, 0}, {IMP, 1}}},
		{SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION | SECURITY_CONTEXT_TRACKING, 1, {{ID, 0}, {ID, 1}}},
		{SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, 0, {{SecurityAnonymous, 0}, {SecurityAnonymous, 0}}},
		{SECURITY_SQOS_PRESENT | SECURITY_IMPERSONATION | SECURITY_EFFECTIVE_ONLY, 0, {{IMP, 0}, {IMP, 0}}},
	};
	HANDLE own = process_token(TOKEN_ALL_ACCESS), filtered;
	PSID admins;
	CHECK(ConvertStringSidToSidA("BA", &admins));
	SID_AND_ATTRIBUTES off = {admins, 0};
	CHECK(CreateRestrictedToken(own, 0, 1, &off, 0, NULL, 0, NULL, &filtered));
	CHECK(DuplicateToken(filtered, SecurityImpersonation, &limited));
	for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
		int before = failures;
		serve(&list[i]);
		if (failures != before)
			printf("scenario %zu\n", i);
	}
	FAILS(CreateNamedPipeA("no pipe", 3, 0, 1, 0, 0, 0, NULL) != INVALID_HANDLE_VALUE, ERROR_INVALID_NAME);
	FAILS(CreateNamedPipeA(pipe_path, 0, 0, 1, 0, 0, 0, NULL) != INVALID_HANDLE_VALUE, ERROR_INVALID_PARAMETER);
	FAILS(CreateFileA("\\\\.\\pipe\\missing", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) != INVALID_HANDLE_VALUE,
		ERROR_FILE_NOT_FOUND);
	CHECK(CloseHandle(filtered));
	CHECK(CloseHandle(limited));
	CHECK(CloseHandle(own));
}
