/*
 * Bad pointers in a program with a handler for SIGSEGV of its own: the services
 * answer them and no fault comes to the handler. user after|mask HOW
 */
#include "signals.h"

static GENERIC_MAPPING mapping = {1, 2, 4, 7};
static HANDLE own, token;
static PSECURITY_DESCRIPTOR descriptor;

static void bad_inputs(void *p)
{
	PRIVILEGE_SET set;
	ULONG n = sizeof set;
	ACCESS_MASK granted;
	NTSTATUS access;
	HANDLE h;
	STATUS(NtAccessCheck(p, token, 1, &mapping, &set, &n, &granted, &access), STATUS_ACCESS_VIOLATION);
	STATUS(NtAccessCheck(descriptor, token, 1, p, &set, &n, &granted, &access), STATUS_ACCESS_VIOLATION);
	STATUS(NtDuplicateToken(own, 0, p, FALSE, TokenPrimary, &h), STATUS_ACCESS_VIOLATION);
	STATUS(NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, p, 8), STATUS_ACCESS_VIOLATION);
	SECURITY_DESCRIPTOR absolute;
	CHECK(InitializeSecurityDescriptor(&absolute, 1));
	absolute.Owner = absolute.Group = p;
	STATUS(NtAccessCheck(&absolute, token, 1, &mapping, &set, &n, &granted, &access), STATUS_ACCESS_VIOLATION);
}

static void bad_outputs(void *p)
{
	PRIVILEGE_SET set;
	ULONG n = sizeof set;
	ACCESS_MASK granted;
	NTSTATUS access;
	STATUS(NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY, p), STATUS_ACCESS_VIOLATION);
	STATUS(NtAccessCheck(descriptor, token, 1, &mapping, p, &n, &granted, &access), STATUS_ACCESS_VIOLATION);
	STATUS(NtAccessCheck(descriptor, token, 1, &mapping, &set, &n, p, &access), STATUS_ACCESS_VIOLATION);
	STATUS(NtQueryInformationToken(own, TokenUser, p, 100, &n), STATUS_ACCESS_VIOLATION);
}

/* Memory from the allocator that the program takes away and gives back, and stale descriptors. */
static void taken_away(void)
{
	ULONG n = 100;
	PRIVILEGE_SET set;
	ACCESS_MASK granted;
	NTSTATUS access;
	char *page = aligned_alloc(4096, 8192);
	memcpy(page, descriptor, GetSecurityDescriptorLength(descriptor));
	for (int i = 0; i < 3; i++) {
		n = sizeof set;
		STATUS(NtAccessCheck(page, token, 1, &mapping, &set, &n, &granted, &access), STATUS_SUCCESS);
		mprotect(page, 4096, PROT_NONE);
		STATUS(NtAccessCheck(page, token, 1, &mapping, &set, &n, &granted, &access), STATUS_ACCESS_VIOLATION);
		STATUS(NtQueryInformationToken(own, TokenUser, page, 100, &n), STATUS_ACCESS_VIOLATION);
		mprotect(page, 4096, PROT_READ);
		STATUS(NtQueryInformationToken(own, TokenType, page, 4, &n), STATUS_ACCESS_VIOLATION);
		mprotect(page, 4096, PROT_READ | PROT_WRITE);
	}
	free(page);
}

static void *all(void *how)
{
	void *bad[] = {NULL, UNMAPPED, KERNEL, NONCANONICAL, readonly, none};
	for (int i = 0; i < 6; i++) {
		if (bad[i] != readonly)
			bad_inputs(bad[i] ? bad[i] : (void *)8);
		bad_outputs(bad[i]);
	}
	taken_away();
	SAME(faults, 0);
	return how;
}

static void round_of(int own_faults)
{
	pthread_t t;
	all(NULL);
	CHECK(pthread_create(&t, NULL, all, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	if (!own_faults)
		return;
	own_fault();
	faults = 0;
	all(NULL); /* after a siglongjmp out of the handler */
	own_fault();
	faults = 0;
}

int main(int argc, char **argv)
{
	prepare_pages();
	STATUS(NtOpenProcessToken(NtCurrentProcess(), TOKEN_ALL_ACCESS, &own), STATUS_SUCCESS);
	CHECK(DuplicateTokenEx(own, TOKEN_ALL_ACCESS, NULL, SecurityImpersonation, TokenImpersonation, &token));
	CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorA("O:BAG:SYD:(A;;0x1;;;WD)", 1, &descriptor, NULL));
	if (argc > 1 && !strcmp(argv[1], "mask")) { /* every signal blocked: a fault would end the process */
		sigset_t every;
		sigfillset(&every);
		CHECK(pthread_sigmask(SIG_BLOCK, &every, NULL) == 0);
		round_of(0);
	} else {
		install(argc > 2 ? atoi(argv[2]) : 0);
		round_of(1);
	}
	printf("%d assertions, %d failed\n", checks, failures);
	return failures != 0;
}
