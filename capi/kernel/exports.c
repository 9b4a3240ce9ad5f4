/* SeExports: privileges and SIDs by name. */
#include "internal.h"

/* A SID of up to two sub-authorities, with the memory of its own. */
typedef struct { BYTE Revision, Count, Authority[6]; DWORD Sub[2]; } SHORT_SID;
#define S(authority, ...) \
	((PSID)&(SHORT_SID){1, sizeof((DWORD[]){__VA_ARGS__}) / sizeof(DWORD), {0, 0, 0, 0, 0, authority}, {__VA_ARGS__}})
#define P(n) {n, 0}

static SHORT_SID nt_authority = {1, 0, {0, 0, 0, 0, 0, 5}, {0, 0}};

static SE_EXPORTS exports = {
	.SeCreateTokenPrivilege = P(2), .SeAssignPrimaryTokenPrivilege = P(3), .SeLockMemoryPrivilege = P(4),
	.SeIncreaseQuotaPrivilege = P(5),
	.SeUnsolicitedInputPrivilege = P(0), /* obsolete: no token holds it */
	.SeTcbPrivilege = P(7), .SeSecurityPrivilege = P(8), .SeTakeOwnershipPrivilege = P(9), .SeLoadDriverPrivilege = P(10),
	.SeCreatePagefilePrivilege = P(15), .SeIncreaseBasePriorityPrivilege = P(14), .SeSystemProfilePrivilege = P(11),
	.SeSystemtimePrivilege = P(12),
	.SeProfileSingleProcessPrivilege = P(13), .SeCreatePermanentPrivilege = P(16), .SeBackupPrivilege = P(17),
	.SeRestorePrivilege = P(18),
	.SeShutdownPrivilege = P(19), .SeDebugPrivilege = P(20), .SeAuditPrivilege = P(21),
	.SeSystemEnvironmentPrivilege = P(22),
	.SeChangeNotifyPrivilege = P(23), .SeRemoteShutdownPrivilege = P(24), .SeUndockPrivilege = P(25),
	.SeSyncAgentPrivilege = P(26),
	.SeEnableDelegationPrivilege = P(27), .SeManageVolumePrivilege = P(28), .SeImpersonatePrivilege = P(29),
	.SeCreateGlobalPrivilege = P(30),
	.SeTrustedCredManAccessPrivilege = P(31), .SeRelabelPrivilege = P(32), .SeIncreaseWorkingSetPrivilege = P(33),
	.SeTimeZonePrivilege = P(34),
	.SeCreateSymbolicLinkPrivilege = P(35),
	.SeNullSid = S(0, 0), .SeWorldSid = S(1, 0), .SeLocalSid = S(2, 0), .SeCreatorOwnerSid = S(3, 0),
	.SeCreatorGroupSid = S(3, 1),
	.SeOwnerRightsSid = S(3, 4), .SeNtAuthoritySid = &nt_authority, .SeDialupSid = S(5, 1), .SeNetworkSid = S(5, 2),
	.SeBatchSid = S(5, 3),
	.SeInteractiveSid = S(5, 4), .SeAnonymousLogonSid = S(5, 7), .SeAuthenticatedUsersSid = S(5, 11),
	.SeRestrictedSid = S(5, 12),
	.SeIUserSid = S(5, 17), .SeLocalSystemSid = S(5, 18), .SeLocalServiceSid = S(5, 19), .SeNetworkServiceSid = S(5, 20),
	.SeAliasAdminsSid = S(5, 32, 544), .SeAliasUsersSid = S(5, 32, 545), .SeAliasGuestsSid = S(5, 32, 546),
	.SeAliasPowerUsersSid = S(5, 32, 547),
	.SeAliasAccountOpsSid = S(5, 32, 548), .SeAliasSystemOpsSid = S(5, 32, 549), .SeAliasPrintOpsSid = S(5, 32, 550),
	.SeAliasBackupOpsSid = S(5, 32, 551),
	.SeAllAppPackagesSid = S(15, 2, 1), .SeUntrustedMandatorySid = S(16, 0), .SeLowMandatorySid = S(16, 0x1000),
	.SeMediumMandatorySid = S(16, 0x2000),
	.SeHighMandatorySid = S(16, 0x3000), .SeSystemMandatorySid = S(16, 0x4000),
};

PSE_EXPORTS SeExports = &exports;
