/* Written by gen.go from the public headers. DO NOT EDIT. */
#include "enter.h"
#include "internal.h"

NTSTATUS NTAPI NtOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, PHANDLE TokenHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ProcessHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)TokenHandle};
	return (NTSTATUS)rm_enter(RM_NtOpenProcessToken, args);
}
NTSTATUS NTAPI ZwOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
	PHANDLE TokenHandle) __attribute__((alias("NtOpenProcessToken")));
NTSTATUS NTAPI NtOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
	PHANDLE TokenHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ProcessHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)HandleAttributes, (uint64_t)(uintptr_t)TokenHandle};
	return (NTSTATUS)rm_enter(RM_NtOpenProcessTokenEx, args);
}
NTSTATUS NTAPI ZwOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
	PHANDLE TokenHandle) __attribute__((alias("NtOpenProcessTokenEx")));
NTSTATUS NTAPI NtOpenThreadToken(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
	PHANDLE TokenHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ThreadHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)OpenAsSelf, (uint64_t)(uintptr_t)TokenHandle};
	return (NTSTATUS)rm_enter(RM_NtOpenThreadToken, args);
}
NTSTATUS NTAPI ZwOpenThreadToken(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
	PHANDLE TokenHandle) __attribute__((alias("NtOpenThreadToken")));
NTSTATUS NTAPI NtOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
	ULONG HandleAttributes, PHANDLE TokenHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ThreadHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)OpenAsSelf, (uint64_t)(uintptr_t)HandleAttributes, (uint64_t)(uintptr_t)TokenHandle};
	return (NTSTATUS)rm_enter(RM_NtOpenThreadTokenEx, args);
}
NTSTATUS NTAPI ZwOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
	ULONG HandleAttributes, PHANDLE TokenHandle) __attribute__((alias("NtOpenThreadTokenEx")));
NTSTATUS NTAPI NtDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN EffectiveOnly, TOKEN_TYPE TokenType, PHANDLE NewTokenHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ExistingTokenHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)EffectiveOnly, (uint64_t)(uintptr_t)TokenType,
		(uint64_t)(uintptr_t)NewTokenHandle};
	return (NTSTATUS)rm_enter(RM_NtDuplicateToken, args);
}
NTSTATUS NTAPI ZwDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN EffectiveOnly, TOKEN_TYPE TokenType,
	PHANDLE NewTokenHandle) __attribute__((alias("NtDuplicateToken")));
NTSTATUS NTAPI NtFilterToken(HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
	PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids, PHANDLE NewTokenHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ExistingTokenHandle, (uint64_t)(uintptr_t)Flags,
		(uint64_t)(uintptr_t)SidsToDisable, (uint64_t)(uintptr_t)PrivilegesToDelete, (uint64_t)(uintptr_t)RestrictedSids,
		(uint64_t)(uintptr_t)NewTokenHandle};
	return (NTSTATUS)rm_enter(RM_NtFilterToken, args);
}
NTSTATUS NTAPI ZwFilterToken(HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
	PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids,
	PHANDLE NewTokenHandle) __attribute__((alias("NtFilterToken")));
NTSTATUS NTAPI NtAdjustPrivilegesToken(HANDLE TokenHandle, BOOLEAN DisableAllPrivileges, PTOKEN_PRIVILEGES NewState,
	ULONG BufferLength, PTOKEN_PRIVILEGES PreviousState, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)DisableAllPrivileges,
		(uint64_t)(uintptr_t)NewState, (uint64_t)(uintptr_t)BufferLength, (uint64_t)(uintptr_t)PreviousState,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_NtAdjustPrivilegesToken, args);
}
NTSTATUS NTAPI ZwAdjustPrivilegesToken(HANDLE TokenHandle, BOOLEAN DisableAllPrivileges, PTOKEN_PRIVILEGES NewState,
	ULONG BufferLength, PTOKEN_PRIVILEGES PreviousState,
	PULONG ReturnLength) __attribute__((alias("NtAdjustPrivilegesToken")));
NTSTATUS NTAPI NtAdjustGroupsToken(HANDLE TokenHandle, BOOLEAN ResetToDefault, PTOKEN_GROUPS NewState,
	ULONG BufferLength, PTOKEN_GROUPS PreviousState, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)ResetToDefault,
		(uint64_t)(uintptr_t)NewState, (uint64_t)(uintptr_t)BufferLength, (uint64_t)(uintptr_t)PreviousState,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_NtAdjustGroupsToken, args);
}
NTSTATUS NTAPI ZwAdjustGroupsToken(HANDLE TokenHandle, BOOLEAN ResetToDefault, PTOKEN_GROUPS NewState,
	ULONG BufferLength, PTOKEN_GROUPS PreviousState, PULONG ReturnLength) __attribute__((alias("NtAdjustGroupsToken")));
NTSTATUS NTAPI NtQueryInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID TokenInformation, ULONG TokenInformationLength, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)TokenInformationClass,
		(uint64_t)(uintptr_t)TokenInformation, (uint64_t)(uintptr_t)TokenInformationLength,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_NtQueryInformationToken, args);
}
NTSTATUS NTAPI ZwQueryInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID TokenInformation, ULONG TokenInformationLength,
	PULONG ReturnLength) __attribute__((alias("NtQueryInformationToken")));
NTSTATUS NTAPI NtSetInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID TokenInformation, ULONG TokenInformationLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)TokenInformationClass,
		(uint64_t)(uintptr_t)TokenInformation, (uint64_t)(uintptr_t)TokenInformationLength};
	return (NTSTATUS)rm_enter(RM_NtSetInformationToken, args);
}
NTSTATUS NTAPI ZwSetInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID TokenInformation, ULONG TokenInformationLength) __attribute__((alias("NtSetInformationToken")));
NTSTATUS NTAPI NtCompareTokens(HANDLE FirstTokenHandle, HANDLE SecondTokenHandle, PBOOLEAN Equal)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FirstTokenHandle, (uint64_t)(uintptr_t)SecondTokenHandle,
		(uint64_t)(uintptr_t)Equal};
	return (NTSTATUS)rm_enter(RM_NtCompareTokens, args);
}
NTSTATUS NTAPI ZwCompareTokens(HANDLE FirstTokenHandle, HANDLE SecondTokenHandle,
	PBOOLEAN Equal) __attribute__((alias("NtCompareTokens")));
NTSTATUS NTAPI NtCreateToken(PHANDLE TokenHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TOKEN_TYPE TokenType, PLUID AuthenticationId, PLARGE_INTEGER ExpirationTime, PTOKEN_USER User, PTOKEN_GROUPS Groups,
	PTOKEN_PRIVILEGES Privileges, PTOKEN_OWNER Owner, PTOKEN_PRIMARY_GROUP PrimaryGroup, PTOKEN_DEFAULT_DACL DefaultDacl,
	PTOKEN_SOURCE Source)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)TokenType, (uint64_t)(uintptr_t)AuthenticationId,
		(uint64_t)(uintptr_t)ExpirationTime, (uint64_t)(uintptr_t)User, (uint64_t)(uintptr_t)Groups,
		(uint64_t)(uintptr_t)Privileges, (uint64_t)(uintptr_t)Owner, (uint64_t)(uintptr_t)PrimaryGroup,
		(uint64_t)(uintptr_t)DefaultDacl, (uint64_t)(uintptr_t)Source};
	return (NTSTATUS)rm_enter(RM_NtCreateToken, args);
}
NTSTATUS NTAPI ZwCreateToken(PHANDLE TokenHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TOKEN_TYPE TokenType, PLUID AuthenticationId, PLARGE_INTEGER ExpirationTime, PTOKEN_USER User, PTOKEN_GROUPS Groups,
	PTOKEN_PRIVILEGES Privileges, PTOKEN_OWNER Owner, PTOKEN_PRIMARY_GROUP PrimaryGroup, PTOKEN_DEFAULT_DACL DefaultDacl,
	PTOKEN_SOURCE Source) __attribute__((alias("NtCreateToken")));
NTSTATUS NTAPI NtCreateTokenEx(PHANDLE TokenHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
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
	return (NTSTATUS)rm_enter(RM_NtCreateTokenEx, args);
}
NTSTATUS NTAPI ZwCreateTokenEx(PHANDLE TokenHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TOKEN_TYPE TokenType, PLUID AuthenticationId, PLARGE_INTEGER ExpirationTime, PTOKEN_USER User, PTOKEN_GROUPS Groups,
	PTOKEN_PRIVILEGES Privileges, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION UserAttributes,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION DeviceAttributes, PTOKEN_GROUPS DeviceGroups,
	PTOKEN_MANDATORY_POLICY TokenMandatoryPolicy, PTOKEN_OWNER Owner, PTOKEN_PRIMARY_GROUP PrimaryGroup,
	PTOKEN_DEFAULT_DACL DefaultDacl, PTOKEN_SOURCE Source) __attribute__((alias("NtCreateTokenEx")));
NTSTATUS NTAPI NtFilterTokenEx(HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
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
	return (NTSTATUS)rm_enter(RM_NtFilterTokenEx, args);
}
NTSTATUS NTAPI ZwFilterTokenEx(HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
	PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids, ULONG DisableUserClaimsCount,
	PCUNICODE_STRING UserClaimsToDisable, ULONG DisableDeviceClaimsCount, PCUNICODE_STRING DeviceClaimsToDisable,
	PTOKEN_GROUPS DeviceGroupsToDisable, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION RestrictedUserAttributes,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION RestrictedDeviceAttributes, PTOKEN_GROUPS RestrictedDeviceGroups,
	PHANDLE NewTokenHandle) __attribute__((alias("NtFilterTokenEx")));
