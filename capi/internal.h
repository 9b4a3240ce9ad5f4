/* Services for the C files of this folder, not for programs. */
#ifndef REFMON_INTERNAL_H
#define REFMON_INTERNAL_H

#include <refmon/refmon.h>
#include "enter.h"

#define REFMON_HIDDEN extern __attribute__((visibility("hidden")))

/* Adds an entry at the end of a list; both GUIDs may be NULL. */
REFMON_HIDDEN NTSTATUS NTAPI rm_add_ace(PACL Acl, ULONG Revision, ULONG Type, ULONG Flags, ACCESS_MASK Mask, PSID Sid,
	GUID *ObjectType, GUID *InheritedObjectType);
/* Entries with data: Size is that of the list, or of the one it would take (STATUS_BUFFER_TOO_SMALL). */
REFMON_HIDDEN NTSTATUS NTAPI rm_add_conditional_ace(PACL Acl, ULONG Revision, ULONG Type, ULONG Flags, ACCESS_MASK Mask,
	PSID Sid, PCWSTR Condition, PULONG Size);
REFMON_HIDDEN NTSTATUS NTAPI rm_add_attribute_ace(PACL Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask, PSID Sid,
	PCLAIM_SECURITY_ATTRIBUTES_INFORMATION Attribute, PULONG Size);
REFMON_HIDDEN NTSTATUS NTAPI rm_appcontainer_sid(PCWSTR Name, PSID *Sid);
REFMON_HIDDEN NTSTATUS NTAPI rm_ids_of(HANDLE Handle, BOOLEAN Thread, PCLIENT_ID Ids);
REFMON_HIDDEN NTSTATUS NTAPI rm_impersonate_self(SECURITY_IMPERSONATION_LEVEL Level);
REFMON_HIDDEN NTSTATUS NTAPI rm_impersonate_user(HANDLE Token);
REFMON_HIDDEN NTSTATUS NTAPI rm_check_membership(HANDLE Token, PSID Sid, PBOOL Member);
REFMON_HIDDEN NTSTATUS NTAPI rm_check_membership_ex(HANDLE Token, PSID Sid, ULONG Flags, PBOOL Member);
REFMON_HIDDEN NTSTATUS NTAPI rm_set_handle_information(HANDLE Handle, ULONG Mask, ULONG Flags);
REFMON_HIDDEN NTSTATUS NTAPI rm_check_capability(HANDLE Token, PSID Sid, PBOOL Has);

/* CreateProcess and, with a token, CreateProcessAsUser. Program has, each ended by a zero byte, the application's
 * name, the command line, the folder and, with Environment, its strings; it counts with a daemon. */
REFMON_HIDDEN NTSTATUS NTAPI rm_create_process(HANDLE Token, LPSECURITY_ATTRIBUTES ProcessAttributes,
	LPSECURITY_ATTRIBUTES ThreadAttributes, BOOLEAN Inherit, ULONG Flags, LPPROCESS_INFORMATION Information,
	PVOID Program, ULONG Size, BOOLEAN Environment);

/* Descriptors of private objects; new ones come from malloc. */
REFMON_HIDDEN NTSTATUS NTAPI rm_assign(PSECURITY_DESCRIPTOR Parent, PSECURITY_DESCRIPTOR Creator,
	PSECURITY_DESCRIPTOR *Descriptor, GUID **ObjectTypes, ULONG Count, BOOLEAN Container, ULONG Flags, HANDLE Token,
	PGENERIC_MAPPING Mapping);
REFMON_HIDDEN NTSTATUS NTAPI rm_set_parts(SECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR Change,
	PSECURITY_DESCRIPTOR Old, PSECURITY_DESCRIPTOR *Descriptor, PGENERIC_MAPPING Mapping, ULONG Flags, HANDLE Token);
