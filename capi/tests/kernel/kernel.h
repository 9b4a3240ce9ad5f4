/* What the kernel-mode tests share. */
#ifndef KERNEL_H
#define KERNEL_H

#include "../check.h"
#include <refmon/ntifs.h>

#define ME PsGetCurrentThread()
#define MINE PsGetCurrentProcess()

/* Users without an account; a token of one has Everyone and Users enabled, and
 * SeChangeNotifyPrivilege enabled and SeShutdownPrivilege disabled. */
extern PSID alice, bob;
/* A kernel handle to such a token. */
HANDLE logon(PSID user, TOKEN_TYPE type, SECURITY_IMPERSONATION_LEVEL level);
/* A reference on the token of a kernel handle, which is closed. */
PACCESS_TOKEN referenced(HANDLE h);
/* Both. */
PACCESS_TOKEN token_of(PSID user, TOKEN_TYPE type, SECURITY_IMPERSONATION_LEVEL level);
/* Whether a token's user is that SID. */
int user_is(PACCESS_TOKEN token, PSID user);
LUID token_id(PACCESS_TOKEN token);
#define SAME_LUID(a, b) ({ LUID a_ = (a), b_ = (b); a_.LowPart == b_.LowPart && a_.HighPart == b_.HighPart; })
/* The quadruple of the calling thread; level 99 for none. The token's reference is the caller's. */
typedef struct { PACCESS_TOKEN token; BOOLEAN copy, effective; SECURITY_IMPERSONATION_LEVEL level; } STATE;
STATE state(void);
LONG64 owed(void);

void test_impersonate(void);
void test_zw(void);
void test_zw_checks(void);
void test_clients(void);
void test_subjects(void);
void test_access(void);
void test_ktokens(void);
void test_kdescriptors(void);
void test_kobjects(void);
void test_ksessions(void);
void test_kthreads(void);
void test_kwork(void);
void test_kfuzz(void);
void test_kpipes(void);
void test_standard(void);
void test_kjobs(void);

#endif
