/* Descriptors and SIDs as text. The A forms take and give one byte a character, U+0000 to U+00FF. */
#ifndef REFMON_SDDL_H
#define REFMON_SDDL_H

#include <refmon/rtl.h>

#define SDDL_REVISION_1 1
REFMON_API BOOL WINAPI ConvertStringSecurityDescriptorToSecurityDescriptorW(LPCWSTR StringSecurityDescriptor,
	DWORD StringSDRevision, PSECURITY_DESCRIPTOR *SecurityDescriptor, PULONG SecurityDescriptorSize);
REFMON_API BOOL WINAPI ConvertStringSecurityDescriptorToSecurityDescriptorA(LPCSTR StringSecurityDescriptor,
	DWORD StringSDRevision, PSECURITY_DESCRIPTOR *SecurityDescriptor, PULONG SecurityDescriptorSize);
REFMON_API BOOL WINAPI ConvertSecurityDescriptorToStringSecurityDescriptorW(PSECURITY_DESCRIPTOR SecurityDescriptor,
	DWORD RequestedStringSDRevision, SECURITY_INFORMATION SecurityInformation, LPWSTR *StringSecurityDescriptor,
	PULONG StringSecurityDescriptorLen);
REFMON_API BOOL WINAPI ConvertSecurityDescriptorToStringSecurityDescriptorA(PSECURITY_DESCRIPTOR SecurityDescriptor,
	DWORD RequestedStringSDRevision, SECURITY_INFORMATION SecurityInformation, LPSTR *StringSecurityDescriptor,
	PULONG StringSecurityDescriptorLen);
REFMON_API BOOL WINAPI ConvertStringSidToSidW(LPCWSTR StringSid, PSID *Sid);
REFMON_API BOOL WINAPI ConvertStringSidToSidA(LPCSTR StringSid, PSID *Sid);
REFMON_API BOOL WINAPI ConvertSidToStringSidW(PSID Sid, LPWSTR *StringSid);
REFMON_API BOOL WINAPI ConvertSidToStringSidA(PSID Sid, LPSTR *StringSid);
REFMON_API BOOL WINAPI LookupPrivilegeValueW(LPCWSTR lpSystemName, LPCWSTR lpName, PLUID lpLuid);
REFMON_API BOOL WINAPI LookupPrivilegeValueA(LPCSTR lpSystemName, LPCSTR lpName, PLUID lpLuid);
REFMON_API BOOL WINAPI LookupPrivilegeNameW(LPCWSTR lpSystemName, PLUID lpLuid, LPWSTR lpName, LPDWORD cchName);
REFMON_API BOOL WINAPI LookupPrivilegeNameA(LPCSTR lpSystemName, PLUID lpLuid, LPSTR lpName, LPDWORD cchName);

#endif
