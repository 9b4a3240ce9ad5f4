/* Facts about tokens and filtered versions of them (T-60 to T-64, T-80, T-103). */
#include "kernel.h"

static void classes_of(PACCESS_TOKEN mine)
{
	PVOID v;
	ULONG need;
	/* every class has the size and, pointers apart, the contents that user mode gets */
	HANDLE h;
	STATUS(NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY | TOKEN_QUERY_SOURCE, &h), STATUS_SUCCESS);
	int classes = 0;
	for (int c = TokenUser; c < MaxTokenInfoClass; c++) {
		if (c == TokenLinkedToken) /* a handle in user mode */
			continue;
		static char room[65536];
		NTSTATUS k = SeQueryInformationToken(mine, c, &v), u = NtQueryInformationToken(h, c, room, sizeof room, &need);
		STATUS(u, c == TokenAuditPolicy ? STATUS_PRIVILEGE_NOT_HELD : k); /* which user mode may not ask for */
		if (!NT_SUCCESS(k))
			continue;
		classes++;
		if (NT_SUCCESS(u) && need <= 8)
			CHECK(!memcmp(v, room, need) || need == 8); /* larger ones have pointers */
		ExFreePool(v);
	}
	CHECK(classes > 30);
	STATUS(NtClose(h), STATUS_SUCCESS);
}

