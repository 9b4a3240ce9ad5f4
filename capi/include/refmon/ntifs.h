/*
 * The kernel-mode face: the documented Ps*, Se*, Ob* and Zw* routines of
 * ntifs.h and wdm.h, for code written like a driver. Link with
 * -lrefmonk -lrefmon, in this order: the Zw names of librefmonk.so have
 * previous mode kernel, those of librefmon.so are the user-mode ones.
 *
 * The current thread and process are those of the calling pthread, the same as
 * in user mode. Pointers to objects are opaque: nothing is behind them.
 */
#ifndef REFMON_NTIFS_H
#define REFMON_NTIFS_H

#include <refmon/wdm.h>

/* Privileges and SIDs that the kernel exports. */
typedef struct _SE_EXPORTS {
	LUID SeCreateTokenPrivilege, SeAssignPrimaryTokenPrivilege, SeLockMemoryPrivilege, SeIncreaseQuotaPrivilege,
		SeUnsolicitedInputPrivilege, SeTcbPrivilege;
	LUID SeSecurityPrivilege, SeTakeOwnershipPrivilege, SeLoadDriverPrivilege, SeCreatePagefilePrivilege,
		SeIncreaseBasePriorityPrivilege, SeSystemProfilePrivilege;
	LUID SeSystemtimePrivilege, SeProfileSingleProcessPrivilege, SeCreatePermanentPrivilege, SeBackupPrivilege,
		SeRestorePrivilege, SeShutdownPrivilege;
	LUID SeDebugPrivilege, SeAuditPrivilege, SeSystemEnvironmentPrivilege, SeChangeNotifyPrivilege,
		SeRemoteShutdownPrivilege;
	PSID SeNullSid, SeWorldSid, SeLocalSid, SeCreatorOwnerSid, SeCreatorGroupSid;
	PSID SeNtAuthoritySid, SeDialupSid, SeNetworkSid, SeBatchSid, SeInteractiveSid, SeLocalSystemSid;
	PSID SeAliasAdminsSid, SeAliasUsersSid, SeAliasGuestsSid, SeAliasPowerUsersSid, SeAliasAccountOpsSid,
		SeAliasSystemOpsSid, SeAliasPrintOpsSid, SeAliasBackupOpsSid;
	PSID SeAuthenticatedUsersSid, SeRestrictedSid, SeAnonymousLogonSid;
	LUID SeUndockPrivilege, SeSyncAgentPrivilege, SeEnableDelegationPrivilege;
	PSID SeLocalServiceSid, SeNetworkServiceSid;
	LUID SeManageVolumePrivilege, SeImpersonatePrivilege, SeCreateGlobalPrivilege, SeTrustedCredManAccessPrivilege,
		SeRelabelPrivilege;
	LUID SeIncreaseWorkingSetPrivilege, SeTimeZonePrivilege, SeCreateSymbolicLinkPrivilege;
	PSID SeIUserSid, SeUntrustedMandatorySid, SeLowMandatorySid, SeMediumMandatorySid, SeHighMandatorySid,
		SeSystemMandatorySid;
	PSID SeOwnerRightsSid, SeAllAppPackagesSid;
} SE_EXPORTS, *PSE_EXPORTS;
REFMON_API PSE_EXPORTS SeExports;

REFMON_API POBJECT_TYPE *SeTokenObjectType, *PsProcessType, *PsThreadType, *PsJobType, *ExEventObjectType,
	*IoFileObjectType;
REFMON_API PEPROCESS PsInitialSystemProcess; /* the System process */

/* Threads, processes and whom they act for. */
REFMON_KERNEL NTSTATUS NTAPI PsImpersonateClient(PETHREAD Thread, PACCESS_TOKEN Token, BOOLEAN CopyOnOpen,
	BOOLEAN EffectiveOnly, SECURITY_IMPERSONATION_LEVEL ImpersonationLevel);
