/* Descriptors of objects that a program keeps itself. */
#include <stdlib.h>
#include "internal.h"

NTSTATUS NTAPI RtlNewSecurityObjectWithMultipleInheritance(PSECURITY_DESCRIPTOR parent, PSECURITY_DESCRIPTOR creator,
	PSECURITY_DESCRIPTOR *d, GUID **types, ULONG count, BOOLEAN container, ULONG flags, HANDLE token,
	PGENERIC_MAPPING mapping)
{
	return rm_assign(parent, creator, d, types, count, container, flags, token, mapping);
}

NTSTATUS NTAPI RtlNewSecurityObjectEx(PSECURITY_DESCRIPTOR parent, PSECURITY_DESCRIPTOR creator,
	PSECURITY_DESCRIPTOR *d, GUID *type, BOOLEAN container, ULONG flags, HANDLE token, PGENERIC_MAPPING mapping)
{
	return rm_assign(parent, creator, d, &type, type ? 1 : 0, container, flags, token, mapping);
}

NTSTATUS NTAPI RtlNewSecurityObject(PSECURITY_DESCRIPTOR parent, PSECURITY_DESCRIPTOR creator, PSECURITY_DESCRIPTOR *d,
	BOOLEAN container, HANDLE token, PGENERIC_MAPPING mapping)
{
	return RtlNewSecurityObjectEx(parent, creator, d, NULL, container, 0, token, mapping);
}

NTSTATUS NTAPI RtlDeleteSecurityObject(PSECURITY_DESCRIPTOR *d)
{
	free(*d);
	*d = NULL;
	return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlQuerySecurityObject(PSECURITY_DESCRIPTOR d, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR out,
	ULONG length, PULONG needed)
{
	return rm_select_parts(d, info, out, length, needed);
}

NTSTATUS NTAPI RtlSetSecurityObjectEx(SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR change, PSECURITY_DESCRIPTOR *d,
	ULONG flags, PGENERIC_MAPPING mapping, HANDLE token)
{
	PSECURITY_DESCRIPTOR n;
	NTSTATUS st = rm_set_parts(info, change, *d, &n, mapping, flags, token);
	if (NT_SUCCESS(st)) {
		free(*d);
		*d = n;
	}
	return st;
}

NTSTATUS NTAPI RtlSetSecurityObject(SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR change, PSECURITY_DESCRIPTOR *d,
	PGENERIC_MAPPING mapping, HANDLE token)
{
	return RtlSetSecurityObjectEx(info, change, d, 0, mapping, token);
}
