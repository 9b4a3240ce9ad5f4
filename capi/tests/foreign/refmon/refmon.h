/*
 * In place of our headers: those of Wine's development package (libwine-dev),
 * which declare the same functions, structures and constants independently, and
 * functions as hidden. Compiled with it, the tests show that code written for
 * Windows headers works with librefmon-ms.
 */
#ifndef FOREIGN_REFMON_H
#define FOREIGN_REFMON_H

#define FOREIGN_HEADERS

#include <stdarg.h>
#include <stdint.h>
#include <ntstatus.h>
#define WIN32_NO_STATUS
#include <windef.h>
#include <winbase.h>
#include <winternl.h>
#include <aclapi.h>
#include <sddl.h>
#include <ntsecapi.h>
#undef small /* rpcndr.h */

/* What is younger than the package, or only in headers of the driver kit. */
#define TokenPrivateNameSpace 42
#define TokenSingletonAttributes 43
#define TokenBnoIsolation 44
#define TokenChildProcessFlags 45
#define TokenIsLessPrivilegedAppContainer 46
#define TokenIsSandboxed 47
#define TokenIsAppSilo 48
#define TokenLoggingInformation 49
#define TokenLearningMode 50
#define SidTypeLabel 10
#define WinAuthenticationFreshKeyAuthSid 118
#define WinBuiltinDeviceOwnersSid 119
#ifndef ACL_REVISION_DS
#define ACL_REVISION_DS 4
#endif
#ifndef PROTECTED_DACL_SECURITY_INFORMATION
#define PROTECTED_DACL_SECURITY_INFORMATION 0x80000000
#define UNPROTECTED_DACL_SECURITY_INFORMATION 0x20000000
#endif
#ifndef FILE_PIPE_MESSAGE_TYPE
#define FILE_PIPE_BYTE_STREAM_TYPE 0
#define FILE_PIPE_MESSAGE_TYPE 1
#define FILE_PIPE_REJECT_REMOTE_CLIENTS 2
#define FILE_PIPE_UNLIMITED_INSTANCES 0xffffffff
#endif
#ifndef LOGON32_LOGON_INTERACTIVE
#define LOGON32_LOGON_INTERACTIVE 2
#define LOGON32_LOGON_NETWORK 3
#define LOGON32_LOGON_BATCH 4
#define LOGON32_PROVIDER_DEFAULT 0
#define LOGON32_PROVIDER_WINNT50 3
#endif
#ifndef JOB_OBJECT_SECURITY_NO_ADMIN
#define JOB_OBJECT_SECURITY_NO_ADMIN 1
#define JOB_OBJECT_SECURITY_RESTRICTED_TOKEN 2
#define JOB_OBJECT_SECURITY_ONLY_TOKEN 4
#define JOB_OBJECT_SECURITY_FILTER_TOKENS 8
#endif

#define NtCurrentProcessToken() ((HANDLE)~(ULONG_PTR)3)
#define NtCurrentThreadToken() ((HANDLE)~(ULONG_PTR)4)
#define NtCurrentEffectiveToken() ((HANDLE)~(ULONG_PTR)5)
NTSTATUS NTAPI NtAccessCheckByType(PSECURITY_DESCRIPTOR, PSID, HANDLE, ACCESS_MASK, POBJECT_TYPE_LIST, ULONG,
	PGENERIC_MAPPING, PPRIVILEGE_SET, PULONG, PACCESS_MASK, NTSTATUS *);
NTSTATUS NTAPI NtAccessCheckByTypeResultList(PSECURITY_DESCRIPTOR, PSID, HANDLE, ACCESS_MASK, POBJECT_TYPE_LIST, ULONG,
	PGENERIC_MAPPING, PPRIVILEGE_SET, PULONG, PACCESS_MASK, NTSTATUS *);
NTSTATUS NTAPI NtCompareTokens(HANDLE, HANDLE, PBOOLEAN);
NTSTATUS NTAPI ZwClose(HANDLE);
NTSTATUS NTAPI ZwOpenProcessToken(HANDLE, ACCESS_MASK, PHANDLE);
BOOL WINAPI AccessCheckByTypeResultList(PSECURITY_DESCRIPTOR, PSID, HANDLE, DWORD, POBJECT_TYPE_LIST, DWORD,
	PGENERIC_MAPPING, PPRIVILEGE_SET, LPDWORD, LPDWORD, LPDWORD);
BOOL WINAPI AddAccessAllowedObjectAce(PACL, DWORD, DWORD, DWORD, GUID *, GUID *, PSID);
BOOL WINAPI ImpersonateAnonymousToken(HANDLE);
DWORD WINAPI GetAuditedPermissionsFromAclA(PACL, PTRUSTEEA, PACCESS_MASK, PACCESS_MASK);
DWORD WINAPI GetAuditedPermissionsFromAclW(PACL, PTRUSTEEW, PACCESS_MASK, PACCESS_MASK);
DWORD WINAPI LookupSecurityDescriptorPartsA(PTRUSTEEA *, PTRUSTEEA *, PULONG, PEXPLICIT_ACCESSA *, PULONG,
	PEXPLICIT_ACCESSA *, PSECURITY_DESCRIPTOR);
DWORD WINAPI LookupSecurityDescriptorPartsW(PTRUSTEEW *, PTRUSTEEW *, PULONG, PEXPLICIT_ACCESSW *, PULONG,
	PEXPLICIT_ACCESSW *, PSECURITY_DESCRIPTOR);

#endif