REFMON_KERNEL void NTAPI PsRevertToSelf(void);
REFMON_KERNEL void NTAPI PsRevertThreadToSelf(PETHREAD Thread);
REFMON_KERNEL NTSTATUS NTAPI PsAssignImpersonationToken(PETHREAD Thread, HANDLE Token);
REFMON_KERNEL BOOLEAN NTAPI PsDisableImpersonation(PETHREAD Thread, PSE_IMPERSONATION_STATE ImpersonationState);
REFMON_KERNEL void NTAPI PsRestoreImpersonation(PETHREAD Thread, PSE_IMPERSONATION_STATE ImpersonationState);
REFMON_KERNEL PACCESS_TOKEN NTAPI PsReferencePrimaryToken(PEPROCESS Process);
REFMON_KERNEL void NTAPI PsDereferencePrimaryToken(PACCESS_TOKEN PrimaryToken);
REFMON_KERNEL PACCESS_TOKEN NTAPI PsReferenceImpersonationToken(PETHREAD Thread, PBOOLEAN CopyOnOpen,
	PBOOLEAN EffectiveOnly, PSECURITY_IMPERSONATION_LEVEL ImpersonationLevel);
REFMON_KERNEL void NTAPI PsDereferenceImpersonationToken(PACCESS_TOKEN ImpersonationToken);
REFMON_KERNEL PETHREAD NTAPI PsGetCurrentThread(void);
REFMON_KERNEL PEPROCESS NTAPI PsGetCurrentProcess(void);
REFMON_API PRKTHREAD NTAPI KeGetCurrentThread(void);
REFMON_API PEPROCESS NTAPI IoGetCurrentProcess(void);
REFMON_KERNEL PEPROCESS NTAPI IoThreadToProcess(PETHREAD Thread);
REFMON_API HANDLE NTAPI PsGetCurrentProcessId(void);
REFMON_API HANDLE NTAPI PsGetCurrentThreadId(void);
REFMON_KERNEL HANDLE NTAPI PsGetProcessId(PEPROCESS Process);
REFMON_KERNEL HANDLE NTAPI PsGetThreadId(PETHREAD Thread);
REFMON_KERNEL HANDLE NTAPI PsGetThreadProcessId(PETHREAD Thread);
REFMON_KERNEL BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread);
REFMON_API BOOLEAN NTAPI IoIsSystemThread(PETHREAD Thread);
REFMON_KERNEL NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process);
REFMON_KERNEL NTSTATUS NTAPI PsLookupThreadByThreadId(HANDLE ThreadId, PETHREAD *Thread);

/* Captured clients and subjects. */
REFMON_KERNEL NTSTATUS NTAPI SeCreateClientSecurity(PETHREAD ClientThread,
	PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos, BOOLEAN RemoteSession, PSECURITY_CLIENT_CONTEXT ClientContext);
REFMON_KERNEL NTSTATUS NTAPI SeCreateClientSecurityFromSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext,
	PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos, BOOLEAN ServerIsRemote, PSECURITY_CLIENT_CONTEXT ClientContext);
REFMON_KERNEL void NTAPI SeImpersonateClient(PSECURITY_CLIENT_CONTEXT ClientContext, PETHREAD ServerThread);
REFMON_KERNEL NTSTATUS NTAPI SeImpersonateClientEx(PSECURITY_CLIENT_CONTEXT ClientContext, PETHREAD ServerThread);
REFMON_KERNEL void NTAPI SeDeleteClientSecurity(PSECURITY_CLIENT_CONTEXT ClientContext);
#define SeStopImpersonatingClient() PsRevertToSelf()
REFMON_KERNEL void NTAPI SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext);
REFMON_KERNEL void NTAPI SeCaptureSubjectContextEx(PETHREAD Thread, PEPROCESS Process,
	PSECURITY_SUBJECT_CONTEXT SubjectContext);
