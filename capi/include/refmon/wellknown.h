/*
 * SIDs that are the same everywhere or in every domain, by their number.
 */
#ifndef REFMON_WELLKNOWN_H
#define REFMON_WELLKNOWN_H

#include <refmon/rtl.h>

typedef enum _WELL_KNOWN_SID_TYPE {
	WinNullSid, WinWorldSid, WinLocalSid, WinCreatorOwnerSid, WinCreatorGroupSid, WinCreatorOwnerServerSid,
	WinCreatorGroupServerSid,
	WinNtAuthoritySid, WinDialupSid, WinNetworkSid, WinBatchSid, WinInteractiveSid, WinServiceSid, WinAnonymousSid,
	WinProxySid,
	WinEnterpriseControllersSid, WinSelfSid, WinAuthenticatedUserSid, WinRestrictedCodeSid, WinTerminalServerSid,
	WinRemoteLogonIdSid,
	WinLogonIdsSid, WinLocalSystemSid, WinLocalServiceSid, WinNetworkServiceSid, WinBuiltinDomainSid,
	WinBuiltinAdministratorsSid,
	WinBuiltinUsersSid, WinBuiltinGuestsSid, WinBuiltinPowerUsersSid, WinBuiltinAccountOperatorsSid,
	WinBuiltinSystemOperatorsSid,
	WinBuiltinPrintOperatorsSid, WinBuiltinBackupOperatorsSid, WinBuiltinReplicatorSid,
	WinBuiltinPreWindows2000CompatibleAccessSid,
	WinBuiltinRemoteDesktopUsersSid, WinBuiltinNetworkConfigurationOperatorsSid, WinAccountAdministratorSid,
	WinAccountGuestSid,
	WinAccountKrbtgtSid, WinAccountDomainAdminsSid, WinAccountDomainUsersSid, WinAccountDomainGuestsSid,
	WinAccountComputersSid,
	WinAccountControllersSid, WinAccountCertAdminsSid, WinAccountSchemaAdminsSid, WinAccountEnterpriseAdminsSid,
	WinAccountPolicyAdminsSid, WinAccountRasAndIasServersSid, WinNTLMAuthenticationSid, WinDigestAuthenticationSid,
	WinSChannelAuthenticationSid, WinThisOrganizationSid, WinOtherOrganizationSid,
	WinBuiltinIncomingForestTrustBuildersSid,
	WinBuiltinPerfMonitoringUsersSid, WinBuiltinPerfLoggingUsersSid, WinBuiltinAuthorizationAccessSid,
	WinBuiltinTerminalServerLicenseServersSid, WinBuiltinDCOMUsersSid, WinBuiltinIUsersSid, WinIUserSid,
	WinBuiltinCryptoOperatorsSid,
	WinUntrustedLabelSid, WinLowLabelSid, WinMediumLabelSid, WinHighLabelSid, WinSystemLabelSid, WinWriteRestrictedCodeSid,
	WinCreatorOwnerRightsSid, WinCacheablePrincipalsGroupSid, WinNonCacheablePrincipalsGroupSid,
	WinEnterpriseReadonlyControllersSid,
	WinAccountReadonlyControllersSid, WinBuiltinEventLogReadersGroup, WinNewEnterpriseReadonlyControllersSid,
	WinBuiltinCertSvcDComAccessGroup, WinMediumPlusLabelSid, WinLocalLogonSid, WinConsoleLogonSid,
	WinThisOrganizationCertificateSid,
	WinApplicationPackageAuthoritySid, WinBuiltinAnyPackageSid, WinCapabilityInternetClientSid,
	WinCapabilityInternetClientServerSid,
	WinCapabilityPrivateNetworkClientServerSid, WinCapabilityPicturesLibrarySid, WinCapabilityVideosLibrarySid,
	WinCapabilityMusicLibrarySid, WinCapabilityDocumentsLibrarySid, WinCapabilitySharedUserCertificatesSid,
	WinCapabilityEnterpriseAuthenticationSid, WinCapabilityRemovableStorageSid, WinBuiltinRDSRemoteAccessServersSid,
	WinBuiltinRDSEndpointServersSid, WinBuiltinRDSManagementServersSid, WinUserModeDriversSid, WinBuiltinHyperVAdminsSid,
	WinAccountCloneableControllersSid, WinBuiltinAccessControlAssistanceOperatorsSid, WinBuiltinRemoteManagementUsersSid,
	WinAuthenticationAuthorityAssertedSid, WinAuthenticationServiceAssertedSid, WinLocalAccountSid,
	WinLocalAccountAndAdministratorSid,
	WinAccountProtectedUsersSid, WinCapabilityAppointmentsSid, WinCapabilityContactsSid, WinAccountDefaultSystemManagedSid,
	WinBuiltinDefaultSystemManagedGroupSid, WinBuiltinStorageReplicaAdminsSid, WinAccountKeyAdminsSid,
	WinAccountEnterpriseKeyAdminsSid,
	WinAuthenticationKeyTrustSid, WinAuthenticationKeyPropertyMFASid, WinAuthenticationKeyPropertyAttestationSid,
	WinAuthenticationFreshKeyAuthSid, WinBuiltinDeviceOwnersSid
} WELL_KNOWN_SID_TYPE;


/* WinAccount* and the two cacheable groups are of DomainSid, NULL for the local computer; the others ignore it. */
REFMON_API BOOL WINAPI CreateWellKnownSid(WELL_KNOWN_SID_TYPE WellKnownSidType, PSID DomainSid, PSID pSid,
	DWORD *cbSid);
REFMON_API BOOL WINAPI IsWellKnownSid(PSID pSid, WELL_KNOWN_SID_TYPE WellKnownSidType);
REFMON_API BOOL WINAPI GetWindowsAccountDomainSid(PSID pSid, PSID pDomainSid, DWORD *cbDomainSid);
REFMON_API BOOL WINAPI EqualDomainSid(PSID pSid1, PSID pSid2, BOOL *pfEqual);

/* The SID of an AppContainer by its name; freed with FreeSid. E_INVALIDARG without a
 * name, or with one of more than 64 units. */
REFMON_API HRESULT WINAPI DeriveAppContainerSidFromAppContainerName(PCWSTR pszAppContainerName,
	PSID *ppsidAppContainerSid);

#endif