NTSTATUS NTAPI NtAdjustTokenClaimsAndDeviceGroups(HANDLE TokenHandle, BOOLEAN UserResetToDefault,
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
	return (NTSTATUS)rm_enter(RM_NtAdjustTokenClaimsAndDeviceGroups, args);
}
NTSTATUS NTAPI ZwAdjustTokenClaimsAndDeviceGroups(HANDLE TokenHandle, BOOLEAN UserResetToDefault,
	BOOLEAN DeviceResetToDefault, BOOLEAN DeviceGroupsResetToDefault, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION NewUserState,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION NewDeviceState, PTOKEN_GROUPS NewDeviceGroupsState, ULONG UserBufferLength,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION PreviousUserState, ULONG DeviceBufferLength,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION PreviousDeviceState, ULONG DeviceGroupsBufferLength,
	PTOKEN_GROUPS PreviousDeviceGroups, PULONG UserReturnLength, PULONG DeviceReturnLength,
	PULONG DeviceGroupsReturnBufferLength) __attribute__((alias("NtAdjustTokenClaimsAndDeviceGroups")));
NTSTATUS NTAPI NtQuerySecurityAttributesToken(HANDLE TokenHandle, PCUNICODE_STRING Attributes,
	ULONG NumberOfAttributes, PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)Attributes,
		(uint64_t)(uintptr_t)NumberOfAttributes, (uint64_t)(uintptr_t)Buffer, (uint64_t)(uintptr_t)Length,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_NtQuerySecurityAttributesToken, args);
}
NTSTATUS NTAPI ZwQuerySecurityAttributesToken(HANDLE TokenHandle, PCUNICODE_STRING Attributes,
	ULONG NumberOfAttributes, PVOID Buffer, ULONG Length,
	PULONG ReturnLength) __attribute__((alias("NtQuerySecurityAttributesToken")));
NTSTATUS NTAPI NtCreateLowBoxToken(PHANDLE TokenHandle, HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PSID PackageSid, ULONG CapabilityCount, PSID_AND_ATTRIBUTES Capabilities,
	ULONG HandleCount, HANDLE *Handles)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TokenHandle, (uint64_t)(uintptr_t)ExistingTokenHandle,
		(uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)PackageSid,
		(uint64_t)(uintptr_t)CapabilityCount, (uint64_t)(uintptr_t)Capabilities, (uint64_t)(uintptr_t)HandleCount,
		(uint64_t)(uintptr_t)Handles};
	return (NTSTATUS)rm_enter(RM_NtCreateLowBoxToken, args);
}
NTSTATUS NTAPI ZwCreateLowBoxToken(PHANDLE TokenHandle, HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PSID PackageSid, ULONG CapabilityCount, PSID_AND_ATTRIBUTES Capabilities,
	ULONG HandleCount, HANDLE *Handles) __attribute__((alias("NtCreateLowBoxToken")));
NTSTATUS NTAPI NtAllocateLocallyUniqueId(PLUID Luid)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Luid};
	return (NTSTATUS)rm_enter(RM_NtAllocateLocallyUniqueId, args);
}
NTSTATUS NTAPI ZwAllocateLocallyUniqueId(PLUID Luid) __attribute__((alias("NtAllocateLocallyUniqueId")));
NTSTATUS NTAPI NtPrivilegeCheck(HANDLE ClientToken, PPRIVILEGE_SET RequiredPrivileges, PBOOLEAN Result)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ClientToken, (uint64_t)(uintptr_t)RequiredPrivileges,
		(uint64_t)(uintptr_t)Result};
	return (NTSTATUS)rm_enter(RM_NtPrivilegeCheck, args);
}
NTSTATUS NTAPI ZwPrivilegeCheck(HANDLE ClientToken, PPRIVILEGE_SET RequiredPrivileges,
	PBOOLEAN Result) __attribute__((alias("NtPrivilegeCheck")));
NTSTATUS NTAPI NtAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor, HANDLE ClientToken, ACCESS_MASK DesiredAccess,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SecurityDescriptor, (uint64_t)(uintptr_t)ClientToken,
		(uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)GenericMapping, (uint64_t)(uintptr_t)PrivilegeSet,
		(uint64_t)(uintptr_t)PrivilegeSetLength, (uint64_t)(uintptr_t)GrantedAccess, (uint64_t)(uintptr_t)AccessStatus};
	return (NTSTATUS)rm_enter(RM_NtAccessCheck, args);
}
NTSTATUS NTAPI ZwAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor, HANDLE ClientToken, ACCESS_MASK DesiredAccess,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus) __attribute__((alias("NtAccessCheck")));
NTSTATUS NTAPI NtAccessCheckByType(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, HANDLE ClientToken,
	ACCESS_MASK DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SecurityDescriptor, (uint64_t)(uintptr_t)PrincipalSelfSid,
		(uint64_t)(uintptr_t)ClientToken, (uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)ObjectTypeList,
		(uint64_t)(uintptr_t)ObjectTypeListLength, (uint64_t)(uintptr_t)GenericMapping, (uint64_t)(uintptr_t)PrivilegeSet,
		(uint64_t)(uintptr_t)PrivilegeSetLength, (uint64_t)(uintptr_t)GrantedAccess, (uint64_t)(uintptr_t)AccessStatus};
	return (NTSTATUS)rm_enter(RM_NtAccessCheckByType, args);
}
NTSTATUS NTAPI ZwAccessCheckByType(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, HANDLE ClientToken,
	ACCESS_MASK DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus) __attribute__((alias("NtAccessCheckByType")));
NTSTATUS NTAPI NtAccessCheckByTypeResultList(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid,
	HANDLE ClientToken, ACCESS_MASK DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SecurityDescriptor, (uint64_t)(uintptr_t)PrincipalSelfSid,
		(uint64_t)(uintptr_t)ClientToken, (uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)ObjectTypeList,
		(uint64_t)(uintptr_t)ObjectTypeListLength, (uint64_t)(uintptr_t)GenericMapping, (uint64_t)(uintptr_t)PrivilegeSet,
		(uint64_t)(uintptr_t)PrivilegeSetLength, (uint64_t)(uintptr_t)GrantedAccess, (uint64_t)(uintptr_t)AccessStatus};
	return (NTSTATUS)rm_enter(RM_NtAccessCheckByTypeResultList, args);
}
NTSTATUS NTAPI ZwAccessCheckByTypeResultList(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid,
	HANDLE ClientToken, ACCESS_MASK DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus) __attribute__((alias("NtAccessCheckByTypeResultList")));
NTSTATUS NTAPI NtSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
	PVOID ThreadInformation, ULONG ThreadInformationLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ThreadHandle, (uint64_t)(uintptr_t)ThreadInformationClass,
		(uint64_t)(uintptr_t)ThreadInformation, (uint64_t)(uintptr_t)ThreadInformationLength};
	return (NTSTATUS)rm_enter(RM_NtSetInformationThread, args);
}
NTSTATUS NTAPI ZwSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
	PVOID ThreadInformation, ULONG ThreadInformationLength) __attribute__((alias("NtSetInformationThread")));
NTSTATUS NTAPI NtImpersonateThread(HANDLE ServerThreadHandle, HANDLE ClientThreadHandle,
	PSECURITY_QUALITY_OF_SERVICE SecurityQos)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ServerThreadHandle, (uint64_t)(uintptr_t)ClientThreadHandle,
		(uint64_t)(uintptr_t)SecurityQos};
	return (NTSTATUS)rm_enter(RM_NtImpersonateThread, args);
}
NTSTATUS NTAPI ZwImpersonateThread(HANDLE ServerThreadHandle, HANDLE ClientThreadHandle,
	PSECURITY_QUALITY_OF_SERVICE SecurityQos) __attribute__((alias("NtImpersonateThread")));
NTSTATUS NTAPI NtImpersonateAnonymousToken(HANDLE ThreadHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ThreadHandle};
	return (NTSTATUS)rm_enter(RM_NtImpersonateAnonymousToken, args);
}
NTSTATUS NTAPI ZwImpersonateAnonymousToken(HANDLE ThreadHandle) __attribute__((alias("NtImpersonateAnonymousToken")));
NTSTATUS NTAPI NtOpenObjectAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId, PUNICODE_STRING ObjectTypeName,
	PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor, HANDLE ClientToken, ACCESS_MASK DesiredAccess,
	ACCESS_MASK GrantedAccess, PPRIVILEGE_SET Privileges, BOOLEAN ObjectCreation, BOOLEAN AccessGranted,
	PBOOLEAN GenerateOnClose)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SubsystemName, (uint64_t)(uintptr_t)HandleId,
		(uint64_t)(uintptr_t)ObjectTypeName, (uint64_t)(uintptr_t)ObjectName, (uint64_t)(uintptr_t)SecurityDescriptor,
		(uint64_t)(uintptr_t)ClientToken, (uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)GrantedAccess,
		(uint64_t)(uintptr_t)Privileges, (uint64_t)(uintptr_t)ObjectCreation, (uint64_t)(uintptr_t)AccessGranted,
		(uint64_t)(uintptr_t)GenerateOnClose};
	return (NTSTATUS)rm_enter(RM_NtOpenObjectAuditAlarm, args);
}
NTSTATUS NTAPI ZwOpenObjectAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId, PUNICODE_STRING ObjectTypeName,
	PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor, HANDLE ClientToken, ACCESS_MASK DesiredAccess,
	ACCESS_MASK GrantedAccess, PPRIVILEGE_SET Privileges, BOOLEAN ObjectCreation, BOOLEAN AccessGranted,
	PBOOLEAN GenerateOnClose) __attribute__((alias("NtOpenObjectAuditAlarm")));