REFMON_KERNEL void NTAPI SeLockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext);
REFMON_KERNEL void NTAPI SeUnlockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext);
REFMON_KERNEL void NTAPI SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext);
#define SeQuerySubjectContextToken(c) ((c)->ClientToken ? (c)->ClientToken : (c)->PrimaryToken)

/* Checks. */
REFMON_KERNEL BOOLEAN NTAPI SeAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor,
	PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext, BOOLEAN SubjectContextLocked, ACCESS_MASK DesiredAccess,
	ACCESS_MASK PreviouslyGrantedAccess, PPRIVILEGE_SET *Privileges, PGENERIC_MAPPING GenericMapping,
	KPROCESSOR_MODE AccessMode, PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus);
REFMON_API void NTAPI SeFreePrivileges(PPRIVILEGE_SET Privileges);
REFMON_KERNEL BOOLEAN NTAPI SePrivilegeCheck(PPRIVILEGE_SET RequiredPrivileges,
	PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext, KPROCESSOR_MODE AccessMode);
REFMON_API BOOLEAN NTAPI SeSinglePrivilegeCheck(LUID PrivilegeValue, KPROCESSOR_MODE PreviousMode);
REFMON_KERNEL NTSTATUS NTAPI SeCreateAccessState(PACCESS_STATE AccessState, PAUX_ACCESS_DATA AuxData,
	ACCESS_MASK DesiredAccess, PGENERIC_MAPPING GenericMapping);
REFMON_API void NTAPI SeDeleteAccessState(PACCESS_STATE AccessState);
/* Beyond INITIAL_PRIVILEGE_COUNT the set is in AuxData->PrivilegesUsed, and PrivilegesAllocated is set. */
REFMON_API NTSTATUS NTAPI SeAppendPrivileges(PACCESS_STATE AccessState, PPRIVILEGE_SET Privileges);
REFMON_KERNEL BOOLEAN NTAPI SeFastTraverseCheck(PSECURITY_DESCRIPTOR SecurityDescriptor, PACCESS_STATE AccessState,
	ACCESS_MASK DesiredAccess, KPROCESSOR_MODE AccessMode);

/* Tokens. What SeQueryInformationToken gives is freed with ExFreePool. */
REFMON_KERNEL NTSTATUS NTAPI SeQueryInformationToken(PACCESS_TOKEN Token, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID *TokenInformation);
REFMON_KERNEL NTSTATUS NTAPI SeFilterToken(PACCESS_TOKEN ExistingToken, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
	PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids, PACCESS_TOKEN *FilteredToken);
REFMON_KERNEL TOKEN_TYPE NTAPI SeTokenType(PACCESS_TOKEN Token);
REFMON_KERNEL SECURITY_IMPERSONATION_LEVEL NTAPI SeTokenImpersonationLevel(PACCESS_TOKEN Token);
REFMON_KERNEL BOOLEAN NTAPI SeTokenIsAdmin(PACCESS_TOKEN Token);
REFMON_KERNEL BOOLEAN NTAPI SeTokenIsRestricted(PACCESS_TOKEN Token);
REFMON_KERNEL BOOLEAN NTAPI SeTokenIsWriteRestricted(PACCESS_TOKEN Token);
REFMON_KERNEL NTSTATUS NTAPI SeQueryAuthenticationIdToken(PACCESS_TOKEN Token, PLUID AuthenticationId);
REFMON_KERNEL NTSTATUS NTAPI SeQuerySessionIdToken(PACCESS_TOKEN Token, PULONG SessionId);

/* Descriptors; new ones are freed with SeDeassignSecurity or ExFreePool. */
REFMON_API NTSTATUS NTAPI SeAssignSecurity(PSECURITY_DESCRIPTOR ParentDescriptor,
	PSECURITY_DESCRIPTOR ExplicitDescriptor, PSECURITY_DESCRIPTOR *NewDescriptor, BOOLEAN IsDirectoryObject,
	PSECURITY_SUBJECT_CONTEXT SubjectContext, PGENERIC_MAPPING GenericMapping, POOL_TYPE PoolType);
