/* Well-known SIDs and the domains of SIDs. */
#include "win.h"

#define MOST 6 /* sub-authorities of a well-known SID */
#define DOMAIN 0xFF /* in place of an authority: a RID of the domain */
#define BUILTIN(rid) {5, 2, {SECURITY_BUILTIN_DOMAIN_RID, rid}}
#define OF_DOMAIN(rid) {DOMAIN, 1, {rid}}
#define ONE(authority, s) {authority, 1, {s}}
#define TWO(authority, s, t) {authority, 2, {s, t}}

/* An authority of 0 without sub-authorities is a number we have no SID for. */
static const struct known { BYTE authority, count; DWORD subs[MOST]; } known[] = {
	[WinNullSid] = ONE(0, 0), [WinWorldSid] = ONE(1, 0), [WinLocalSid] = ONE(2, 0), [WinConsoleLogonSid] = ONE(2, 1),
	[WinCreatorOwnerSid] = ONE(3, 0), [WinCreatorGroupSid] = ONE(3, 1), [WinCreatorOwnerServerSid] = ONE(3, 2),
	[WinCreatorGroupServerSid] = ONE(3, 3), [WinCreatorOwnerRightsSid] = ONE(3, 4),
	[WinNtAuthoritySid] = {5, 0, {0}}, [WinDialupSid] = ONE(5, 1), [WinNetworkSid] = ONE(5, 2), [WinBatchSid] = ONE(5, 3),
	[WinInteractiveSid] = ONE(5, 4), [WinServiceSid] = ONE(5, 6), [WinAnonymousSid] = ONE(5, 7), [WinProxySid] = ONE(5, 8),
	[WinEnterpriseControllersSid] = ONE(5, 9), [WinSelfSid] = ONE(5, 10), [WinAuthenticatedUserSid] = ONE(5, 11),
	[WinRestrictedCodeSid] = ONE(5, 12), [WinTerminalServerSid] = ONE(5, 13), [WinRemoteLogonIdSid] = ONE(5, 14),
	[WinThisOrganizationSid] = ONE(5, 15), [WinIUserSid] = ONE(5, 17), [WinLocalSystemSid] = ONE(5, 18),
	[WinLocalServiceSid] = ONE(5, 19), [WinNetworkServiceSid] = ONE(5, 20),
	[WinEnterpriseReadonlyControllersSid] = ONE(5, 22),
	[WinWriteRestrictedCodeSid] = ONE(5, 33), [WinLocalAccountSid] = ONE(5, 113),
	[WinLocalAccountAndAdministratorSid] = ONE(5, 114),
	[WinOtherOrganizationSid] = ONE(5, 1000),
	[WinNTLMAuthenticationSid] = TWO(5, 64, 10), [WinSChannelAuthenticationSid] = TWO(5, 64, 14),
	[WinDigestAuthenticationSid] = TWO(5, 64, 21),
	[WinThisOrganizationCertificateSid] = TWO(5, 65, 1), [WinUserModeDriversSid] = {5, 6, {84, 0, 0, 0, 0, 0}},

	[WinBuiltinDomainSid] = ONE(5, SECURITY_BUILTIN_DOMAIN_RID), [WinBuiltinAdministratorsSid] = BUILTIN(544),
	[WinBuiltinUsersSid] = BUILTIN(545), [WinBuiltinGuestsSid] = BUILTIN(546), [WinBuiltinPowerUsersSid] = BUILTIN(547),
	[WinBuiltinAccountOperatorsSid] = BUILTIN(548), [WinBuiltinSystemOperatorsSid] = BUILTIN(549),
	[WinBuiltinPrintOperatorsSid] = BUILTIN(550), [WinBuiltinBackupOperatorsSid] = BUILTIN(551),
	[WinBuiltinReplicatorSid] = BUILTIN(552),
	[WinBuiltinPreWindows2000CompatibleAccessSid] = BUILTIN(554), [WinBuiltinRemoteDesktopUsersSid] = BUILTIN(555),
	[WinBuiltinNetworkConfigurationOperatorsSid] = BUILTIN(556), [WinBuiltinIncomingForestTrustBuildersSid] = BUILTIN(557),
	[WinBuiltinPerfMonitoringUsersSid] = BUILTIN(558), [WinBuiltinPerfLoggingUsersSid] = BUILTIN(559),
	[WinBuiltinAuthorizationAccessSid] = BUILTIN(560), [WinBuiltinTerminalServerLicenseServersSid] = BUILTIN(561),
	[WinBuiltinDCOMUsersSid] = BUILTIN(562), [WinBuiltinIUsersSid] = BUILTIN(568),
	[WinBuiltinCryptoOperatorsSid] = BUILTIN(569),
	[WinBuiltinEventLogReadersGroup] = BUILTIN(573), [WinBuiltinCertSvcDComAccessGroup] = BUILTIN(574),
	[WinBuiltinRDSRemoteAccessServersSid] = BUILTIN(575), [WinBuiltinRDSEndpointServersSid] = BUILTIN(576),
	[WinBuiltinRDSManagementServersSid] = BUILTIN(577), [WinBuiltinHyperVAdminsSid] = BUILTIN(578),
	[WinBuiltinAccessControlAssistanceOperatorsSid] = BUILTIN(579), [WinBuiltinRemoteManagementUsersSid] = BUILTIN(580),
	[WinBuiltinDefaultSystemManagedGroupSid] = BUILTIN(581), [WinBuiltinStorageReplicaAdminsSid] = BUILTIN(582),
	[WinBuiltinDeviceOwnersSid] = BUILTIN(583),

	[WinNewEnterpriseReadonlyControllersSid] = OF_DOMAIN(498), [WinAccountAdministratorSid] = OF_DOMAIN(500),
	[WinAccountGuestSid] = OF_DOMAIN(501), [WinAccountKrbtgtSid] = OF_DOMAIN(502),
	[WinAccountDefaultSystemManagedSid] = OF_DOMAIN(503),
	[WinAccountDomainAdminsSid] = OF_DOMAIN(512), [WinAccountDomainUsersSid] = OF_DOMAIN(513),
	[WinAccountDomainGuestsSid] = OF_DOMAIN(514),
	[WinAccountComputersSid] = OF_DOMAIN(515), [WinAccountControllersSid] = OF_DOMAIN(516),
	[WinAccountCertAdminsSid] = OF_DOMAIN(517),
	[WinAccountSchemaAdminsSid] = OF_DOMAIN(518), [WinAccountEnterpriseAdminsSid] = OF_DOMAIN(519),
	[WinAccountPolicyAdminsSid] = OF_DOMAIN(520),
	[WinAccountReadonlyControllersSid] = OF_DOMAIN(521), [WinAccountCloneableControllersSid] = OF_DOMAIN(522),
	[WinAccountProtectedUsersSid] = OF_DOMAIN(525), [WinAccountKeyAdminsSid] = OF_DOMAIN(526),
	[WinAccountEnterpriseKeyAdminsSid] = OF_DOMAIN(527),
	[WinAccountRasAndIasServersSid] = OF_DOMAIN(553), [WinCacheablePrincipalsGroupSid] = OF_DOMAIN(571),
	[WinNonCacheablePrincipalsGroupSid] = OF_DOMAIN(572),

	[WinBuiltinAnyPackageSid] = TWO(15, 2, 1), [WinCapabilityInternetClientSid] = TWO(15, 3, 1),
	[WinCapabilityInternetClientServerSid] = TWO(15, 3, 2),
	[WinCapabilityPrivateNetworkClientServerSid] = TWO(15, 3, 3), [WinCapabilityPicturesLibrarySid] = TWO(15, 3, 4),
	[WinCapabilityVideosLibrarySid] = TWO(15, 3, 5), [WinCapabilityMusicLibrarySid] = TWO(15, 3, 6),
	[WinCapabilityDocumentsLibrarySid] = TWO(15, 3, 7),
	[WinCapabilityEnterpriseAuthenticationSid] = TWO(15, 3, 8), [WinCapabilitySharedUserCertificatesSid] = TWO(15, 3, 9),
	[WinCapabilityRemovableStorageSid] = TWO(15, 3, 10), [WinCapabilityAppointmentsSid] = TWO(15, 3, 11),
	[WinCapabilityContactsSid] = TWO(15, 3, 12),

	[WinUntrustedLabelSid] = ONE(16, 0), [WinLowLabelSid] = ONE(16, SECURITY_MANDATORY_LOW_RID),
	[WinMediumLabelSid] = ONE(16, SECURITY_MANDATORY_MEDIUM_RID),
	[WinMediumPlusLabelSid] = ONE(16, 0x2100), [WinHighLabelSid] = ONE(16, SECURITY_MANDATORY_HIGH_RID),
	[WinSystemLabelSid] = ONE(16, SECURITY_MANDATORY_SYSTEM_RID),
	[WinAuthenticationAuthorityAssertedSid] = ONE(18, 1), [WinAuthenticationServiceAssertedSid] = ONE(18, 2),
	[WinAuthenticationFreshKeyAuthSid] = ONE(18, 3), [WinAuthenticationKeyTrustSid] = ONE(18, 4),
	[WinAuthenticationKeyPropertyMFASid] = ONE(18, 5), [WinAuthenticationKeyPropertyAttestationSid] = ONE(18, 6),
};