NTSTATUS NTAPI NtPrivilegeObjectAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId, HANDLE ClientToken,
	ACCESS_MASK DesiredAccess, PPRIVILEGE_SET Privileges, BOOLEAN AccessGranted)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SubsystemName, (uint64_t)(uintptr_t)HandleId,
		(uint64_t)(uintptr_t)ClientToken, (uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)Privileges,
		(uint64_t)(uintptr_t)AccessGranted};
	return (NTSTATUS)rm_enter(RM_NtPrivilegeObjectAuditAlarm, args);
}
NTSTATUS NTAPI ZwPrivilegeObjectAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId, HANDLE ClientToken,
	ACCESS_MASK DesiredAccess, PPRIVILEGE_SET Privileges,
	BOOLEAN AccessGranted) __attribute__((alias("NtPrivilegeObjectAuditAlarm")));
NTSTATUS NTAPI NtPrivilegedServiceAuditAlarm(PUNICODE_STRING SubsystemName, PUNICODE_STRING ServiceName,
	HANDLE ClientToken, PPRIVILEGE_SET Privileges, BOOLEAN AccessGranted)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SubsystemName, (uint64_t)(uintptr_t)ServiceName,
		(uint64_t)(uintptr_t)ClientToken, (uint64_t)(uintptr_t)Privileges, (uint64_t)(uintptr_t)AccessGranted};
	return (NTSTATUS)rm_enter(RM_NtPrivilegedServiceAuditAlarm, args);
}
NTSTATUS NTAPI ZwPrivilegedServiceAuditAlarm(PUNICODE_STRING SubsystemName, PUNICODE_STRING ServiceName,
	HANDLE ClientToken, PPRIVILEGE_SET Privileges,
	BOOLEAN AccessGranted) __attribute__((alias("NtPrivilegedServiceAuditAlarm")));
NTSTATUS NTAPI NtCloseObjectAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId, BOOLEAN GenerateOnClose)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SubsystemName, (uint64_t)(uintptr_t)HandleId,
		(uint64_t)(uintptr_t)GenerateOnClose};
	return (NTSTATUS)rm_enter(RM_NtCloseObjectAuditAlarm, args);
}
NTSTATUS NTAPI ZwCloseObjectAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId,
	BOOLEAN GenerateOnClose) __attribute__((alias("NtCloseObjectAuditAlarm")));
NTSTATUS NTAPI NtDeleteObjectAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId, BOOLEAN GenerateOnClose)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SubsystemName, (uint64_t)(uintptr_t)HandleId,
		(uint64_t)(uintptr_t)GenerateOnClose};
	return (NTSTATUS)rm_enter(RM_NtDeleteObjectAuditAlarm, args);
}
NTSTATUS NTAPI ZwDeleteObjectAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId,
	BOOLEAN GenerateOnClose) __attribute__((alias("NtDeleteObjectAuditAlarm")));
NTSTATUS NTAPI NtAccessCheckAndAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId,
	PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
	ACCESS_MASK DesiredAccess, PGENERIC_MAPPING GenericMapping, BOOLEAN ObjectCreation, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus, PBOOLEAN GenerateOnClose)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SubsystemName, (uint64_t)(uintptr_t)HandleId,
		(uint64_t)(uintptr_t)ObjectTypeName, (uint64_t)(uintptr_t)ObjectName, (uint64_t)(uintptr_t)SecurityDescriptor,
		(uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)GenericMapping, (uint64_t)(uintptr_t)ObjectCreation,
		(uint64_t)(uintptr_t)GrantedAccess, (uint64_t)(uintptr_t)AccessStatus, (uint64_t)(uintptr_t)GenerateOnClose};
	return (NTSTATUS)rm_enter(RM_NtAccessCheckAndAuditAlarm, args);
}
NTSTATUS NTAPI ZwAccessCheckAndAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId,
	PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
	ACCESS_MASK DesiredAccess, PGENERIC_MAPPING GenericMapping, BOOLEAN ObjectCreation, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus, PBOOLEAN GenerateOnClose) __attribute__((alias("NtAccessCheckAndAuditAlarm")));
NTSTATUS NTAPI NtAccessCheckByTypeAndAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId,
	PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
	PSID PrincipalSelfSid, ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType, ULONG Flags,
	POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength, PGENERIC_MAPPING GenericMapping, BOOLEAN ObjectCreation,
	PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus, PBOOLEAN GenerateOnClose)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SubsystemName, (uint64_t)(uintptr_t)HandleId,
		(uint64_t)(uintptr_t)ObjectTypeName, (uint64_t)(uintptr_t)ObjectName, (uint64_t)(uintptr_t)SecurityDescriptor,
		(uint64_t)(uintptr_t)PrincipalSelfSid, (uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)AuditType,
		(uint64_t)(uintptr_t)Flags, (uint64_t)(uintptr_t)ObjectTypeList, (uint64_t)(uintptr_t)ObjectTypeListLength,
		(uint64_t)(uintptr_t)GenericMapping, (uint64_t)(uintptr_t)ObjectCreation, (uint64_t)(uintptr_t)GrantedAccess,
		(uint64_t)(uintptr_t)AccessStatus, (uint64_t)(uintptr_t)GenerateOnClose};
	return (NTSTATUS)rm_enter(RM_NtAccessCheckByTypeAndAuditAlarm, args);
}
NTSTATUS NTAPI ZwAccessCheckByTypeAndAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId,
	PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
	PSID PrincipalSelfSid, ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType, ULONG Flags,
	POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength, PGENERIC_MAPPING GenericMapping, BOOLEAN ObjectCreation,
	PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus,
	PBOOLEAN GenerateOnClose) __attribute__((alias("NtAccessCheckByTypeAndAuditAlarm")));
NTSTATUS NTAPI NtAccessCheckByTypeResultListAndAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId,
	PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
	PSID PrincipalSelfSid, ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType, ULONG Flags,
	POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength, PGENERIC_MAPPING GenericMapping, BOOLEAN ObjectCreation,
	PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus, PBOOLEAN GenerateOnClose)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SubsystemName, (uint64_t)(uintptr_t)HandleId,
		(uint64_t)(uintptr_t)ObjectTypeName, (uint64_t)(uintptr_t)ObjectName, (uint64_t)(uintptr_t)SecurityDescriptor,
		(uint64_t)(uintptr_t)PrincipalSelfSid, (uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)AuditType,
		(uint64_t)(uintptr_t)Flags, (uint64_t)(uintptr_t)ObjectTypeList, (uint64_t)(uintptr_t)ObjectTypeListLength,
		(uint64_t)(uintptr_t)GenericMapping, (uint64_t)(uintptr_t)ObjectCreation, (uint64_t)(uintptr_t)GrantedAccess,
		(uint64_t)(uintptr_t)AccessStatus, (uint64_t)(uintptr_t)GenerateOnClose};
	return (NTSTATUS)rm_enter(RM_NtAccessCheckByTypeResultListAndAuditAlarm, args);
}
NTSTATUS NTAPI ZwAccessCheckByTypeResultListAndAuditAlarm(PUNICODE_STRING SubsystemName, PVOID HandleId,
	PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
	PSID PrincipalSelfSid, ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType, ULONG Flags,
	POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength, PGENERIC_MAPPING GenericMapping, BOOLEAN ObjectCreation,
	PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus,
	PBOOLEAN GenerateOnClose) __attribute__((alias("NtAccessCheckByTypeResultListAndAuditAlarm")));
NTSTATUS NTAPI NtAccessCheckByTypeResultListAndAuditAlarmByHandle(PUNICODE_STRING SubsystemName, PVOID HandleId,
	HANDLE ClientToken, PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName,
	PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType,
	ULONG Flags, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength, PGENERIC_MAPPING GenericMapping,
	BOOLEAN ObjectCreation, PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus, PBOOLEAN GenerateOnClose)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SubsystemName, (uint64_t)(uintptr_t)HandleId,
		(uint64_t)(uintptr_t)ClientToken, (uint64_t)(uintptr_t)ObjectTypeName, (uint64_t)(uintptr_t)ObjectName,
		(uint64_t)(uintptr_t)SecurityDescriptor, (uint64_t)(uintptr_t)PrincipalSelfSid, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)AuditType, (uint64_t)(uintptr_t)Flags, (uint64_t)(uintptr_t)ObjectTypeList,
		(uint64_t)(uintptr_t)ObjectTypeListLength, (uint64_t)(uintptr_t)GenericMapping, (uint64_t)(uintptr_t)ObjectCreation,
		(uint64_t)(uintptr_t)GrantedAccess, (uint64_t)(uintptr_t)AccessStatus, (uint64_t)(uintptr_t)GenerateOnClose};
	return (NTSTATUS)rm_enter(RM_NtAccessCheckByTypeResultListAndAuditAlarmByHandle, args);
}
NTSTATUS NTAPI ZwAccessCheckByTypeResultListAndAuditAlarmByHandle(PUNICODE_STRING SubsystemName, PVOID HandleId,
	HANDLE ClientToken, PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName,
	PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType,
	ULONG Flags, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength, PGENERIC_MAPPING GenericMapping,
	BOOLEAN ObjectCreation, PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus,
	PBOOLEAN GenerateOnClose) __attribute__((alias("NtAccessCheckByTypeResultListAndAuditAlarmByHandle")));
