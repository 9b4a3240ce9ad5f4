/* Well-known SIDs and domains. The text of each is in the documentation of WELL_KNOWN_SID_TYPE and of well-known
 * SIDs. */
#include "check.h"

static const struct { int number; WELL_KNOWN_SID_TYPE type; const char *text; } table[] = {
	{0, WinNullSid, "S-1-0-0"}, {1, WinWorldSid, "S-1-1-0"}, {2, WinLocalSid, "S-1-2-0"},
	{3, WinCreatorOwnerSid, "S-1-3-0"},
	{6, WinCreatorGroupServerSid, "S-1-3-3"}, {11, WinInteractiveSid, "S-1-5-4"}, {12, WinServiceSid, "S-1-5-6"},
	{13, WinAnonymousSid, "S-1-5-7"}, {16, WinSelfSid, "S-1-5-10"}, {17, WinAuthenticatedUserSid, "S-1-5-11"},
	{18, WinRestrictedCodeSid, "S-1-5-12"}, {20, WinRemoteLogonIdSid, "S-1-5-14"}, {22, WinLocalSystemSid, "S-1-5-18"},
	{24, WinNetworkServiceSid, "S-1-5-20"}, {25, WinBuiltinDomainSid, "S-1-5-32"},
	{26, WinBuiltinAdministratorsSid, "S-1-5-32-544"},
	{27, WinBuiltinUsersSid, "S-1-5-32-545"}, {34, WinBuiltinReplicatorSid, "S-1-5-32-552"},
	{35, WinBuiltinPreWindows2000CompatibleAccessSid, "S-1-5-32-554"},
	{37, WinBuiltinNetworkConfigurationOperatorsSid, "S-1-5-32-556"},
	{38, WinAccountAdministratorSid, "S-1-5-21-1-2-3-500"}, {41, WinAccountDomainAdminsSid, "S-1-5-21-1-2-3-512"},
	{50, WinAccountRasAndIasServersSid, "S-1-5-21-1-2-3-553"}, {51, WinNTLMAuthenticationSid, "S-1-5-64-10"},
	{55, WinOtherOrganizationSid, "S-1-5-1000"}, {62, WinBuiltinIUsersSid, "S-1-5-32-568"}, {63, WinIUserSid, "S-1-5-17"},
	{66, WinLowLabelSid, "S-1-16-4096"}, {68, WinHighLabelSid, "S-1-16-12288"},
	{70, WinWriteRestrictedCodeSid, "S-1-5-33"},
	{71, WinCreatorOwnerRightsSid, "S-1-3-4"}, {72, WinCacheablePrincipalsGroupSid, "S-1-5-21-1-2-3-571"},
	{76, WinBuiltinEventLogReadersGroup, "S-1-5-32-573"}, {79, WinMediumPlusLabelSid, "S-1-16-8448"},
	{81, WinConsoleLogonSid, "S-1-2-1"},
	{82, WinThisOrganizationCertificateSid, "S-1-5-65-1"}, {84, WinBuiltinAnyPackageSid, "S-1-15-2-1"},
	{94, WinCapabilityRemovableStorageSid, "S-1-15-3-10"}, {98, WinUserModeDriversSid, "S-1-5-84-0-0-0-0-0"},
	{99, WinBuiltinHyperVAdminsSid, "S-1-5-32-578"}, {105, WinLocalAccountSid, "S-1-5-113"},
	{106, WinLocalAccountAndAdministratorSid, "S-1-5-114"},
	{107, WinAccountProtectedUsersSid, "S-1-5-21-1-2-3-525"}, {103, WinAuthenticationAuthorityAssertedSid, "S-1-18-1"},
	{118, WinAuthenticationFreshKeyAuthSid, "S-1-18-3"}, {119, WinBuiltinDeviceOwnersSid, "S-1-5-32-583"},
};

static PSID parse(const char *text)
{
	PSID s = NULL;
	CHECK(ConvertStringSidToSidA(text, &s));
	return s;
}

