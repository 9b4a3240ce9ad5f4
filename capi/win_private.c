/* Descriptors of objects that a program keeps itself. */
#include "win.h"

BOOL WINAPI CreatePrivateObjectSecurityEx(PSECURITY_DESCRIPTOR parent, PSECURITY_DESCRIPTOR creator, PSECURITY_DESCRIPTOR *d, GUID *type, BOOL container, ULONG flags, HANDLE token, PGENERIC_MAPPING mapping)
{
	return done(rm_assign(parent, creator, d, type, container != 0, flags, token, mapping));
}

BOOL WINAPI CreatePrivateObjectSecurity(PSECURITY_DESCRIPTOR parent, PSECURITY_DESCRIPTOR creator, PSECURITY_DESCRIPTOR *d, BOOL container, HANDLE token, PGENERIC_MAPPING mapping)
{
	return CreatePrivateObjectSecurityEx(parent, creator, d, NULL, container, 0, token, mapping);
}

BOOL WINAPI DestroyPrivateObjectSecurity(PSECURITY_DESCRIPTOR *d)
{
	free(*d);
	*d = NULL;
	return TRUE;
}

BOOL WINAPI GetPrivateObjectSecurity(PSECURITY_DESCRIPTOR d, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR out, DWORD length, PDWORD needed)
{
	return done(rm_select_parts(d, info, out, length, needed));
}

BOOL WINAPI SetPrivateObjectSecurityEx(SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR change, PSECURITY_DESCRIPTOR *d, ULONG flags, PGENERIC_MAPPING mapping, HANDLE token)
{
	PSECURITY_DESCRIPTOR n;
	NTSTATUS st = rm_set_parts(info, change, *d, &n, mapping, flags, token);
	if (NT_SUCCESS(st)) {
		free(*d);
		*d = n;
	}
	return done(st);
}

BOOL WINAPI SetPrivateObjectSecurity(SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR change, PSECURITY_DESCRIPTOR *d, PGENERIC_MAPPING mapping, HANDLE token)
{
	return SetPrivateObjectSecurityEx(info, change, d, 0, mapping, token);
}
