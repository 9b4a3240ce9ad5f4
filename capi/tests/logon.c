/* Logons and look-ups of the local security authority. Names, types and statuses are those of the documentation of
 * LogonUser, LsaLookupNames2 and LsaLookupSids. */
#include "check.h"

#define MACHINE "S-1-5-21-1000000001-1000000002-1000000003"

/* Headers of other projects lack these. */
NTSTATUS NTAPI LsaLookupPrivilegeName(LSA_HANDLE, PLUID, PUNICODE_STRING *);
NTSTATUS NTAPI LsaGetUserName(PUNICODE_STRING *, PUNICODE_STRING *);

static UNICODE_STRING text(PCWSTR s)
{
	UNICODE_STRING u;
	RtlInitUnicodeString(&u, s);
	return u;
}

static int is(PSID sid, const char *want)
{
	char *s = NULL;
	int r = sid && ConvertSidToStringSidA(sid, &s) && !strcmp(s, want);
	LocalFree(s);
	return r;
}

static int says(UNICODE_STRING u, const char *want)
{
	size_t n = strlen(want);
	if (u.Length != 2 * n)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (u.Buffer[i] != (unsigned char)want[i])
			return 0;
	return 1;
}

static LSA_HANDLE policy(ACCESS_MASK access)
{
	LSA_OBJECT_ATTRIBUTES oa;
	LSA_HANDLE h = NULL;
	memset(&oa, 0, sizeof oa);
	STATUS(LsaOpenPolicy(NULL, &oa, access, &h), STATUS_SUCCESS);
	return h;
}

