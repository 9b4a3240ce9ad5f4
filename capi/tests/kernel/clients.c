/* Captured clients: SeCreateClientSecurity, SeImpersonateClientEx (I-80 to I-82). */
#include "kernel.h"

/* Every quality of service of a client that does not impersonate. */
static void qualities(void)
{
	PACCESS_TOKEN mine = PsReferencePrimaryToken(MINE);
	for (int level = 0; level < 4; level++)
		for (int dynamic = 0; dynamic < 2; dynamic++)
			for (int effective = 0; effective < 2; effective++) {
				SECURITY_QUALITY_OF_SERVICE q = {sizeof q, level, dynamic, effective};
				SECURITY_CLIENT_CONTEXT c;
				STATUS(SeCreateClientSecurity(ME, &q, FALSE, &c), STATUS_SUCCESS);
				SAME(c.SecurityQos.Length, sizeof q);
				SAME(c.SecurityQos.ImpersonationLevel, level);
				SAME(c.SecurityQos.ContextTrackingMode, dynamic);
				SAME(c.SecurityQos.EffectiveOnly, effective);
				SAME(c.DirectlyAccessClientToken, dynamic);
				SAME(c.DirectAccessEffectiveOnly, effective);
				SAME(c.ServerIsRemote, FALSE);
				/* dynamic: the client's own token; static: a copy at that level (I-4) */
				CHECK((c.ClientToken == mine) == dynamic);
				SAME(SeTokenType(c.ClientToken), dynamic ? TokenPrimary : TokenImpersonation);
				if (!dynamic)
					SAME(SeTokenImpersonationLevel(c.ClientToken), level);
				STATUS(SeImpersonateClientEx(&c, NULL), STATUS_SUCCESS);
				STATE s = state();
				CHECK(s.token == c.ClientToken);
				SAME(s.copy, TRUE); /* I-81 */
				SAME(s.effective, effective);
				SAME(s.level, level);
				PsDereferenceImpersonationToken(s.token);
				SeStopImpersonatingClient();
				SeImpersonateClient(&c, ME);
				s = state();
				CHECK(s.token == c.ClientToken);
				PsDereferenceImpersonationToken(s.token);
				PsRevertToSelf();
				SeDeleteClientSecurity(&c);
			}
	PsDereferencePrimaryToken(mine);
}

/* A client that impersonates passes on no more than it has, directly and from a captured subject (I-80, IC-48 to IC-50,
   IC-79). */
static void chains(void)
{
	for (int own = 0; own < 4; own++) {
		PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityDelegation);
		SECURITY_SUBJECT_CONTEXT subject;
		STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, own), STATUS_SUCCESS);
		SeCaptureSubjectContext(&subject);
		for (int level = 0; level < 5; level++)
			for (int which = 0; which < 4; which++) {
				BOOLEAN remote = which & 1;
				SECURITY_QUALITY_OF_SERVICE q = {sizeof q, level, SECURITY_STATIC_TRACKING, FALSE};
				SECURITY_CLIENT_CONTEXT c;
				NTSTATUS want = STATUS_SUCCESS;
				if (level > SecurityDelegation)
					want = STATUS_INVALID_PARAMETER;
				else if (level > own || own < SecurityImpersonation || (remote && own != SecurityDelegation))
					want = STATUS_BAD_IMPERSONATION_LEVEL;
				STATUS(which & 2 ? SeCreateClientSecurityFromSubjectContext(&subject, &q, remote, &c) :
						SeCreateClientSecurity(ME, &q, remote, &c), want);
				if (want)
					continue;
				SAME(c.ServerIsRemote, remote);
				CHECK(user_is(c.ClientToken, alice));
				SAME(SeTokenImpersonationLevel(c.ClientToken), level);
				SeDeleteClientSecurity(&c);
			}
		SeReleaseSubjectContext(&subject);
		PsRevertToSelf();
		PsDereferenceImpersonationToken(a);
	}
	/* The state's EffectiveOnly is passed on (P-9); a primary token in the state counts at the state's level. */
	PACCESS_TOKEN p = token_of(alice, TokenPrimary, 0);
	SECURITY_QUALITY_OF_SERVICE q = {sizeof q, SecurityImpersonation, SECURITY_STATIC_TRACKING, FALSE};
	SECURITY_CLIENT_CONTEXT c;
	STATUS(PsImpersonateClient(ME, p, TRUE, TRUE, SecurityImpersonation), STATUS_SUCCESS);
	STATUS(SeCreateClientSecurity(ME, &q, FALSE, &c), STATUS_SUCCESS);
	SAME(c.DirectAccessEffectiveOnly, TRUE);
	SAME(c.SecurityQos.EffectiveOnly, FALSE);
	PTOKEN_PRIVILEGES held;
	STATUS(SeQueryInformationToken(c.ClientToken, TokenPrivileges, (PVOID *)&held), STATUS_SUCCESS);
	SAME(held->PrivilegeCount, 1); /* the disabled one was left out */
	ExFreePool(held);
	STATUS(SeImpersonateClientEx(&c, NULL), STATUS_SUCCESS);
	STATE s = state();
	SAME(s.effective, TRUE);
	PsDereferenceImpersonationToken(s.token);
	SeDeleteClientSecurity(&c);
	STATUS(PsImpersonateClient(ME, p, TRUE, TRUE, SecurityIdentification), STATUS_SUCCESS);
	STATUS(SeCreateClientSecurity(ME, &q, FALSE, &c), STATUS_BAD_IMPERSONATION_LEVEL);
	PsRevertToSelf();
	PsDereferencePrimaryToken(p);
}

