/* PsImpersonateClient and its relatives (seed "PsImpersonateClient"; I-40 to I-62). */
#include "kernel.h"

/* Impersonates and looks: the state must be that. Gives the reference on the state's token back. */
static PACCESS_TOKEN expect(PACCESS_TOKEN token, BOOLEAN copy, BOOLEAN effective, SECURITY_IMPERSONATION_LEVEL level,
	SECURITY_IMPERSONATION_LEVEL want)
{
	STATUS(PsImpersonateClient(ME, token, copy, effective, level), STATUS_SUCCESS);
	STATE s = state();
	CHECK(s.token != NULL);
	SAME(s.copy, copy);
	SAME(s.effective, effective);
	SAME(s.level, want);
	PsDereferenceImpersonationToken(s.token);
	return s.token;
}

static void states(void)
{
	PACCESS_TOKEN a[4];
	for (int i = 0; i < 4; i++)
		a[i] = token_of(alice, TokenImpersonation, i);
	/* A new thread does not impersonate; outputs stay (I-62). */
	STATE s = state();
	CHECK(s.token == NULL);
	SAME(s.copy, 9);
	SAME(s.effective, 9);
	SAME(s.level, 99);
	/* NULL ends the impersonation, also when there was none; the rest is ignored (IC-15, I-40). */
	STATUS(PsImpersonateClient(ME, NULL, TRUE, TRUE, 7), STATUS_SUCCESS);
	/* The administrator has SeImpersonatePrivilege: the token itself, at each level (IC-20). */
	for (int copy = 0; copy < 2; copy++)
		for (int effective = 0; effective < 2; effective++)
			for (int level = SecurityAnonymous; level <= SecurityDelegation; level++)
				CHECK(expect(a[SecurityDelegation], copy, effective, level, level) == a[SecurityDelegation]);
	/* A level above the token's is lowered to it (IC-28, I-41). */
	CHECK(expect(a[SecurityIdentification], FALSE, FALSE, SecurityDelegation,
		SecurityIdentification) == a[SecurityIdentification]);
	CHECK(expect(a[SecurityAnonymous], FALSE, FALSE, SecurityImpersonation, SecurityAnonymous) == a[SecurityAnonymous]);
	/* A level that does not exist changes nothing (IC-72). */
	CHECK(expect(a[SecurityImpersonation], TRUE, FALSE, SecurityImpersonation,
		SecurityImpersonation) == a[SecurityImpersonation]);
	STATUS(PsImpersonateClient(ME, a[SecurityDelegation], FALSE, FALSE, 4), STATUS_INVALID_PARAMETER);
	s = state();
	CHECK(s.token == a[SecurityImpersonation]);
	SAME(s.copy, TRUE);
	SAME(s.level, SecurityImpersonation);
	PsDereferenceImpersonationToken(s.token);
	/* No stack: one revert ends all (I-46). */
	STATUS(PsImpersonateClient(ME, NULL, FALSE, FALSE, 0), STATUS_SUCCESS);
	CHECK(state().token == NULL);
	PsRevertToSelf();
	PsRevertThreadToSelf(ME);
	CHECK(state().token == NULL);
	for (int i = 0; i < 4; i++)
		PsDereferenceImpersonationToken(a[i]);
	PsDereferenceImpersonationToken(NULL); /* accepted (I-62) */
}

/* A primary token may be impersonated too, at any level, as the object it is (I-44). */
static void primary(void)
{
	PACCESS_TOKEN p = token_of(alice, TokenPrimary, 0), mine = PsReferencePrimaryToken(MINE);
	SAME(SeTokenType(p), TokenPrimary);
	CHECK(expect(p, TRUE, FALSE, SecurityDelegation, SecurityDelegation) == p);
	CHECK(expect(p, FALSE, FALSE, SecurityIdentification, SecurityIdentification) == p);
	/* The process keeps its own. */
	PACCESS_TOKEN again = PsReferencePrimaryToken(MINE);
	CHECK(again == mine);
	CHECK(!user_is(again, alice));
	PsDereferencePrimaryToken(again);
	PsRevertToSelf();
	PsDereferencePrimaryToken(p);
	PsDereferencePrimaryToken(mine);
}

