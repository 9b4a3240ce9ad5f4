/* A test program: CHECK counts, main prints the count and exits 1 on a failure. */
#ifndef CHECK_H
#define CHECK_H

#include <refmon/refmon.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern atomic_int checks, failures;

/* Counts a failure. Threads that depend on it may wait for ever, so the program ends 30 seconds after the first. */
#define FAILURE() (void)(fflush(stdout), atomic_fetch_add(&failures, 1) || alarm(30))

#define CHECK(cond) \
	do { \
		atomic_fetch_add(&checks, 1); \
		if (!(cond)) { \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			FAILURE(); \
		} \
	} while (0)

/* Compares numbers and prints both. */
#define SAME(got, want) \
	do { \
		unsigned long long g_ = (unsigned long long)(got), w_ = (unsigned long long)(want); \
		atomic_fetch_add(&checks, 1); \
		if (g_ != w_) { \
			printf("%s:%d: %s is %#llx, want %#llx\n", __FILE__, __LINE__, #got, g_, w_); \
			FAILURE(); \
		} \
	} while (0)

#define STATUS(call, want) SAME((ULONG)(call), (ULONG)(want))
/* A function that must fail and leave that last error. */
#define FAILS(call, code) \
	do { \
		SetLastError(0xdeadbeef); \
		CHECK(!(call)); \
		SAME(GetLastError(), code); \
	} while (0)

/* The calls go to a daemon: it ends no process without a program, and takes longer for each. */
#define OVER_SOCKET (getenv("REFMON_SOCKET") != NULL)
/* A run that asks for a tenth of the random calls and races. */
#define TENTH (getenv("REFMON_TENTH") != NULL)

/* The number of this process's handles. */
static inline ULONG handle_count(void)
{
	ULONG n = 0;
	NtQueryInformationProcess(NtCurrentProcess(), ProcessHandleCount, &n, sizeof n, NULL);
	return n;
}

/* Pointers that no call may use, by name of the fault. */
#define UNMAPPED ((void *)0x7eadbee0)
#define KERNEL ((void *)0xffff800000000000)
#define NONCANONICAL ((void *)0xdeadbee0deadbee0)
extern void *readonly; /* a page that can be read only, behind one that can be written */
extern void *none; /* a page that cannot be touched */

HANDLE process_token(ACCESS_MASK access);
/* An impersonation token made of the process's at that level. */
HANDLE client(SECURITY_IMPERSONATION_LEVEL level);
/* A descriptor from SDDL; never freed. */
PSECURITY_DESCRIPTOR sddl(const char *text);

/* What an information class of a token is; free it. */
void *query(HANDLE t, TOKEN_INFORMATION_CLASS class);
void end_process(PROCESS_INFORMATION *p);

void test_pointers(void);
void test_tokens(void);
void test_query(void);
void test_impersonation(void);
void test_checks(void);
void test_security(void);
void test_text(void);
void test_wellknown(void);
void test_logon(void);
void test_entries(void);
void test_accounts(void);
void test_parts(void);
void test_objects(void);
void test_synch(void);
void test_pipeinfo(void), test_pipewait(void), test_devices(void);
void test_waits(void);
void test_bounds(void);
void test_overlapped(void);
void test_threads(void);
void test_pipes(void);
void test_files(void);
void test_instances(void);
void test_ports(void);
void test_routines(void);
void test_validated(void);
void test_ace_data(void);
void test_identities(void);
void test_descriptors(void);
void test_trustees(void);
void test_audit_checks(void);
void test_processes(void);
void test_looking(void);
void test_jobs(void);
void test_flip(void);
void test_fuzz(void);

#endif
