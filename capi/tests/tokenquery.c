/* Every information class of a token: its size, too small by one, and the pointers inside. */
#include "check.h"

void *query(HANDLE t, TOKEN_INFORMATION_CLASS class)
{
	ULONG n = 0;
	STATUS(NtQueryInformationToken(t, class, NULL, 0, &n), STATUS_BUFFER_TOO_SMALL);
	void *p = malloc(n);
	ULONG need = n;
	STATUS(NtQueryInformationToken(t, class, p, n, &n), STATUS_SUCCESS);
	SAME(n, need);
	return p;
}

static void query_pointers(HANDLE own)
{
	char room[8192];
	ULONG n;
	TOKEN_GROUPS *groups = query(own, TokenGroups);
	TOKEN_USER *user = query(own, TokenUser);
	TOKEN_PRIVILEGES *privileges = query(own, TokenPrivileges);
	TOKEN_GROUPS_AND_PRIVILEGES *both = query(own, TokenGroupsAndPrivileges);
	TOKEN_ACCESS_INFORMATION *info = query(own, TokenAccessInformation);
	STATUS(NtQueryInformationToken(own, TokenStatistics, room, sizeof room, &n), STATUS_SUCCESS);
	TOKEN_STATISTICS *s = (TOKEN_STATISTICS *)room;
	SAME(s->TokenType, TokenPrimary);
	SAME(s->GroupCount, groups->GroupCount);
	SAME(s->PrivilegeCount, privileges->PrivilegeCount);
	SAME(both->SidCount, groups->GroupCount + 1);
	CHECK(EqualSid(both->Sids[0].Sid, user->User.Sid));
	SAME(info->SidHash->SidCount, both->SidCount);
	SAME(info->TokenType, TokenPrimary);
	SAME(info->Privileges->PrivilegeCount, privileges->PrivilegeCount);
	SAME(info->RestrictedSidHash->SidCount, 0);
#ifndef FOREIGN_HEADERS /* younger than those */
	SAME(info->CapabilitiesHash->SidCount, 0);
	CHECK(info->PackageSid == NULL && info->TrustLevelSid == NULL);
#endif
	for (DWORD i = 0; i < groups->GroupCount; i++) {
		CHECK(IsValidSid(groups->Groups[i].Sid));
		CHECK(EqualSid(both->Sids[i + 1].Sid, groups->Groups[i].Sid));
		CHECK(EqualSid(info->SidHash->SidAttr[i + 1].Sid, groups->Groups[i].Sid));
		SAME(both->Sids[i + 1].Attributes, groups->Groups[i].Attributes);
	}
	for (DWORD i = 0; i < privileges->PrivilegeCount; i++) {
		SAME(both->Privileges[i].Luid.LowPart, privileges->Privileges[i].Luid.LowPart);
		SAME(info->Privileges->Privileges[i].Attributes, privileges->Privileges[i].Attributes);
	}
	free(groups);
	free(user);
	free(privileges);
	free(both);
	free(info);
}

void test_query(void)
{
	HANDLE own = process_token(TOKEN_QUERY | TOKEN_QUERY_SOURCE);
	static const struct { int class, size; } fixed[] = {{TokenSource, 16}, {TokenType, 4}, {TokenStatistics, 56},
		{TokenSessionId, 4}, {TokenSandBoxInert, 4}, {TokenOrigin, 8},
		{TokenElevationType, 4}, {TokenElevation, 4}, {TokenHasRestrictions, 4}, {TokenVirtualizationAllowed, 4},
		{TokenVirtualizationEnabled, 4}, {TokenIntegrityLevel, 28},
		{TokenUIAccess, 4}, {TokenMandatoryPolicy, 4}, {TokenIsAppContainer, 4}, {TokenCapabilities, 8},
		{TokenAppContainerSid, 8}, {TokenAppContainerNumber, 4},
		{TokenUserClaimAttributes, 16}, {TokenDeviceClaimAttributes, 16}, {TokenDeviceGroups, 8},
		{TokenRestrictedDeviceGroups, 8}, {TokenSecurityAttributes, 16},
		{TokenIsRestricted, 4}, {TokenProcessTrustLevel, 8}, {TokenPrivateNameSpace, 4}, {TokenSingletonAttributes, 16},
		{TokenBnoIsolation, 16}, {TokenChildProcessFlags, 4},
		{TokenIsLessPrivilegedAppContainer, 4}, {TokenIsSandboxed, 4}, {TokenIsAppSilo, 4}, {TokenRestrictedSids, 8}};
	char room[8192];
	ULONG n;
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
		STATUS(NtQueryInformationToken(own, fixed[i].class, room, sizeof room, &n), STATUS_SUCCESS);
		SAME(n, fixed[i].size);
		memset(room, 0x5a, sizeof room);
		STATUS(NtQueryInformationToken(own, fixed[i].class, room, n - 1, &n), STATUS_BUFFER_TOO_SMALL);
		SAME(n, fixed[i].size);
		SAME((unsigned char)room[0], 0x5a); /* untouched */
	}
	static const int invalid[] = {0, 51, 1000, TokenSessionReference, TokenRestrictedUserClaimAttributes,
		TokenRestrictedDeviceClaimAttributes, TokenImpersonationLevel, TokenLoggingInformation, TokenLearningMode};
	for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
		STATUS(NtQueryInformationToken(own, invalid[i], room, sizeof room, &n), STATUS_INVALID_INFO_CLASS);
	HANDLE weak = process_token(TOKEN_QUERY);
	STATUS(NtQueryInformationToken(weak, TokenSource, room, sizeof room, &n), STATUS_ACCESS_DENIED);
	CHECK(CloseHandle(weak));
	query_pointers(own);
	FAILS(GetTokenInformation(own, TokenUser, NULL, 0, &n), ERROR_INSUFFICIENT_BUFFER);
	FAILS(GetTokenInformation(own, 0, room, sizeof room, &n), ERROR_INVALID_PARAMETER);
	CHECK(CloseHandle(own));
}