NTSTATUS NTAPI NtOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FileHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)IoStatusBlock, (uint64_t)(uintptr_t)ShareAccess,
		(uint64_t)(uintptr_t)OpenOptions};
	return (NTSTATUS)rm_enter(RM_NtOpenFile, args);
}
NTSTATUS NTAPI ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions) __attribute__((alias("NtOpenFile")));
NTSTATUS NTAPI NtCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
	ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FileHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)IoStatusBlock, (uint64_t)(uintptr_t)AllocationSize,
		(uint64_t)(uintptr_t)FileAttributes, (uint64_t)(uintptr_t)ShareAccess, (uint64_t)(uintptr_t)CreateDisposition,
		(uint64_t)(uintptr_t)CreateOptions, (uint64_t)(uintptr_t)EaBuffer, (uint64_t)(uintptr_t)EaLength};
	return (NTSTATUS)rm_enter(RM_NtCreateFile, args);
}
NTSTATUS NTAPI ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
	ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength) __attribute__((alias("NtCreateFile")));
NTSTATUS NTAPI NtCreateNamedPipeFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG CreateDisposition,
	ULONG CreateOptions, ULONG NamedPipeType, ULONG ReadMode, ULONG CompletionMode, ULONG MaximumInstances,
	ULONG InboundQuota, ULONG OutboundQuota, PLARGE_INTEGER DefaultTimeout)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FileHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)IoStatusBlock, (uint64_t)(uintptr_t)ShareAccess,
		(uint64_t)(uintptr_t)CreateDisposition, (uint64_t)(uintptr_t)CreateOptions, (uint64_t)(uintptr_t)NamedPipeType,
		(uint64_t)(uintptr_t)ReadMode, (uint64_t)(uintptr_t)CompletionMode, (uint64_t)(uintptr_t)MaximumInstances,
		(uint64_t)(uintptr_t)InboundQuota, (uint64_t)(uintptr_t)OutboundQuota, (uint64_t)(uintptr_t)DefaultTimeout};
	return (NTSTATUS)rm_enter(RM_NtCreateNamedPipeFile, args);
}
NTSTATUS NTAPI ZwCreateNamedPipeFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG CreateDisposition,
	ULONG CreateOptions, ULONG NamedPipeType, ULONG ReadMode, ULONG CompletionMode, ULONG MaximumInstances,
	ULONG InboundQuota, ULONG OutboundQuota,
	PLARGE_INTEGER DefaultTimeout) __attribute__((alias("NtCreateNamedPipeFile")));
NTSTATUS NTAPI NtReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FileHandle, (uint64_t)(uintptr_t)Event, (uint64_t)(uintptr_t)ApcRoutine,
		(uint64_t)(uintptr_t)ApcContext, (uint64_t)(uintptr_t)IoStatusBlock, (uint64_t)(uintptr_t)Buffer,
		(uint64_t)(uintptr_t)Length, (uint64_t)(uintptr_t)ByteOffset, (uint64_t)(uintptr_t)Key};
	return (NTSTATUS)rm_enter(RM_NtReadFile, args);
}
NTSTATUS NTAPI ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset,
	PULONG Key) __attribute__((alias("NtReadFile")));
NTSTATUS NTAPI NtWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, LPCVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FileHandle, (uint64_t)(uintptr_t)Event, (uint64_t)(uintptr_t)ApcRoutine,
		(uint64_t)(uintptr_t)ApcContext, (uint64_t)(uintptr_t)IoStatusBlock, (uint64_t)(uintptr_t)Buffer,
		(uint64_t)(uintptr_t)Length, (uint64_t)(uintptr_t)ByteOffset, (uint64_t)(uintptr_t)Key};
	return (NTSTATUS)rm_enter(RM_NtWriteFile, args);
}
NTSTATUS NTAPI ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, LPCVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset,
	PULONG Key) __attribute__((alias("NtWriteFile")));
NTSTATUS NTAPI NtFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode, PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
	ULONG OutputBufferLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FileHandle, (uint64_t)(uintptr_t)Event, (uint64_t)(uintptr_t)ApcRoutine,
		(uint64_t)(uintptr_t)ApcContext, (uint64_t)(uintptr_t)IoStatusBlock, (uint64_t)(uintptr_t)FsControlCode,
		(uint64_t)(uintptr_t)InputBuffer, (uint64_t)(uintptr_t)InputBufferLength, (uint64_t)(uintptr_t)OutputBuffer,
		(uint64_t)(uintptr_t)OutputBufferLength};
	return (NTSTATUS)rm_enter(RM_NtFsControlFile, args);
}
NTSTATUS NTAPI ZwFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode, PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
	ULONG OutputBufferLength) __attribute__((alias("NtFsControlFile")));
NTSTATUS NTAPI NtClose(HANDLE Handle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle};
	return (NTSTATUS)rm_enter(RM_NtClose, args);
}
NTSTATUS NTAPI ZwClose(HANDLE Handle) __attribute__((alias("NtClose")));
NTSTATUS NTAPI NtDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
	PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Options)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SourceProcessHandle, (uint64_t)(uintptr_t)SourceHandle,
		(uint64_t)(uintptr_t)TargetProcessHandle, (uint64_t)(uintptr_t)TargetHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)HandleAttributes, (uint64_t)(uintptr_t)Options};
	return (NTSTATUS)rm_enter(RM_NtDuplicateObject, args);
}
NTSTATUS NTAPI ZwDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
	PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
	ULONG Options) __attribute__((alias("NtDuplicateObject")));
NTSTATUS NTAPI NtCompareObjects(HANDLE FirstObjectHandle, HANDLE SecondObjectHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)FirstObjectHandle, (uint64_t)(uintptr_t)SecondObjectHandle};
	return (NTSTATUS)rm_enter(RM_NtCompareObjects, args);
}
NTSTATUS NTAPI ZwCompareObjects(HANDLE FirstObjectHandle,
	HANDLE SecondObjectHandle) __attribute__((alias("NtCompareObjects")));
NTSTATUS NTAPI NtMakeTemporaryObject(HANDLE Handle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle};
	return (NTSTATUS)rm_enter(RM_NtMakeTemporaryObject, args);
}
NTSTATUS NTAPI ZwMakeTemporaryObject(HANDLE Handle) __attribute__((alias("NtMakeTemporaryObject")));
NTSTATUS NTAPI NtMakePermanentObject(HANDLE Handle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle};
	return (NTSTATUS)rm_enter(RM_NtMakePermanentObject, args);
}
NTSTATUS NTAPI ZwMakePermanentObject(HANDLE Handle) __attribute__((alias("NtMakePermanentObject")));
NTSTATUS NTAPI NtQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass, PVOID ObjectInformation,
	ULONG ObjectInformationLength, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle, (uint64_t)(uintptr_t)ObjectInformationClass,
		(uint64_t)(uintptr_t)ObjectInformation, (uint64_t)(uintptr_t)ObjectInformationLength,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_NtQueryObject, args);
}
NTSTATUS NTAPI ZwQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass, PVOID ObjectInformation,
	ULONG ObjectInformationLength, PULONG ReturnLength) __attribute__((alias("NtQueryObject")));
NTSTATUS NTAPI NtSetInformationObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
	PVOID ObjectInformation, ULONG ObjectInformationLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle, (uint64_t)(uintptr_t)ObjectInformationClass,
		(uint64_t)(uintptr_t)ObjectInformation, (uint64_t)(uintptr_t)ObjectInformationLength};
	return (NTSTATUS)rm_enter(RM_NtSetInformationObject, args);
}
NTSTATUS NTAPI ZwSetInformationObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
	PVOID ObjectInformation, ULONG ObjectInformationLength) __attribute__((alias("NtSetInformationObject")));
NTSTATUS NTAPI NtQuerySecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Length, PULONG LengthNeeded)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle, (uint64_t)(uintptr_t)SecurityInformation,
		(uint64_t)(uintptr_t)SecurityDescriptor, (uint64_t)(uintptr_t)Length, (uint64_t)(uintptr_t)LengthNeeded};
	return (NTSTATUS)rm_enter(RM_NtQuerySecurityObject, args);
}
NTSTATUS NTAPI ZwQuerySecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Length,
	PULONG LengthNeeded) __attribute__((alias("NtQuerySecurityObject")));
