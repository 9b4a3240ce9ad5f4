/*
 * advapi32-style functions: a BOOL result, and for each thread a last error
 * that is set by what fails. Memory they allocate is freed with LocalFree.
 */
#ifndef REFMON_WINBASE_H
#define REFMON_WINBASE_H

#include <refmon/rtl.h>
#include <refmon/securitybaseapi.h>
#include <refmon/sddl.h>
#include <refmon/namedpipeapi.h>
#include <refmon/synchapi.h>

#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)
#define HANDLE_FLAG_INHERIT 1
#define HANDLE_FLAG_PROTECT_FROM_CLOSE 2

/* Errors, handles, memory. */
#define LOGON32_LOGON_INTERACTIVE 2
#define LOGON32_LOGON_NETWORK 3
#define LOGON32_LOGON_BATCH 4
#define LOGON32_LOGON_SERVICE 5
#define LOGON32_LOGON_UNLOCK 7
#define LOGON32_LOGON_NETWORK_CLEARTEXT 8
#define LOGON32_LOGON_NEW_CREDENTIALS 9
#define LOGON32_PROVIDER_DEFAULT 0
#define LOGON32_PROVIDER_WINNT40 2
#define LOGON32_PROVIDER_WINNT50 3
/* The accounts of the embedded computer are those of docs/c-abi.md. */
REFMON_API BOOL WINAPI LogonUserW(LPCWSTR lpszUsername, LPCWSTR lpszDomain, LPCWSTR lpszPassword, DWORD dwLogonType,
	DWORD dwLogonProvider, PHANDLE phToken);
REFMON_API BOOL WINAPI LogonUserA(LPCSTR lpszUsername, LPCSTR lpszDomain, LPCSTR lpszPassword, DWORD dwLogonType,
	DWORD dwLogonProvider, PHANDLE phToken);

REFMON_API DWORD WINAPI GetLastError(void);
REFMON_API void WINAPI SetLastError(DWORD dwErrCode);
REFMON_API HLOCAL WINAPI LocalFree(HLOCAL hMem);
REFMON_API BOOL WINAPI CloseHandle(HANDLE hObject);
REFMON_API BOOL WINAPI DuplicateHandle(HANDLE hSourceProcessHandle, HANDLE hSourceHandle, HANDLE hTargetProcessHandle,
	LPHANDLE lpTargetHandle, DWORD dwDesiredAccess, BOOL bInheritHandle, DWORD dwOptions);
REFMON_API BOOL WINAPI CompareObjectHandles(HANDLE hFirstObjectHandle, HANDLE hSecondObjectHandle);
REFMON_API BOOL WINAPI GetHandleInformation(HANDLE hObject, LPDWORD lpdwFlags);
REFMON_API BOOL WINAPI SetHandleInformation(HANDLE hObject, DWORD dwMask, DWORD dwFlags);
REFMON_API HANDLE WINAPI GetCurrentProcess(void);
REFMON_API HANDLE WINAPI GetCurrentThread(void);
REFMON_API DWORD WINAPI GetCurrentProcessId(void);
REFMON_API DWORD WINAPI GetCurrentThreadId(void);
REFMON_API DWORD WINAPI GetProcessId(HANDLE Process);
REFMON_API DWORD WINAPI GetThreadId(HANDLE Thread);
REFMON_API DWORD WINAPI GetProcessIdOfThread(HANDLE Thread);
REFMON_API HANDLE WINAPI OpenProcess(DWORD dwDesiredAccess, BOOL bInheritHandle, DWORD dwProcessId);
REFMON_API HANDLE WINAPI OpenThread(DWORD dwDesiredAccess, BOOL bInheritHandle, DWORD dwThreadId);

/* Tokens. */
REFMON_API BOOL WINAPI OpenProcessToken(HANDLE ProcessHandle, DWORD DesiredAccess, PHANDLE TokenHandle);
REFMON_API BOOL WINAPI OpenThreadToken(HANDLE ThreadHandle, DWORD DesiredAccess, BOOL OpenAsSelf, PHANDLE TokenHandle);
REFMON_API BOOL WINAPI DuplicateToken(HANDLE ExistingTokenHandle, SECURITY_IMPERSONATION_LEVEL ImpersonationLevel,
	PHANDLE DuplicateTokenHandle);
REFMON_API BOOL WINAPI DuplicateTokenEx(HANDLE hExistingToken, DWORD dwDesiredAccess,
	LPSECURITY_ATTRIBUTES lpTokenAttributes, SECURITY_IMPERSONATION_LEVEL ImpersonationLevel, TOKEN_TYPE TokenType,
	PHANDLE phNewToken);
REFMON_API BOOL WINAPI AdjustTokenPrivileges(HANDLE TokenHandle, BOOL DisableAllPrivileges, PTOKEN_PRIVILEGES NewState,
	DWORD BufferLength, PTOKEN_PRIVILEGES PreviousState, PDWORD ReturnLength);