/* Whether SeShutdownPrivilege is enabled in a token. */
static int enabled(PACCESS_TOKEN t)
{
	PTOKEN_PRIVILEGES p;
	int on = 0;
	STATUS(SeQueryInformationToken(t, TokenPrivileges, (PVOID *)&p), STATUS_SUCCESS);
	for (DWORD i = 0; i < p->PrivilegeCount; i++)
		on |= p->Privileges[i].Luid.LowPart == SE_SHUTDOWN_PRIVILEGE && p->Privileges[i].Attributes & SE_PRIVILEGE_ENABLED;
	ExFreePool(p);
	return on;
}

/* A static context is frozen, a dynamic one follows the client's token (I-4, P-11). */
static void tracking(void)
{
	HANDLE k = logon(alice, TokenImpersonation, SecurityDelegation);
	PACCESS_TOKEN a;
	SECURITY_QUALITY_OF_SERVICE fixed = {sizeof fixed, SecurityImpersonation, SECURITY_STATIC_TRACKING,
		FALSE}, live = {sizeof live, SecurityImpersonation, SECURITY_DYNAMIC_TRACKING, FALSE};
	SECURITY_CLIENT_CONTEXT s, d, remote;
	STATUS(ObReferenceObjectByHandle(k, 0, *SeTokenObjectType, KernelMode, &a, NULL), STATUS_SUCCESS);
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityDelegation), STATUS_SUCCESS);
	STATUS(SeCreateClientSecurity(ME, &fixed, FALSE, &s), STATUS_SUCCESS);
	STATUS(SeCreateClientSecurity(ME, &live, FALSE, &d), STATUS_SUCCESS);
	STATUS(SeCreateClientSecurity(ME, &live, TRUE, &remote), STATUS_SUCCESS);
	CHECK(d.ClientToken == a);
	CHECK(remote.ClientToken != a); /* remote clients are static ... */
	SAME(remote.DirectlyAccessClientToken, FALSE);
	CHECK(SAME_LUID(remote.ClientTokenControl.TokenId, token_id(a))); /* ... and remember which token it was */
	LUID session;
	STATUS(SeQueryAuthenticationIdToken(a, &session), STATUS_SUCCESS);
	CHECK(SAME_LUID(remote.ClientTokenControl.AuthenticationId, session));
	CHECK(!memcmp(remote.ClientTokenControl.TokenSource.SourceName, "ktests", 6));
	TOKEN_PRIVILEGES on = {1, {{SeExports->SeShutdownPrivilege, SE_PRIVILEGE_ENABLED}}};
	CHECK(!enabled(s.ClientToken) && !enabled(d.ClientToken));
	STATUS(ZwAdjustPrivilegesToken(k, FALSE, &on, 0, NULL, NULL), STATUS_SUCCESS);
	CHECK(!enabled(s.ClientToken));
	CHECK(enabled(d.ClientToken));
	PsRevertToSelf();
	SeDeleteClientSecurity(&s);
	SeDeleteClientSecurity(&d);
	SeDeleteClientSecurity(&remote);
	STATUS(ZwClose(k), STATUS_SUCCESS);
	PsDereferenceImpersonationToken(a);
}

/* From a captured subject; faults of the two structures. */
static void subjects(void)
{
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation);
	SECURITY_QUALITY_OF_SERVICE q = {sizeof q, SecurityIdentification, SECURITY_STATIC_TRACKING, TRUE};
	SECURITY_SUBJECT_CONTEXT subject;
	SECURITY_CLIENT_CONTEXT c;
	STATUS(PsImpersonateClient(ME, a, FALSE, TRUE, SecurityImpersonation), STATUS_SUCCESS);
	SeCaptureSubjectContext(&subject);
	PsRevertToSelf();
	STATUS(SeCreateClientSecurityFromSubjectContext(&subject, &q, FALSE, &c), STATUS_SUCCESS);
	CHECK(user_is(c.ClientToken, alice));
	SAME(c.DirectAccessEffectiveOnly, TRUE);
	SAME(SeTokenImpersonationLevel(c.ClientToken), SecurityIdentification);
	STATUS(SeImpersonateClientEx(&c, ME), STATUS_SUCCESS);
	STATE s = state();
	SAME(s.level, SecurityIdentification);
	PsDereferenceImpersonationToken(s.token);
	PsRevertToSelf();
	SeDeleteClientSecurity(&c);
	q.ImpersonationLevel = SecurityDelegation;
	STATUS(SeCreateClientSecurityFromSubjectContext(&subject, &q, FALSE, &c), STATUS_BAD_IMPERSONATION_LEVEL);
	STATUS(SeCreateClientSecurityFromSubjectContext(&subject, NULL, FALSE, &c), STATUS_ACCESS_VIOLATION);
	SeReleaseSubjectContext(&subject);
	STATUS(SeCreateClientSecurity(ME, NULL, FALSE, &c), STATUS_ACCESS_VIOLATION);
	q.ImpersonationLevel = SecurityImpersonation;
	STATUS(SeCreateClientSecurity(ME, &q, FALSE, readonly), STATUS_ACCESS_VIOLATION);
	PsDereferenceImpersonationToken(a);
}

void test_clients(void)
{
	qualities();
	chains();
	tracking();
	subjects();
}
