/* Private objects as BOOL and last error. */
#include "win.h"

BOOL WINAPI CreatePrivateObjectSecurityWithMultipleInheritance(PSECURITY_DESCRIPTOR parent,
	PSECURITY_DESCRIPTOR creator, PSECURITY_DESCRIPTOR *d, GUID **types, ULONG count, BOOL container, ULONG flags,
	HANDLE token, PGENERIC_MAPPING mapping)
{
	return done(RtlNewSecurityObjectWithMultipleInheritance(parent, creator, d, types, count, container != 0, flags, token,
		mapping));
}

BOOL WINAPI CreatePrivateObjectSecurityEx(PSECURITY_DESCRIPTOR parent, PSECURITY_DESCRIPTOR creator,
	PSECURITY_DESCRIPTOR *d, GUID *type, BOOL container, ULONG flags, HANDLE token, PGENERIC_MAPPING mapping)
{
	return done(RtlNewSecurityObjectEx(parent, creator, d, type, container != 0, flags, token, mapping));
}

BOOL WINAPI CreatePrivateObjectSecurity(PSECURITY_DESCRIPTOR parent, PSECURITY_DESCRIPTOR creator,
	PSECURITY_DESCRIPTOR *d, BOOL container, HANDLE token, PGENERIC_MAPPING mapping)
{
	return done(RtlNewSecurityObject(parent, creator, d, container != 0, token, mapping));
}

BOOL WINAPI DestroyPrivateObjectSecurity(PSECURITY_DESCRIPTOR *d) { return done(RtlDeleteSecurityObject(d)); }

BOOL WINAPI GetPrivateObjectSecurity(PSECURITY_DESCRIPTOR d, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR out,
	DWORD length, PDWORD needed)
{
	return done(RtlQuerySecurityObject(d, info, out, length, needed));
}

BOOL WINAPI SetPrivateObjectSecurityEx(SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR change, PSECURITY_DESCRIPTOR *d,
	ULONG flags, PGENERIC_MAPPING mapping, HANDLE token)
{
	return done(RtlSetSecurityObjectEx(info, change, d, flags, mapping, token));
}

BOOL WINAPI SetPrivateObjectSecurity(SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR change, PSECURITY_DESCRIPTOR *d,
	PGENERIC_MAPPING mapping, HANDLE token)
{
	return done(RtlSetSecurityObject(info, change, d, mapping, token));
}