REFMON_KERNEL NTSTATUS NTAPI SeAssignSecurityEx(PSECURITY_DESCRIPTOR ParentDescriptor,
	PSECURITY_DESCRIPTOR ExplicitDescriptor, PSECURITY_DESCRIPTOR *NewDescriptor, GUID *ObjectType,
	BOOLEAN IsDirectoryObject, ULONG AutoInheritFlags, PSECURITY_SUBJECT_CONTEXT SubjectContext,
	PGENERIC_MAPPING GenericMapping, POOL_TYPE PoolType);
REFMON_API NTSTATUS NTAPI SeDeassignSecurity(PSECURITY_DESCRIPTOR *SecurityDescriptor);
REFMON_API NTSTATUS NTAPI SeSetSecurityDescriptorInfo(PVOID Object, PSECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR ModificationDescriptor, PSECURITY_DESCRIPTOR *ObjectsSecurityDescriptor, POOL_TYPE PoolType,
	PGENERIC_MAPPING GenericMapping);
REFMON_KERNEL NTSTATUS NTAPI SeSetSecurityDescriptorInfoEx(PVOID Object, PSECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR ModificationDescriptor, PSECURITY_DESCRIPTOR *ObjectsSecurityDescriptor, ULONG AutoInheritFlags,
	POOL_TYPE PoolType, PGENERIC_MAPPING GenericMapping);
REFMON_KERNEL NTSTATUS NTAPI SeQuerySecurityDescriptorInfo(PSECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor, PULONG Length, PSECURITY_DESCRIPTOR *ObjectsSecurityDescriptor);
REFMON_KERNEL BOOLEAN NTAPI SeValidSecurityDescriptor(ULONG Length, PSECURITY_DESCRIPTOR SecurityDescriptor);

/* Logon sessions. Routines run on the thread that drops the session's last token. */
typedef NTSTATUS(NTAPI *PSE_LOGON_SESSION_TERMINATED_ROUTINE)(PLUID LogonId);
typedef NTSTATUS(NTAPI *PSE_LOGON_SESSION_TERMINATED_ROUTINE_EX)(PLUID LogonId, PVOID Context);
REFMON_KERNEL NTSTATUS NTAPI SeMarkLogonSessionForTerminationNotification(PLUID LogonId);
REFMON_API NTSTATUS NTAPI SeRegisterLogonSessionTerminatedRoutine(PSE_LOGON_SESSION_TERMINATED_ROUTINE CallbackRoutine);
REFMON_API NTSTATUS NTAPI SeUnregisterLogonSessionTerminatedRoutine(
	PSE_LOGON_SESSION_TERMINATED_ROUTINE CallbackRoutine);
REFMON_API NTSTATUS NTAPI SeRegisterLogonSessionTerminatedRoutineEx(
	PSE_LOGON_SESSION_TERMINATED_ROUTINE_EX CallbackRoutine, PVOID Context);
REFMON_API NTSTATUS NTAPI SeUnregisterLogonSessionTerminatedRoutineEx(
	PSE_LOGON_SESSION_TERMINATED_ROUTINE_EX CallbackRoutine, PVOID Context);

/* refmon's own: a new logon session, as an authentication package makes it; it lives until its last token goes. */
REFMON_KERNEL void NTAPI refmon_open_logon_session(PLUID LogonId);
/* refmon's own: what is alive in the kernel, and how many references routines above gave out that were not given
 * back. */
typedef struct _REFMON_COUNTS { LONG64 Objects, Handles, References, Owed; } REFMON_COUNTS, *PREFMON_COUNTS;
REFMON_KERNEL void NTAPI refmon_counts(PREFMON_COUNTS Counts);

#endif