static const struct known *find(WELL_KNOWN_SID_TYPE type)
{
	const struct known *k = (ULONG)type < sizeof known / sizeof *known ? &known[type] : NULL;
	return k && (k->authority || k->count) ? k : NULL;
}

static void append(SID *s, const struct known *k)
{
	memcpy(&s->SubAuthority[s->SubAuthorityCount], k->subs, 4 * (size_t)k->count);
	s->SubAuthorityCount += k->count;
}

typedef union { SID sid; char room[SECURITY_MAX_SID_SIZE]; } any_sid;

static BOOL give(SID *s, PSID to, DWORD *size)
{
	DWORD n = RtlLengthSid(s);
	if (*size < n) {
		*size = n;
		return fail(ERROR_INSUFFICIENT_BUFFER);
	}
	if (!to)
		return fail(ERROR_INVALID_PARAMETER);
	memcpy(to, s, n);
	*size = n;
	return TRUE;
}

/* The local computer stands in for a domain that is not given. */
BOOL WINAPI CreateWellKnownSid(WELL_KNOWN_SID_TYPE type, PSID domain, PSID sid, DWORD *size)
{
	const struct known *k = find(type);
	any_sid s = {{SID_REVISION, 0, {{0}}, {0}}};
	if (!k || !size)
		return fail(ERROR_INVALID_PARAMETER);
	if (k->authority == DOMAIN) {
		PSID computer = NULL;
		if (!domain && !done(rm_computer(&computer)))
			return FALSE;
		if (!domain)
			domain = computer;
		BOOL valid = RtlValidSid(domain) && ((SID *)domain)->SubAuthorityCount < SID_MAX_SUB_AUTHORITIES;
		if (valid)
			memcpy(&s, domain, RtlLengthSid(domain));
		free(computer);
		if (!valid)
			return fail(ERROR_INVALID_PARAMETER);
	} else
		s.sid.IdentifierAuthority.Value[5] = k->authority;
	append(&s.sid, k);
	return give(&s.sid, sid, size);
}

