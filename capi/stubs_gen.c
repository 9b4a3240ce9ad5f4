/* Written by gen.go from the public headers. DO NOT EDIT. */
#include "enter.h"
#include "internal.h"

#define A(x) (uint64_t)(uintptr_t)(x)

#define SERVICE(name, parameters, ...) \
	NTSTATUS NTAPI Nt##name parameters { return (NTSTATUS)rm_enter(RM_Nt##name | RM_FACE, (uint64_t[]){__VA_ARGS__}); } \
	extern __typeof__(Nt##name) Zw##name __attribute__((alias("Nt" #name)));
#define USER_SERVICE SERVICE
#include "services_gen.h"

NTSTATUS NTAPI refmon_file_descriptor(HANDLE FileHandle, PLONG Descriptor)
{
	return (NTSTATUS)rm_enter(RM_refmon_file_descriptor, (uint64_t[]){A(FileHandle), A(Descriptor)});
}
void NTAPI refmon_client_id(PCLIENT_ID ClientId)
{
	rm_enter(RM_refmon_client_id, (uint64_t[]){A(ClientId)});
}
NTSTATUS NTAPI LsaOpenPolicy(PLSA_UNICODE_STRING SystemName, PLSA_OBJECT_ATTRIBUTES ObjectAttributes,
	ACCESS_MASK DesiredAccess, PLSA_HANDLE PolicyHandle)
{
	return (NTSTATUS)rm_enter(RM_LsaOpenPolicy, (uint64_t[]){A(SystemName), A(ObjectAttributes), A(DesiredAccess),
		A(PolicyHandle)});
}
NTSTATUS NTAPI LsaClose(LSA_HANDLE ObjectHandle)
{
	return (NTSTATUS)rm_enter(RM_LsaClose, (uint64_t[]){A(ObjectHandle)});
}
NTSTATUS NTAPI LsaQueryInformationPolicy(LSA_HANDLE PolicyHandle, POLICY_INFORMATION_CLASS InformationClass,
	PVOID *Buffer)
{
	return (NTSTATUS)rm_enter(RM_LsaQueryInformationPolicy, (uint64_t[]){A(PolicyHandle), A(InformationClass), A(Buffer)});
}
NTSTATUS NTAPI LsaLookupNames2(LSA_HANDLE PolicyHandle, ULONG Flags, ULONG Count, PLSA_UNICODE_STRING Names,
	PLSA_REFERENCED_DOMAIN_LIST *ReferencedDomains, PLSA_TRANSLATED_SID2 *Sids)
{
	return (NTSTATUS)rm_enter(RM_LsaLookupNames2, (uint64_t[]){A(PolicyHandle), A(Flags), A(Count), A(Names),
		A(ReferencedDomains), A(Sids)});
}
NTSTATUS NTAPI LsaLookupSids(LSA_HANDLE PolicyHandle, ULONG Count, PSID *Sids,
	PLSA_REFERENCED_DOMAIN_LIST *ReferencedDomains, PLSA_TRANSLATED_NAME *Names)
{
	return (NTSTATUS)rm_enter(RM_LsaLookupSids, (uint64_t[]){A(PolicyHandle), A(Count), A(Sids), A(ReferencedDomains),
		A(Names)});
}
NTSTATUS NTAPI LsaEnumerateAccountRights(LSA_HANDLE PolicyHandle, PSID AccountSid, PLSA_UNICODE_STRING *UserRights,
	PULONG CountOfRights)
{
	return (NTSTATUS)rm_enter(RM_LsaEnumerateAccountRights, (uint64_t[]){A(PolicyHandle), A(AccountSid), A(UserRights),
		A(CountOfRights)});
}
NTSTATUS NTAPI LsaLookupPrivilegeName(LSA_HANDLE PolicyHandle, PLUID Value, PUNICODE_STRING *Name)
{
	return (NTSTATUS)rm_enter(RM_LsaLookupPrivilegeName, (uint64_t[]){A(PolicyHandle), A(Value), A(Name)});
}
NTSTATUS NTAPI LsaGetUserName(PUNICODE_STRING *UserName, PUNICODE_STRING *DomainName)
{
	return (NTSTATUS)rm_enter(RM_LsaGetUserName, (uint64_t[]){A(UserName), A(DomainName)});
}
ULONG NTAPI RtlNtStatusToDosError(NTSTATUS Status)
{
	return (ULONG)rm_code(rm_enter(RM_RtlNtStatusToDosError, (uint64_t[]){A(Status)}));
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
NTSTATUS NTAPI rm_set_handle_information(HANDLE Handle, ULONG Mask, ULONG Flags)
{
	return (NTSTATUS)rm_enter(RM_rm_set_handle_information, (uint64_t[]){A(Handle), A(Mask), A(Flags)});
}
NTSTATUS NTAPI rm_check_capability(HANDLE Token, PSID Sid, PBOOL Has)
{
	return (NTSTATUS)rm_enter(RM_rm_check_capability, (uint64_t[]){A(Token), A(Sid), A(Has)});
}
NTSTATUS NTAPI rm_create_process(HANDLE Token, LPSECURITY_ATTRIBUTES ProcessAttributes,
	LPSECURITY_ATTRIBUTES ThreadAttributes, BOOLEAN Inherit, ULONG Flags, LPPROCESS_INFORMATION Information,
	PVOID Program, ULONG Size, BOOLEAN Environment)
{
	return (NTSTATUS)rm_enter(RM_rm_create_process, (uint64_t[]){A(Token), A(ProcessAttributes), A(ThreadAttributes),
		A(Inherit), A(Flags), A(Information), A(Program), A(Size), A(Environment)});
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
NTSTATUS NTAPI rm_object_security(HANDLE Handle, SECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR *Descriptor)
{
	return (NTSTATUS)rm_enter(RM_rm_object_security, (uint64_t[]){A(Handle), A(Information), A(Descriptor)});
}
NTSTATUS NTAPI rm_named_security(PUNICODE_STRING Name, SECURITY_INFORMATION Information,
	PSECURITY_DESCRIPTOR *Descriptor, BOOLEAN File)
{
	return (NTSTATUS)rm_enter(RM_rm_named_security, (uint64_t[]){A(Name), A(Information), A(Descriptor), A(File)});
}
NTSTATUS NTAPI rm_file_security(PUNICODE_STRING Name, SECURITY_INFORMATION Information,
	PSECURITY_DESCRIPTOR Descriptor, ULONG Length, PULONG Needed)
{
	return (NTSTATUS)rm_enter(RM_rm_file_security, (uint64_t[]){A(Name), A(Information), A(Descriptor), A(Length),
		A(Needed)});
}
NTSTATUS NTAPI rm_set_named_security(PUNICODE_STRING Name, SECURITY_INFORMATION Information,
	PSECURITY_DESCRIPTOR Descriptor, BOOLEAN File)
{
	return (NTSTATUS)rm_enter(RM_rm_set_named_security, (uint64_t[]){A(Name), A(Information), A(Descriptor), A(File)});
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
NTSTATUS NTAPI rm_logon_user(PCWSTR Name, PCWSTR Domain, PCWSTR Password, ULONG Type, PHANDLE Token)
{
	return (NTSTATUS)rm_enter(RM_rm_logon_user, (uint64_t[]){A(Name), A(Domain), A(Password), A(Type), A(Token)});
}
NTSTATUS NTAPI rm_computer(PSID *Sid)
{
	return (NTSTATUS)rm_enter(RM_rm_computer, (uint64_t[]){A(Sid)});
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