NTSTATUS NTAPI NtSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle, (uint64_t)(uintptr_t)SecurityInformation,
		(uint64_t)(uintptr_t)SecurityDescriptor};
	return (NTSTATUS)rm_enter(RM_NtSetSecurityObject, args);
}
NTSTATUS NTAPI ZwSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor) __attribute__((alias("NtSetSecurityObject")));
NTSTATUS NTAPI NtOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PCLIENT_ID ClientId)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ProcessHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)ClientId};
	return (NTSTATUS)rm_enter(RM_NtOpenProcess, args);
}
NTSTATUS NTAPI ZwOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PCLIENT_ID ClientId) __attribute__((alias("NtOpenProcess")));
NTSTATUS NTAPI NtOpenThread(PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PCLIENT_ID ClientId)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ThreadHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)ClientId};
	return (NTSTATUS)rm_enter(RM_NtOpenThread, args);
}
NTSTATUS NTAPI ZwOpenThread(PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PCLIENT_ID ClientId) __attribute__((alias("NtOpenThread")));
NTSTATUS NTAPI NtGetNextThread(HANDLE ProcessHandle, HANDLE ThreadHandle, ACCESS_MASK DesiredAccess,
	ULONG HandleAttributes, ULONG Flags, PHANDLE NewThreadHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ProcessHandle, (uint64_t)(uintptr_t)ThreadHandle,
		(uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)HandleAttributes, (uint64_t)(uintptr_t)Flags,
		(uint64_t)(uintptr_t)NewThreadHandle};
	return (NTSTATUS)rm_enter(RM_NtGetNextThread, args);
}
NTSTATUS NTAPI ZwGetNextThread(HANDLE ProcessHandle, HANDLE ThreadHandle, ACCESS_MASK DesiredAccess,
	ULONG HandleAttributes, ULONG Flags, PHANDLE NewThreadHandle) __attribute__((alias("NtGetNextThread")));
NTSTATUS NTAPI NtSetInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS ProcessInformationClass,
	PVOID ProcessInformation, ULONG ProcessInformationLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ProcessHandle, (uint64_t)(uintptr_t)ProcessInformationClass,
		(uint64_t)(uintptr_t)ProcessInformation, (uint64_t)(uintptr_t)ProcessInformationLength};
	return (NTSTATUS)rm_enter(RM_NtSetInformationProcess, args);
}
NTSTATUS NTAPI ZwSetInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS ProcessInformationClass,
	PVOID ProcessInformation, ULONG ProcessInformationLength) __attribute__((alias("NtSetInformationProcess")));
NTSTATUS NTAPI NtCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	EVENT_TYPE EventType, BOOLEAN InitialState)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)EventHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)EventType, (uint64_t)(uintptr_t)InitialState};
	return (NTSTATUS)rm_enter(RM_NtCreateEvent, args);
}
NTSTATUS NTAPI ZwCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	EVENT_TYPE EventType, BOOLEAN InitialState) __attribute__((alias("NtCreateEvent")));
NTSTATUS NTAPI NtOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)EventHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_NtOpenEvent, args);
}
NTSTATUS NTAPI ZwOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes) __attribute__((alias("NtOpenEvent")));
NTSTATUS NTAPI NtCreateDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)DirectoryHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_NtCreateDirectoryObject, args);
}
NTSTATUS NTAPI ZwCreateDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes) __attribute__((alias("NtCreateDirectoryObject")));
NTSTATUS NTAPI NtOpenDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)DirectoryHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_NtOpenDirectoryObject, args);
}
NTSTATUS NTAPI ZwOpenDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes) __attribute__((alias("NtOpenDirectoryObject")));
NTSTATUS NTAPI NtCreateSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PUNICODE_STRING LinkTarget)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)LinkHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)LinkTarget};
	return (NTSTATUS)rm_enter(RM_NtCreateSymbolicLinkObject, args);
}
NTSTATUS NTAPI ZwCreateSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PUNICODE_STRING LinkTarget) __attribute__((alias("NtCreateSymbolicLinkObject")));
NTSTATUS NTAPI NtOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)LinkHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_NtOpenSymbolicLinkObject, args);
}
NTSTATUS NTAPI ZwOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes) __attribute__((alias("NtOpenSymbolicLinkObject")));
NTSTATUS NTAPI NtQuerySymbolicLinkObject(HANDLE LinkHandle, PUNICODE_STRING LinkTarget, PULONG ReturnedLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)LinkHandle, (uint64_t)(uintptr_t)LinkTarget,
		(uint64_t)(uintptr_t)ReturnedLength};
	return (NTSTATUS)rm_enter(RM_NtQuerySymbolicLinkObject, args);
}
NTSTATUS NTAPI ZwQuerySymbolicLinkObject(HANDLE LinkHandle, PUNICODE_STRING LinkTarget,
	PULONG ReturnedLength) __attribute__((alias("NtQuerySymbolicLinkObject")));
NTSTATUS NTAPI NtCreateJobObject(PHANDLE JobHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)JobHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_NtCreateJobObject, args);
}
NTSTATUS NTAPI ZwCreateJobObject(PHANDLE JobHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes) __attribute__((alias("NtCreateJobObject")));
NTSTATUS NTAPI NtOpenJobObject(PHANDLE JobHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)JobHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_NtOpenJobObject, args);
}
NTSTATUS NTAPI ZwOpenJobObject(PHANDLE JobHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes) __attribute__((alias("NtOpenJobObject")));
NTSTATUS NTAPI NtAssignProcessToJobObject(HANDLE JobHandle, HANDLE ProcessHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)JobHandle, (uint64_t)(uintptr_t)ProcessHandle};
	return (NTSTATUS)rm_enter(RM_NtAssignProcessToJobObject, args);
}
NTSTATUS NTAPI ZwAssignProcessToJobObject(HANDLE JobHandle,
	HANDLE ProcessHandle) __attribute__((alias("NtAssignProcessToJobObject")));
NTSTATUS NTAPI NtSetInformationJobObject(HANDLE JobHandle, JOBOBJECTINFOCLASS JobObjectInformationClass,
	PVOID JobObjectInformation, ULONG JobObjectInformationLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)JobHandle, (uint64_t)(uintptr_t)JobObjectInformationClass,
		(uint64_t)(uintptr_t)JobObjectInformation, (uint64_t)(uintptr_t)JobObjectInformationLength};
	return (NTSTATUS)rm_enter(RM_NtSetInformationJobObject, args);
}
NTSTATUS NTAPI ZwSetInformationJobObject(HANDLE JobHandle, JOBOBJECTINFOCLASS JobObjectInformationClass,
	PVOID JobObjectInformation, ULONG JobObjectInformationLength) __attribute__((alias("NtSetInformationJobObject")));
NTSTATUS NTAPI NtCreateUserProcess(PHANDLE ProcessHandle, PHANDLE ThreadHandle, ACCESS_MASK ProcessDesiredAccess,
	ACCESS_MASK ThreadDesiredAccess, POBJECT_ATTRIBUTES ProcessObjectAttributes,
	POBJECT_ATTRIBUTES ThreadObjectAttributes, ULONG ProcessFlags, ULONG ThreadFlags, PVOID ProcessParameters,
	PVOID CreateInfo, PPS_ATTRIBUTE_LIST AttributeList)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ProcessHandle, (uint64_t)(uintptr_t)ThreadHandle,
		(uint64_t)(uintptr_t)ProcessDesiredAccess, (uint64_t)(uintptr_t)ThreadDesiredAccess,
		(uint64_t)(uintptr_t)ProcessObjectAttributes, (uint64_t)(uintptr_t)ThreadObjectAttributes,
		(uint64_t)(uintptr_t)ProcessFlags, (uint64_t)(uintptr_t)ThreadFlags, (uint64_t)(uintptr_t)ProcessParameters,
		(uint64_t)(uintptr_t)CreateInfo, (uint64_t)(uintptr_t)AttributeList};
	return (NTSTATUS)rm_enter(RM_NtCreateUserProcess, args);
}
NTSTATUS NTAPI ZwCreateUserProcess(PHANDLE ProcessHandle, PHANDLE ThreadHandle, ACCESS_MASK ProcessDesiredAccess,
	ACCESS_MASK ThreadDesiredAccess, POBJECT_ATTRIBUTES ProcessObjectAttributes,
	POBJECT_ATTRIBUTES ThreadObjectAttributes, ULONG ProcessFlags, ULONG ThreadFlags, PVOID ProcessParameters,
	PVOID CreateInfo, PPS_ATTRIBUTE_LIST AttributeList) __attribute__((alias("NtCreateUserProcess")));
NTSTATUS NTAPI NtResumeThread(HANDLE ThreadHandle, PULONG PreviousSuspendCount)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ThreadHandle, (uint64_t)(uintptr_t)PreviousSuspendCount};
	return (NTSTATUS)rm_enter(RM_NtResumeThread, args);
}
NTSTATUS NTAPI ZwResumeThread(HANDLE ThreadHandle,
	PULONG PreviousSuspendCount) __attribute__((alias("NtResumeThread")));
NTSTATUS NTAPI NtTerminateProcess(HANDLE ProcessHandle, NTSTATUS ExitStatus)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ProcessHandle, (uint64_t)(uintptr_t)ExitStatus};
	return (NTSTATUS)rm_enter(RM_NtTerminateProcess, args);
}
NTSTATUS NTAPI ZwTerminateProcess(HANDLE ProcessHandle,
	NTSTATUS ExitStatus) __attribute__((alias("NtTerminateProcess")));