static void names(void)
{
	LSA_HANDLE h = policy(POLICY_LOOKUP_NAMES);
	PLSA_REFERENCED_DOMAIN_LIST domains = NULL;
	PLSA_TRANSLATED_SID2 sids = NULL;
	UNICODE_STRING n[] = {text(u"user"), text(u"BUILTIN\\Administrators"), text(u"zoe"), text(u"REFMON\\zoe"),
		text(u"Everyone"), text(u"REFMON")};
	STATUS(LsaLookupNames2(h, 0, 6, n, &domains, &sids), STATUS_SOME_NOT_MAPPED);
	SAME(domains->Entries, 3);
	CHECK(says(domains->Domains[0].Name, "REFMON") && is(domains->Domains[0].Sid, MACHINE));
	CHECK(says(domains->Domains[1].Name, "BUILTIN") && is(domains->Domains[1].Sid, "S-1-5-32"));
	CHECK(is(sids[0].Sid, MACHINE "-1001") && sids[0].Use == SidTypeUser && sids[0].DomainIndex == 0);
	CHECK(is(sids[1].Sid, "S-1-5-32-544") && sids[1].Use == SidTypeAlias && sids[1].DomainIndex == 1);
	CHECK(!sids[2].Sid && sids[2].Use == SidTypeUnknown && sids[2].DomainIndex == -1);
	CHECK(!sids[3].Sid && sids[3].Use == SidTypeUnknown && sids[3].DomainIndex == 0);
	CHECK(is(sids[4].Sid, "S-1-1-0") && sids[4].Use == SidTypeWellKnownGroup);
	CHECK(is(sids[5].Sid, MACHINE) && sids[5].Use == SidTypeDomain);
	STATUS(LsaFreeMemory(domains), STATUS_SUCCESS);
	STATUS(LsaFreeMemory(sids), STATUS_SUCCESS);
	STATUS(LsaLookupNames2(h, 0, 1, n + 2, &domains, &sids), STATUS_NONE_MAPPED);
	CHECK(domains && domains->Entries == 0 && sids && sids[0].Use == SidTypeUnknown);
	LsaFreeMemory(domains);
	LsaFreeMemory(sids);
	STATUS(LsaLookupNames2(h, 1, 1, n, &domains, &sids), STATUS_INVALID_PARAMETER);
	STATUS(LsaLookupNames2(h, 0, 0xFFFFFFFF, n, &domains, &sids), STATUS_INVALID_PARAMETER);
	STATUS(LsaLookupNames2(h, 0, 1, UNMAPPED, &domains, &sids), STATUS_ACCESS_VIOLATION);
	STATUS(LsaLookupNames2(h, 0, 1, n, readonly, &sids), STATUS_ACCESS_VIOLATION);
	STATUS(LsaLookupNames2(h, 0, 1, n, &domains, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(LsaClose(h), STATUS_SUCCESS);
	STATUS(LsaLookupNames2(h, 0, 1, n, &domains, &sids), STATUS_INVALID_HANDLE);
}

static void sids(void)
{
	LSA_HANDLE h = policy(POLICY_EXECUTE);
	PLSA_REFERENCED_DOMAIN_LIST domains = NULL;
	PLSA_TRANSLATED_NAME n = NULL;
	const char *all[] = {MACHINE "-500", "S-1-5-18", MACHINE "-777", "S-1-5-21-9-9-9-777", "S-1-16-8192"};
	PSID list[5];
	for (int i = 0; i < 5; i++)
		CHECK(ConvertStringSidToSidA(all[i], &list[i]));
	STATUS(LsaLookupSids(h, 5, list, &domains, &n), STATUS_SOME_NOT_MAPPED);
	CHECK(says(n[0].Name, "Administrator") && n[0].Use == SidTypeUser && n[0].DomainIndex == 0);
	CHECK(says(n[1].Name, "SYSTEM") && n[1].Use == SidTypeWellKnownGroup);
	CHECK(says(domains->Domains[n[1].DomainIndex].Name, "NT AUTHORITY"));
	CHECK(says(n[2].Name, "00000309") && n[2].Use == SidTypeUnknown && n[2].DomainIndex == 0);
	CHECK(says(n[3].Name, all[3]) && n[3].Use == SidTypeUnknown && n[3].DomainIndex == -1);
	CHECK(n[4].Use == SidTypeLabel);
	LsaFreeMemory(domains);
	LsaFreeMemory(n);
	STATUS(LsaLookupSids(h, 5, UNMAPPED, &domains, &n), STATUS_ACCESS_VIOLATION);
	PSID bad[] = {list[0], UNMAPPED};
	STATUS(LsaLookupSids(h, 2, bad, &domains, &n), STATUS_ACCESS_VIOLATION);
	bad[1] = "\2\1\0\0\0\0\0\5"; /* no SID (L-47) */
	STATUS(LsaLookupSids(h, 2, bad, &domains, &n), STATUS_SOME_NOT_MAPPED);
	CHECK(n[0].Use == SidTypeUser && n[1].Use == SidTypeInvalid && n[1].DomainIndex == -1);
	LsaFreeMemory(domains);
	LsaFreeMemory(n);
	STATUS(LsaLookupSids(h, 20481, list, &domains, &n), STATUS_INVALID_PARAMETER);
	for (int i = 0; i < 5; i++)
		LocalFree(list[i]);

	PPOLICY_ACCOUNT_DOMAIN_INFO info = NULL;
	STATUS(LsaQueryInformationPolicy(h, PolicyAccountDomainInformation, (PVOID *)&info), STATUS_SUCCESS);
	CHECK(says(info->DomainName, "REFMON") && is(info->DomainSid, MACHINE));
	LsaFreeMemory(info);
	PPOLICY_PRIMARY_DOMAIN_INFO primary = NULL;
	STATUS(LsaQueryInformationPolicy(h, PolicyPrimaryDomainInformation, (PVOID *)&primary), STATUS_SUCCESS);
	CHECK(primary->Sid == NULL);
	LsaFreeMemory(primary);
	info = readonly;
	STATUS(LsaQueryInformationPolicy(h, 0, (PVOID *)&info), STATUS_INVALID_PARAMETER);
	CHECK(info == readonly); /* nothing is written on failure */
	STATUS(LsaClose(h), STATUS_SUCCESS);
	h = policy(POLICY_LOOKUP_NAMES);
	STATUS(LsaQueryInformationPolicy(h, PolicyAccountDomainInformation, (PVOID *)&info), STATUS_ACCESS_DENIED);
	STATUS(LsaClose(h), STATUS_SUCCESS);
	UNICODE_STRING other = text(u"OTHER");
	STATUS(LsaOpenPolicy(&other, NULL, POLICY_LOOKUP_NAMES, &h), STATUS_OBJECT_NAME_NOT_FOUND);
	SAME(LsaNtStatusToWinError(STATUS_NONE_MAPPED), ERROR_NONE_MAPPED);
}

/* The name of a privilege, through a policy that looks names up; and the name of the caller (T-146, T-147). */
static void told(void)
{
	LSA_HANDLE h = policy(POLICY_LOOKUP_NAMES), other = policy(POLICY_VIEW_LOCAL_INFORMATION);
	PUNICODE_STRING name = NULL, domain = NULL;
	LUID debug = {SE_DEBUG_PRIVILEGE, 0}, none = {SE_DEBUG_PRIVILEGE, 1}, beyond = {99, 0};
	STATUS(LsaLookupPrivilegeName(h, &debug, &name), STATUS_SUCCESS);
	CHECK(says(*name, "SeDebugPrivilege"));
	LsaFreeMemory(name);
	name = NULL;
	STATUS(LsaLookupPrivilegeName(h, &none, &name), STATUS_NO_SUCH_PRIVILEGE);
	STATUS(LsaLookupPrivilegeName(h, &beyond, &name), STATUS_NO_SUCH_PRIVILEGE);
	STATUS(LsaLookupPrivilegeName(h, NULL, &name), STATUS_ACCESS_VIOLATION);
	STATUS(LsaLookupPrivilegeName(h, &debug, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(LsaLookupPrivilegeName(NULL, &debug, &name), STATUS_INVALID_HANDLE);
	STATUS(LsaLookupPrivilegeName(NULL, &beyond, &name), STATUS_INVALID_HANDLE);
	STATUS(LsaLookupPrivilegeName(other, &debug, &name), STATUS_ACCESS_DENIED);
	CHECK(!name);
	STATUS(LsaClose(h), STATUS_SUCCESS);
	STATUS(LsaClose(other), STATUS_SUCCESS);

	STATUS(LsaGetUserName(&name, &domain), STATUS_SUCCESS);
	CHECK(says(*name, "Administrator") && says(*domain, "REFMON"));
	LsaFreeMemory(name);
	LsaFreeMemory(domain);
	STATUS(LsaGetUserName(&name, NULL), STATUS_SUCCESS);
	CHECK(says(*name, "Administrator"));
	LsaFreeMemory(name);
	domain = UNMAPPED;
	HANDLE nobody = client(SecurityAnonymous);
	CHECK(SetThreadToken(NULL, nobody));
	STATUS(LsaGetUserName(&name, UNMAPPED), STATUS_ACCESS_VIOLATION); /* before there is no user */
	CHECK(RevertToSelf() && CloseHandle(nobody));
	STATUS(LsaGetUserName(NULL, &domain), STATUS_ACCESS_VIOLATION);
	CHECK(domain == UNMAPPED); /* the name's pointer is tested before an output is written */
	HANDLE user;
	CHECK(LogonUserW(u"User", NULL, u"Password1", LOGON32_LOGON_INTERACTIVE, LOGON32_PROVIDER_DEFAULT, &user));
	CHECK(ImpersonateLoggedOnUser(user));
	STATUS(LsaGetUserName(&name, &domain), STATUS_SUCCESS);
	CHECK(RevertToSelf());
	CHECK(says(*name, "User") && says(*domain, "REFMON"));
	LsaFreeMemory(name);
	LsaFreeMemory(domain);
	CHECK(CloseHandle(user));
}

/* L-77: the rights of an account, for an administrator alone. */
static void rights(void)
{
	LSA_HANDLE h = policy(POLICY_LOOKUP_NAMES), other = policy(POLICY_VIEW_LOCAL_INFORMATION);
	PLSA_UNICODE_STRING list = NULL;
	ULONG n = 7;
	PSID user, nowhere;
	int interactive = 0, network = 0, notify = 0;
	CHECK(ConvertStringSidToSidA(MACHINE "-1001", &user) && ConvertStringSidToSidA("S-1-5-21-9-9-9-777", &nowhere));
	STATUS(LsaEnumerateAccountRights(h, user, &list, &n), STATUS_SUCCESS);
	for (ULONG i = 0; i < n; i++) {
		interactive += says(list[i], "SeInteractiveLogonRight");
		network += says(list[i], "SeNetworkLogonRight");
		notify += says(list[i], "SeChangeNotifyPrivilege");
		CHECK(!says(list[i], "SeDebugPrivilege") && list[i].MaximumLength == list[i].Length + 2);
	}
	CHECK(interactive == 1 && network == 1 && notify == 1);
	STATUS(LsaFreeMemory(list), STATUS_SUCCESS);
	n = 7;
	STATUS(LsaEnumerateAccountRights(h, nowhere, &list, &n), STATUS_OBJECT_NAME_NOT_FOUND);
	SAME(n, 7);
	STATUS(LsaEnumerateAccountRights(h, NULL, &list, &n), STATUS_ACCESS_VIOLATION);
	STATUS(LsaEnumerateAccountRights(h, UNMAPPED, &list, &n), STATUS_ACCESS_VIOLATION);
	STATUS(LsaEnumerateAccountRights(h, "no SID", &list, &n), STATUS_INVALID_SID);
	STATUS(LsaEnumerateAccountRights(h, user, NULL, &n), STATUS_ACCESS_VIOLATION);
	STATUS(LsaEnumerateAccountRights(h, user, &list, readonly), STATUS_ACCESS_VIOLATION);
	STATUS(LsaEnumerateAccountRights(other, user, &list, &n), STATUS_ACCESS_DENIED);
	STATUS(LsaEnumerateAccountRights(NULL, user, &list, &n), STATUS_INVALID_HANDLE);
	HANDLE t;
	CHECK(LogonUserW(u"User", NULL, u"Password1", LOGON32_LOGON_INTERACTIVE, LOGON32_PROVIDER_DEFAULT, &t));
	CHECK(ImpersonateLoggedOnUser(t));
	STATUS(LsaEnumerateAccountRights(h, user, &list, &n), STATUS_ACCESS_DENIED);
	CHECK(RevertToSelf());
	CHECK(CloseHandle(t));
	LocalFree(user);
	LocalFree(nowhere);
	STATUS(LsaClose(h), STATUS_SUCCESS);
	STATUS(LsaClose(other), STATUS_SUCCESS);
}

/* L-78: the audited categories. The default policy records some of System and of Policy Change, and no other (U-1). */
static void audited(void)
{
	LSA_HANDLE h = policy(POLICY_VIEW_AUDIT_INFORMATION), other = policy(POLICY_VIEW_LOCAL_INFORMATION);
	PPOLICY_AUDIT_EVENTS_INFO info = NULL;
	STATUS(LsaQueryInformationPolicy(h, PolicyAuditEventsInformation, (PVOID *)&info), STATUS_SUCCESS);
	SAME(info->AuditingMode, TRUE);
	SAME(info->MaximumAuditEventCount, 9);
	for (int i = 0; i < 9; i++)
		SAME(info->EventAuditingOptions[i], i == AuditCategorySystem || i == AuditCategoryPolicyChange
			? POLICY_AUDIT_EVENT_SUCCESS | POLICY_AUDIT_EVENT_FAILURE : POLICY_AUDIT_EVENT_NONE);
	STATUS(LsaFreeMemory(info), STATUS_SUCCESS);
	STATUS(LsaQueryInformationPolicy(other, PolicyAuditEventsInformation, (PVOID *)&info), STATUS_ACCESS_DENIED);
	STATUS(LsaClose(h), STATUS_SUCCESS);
	STATUS(LsaClose(other), STATUS_SUCCESS);
}

static void logons(void)
{
	HANDLE h = NULL;
	TOKEN_TYPE type = 0;
	DWORD n;
	CHECK(LogonUserW(u"User", NULL, u"Password1", LOGON32_LOGON_INTERACTIVE, LOGON32_PROVIDER_DEFAULT, &h));
	CHECK(GetTokenInformation(h, TokenType, &type, sizeof type, &n) && type == TokenPrimary);
	CHECK(ImpersonateLoggedOnUser(h));
	char who[64];
	n = sizeof who;
	CHECK(GetUserNameA(who, &n) && !strcmp(who, "User"));
	CHECK(RevertToSelf());
	CHECK(CloseHandle(h));
	CHECK(LogonUserA("user", "REFMON", "Password1", LOGON32_LOGON_NETWORK, LOGON32_PROVIDER_WINNT50, &h));
	CHECK(GetTokenInformation(h, TokenType, &type, sizeof type, &n) && type == TokenImpersonation);
	CHECK(CloseHandle(h));
	TOKEN_ELEVATION_TYPE elevation = 0;
	CHECK(LogonUserA("Administrator", ".", "Password1", LOGON32_LOGON_INTERACTIVE, LOGON32_PROVIDER_DEFAULT, &h));
	CHECK(GetTokenInformation(h, TokenElevationType, &elevation, sizeof elevation, &n));
	SAME(elevation, TokenElevationTypeLimited);
	CHECK(CloseHandle(h));
	FAILS(LogonUserA("User", NULL, "password1", LOGON32_LOGON_NETWORK, 0, &h), 1326);
	FAILS(LogonUserA("zoe", NULL, "Password1", LOGON32_LOGON_NETWORK, 0, &h), 1326);
	FAILS(LogonUserA("User", NULL, NULL, LOGON32_LOGON_NETWORK, 0, &h), 1326);
	FAILS(LogonUserA("User", "OTHER", "Password1", LOGON32_LOGON_NETWORK, 0, &h), 1326);
	FAILS(LogonUserA("User", NULL, "Password1", LOGON32_LOGON_BATCH, 0, &h), 1385);
	FAILS(LogonUserA("User", NULL, "Password1", 1, 0, &h), 1367);
	FAILS(LogonUserA("User", NULL, "Password1", LOGON32_LOGON_NETWORK, 9, &h), ERROR_INVALID_PARAMETER);
	FAILS(LogonUserA(NULL, NULL, "Password1", LOGON32_LOGON_NETWORK, 0, &h), ERROR_INVALID_PARAMETER);
	FAILS(LogonUserA("User", NULL, "Password1", LOGON32_LOGON_NETWORK, 0, NULL), ERROR_INVALID_PARAMETER);
}

void test_logon(void)
{
	names();
	sids();
	rights();
	audited();
	told();
	logons();
}