static void facts(void)
{
	PACCESS_TOKEN mine = PsReferencePrimaryToken(MINE), p = token_of(alice, TokenPrimary, 0), i = token_of(bob,
		TokenImpersonation, SecurityDelegation);
	LUID session = {9, 9};
	ULONG n = 99;
	CHECK(SeTokenIsAdmin(mine));
	CHECK(!SeTokenIsAdmin(p));
	CHECK(!SeTokenIsRestricted(mine));
	CHECK(!SeTokenIsWriteRestricted(mine));
	SAME(SeTokenType(mine), TokenPrimary);
	SAME(SeTokenType(i), TokenImpersonation);
	SAME(SeTokenImpersonationLevel(i), SecurityDelegation);
	STATUS(SeQueryAuthenticationIdToken(p, &session), STATUS_SUCCESS);
	SAME(session.LowPart, 0x3E7);
	SAME(session.HighPart, 0);
	STATUS(SeQuerySessionIdToken(p, &n), STATUS_SUCCESS);
	SAME(n, 0);
	STATUS(SeQuerySessionIdToken(p, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(SeQueryAuthenticationIdToken(p, readonly), STATUS_ACCESS_VIOLATION);
	CHECK(user_is(p, alice) && user_is(i, bob) && !user_is(i, alice));

	PVOID v = (PVOID)1;
	STATUS(SeQueryInformationToken(p, 0, &v), STATUS_INVALID_INFO_CLASS);
	STATUS(SeQueryInformationToken(p, MaxTokenInfoClass, &v), STATUS_INVALID_INFO_CLASS);
	STATUS(SeQueryInformationToken(p, TokenLinkedToken, &v), STATUS_INVALID_INFO_CLASS);
	/* of a primary token (T-80) */
	STATUS(SeQueryInformationToken(p, TokenImpersonationLevel, &v), STATUS_INVALID_INFO_CLASS);
	CHECK(v == (PVOID)1);
	STATUS(SeQueryInformationToken(p, TokenUser, none), STATUS_ACCESS_VIOLATION);
	PTOKEN_GROUPS g;
	STATUS(SeQueryInformationToken(p, TokenGroups, (PVOID *)&g), STATUS_SUCCESS);
	SAME(g->GroupCount, 3); /* the integrity level is the last */
	SAME(g->Groups[2].Attributes & SE_GROUP_INTEGRITY, SE_GROUP_INTEGRITY);
	CHECK(RtlEqualSid(g->Groups[0].Sid, SeExports->SeWorldSid));
	CHECK(RtlEqualSid(g->Groups[1].Sid, SeExports->SeAliasUsersSid));
	CHECK(g->Groups[1].Attributes & SE_GROUP_ENABLED);
	ExFreePool(g);
	PTOKEN_SOURCE source;
	/* no handle, so no TOKEN_QUERY_SOURCE */
	STATUS(SeQueryInformationToken(p, TokenSource, (PVOID *)&source), STATUS_SUCCESS);
	CHECK(!memcmp(source->SourceName, "ktests", 6));
	ExFreePoolWithTag(source, 0);
	STATUS(SeQueryInformationToken(p, 99, none), STATUS_INVALID_INFO_CLASS);
	classes_of(mine);
	PsDereferencePrimaryToken(mine);
	PsDereferencePrimaryToken(p);
	PsDereferenceImpersonationToken(i);
}

static ACCESS_MASK granted(PACCESS_TOKEN t, const char *text, ACCESS_MASK desired)
{
	GENERIC_MAPPING m = {1, 2, 4, 7};
	SECURITY_SUBJECT_CONTEXT s;
	ACCESS_MASK got;
	NTSTATUS st;
	STATUS(PsImpersonateClient(ME, t, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	SeCaptureSubjectContext(&s);
	PsRevertToSelf();
	SeAccessCheck(sddl(text), &s, FALSE, desired, 0, NULL, &m, UserMode, &got, &st);
	SeReleaseSubjectContext(&s);
	return got;
}

static void filtered_restricted(PACCESS_TOKEN a, PTOKEN_GROUPS world, PTOKEN_GROUPS users)
{
	PACCESS_TOKEN f, again;
	const char *to_users = "O:SYG:SYD:(A;;0x3;;;BU)", *to_both = "O:SYG:SYD:(A;;0x1;;;WD)(A;;0x2;;;BU)";
	STATUS(SeFilterToken(a, 0, NULL, NULL, world, &f), STATUS_SUCCESS);
	CHECK(SeTokenIsRestricted(f));
	CHECK(!SeTokenIsWriteRestricted(f));
	SAME(granted(f, to_users, 0x3), 0); /* both lists must grant */
	SAME(granted(f, to_both, 0x1), 0x1);
	SAME(granted(f, to_both, MAXIMUM_ALLOWED), 0x1);
	/* restricted once more: the intersection, here empty, and still restricted (T-63) */
	STATUS(SeFilterToken(f, 0, NULL, NULL, users, &again), STATUS_SUCCESS);
	CHECK(SeTokenIsRestricted(again));
	SAME(granted(again, to_both, 0x1), 0);
	PsDereferenceImpersonationToken(again);
	PsDereferenceImpersonationToken(f);

	STATUS(SeFilterToken(a, WRITE_RESTRICTED, NULL, NULL, world, &f), STATUS_SUCCESS);
	CHECK(SeTokenIsWriteRestricted(f));
	SAME(granted(f, to_users, 0x1), 0x1); /* reading is not restricted */
	SAME(granted(f, to_users, 0x2), 0);
	PsDereferenceImpersonationToken(f);
}

static void filtered(void)
{
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation), f = (PVOID)1;
	TOKEN_GROUPS users = {1, {{SeExports->SeAliasUsersSid, 0}}}, world = {1, {{SeExports->SeWorldSid, 0}}};
	TOKEN_PRIVILEGES drop = {1, {{SeExports->SeShutdownPrivilege, 0}}};
	const char *to_users = "O:SYG:SYD:(A;;0x3;;;BU)";
	STATUS(SeFilterToken(a, 0x10, NULL, NULL, NULL, &f), STATUS_INVALID_PARAMETER);
	CHECK(f == (PVOID)1);
	world.Groups[0].Attributes = SE_GROUP_ENABLED;
	STATUS(SeFilterToken(a, 0, NULL, NULL, &world, &f), STATUS_INVALID_PARAMETER); /* T-63 */
	world.Groups[0].Attributes = 0;
	STATUS(SeFilterToken(a, 0, none, NULL, NULL, &f), STATUS_ACCESS_VIOLATION);
	LONG64 before = owed();
	STATUS(SeFilterToken(a, 0, NULL, NULL, NULL, readonly), STATUS_ACCESS_VIOLATION);
	SAME(owed(), before); /* nothing is left behind */
	SAME(granted(a, to_users, 0x3), 0x3);

	STATUS(SeFilterToken(a, 0, NULL, NULL, NULL, &f), STATUS_SUCCESS); /* nothing to do is fine */
	CHECK(f != a);
	CHECK(!SAME_LUID(token_id(f), token_id(a)));
	SAME(SeTokenType(f), TokenImpersonation);
	SAME(SeTokenImpersonationLevel(f), SecurityImpersonation);
	CHECK(!SeTokenIsRestricted(f));
	PsDereferenceImpersonationToken(f);

	STATUS(SeFilterToken(a, 0, &users, &drop, NULL, &f), STATUS_SUCCESS); /* T-61, T-62 */
	CHECK(!SeTokenIsRestricted(f));
	SAME(granted(f, to_users, 0x3), 0);
	PTOKEN_PRIVILEGES p;
	PTOKEN_GROUPS g;
	STATUS(SeQueryInformationToken(f, TokenPrivileges, (PVOID *)&p), STATUS_SUCCESS);
	SAME(p->PrivilegeCount, 1);
	ExFreePool(p);
	STATUS(SeQueryInformationToken(f, TokenGroups, (PVOID *)&g), STATUS_SUCCESS);
	SAME(g->Groups[1].Attributes & (SE_GROUP_ENABLED | SE_GROUP_USE_FOR_DENY_ONLY), SE_GROUP_USE_FOR_DENY_ONLY);
	ExFreePool(g);
	PsDereferenceImpersonationToken(f);

	filtered_restricted(a, &world, &users);
	PACCESS_TOKEN mine = PsReferencePrimaryToken(MINE);
	STATUS(SeFilterToken(mine, LUA_TOKEN | DISABLE_MAX_PRIVILEGE, NULL, NULL, NULL, &f), STATUS_SUCCESS);
	CHECK(SeTokenIsAdmin(mine) && !SeTokenIsAdmin(f)); /* T-65, T-103 */
	SAME(SeTokenType(f), TokenPrimary);
	PsDereferencePrimaryToken(f);
	PsDereferencePrimaryToken(mine);
	PsDereferenceImpersonationToken(a);
}

void test_ktokens(void)
{
	facts();
	filtered();
}