void NTAPI refmon_client_id(PCLIENT_ID ClientId)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ClientId};
	rm_enter(RM_refmon_client_id, args);
}
NTSTATUS NTAPI NtCreatePort(PHANDLE PortHandle, POBJECT_ATTRIBUTES ObjectAttributes, ULONG MaxConnectionInfoLength,
	ULONG MaxMessageLength, ULONG MaxPoolUsage)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)PortHandle, (uint64_t)(uintptr_t)ObjectAttributes,
		(uint64_t)(uintptr_t)MaxConnectionInfoLength, (uint64_t)(uintptr_t)MaxMessageLength,
		(uint64_t)(uintptr_t)MaxPoolUsage};
	return (NTSTATUS)rm_enter(RM_NtCreatePort, args);
}
NTSTATUS NTAPI ZwCreatePort(PHANDLE PortHandle, POBJECT_ATTRIBUTES ObjectAttributes, ULONG MaxConnectionInfoLength,
	ULONG MaxMessageLength, ULONG MaxPoolUsage) __attribute__((alias("NtCreatePort")));
NTSTATUS NTAPI NtConnectPort(PHANDLE PortHandle, PUNICODE_STRING PortName, PSECURITY_QUALITY_OF_SERVICE SecurityQos,
	PVOID ClientView, PVOID ServerView, PULONG MaxMessageLength, PVOID ConnectionInformation,
	PULONG ConnectionInformationLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)PortHandle, (uint64_t)(uintptr_t)PortName, (uint64_t)(uintptr_t)SecurityQos,
		(uint64_t)(uintptr_t)ClientView, (uint64_t)(uintptr_t)ServerView, (uint64_t)(uintptr_t)MaxMessageLength,
		(uint64_t)(uintptr_t)ConnectionInformation, (uint64_t)(uintptr_t)ConnectionInformationLength};
	return (NTSTATUS)rm_enter(RM_NtConnectPort, args);
}
NTSTATUS NTAPI ZwConnectPort(PHANDLE PortHandle, PUNICODE_STRING PortName, PSECURITY_QUALITY_OF_SERVICE SecurityQos,
	PVOID ClientView, PVOID ServerView, PULONG MaxMessageLength, PVOID ConnectionInformation,
	PULONG ConnectionInformationLength) __attribute__((alias("NtConnectPort")));
NTSTATUS NTAPI NtListenPort(HANDLE PortHandle, PPORT_MESSAGE ConnectionRequest)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)PortHandle, (uint64_t)(uintptr_t)ConnectionRequest};
	return (NTSTATUS)rm_enter(RM_NtListenPort, args);
}
NTSTATUS NTAPI ZwListenPort(HANDLE PortHandle, PPORT_MESSAGE ConnectionRequest) __attribute__((alias("NtListenPort")));
NTSTATUS NTAPI NtAcceptConnectPort(PHANDLE PortHandle, PVOID PortContext, PPORT_MESSAGE ConnectionRequest,
	BOOLEAN AcceptConnection, PVOID ServerView, PVOID ClientView)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)PortHandle, (uint64_t)(uintptr_t)PortContext,
		(uint64_t)(uintptr_t)ConnectionRequest, (uint64_t)(uintptr_t)AcceptConnection, (uint64_t)(uintptr_t)ServerView,
		(uint64_t)(uintptr_t)ClientView};
	return (NTSTATUS)rm_enter(RM_NtAcceptConnectPort, args);
}
NTSTATUS NTAPI ZwAcceptConnectPort(PHANDLE PortHandle, PVOID PortContext, PPORT_MESSAGE ConnectionRequest,
	BOOLEAN AcceptConnection, PVOID ServerView, PVOID ClientView) __attribute__((alias("NtAcceptConnectPort")));
NTSTATUS NTAPI NtCompleteConnectPort(HANDLE PortHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)PortHandle};
	return (NTSTATUS)rm_enter(RM_NtCompleteConnectPort, args);
}
NTSTATUS NTAPI ZwCompleteConnectPort(HANDLE PortHandle) __attribute__((alias("NtCompleteConnectPort")));
NTSTATUS NTAPI NtRequestWaitReplyPort(HANDLE PortHandle, PPORT_MESSAGE RequestMessage, PPORT_MESSAGE ReplyMessage)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)PortHandle, (uint64_t)(uintptr_t)RequestMessage,
		(uint64_t)(uintptr_t)ReplyMessage};
	return (NTSTATUS)rm_enter(RM_NtRequestWaitReplyPort, args);
}
NTSTATUS NTAPI ZwRequestWaitReplyPort(HANDLE PortHandle, PPORT_MESSAGE RequestMessage,
	PPORT_MESSAGE ReplyMessage) __attribute__((alias("NtRequestWaitReplyPort")));
NTSTATUS NTAPI NtReplyPort(HANDLE PortHandle, PPORT_MESSAGE ReplyMessage)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)PortHandle, (uint64_t)(uintptr_t)ReplyMessage};
	return (NTSTATUS)rm_enter(RM_NtReplyPort, args);
}
NTSTATUS NTAPI ZwReplyPort(HANDLE PortHandle, PPORT_MESSAGE ReplyMessage) __attribute__((alias("NtReplyPort")));
NTSTATUS NTAPI NtReplyWaitReceivePort(HANDLE PortHandle, PVOID *PortContext, PPORT_MESSAGE ReplyMessage,
	PPORT_MESSAGE ReceiveMessage)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)PortHandle, (uint64_t)(uintptr_t)PortContext,
		(uint64_t)(uintptr_t)ReplyMessage, (uint64_t)(uintptr_t)ReceiveMessage};
	return (NTSTATUS)rm_enter(RM_NtReplyWaitReceivePort, args);
}
NTSTATUS NTAPI ZwReplyWaitReceivePort(HANDLE PortHandle, PVOID *PortContext, PPORT_MESSAGE ReplyMessage,
	PPORT_MESSAGE ReceiveMessage) __attribute__((alias("NtReplyWaitReceivePort")));
NTSTATUS NTAPI NtImpersonateClientOfPort(HANDLE PortHandle, PPORT_MESSAGE Message)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)PortHandle, (uint64_t)(uintptr_t)Message};
	return (NTSTATUS)rm_enter(RM_NtImpersonateClientOfPort, args);
}
NTSTATUS NTAPI ZwImpersonateClientOfPort(HANDLE PortHandle,
	PPORT_MESSAGE Message) __attribute__((alias("NtImpersonateClientOfPort")));
NTSTATUS NTAPI LsaOpenPolicy(PLSA_UNICODE_STRING SystemName, PLSA_OBJECT_ATTRIBUTES ObjectAttributes,
	ACCESS_MASK DesiredAccess, PLSA_HANDLE PolicyHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SystemName, (uint64_t)(uintptr_t)ObjectAttributes,
		(uint64_t)(uintptr_t)DesiredAccess, (uint64_t)(uintptr_t)PolicyHandle};
	return (NTSTATUS)rm_enter(RM_LsaOpenPolicy, args);
}
NTSTATUS NTAPI LsaClose(LSA_HANDLE ObjectHandle)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)ObjectHandle};
	return (NTSTATUS)rm_enter(RM_LsaClose, args);
}
NTSTATUS NTAPI LsaQueryInformationPolicy(LSA_HANDLE PolicyHandle, POLICY_INFORMATION_CLASS InformationClass,
	PVOID *Buffer)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)PolicyHandle, (uint64_t)(uintptr_t)InformationClass,
		(uint64_t)(uintptr_t)Buffer};
	return (NTSTATUS)rm_enter(RM_LsaQueryInformationPolicy, args);
}
NTSTATUS NTAPI LsaLookupNames2(LSA_HANDLE PolicyHandle, ULONG Flags, ULONG Count, PLSA_UNICODE_STRING Names,
	PLSA_REFERENCED_DOMAIN_LIST *ReferencedDomains, PLSA_TRANSLATED_SID2 *Sids)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)PolicyHandle, (uint64_t)(uintptr_t)Flags, (uint64_t)(uintptr_t)Count,
		(uint64_t)(uintptr_t)Names, (uint64_t)(uintptr_t)ReferencedDomains, (uint64_t)(uintptr_t)Sids};
	return (NTSTATUS)rm_enter(RM_LsaLookupNames2, args);
}
NTSTATUS NTAPI LsaLookupSids(LSA_HANDLE PolicyHandle, ULONG Count, PSID *Sids,
	PLSA_REFERENCED_DOMAIN_LIST *ReferencedDomains, PLSA_TRANSLATED_NAME *Names)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)PolicyHandle, (uint64_t)(uintptr_t)Count, (uint64_t)(uintptr_t)Sids,
		(uint64_t)(uintptr_t)ReferencedDomains, (uint64_t)(uintptr_t)Names};
	return (NTSTATUS)rm_enter(RM_LsaLookupSids, args);
}
NTSTATUS NTAPI NtCreateMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	BOOLEAN InitialOwner)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)MutantHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)InitialOwner};
	return (NTSTATUS)rm_enter(RM_NtCreateMutant, args);
}
NTSTATUS NTAPI ZwCreateMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	BOOLEAN InitialOwner) __attribute__((alias("NtCreateMutant")));
NTSTATUS NTAPI NtOpenMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)MutantHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_NtOpenMutant, args);
}
NTSTATUS NTAPI ZwOpenMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes) __attribute__((alias("NtOpenMutant")));
NTSTATUS NTAPI NtReleaseMutant(HANDLE MutantHandle, PLONG PreviousCount)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)MutantHandle, (uint64_t)(uintptr_t)PreviousCount};
	return (NTSTATUS)rm_enter(RM_NtReleaseMutant, args);
}
NTSTATUS NTAPI ZwReleaseMutant(HANDLE MutantHandle, PLONG PreviousCount) __attribute__((alias("NtReleaseMutant")));
NTSTATUS NTAPI NtQueryMutant(HANDLE MutantHandle, MUTANT_INFORMATION_CLASS MutantInformationClass,
	PVOID MutantInformation, ULONG MutantInformationLength, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)MutantHandle, (uint64_t)(uintptr_t)MutantInformationClass,
		(uint64_t)(uintptr_t)MutantInformation, (uint64_t)(uintptr_t)MutantInformationLength,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_NtQueryMutant, args);
}
NTSTATUS NTAPI ZwQueryMutant(HANDLE MutantHandle, MUTANT_INFORMATION_CLASS MutantInformationClass,
	PVOID MutantInformation, ULONG MutantInformationLength, PULONG ReturnLength) __attribute__((alias("NtQueryMutant")));