REFMON_HIDDEN NTSTATUS NTAPI rm_select_parts(PSECURITY_DESCRIPTOR Descriptor, SECURITY_INFORMATION Information,
	PSECURITY_DESCRIPTOR Buffer, ULONG Length, PULONG Needed);

/* The security of objects, by handle or by name as the services know it, in one call; a descriptor that is read comes
 * from malloc, or goes to a buffer as NtQuerySecurityObject has it. */
REFMON_HIDDEN NTSTATUS NTAPI rm_object_security(HANDLE Handle, SECURITY_INFORMATION Information,
	PSECURITY_DESCRIPTOR *Descriptor);
REFMON_HIDDEN NTSTATUS NTAPI rm_named_security(PUNICODE_STRING Name, SECURITY_INFORMATION Information,
	PSECURITY_DESCRIPTOR *Descriptor, BOOLEAN File);
REFMON_HIDDEN NTSTATUS NTAPI rm_file_security(PUNICODE_STRING Name, SECURITY_INFORMATION Information,
	PSECURITY_DESCRIPTOR Descriptor, ULONG Length, PULONG Needed);
REFMON_HIDDEN NTSTATUS NTAPI rm_set_named_security(PUNICODE_STRING Name, SECURITY_INFORMATION Information,
	PSECURITY_DESCRIPTOR Descriptor, BOOLEAN File);

/* SetEntriesInAcl: EXPLICIT_ACCESS of either width; the new list comes from malloc. */
REFMON_HIDDEN NTSTATUS NTAPI rm_set_entries(ULONG Count, PVOID List, PACL Old, PACL *New, BOOLEAN Wide);

/* The SID of a trustee, from malloc; the rights a list gives it, or with Failed the two kinds it audits.
 * Trustees are of either width. */
REFMON_HIDDEN NTSTATUS NTAPI rm_trustee_sid(PVOID Trustee, BOOLEAN Wide, PSID *Sid);
REFMON_HIDDEN NTSTATUS NTAPI rm_acl_rights(PACL Acl, PVOID Trustee, BOOLEAN Wide, PACCESS_MASK Rights,
	PACCESS_MASK Failed);

/* Accounts; a NULL Sid is the user of the effective token. Results come from malloc; Units are those of the
 * text and of the domain, terminators included. */
REFMON_HIDDEN NTSTATUS NTAPI rm_account_name(PSID Sid, PWSTR *Name, PWSTR *Domain, PULONG Units, PULONG Use);
REFMON_HIDDEN NTSTATUS NTAPI rm_account_sid(PCWSTR Name, PSID *Sid, PWSTR *Domain, PULONG Units, PULONG Use);

/* LogonUser; Domain and Password may be NULL. */
REFMON_HIDDEN NTSTATUS NTAPI rm_logon_user(PCWSTR Name, PCWSTR Domain, PCWSTR Password, ULONG Type, PHANDLE Token);

/* The SID of the computer, which is the domain of its accounts. */
REFMON_HIDDEN NTSTATUS NTAPI rm_computer(PSID *Sid);

/* Conversions of text. Results come from malloc. */
REFMON_HIDDEN NTSTATUS NTAPI rm_parse_descriptor(PCWSTR Text, PVOID *Descriptor, PULONG Size);
REFMON_HIDDEN NTSTATUS NTAPI rm_format_descriptor(PSECURITY_DESCRIPTOR Descriptor, SECURITY_INFORMATION Information,
	PWSTR *Text, PULONG Units);
REFMON_HIDDEN NTSTATUS NTAPI rm_parse_sid(PCWSTR Text, PSID *Sid);
REFMON_HIDDEN NTSTATUS NTAPI rm_format_sid(PSID Sid, PWSTR *Text, PULONG Units);
REFMON_HIDDEN NTSTATUS NTAPI rm_privilege_value(PCWSTR Name, PLUID Luid);
REFMON_HIDDEN NTSTATUS NTAPI rm_privilege_name(PLUID Luid, PWSTR *Name, PULONG Units);

#endif
