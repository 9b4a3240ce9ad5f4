/* Services for the C files of this folder, not for programs. */
#ifndef REFMON_INTERNAL_H
#define REFMON_INTERNAL_H

#include <refmon/refmon.h>
#include "enter.h"

#define REFMON_HIDDEN extern __attribute__((visibility("hidden")))

/* Adds an entry at the end of a list; both GUIDs may be NULL. */
REFMON_HIDDEN NTSTATUS NTAPI rm_add_ace(PACL Acl, ULONG Revision, ULONG Type, ULONG Flags, ACCESS_MASK Mask, PSID Sid, GUID *ObjectType, GUID *InheritedObjectType);
REFMON_HIDDEN NTSTATUS NTAPI rm_impersonate_self(SECURITY_IMPERSONATION_LEVEL Level);
REFMON_HIDDEN NTSTATUS NTAPI rm_impersonate_user(HANDLE Token);

/* Conversions of text. Results come from malloc. */
REFMON_HIDDEN NTSTATUS NTAPI rm_parse_descriptor(PCWSTR Text, PVOID *Descriptor, PULONG Size);
REFMON_HIDDEN NTSTATUS NTAPI rm_format_descriptor(PSECURITY_DESCRIPTOR Descriptor, SECURITY_INFORMATION Information, PWSTR *Text, PULONG Units);
REFMON_HIDDEN NTSTATUS NTAPI rm_parse_sid(PCWSTR Text, PSID *Sid);
REFMON_HIDDEN NTSTATUS NTAPI rm_format_sid(PSID Sid, PWSTR *Text, PULONG Units);
REFMON_HIDDEN NTSTATUS NTAPI rm_privilege_value(PCWSTR Name, PLUID Luid);
REFMON_HIDDEN NTSTATUS NTAPI rm_privilege_name(PLUID Luid, PWSTR *Name, PULONG Units);

#endif