NTSTATUS NTAPI NtCreateSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, LONG InitialCount, LONG MaximumCount)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SemaphoreHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)InitialCount, (uint64_t)(uintptr_t)MaximumCount};
	return (NTSTATUS)rm_enter(RM_NtCreateSemaphore, args);
}
NTSTATUS NTAPI ZwCreateSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, LONG InitialCount, LONG MaximumCount) __attribute__((alias("NtCreateSemaphore")));
NTSTATUS NTAPI NtOpenSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SemaphoreHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_NtOpenSemaphore, args);
}
NTSTATUS NTAPI ZwOpenSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes) __attribute__((alias("NtOpenSemaphore")));
NTSTATUS NTAPI NtReleaseSemaphore(HANDLE SemaphoreHandle, LONG ReleaseCount, PLONG PreviousCount)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SemaphoreHandle, (uint64_t)(uintptr_t)ReleaseCount,
		(uint64_t)(uintptr_t)PreviousCount};
	return (NTSTATUS)rm_enter(RM_NtReleaseSemaphore, args);
}
NTSTATUS NTAPI ZwReleaseSemaphore(HANDLE SemaphoreHandle, LONG ReleaseCount,
	PLONG PreviousCount) __attribute__((alias("NtReleaseSemaphore")));
NTSTATUS NTAPI NtQuerySemaphore(HANDLE SemaphoreHandle, SEMAPHORE_INFORMATION_CLASS SemaphoreInformationClass,
	PVOID SemaphoreInformation, ULONG SemaphoreInformationLength, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SemaphoreHandle, (uint64_t)(uintptr_t)SemaphoreInformationClass,
		(uint64_t)(uintptr_t)SemaphoreInformation, (uint64_t)(uintptr_t)SemaphoreInformationLength,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_NtQuerySemaphore, args);
}
NTSTATUS NTAPI ZwQuerySemaphore(HANDLE SemaphoreHandle, SEMAPHORE_INFORMATION_CLASS SemaphoreInformationClass,
	PVOID SemaphoreInformation, ULONG SemaphoreInformationLength,
	PULONG ReturnLength) __attribute__((alias("NtQuerySemaphore")));
NTSTATUS NTAPI NtCreateTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TIMER_TYPE TimerType)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TimerHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes, (uint64_t)(uintptr_t)TimerType};
	return (NTSTATUS)rm_enter(RM_NtCreateTimer, args);
}
NTSTATUS NTAPI ZwCreateTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TIMER_TYPE TimerType) __attribute__((alias("NtCreateTimer")));
NTSTATUS NTAPI NtOpenTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TimerHandle, (uint64_t)(uintptr_t)DesiredAccess,
		(uint64_t)(uintptr_t)ObjectAttributes};
	return (NTSTATUS)rm_enter(RM_NtOpenTimer, args);
}
NTSTATUS NTAPI ZwOpenTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes) __attribute__((alias("NtOpenTimer")));
NTSTATUS NTAPI NtSetTimer(HANDLE TimerHandle, PLARGE_INTEGER DueTime, PTIMER_APC_ROUTINE TimerApcRoutine,
	PVOID TimerContext, BOOLEAN ResumeTimer, LONG Period, PBOOLEAN PreviousState)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TimerHandle, (uint64_t)(uintptr_t)DueTime,
		(uint64_t)(uintptr_t)TimerApcRoutine, (uint64_t)(uintptr_t)TimerContext, (uint64_t)(uintptr_t)ResumeTimer,
		(uint64_t)(uintptr_t)Period, (uint64_t)(uintptr_t)PreviousState};
	return (NTSTATUS)rm_enter(RM_NtSetTimer, args);
}
NTSTATUS NTAPI ZwSetTimer(HANDLE TimerHandle, PLARGE_INTEGER DueTime, PTIMER_APC_ROUTINE TimerApcRoutine,
	PVOID TimerContext, BOOLEAN ResumeTimer, LONG Period, PBOOLEAN PreviousState) __attribute__((alias("NtSetTimer")));
NTSTATUS NTAPI NtCancelTimer(HANDLE TimerHandle, PBOOLEAN CurrentState)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TimerHandle, (uint64_t)(uintptr_t)CurrentState};
	return (NTSTATUS)rm_enter(RM_NtCancelTimer, args);
}
NTSTATUS NTAPI ZwCancelTimer(HANDLE TimerHandle, PBOOLEAN CurrentState) __attribute__((alias("NtCancelTimer")));
NTSTATUS NTAPI NtQueryTimer(HANDLE TimerHandle, TIMER_INFORMATION_CLASS TimerInformationClass, PVOID TimerInformation,
	ULONG TimerInformationLength, PULONG ReturnLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)TimerHandle, (uint64_t)(uintptr_t)TimerInformationClass,
		(uint64_t)(uintptr_t)TimerInformation, (uint64_t)(uintptr_t)TimerInformationLength,
		(uint64_t)(uintptr_t)ReturnLength};
	return (NTSTATUS)rm_enter(RM_NtQueryTimer, args);
}
NTSTATUS NTAPI ZwQueryTimer(HANDLE TimerHandle, TIMER_INFORMATION_CLASS TimerInformationClass, PVOID TimerInformation,
	ULONG TimerInformationLength, PULONG ReturnLength) __attribute__((alias("NtQueryTimer")));