/* "If the caller needs to preserve the previous impersonation ..." (I-45, IC-17). */
static void saved(void)
{
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation), b = token_of(bob, TokenImpersonation,
		SecurityDelegation);
	CHECK(expect(a, TRUE, TRUE, SecurityImpersonation, SecurityImpersonation) == a);
	STATE s = state();
	CHECK(user_is(s.token, alice));
	CHECK(expect(b, FALSE, FALSE, SecurityDelegation, SecurityDelegation) == b);
	STATUS(PsImpersonateClient(ME, s.token, s.copy, s.effective, s.level), STATUS_SUCCESS);
	STATE back = state();
	CHECK(back.token == a);
	SAME(back.copy, TRUE);
	SAME(back.effective, TRUE);
	SAME(back.level, SecurityImpersonation);
	PsDereferenceImpersonationToken(back.token);
	PsDereferenceImpersonationToken(s.token);
	PsRevertToSelf();

	/* Replacing drops the reference on the former token once (IC-16). */
	REFMON_COUNTS before, after;
	refmon_counts(&before);
	CHECK(expect(a, FALSE, FALSE, SecurityImpersonation, SecurityImpersonation) == a);
	CHECK(expect(b, FALSE, FALSE, SecurityImpersonation, SecurityImpersonation) == b);
	CHECK(expect(b, FALSE, FALSE, SecurityIdentification, SecurityIdentification) == b);
	refmon_counts(&after);
	SAME(after.References, before.References + 1);
	PsRevertToSelf();
	refmon_counts(&after);
	SAME(after.References, before.References);
	PsDereferenceImpersonationToken(a);
	PsDereferenceImpersonationToken(b);
}

/* PsDisableImpersonation and PsRestoreImpersonation (IC-57, I-60, I-61). */
static void disabled(void)
{
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation);
	SE_IMPERSONATION_STATE first = {(PVOID)1, 9, 9, 99}, second = first;
	SAME(PsDisableImpersonation(ME, &first), FALSE);
	CHECK(first.Token == NULL);
	CHECK(expect(a, TRUE, FALSE, SecurityIdentification, SecurityIdentification) == a);
	PsRestoreImpersonation(ME, &first); /* a state with no token clears */
	CHECK(state().token == NULL);
	CHECK(expect(a, TRUE, FALSE, SecurityIdentification, SecurityIdentification) == a);
	SAME(PsDisableImpersonation(ME, &first), TRUE);
	CHECK(first.Token == a);
	SAME(first.CopyOnOpen, TRUE);
	SAME(first.EffectiveOnly, FALSE);
	SAME(first.Level, SecurityIdentification);
	CHECK(state().token == NULL);
	SAME(PsDisableImpersonation(ME, &second), FALSE);
	PsRestoreImpersonation(ME, &first);
	STATE s = state();
	CHECK(s.token == a);
	SAME(s.copy, TRUE);
	SAME(s.level, SecurityIdentification);
	PsDereferenceImpersonationToken(s.token);
	PsRevertToSelf();
	PsDereferenceImpersonationToken(a);
}

/* User mode sees what kernel mode does, and the other way round. */
static void both_modes(void)
{
	HANDLE h, k = logon(alice, TokenImpersonation, SecurityImpersonation);
	PACCESS_TOKEN a;
	STATUS(ObReferenceObjectByHandle(k, 0, *SeTokenObjectType, KernelMode, &a, NULL), STATUS_SUCCESS);
	STATUS(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &h), STATUS_NO_TOKEN);
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	/* "OpenAsSelf FALSE: the access check uses the calling thread's context": alice owns her token. */
	STATUS(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, FALSE, &h), STATUS_SUCCESS);
	CHECK(!ObIsKernelHandle(h));
	char room[256];
	ULONG n;
	STATUS(NtQueryInformationToken(h, TokenUser, room, sizeof room, &n), STATUS_SUCCESS);
	CHECK(RtlEqualSid(((PTOKEN_USER)room)->User.Sid, alice));
	PVOID o;
	STATUS(ObReferenceObjectByHandle(h, TOKEN_QUERY, *SeTokenObjectType, UserMode, &o, NULL), STATUS_SUCCESS);
	CHECK(o == a); /* not a copy */
	ObDereferenceObject(o);
	CHECK(RevertToSelf());
	CHECK(state().token == NULL);
	STATUS(NtClose(h), STATUS_SUCCESS);
	CHECK(ImpersonateSelf(SecurityIdentification));
	STATE s = state();
	CHECK(s.token != NULL);
	SAME(s.level, SecurityIdentification);
	PACCESS_TOKEN mine = PsReferencePrimaryToken(MINE);
	CHECK(s.token != mine);
	PsDereferencePrimaryToken(mine);
	PsDereferenceImpersonationToken(s.token);
	PsRevertToSelf();
	STATUS(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &h), STATUS_NO_TOKEN);
	/* PsAssignImpersonationToken takes a handle (I-70). */
	STATUS(PsAssignImpersonationToken(ME, k), STATUS_SUCCESS);
	s = state();
	CHECK(s.token == a);
	SAME(s.copy, FALSE);
	PsDereferenceImpersonationToken(s.token);
	STATUS(PsAssignImpersonationToken(ME, NULL), STATUS_SUCCESS);
	CHECK(state().token == NULL);
	STATUS(PsAssignImpersonationToken(ME, (HANDLE)0x54320), STATUS_INVALID_HANDLE);
	STATUS(ZwClose(k), STATUS_SUCCESS);
	PsDereferenceImpersonationToken(a);
}

void test_impersonate(void)
{
	states();
	primary();
	saved();
	disabled();
	both_modes();
}
