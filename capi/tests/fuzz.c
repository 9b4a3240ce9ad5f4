/* Random arguments: any pointers, lengths, counts and overlaps. Nothing is
 * asserted but that the process lives and that the kernel still answers.
 * REFMON_FUZZ_SEED repeats a run, REFMON_FUZZ_CALLS makes it longer. */
#include "check.h"
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

typedef NTSTATUS(NTAPI *any)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
	uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
#define F(f) {(any)(void *)f, #f}

static const struct { any f; const char *name; } calls[] = {
	F(NtOpenProcessToken), F(NtOpenProcessTokenEx), F(NtOpenThreadToken), F(NtOpenThreadTokenEx), F(NtDuplicateToken),
	F(NtFilterToken), F(NtAdjustPrivilegesToken),
	F(NtAdjustGroupsToken), F(NtQueryInformationToken), F(NtSetInformationToken), F(NtCompareTokens), F(NtCreateToken),
	F(NtCreateLowBoxToken), F(NtPrivilegeCheck),
	F(NtAccessCheck), F(NtAccessCheckByType), F(NtAccessCheckByTypeResultList), F(NtSetInformationThread),
	F(NtImpersonateThread), F(NtDuplicateObject), F(NtQueryObject),
	F(NtSetInformationObject), F(NtQuerySecurityObject), F(NtSetSecurityObject), F(NtOpenProcess), F(NtOpenThread),
	F(NtGetNextThread), F(NtGetNextProcess), F(NtQueryInformationProcess), F(NtQueryInformationThread),
	F(NtCreateEvent), F(NtOpenEvent),
	F(NtCreateDirectoryObject), F(NtCreateSymbolicLinkObject), F(NtCreateJobObject), F(NtOpenObjectAuditAlarm),
	F(NtPrivilegeObjectAuditAlarm), F(NtPrivilegedServiceAuditAlarm),
	F(NtOpenFile), F(RtlCreateAcl), F(RtlValidAcl), F(RtlAddAce), F(RtlDeleteAce), F(RtlGetAce), F(NtClose),
	F(NtCreateTokenEx), F(NtFilterTokenEx), F(NtAdjustTokenClaimsAndDeviceGroups), F(NtQuerySecurityAttributesToken),
	F(NtSetInformationJobObject), F(NtCreateUserProcess),
	F(NtCreateFile), F(NtCreateNamedPipeFile), F(NtResumeThread), F(NtCreatePort), F(NtAcceptConnectPort), F(NtReplyPort),
	F(NtImpersonateClientOfPort), F(NtCreateMutant), F(NtOpenMutant), F(NtReleaseMutant), F(NtQueryMutant),
	F(NtCreateSemaphore), F(NtReleaseSemaphore), F(NtQuerySemaphore), F(NtCreateTimer), F(NtSetTimer), F(NtCancelTimer),
	F(NtQueryTimer),
	F(NtQuerySymbolicLinkObject), F(NtQueryDirectoryObject), F(NtQueryInformationFile), F(NtQueryVolumeInformationFile),
	F(NtCompleteConnectPort), F(NtReadFile), F(NtWriteFile), F(NtFsControlFile),
};

static uint64_t state;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static uint64_t argument(char *arena, HANDLE *handles, int n)
{
	static const uint64_t odd[] = {0, 1, 4, 8, 16, 20, 24, 48, 56, 0x7fffffff, 0x80000000, 0xffffffff, ~0ull, 0x7eadbee0,
		0xffff800000000000, 0xdeadbee0deadbee0, 0x02000000, 0x01000000};
	switch (next() % 6) {
	case 0: return odd[next() % (sizeof odd / sizeof *odd)];
	case 1: return (uint64_t)handles[next() % n];
	case 2: return next() % 64;
	case 3: return (uint64_t)(int64_t)-(int)(next() % 8);
	default: return (uint64_t)arena + (next() % 3 ? next() % 8192 & ~7ull : next() % 8192); /* the second page may fault */
	}
}

void test_fuzz(void)
{
	const char *seed = getenv("REFMON_FUZZ_SEED"), *many = getenv("REFMON_FUZZ_CALLS");
	state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 2654435761u | 1;
	uint64_t first = state;
	long count = many ? atol(many) : (OVER_SOCKET ? 2000 : 30000) / (TENTH ? 10 : 1);
	char *arena = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(arena + 2 * 4096, 4096, PROT_NONE);
	HANDLE own = process_token(TOKEN_ALL_ACCESS), imp = client(SecurityImpersonation), handles[] = {imp, NULL,
		NtCurrentProcess(), NtCurrentThread(), (HANDLE)0x7ffc};
	printf("fuzz: REFMON_FUZZ_SEED=%#llx\n", (unsigned long long)first);
	fflush(stdout);
	for (long i = 0; i < count; i++) {
		uint64_t a[17];
		if (i % 16 == 0)
			for (uint64_t *p = (uint64_t *)arena; p < (uint64_t *)(arena + 8192); p++)
				*p = next() % 4 ? argument(arena, handles, 5) : next();
		for (int j = 0; j < 17; j++)
			a[j] = argument(arena, handles, 5);
		int k = next() % (sizeof calls / sizeof *calls);
		calls[k].f(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13], a[14], a[15],
			a[16]);
	}
	CHECK(RevertToSelf());
	NtClose(own);
	HANDLE still = NULL;
	STATUS(NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY, &still), STATUS_SUCCESS);
	NtClose(still);
	munmap(arena, 3 * 4096);
}
