#include "kernel.h"
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

atomic_int checks, failures;
void *readonly, *none;
PSID alice, bob;

static PSECURITY_DESCRIPTOR given[1000]; /* freed at the end */
static int gifts;

PSECURITY_DESCRIPTOR sddl(const char *text)
{
	PSECURITY_DESCRIPTOR d = NULL;
	CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorA(text, SDDL_REVISION_1, &d, NULL));
	return given[gifts++] = d;
}

HANDLE logon(PSID user, TOKEN_TYPE type, SECURITY_IMPERSONATION_LEVEL level)
{
	LUID session = {0x3E7, 0}; /* SYSTEM_LUID: always there */
	LARGE_INTEGER never = {.QuadPart = INT64_MAX};
	TOKEN_USER u = {{user, 0}};
	struct { DWORD n; SID_AND_ATTRIBUTES g[2]; } groups = {2, {{SeExports->SeWorldSid, 7},
		{SeExports->SeAliasUsersSid, 7}}};
	struct { DWORD n; LUID_AND_ATTRIBUTES p[2]; } privileges = {2, {{SeExports->SeChangeNotifyPrivilege, 3},
		{SeExports->SeShutdownPrivilege, 0}}};
	TOKEN_PRIMARY_GROUP group = {SeExports->SeAliasUsersSid};
	TOKEN_SOURCE source = {"ktests", {0, 0}};
	SECURITY_QUALITY_OF_SERVICE q = {sizeof q, level, SECURITY_STATIC_TRACKING, FALSE};
	OBJECT_ATTRIBUTES a;
	HANDLE h = NULL;
	static PSECURITY_DESCRIPTOR open; /* the caller's default DACL would not let the user at the token */
	if (!open)
		open = sddl("D:(A;;GA;;;WD)");
	InitializeObjectAttributes(&a, NULL, OBJ_KERNEL_HANDLE, NULL, open);
	a.SecurityQualityOfService = &q;
	STATUS(ZwCreateToken(&h, TOKEN_ALL_ACCESS, &a, type, &session, &never, &u, (PTOKEN_GROUPS)&groups,
		(PTOKEN_PRIVILEGES)&privileges, NULL, &group, NULL, &source), STATUS_SUCCESS);
	return h;
}

PACCESS_TOKEN referenced(HANDLE h)
{
	PVOID o = NULL;
	STATUS(ObReferenceObjectByHandle(h, 0, *SeTokenObjectType, KernelMode, &o, NULL), STATUS_SUCCESS);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	return o;
}

PACCESS_TOKEN token_of(PSID user, TOKEN_TYPE type, SECURITY_IMPERSONATION_LEVEL level)
{
	return referenced(logon(user, type, level));
}

int user_is(PACCESS_TOKEN token, PSID user)
{
	PTOKEN_USER u = NULL;
	if (SeQueryInformationToken(token, TokenUser, (PVOID *)&u) != STATUS_SUCCESS)
		return 0;
	int same = RtlEqualSid(u->User.Sid, user);
	ExFreePool(u);
	return same;
}

LUID token_id(PACCESS_TOKEN token)
{
	PTOKEN_STATISTICS s = NULL;
	STATUS(SeQueryInformationToken(token, TokenStatistics, (PVOID *)&s), STATUS_SUCCESS);
	LUID id = s->TokenId;
	ExFreePool(s);
	return id;
}

STATE state(void)
{
	STATE s = {NULL, 9, 9, 99};
	s.token = PsReferenceImpersonationToken(ME, &s.copy, &s.effective, &s.level);
	return s;
}

LONG64 owed(void)
{
	REFMON_COUNTS c;
	refmon_counts(&c);
	return c.Owed;
}

/* A child of fork is refused, and no answer of it says yes. */
static void test_fork(void)
{
	SECURITY_SUBJECT_CONTEXT s;
	GENERIC_MAPPING m = {1, 1, 1, 1};
	ACCESS_MASK granted = 0;
	NTSTATUS st;
	PACCESS_TOKEN mine = PsReferencePrimaryToken(MINE);
	SeCaptureSubjectContext(&s);
	pid_t pid = fork();
	if (pid == 0) {
		close(2); /* the message is tested elsewhere */
		int yes = SeAccessCheck(NULL, &s, FALSE, 1, 0, NULL, &m, KernelMode, &granted, &st) || SeTokenIsAdmin(mine) ||
			SeSinglePrivilegeCheck(SeExports->SeTcbPrivilege, KernelMode) || ME || MINE || granted;
		_exit(!yes && PsImpersonateClient(ME, NULL, FALSE, FALSE, 0) == STATUS_NOT_SUPPORTED ? 7 : 8);
	}
	int status;
	CHECK(waitpid(pid, &status, 0) == pid);
	SAME(WEXITSTATUS(status), 7);
	CHECK(SeAccessCheck(NULL, &s, FALSE, 1, 0, NULL, &m, KernelMode, &granted, &st));
	SeReleaseSubjectContext(&s);
	PsDereferencePrimaryToken(mine);
}

static REFMON_COUNTS within; /* the counts while the first work item runs */
static atomic_int warmed;
static void NTAPI warm(PVOID unused)
{
	(void)unused;
	refmon_counts(&within);
	warmed = 1;
}

int main(int argc, char **argv)
{
	readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(ConvertStringSidToSidA("S-1-5-21-7-7-7-1001", &alice));
	CHECK(ConvertStringSidToSidA("S-1-5-21-7-7-7-1002", &bob));
	WORK_QUEUE_ITEM first;
	ExInitializeWorkItem(&first, warm, NULL); /* the threads are there before the first count, the worker too */
	ExQueueWorkItem(&first, DelayedWorkQueue);
	while (!warmed)
		usleep(1000);
	REFMON_COUNTS rest;
	for (refmon_counts(&rest); rest.References >= within.References; refmon_counts(&rest))
		usleep(1000); /* the worker has not given back the context that the item was queued with */
	void (*tests[])(void) = {test_impersonate, test_zw, test_zw_checks, test_clients, test_subjects, test_access,
		test_ktokens, test_kdescriptors, test_kobjects, test_ksessions, test_kthreads, test_kwork, test_kpipes, test_kfuzz,
		test_fork};
	size_t n = sizeof tests / sizeof *tests;
	if (argc > 1 && !strcmp(argv[1], "standard"))
		tests[0] = test_standard, n = 1;
	for (size_t i = 0; i < n; i++) {
		REFMON_COUNTS before, after;
		refmon_counts(&before);
		tests[i]();
		for (int tries = 0; tries < 1000; tries++) { /* the worker may still be giving back what it was queued with */
			refmon_counts(&after);
			if (after.References == before.References)
				break;
			usleep(1000);
		}
		SAME(after.Owed, 0); /* what was given out came back, and nothing else is left */
		SAME(after.Objects, before.Objects);
		SAME(after.Handles, before.Handles);
		SAME(after.References, before.References);
		if (after.Objects != before.Objects || after.Owed)
			printf("in test %zu\n", i);
	}
	if (n == 1)
		test_kjobs();
	while (gifts)
		LocalFree(given[--gifts]);
	LocalFree(alice);
	LocalFree(bob);
	printf("%d assertions, %d failed\n", checks, failures);
	return failures != 0;
}
