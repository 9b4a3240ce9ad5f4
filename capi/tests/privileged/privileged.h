/* What the tests of a privileged process share. */
#ifndef PRIVILEGED_H
#define PRIVILEGED_H

#include "../check.h"

#define ALICE "S-1-5-21-1-2-3-1107"
#define STAFF "S-1-5-21-1-2-3-2001"
#define DEVICES "S-1-5-21-1-2-3-3001"

extern TOKEN_SECURITY_ATTRIBUTE_V1 user_claims[5], device_claims[1];
extern TOKEN_SECURITY_ATTRIBUTES_INFORMATION user, device;
extern LONG64 ints[2];
extern TOKEN_SECURITY_ATTRIBUTE_OCTET_STRING_VALUE octets[1], sids[1];

PSID sid(const char *text);
UNICODE_STRING text(PCWSTR s);

/* What a token is made of. */
struct parts {
	LUID session;
	LARGE_INTEGER expires;
	TOKEN_USER user;
	struct { DWORD GroupCount; SID_AND_ATTRIBUTES Groups[3]; } groups;
	struct { DWORD PrivilegeCount; LUID_AND_ATTRIBUTES Privileges[1]; } privileges;
	struct { DWORD GroupCount; SID_AND_ATTRIBUTES Groups[1]; } devices;
	TOKEN_MANDATORY_POLICY policy;
	TOKEN_OWNER owner;
	TOKEN_PRIMARY_GROUP primary;
	TOKEN_DEFAULT_DACL dacl;
	TOKEN_SOURCE source;
};
struct parts parts(void);
NTSTATUS create(PHANDLE h, struct parts *p, TOKEN_TYPE type);
/* A token of the user Alice, with claims. */
HANDLE alice(void);

void test_created(void);
void test_claims(void);
void test_server(void);

#endif
