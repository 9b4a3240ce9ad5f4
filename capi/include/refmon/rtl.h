/*
 * Run-time library routines: status and error codes, strings, SIDs, lists,
 * descriptors. Memory they return is given back with RtlFreeHeap's equals here:
 * RtlFreeSid, RtlFreeUnicodeString.
 */
#ifndef REFMON_RTL_H
#define REFMON_RTL_H

#include <refmon/nt.h>

/* Codes and strings. */
REFMON_SERVICE ULONG NTAPI RtlNtStatusToDosError(NTSTATUS Status);
REFMON_API void NTAPI RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString);
REFMON_API BOOLEAN NTAPI RtlCreateUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString);
#define RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE 0x00000001u
#define RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING 0x00000002u
REFMON_API NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG Flags, PCUNICODE_STRING StringIn, PUNICODE_STRING StringOut);
REFMON_API BOOLEAN NTAPI RtlCreateUnicodeStringFromAsciiz(PUNICODE_STRING DestinationString, PCSTR SourceString);
REFMON_API void NTAPI RtlFreeUnicodeString(PUNICODE_STRING UnicodeString);

/* SIDs. */
REFMON_API BOOLEAN NTAPI RtlValidSid(PSID Sid);
REFMON_API ULONG NTAPI RtlLengthSid(PSID Sid);
REFMON_API ULONG NTAPI RtlLengthRequiredSid(ULONG SubAuthorityCount);
REFMON_API BOOLEAN NTAPI RtlEqualSid(PSID Sid1, PSID Sid2);
REFMON_API BOOLEAN NTAPI RtlEqualPrefixSid(PSID Sid1, PSID Sid2);
REFMON_API NTSTATUS NTAPI RtlInitializeSid(PSID Sid, PSID_IDENTIFIER_AUTHORITY IdentifierAuthority,
	UCHAR SubAuthorityCount);
/* The sub-authorities follow, as many as the count. */
REFMON_API NTSTATUS NTAPI RtlInitializeSidEx(PSID Sid, PSID_IDENTIFIER_AUTHORITY IdentifierAuthority,
	UCHAR SubAuthorityCount, ...);
REFMON_API PSID_IDENTIFIER_AUTHORITY NTAPI RtlIdentifierAuthoritySid(PSID Sid);
REFMON_API PULONG NTAPI RtlSubAuthoritySid(PSID Sid, ULONG SubAuthority);
REFMON_API PUCHAR NTAPI RtlSubAuthorityCountSid(PSID Sid);
REFMON_API NTSTATUS NTAPI RtlCopySid(ULONG DestinationSidLength, PSID DestinationSid, PSID SourceSid);
REFMON_API NTSTATUS NTAPI RtlAllocateAndInitializeSid(PSID_IDENTIFIER_AUTHORITY IdentifierAuthority,
	UCHAR SubAuthorityCount, ULONG SubAuthority0, ULONG SubAuthority1, ULONG SubAuthority2, ULONG SubAuthority3,
	ULONG SubAuthority4, ULONG SubAuthority5, ULONG SubAuthority6, ULONG SubAuthority7, PSID *Sid);
REFMON_API PVOID NTAPI RtlFreeSid(PSID Sid);
REFMON_API NTSTATUS NTAPI RtlConvertSidToUnicodeString(PUNICODE_STRING UnicodeString, PSID Sid,
	BOOLEAN AllocateDestinationString);

/* Lists. */
REFMON_SERVICE NTSTATUS NTAPI RtlCreateAcl(PACL Acl, ULONG AclLength, ULONG AclRevision);
REFMON_SERVICE BOOLEAN NTAPI RtlValidAcl(PACL Acl);
REFMON_SERVICE NTSTATUS NTAPI RtlAddAce(PACL Acl, ULONG AceRevision, ULONG StartingAceIndex, PVOID AceList,
	ULONG AceListLength);
