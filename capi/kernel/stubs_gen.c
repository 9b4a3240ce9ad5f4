/* Written by gen.go from the public headers. DO NOT EDIT. */
#include "internal.h"

NTSTATUS NTAPI ZwOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, PHANDLE TokenHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ProcessHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)TokenHandle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenProcessToken, args);
}
NTSTATUS NTAPI ZwOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
	PHANDLE TokenHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ProcessHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)HandleAttributes, (uint64_t)(uintptr_t)TokenHandle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenProcessTokenEx, args);
}
NTSTATUS NTAPI ZwOpenThreadToken(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
	PHANDLE TokenHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ThreadHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)OpenAsSelf, (uint64_t)(uintptr_t)TokenHandle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenThreadToken, args);
}
NTSTATUS NTAPI ZwOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
	ULONG HandleAttributes, PHANDLE TokenHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ThreadHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)OpenAsSelf, (uint64_t)(uintptr_t)HandleAttributes, (uint64_t)(uintptr_t)TokenHandle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenThreadTokenEx, args);
}
NTSTATUS NTAPI ZwDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN EffectiveOnly, TOKEN_TYPE TokenType, PHANDLE NewTokenHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ExistingTokenHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)EffectiveOnly, (uint64_t)(uintptr_t)TokenType,
		(uint64_t)(uintptr_t)NewTokenHandle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtDuplicateToken, args);
}
NTSTATUS NTAPI ZwFilterToken(HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
	PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids, PHANDLE NewTokenHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ExistingTokenHandle, (uint64_t)(uintptr_t)Flags,
		(uint64_t)(uintptr_t)SidsToDisable, (uint64_t)(uintptr_t)PrivilegesToDelete, (uint64_t)(uintptr_t)RestrictedSids,
		(uint64_t)(uintptr_t)NewTokenHandle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtFilterToken, args);
}
NTSTATUS NTAPI ZwAdjustPrivilegesToken(HANDLE TokenHandle, BOOLEAN DisableAllPrivileges, PTOKEN_PRIVILEGES NewState,
	ULONG BufferLength, PTOKEN_PRIVILEGES PreviousState, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)DisableAllPrivileges,
		(uint64_t)(uintptr_t)NewState, (uint64_t)(uintptr_t)BufferLength, (uint64_t)(uintptr_t)PreviousState,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAdjustPrivilegesToken, args);
}
NTSTATUS NTAPI ZwAdjustGroupsToken(HANDLE TokenHandle, BOOLEAN ResetToDefault, PTOKEN_GROUPS NewState,
	ULONG BufferLength, PTOKEN_GROUPS PreviousState, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)ResetToDefault,
		(uint64_t)(uintptr_t)NewState, (uint64_t)(uintptr_t)BufferLength, (uint64_t)(uintptr_t)PreviousState,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAdjustGroupsToken, args);
}
NTSTATUS NTAPI ZwQueryInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID TokenInformation, ULONG TokenInformationLength, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)TokenInformationClass,
		(uint64_t)(uintptr_t)TokenInformation, (uint64_t)(uintptr_t)TokenInformationLength,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQueryInformationToken, args);
}
NTSTATUS NTAPI ZwSetInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID TokenInformation, ULONG TokenInformationLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)TokenInformationClass,
		(uint64_t)(uintptr_t)TokenInformation, (uint64_t)(uintptr_t)TokenInformationLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtSetInformationToken, args);
}
NTSTATUS NTAPI ZwCompareTokens(HANDLE FirstTokenHandle, HANDLE SecondTokenHandle, PBOOLEAN Equal)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FirstTokenHandle, (uint64_t)(uintptr_t)SecondTokenHandle,
		(uint64_t)(uintptr_t)Equal};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCompareTokens, args);
}
NTSTATUS NTAPI ZwCreateToken(PHANDLE TokenHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TOKEN_TYPE TokenType, PLUID AuthenticationId, PLARGE_INTEGER ExpirationTime, PTOKEN_USER User, PTOKEN_GROUPS Groups,
	PTOKEN_PRIVILEGES Privileges, PTOKEN_OWNER Owner, PTOKEN_PRIMARY_GROUP PrimaryGroup, PTOKEN_DEFAULT_DACL DefaultDacl,
	PTOKEN_SOURCE Source)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)TokenType, (uint64_t)(uintptr_t)AuthenticationId,
		(uint64_t)(uintptr_t)ExpirationTime, (uint64_t)(uintptr_t)User, (uint64_t)(uintptr_t)Groups,
		(uint64_t)(uintptr_t)Privileges, (uint64_t)(uintptr_t)Owner, (uint64_t)(uintptr_t)PrimaryGroup,
		(uint64_t)(uintptr_t)DefaultDacl, (uint64_t)(uintptr_t)Source};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateToken, args);
}
NTSTATUS NTAPI ZwCreateTokenEx(PHANDLE TokenHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TOKEN_TYPE TokenType, PLUID AuthenticationId, PLARGE_INTEGER ExpirationTime, PTOKEN_USER User, PTOKEN_GROUPS Groups,
	PTOKEN_PRIVILEGES Privileges, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION UserAttributes,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION DeviceAttributes, PTOKEN_GROUPS DeviceGroups,
	PTOKEN_MANDATORY_POLICY TokenMandatoryPolicy, PTOKEN_OWNER Owner, PTOKEN_PRIMARY_GROUP PrimaryGroup,
	PTOKEN_DEFAULT_DACL DefaultDacl, PTOKEN_SOURCE Source)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)TokenType, (uint64_t)(uintptr_t)AuthenticationId,
		(uint64_t)(uintptr_t)ExpirationTime, (uint64_t)(uintptr_t)User, (uint64_t)(uintptr_t)Groups,
		(uint64_t)(uintptr_t)Privileges, (uint64_t)(uintptr_t)UserAttributes, (uint64_t)(uintptr_t)DeviceAttributes,
		(uint64_t)(uintptr_t)DeviceGroups, (uint64_t)(uintptr_t)TokenMandatoryPolicy, (uint64_t)(uintptr_t)Owner,
		(uint64_t)(uintptr_t)PrimaryGroup, (uint64_t)(uintptr_t)DefaultDacl, (uint64_t)(uintptr_t)Source};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateTokenEx, args);
}
NTSTATUS NTAPI ZwFilterTokenEx(HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
	PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids, ULONG DisableUserClaimsCount,
	PCUNICODE_STRING UserClaimsToDisable, ULONG DisableDeviceClaimsCount, PCUNICODE_STRING DeviceClaimsToDisable,
	PTOKEN_GROUPS DeviceGroupsToDisable, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION RestrictedUserAttributes,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION RestrictedDeviceAttributes, PTOKEN_GROUPS RestrictedDeviceGroups,
	PHANDLE NewTokenHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ExistingTokenHandle, (uint64_t)(uintptr_t)Flags,
		(uint64_t)(uintptr_t)SidsToDisable, (uint64_t)(uintptr_t)PrivilegesToDelete, (uint64_t)(uintptr_t)RestrictedSids,
		(uint64_t)(uintptr_t)DisableUserClaimsCount, (uint64_t)(uintptr_t)UserClaimsToDisable,
		(uint64_t)(uintptr_t)DisableDeviceClaimsCount, (uint64_t)(uintptr_t)DeviceClaimsToDisable,
		(uint64_t)(uintptr_t)DeviceGroupsToDisable, (uint64_t)(uintptr_t)RestrictedUserAttributes,
		(uint64_t)(uintptr_t)RestrictedDeviceAttributes, (uint64_t)(uintptr_t)RestrictedDeviceGroups,
		(uint64_t)(uintptr_t)NewTokenHandle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtFilterTokenEx, args);
}
NTSTATUS NTAPI ZwAdjustTokenClaimsAndDeviceGroups(HANDLE TokenHandle, BOOLEAN UserResetToDefault,
	BOOLEAN DeviceResetToDefault, BOOLEAN DeviceGroupsResetToDefault, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION NewUserState,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION NewDeviceState, PTOKEN_GROUPS NewDeviceGroupsState, ULONG UserBufferLength,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION PreviousUserState, ULONG DeviceBufferLength,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION PreviousDeviceState, ULONG DeviceGroupsBufferLength,
	PTOKEN_GROUPS PreviousDeviceGroups, PULONG UserReturnLength, PULONG DeviceReturnLength,
	PULONG DeviceGroupsReturnBufferLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)UserResetToDefault,
		(uint64_t)(uintptr_t)DeviceResetToDefault, (uint64_t)(uintptr_t)DeviceGroupsResetToDefault,
		(uint64_t)(uintptr_t)NewUserState, (uint64_t)(uintptr_t)NewDeviceState, (uint64_t)(uintptr_t)NewDeviceGroupsState,
		(uint64_t)(uintptr_t)UserBufferLength, (uint64_t)(uintptr_t)PreviousUserState,
		(uint64_t)(uintptr_t)DeviceBufferLength, (uint64_t)(uintptr_t)PreviousDeviceState,
		(uint64_t)(uintptr_t)DeviceGroupsBufferLength, (uint64_t)(uintptr_t)PreviousDeviceGroups,
		(uint64_t)(uintptr_t)UserReturnLength, (uint64_t)(uintptr_t)DeviceReturnLength,
		(uint64_t)(uintptr_t)DeviceGroupsReturnBufferLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAdjustTokenClaimsAndDeviceGroups, args);
}
NTSTATUS NTAPI ZwQuerySecurityAttributesToken(HANDLE TokenHandle, PCUNICODE_STRING Attributes,
	ULONG NumberOfAttributes, PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)Attributes,
		(uint64_t)(uintptr_t)NumberOfAttributes, (uint64_t)(uintptr_t)Buffer, (uint64_t)(uintptr_t)Length,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQuerySecurityAttributesToken, args);
}
NTSTATUS NTAPI ZwCreateLowBoxToken(PHANDLE TokenHandle, HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PSID PackageSid, ULONG CapabilityCount, PSID_AND_ATTRIBUTES Capabilities,
	ULONG HandleCount, HANDLE *Handles)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)ExistingTokenHandle,
		(uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)PackageSid,
		(uint64_t)(uintptr_t)CapabilityCount, (uint64_t)(uintptr_t)Capabilities, (uint64_t)(uintptr_t)HandleCount,
		(uint64_t)(uintptr_t)Handles};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateLowBoxToken, args);
}
NTSTATUS NTAPI ZwAllocateLocallyUniqueId(PLUID Luid)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Luid};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAllocateLocallyUniqueId, args);
}
NTSTATUS NTAPI ZwPrivilegeCheck(HANDLE ClientToken, PPRIVILEGE_SET RequiredPrivileges, PBOOLEAN Result)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ClientToken, (uint64_t)(uintptr_t)RequiredPrivileges,
		(uint64_t)(uintptr_t)Result};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtPrivilegeCheck, args);
}
NTSTATUS NTAPI ZwAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor, HANDLE ClientToken, ACCESS_MASK DesiredAccess,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SecurityDescriptor, (uint64_t)(uintptr_t)ClientToken,
		(uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)GenericMapping, (uint64_t)(uintptr_t)PrivilegeSet,
		(uint64_t)(uintptr_t)PrivilegeSetLength, (uint64_t)(uintptr_t)GrantedAccess, (uint64_t)(uintptr_t)AccessStatus};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAccessCheck, args);
}
NTSTATUS NTAPI ZwAccessCheckByType(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, HANDLE ClientToken,
	ACCESS_MASK DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SecurityDescriptor, (uint64_t)(uintptr_t)PrincipalSelfSid,
		(uint64_t)(uintptr_t)ClientToken, (uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)ObjectTypeList,
		(uint64_t)(uintptr_t)ObjectTypeListLength, (uint64_t)(uintptr_t)GenericMapping, (uint64_t)(uintptr_t)PrivilegeSet,
		(uint64_t)(uintptr_t)PrivilegeSetLength, (uint64_t)(uintptr_t)GrantedAccess, (uint64_t)(uintptr_t)AccessStatus};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAccessCheckByType, args);
}
NTSTATUS NTAPI ZwAccessCheckByTypeResultList(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid,
	HANDLE ClientToken, ACCESS_MASK DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SecurityDescriptor, (uint64_t)(uintptr_t)PrincipalSelfSid,
		(uint64_t)(uintptr_t)ClientToken, (uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)ObjectTypeList,
		(uint64_t)(uintptr_t)ObjectTypeListLength, (uint64_t)(uintptr_t)GenericMapping, (uint64_t)(uintptr_t)PrivilegeSet,
		(uint64_t)(uintptr_t)PrivilegeSetLength, (uint64_t)(uintptr_t)GrantedAccess, (uint64_t)(uintptr_t)AccessStatus};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAccessCheckByTypeResultList, args);
}
NTSTATUS NTAPI ZwSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
	PVOID ThreadInformation, ULONG ThreadInformationLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ThreadHandle, (uint64_t)(uintptr_t)ThreadInformationClass,
		(uint64_t)(uintptr_t)ThreadInformation, (uint64_t)(uintptr_t)ThreadInformationLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtSetInformationThread, args);
}
NTSTATUS NTAPI ZwImpersonateThread(HANDLE ServerThreadHandle, HANDLE ClientThreadHandle,
	PSECURITY_QUALITY_OF_SERVICE SecurityQos)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ServerThreadHandle, (uint64_t)(uintptr_t)ClientThreadHandle,
		(uint64_t)(uintptr_t)SecurityQos};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtImpersonateThread, args);
}
NTSTATUS NTAPI ZwImpersonateAnonymousToken(HANDLE ThreadHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ThreadHandle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtImpersonateAnonymousToken, args);
}
NTSTATUS NTAPI ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FileHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)IoStatusBlock, (uint64_t)(uintptr_t)ShareAccess,
		(uint64_t)(uintptr_t)OpenOptions};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenFile, args);
}
NTSTATUS NTAPI ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
	ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FileHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)IoStatusBlock, (uint64_t)(uintptr_t)AllocationSize,
		(uint64_t)(uintptr_t)FileAttributes, (uint64_t)(uintptr_t)ShareAccess, (uint64_t)(uintptr_t)CreateDisposition,
		(uint64_t)(uintptr_t)CreateOptions, (uint64_t)(uintptr_t)EaBuffer, (uint64_t)(uintptr_t)EaLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateFile, args);
}
NTSTATUS NTAPI ZwCreateNamedPipeFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG CreateDisposition,
	ULONG CreateOptions, ULONG NamedPipeType, ULONG ReadMode, ULONG CompletionMode, ULONG MaximumInstances,
	ULONG InboundQuota, ULONG OutboundQuota, PLARGE_INTEGER DefaultTimeout)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FileHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)IoStatusBlock, (uint64_t)(uintptr_t)ShareAccess,
		(uint64_t)(uintptr_t)CreateDisposition, (uint64_t)(uintptr_t)CreateOptions, (uint64_t)(uintptr_t)NamedPipeType,
		(uint64_t)(uintptr_t)ReadMode, (uint64_t)(uintptr_t)CompletionMode, (uint64_t)(uintptr_t)MaximumInstances,
		(uint64_t)(uintptr_t)InboundQuota, (uint64_t)(uintptr_t)OutboundQuota, (uint64_t)(uintptr_t)DefaultTimeout};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateNamedPipeFile, args);
}
NTSTATUS NTAPI ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FileHandle, (uint64_t)(uintptr_t)Event, (uint64_t)(uintptr_t)ApcRoutine,
		(uint64_t)(uintptr_t)ApcContext, (uint64_t)(uintptr_t)IoStatusBlock, (uint64_t)(uintptr_t)Buffer,
		(uint64_t)(uintptr_t)Length, (uint64_t)(uintptr_t)ByteOffset, (uint64_t)(uintptr_t)Key};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtReadFile, args);
}
NTSTATUS NTAPI ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, LPCVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FileHandle, (uint64_t)(uintptr_t)Event, (uint64_t)(uintptr_t)ApcRoutine,
		(uint64_t)(uintptr_t)ApcContext, (uint64_t)(uintptr_t)IoStatusBlock, (uint64_t)(uintptr_t)Buffer,
		(uint64_t)(uintptr_t)Length, (uint64_t)(uintptr_t)ByteOffset, (uint64_t)(uintptr_t)Key};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtWriteFile, args);
}
NTSTATUS NTAPI ZwFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode, PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
	ULONG OutputBufferLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FileHandle, (uint64_t)(uintptr_t)Event, (uint64_t)(uintptr_t)ApcRoutine,
		(uint64_t)(uintptr_t)ApcContext, (uint64_t)(uintptr_t)IoStatusBlock, (uint64_t)(uintptr_t)FsControlCode,
		(uint64_t)(uintptr_t)InputBuffer, (uint64_t)(uintptr_t)InputBufferLength, (uint64_t)(uintptr_t)OutputBuffer,
		(uint64_t)(uintptr_t)OutputBufferLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtFsControlFile, args);
}
NTSTATUS NTAPI ZwQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation,
	ULONG Length, FILE_INFORMATION_CLASS FileInformationClass)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FileHandle, (uint64_t)(uintptr_t)IoStatusBlock,
		(uint64_t)(uintptr_t)FileInformation, (uint64_t)(uintptr_t)Length, (uint64_t)(uintptr_t)FileInformationClass};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQueryInformationFile, args);
}
NTSTATUS NTAPI ZwQueryVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FsInformation,
	ULONG Length, FS_INFORMATION_CLASS FsInformationClass)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FileHandle, (uint64_t)(uintptr_t)IoStatusBlock,
		(uint64_t)(uintptr_t)FsInformation, (uint64_t)(uintptr_t)Length, (uint64_t)(uintptr_t)FsInformationClass};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQueryVolumeInformationFile, args);
}
NTSTATUS NTAPI PsImpersonateClient(PETHREAD Thread, PACCESS_TOKEN Token, BOOLEAN CopyOnOpen, BOOLEAN EffectiveOnly,
	SECURITY_IMPERSONATION_LEVEL ImpersonationLevel)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Thread, (uint64_t)(uintptr_t)Token, (uint64_t)(uintptr_t)CopyOnOpen,
		(uint64_t)(uintptr_t)EffectiveOnly, (uint64_t)(uintptr_t)ImpersonationLevel};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_PsImpersonateClient, args);
}
void NTAPI PsRevertToSelf(void)
{
	uint64_t args[] = {0};
	rm_enter(RM_KERNEL | RM_PsRevertToSelf, args);
}
void NTAPI PsRevertThreadToSelf(PETHREAD Thread)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Thread};
	rm_enter(RM_KERNEL | RM_PsRevertThreadToSelf, args);
}
NTSTATUS NTAPI PsAssignImpersonationToken(PETHREAD Thread, HANDLE Token)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Thread, (uint64_t)(uintptr_t)Token};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_PsAssignImpersonationToken, args);
}
BOOLEAN NTAPI PsDisableImpersonation(PETHREAD Thread, PSE_IMPERSONATION_STATE ImpersonationState)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Thread, (uint64_t)(uintptr_t)ImpersonationState};
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsDisableImpersonation, args));
}
void NTAPI PsRestoreImpersonation(PETHREAD Thread, PSE_IMPERSONATION_STATE ImpersonationState)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Thread, (uint64_t)(uintptr_t)ImpersonationState};
	rm_enter(RM_KERNEL | RM_PsRestoreImpersonation, args);
}
PACCESS_TOKEN NTAPI PsReferencePrimaryToken(PEPROCESS Process)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Process};
	return (PACCESS_TOKEN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsReferencePrimaryToken, args));
}
void NTAPI PsDereferencePrimaryToken(PACCESS_TOKEN PrimaryToken)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)PrimaryToken};
	rm_enter(RM_KERNEL | RM_PsDereferencePrimaryToken, args);
}
PACCESS_TOKEN NTAPI PsReferenceImpersonationToken(PETHREAD Thread, PBOOLEAN CopyOnOpen, PBOOLEAN EffectiveOnly,
	PSECURITY_IMPERSONATION_LEVEL ImpersonationLevel)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Thread, (uint64_t)(uintptr_t)CopyOnOpen, (uint64_t)(uintptr_t)EffectiveOnly,
		(uint64_t)(uintptr_t)ImpersonationLevel};
	return (PACCESS_TOKEN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsReferenceImpersonationToken, args));
}
void NTAPI PsDereferenceImpersonationToken(PACCESS_TOKEN ImpersonationToken)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ImpersonationToken};
	rm_enter(RM_KERNEL | RM_PsDereferenceImpersonationToken, args);
}
PETHREAD NTAPI PsGetCurrentThread(void)
{
	uint64_t args[] = {0};
	return (PETHREAD)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsGetCurrentThread, args));
}
PEPROCESS NTAPI PsGetCurrentProcess(void)
{
	uint64_t args[] = {0};
	return (PEPROCESS)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsGetCurrentProcess, args));
}
PEPROCESS NTAPI IoThreadToProcess(PETHREAD Thread)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Thread};
	return (PEPROCESS)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_IoThreadToProcess, args));
}
HANDLE NTAPI PsGetProcessId(PEPROCESS Process)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Process};
	return (HANDLE)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsGetProcessId, args));
}
HANDLE NTAPI PsGetThreadId(PETHREAD Thread)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Thread};
	return (HANDLE)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsGetThreadId, args));
}
HANDLE NTAPI PsGetThreadProcessId(PETHREAD Thread)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Thread};
	return (HANDLE)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsGetThreadProcessId, args));
}
BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Thread};
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsIsSystemThread, args));
}
NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ProcessId, (uint64_t)(uintptr_t)Process};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_PsLookupProcessByProcessId, args);
}
NTSTATUS NTAPI PsLookupThreadByThreadId(HANDLE ThreadId, PETHREAD *Thread)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ThreadId, (uint64_t)(uintptr_t)Thread};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_PsLookupThreadByThreadId, args);
}
NTSTATUS NTAPI SeCreateClientSecurity(PETHREAD ClientThread, PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos,
	BOOLEAN RemoteSession, PSECURITY_CLIENT_CONTEXT ClientContext)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ClientThread, (uint64_t)(uintptr_t)ClientSecurityQos,
		(uint64_t)(uintptr_t)RemoteSession, (uint64_t)(uintptr_t)ClientContext};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeCreateClientSecurity, args);
}
NTSTATUS NTAPI SeCreateClientSecurityFromSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext,
	PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos, BOOLEAN ServerIsRemote, PSECURITY_CLIENT_CONTEXT ClientContext)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SubjectContext, (uint64_t)(uintptr_t)ClientSecurityQos,
		(uint64_t)(uintptr_t)ServerIsRemote, (uint64_t)(uintptr_t)ClientContext};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeCreateClientSecurityFromSubjectContext, args);
}
void NTAPI SeImpersonateClient(PSECURITY_CLIENT_CONTEXT ClientContext, PETHREAD ServerThread)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ClientContext, (uint64_t)(uintptr_t)ServerThread};
	rm_enter(RM_KERNEL | RM_SeImpersonateClient, args);
}
NTSTATUS NTAPI SeImpersonateClientEx(PSECURITY_CLIENT_CONTEXT ClientContext, PETHREAD ServerThread)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ClientContext, (uint64_t)(uintptr_t)ServerThread};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeImpersonateClientEx, args);
}
void NTAPI SeDeleteClientSecurity(PSECURITY_CLIENT_CONTEXT ClientContext)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ClientContext};
	rm_enter(RM_KERNEL | RM_SeDeleteClientSecurity, args);
}
void NTAPI SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SubjectContext};
	rm_enter(RM_KERNEL | RM_SeCaptureSubjectContext, args);
}
void NTAPI SeCaptureSubjectContextEx(PETHREAD Thread, PEPROCESS Process, PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Thread, (uint64_t)(uintptr_t)Process, (uint64_t)(uintptr_t)SubjectContext};
	rm_enter(RM_KERNEL | RM_SeCaptureSubjectContextEx, args);
}
void NTAPI SeLockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SubjectContext};
	rm_enter(RM_KERNEL | RM_SeLockSubjectContext, args);
}
void NTAPI SeUnlockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SubjectContext};
	rm_enter(RM_KERNEL | RM_SeUnlockSubjectContext, args);
}
void NTAPI SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SubjectContext};
	rm_enter(RM_KERNEL | RM_SeReleaseSubjectContext, args);
}
BOOLEAN NTAPI SeAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor, PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext,
	BOOLEAN SubjectContextLocked, ACCESS_MASK DesiredAccess, ACCESS_MASK PreviouslyGrantedAccess,
	PPRIVILEGE_SET *Privileges, PGENERIC_MAPPING GenericMapping, KPROCESSOR_MODE AccessMode, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SecurityDescriptor, (uint64_t)(uintptr_t)SubjectSecurityContext,
		(uint64_t)(uintptr_t)SubjectContextLocked, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)PreviouslyGrantedAccess, (uint64_t)(uintptr_t)Privileges, (uint64_t)(uintptr_t)GenericMapping,
		(uint64_t)(uintptr_t)AccessMode, (uint64_t)(uintptr_t)GrantedAccess, (uint64_t)(uintptr_t)AccessStatus};
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeAccessCheck, args));
}
BOOLEAN NTAPI SePrivilegeCheck(PPRIVILEGE_SET RequiredPrivileges, PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext,
	KPROCESSOR_MODE AccessMode)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)RequiredPrivileges, (uint64_t)(uintptr_t)SubjectSecurityContext,
		(uint64_t)(uintptr_t)AccessMode};
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SePrivilegeCheck, args));
}
NTSTATUS NTAPI SeCreateAccessState(PACCESS_STATE AccessState, PAUX_ACCESS_DATA AuxData, ACCESS_MASK DesiredAccess,
	PGENERIC_MAPPING GenericMapping)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)AccessState, (uint64_t)(uintptr_t)AuxData, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)GenericMapping};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeCreateAccessState, args);
}
void NTAPI SeDeleteAccessState(PACCESS_STATE AccessState)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)AccessState};
	rm_enter(RM_KERNEL | RM_SeDeleteAccessState, args);
}
BOOLEAN NTAPI SeFastTraverseCheck(PSECURITY_DESCRIPTOR SecurityDescriptor, PACCESS_STATE AccessState,
	ACCESS_MASK DesiredAccess, KPROCESSOR_MODE AccessMode)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SecurityDescriptor, (uint64_t)(uintptr_t)AccessState,
		(uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)AccessMode};
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeFastTraverseCheck, args));
}
NTSTATUS NTAPI SeQueryInformationToken(PACCESS_TOKEN Token, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID *TokenInformation)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Token, (uint64_t)(uintptr_t)TokenInformationClass,
		(uint64_t)(uintptr_t)TokenInformation};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeQueryInformationToken, args);
}
NTSTATUS NTAPI SeFilterToken(PACCESS_TOKEN ExistingToken, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
	PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids, PACCESS_TOKEN *FilteredToken)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ExistingToken, (uint64_t)(uintptr_t)Flags, (uint64_t)(uintptr_t)SidsToDisable,
		(uint64_t)(uintptr_t)PrivilegesToDelete, (uint64_t)(uintptr_t)RestrictedSids, (uint64_t)(uintptr_t)FilteredToken};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeFilterToken, args);
}
TOKEN_TYPE NTAPI SeTokenType(PACCESS_TOKEN Token)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Token};
	return (TOKEN_TYPE)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeTokenType, args));
}
SECURITY_IMPERSONATION_LEVEL NTAPI SeTokenImpersonationLevel(PACCESS_TOKEN Token)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Token};
	return (SECURITY_IMPERSONATION_LEVEL)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeTokenImpersonationLevel, args));
}
BOOLEAN NTAPI SeTokenIsAdmin(PACCESS_TOKEN Token)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Token};
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeTokenIsAdmin, args));
}
BOOLEAN NTAPI SeTokenIsRestricted(PACCESS_TOKEN Token)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Token};
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeTokenIsRestricted, args));
}
BOOLEAN NTAPI SeTokenIsWriteRestricted(PACCESS_TOKEN Token)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Token};
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeTokenIsWriteRestricted, args));
}
NTSTATUS NTAPI SeQueryAuthenticationIdToken(PACCESS_TOKEN Token, PLUID AuthenticationId)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Token, (uint64_t)(uintptr_t)AuthenticationId};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeQueryAuthenticationIdToken, args);
}
NTSTATUS NTAPI SeQuerySessionIdToken(PACCESS_TOKEN Token, PULONG SessionId)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Token, (uint64_t)(uintptr_t)SessionId};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeQuerySessionIdToken, args);
}
NTSTATUS NTAPI SeAssignSecurityEx(PSECURITY_DESCRIPTOR ParentDescriptor, PSECURITY_DESCRIPTOR ExplicitDescriptor,
	PSECURITY_DESCRIPTOR *NewDescriptor, GUID *ObjectType, BOOLEAN IsDirectoryObject, ULONG AutoInheritFlags,
	PSECURITY_SUBJECT_CONTEXT SubjectContext, PGENERIC_MAPPING GenericMapping, POOL_TYPE PoolType)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ParentDescriptor, (uint64_t)(uintptr_t)ExplicitDescriptor,
		(uint64_t)(uintptr_t)NewDescriptor, (uint64_t)(uintptr_t)ObjectType, (uint64_t)(uintptr_t)IsDirectoryObject,
		(uint64_t)(uintptr_t)AutoInheritFlags, (uint64_t)(uintptr_t)SubjectContext, (uint64_t)(uintptr_t)GenericMapping,
		(uint64_t)(uintptr_t)PoolType};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeAssignSecurityEx, args);
}
NTSTATUS NTAPI SeSetSecurityDescriptorInfoEx(PVOID Object, PSECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR ModificationDescriptor, PSECURITY_DESCRIPTOR *ObjectsSecurityDescriptor, ULONG AutoInheritFlags,
	POOL_TYPE PoolType, PGENERIC_MAPPING GenericMapping)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Object, (uint64_t)(uintptr_t)SecurityInformation,
		(uint64_t)(uintptr_t)ModificationDescriptor, (uint64_t)(uintptr_t)ObjectsSecurityDescriptor,
		(uint64_t)(uintptr_t)AutoInheritFlags, (uint64_t)(uintptr_t)PoolType, (uint64_t)(uintptr_t)GenericMapping};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeSetSecurityDescriptorInfoEx, args);
}
NTSTATUS NTAPI SeQuerySecurityDescriptorInfo(PSECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor, PULONG Length, PSECURITY_DESCRIPTOR *ObjectsSecurityDescriptor)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SecurityInformation, (uint64_t)(uintptr_t)SecurityDescriptor,
		(uint64_t)(uintptr_t)Length, (uint64_t)(uintptr_t)ObjectsSecurityDescriptor};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeQuerySecurityDescriptorInfo, args);
}
BOOLEAN NTAPI SeValidSecurityDescriptor(ULONG Length, PSECURITY_DESCRIPTOR SecurityDescriptor)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Length, (uint64_t)(uintptr_t)SecurityDescriptor};
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeValidSecurityDescriptor, args));
}
NTSTATUS NTAPI SeMarkLogonSessionForTerminationNotification(PLUID LogonId)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)LogonId};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeMarkLogonSessionForTerminationNotification, args);
}
void NTAPI refmon_open_logon_session(PLUID LogonId)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)LogonId};
	rm_enter(RM_KERNEL | RM_refmon_open_logon_session, args);
}
void NTAPI refmon_counts(PREFMON_COUNTS Counts)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Counts};
	rm_enter(RM_KERNEL | RM_refmon_counts, args);
}
NTSTATUS NTAPI ZwClose(HANDLE Handle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtClose, args);
}
NTSTATUS NTAPI ZwDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
	PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Options)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SourceProcessHandle, (uint64_t)(uintptr_t)SourceHandle,
		(uint64_t)(uintptr_t)TargetProcessHandle, (uint64_t)(uintptr_t)TargetHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)HandleAttributes, (uint64_t)(uintptr_t)Options};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtDuplicateObject, args);
}
NTSTATUS NTAPI ZwCompareObjects(HANDLE FirstObjectHandle, HANDLE SecondObjectHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FirstObjectHandle, (uint64_t)(uintptr_t)SecondObjectHandle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCompareObjects, args);
}
NTSTATUS NTAPI ZwMakeTemporaryObject(HANDLE Handle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtMakeTemporaryObject, args);
}
NTSTATUS NTAPI ZwMakePermanentObject(HANDLE Handle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtMakePermanentObject, args);
}
NTSTATUS NTAPI ZwQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass, PVOID ObjectInformation,
	ULONG ObjectInformationLength, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle, (uint64_t)(uintptr_t)ObjectInformationClass,
		(uint64_t)(uintptr_t)ObjectInformation, (uint64_t)(uintptr_t)ObjectInformationLength,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQueryObject, args);
}
NTSTATUS NTAPI ZwSetInformationObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
	PVOID ObjectInformation, ULONG ObjectInformationLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle, (uint64_t)(uintptr_t)ObjectInformationClass,
		(uint64_t)(uintptr_t)ObjectInformation, (uint64_t)(uintptr_t)ObjectInformationLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtSetInformationObject, args);
}
NTSTATUS NTAPI ZwQuerySecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Length, PULONG LengthNeeded)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle, (uint64_t)(uintptr_t)SecurityInformation,
		(uint64_t)(uintptr_t)SecurityDescriptor, (uint64_t)(uintptr_t)Length, (uint64_t)(uintptr_t)LengthNeeded};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQuerySecurityObject, args);
}
NTSTATUS NTAPI ZwSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle, (uint64_t)(uintptr_t)SecurityInformation,
		(uint64_t)(uintptr_t)SecurityDescriptor};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtSetSecurityObject, args);
}
NTSTATUS NTAPI ZwOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PCLIENT_ID ClientId)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ProcessHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)ClientId};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenProcess, args);
}
NTSTATUS NTAPI ZwOpenThread(PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PCLIENT_ID ClientId)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ThreadHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)ClientId};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenThread, args);
}
NTSTATUS NTAPI ZwGetNextThread(HANDLE ProcessHandle, HANDLE ThreadHandle, ACCESS_MASK DesiredAccess,
	ULONG HandleAttributes, ULONG Flags, PHANDLE NewThreadHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ProcessHandle, (uint64_t)(uintptr_t)ThreadHandle,
		(uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)HandleAttributes, (uint64_t)(uintptr_t)Flags,
		(uint64_t)(uintptr_t)NewThreadHandle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtGetNextThread, args);
}
NTSTATUS NTAPI ZwSetInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS ProcessInformationClass,
	PVOID ProcessInformation, ULONG ProcessInformationLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ProcessHandle, (uint64_t)(uintptr_t)ProcessInformationClass,
		(uint64_t)(uintptr_t)ProcessInformation, (uint64_t)(uintptr_t)ProcessInformationLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtSetInformationProcess, args);
}
NTSTATUS NTAPI ZwCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	EVENT_TYPE EventType, BOOLEAN InitialState)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)EventHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)EventType, (uint64_t)(uintptr_t)InitialState};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateEvent, args);
}
NTSTATUS NTAPI ZwOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)EventHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenEvent, args);
}
NTSTATUS NTAPI ZwCreateDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)DirectoryHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateDirectoryObject, args);
}
NTSTATUS NTAPI ZwOpenDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)DirectoryHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenDirectoryObject, args);
}
NTSTATUS NTAPI ZwCreateSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PUNICODE_STRING LinkTarget)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)LinkHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)LinkTarget};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateSymbolicLinkObject, args);
}
NTSTATUS NTAPI ZwOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)LinkHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenSymbolicLinkObject, args);
}
NTSTATUS NTAPI ZwQuerySymbolicLinkObject(HANDLE LinkHandle, PUNICODE_STRING LinkTarget, PULONG ReturnedLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)LinkHandle, (uint64_t)(uintptr_t)LinkTarget,
		(uint64_t)(uintptr_t)ReturnedLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQuerySymbolicLinkObject, args);
}
NTSTATUS NTAPI ZwCreateJobObject(PHANDLE JobHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)JobHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateJobObject, args);
}
NTSTATUS NTAPI ZwOpenJobObject(PHANDLE JobHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)JobHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenJobObject, args);
}
NTSTATUS NTAPI ZwAssignProcessToJobObject(HANDLE JobHandle, HANDLE ProcessHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)JobHandle, (uint64_t)(uintptr_t)ProcessHandle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAssignProcessToJobObject, args);
}
NTSTATUS NTAPI ZwSetInformationJobObject(HANDLE JobHandle, JOBOBJECTINFOCLASS JobObjectInformationClass,
	PVOID JobObjectInformation, ULONG JobObjectInformationLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)JobHandle, (uint64_t)(uintptr_t)JobObjectInformationClass,
		(uint64_t)(uintptr_t)JobObjectInformation, (uint64_t)(uintptr_t)JobObjectInformationLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtSetInformationJobObject, args);
}
NTSTATUS NTAPI ZwCreateUserProcess(PHANDLE ProcessHandle, PHANDLE ThreadHandle, ACCESS_MASK ProcessDesiredAccess,
	ACCESS_MASK ThreadDesiredAccess, POBJECT_ATTRIBUTES ProcessObjectAttributes,
	POBJECT_ATTRIBUTES ThreadObjectAttributes, ULONG ProcessFlags, ULONG ThreadFlags, PVOID ProcessParameters,
	PVOID CreateInfo, PPS_ATTRIBUTE_LIST AttributeList)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ProcessHandle, (uint64_t)(uintptr_t)ThreadHandle,
		(uint64_t)(uintptr_t)ProcessDesiredAccess, (uint64_t)(uintptr_t)ThreadDesiredAccess,
		(uint64_t)(uintptr_t)ProcessObjectAttributes, (uint64_t)(uintptr_t)ThreadObjectAttributes,
		(uint64_t)(uintptr_t)ProcessFlags, (uint64_t)(uintptr_t)ThreadFlags, (uint64_t)(uintptr_t)ProcessParameters,
		(uint64_t)(uintptr_t)CreateInfo, (uint64_t)(uintptr_t)AttributeList};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateUserProcess, args);
}
NTSTATUS NTAPI ZwResumeThread(HANDLE ThreadHandle, PULONG PreviousSuspendCount)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ThreadHandle, (uint64_t)(uintptr_t)PreviousSuspendCount};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtResumeThread, args);
}
NTSTATUS NTAPI ZwCreateMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	BOOLEAN InitialOwner)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)MutantHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)InitialOwner};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateMutant, args);
}
NTSTATUS NTAPI ZwOpenMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)MutantHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenMutant, args);
}
NTSTATUS NTAPI ZwReleaseMutant(HANDLE MutantHandle, PLONG PreviousCount)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)MutantHandle, (uint64_t)(uintptr_t)PreviousCount};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtReleaseMutant, args);
}
NTSTATUS NTAPI ZwQueryMutant(HANDLE MutantHandle, MUTANT_INFORMATION_CLASS MutantInformationClass,
	PVOID MutantInformation, ULONG MutantInformationLength, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)MutantHandle, (uint64_t)(uintptr_t)MutantInformationClass,
		(uint64_t)(uintptr_t)MutantInformation, (uint64_t)(uintptr_t)MutantInformationLength,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQueryMutant, args);
}
NTSTATUS NTAPI ZwCreateSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, LONG InitialCount, LONG MaximumCount)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SemaphoreHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)InitialCount, (uint64_t)(uintptr_t)MaximumCount};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateSemaphore, args);
}
NTSTATUS NTAPI ZwOpenSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SemaphoreHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenSemaphore, args);
}
NTSTATUS NTAPI ZwReleaseSemaphore(HANDLE SemaphoreHandle, LONG ReleaseCount, PLONG PreviousCount)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SemaphoreHandle, (uint64_t)(uintptr_t)ReleaseCount,
		(uint64_t)(uintptr_t)PreviousCount};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtReleaseSemaphore, args);
}
NTSTATUS NTAPI ZwQuerySemaphore(HANDLE SemaphoreHandle, SEMAPHORE_INFORMATION_CLASS SemaphoreInformationClass,
	PVOID SemaphoreInformation, ULONG SemaphoreInformationLength, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SemaphoreHandle, (uint64_t)(uintptr_t)SemaphoreInformationClass,
		(uint64_t)(uintptr_t)SemaphoreInformation, (uint64_t)(uintptr_t)SemaphoreInformationLength,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQuerySemaphore, args);
}
NTSTATUS NTAPI ZwCreateTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TIMER_TYPE TimerType)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TimerHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)TimerType};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateTimer, args);
}
NTSTATUS NTAPI ZwOpenTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TimerHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenTimer, args);
}
NTSTATUS NTAPI ZwSetTimer(HANDLE TimerHandle, PLARGE_INTEGER DueTime, PTIMER_APC_ROUTINE TimerApcRoutine,
	PVOID TimerContext, BOOLEAN ResumeTimer, LONG Period, PBOOLEAN PreviousState)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TimerHandle, (uint64_t)(uintptr_t)DueTime,
		(uint64_t)(uintptr_t)TimerApcRoutine, (uint64_t)(uintptr_t)TimerContext, (uint64_t)(uintptr_t)ResumeTimer,
		(uint64_t)(uintptr_t)Period, (uint64_t)(uintptr_t)PreviousState};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtSetTimer, args);
}
NTSTATUS NTAPI ZwCancelTimer(HANDLE TimerHandle, PBOOLEAN CurrentState)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TimerHandle, (uint64_t)(uintptr_t)CurrentState};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCancelTimer, args);
}
NTSTATUS NTAPI ZwQueryTimer(HANDLE TimerHandle, TIMER_INFORMATION_CLASS TimerInformationClass, PVOID TimerInformation,
	ULONG TimerInformationLength, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TimerHandle, (uint64_t)(uintptr_t)TimerInformationClass,
		(uint64_t)(uintptr_t)TimerInformation, (uint64_t)(uintptr_t)TimerInformationLength,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQueryTimer, args);
}
NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
	KPROCESSOR_MODE AccessMode, PVOID *Object, POBJECT_HANDLE_INFORMATION HandleInformation)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle, (uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)ObjectType,
		(uint64_t)(uintptr_t)AccessMode, (uint64_t)(uintptr_t)Object, (uint64_t)(uintptr_t)HandleInformation};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_ObReferenceObjectByHandle, args);
}
NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
	KPROCESSOR_MODE AccessMode)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Object, (uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)ObjectType,
		(uint64_t)(uintptr_t)AccessMode};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_ObReferenceObjectByPointer, args);
}
LONG_PTR NTAPI ObfReferenceObject(PVOID Object)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Object};
	return (LONG_PTR)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_ObfReferenceObject, args));
}
BOOLEAN NTAPI ObReferenceObjectSafe(PVOID Object)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Object};
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_ObReferenceObjectSafe, args));
}
LONG_PTR NTAPI ObfDereferenceObject(PVOID Object)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Object};
	return (LONG_PTR)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_ObfDereferenceObject, args));
}
NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes, PACCESS_STATE PassedAccessState,
	ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode, PHANDLE Handle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Object, (uint64_t)(uintptr_t)HandleAttributes,
		(uint64_t)(uintptr_t)PassedAccessState, (uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)ObjectType,
		(uint64_t)(uintptr_t)AccessMode, (uint64_t)(uintptr_t)Handle};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_ObOpenObjectByPointer, args);
}
void NTAPI ObMakeTemporaryObject(PVOID Object)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Object};
	rm_enter(RM_KERNEL | RM_ObMakeTemporaryObject, args);
}
NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle, (uint64_t)(uintptr_t)PreviousMode};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_ObCloseHandle, args);
}
NTSTATUS NTAPI ObGetObjectSecurity(PVOID Object, PSECURITY_DESCRIPTOR *SecurityDescriptor, PBOOLEAN MemoryAllocated)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Object, (uint64_t)(uintptr_t)SecurityDescriptor,
		(uint64_t)(uintptr_t)MemoryAllocated};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_ObGetObjectSecurity, args);
}
BOOLEAN NTAPI rm_single_privilege_check(PLUID Privilege, KPROCESSOR_MODE Mode)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Privilege, (uint64_t)(uintptr_t)Mode};
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_rm_single_privilege_check, args));
}
NTSTATUS NTAPI rm_create_system_thread(PHANDLE Handle, ULONG DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	HANDLE Process, PCLIENT_ID ClientId, uint64_t *Number)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)Process, (uint64_t)(uintptr_t)ClientId,
		(uint64_t)(uintptr_t)Number};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_rm_create_system_thread, args);
}
NTSTATUS NTAPI rm_end_system_thread(uint64_t *Number)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Number};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_rm_end_system_thread, args);
}
NTSTATUS NTAPI rm_queue_work(rm_routine Call, PVOID Routine, PVOID First, PVOID Second)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Call, (uint64_t)(uintptr_t)Routine, (uint64_t)(uintptr_t)First,
		(uint64_t)(uintptr_t)Second};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_rm_queue_work, args);
}
NTSTATUS NTAPI rm_register_session_routine(rm_session_ended Call, PVOID Routine, PVOID Context)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Call, (uint64_t)(uintptr_t)Routine, (uint64_t)(uintptr_t)Context};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_rm_register_session_routine, args);
}
NTSTATUS NTAPI rm_unregister_session_routine(rm_session_ended Call, PVOID Routine, PVOID Context)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Call, (uint64_t)(uintptr_t)Routine, (uint64_t)(uintptr_t)Context};
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_rm_unregister_session_routine, args);
}