static void domains(PSID domain, PSID user, PSID other, PSID users, PSID everyone)
{
	char room[SECURITY_MAX_SID_SIZE];
	DWORD n;
	BOOL equal;
	n = 23;
	FAILS(GetWindowsAccountDomainSid(user, room, &n), ERROR_INSUFFICIENT_BUFFER);
	SAME(n, 24);
	CHECK(GetWindowsAccountDomainSid(user, room, &n));
	CHECK(EqualSid(room, domain));
	CHECK(GetWindowsAccountDomainSid(domain, room, &n));
	FAILS(GetWindowsAccountDomainSid(users, room, &n), ERROR_NON_ACCOUNT_SID);
	FAILS(GetWindowsAccountDomainSid(everyone, room, &n), ERROR_NON_ACCOUNT_SID);
	FAILS(GetWindowsAccountDomainSid(NULL, room, &n), ERROR_INVALID_SID);

	CHECK(EqualDomainSid(user, domain, &equal));
	SAME(equal, TRUE);
	CHECK(EqualDomainSid(user, other, &equal));
	SAME(equal, FALSE);
	CHECK(EqualDomainSid(users, user, &equal));
	SAME(equal, FALSE);
	n = sizeof room;
	CHECK(CreateWellKnownSid(WinBuiltinDomainSid, NULL, room, &n));
	CHECK(EqualDomainSid(users, room, &equal));
	SAME(equal, TRUE);
	FAILS(EqualDomainSid(user, everyone, &equal), ERROR_NON_DOMAIN_SID);
	FAILS(EqualDomainSid(NULL, user, &equal), ERROR_INVALID_SID);
}

void test_wellknown(void)
{
	char room[SECURITY_MAX_SID_SIZE];
	PSID domain = parse("S-1-5-21-1-2-3"), user = parse("S-1-5-21-1-2-3-1107"), other = parse("S-1-5-21-1-2-4-1107");
	PSID users = parse("S-1-5-32-545"), everyone = parse("S-1-1-0"), logon = parse("S-1-5-5-0-999");
	DWORD n;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		PSID want = parse(table[i].text);
		n = sizeof room;
		SAME(table[i].type, table[i].number);
		CHECK(CreateWellKnownSid(table[i].type, domain, room, &n));
		SAME(n, GetLengthSid(want));
		CHECK(EqualSid(room, want));
		CHECK(IsWellKnownSid(want, table[i].type));
		for (size_t j = 0; j < sizeof table / sizeof *table; j++)
			if (j != i && IsWellKnownSid(want, table[j].type))
				CHECK(!"one SID, two types");
		LocalFree(want);
	}
	/* The size: 12 with one sub-authority, 16 with two, 8 without. */
	n = 11;
	FAILS(CreateWellKnownSid(WinWorldSid, NULL, room, &n), ERROR_INSUFFICIENT_BUFFER);
	SAME(n, 12);
	CHECK(CreateWellKnownSid(WinWorldSid, NULL, room, &n));
	n = 0;
	FAILS(CreateWellKnownSid(WinBuiltinAdministratorsSid, NULL, NULL, &n), ERROR_INSUFFICIENT_BUFFER);
	SAME(n, 16);
	FAILS(CreateWellKnownSid(WinBuiltinAdministratorsSid, NULL, NULL, &n), ERROR_INVALID_PARAMETER);
	n = 8;
	CHECK(CreateWellKnownSid(WinNtAuthoritySid, NULL, room, &n));
	SAME(*GetSidSubAuthorityCount(room), 0);
	n = 27;
	FAILS(CreateWellKnownSid(WinAccountGuestSid, domain, room, &n), ERROR_INSUFFICIENT_BUFFER);
	SAME(n, 28);
	n = sizeof room;
	/* Without a domain the account is the computer's (S-81). */
	CHECK(CreateWellKnownSid(WinAccountGuestSid, NULL, room, &n));
	SAME(n, 28);
	CHECK(IsWellKnownSid(room, WinAccountGuestSid));
	n = 27;
	FAILS(CreateWellKnownSid(WinAccountGuestSid, NULL, room, &n), ERROR_INSUFFICIENT_BUFFER);
	SAME(n, 28);
	n = sizeof room;
	FAILS(CreateWellKnownSid((WELL_KNOWN_SID_TYPE)120, domain, room, &n), ERROR_INVALID_PARAMETER);
	FAILS(CreateWellKnownSid((WELL_KNOWN_SID_TYPE)-1, domain, room, &n), ERROR_INVALID_PARAMETER);
	FAILS(CreateWellKnownSid(WinLogonIdsSid, domain, room, &n), ERROR_INVALID_PARAMETER);
	FAILS(CreateWellKnownSid(WinWorldSid, NULL, room, NULL), ERROR_INVALID_PARAMETER);
	SAME(n, sizeof room);

	CHECK(IsWellKnownSid(logon, WinLogonIdsSid));
	CHECK(!IsWellKnownSid(user, WinAccountAdministratorSid));
	CHECK(!IsWellKnownSid(NULL, WinWorldSid));
	CHECK(!IsWellKnownSid(everyone, (WELL_KNOWN_SID_TYPE)120));

	domains(domain, user, other, users, everyone);
}