REFMON_SERVICE NTSTATUS NTAPI RtlDeleteAce(PACL Acl, ULONG AceIndex);
REFMON_SERVICE NTSTATUS NTAPI RtlGetAce(PACL Acl, ULONG AceIndex, PVOID *Ace);
REFMON_API BOOLEAN NTAPI RtlFirstFreeAce(PACL Acl, PVOID *FirstFree);
REFMON_API NTSTATUS NTAPI RtlQueryInformationAcl(PACL Acl, PVOID AclInformation, ULONG AclInformationLength,
	ACL_INFORMATION_CLASS AclInformationClass);
REFMON_API NTSTATUS NTAPI RtlAddAccessAllowedAce(PACL Acl, ULONG AceRevision, ACCESS_MASK AccessMask, PSID Sid);
REFMON_API NTSTATUS NTAPI RtlAddAccessAllowedAceEx(PACL Acl, ULONG AceRevision, ULONG AceFlags, ACCESS_MASK AccessMask,
	PSID Sid);
REFMON_API NTSTATUS NTAPI RtlAddAccessDeniedAce(PACL Acl, ULONG AceRevision, ACCESS_MASK AccessMask, PSID Sid);
REFMON_API NTSTATUS NTAPI RtlAddAccessDeniedAceEx(PACL Acl, ULONG AceRevision, ULONG AceFlags, ACCESS_MASK AccessMask,
	PSID Sid);
REFMON_API NTSTATUS NTAPI RtlAddAccessAllowedObjectAce(PACL Acl, ULONG AceRevision, ULONG AceFlags,
	ACCESS_MASK AccessMask, GUID *ObjectTypeGuid, GUID *InheritedObjectTypeGuid, PSID Sid);
REFMON_API NTSTATUS NTAPI RtlAddAccessDeniedObjectAce(PACL Acl, ULONG AceRevision, ULONG AceFlags,
	ACCESS_MASK AccessMask, GUID *ObjectTypeGuid, GUID *InheritedObjectTypeGuid, PSID Sid);
REFMON_API NTSTATUS NTAPI RtlAddAuditAccessAce(PACL Acl, ULONG AceRevision, ACCESS_MASK AccessMask, PSID Sid,
	BOOLEAN AuditSuccess, BOOLEAN AuditFailure);
REFMON_API NTSTATUS NTAPI RtlAddAuditAccessAceEx(PACL Acl, ULONG AceRevision, ULONG AceFlags, ACCESS_MASK AccessMask,
	PSID Sid, BOOLEAN AuditSuccess, BOOLEAN AuditFailure);
REFMON_API NTSTATUS NTAPI RtlAddAuditAccessObjectAce(PACL Acl, ULONG AceRevision, ULONG AceFlags,
	ACCESS_MASK AccessMask, GUID *ObjectTypeGuid, GUID *InheritedObjectTypeGuid, PSID Sid, BOOLEAN AuditSuccess,
	BOOLEAN AuditFailure);
REFMON_API NTSTATUS NTAPI RtlSetInformationAcl(PACL Acl, PVOID AclInformation, ULONG AclInformationLength,
	ACL_INFORMATION_CLASS AclInformationClass);
REFMON_API NTSTATUS NTAPI RtlAddMandatoryAce(PACL Acl, ULONG AceRevision, ULONG AceFlags, PSID Sid, UCHAR AceType,
	ACCESS_MASK AccessMask);

/* Descriptors. */
REFMON_API NTSTATUS NTAPI RtlCreateSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Revision);
REFMON_API BOOLEAN NTAPI RtlValidSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor);
REFMON_API ULONG NTAPI RtlLengthSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor);
REFMON_API NTSTATUS NTAPI RtlGetControlSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor,
	PSECURITY_DESCRIPTOR_CONTROL Control, PULONG Revision);
REFMON_API NTSTATUS NTAPI RtlSetControlSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor,
	SECURITY_DESCRIPTOR_CONTROL ControlBitsOfInterest, SECURITY_DESCRIPTOR_CONTROL ControlBitsToSet);
REFMON_API NTSTATUS NTAPI RtlGetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID *Owner,
	PBOOLEAN OwnerDefaulted);