REFMON_API BOOL WINAPI AdjustTokenGroups(HANDLE TokenHandle, BOOL ResetToDefault, PTOKEN_GROUPS NewState,
	DWORD BufferLength, PTOKEN_GROUPS PreviousState, PDWORD ReturnLength);
REFMON_API BOOL WINAPI GetTokenInformation(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
	LPVOID TokenInformation, DWORD TokenInformationLength, PDWORD ReturnLength);
REFMON_API BOOL WINAPI SetTokenInformation(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
	LPVOID TokenInformation, DWORD TokenInformationLength);
REFMON_API BOOL WINAPI CreateRestrictedToken(HANDLE ExistingTokenHandle, DWORD Flags, DWORD DisableSidCount,
	PSID_AND_ATTRIBUTES SidsToDisable, DWORD DeletePrivilegeCount, PLUID_AND_ATTRIBUTES PrivilegesToDelete,
	DWORD RestrictedSidCount, PSID_AND_ATTRIBUTES SidsToRestrict, PHANDLE NewTokenHandle);
REFMON_API BOOL WINAPI IsTokenRestricted(HANDLE TokenHandle);
REFMON_API BOOL WINAPI CheckTokenMembership(HANDLE TokenHandle, PSID SidToCheck, PBOOL IsMember);
#define CTMF_INCLUDE_APPCONTAINER 1u
#define CTMF_INCLUDE_LPAC 2u
REFMON_API BOOL WINAPI CheckTokenMembershipEx(HANDLE TokenHandle, PSID SidToCheck, DWORD Flags, PBOOL IsMember);
REFMON_API BOOL WINAPI CheckTokenCapability(HANDLE TokenHandle, PSID CapabilitySidToCheck, PBOOL HasCapability);
#define GetCurrentProcessToken() ((HANDLE)(LONG_PTR)-4)
#define GetCurrentThreadToken() ((HANDLE)(LONG_PTR)-5)
#define GetCurrentThreadEffectiveToken() ((HANDLE)(LONG_PTR)-6)
REFMON_API BOOL WINAPI AllocateLocallyUniqueId(PLUID Luid);

/* Impersonation. */
REFMON_API BOOL WINAPI SetThreadToken(PHANDLE Thread, HANDLE Token);
REFMON_API BOOL WINAPI ImpersonateSelf(SECURITY_IMPERSONATION_LEVEL ImpersonationLevel);
REFMON_API BOOL WINAPI ImpersonateLoggedOnUser(HANDLE hToken);
REFMON_API BOOL WINAPI ImpersonateAnonymousToken(HANDLE ThreadHandle);
REFMON_API BOOL WINAPI RevertToSelf(void);

/* Accounts: the well-known ones by their English names, and those of the embedded
 * computer REFMON: Administrator, Guest, User and the group None. A name may have its
 * domain in front, BUILTIN\\Users. lpSystemName is NULL or this computer; another
 * name fails with RPC_S_SERVER_UNAVAILABLE. A buffer that is too small gives
 * ERROR_INSUFFICIENT_BUFFER and both sizes needed, terminators included; on success,
 * cch values are lengths without them and cbSid is unchanged. */
REFMON_API BOOL WINAPI LookupAccountSidW(LPCWSTR lpSystemName, PSID Sid, LPWSTR Name, LPDWORD cchName,
	LPWSTR ReferencedDomainName, LPDWORD cchReferencedDomainName, PSID_NAME_USE peUse);
REFMON_API BOOL WINAPI LookupAccountSidA(LPCSTR lpSystemName, PSID Sid, LPSTR Name, LPDWORD cchName,
	LPSTR ReferencedDomainName, LPDWORD cchReferencedDomainName, PSID_NAME_USE peUse);
REFMON_API BOOL WINAPI LookupAccountNameW(LPCWSTR lpSystemName, LPCWSTR lpAccountName, PSID Sid, LPDWORD cbSid,
	LPWSTR ReferencedDomainName, LPDWORD cchReferencedDomainName, PSID_NAME_USE peUse);
REFMON_API BOOL WINAPI LookupAccountNameA(LPCSTR lpSystemName, LPCSTR lpAccountName, PSID Sid, LPDWORD cbSid,
	LPSTR ReferencedDomainName, LPDWORD cchReferencedDomainName, PSID_NAME_USE peUse);

#define UNLEN 256
#define MAX_COMPUTERNAME_LENGTH 15
/* The account of the user the thread acts as; size counts the terminator, on success too. */
REFMON_API BOOL WINAPI GetUserNameW(LPWSTR lpBuffer, LPDWORD pcbBuffer);
REFMON_API BOOL WINAPI GetUserNameA(LPSTR lpBuffer, LPDWORD pcbBuffer);
REFMON_API BOOL WINAPI GetComputerNameW(LPWSTR lpBuffer, LPDWORD nSize);
REFMON_API BOOL WINAPI GetComputerNameA(LPSTR lpBuffer, LPDWORD nSize);

#endif
