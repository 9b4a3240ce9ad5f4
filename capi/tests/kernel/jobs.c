/* "It was not possible to impersonate a client because of job restrictions" (seed "PsImpersonateClient"; I-90, IC-31,
 * IC-33, IC-35, IC-36). Run last, as a standard user: the process stays in its job. */
#include "kernel.h"

static PACCESS_TOKEN administrator(void)
{
	LUID session = {0x3E7, 0};
	LARGE_INTEGER never = {.QuadPart = INT64_MAX};
	TOKEN_USER u = {{bob, 0}};
	TOKEN_GROUPS groups = {1, {{SeExports->SeAliasAdminsSid, 7}}};
	TOKEN_PRIVILEGES privileges = {0, {{{0, 0}, 0}}};
	TOKEN_PRIMARY_GROUP group = {bob};
	TOKEN_SOURCE source = {"ktests", {0, 0}};
	SECURITY_QUALITY_OF_SERVICE q = {sizeof q, SecurityImpersonation, SECURITY_STATIC_TRACKING, FALSE};
	OBJECT_ATTRIBUTES a;
	HANDLE h = NULL;
	InitializeObjectAttributes(&a, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
	a.SecurityQualityOfService = &q;
	STATUS(ZwCreateToken(&h, TOKEN_ALL_ACCESS, &a, TokenImpersonation, &session, &never, &u, &groups, &privileges, NULL,
		&group, NULL, &source), STATUS_SUCCESS);
	return referenced(h);
}

static HANDLE job(ULONG flags)
{
	JOBOBJECT_SECURITY_LIMIT_INFORMATION limits = {.SecurityLimitFlags = flags};
	OBJECT_ATTRIBUTES a;
	HANDLE h = NULL;
	InitializeObjectAttributes(&a, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
	STATUS(ZwCreateJobObject(&h, MAXIMUM_ALLOWED, &a), STATUS_SUCCESS);
	STATUS(ZwSetInformationJobObject(h, JobObjectSecurityLimitInformation, &limits, sizeof limits), STATUS_SUCCESS);
	return h;
}

static void filters_tokens(PACCESS_TOKEN a)
{
	STATE s;
	/* another job, within the first, that filters tokens: the thread gets a version without Users (IC-33) */
	TOKEN_GROUPS users = {1, {{SeExports->SeAliasUsersSid, 0}}}, *g;
	JOBOBJECT_SECURITY_LIMIT_INFORMATION filter = {.SecurityLimitFlags = JOB_OBJECT_SECURITY_FILTER_TOKENS};
	HANDLE filters = job(0);
	/* IC-35 */
	STATUS(ZwSetInformationJobObject(filters, JobObjectSecurityLimitInformation, &filter, sizeof filter),
		STATUS_INVALID_PARAMETER);
	filter.SidsToDisable = &users;
	STATUS(ZwSetInformationJobObject(filters, JobObjectSecurityLimitInformation, &filter, sizeof filter), STATUS_SUCCESS);
	STATUS(ZwAssignProcessToJobObject(filters, ZwCurrentProcess()), STATUS_SUCCESS);
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityIdentification), STATUS_SUCCESS);
	s = state();
	CHECK(s.token != a);
	CHECK(user_is(s.token, alice));
	STATUS(SeQueryInformationToken(s.token, TokenGroups, (PVOID *)&g), STATUS_SUCCESS);
	CHECK(RtlEqualSid(g->Groups[1].Sid, SeExports->SeAliasUsersSid));
	SAME(g->Groups[1].Attributes & (SE_GROUP_ENABLED | SE_GROUP_USE_FOR_DENY_ONLY), SE_GROUP_USE_FOR_DENY_ONLY);
	ExFreePool(g);
	PsDereferenceImpersonationToken(s.token);
	PsRevertToSelf();
	STATUS(ZwClose(filters), STATUS_SUCCESS);
}

void test_kjobs(void)
{
	PACCESS_TOKEN admin = administrator(), a = token_of(alice, TokenImpersonation, SecurityImpersonation);
	HANDLE no_admin = job(JOB_OBJECT_SECURITY_NO_ADMIN), restricted = job(JOB_OBJECT_SECURITY_RESTRICTED_TOKEN);
	CHECK(SeTokenIsAdmin(admin));
	/* its own token is not restricted */
	STATUS(ZwAssignProcessToJobObject(restricted, ZwCurrentProcess()), STATUS_ACCESS_DENIED);
	STATUS(PsImpersonateClient(ME, admin, TRUE, FALSE, SecurityIdentification), STATUS_SUCCESS);
	/* a thread is an administrator */
	STATUS(ZwAssignProcessToJobObject(no_admin, ZwCurrentProcess()), STATUS_ACCESS_DENIED);
	STATE before = state();
	STATUS(PsImpersonateClient(ME, a, FALSE, TRUE, SecurityIdentification), STATUS_SUCCESS);
	STATUS(ZwAssignProcessToJobObject(no_admin, ZwCurrentProcess()), STATUS_SUCCESS);
	/* "can fail to successfully return the server thread to the previous impersonation if ... there are job
	 * restrictions" (IC-36) */
	STATUS(PsImpersonateClient(ME, before.token, before.copy, before.effective, before.level), STATUS_ACCESS_DENIED);
	STATE s = state(); /* which stays as it is (IC-31) */
	CHECK(s.token == a);
	SAME(s.copy, FALSE);
	SAME(s.effective, TRUE);
	SAME(s.level, SecurityIdentification);
	PsDereferenceImpersonationToken(s.token);
	SECURITY_QUALITY_OF_SERVICE q = {sizeof q, SecurityIdentification, SECURITY_STATIC_TRACKING, FALSE};
	SECURITY_SUBJECT_CONTEXT system;
	SECURITY_CLIENT_CONTEXT c;
	SeCaptureSubjectContextEx(NULL, PsInitialSystemProcess, &system);
	STATUS(SeCreateClientSecurityFromSubjectContext(&system, &q, FALSE, &c), STATUS_SUCCESS);
	STATUS(SeImpersonateClientEx(&c, NULL), STATUS_ACCESS_DENIED);
	SeImpersonateClient(&c, NULL); /* does not tell */
	s = state();
	CHECK(s.token == a);
	PsDereferenceImpersonationToken(s.token);
	STATUS(PsImpersonateClient(ME, NULL, FALSE, FALSE, 0), STATUS_SUCCESS); /* the way back to oneself is always open */
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityIdentification), STATUS_SUCCESS);
	PsRevertToSelf();
	SeDeleteClientSecurity(&c);
	SeReleaseSubjectContext(&system);
	filters_tokens(a);
	PsDereferenceImpersonationToken(before.token);
	PsDereferenceImpersonationToken(admin);
	PsDereferenceImpersonationToken(a);
	STATUS(ZwClose(no_admin), STATUS_SUCCESS);
	STATUS(ZwClose(restricted), STATUS_SUCCESS);
	SAME(owed(), 0);
}
