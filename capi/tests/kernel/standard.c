/* A server without SeImpersonatePrivilege (REFMON_USER=standard): whom it may be, and whom it may only identify
 * (I-42, I-43). */
#include "kernel.h"

static STATE become(PACCESS_TOKEN t, SECURITY_IMPERSONATION_LEVEL level)
{
	STATUS(PsImpersonateClient(ME, t, FALSE, FALSE, level), STATUS_SUCCESS);
	STATE s = state();
	PsDereferenceImpersonationToken(s.token);
	return s;
}

/* The process's own token as an impersonation token. */
static PACCESS_TOKEN own(SECURITY_IMPERSONATION_LEVEL level)
{
	SECURITY_QUALITY_OF_SERVICE q = {sizeof q, level, SECURITY_STATIC_TRACKING, FALSE};
	OBJECT_ATTRIBUTES a;
	HANDLE p, h;
	InitializeObjectAttributes(&a, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
	a.SecurityQualityOfService = &q;
	STATUS(ZwOpenProcessTokenEx(ZwCurrentProcess(), TOKEN_DUPLICATE, OBJ_KERNEL_HANDLE, &p), STATUS_SUCCESS);
	STATUS(ZwDuplicateToken(p, TOKEN_ALL_ACCESS, &a, FALSE, TokenImpersonation, &h), STATUS_SUCCESS);
	STATUS(ZwClose(p), STATUS_SUCCESS);
	return referenced(h);
}

static void by_context(void)
{
	STATE s;
	/* a client context does not get around it (I-81) */
	SECURITY_QUALITY_OF_SERVICE q = {sizeof q, SecurityImpersonation, SECURITY_DYNAMIC_TRACKING, FALSE};
	SECURITY_SUBJECT_CONTEXT subject;
	SECURITY_CLIENT_CONTEXT c;
	SeCaptureSubjectContextEx(NULL, PsInitialSystemProcess, &subject);
	STATUS(SeCreateClientSecurityFromSubjectContext(&subject, &q, FALSE, &c), STATUS_SUCCESS);
	STATUS(SeImpersonateClientEx(&c, NULL), STATUS_SUCCESS);
	s = state();
	CHECK(user_is(s.token, SeExports->SeLocalSystemSid));
	SAME(s.level, SecurityIdentification);
	PsDereferenceImpersonationToken(s.token);
	SeDeleteClientSecurity(&c);
	SeReleaseSubjectContext(&subject);
}

void test_standard(void)
{
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityDelegation), p = token_of(alice, TokenPrimary,
		0), mine = own(SecurityDelegation), restricted;
	CHECK(!SeSinglePrivilegeCheck(SeExports->SeImpersonatePrivilege, UserMode));
	/* another user: up to SecurityIdentification the token itself (row a, IC-19) ... */
	for (int level = SecurityAnonymous; level <= SecurityIdentification; level++) {
		STATE s = become(a, level);
		CHECK(s.token == a);
		SAME(s.level, level);
	}
	/* ... above, a copy that only identifies, and success all the same (row f, IC-18) */
	for (int level = SecurityImpersonation; level <= SecurityDelegation; level++) {
		STATUS(PsImpersonateClient(ME, a, TRUE, TRUE, level), STATUS_SUCCESS);
		STATE s = state();
		CHECK(s.token != a);
		CHECK(!SAME_LUID(token_id(s.token), token_id(a)));
		CHECK(user_is(s.token, alice));
		SAME(SeTokenImpersonationLevel(s.token), SecurityIdentification);
		SAME(s.level, SecurityIdentification);
		SAME(s.copy, TRUE);
		SAME(s.effective, TRUE);
		PsDereferenceImpersonationToken(s.token);
		SECURITY_SUBJECT_CONTEXT c;
		GENERIC_MAPPING m = {1, 2, 4, 7};
		ACCESS_MASK granted;
		NTSTATUS st;
		SeCaptureSubjectContext(&c); /* "can only obtain information about the client" */
		CHECK(!SeAccessCheck(sddl("O:SYG:SYD:(A;;0x1;;;WD)"), &c, FALSE, 1, 0, NULL, &m, UserMode, &granted, &st));
		STATUS(st, STATUS_BAD_IMPERSONATION_LEVEL);
		SeReleaseSubjectContext(&c);
	}
	SAME(become(p, SecurityImpersonation).level, SecurityIdentification); /* a primary token too */
	/* the same user: allowed (row j, IC-22), unless one of the two is restricted (row g, IC-23) */
	STATE s = become(mine, SecurityDelegation);
	CHECK(s.token == mine);
	SAME(s.level, SecurityDelegation);
	TOKEN_GROUPS world = {1, {{SeExports->SeWorldSid, 0}}};
	STATUS(SeFilterToken(mine, 0, NULL, NULL, &world, &restricted), STATUS_SUCCESS);
	SAME(become(restricted, SecurityImpersonation).level, SecurityIdentification);
	CHECK(become(restricted, SecurityIdentification).token == restricted);
	by_context();
	/* the anonymous token of the system gives nothing away (row b, IC-27) */
	STATUS(ZwImpersonateAnonymousToken(ZwCurrentThread()), STATUS_SUCCESS);
	s = state();
	SAME(s.level, SecurityImpersonation);
	PsDereferenceImpersonationToken(s.token);
	PsRevertToSelf();
	PsDereferenceImpersonationToken(restricted);
	PsDereferenceImpersonationToken(mine);
	PsDereferenceImpersonationToken(a);
	PsDereferencePrimaryToken(p);
}