REFMON_API NTSTATUS NTAPI RtlSetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Owner,
	BOOLEAN OwnerDefaulted);
REFMON_API NTSTATUS NTAPI RtlGetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID *Group,
	PBOOLEAN GroupDefaulted);
REFMON_API NTSTATUS NTAPI RtlSetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Group,
	BOOLEAN GroupDefaulted);
REFMON_API NTSTATUS NTAPI RtlGetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PBOOLEAN DaclPresent,
	PACL *Dacl, PBOOLEAN DaclDefaulted);
REFMON_API NTSTATUS NTAPI RtlSetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN DaclPresent,
	PACL Dacl, BOOLEAN DaclDefaulted);
REFMON_API NTSTATUS NTAPI RtlGetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PBOOLEAN SaclPresent,
	PACL *Sacl, PBOOLEAN SaclDefaulted);
REFMON_API NTSTATUS NTAPI RtlSetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN SaclPresent,
	PACL Sacl, BOOLEAN SaclDefaulted);
REFMON_API NTSTATUS NTAPI RtlMakeSelfRelativeSD(PSECURITY_DESCRIPTOR SecurityDescriptor,
	PSECURITY_DESCRIPTOR SelfRelativeSecurityDescriptor, PULONG BufferLength);
REFMON_API NTSTATUS NTAPI RtlAbsoluteToSelfRelativeSD(PSECURITY_DESCRIPTOR AbsoluteSecurityDescriptor,
	PSECURITY_DESCRIPTOR SelfRelativeSecurityDescriptor, PULONG BufferLength);
REFMON_API NTSTATUS NTAPI RtlSelfRelativeToAbsoluteSD(PSECURITY_DESCRIPTOR SelfRelativeSecurityDescriptor,
	PSECURITY_DESCRIPTOR AbsoluteSecurityDescriptor, PULONG AbsoluteSecurityDescriptorSize, PACL Dacl, PULONG DaclSize,
	PACL Sacl, PULONG SaclSize, PSID Owner, PULONG OwnerSize, PSID PrimaryGroup, PULONG PrimaryGroupSize);

REFMON_SERVICE BOOLEAN NTAPI RtlValidRelativeSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptorInput,
	ULONG SecurityDescriptorLength, SECURITY_INFORMATION RequiredInformation);
REFMON_API BOOLEAN NTAPI RtlGetSecurityDescriptorRMControl(PSECURITY_DESCRIPTOR SecurityDescriptor, PUCHAR RMControl);
REFMON_API void NTAPI RtlSetSecurityDescriptorRMControl(PSECURITY_DESCRIPTOR SecurityDescriptor, PUCHAR RMControl);

REFMON_API NTSTATUS NTAPI RtlCreateSecurityDescriptorRelative(PISECURITY_DESCRIPTOR_RELATIVE SecurityDescriptor,
	ULONG Revision);

/* Private objects. The descriptor they are given is freed with RtlDeleteSecurityObject. */
#define SEF_DACL_AUTO_INHERIT 0x01
#define SEF_SACL_AUTO_INHERIT 0x02
#define SEF_DEFAULT_DESCRIPTOR_FOR_OBJECT 0x04
#define SEF_AVOID_PRIVILEGE_CHECK 0x08
#define SEF_AVOID_OWNER_CHECK 0x10
#define SEF_DEFAULT_OWNER_FROM_PARENT 0x20
#define SEF_DEFAULT_GROUP_FROM_PARENT 0x40
REFMON_API NTSTATUS NTAPI RtlNewSecurityObject(PSECURITY_DESCRIPTOR ParentDescriptor,
	PSECURITY_DESCRIPTOR CreatorDescriptor, PSECURITY_DESCRIPTOR *NewDescriptor, BOOLEAN IsDirectoryObject, HANDLE Token,
	PGENERIC_MAPPING GenericMapping);