static BOOL of_nt(SID *s)
{
	static const SID_IDENTIFIER_AUTHORITY nt = SECURITY_NT_AUTHORITY;
	return memcmp(&s->IdentifierAuthority, &nt, sizeof nt) == 0;
}

/* The sub-authorities that make the domain of a SID: S-1-5-21-x-y-z or S-1-5-32; 0 for neither. */
static BYTE domain_part(SID *s)
{
	if (of_nt(s) && s->SubAuthorityCount >= 4 && s->SubAuthority[0] == 21)
		return 4;
	return of_nt(s) && s->SubAuthorityCount >= 1 && s->SubAuthority[0] == SECURITY_BUILTIN_DOMAIN_RID;
}

BOOL WINAPI IsWellKnownSid(PSID sid, WELL_KNOWN_SID_TYPE type)
{
	const struct known *k = find(type);
	SID *p = sid;
	any_sid s = {{SID_REVISION, 0, {{0}}, {0}}};
	if (!RtlValidSid(sid))
		return FALSE;
	if (type == WinLogonIdsSid)
		return of_nt(p) && p->SubAuthorityCount == 3 && p->SubAuthority[0] == 5;
	if (!k)
		return FALSE;
	if (k->authority == DOMAIN)
		return p->SubAuthorityCount == 5 && domain_part(p) == 4 && p->SubAuthority[4] == k->subs[0];
	s.sid.IdentifierAuthority.Value[5] = k->authority;
	append(&s.sid, k);
	return RtlEqualSid(&s, sid);
}

BOOL WINAPI GetWindowsAccountDomainSid(PSID sid, PSID domain, DWORD *size)
{
	any_sid s;
	if (!RtlValidSid(sid))
		return fail(ERROR_INVALID_SID);
	if (!size)
		return fail(ERROR_INVALID_PARAMETER);
	if (domain_part(sid) != 4)
		return fail(ERROR_NON_ACCOUNT_SID);
	memcpy(&s, sid, RtlLengthSid(sid));
	s.sid.SubAuthorityCount = 4;
	if (!domain) { /* the size is set although this is an invalid parameter: validated on Windows */
		*size = RtlLengthSid(&s.sid);
		return fail(ERROR_INVALID_PARAMETER);
	}
	return give(&s.sid, domain, size);
}

BOOL WINAPI EqualDomainSid(PSID a, PSID b, BOOL *equal)
{
	if (!RtlValidSid(a) || !RtlValidSid(b))
		return fail(ERROR_INVALID_SID);
	if (!equal)
		return fail(ERROR_INVALID_PARAMETER);
	BYTE n = domain_part(a), m = domain_part(b);
	if (!n || !m)
		return fail(ERROR_NON_DOMAIN_SID);
	*equal = n == m && memcmp(((SID *)a)->SubAuthority, ((SID *)b)->SubAuthority, 4 * (size_t)n) == 0;
	SetLastError(ERROR_SUCCESS); /* validated on Windows */
	return TRUE;
}
