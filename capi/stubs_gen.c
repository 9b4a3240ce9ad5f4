/* Written by gen.go from the public headers. DO NOT EDIT. */
#include "enter.h"
#include "internal.h"

#define A(x) (uint64_t)(uintptr_t)(x)

#define ZW(name) extern __typeof__(Nt##name) Zw##name __attribute__((alias("Nt" #name)))

NTSTATUS NTAPI NtOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, PHANDLE TokenHandle)
{
	return (NTSTATUS)rm_enter(RM_NtOpenProcessToken, (uint64_t[]){A(ProcessHandle), A(DesiredAccess), A(TokenHandle)});
}
ZW(OpenProcessToken);
NTSTATUS NTAPI NtOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
	PHANDLE TokenHandle)
{
	return (NTSTATUS)rm_enter(RM_NtOpenProcessTokenEx, (uint64_t[]){A(ProcessHandle), A(DesiredAccess),
		A(HandleAttributes), A(TokenHandle)});
}
ZW(OpenProcessTokenEx);
NTSTATUS NTAPI NtOpenThreadToken(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
	PHANDLE TokenHandle)
{
	return (NTSTATUS)rm_enter(RM_NtOpenThreadToken, (uint64_t[]){A(ThreadHandle), A(DesiredAccess), A(OpenAsSelf),
		A(TokenHandle)});
}
ZW(OpenThreadToken);
NTSTATUS NTAPI NtOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
	ULONG HandleAttributes, PHANDLE TokenHandle)
{
	return (NTSTATUS)rm_enter(RM_NtOpenThreadTokenEx, (uint64_t[]){A(ThreadHandle), A(DesiredAccess), A(OpenAsSelf),
		A(HandleAttributes), A(TokenHandle)});
}
ZW(OpenThreadTokenEx);
NTSTATUS NTAPI NtDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN EffectiveOnly, TOKEN_TYPE TokenType, PHANDLE NewTokenHandle)
{
	return (NTSTATUS)rm_enter(RM_NtDuplicateToken, (uint64_t[]){A(ExistingTokenHandle), A(DesiredAccess),
		A(ObjectAttributes), A(EffectiveOnly), A(TokenType), A(NewTokenHandle)});
}
ZW(DuplicateToken);
NTSTATUS NTAPI NtFilterToken(HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
	PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids, PHANDLE NewTokenHandle)
{
	return (NTSTATUS)rm_enter(RM_NtFilterToken, (uint64_t[]){A(ExistingTokenHandle), A(Flags), A(SidsToDisable),
		A(PrivilegesToDelete), A(RestrictedSids), A(NewTokenHandle)});
}
ZW(FilterToken);
NTSTATUS NTAPI NtAdjustPrivilegesToken(HANDLE TokenHandle, BOOLEAN DisableAllPrivileges, PTOKEN_PRIVILEGES NewState,
	ULONG BufferLength, PTOKEN_PRIVILEGES PreviousState, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_NtAdjustPrivilegesToken, (uint64_t[]){A(TokenHandle), A(DisableAllPrivileges),
		A(NewState), A(BufferLength), A(PreviousState), A(ReturnLength)});
}
ZW(AdjustPrivilegesToken);
NTSTATUS NTAPI NtAdjustGroupsToken(HANDLE TokenHandle, BOOLEAN ResetToDefault, PTOKEN_GROUPS NewState,
	ULONG BufferLength, PTOKEN_GROUPS PreviousState, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_NtAdjustGroupsToken, (uint64_t[]){A(TokenHandle), A(ResetToDefault), A(NewState),
		A(BufferLength), A(PreviousState), A(ReturnLength)});
}
ZW(AdjustGroupsToken);
NTSTATUS NTAPI NtQueryInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID TokenInformation, ULONG TokenInformationLength, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_NtQueryInformationToken, (uint64_t[]){A(TokenHandle), A(TokenInformationClass),
		A(TokenInformation), A(TokenInformationLength), A(ReturnLength)});
}
ZW(QueryInformationToken);
NTSTATUS NTAPI NtSetInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID TokenInformation, ULONG TokenInformationLength)
{
	return (NTSTATUS)rm_enter(RM_NtSetInformationToken, (uint64_t[]){A(TokenHandle), A(TokenInformationClass),
		A(TokenInformation), A(TokenInformationLength)});
}
ZW(SetInformationToken);
NTSTATUS NTAPI NtCompareTokens(HANDLE FirstTokenHandle, HANDLE SecondTokenHandle, PBOOLEAN Equal)
{
	return (NTSTATUS)rm_enter(RM_NtCompareTokens, (uint64_t[]){A(FirstTokenHandle), A(SecondTokenHandle), A(Equal)});
}
ZW(CompareTokens);
NTSTATUS NTAPI NtCreateToken(PHANDLE TokenHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TOKEN_TYPE TokenType, PLUID AuthenticationId, PLARGE_INTEGER ExpirationTime, PTOKEN_USER User, PTOKEN_GROUPS Groups,
	PTOKEN_PRIVILEGES Privileges, PTOKEN_OWNER Owner, PTOKEN_PRIMARY_GROUP PrimaryGroup, PTOKEN_DEFAULT_DACL DefaultDacl,
	PTOKEN_SOURCE Source)
{
	return (NTSTATUS)rm_enter(RM_NtCreateToken, (uint64_t[]){A(TokenHandle), A(DesiredAccess), A(ObjectAttributes),
		A(TokenType), A(AuthenticationId), A(ExpirationTime), A(User), A(Groups), A(Privileges), A(Owner), A(PrimaryGroup),
		A(DefaultDacl), A(Source)});
}
ZW(CreateToken);
NTSTATUS NTAPI NtCreateTokenEx(PHANDLE TokenHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TOKEN_TYPE TokenType, PLUID AuthenticationId, PLARGE_INTEGER ExpirationTime, PTOKEN_USER User, PTOKEN_GROUPS Groups,
	PTOKEN_PRIVILEGES Privileges, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION UserAttributes,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION DeviceAttributes, PTOKEN_GROUPS DeviceGroups,
	PTOKEN_MANDATORY_POLICY TokenMandatoryPolicy, PTOKEN_OWNER Owner, PTOKEN_PRIMARY_GROUP PrimaryGroup,
	PTOKEN_DEFAULT_DACL DefaultDacl, PTOKEN_SOURCE Source)
{
	return (NTSTATUS)rm_enter(RM_NtCreateTokenEx, (uint64_t[]){A(TokenHandle), A(DesiredAccess), A(ObjectAttributes),
		A(TokenType), A(AuthenticationId), A(ExpirationTime), A(User), A(Groups), A(Privileges), A(UserAttributes),
		A(DeviceAttributes), A(DeviceGroups), A(TokenMandatoryPolicy), A(Owner), A(PrimaryGroup), A(DefaultDacl), A(Source)});
}
ZW(CreateTokenEx);
NTSTATUS NTAPI NtFilterTokenEx(HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
	PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids, ULONG DisableUserClaimsCount,
	PCUNICODE_STRING UserClaimsToDisable, ULONG DisableDeviceClaimsCount, PCUNICODE_STRING DeviceClaimsToDisable,
	PTOKEN_GROUPS DeviceGroupsToDisable, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION RestrictedUserAttributes,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION RestrictedDeviceAttributes, PTOKEN_GROUPS RestrictedDeviceGroups,
	PHANDLE NewTokenHandle)
{
	return (NTSTATUS)rm_enter(RM_NtFilterTokenEx, (uint64_t[]){A(ExistingTokenHandle), A(Flags), A(SidsToDisable),
		A(PrivilegesToDelete), A(RestrictedSids), A(DisableUserClaimsCount), A(UserClaimsToDisable),
		A(DisableDeviceClaimsCount), A(DeviceClaimsToDisable), A(DeviceGroupsToDisable), A(RestrictedUserAttributes),
		A(RestrictedDeviceAttributes), A(RestrictedDeviceGroups), A(NewTokenHandle)});
}
ZW(FilterTokenEx);
NTSTATUS NTAPI NtAdjustTokenClaimsAndDeviceGroups(HANDLE TokenHandle, BOOLEAN UserResetToDefault,
	BOOLEAN DeviceResetToDefault, BOOLEAN DeviceGroupsResetToDefault, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION NewUserState,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION NewDeviceState, PTOKEN_GROUPS NewDeviceGroupsState, ULONG UserBufferLength,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION PreviousUserState, ULONG DeviceBufferLength,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION PreviousDeviceState, ULONG DeviceGroupsBufferLength,
	PTOKEN_GROUPS PreviousDeviceGroups, PULONG UserReturnLength, PULONG DeviceReturnLength,
	PULONG DeviceGroupsReturnBufferLength)
{
	return (NTSTATUS)rm_enter(RM_NtAdjustTokenClaimsAndDeviceGroups, (uint64_t[]){A(TokenHandle), A(UserResetToDefault),
		A(DeviceResetToDefault), A(DeviceGroupsResetToDefault), A(NewUserState), A(NewDeviceState), A(NewDeviceGroupsState),
		A(UserBufferLength), A(PreviousUserState), A(DeviceBufferLength), A(PreviousDeviceState),
		A(DeviceGroupsBufferLength), A(PreviousDeviceGroups), A(UserReturnLength), A(DeviceReturnLength),
		A(DeviceGroupsReturnBufferLength)});
}
ZW(AdjustTokenClaimsAndDeviceGroups);
NTSTATUS NTAPI NtQuerySecurityAttributesToken(HANDLE TokenHandle, PCUNICODE_STRING Attributes,
	ULONG NumberOfAttributes, PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_NtQuerySecurityAttributesToken, (uint64_t[]){A(TokenHandle), A(Attributes),
		A(NumberOfAttributes), A(Buffer), A(Length), A(ReturnLength)});
}
ZW(QuerySecurityAttributesToken);
NTSTATUS NTAPI NtCreateLowBoxToken(PHANDLE TokenHandle, HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PSID PackageSid, ULONG CapabilityCount, PSID_AND_ATTRIBUTES Capabilities,
	ULONG HandleCount, HANDLE *Handles)
{
	return (NTSTATUS)rm_enter(RM_NtCreateLowBoxToken, (uint64_t[]){A(TokenHandle), A(ExistingTokenHandle),
		A(DesiredAccess), A(ObjectAttributes), A(PackageSid), A(CapabilityCount), A(Capabilities), A(HandleCount),
		A(Handles)});
}
ZW(CreateLowBoxToken);
NTSTATUS NTAPI NtAllocateLocallyUniqueId(PLUID Luid)
{
	return (NTSTATUS)rm_enter(RM_NtAllocateLocallyUniqueId, (uint64_t[]){A(Luid)});
}
ZW(AllocateLocallyUniqueId);
NTSTATUS NTAPI NtPrivilegeCheck(HANDLE ClientToken, PPRIVILEGE_SET RequiredPrivileges, PBOOLEAN Result)
{
	return (NTSTATUS)rm_enter(RM_NtPrivilegeCheck, (uint64_t[]){A(ClientToken), A(RequiredPrivileges), A(Result)});
}
ZW(PrivilegeCheck);
NTSTATUS NTAPI NtAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor, HANDLE ClientToken, ACCESS_MASK DesiredAccess,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus)
{
	return (NTSTATUS)rm_enter(RM_NtAccessCheck, (uint64_t[]){A(SecurityDescriptor), A(ClientToken), A(DesiredAccess),
		A(GenericMapping), A(PrivilegeSet), A(PrivilegeSetLength), A(GrantedAccess), A(AccessStatus)});
}
ZW(AccessCheck);
NTSTATUS NTAPI NtAccessCheckByType(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, HANDLE ClientToken,
	ACCESS_MASK DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus)
{
	return (NTSTATUS)rm_enter(RM_NtAccessCheckByType, (uint64_t[]){A(SecurityDescriptor), A(PrincipalSelfSid),
		A(ClientToken), A(DesiredAccess), A(ObjectTypeList), A(ObjectTypeListLength), A(GenericMapping), A(PrivilegeSet),
		A(PrivilegeSetLength), A(GrantedAccess), A(AccessStatus)});
}
ZW(AccessCheckByType);
NTSTATUS NTAPI NtAccessCheckByTypeResultList(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid,
	HANDLE ClientToken, ACCESS_MASK DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus)
{
	return (NTSTATUS)rm_enter(RM_NtAccessCheckByTypeResultList, (uint64_t[]){A(SecurityDescriptor), A(PrincipalSelfSid),
		A(ClientToken), A(DesiredAccess), A(ObjectTypeList), A(ObjectTypeListLength), A(GenericMapping), A(PrivilegeSet),
		A(PrivilegeSetLength), A(GrantedAccess), A(AccessStatus)});
}
ZW(AccessCheckByTypeResultList);
NTSTATUS NTAPI NtSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
	PVOID ThreadInformation, ULONG ThreadInformationLength)
{
	return (NTSTATUS)rm_enter(RM_NtSetInformationThread, (uint64_t[]){A(ThreadHandle), A(ThreadInformationClass),
		A(ThreadInformation), A(ThreadInformationLength)});
}
ZW(SetInformationThread);
NTSTATUS NTAPI NtImpersonateThread(HANDLE ServerThreadHandle, HANDLE ClientThreadHandle,
	PSECURITY_QUALITY_OF_SERVICE SecurityQos)
{
	return (NTSTATUS)rm_enter(RM_NtImpersonateThread, (uint64_t[]){A(ServerThreadHandle), A(ClientThreadHandle),
		A(SecurityQos)});
}
ZW(ImpersonateThread);
NTSTATUS NTAPI NtImpersonateAnonymousToken(HANDLE ThreadHandle)
{
	return (NTSTATUS)rm_enter(RM_NtImpersonateAnonymousToken, (uint64_t[]){A(ThreadHandle)});
}
ZW(ImpersonateAnonymousToken);
NTSTATUS NTAPI NtOpenObjectAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId, PUNICODE_STRING ObjectTypeName,
	PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor, HANDLE ClientToken, ACCESS_MASK DesiredAccess,
	ACCESS_MASK GrantedAccess, PPRIVILEGE_SET Privileges, BOOLEAN ObjectCreation, BOOLEAN AccessGranted,
	PBOOLEAN GenerateOnClose)
{
	return (NTSTATUS)rm_enter(RM_NtOpenObjectAuditAlarm, (uint64_t[]){A(SubsystemName), A(HandleId), A(ObjectTypeName),
		A(ObjectName), A(SecurityDescriptor), A(ClientToken), A(DesiredAccess), A(GrantedAccess), A(Privileges),
		A(ObjectCreation), A(AccessGranted), A(GenerateOnClose)});
}
ZW(OpenObjectAuditAlarm);
NTSTATUS NTAPI NtPrivilegeObjectAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId, HANDLE ClientToken,
	ACCESS_MASK DesiredAccess, PPRIVILEGE_SET Privileges, BOOLEAN AccessGranted)
{
	return (NTSTATUS)rm_enter(RM_NtPrivilegeObjectAuditAlarm, (uint64_t[]){A(SubsystemName), A(HandleId), A(ClientToken),
		A(DesiredAccess), A(Privileges), A(AccessGranted)});
}
ZW(PrivilegeObjectAuditAlarm);
NTSTATUS NTAPI NtPrivilegedServiceAuditAlarm(PUNICODE_STRING SubsystemName, PUNICODE_STRING ServiceName,
	HANDLE ClientToken, PPRIVILEGE_SET Privileges, BOOLEAN AccessGranted)
{
	return (NTSTATUS)rm_enter(RM_NtPrivilegedServiceAuditAlarm, (uint64_t[]){A(SubsystemName), A(ServiceName),
		A(ClientToken), A(Privileges), A(AccessGranted)});
}
ZW(PrivilegedServiceAuditAlarm);
NTSTATUS NTAPI NtCloseObjectAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId, BOOLEAN GenerateOnClose)
{
	return (NTSTATUS)rm_enter(RM_NtCloseObjectAuditAlarm, (uint64_t[]){A(SubsystemName), A(HandleId), A(GenerateOnClose)});
}
ZW(CloseObjectAuditAlarm);
NTSTATUS NTAPI NtDeleteObjectAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId, BOOLEAN GenerateOnClose)
{
	return (NTSTATUS)rm_enter(RM_NtDeleteObjectAuditAlarm, (uint64_t[]){A(SubsystemName), A(HandleId),
		A(GenerateOnClose)});
}
ZW(DeleteObjectAuditAlarm);
NTSTATUS NTAPI NtAccessCheckAndAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId,
	PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
	ACCESS_MASK DesiredAccess, PGENERIC_MAPPING GenericMapping, BOOLEAN ObjectCreation, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus, PBOOLEAN GenerateOnClose)
{
	return (NTSTATUS)rm_enter(RM_NtAccessCheckAndAuditAlarm, (uint64_t[]){A(SubsystemName), A(HandleId),
		A(ObjectTypeName), A(ObjectName), A(SecurityDescriptor), A(DesiredAccess), A(GenericMapping), A(ObjectCreation),
		A(GrantedAccess), A(AccessStatus), A(GenerateOnClose)});
}
ZW(AccessCheckAndAuditAlarm);
NTSTATUS NTAPI NtAccessCheckByTypeAndAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId,
	PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
	PSID PrincipalSelfSid, ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType, ULONG Flags,
	POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength, PGENERIC_MAPPING GenericMapping, BOOLEAN ObjectCreation,
	PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus, PBOOLEAN GenerateOnClose)
{
	return (NTSTATUS)rm_enter(RM_NtAccessCheckByTypeAndAuditAlarm, (uint64_t[]){A(SubsystemName), A(HandleId),
		A(ObjectTypeName), A(ObjectName), A(SecurityDescriptor), A(PrincipalSelfSid), A(DesiredAccess), A(AuditType),
		A(Flags), A(ObjectTypeList), A(ObjectTypeListLength), A(GenericMapping), A(ObjectCreation), A(GrantedAccess),
		A(AccessStatus), A(GenerateOnClose)});
}
ZW(AccessCheckByTypeAndAuditAlarm);
NTSTATUS NTAPI NtAccessCheckByTypeResultListAndAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId,
	PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
	PSID PrincipalSelfSid, ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType, ULONG Flags,
	POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength, PGENERIC_MAPPING GenericMapping, BOOLEAN ObjectCreation,
	PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus, PBOOLEAN GenerateOnClose)
{
	return (NTSTATUS)rm_enter(RM_NtAccessCheckByTypeResultListAndAuditAlarm, (uint64_t[]){A(SubsystemName), A(HandleId),
		A(ObjectTypeName), A(ObjectName), A(SecurityDescriptor), A(PrincipalSelfSid), A(DesiredAccess), A(AuditType),
		A(Flags), A(ObjectTypeList), A(ObjectTypeListLength), A(GenericMapping), A(ObjectCreation), A(GrantedAccess),
		A(AccessStatus), A(GenerateOnClose)});
}
ZW(AccessCheckByTypeResultListAndAuditAlarm);
NTSTATUS NTAPI NtAccessCheckByTypeResultListAndAuditAlarmByHandle(PUNICODE_STRING SubsystemName, PVOID HandleId,
	HANDLE ClientToken, PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName,
	PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType,
	ULONG Flags, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength, PGENERIC_MAPPING GenericMapping,
	BOOLEAN ObjectCreation, PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus, PBOOLEAN GenerateOnClose)
{
	return (NTSTATUS)rm_enter(RM_NtAccessCheckByTypeResultListAndAuditAlarmByHandle, (uint64_t[]){A(SubsystemName),
		A(HandleId), A(ClientToken), A(ObjectTypeName), A(ObjectName), A(SecurityDescriptor), A(PrincipalSelfSid),
		A(DesiredAccess), A(AuditType), A(Flags), A(ObjectTypeList), A(ObjectTypeListLength), A(GenericMapping),
		A(ObjectCreation), A(GrantedAccess), A(AccessStatus), A(GenerateOnClose)});
}
ZW(AccessCheckByTypeResultListAndAuditAlarmByHandle);
NTSTATUS NTAPI NtOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions)
{
	return (NTSTATUS)rm_enter(RM_NtOpenFile, (uint64_t[]){A(FileHandle), A(DesiredAccess), A(ObjectAttributes),
		A(IoStatusBlock), A(ShareAccess), A(OpenOptions)});
}
ZW(OpenFile);
NTSTATUS NTAPI NtCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
	ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength)
{
	return (NTSTATUS)rm_enter(RM_NtCreateFile, (uint64_t[]){A(FileHandle), A(DesiredAccess), A(ObjectAttributes),
		A(IoStatusBlock), A(AllocationSize), A(FileAttributes), A(ShareAccess), A(CreateDisposition), A(CreateOptions),
		A(EaBuffer), A(EaLength)});
}
ZW(CreateFile);
NTSTATUS NTAPI NtCreateNamedPipeFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG CreateDisposition,
	ULONG CreateOptions, ULONG NamedPipeType, ULONG ReadMode, ULONG CompletionMode, ULONG MaximumInstances,
	ULONG InboundQuota, ULONG OutboundQuota, PLARGE_INTEGER DefaultTimeout)
{
	return (NTSTATUS)rm_enter(RM_NtCreateNamedPipeFile, (uint64_t[]){A(FileHandle), A(DesiredAccess), A(ObjectAttributes),
		A(IoStatusBlock), A(ShareAccess), A(CreateDisposition), A(CreateOptions), A(NamedPipeType), A(ReadMode),
		A(CompletionMode), A(MaximumInstances), A(InboundQuota), A(OutboundQuota), A(DefaultTimeout)});
}
ZW(CreateNamedPipeFile);
NTSTATUS NTAPI NtReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
	return (NTSTATUS)rm_enter(RM_NtReadFile, (uint64_t[]){A(FileHandle), A(Event), A(ApcRoutine), A(ApcContext),
		A(IoStatusBlock), A(Buffer), A(Length), A(ByteOffset), A(Key)});
}
ZW(ReadFile);
NTSTATUS NTAPI NtWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, LPCVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
	return (NTSTATUS)rm_enter(RM_NtWriteFile, (uint64_t[]){A(FileHandle), A(Event), A(ApcRoutine), A(ApcContext),
		A(IoStatusBlock), A(Buffer), A(Length), A(ByteOffset), A(Key)});
}
ZW(WriteFile);
NTSTATUS NTAPI NtFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode, PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
	ULONG OutputBufferLength)
{
	return (NTSTATUS)rm_enter(RM_NtFsControlFile, (uint64_t[]){A(FileHandle), A(Event), A(ApcRoutine), A(ApcContext),
		A(IoStatusBlock), A(FsControlCode), A(InputBuffer), A(InputBufferLength), A(OutputBuffer), A(OutputBufferLength)});
}
ZW(FsControlFile);
NTSTATUS NTAPI NtQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation,
	ULONG Length, FILE_INFORMATION_CLASS FileInformationClass)
{
	return (NTSTATUS)rm_enter(RM_NtQueryInformationFile, (uint64_t[]){A(FileHandle), A(IoStatusBlock), A(FileInformation),
		A(Length), A(FileInformationClass)});
}
ZW(QueryInformationFile);
NTSTATUS NTAPI NtQueryVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FsInformation,
	ULONG Length, FS_INFORMATION_CLASS FsInformationClass)
{
	return (NTSTATUS)rm_enter(RM_NtQueryVolumeInformationFile, (uint64_t[]){A(FileHandle), A(IoStatusBlock),
		A(FsInformation), A(Length), A(FsInformationClass)});
}
ZW(QueryVolumeInformationFile);
NTSTATUS NTAPI NtClose(HANDLE Handle)
{
	return (NTSTATUS)rm_enter(RM_NtClose, (uint64_t[]){A(Handle)});
}
ZW(Close);
NTSTATUS NTAPI NtDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
	PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Options)
{
	return (NTSTATUS)rm_enter(RM_NtDuplicateObject, (uint64_t[]){A(SourceProcessHandle), A(SourceHandle),
		A(TargetProcessHandle), A(TargetHandle), A(DesiredAccess), A(HandleAttributes), A(Options)});
}
ZW(DuplicateObject);
NTSTATUS NTAPI NtCompareObjects(HANDLE FirstObjectHandle, HANDLE SecondObjectHandle)
{
	return (NTSTATUS)rm_enter(RM_NtCompareObjects, (uint64_t[]){A(FirstObjectHandle), A(SecondObjectHandle)});
}
ZW(CompareObjects);
NTSTATUS NTAPI NtMakeTemporaryObject(HANDLE Handle)
{
	return (NTSTATUS)rm_enter(RM_NtMakeTemporaryObject, (uint64_t[]){A(Handle)});
}
ZW(MakeTemporaryObject);
NTSTATUS NTAPI NtMakePermanentObject(HANDLE Handle)
{
	return (NTSTATUS)rm_enter(RM_NtMakePermanentObject, (uint64_t[]){A(Handle)});
}
ZW(MakePermanentObject);
NTSTATUS NTAPI NtQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass, PVOID ObjectInformation,
	ULONG ObjectInformationLength, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_NtQueryObject, (uint64_t[]){A(Handle), A(ObjectInformationClass), A(ObjectInformation),
		A(ObjectInformationLength), A(ReturnLength)});
}
ZW(QueryObject);
NTSTATUS NTAPI NtSetInformationObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
	PVOID ObjectInformation, ULONG ObjectInformationLength)
{
	return (NTSTATUS)rm_enter(RM_NtSetInformationObject, (uint64_t[]){A(Handle), A(ObjectInformationClass),
		A(ObjectInformation), A(ObjectInformationLength)});
}
ZW(SetInformationObject);
NTSTATUS NTAPI NtQuerySecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Length, PULONG LengthNeeded)
{
	return (NTSTATUS)rm_enter(RM_NtQuerySecurityObject, (uint64_t[]){A(Handle), A(SecurityInformation),
		A(SecurityDescriptor), A(Length), A(LengthNeeded)});
}
ZW(QuerySecurityObject);
NTSTATUS NTAPI NtSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor)
{
	return (NTSTATUS)rm_enter(RM_NtSetSecurityObject, (uint64_t[]){A(Handle), A(SecurityInformation),
		A(SecurityDescriptor)});
}
ZW(SetSecurityObject);
NTSTATUS NTAPI NtOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PCLIENT_ID ClientId)
{
	return (NTSTATUS)rm_enter(RM_NtOpenProcess, (uint64_t[]){A(ProcessHandle), A(DesiredAccess), A(ObjectAttributes),
		A(ClientId)});
}
ZW(OpenProcess);
NTSTATUS NTAPI NtOpenThread(PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PCLIENT_ID ClientId)
{
	return (NTSTATUS)rm_enter(RM_NtOpenThread, (uint64_t[]){A(ThreadHandle), A(DesiredAccess), A(ObjectAttributes),
		A(ClientId)});
}
ZW(OpenThread);
NTSTATUS NTAPI NtGetNextThread(HANDLE ProcessHandle, HANDLE ThreadHandle, ACCESS_MASK DesiredAccess,
	ULONG HandleAttributes, ULONG Flags, PHANDLE NewThreadHandle)
{
	return (NTSTATUS)rm_enter(RM_NtGetNextThread, (uint64_t[]){A(ProcessHandle), A(ThreadHandle), A(DesiredAccess),
		A(HandleAttributes), A(Flags), A(NewThreadHandle)});
}
ZW(GetNextThread);
NTSTATUS NTAPI NtSetInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS ProcessInformationClass,
	PVOID ProcessInformation, ULONG ProcessInformationLength)
{
	return (NTSTATUS)rm_enter(RM_NtSetInformationProcess, (uint64_t[]){A(ProcessHandle), A(ProcessInformationClass),
		A(ProcessInformation), A(ProcessInformationLength)});
}
ZW(SetInformationProcess);
NTSTATUS NTAPI NtCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	EVENT_TYPE EventType, BOOLEAN InitialState)
{
	return (NTSTATUS)rm_enter(RM_NtCreateEvent, (uint64_t[]){A(EventHandle), A(DesiredAccess), A(ObjectAttributes),
		A(EventType), A(InitialState)});
}
ZW(CreateEvent);
NTSTATUS NTAPI NtOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_NtOpenEvent, (uint64_t[]){A(EventHandle), A(DesiredAccess), A(ObjectAttributes)});
}
ZW(OpenEvent);
NTSTATUS NTAPI NtCreateDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_NtCreateDirectoryObject, (uint64_t[]){A(DirectoryHandle), A(DesiredAccess),
		A(ObjectAttributes)});
}
ZW(CreateDirectoryObject);
NTSTATUS NTAPI NtOpenDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_NtOpenDirectoryObject, (uint64_t[]){A(DirectoryHandle), A(DesiredAccess),
		A(ObjectAttributes)});
}
ZW(OpenDirectoryObject);
NTSTATUS NTAPI NtCreateSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PUNICODE_STRING LinkTarget)
{
	return (NTSTATUS)rm_enter(RM_NtCreateSymbolicLinkObject, (uint64_t[]){A(LinkHandle), A(DesiredAccess),
		A(ObjectAttributes), A(LinkTarget)});
}
ZW(CreateSymbolicLinkObject);
NTSTATUS NTAPI NtOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_NtOpenSymbolicLinkObject, (uint64_t[]){A(LinkHandle), A(DesiredAccess),
		A(ObjectAttributes)});
}
ZW(OpenSymbolicLinkObject);
NTSTATUS NTAPI NtQuerySymbolicLinkObject(HANDLE LinkHandle, PUNICODE_STRING LinkTarget, PULONG ReturnedLength)
{
	return (NTSTATUS)rm_enter(RM_NtQuerySymbolicLinkObject, (uint64_t[]){A(LinkHandle), A(LinkTarget), A(ReturnedLength)});
}
ZW(QuerySymbolicLinkObject);
NTSTATUS NTAPI NtCreateJobObject(PHANDLE JobHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_NtCreateJobObject, (uint64_t[]){A(JobHandle), A(DesiredAccess), A(ObjectAttributes)});
}
ZW(CreateJobObject);
NTSTATUS NTAPI NtOpenJobObject(PHANDLE JobHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_NtOpenJobObject, (uint64_t[]){A(JobHandle), A(DesiredAccess), A(ObjectAttributes)});
}
ZW(OpenJobObject);
NTSTATUS NTAPI NtAssignProcessToJobObject(HANDLE JobHandle, HANDLE ProcessHandle)
{
	return (NTSTATUS)rm_enter(RM_NtAssignProcessToJobObject, (uint64_t[]){A(JobHandle), A(ProcessHandle)});
}
ZW(AssignProcessToJobObject);
NTSTATUS NTAPI NtSetInformationJobObject(HANDLE JobHandle, JOBOBJECTINFOCLASS JobObjectInformationClass,
	PVOID JobObjectInformation, ULONG JobObjectInformationLength)
{
	return (NTSTATUS)rm_enter(RM_NtSetInformationJobObject, (uint64_t[]){A(JobHandle), A(JobObjectInformationClass),
		A(JobObjectInformation), A(JobObjectInformationLength)});
}
ZW(SetInformationJobObject);
NTSTATUS NTAPI NtCreateUserProcess(PHANDLE ProcessHandle, PHANDLE ThreadHandle, ACCESS_MASK ProcessDesiredAccess,
	ACCESS_MASK ThreadDesiredAccess, POBJECT_ATTRIBUTES ProcessObjectAttributes,
	POBJECT_ATTRIBUTES ThreadObjectAttributes, ULONG ProcessFlags, ULONG ThreadFlags, PVOID ProcessParameters,
	PVOID CreateInfo, PPS_ATTRIBUTE_LIST AttributeList)
{
	return (NTSTATUS)rm_enter(RM_NtCreateUserProcess, (uint64_t[]){A(ProcessHandle), A(ThreadHandle),
		A(ProcessDesiredAccess), A(ThreadDesiredAccess), A(ProcessObjectAttributes), A(ThreadObjectAttributes),
		A(ProcessFlags), A(ThreadFlags), A(ProcessParameters), A(CreateInfo), A(AttributeList)});
}
ZW(CreateUserProcess);
NTSTATUS NTAPI NtResumeThread(HANDLE ThreadHandle, PULONG PreviousSuspendCount)
{
	return (NTSTATUS)rm_enter(RM_NtResumeThread, (uint64_t[]){A(ThreadHandle), A(PreviousSuspendCount)});
}
ZW(ResumeThread);
NTSTATUS NTAPI NtTerminateProcess(HANDLE ProcessHandle, NTSTATUS ExitStatus)
{
	return (NTSTATUS)rm_enter(RM_NtTerminateProcess, (uint64_t[]){A(ProcessHandle), A(ExitStatus)});
}
ZW(TerminateProcess);
void NTAPI refmon_client_id(PCLIENT_ID ClientId)
{
	rm_enter(RM_refmon_client_id, (uint64_t[]){A(ClientId)});
}
NTSTATUS NTAPI NtCreatePort(PHANDLE PortHandle, POBJECT_ATTRIBUTES ObjectAttributes, ULONG MaxConnectionInfoLength,
	ULONG MaxMessageLength, ULONG MaxPoolUsage)
{
	return (NTSTATUS)rm_enter(RM_NtCreatePort, (uint64_t[]){A(PortHandle), A(ObjectAttributes),
		A(MaxConnectionInfoLength), A(MaxMessageLength), A(MaxPoolUsage)});
}
ZW(CreatePort);
NTSTATUS NTAPI NtConnectPort(PHANDLE PortHandle, PUNICODE_STRING PortName, PSECURITY_QUALITY_OF_SERVICE SecurityQos,
	PVOID ClientView, PVOID ServerView, PULONG MaxMessageLength, PVOID ConnectionInformation,
	PULONG ConnectionInformationLength)
{
	return (NTSTATUS)rm_enter(RM_NtConnectPort, (uint64_t[]){A(PortHandle), A(PortName), A(SecurityQos), A(ClientView),
		A(ServerView), A(MaxMessageLength), A(ConnectionInformation), A(ConnectionInformationLength)});
}
ZW(ConnectPort);
NTSTATUS NTAPI NtListenPort(HANDLE PortHandle, PPORT_MESSAGE ConnectionRequest)
{
	return (NTSTATUS)rm_enter(RM_NtListenPort, (uint64_t[]){A(PortHandle), A(ConnectionRequest)});
}
ZW(ListenPort);
NTSTATUS NTAPI NtAcceptConnectPort(PHANDLE PortHandle, PVOID PortContext, PPORT_MESSAGE ConnectionRequest,
	BOOLEAN AcceptConnection, PVOID ServerView, PVOID ClientView)
{
	return (NTSTATUS)rm_enter(RM_NtAcceptConnectPort, (uint64_t[]){A(PortHandle), A(PortContext), A(ConnectionRequest),
		A(AcceptConnection), A(ServerView), A(ClientView)});
}
ZW(AcceptConnectPort);
NTSTATUS NTAPI NtCompleteConnectPort(HANDLE PortHandle)
{
	return (NTSTATUS)rm_enter(RM_NtCompleteConnectPort, (uint64_t[]){A(PortHandle)});
}
ZW(CompleteConnectPort);
NTSTATUS NTAPI NtRequestWaitReplyPort(HANDLE PortHandle, PPORT_MESSAGE RequestMessage, PPORT_MESSAGE ReplyMessage)
{
	return (NTSTATUS)rm_enter(RM_NtRequestWaitReplyPort, (uint64_t[]){A(PortHandle), A(RequestMessage), A(ReplyMessage)});
}
ZW(RequestWaitReplyPort);
NTSTATUS NTAPI NtReplyPort(HANDLE PortHandle, PPORT_MESSAGE ReplyMessage)
{
	return (NTSTATUS)rm_enter(RM_NtReplyPort, (uint64_t[]){A(PortHandle), A(ReplyMessage)});
}
ZW(ReplyPort);
NTSTATUS NTAPI NtReplyWaitReceivePort(HANDLE PortHandle, PVOID *PortContext, PPORT_MESSAGE ReplyMessage,
	PPORT_MESSAGE ReceiveMessage)
{
	return (NTSTATUS)rm_enter(RM_NtReplyWaitReceivePort, (uint64_t[]){A(PortHandle), A(PortContext), A(ReplyMessage),
		A(ReceiveMessage)});
}
ZW(ReplyWaitReceivePort);
NTSTATUS NTAPI NtImpersonateClientOfPort(HANDLE PortHandle, PPORT_MESSAGE Message)
{
	return (NTSTATUS)rm_enter(RM_NtImpersonateClientOfPort, (uint64_t[]){A(PortHandle), A(Message)});
}
ZW(ImpersonateClientOfPort);
NTSTATUS NTAPI NtCreateMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	BOOLEAN InitialOwner)
{
	return (NTSTATUS)rm_enter(RM_NtCreateMutant, (uint64_t[]){A(MutantHandle), A(DesiredAccess), A(ObjectAttributes),
		A(InitialOwner)});
}
ZW(CreateMutant);
NTSTATUS NTAPI NtOpenMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_NtOpenMutant, (uint64_t[]){A(MutantHandle), A(DesiredAccess), A(ObjectAttributes)});
}
ZW(OpenMutant);
NTSTATUS NTAPI NtReleaseMutant(HANDLE MutantHandle, PLONG PreviousCount)
{
	return (NTSTATUS)rm_enter(RM_NtReleaseMutant, (uint64_t[]){A(MutantHandle), A(PreviousCount)});
}
ZW(ReleaseMutant);
NTSTATUS NTAPI NtQueryMutant(HANDLE MutantHandle, MUTANT_INFORMATION_CLASS MutantInformationClass,
	PVOID MutantInformation, ULONG MutantInformationLength, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_NtQueryMutant, (uint64_t[]){A(MutantHandle), A(MutantInformationClass),
		A(MutantInformation), A(MutantInformationLength), A(ReturnLength)});
}
ZW(QueryMutant);
NTSTATUS NTAPI NtCreateSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, LONG InitialCount, LONG MaximumCount)
{
	return (NTSTATUS)rm_enter(RM_NtCreateSemaphore, (uint64_t[]){A(SemaphoreHandle), A(DesiredAccess),
		A(ObjectAttributes), A(InitialCount), A(MaximumCount)});
}
ZW(CreateSemaphore);
NTSTATUS NTAPI NtOpenSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_NtOpenSemaphore, (uint64_t[]){A(SemaphoreHandle), A(DesiredAccess), A(ObjectAttributes)});
}
ZW(OpenSemaphore);
NTSTATUS NTAPI NtReleaseSemaphore(HANDLE SemaphoreHandle, LONG ReleaseCount, PLONG PreviousCount)
{
	return (NTSTATUS)rm_enter(RM_NtReleaseSemaphore, (uint64_t[]){A(SemaphoreHandle), A(ReleaseCount), A(PreviousCount)});
}
ZW(ReleaseSemaphore);
NTSTATUS NTAPI NtQuerySemaphore(HANDLE SemaphoreHandle, SEMAPHORE_INFORMATION_CLASS SemaphoreInformationClass,
	PVOID SemaphoreInformation, ULONG SemaphoreInformationLength, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_NtQuerySemaphore, (uint64_t[]){A(SemaphoreHandle), A(SemaphoreInformationClass),
		A(SemaphoreInformation), A(SemaphoreInformationLength), A(ReturnLength)});
}
ZW(QuerySemaphore);
NTSTATUS NTAPI NtCreateTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TIMER_TYPE TimerType)
{
	return (NTSTATUS)rm_enter(RM_NtCreateTimer, (uint64_t[]){A(TimerHandle), A(DesiredAccess), A(ObjectAttributes),
		A(TimerType)});
}
ZW(CreateTimer);
NTSTATUS NTAPI NtOpenTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_NtOpenTimer, (uint64_t[]){A(TimerHandle), A(DesiredAccess), A(ObjectAttributes)});
}
ZW(OpenTimer);
NTSTATUS NTAPI NtSetTimer(HANDLE TimerHandle, PLARGE_INTEGER DueTime, PTIMER_APC_ROUTINE TimerApcRoutine,
	PVOID TimerContext, BOOLEAN ResumeTimer, LONG Period, PBOOLEAN PreviousState)
{
	return (NTSTATUS)rm_enter(RM_NtSetTimer, (uint64_t[]){A(TimerHandle), A(DueTime), A(TimerApcRoutine), A(TimerContext),
		A(ResumeTimer), A(Period), A(PreviousState)});
}
ZW(SetTimer);
NTSTATUS NTAPI NtCancelTimer(HANDLE TimerHandle, PBOOLEAN CurrentState)
{
	return (NTSTATUS)rm_enter(RM_NtCancelTimer, (uint64_t[]){A(TimerHandle), A(CurrentState)});
}
ZW(CancelTimer);
NTSTATUS NTAPI NtQueryTimer(HANDLE TimerHandle, TIMER_INFORMATION_CLASS TimerInformationClass, PVOID TimerInformation,
	ULONG TimerInformationLength, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_NtQueryTimer, (uint64_t[]){A(TimerHandle), A(TimerInformationClass), A(TimerInformation),
		A(TimerInformationLength), A(ReturnLength)});
}
ZW(QueryTimer);
ULONG NTAPI RtlNtStatusToDosError(NTSTATUS Status)
{
	return (ULONG)rm_enter(RM_RtlNtStatusToDosError, (uint64_t[]){A(Status)});
}
NTSTATUS NTAPI RtlCreateAcl(PACL Acl, ULONG AclLength, ULONG AclRevision)
{
	return (NTSTATUS)rm_enter(RM_RtlCreateAcl, (uint64_t[]){A(Acl), A(AclLength), A(AclRevision)});
}
BOOLEAN NTAPI RtlValidAcl(PACL Acl)
{
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_RtlValidAcl, (uint64_t[]){A(Acl)}));
}
NTSTATUS NTAPI RtlAddAce(PACL Acl, ULONG AceRevision, ULONG StartingAceIndex, PVOID AceList, ULONG AceListLength)
{
	return (NTSTATUS)rm_enter(RM_RtlAddAce, (uint64_t[]){A(Acl), A(AceRevision), A(StartingAceIndex), A(AceList),
		A(AceListLength)});
}
NTSTATUS NTAPI RtlDeleteAce(PACL Acl, ULONG AceIndex)
{
	return (NTSTATUS)rm_enter(RM_RtlDeleteAce, (uint64_t[]){A(Acl), A(AceIndex)});
}
NTSTATUS NTAPI RtlGetAce(PACL Acl, ULONG AceIndex, PVOID *Ace)
{
	return (NTSTATUS)rm_enter(RM_RtlGetAce, (uint64_t[]){A(Acl), A(AceIndex), A(Ace)});
}
BOOLEAN NTAPI RtlValidRelativeSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptorInput,
	ULONG SecurityDescriptorLength, SECURITY_INFORMATION RequiredInformation)
{
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_RtlValidRelativeSecurityDescriptor,
		(uint64_t[]){A(SecurityDescriptorInput), A(SecurityDescriptorLength), A(RequiredInformation)}));
}
NTSTATUS NTAPI rm_add_ace(PACL Acl, ULONG Revision, ULONG Type, ULONG Flags, ACCESS_MASK Mask, PSID Sid,
	GUID *ObjectType, GUID *InheritedObjectType)
{
	return (NTSTATUS)rm_enter(RM_rm_add_ace, (uint64_t[]){A(Acl), A(Revision), A(Type), A(Flags), A(Mask), A(Sid),
		A(ObjectType), A(InheritedObjectType)});
}
NTSTATUS NTAPI rm_add_conditional_ace(PACL Acl, ULONG Revision, ULONG Type, ULONG Flags, ACCESS_MASK Mask, PSID Sid,
	PCWSTR Condition, PULONG Size)
{
	return (NTSTATUS)rm_enter(RM_rm_add_conditional_ace, (uint64_t[]){A(Acl), A(Revision), A(Type), A(Flags), A(Mask),
		A(Sid), A(Condition), A(Size)});
}
NTSTATUS NTAPI rm_add_attribute_ace(PACL Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, PSID Sid,
	PCLAIM_SECURITY_ATTRIBUTES_INFORMATION Attribute, PULONG Size)
{
	return (NTSTATUS)rm_enter(RM_rm_add_attribute_ace, (uint64_t[]){A(Acl), A(Revision), A(Flags), A(Mask), A(Sid),
		A(Attribute), A(Size)});
}
NTSTATUS NTAPI rm_appcontainer_sid(PCWSTR Name, PSID *Sid)
{
	return (NTSTATUS)rm_enter(RM_rm_appcontainer_sid, (uint64_t[]){A(Name), A(Sid)});
}
NTSTATUS NTAPI rm_ids_of(HANDLE Handle, BOOLEAN Thread, PCLIENT_ID Ids)
{
	return (NTSTATUS)rm_enter(RM_rm_ids_of, (uint64_t[]){A(Handle), A(Thread), A(Ids)});
}
NTSTATUS NTAPI rm_impersonate_self(SECURITY_IMPERSONATION_LEVEL Level)
{
	return (NTSTATUS)rm_enter(RM_rm_impersonate_self, (uint64_t[]){A(Level)});
}
NTSTATUS NTAPI rm_impersonate_user(HANDLE Token)
{
	return (NTSTATUS)rm_enter(RM_rm_impersonate_user, (uint64_t[]){A(Token)});
}
NTSTATUS NTAPI rm_check_membership(HANDLE Token, PSID Sid, PBOOL Member)
{
	return (NTSTATUS)rm_enter(RM_rm_check_membership, (uint64_t[]){A(Token), A(Sid), A(Member)});
}
NTSTATUS NTAPI rm_check_membership_ex(HANDLE Token, PSID Sid, ULONG Flags, PBOOL Member)
{
	return (NTSTATUS)rm_enter(RM_rm_check_membership_ex, (uint64_t[]){A(Token), A(Sid), A(Flags), A(Member)});
}
NTSTATUS NTAPI rm_check_capability(HANDLE Token, PSID Sid, PBOOL Has)
{
	return (NTSTATUS)rm_enter(RM_rm_check_capability, (uint64_t[]){A(Token), A(Sid), A(Has)});
}
NTSTATUS NTAPI rm_create_process(HANDLE Token, LPSECURITY_ATTRIBUTES ProcessAttributes,
	LPSECURITY_ATTRIBUTES ThreadAttributes, BOOLEAN Inherit, ULONG Flags, LPPROCESS_INFORMATION Information)
{
	return (NTSTATUS)rm_enter(RM_rm_create_process, (uint64_t[]){A(Token), A(ProcessAttributes), A(ThreadAttributes),
		A(Inherit), A(Flags), A(Information)});
}
NTSTATUS NTAPI rm_assign(PSECURITY_DESCRIPTOR Parent, PSECURITY_DESCRIPTOR Creator, PSECURITY_DESCRIPTOR *Descriptor,
	GUID **ObjectTypes, ULONG Count, BOOLEAN Container, ULONG Flags, HANDLE Token, PGENERIC_MAPPING Mapping)
{
	return (NTSTATUS)rm_enter(RM_rm_assign, (uint64_t[]){A(Parent), A(Creator), A(Descriptor), A(ObjectTypes), A(Count),
		A(Container), A(Flags), A(Token), A(Mapping)});
}
NTSTATUS NTAPI rm_set_parts(SECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR Change, PSECURITY_DESCRIPTOR Old,
	PSECURITY_DESCRIPTOR *Descriptor, PGENERIC_MAPPING Mapping, ULONG Flags, HANDLE Token)
{
	return (NTSTATUS)rm_enter(RM_rm_set_parts, (uint64_t[]){A(Information), A(Change), A(Old), A(Descriptor), A(Mapping),
		A(Flags), A(Token)});
}
NTSTATUS NTAPI rm_select_parts(PSECURITY_DESCRIPTOR Descriptor, SECURITY_INFORMATION Information,
	PSECURITY_DESCRIPTOR Buffer, ULONG Length, PULONG Needed)
{
	return (NTSTATUS)rm_enter(RM_rm_select_parts, (uint64_t[]){A(Descriptor), A(Information), A(Buffer), A(Length),
		A(Needed)});
}
NTSTATUS NTAPI rm_set_entries(ULONG Count, PVOID List, PACL Old, PACL *New, BOOLEAN Wide)
{
	return (NTSTATUS)rm_enter(RM_rm_set_entries, (uint64_t[]){A(Count), A(List), A(Old), A(New), A(Wide)});
}
NTSTATUS NTAPI rm_trustee_sid(PVOID Trustee, BOOLEAN Wide, PSID *Sid)
{
	return (NTSTATUS)rm_enter(RM_rm_trustee_sid, (uint64_t[]){A(Trustee), A(Wide), A(Sid)});
}
NTSTATUS NTAPI rm_acl_rights(PACL Acl, PVOID Trustee, BOOLEAN Wide, PACCESS_MASK Rights, PACCESS_MASK Failed)
{
	return (NTSTATUS)rm_enter(RM_rm_acl_rights, (uint64_t[]){A(Acl), A(Trustee), A(Wide), A(Rights), A(Failed)});
}
NTSTATUS NTAPI rm_account_name(PSID Sid, PWSTR *Name, PWSTR *Domain, PULONG Units, PULONG Use)
{
	return (NTSTATUS)rm_enter(RM_rm_account_name, (uint64_t[]){A(Sid), A(Name), A(Domain), A(Units), A(Use)});
}
NTSTATUS NTAPI rm_account_sid(PCWSTR Name, PSID *Sid, PWSTR *Domain, PULONG Units, PULONG Use)
{
	return (NTSTATUS)rm_enter(RM_rm_account_sid, (uint64_t[]){A(Name), A(Sid), A(Domain), A(Units), A(Use)});
}
NTSTATUS NTAPI rm_computer(PSID *Sid)
{
	return (NTSTATUS)rm_enter(RM_rm_computer, (uint64_t[]){A(Sid)});
}
NTSTATUS NTAPI rm_account_domain(PSID *Sid)
{
	return (NTSTATUS)rm_enter(RM_rm_account_domain, (uint64_t[]){A(Sid)});
}
NTSTATUS NTAPI rm_parse_descriptor(PCWSTR Text, PVOID *Descriptor, PULONG Size)
{
	return (NTSTATUS)rm_enter(RM_rm_parse_descriptor, (uint64_t[]){A(Text), A(Descriptor), A(Size)});
}
NTSTATUS NTAPI rm_format_descriptor(PSECURITY_DESCRIPTOR Descriptor, SECURITY_INFORMATION Information, PWSTR *Text,
	PULONG Units)
{
	return (NTSTATUS)rm_enter(RM_rm_format_descriptor, (uint64_t[]){A(Descriptor), A(Information), A(Text), A(Units)});
}
NTSTATUS NTAPI rm_parse_sid(PCWSTR Text, PSID *Sid)
{
	return (NTSTATUS)rm_enter(RM_rm_parse_sid, (uint64_t[]){A(Text), A(Sid)});
}
NTSTATUS NTAPI rm_format_sid(PSID Sid, PWSTR *Text, PULONG Units)
{
	return (NTSTATUS)rm_enter(RM_rm_format_sid, (uint64_t[]){A(Sid), A(Text), A(Units)});
}
NTSTATUS NTAPI rm_privilege_value(PCWSTR Name, PLUID Luid)
{
	return (NTSTATUS)rm_enter(RM_rm_privilege_value, (uint64_t[]){A(Name), A(Luid)});
}
NTSTATUS NTAPI rm_privilege_name(PLUID Luid, PWSTR *Name, PULONG Units)
{
	return (NTSTATUS)rm_enter(RM_rm_privilege_name, (uint64_t[]){A(Luid), A(Name), A(Units)});
}