ULONG NTAPI RtlNtStatusToDosError(NTSTATUS Status)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Status};
	return (ULONG)rm_enter(RM_RtlNtStatusToDosError, args);
}
NTSTATUS NTAPI RtlCreateAcl(PACL Acl, ULONG AclLength, ULONG AclRevision)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Acl, (uint64_t)(uintptr_t)AclLength, (uint64_t)(uintptr_t)AclRevision};
	return (NTSTATUS)rm_enter(RM_RtlCreateAcl, args);
}
BOOLEAN NTAPI RtlValidAcl(PACL Acl)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Acl};
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_RtlValidAcl, args));
}
NTSTATUS NTAPI RtlAddAce(PACL Acl, ULONG AceRevision, ULONG StartingAceIndex, PVOID AceList, ULONG AceListLength)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Acl, (uint64_t)(uintptr_t)AceRevision, (uint64_t)(uintptr_t)StartingAceIndex,
		(uint64_t)(uintptr_t)AceList, (uint64_t)(uintptr_t)AceListLength};
	return (NTSTATUS)rm_enter(RM_RtlAddAce, args);
}
NTSTATUS NTAPI RtlDeleteAce(PACL Acl, ULONG AceIndex)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Acl, (uint64_t)(uintptr_t)AceIndex};
	return (NTSTATUS)rm_enter(RM_RtlDeleteAce, args);
}
NTSTATUS NTAPI RtlGetAce(PACL Acl, ULONG AceIndex, PVOID *Ace)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Acl, (uint64_t)(uintptr_t)AceIndex, (uint64_t)(uintptr_t)Ace};
	return (NTSTATUS)rm_enter(RM_RtlGetAce, args);
}
BOOLEAN NTAPI RtlValidRelativeSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptorInput,
	ULONG SecurityDescriptorLength, SECURITY_INFORMATION RequiredInformation)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)SecurityDescriptorInput, (uint64_t)(uintptr_t)SecurityDescriptorLength,
		(uint64_t)(uintptr_t)RequiredInformation};
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_RtlValidRelativeSecurityDescriptor, args));
}
NTSTATUS NTAPI rm_add_ace(PACL Acl, ULONG Revision, ULONG Type, ULONG Flags, ACCESS_MASK Mask, PSID Sid,
	GUID *ObjectType, GUID *InheritedObjectType)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Acl, (uint64_t)(uintptr_t)Revision, (uint64_t)(uintptr_t)Type,
		(uint64_t)(uintptr_t)Flags, (uint64_t)(uintptr_t)Mask, (uint64_t)(uintptr_t)Sid, (uint64_t)(uintptr_t)ObjectType,
		(uint64_t)(uintptr_t)InheritedObjectType};
	return (NTSTATUS)rm_enter(RM_rm_add_ace, args);
}
NTSTATUS NTAPI rm_add_conditional_ace(PACL Acl, ULONG Revision, ULONG Type, ULONG Flags, ACCESS_MASK Mask, PSID Sid,
	PCWSTR Condition, PULONG Size)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Acl, (uint64_t)(uintptr_t)Revision, (uint64_t)(uintptr_t)Type,
		(uint64_t)(uintptr_t)Flags, (uint64_t)(uintptr_t)Mask, (uint64_t)(uintptr_t)Sid, (uint64_t)(uintptr_t)Condition,
		(uint64_t)(uintptr_t)Size};
	return (NTSTATUS)rm_enter(RM_rm_add_conditional_ace, args);
}
NTSTATUS NTAPI rm_add_attribute_ace(PACL Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, PSID Sid,
	PCLAIM_SECURITY_ATTRIBUTES_INFORMATION Attribute, PULONG Size)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Acl, (uint64_t)(uintptr_t)Revision, (uint64_t)(uintptr_t)Flags,
		(uint64_t)(uintptr_t)Mask, (uint64_t)(uintptr_t)Sid, (uint64_t)(uintptr_t)Attribute, (uint64_t)(uintptr_t)Size};
	return (NTSTATUS)rm_enter(RM_rm_add_attribute_ace, args);
}
NTSTATUS NTAPI rm_appcontainer_sid(PCWSTR Name, PSID *Sid)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Name, (uint64_t)(uintptr_t)Sid};
	return (NTSTATUS)rm_enter(RM_rm_appcontainer_sid, args);
}
NTSTATUS NTAPI rm_ids_of(HANDLE Handle, BOOLEAN Thread, PCLIENT_ID Ids)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Handle, (uint64_t)(uintptr_t)Thread, (uint64_t)(uintptr_t)Ids};
	return (NTSTATUS)rm_enter(RM_rm_ids_of, args);
}
NTSTATUS NTAPI rm_impersonate_self(SECURITY_IMPERSONATION_LEVEL Level)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Level};
	return (NTSTATUS)rm_enter(RM_rm_impersonate_self, args);
}
NTSTATUS NTAPI rm_impersonate_user(HANDLE Token)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Token};
	return (NTSTATUS)rm_enter(RM_rm_impersonate_user, args);
}
NTSTATUS NTAPI rm_create_process(HANDLE Token, LPSECURITY_ATTRIBUTES ProcessAttributes,
	LPSECURITY_ATTRIBUTES ThreadAttributes, BOOLEAN Inherit, ULONG Flags, LPPROCESS_INFORMATION Information)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Token, (uint64_t)(uintptr_t)ProcessAttributes,
		(uint64_t)(uintptr_t)ThreadAttributes, (uint64_t)(uintptr_t)Inherit, (uint64_t)(uintptr_t)Flags,
		(uint64_t)(uintptr_t)Information};
	return (NTSTATUS)rm_enter(RM_rm_create_process, args);
}
NTSTATUS NTAPI rm_assign(PSECURITY_DESCRIPTOR Parent, PSECURITY_DESCRIPTOR Creator, PSECURITY_DESCRIPTOR *Descriptor,
	GUID **ObjectTypes, ULONG Count, BOOLEAN Container, ULONG Flags, HANDLE Token, PGENERIC_MAPPING Mapping)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Parent, (uint64_t)(uintptr_t)Creator, (uint64_t)(uintptr_t)Descriptor,
		(uint64_t)(uintptr_t)ObjectTypes, (uint64_t)(uintptr_t)Count, (uint64_t)(uintptr_t)Container,
		(uint64_t)(uintptr_t)Flags, (uint64_t)(uintptr_t)Token, (uint64_t)(uintptr_t)Mapping};
	return (NTSTATUS)rm_enter(RM_rm_assign, args);
}
NTSTATUS NTAPI rm_set_parts(SECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR Change, PSECURITY_DESCRIPTOR Old,
	PSECURITY_DESCRIPTOR *Descriptor, PGENERIC_MAPPING Mapping, ULONG Flags, HANDLE Token)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Information, (uint64_t)(uintptr_t)Change, (uint64_t)(uintptr_t)Old,
		(uint64_t)(uintptr_t)Descriptor, (uint64_t)(uintptr_t)Mapping, (uint64_t)(uintptr_t)Flags,
		(uint64_t)(uintptr_t)Token};
	return (NTSTATUS)rm_enter(RM_rm_set_parts, args);
}
NTSTATUS NTAPI rm_select_parts(PSECURITY_DESCRIPTOR Descriptor, SECURITY_INFORMATION Information,
	PSECURITY_DESCRIPTOR Buffer, ULONG Length, PULONG Needed)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Descriptor, (uint64_t)(uintptr_t)Information, (uint64_t)(uintptr_t)Buffer,
		(uint64_t)(uintptr_t)Length, (uint64_t)(uintptr_t)Needed};
	return (NTSTATUS)rm_enter(RM_rm_select_parts, args);
}
NTSTATUS NTAPI rm_set_entries(ULONG Count, PVOID List, PACL Old, PACL *New, PSID CurrentUser, BOOLEAN Wide)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Count, (uint64_t)(uintptr_t)List, (uint64_t)(uintptr_t)Old,
		(uint64_t)(uintptr_t)New, (uint64_t)(uintptr_t)CurrentUser, (uint64_t)(uintptr_t)Wide};
	return (NTSTATUS)rm_enter(RM_rm_set_entries, args);
}
NTSTATUS NTAPI rm_trustee_sid(PVOID Trustee, PSID CurrentUser, BOOLEAN Wide, PSID *Sid)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Trustee, (uint64_t)(uintptr_t)CurrentUser, (uint64_t)(uintptr_t)Wide,
		(uint64_t)(uintptr_t)Sid};
	return (NTSTATUS)rm_enter(RM_rm_trustee_sid, args);
}
NTSTATUS NTAPI rm_acl_rights(PACL Acl, PVOID Trustee, PSID CurrentUser, BOOLEAN Wide, PACCESS_MASK Rights,
	PACCESS_MASK Failed)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Acl, (uint64_t)(uintptr_t)Trustee, (uint64_t)(uintptr_t)CurrentUser,
		(uint64_t)(uintptr_t)Wide, (uint64_t)(uintptr_t)Rights, (uint64_t)(uintptr_t)Failed};
	return (NTSTATUS)rm_enter(RM_rm_acl_rights, args);
}
NTSTATUS NTAPI rm_account_name(PSID Sid, PWSTR *Name, PWSTR *Domain, PULONG Units, PULONG Use)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Sid, (uint64_t)(uintptr_t)Name, (uint64_t)(uintptr_t)Domain,
		(uint64_t)(uintptr_t)Units, (uint64_t)(uintptr_t)Use};
	return (NTSTATUS)rm_enter(RM_rm_account_name, args);
}
NTSTATUS NTAPI rm_account_sid(PCWSTR Name, PSID *Sid, PWSTR *Domain, PULONG Units, PULONG Use)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Name, (uint64_t)(uintptr_t)Sid, (uint64_t)(uintptr_t)Domain,
		(uint64_t)(uintptr_t)Units, (uint64_t)(uintptr_t)Use};
	return (NTSTATUS)rm_enter(RM_rm_account_sid, args);
}
NTSTATUS NTAPI rm_logon_user(PCWSTR Name, PCWSTR Domain, PCWSTR Password, ULONG Type, PHANDLE Token)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Name, (uint64_t)(uintptr_t)Domain, (uint64_t)(uintptr_t)Password,
		(uint64_t)(uintptr_t)Type, (uint64_t)(uintptr_t)Token};
	return (NTSTATUS)rm_enter(RM_rm_logon_user, args);
}
NTSTATUS NTAPI rm_computer(PSID *Sid)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Sid};
	return (NTSTATUS)rm_enter(RM_rm_computer, args);
}
NTSTATUS NTAPI rm_account_domain(PSID *Sid)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Sid};
	return (NTSTATUS)rm_enter(RM_rm_account_domain, args);
}
NTSTATUS NTAPI rm_parse_descriptor(PCWSTR Text, PVOID *Descriptor, PULONG Size)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Text, (uint64_t)(uintptr_t)Descriptor, (uint64_t)(uintptr_t)Size};
	return (NTSTATUS)rm_enter(RM_rm_parse_descriptor, args);
}
NTSTATUS NTAPI rm_format_descriptor(PSECURITY_DESCRIPTOR Descriptor, SECURITY_INFORMATION Information, PWSTR *Text,
	PULONG Units)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Descriptor, (uint64_t)(uintptr_t)Information, (uint64_t)(uintptr_t)Text,
		(uint64_t)(uintptr_t)Units};
	return (NTSTATUS)rm_enter(RM_rm_format_descriptor, args);
}
NTSTATUS NTAPI rm_parse_sid(PCWSTR Text, PSID *Sid)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Text, (uint64_t)(uintptr_t)Sid};
	return (NTSTATUS)rm_enter(RM_rm_parse_sid, args);
}
NTSTATUS NTAPI rm_format_sid(PSID Sid, PWSTR *Text, PULONG Units)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Sid, (uint64_t)(uintptr_t)Text, (uint64_t)(uintptr_t)Units};
	return (NTSTATUS)rm_enter(RM_rm_format_sid, args);
}
NTSTATUS NTAPI rm_privilege_value(PCWSTR Name, PLUID Luid)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Name, (uint64_t)(uintptr_t)Luid};
	return (NTSTATUS)rm_enter(RM_rm_privilege_value, args);
}
NTSTATUS NTAPI rm_privilege_name(PLUID Luid, PWSTR *Name, PULONG Units)
{
	uint64_t args[] = {(uint64_t)(uintptr_t)Luid, (uint64_t)(uintptr_t)Name, (uint64_t)(uintptr_t)Units};
	return (NTSTATUS)rm_enter(RM_rm_privilege_name, args);
}