REFMON_API NTSTATUS NTAPI RtlNewSecurityObjectEx(PSECURITY_DESCRIPTOR ParentDescriptor,
	PSECURITY_DESCRIPTOR CreatorDescriptor, PSECURITY_DESCRIPTOR *NewDescriptor, GUID *ObjectType,
	BOOLEAN IsDirectoryObject, ULONG AutoInheritFlags, HANDLE Token, PGENERIC_MAPPING GenericMapping);
REFMON_API NTSTATUS NTAPI RtlNewSecurityObjectWithMultipleInheritance(PSECURITY_DESCRIPTOR ParentDescriptor,
	PSECURITY_DESCRIPTOR CreatorDescriptor, PSECURITY_DESCRIPTOR *NewDescriptor, GUID **ObjectType, ULONG GuidCount,
	BOOLEAN IsDirectoryObject, ULONG AutoInheritFlags, HANDLE Token, PGENERIC_MAPPING GenericMapping);
REFMON_API NTSTATUS NTAPI RtlDeleteSecurityObject(PSECURITY_DESCRIPTOR *ObjectDescriptor);
REFMON_API NTSTATUS NTAPI RtlQuerySecurityObject(PSECURITY_DESCRIPTOR ObjectDescriptor,
	SECURITY_INFORMATION SecurityInformation, PSECURITY_DESCRIPTOR ResultantDescriptor, ULONG DescriptorLength,
	PULONG ReturnLength);
REFMON_API NTSTATUS NTAPI RtlSetSecurityObject(SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR ModificationDescriptor, PSECURITY_DESCRIPTOR *ObjectsSecurityDescriptor,
	PGENERIC_MAPPING GenericMapping, HANDLE Token);
REFMON_API NTSTATUS NTAPI RtlSetSecurityObjectEx(SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR ModificationDescriptor, PSECURITY_DESCRIPTOR *ObjectsSecurityDescriptor, ULONG AutoInheritFlags,
	PGENERIC_MAPPING GenericMapping, HANDLE Token);

/* Masks, privileges, impersonation. */
REFMON_API void NTAPI RtlMapGenericMask(PACCESS_MASK AccessMask, PGENERIC_MAPPING GenericMapping);
REFMON_API BOOLEAN NTAPI RtlAreAllAccessesGranted(ACCESS_MASK GrantedAccess, ACCESS_MASK DesiredAccess);
REFMON_API BOOLEAN NTAPI RtlAreAnyAccessesGranted(ACCESS_MASK GrantedAccess, ACCESS_MASK DesiredAccess);
REFMON_API void NTAPI RtlCopyLuid(PLUID DestinationLuid, PLUID SourceLuid);
REFMON_API NTSTATUS NTAPI RtlImpersonateSelf(SECURITY_IMPERSONATION_LEVEL ImpersonationLevel);
REFMON_API NTSTATUS NTAPI RtlAdjustPrivilege(ULONG Privilege, BOOLEAN Enable, BOOLEAN CurrentThread, PBOOLEAN Enabled);

/* Removes the privileges of a token that are not among those to keep, numbers such as SE_DEBUG_PRIVILEGE. */
REFMON_API NTSTATUS NTAPI RtlRemovePrivileges(HANDLE TokenHandle, PULONG PrivilegesToKeep, ULONG PrivilegeCount);
REFMON_API DWORD NTAPI RtlGetLastWin32Error(void);
REFMON_API void NTAPI RtlSetLastWin32Error(DWORD Error);

/* LUIDs. */
#define RtlEqualLuid(a, b) ((a)->LowPart == (b)->LowPart && (a)->HighPart == (b)->HighPart)
#define RtlIsZeroLuid(a) ((BOOLEAN)(((a)->LowPart | (a)->HighPart) == 0))
static inline LUID RtlConvertLongToLuid(LONG Long)
{
	LUID luid = {(ULONG)Long, Long < 0 ? -1 : 0};
	return luid;
}
static inline LUID RtlConvertUlongToLuid(ULONG Ulong)
{
	LUID luid = {Ulong, 0};
	return luid;
}

#endif
