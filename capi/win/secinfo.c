/* Security of objects in parts, with an error code. */
#include "win.h"

#define IN_SACL \
	(SACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION | ATTRIBUTE_SECURITY_INFORMATION | \
	 SCOPE_SECURITY_INFORMATION | BACKUP_SECURITY_INFORMATION)

/* Whether there are objects of that type here. */
static DWORD check_type(SE_OBJECT_TYPE type)
{
	if (type == SE_KERNEL_OBJECT || type == SE_FILE_OBJECT)
		return ERROR_SUCCESS;
	return (ULONG)type - SE_FILE_OBJECT > SE_REGISTRY_WOW64_64KEY - SE_FILE_OBJECT ? ERROR_INVALID_PARAMETER
		: ERROR_NOT_SUPPORTED;
}

/* The parts of a self-relative descriptor that the caller wants. */
static void take_parts(PSECURITY_DESCRIPTOR d, PSID *owner, PSID *group, PACL *dacl, PACL *sacl)
{
	BOOLEAN present, defaulted;
	if (owner)
		RtlGetOwnerSecurityDescriptor(d, owner, &defaulted);
	if (group)
		RtlGetGroupSecurityDescriptor(d, group, &defaulted);
	if (dacl) {
		*dacl = NULL;
		RtlGetDaclSecurityDescriptor(d, &present, dacl, &defaulted);
	}
	if (sacl) {
		*sacl = NULL;
		RtlGetSaclSecurityDescriptor(d, &present, sacl, &defaulted);
	}
}

DWORD WINAPI GetSecurityInfo(HANDLE h, SE_OBJECT_TYPE type, SECURITY_INFORMATION info, PSID *owner, PSID *group,
	PACL *dacl, PACL *sacl, PSECURITY_DESCRIPTOR *out)
{
	DWORD error = check_type(type);
	if (error)
		return error;
	if (!out) /* nothing is asked for, or parts of a descriptor that the caller could not free */
		return ERROR_INVALID_PARAMETER;
	PSECURITY_DESCRIPTOR d;
	NTSTATUS st = rm_object_security(h, info, &d);
	if (!NT_SUCCESS(st))
		return RtlNtStatusToDosError(st);
	take_parts(d, owner, group, dacl, sacl);
	*out = d;
	return ERROR_SUCCESS;
}

/* Parts that info does not name are ignored; a NULL DACL that it names grants
 * everyone everything. The kernel does the PROTECTED and UNPROTECTED bits. */
static void put_parts(SECURITY_DESCRIPTOR *d, SECURITY_INFORMATION info, PSID owner, PSID group, PACL dacl, PACL sacl)
{
	InitializeSecurityDescriptor(d, SECURITY_DESCRIPTOR_REVISION);
	if (info & (OWNER_SECURITY_INFORMATION | BACKUP_SECURITY_INFORMATION))
		d->Owner = owner;
	if (info & (GROUP_SECURITY_INFORMATION | BACKUP_SECURITY_INFORMATION))
		d->Group = group;
	if (info & (DACL_SECURITY_INFORMATION | BACKUP_SECURITY_INFORMATION)) {
		d->Control |= SE_DACL_PRESENT;
		d->Dacl = dacl;
	}
	if (info & IN_SACL) {
		d->Control |= SE_SACL_PRESENT;
		d->Sacl = sacl;
	}
}

DWORD WINAPI SetSecurityInfo(HANDLE h, SE_OBJECT_TYPE type, SECURITY_INFORMATION info, PSID owner, PSID group,
	PACL dacl, PACL sacl)
{
	DWORD error = check_type(type);
	if (error)
		return error;
	SECURITY_DESCRIPTOR d;
	put_parts(&d, info, owner, group, dacl, sacl);
	return RtlNtStatusToDosError(NtSetSecurityObject(h, info, &d));
}

/* The name of an object as the services know it; the caller frees text. */
static DWORD nt_name(LPCWSTR name, SE_OBJECT_TYPE type, PUNICODE_STRING s, PWSTR *text)
{
	DWORD error = check_type(type);
	if (error)
		return error;
	if (!name || !*name)
		return ERROR_INVALID_PARAMETER;
	return RtlNtStatusToDosError(type == SE_FILE_OBJECT ? rm_file_name(name, s, text) : rm_object_name(name, s, text));
}

DWORD WINAPI GetNamedSecurityInfoW(LPCWSTR name, SE_OBJECT_TYPE type, SECURITY_INFORMATION info, PSID *owner,
	PSID *group, PACL *dacl, PACL *sacl, PSECURITY_DESCRIPTOR *out)
{
	UNICODE_STRING s;
	PWSTR text;
	PSECURITY_DESCRIPTOR d;
	if (!out)
		return ERROR_INVALID_PARAMETER;
	DWORD error = nt_name(name, type, &s, &text);
	if (error)
		return error;
	NTSTATUS st = rm_named_security(&s, info, &d, type == SE_FILE_OBJECT);
	free(text);
	if (!NT_SUCCESS(st))
		return RtlNtStatusToDosError(st);
	take_parts(d, owner, group, dacl, sacl);
	*out = d;
	return ERROR_SUCCESS;
}

static DWORD set_named(LPCWSTR name, SE_OBJECT_TYPE type, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR d)
{
	UNICODE_STRING s;
	PWSTR text;
	DWORD error = nt_name(name, type, &s, &text);
	if (error)
		return error;
	NTSTATUS st = rm_set_named_security(&s, info, d, type == SE_FILE_OBJECT);
	free(text);
	return RtlNtStatusToDosError(st);
}

DWORD WINAPI SetNamedSecurityInfoW(LPWSTR name, SE_OBJECT_TYPE type, SECURITY_INFORMATION info, PSID owner, PSID group,
	PACL dacl, PACL sacl)
{
	SECURITY_DESCRIPTOR d;
	put_parts(&d, info, owner, group, dacl, sacl);
	return set_named(name, type, info, &d);
}

/* Files by name: pipes, devices, and the named files. */
BOOL WINAPI GetFileSecurityW(LPCWSTR name, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR d, DWORD length,
	LPDWORD needed)
{
	UNICODE_STRING s;
	PWSTR text;
	DWORD error = nt_name(name, SE_FILE_OBJECT, &s, &text);
	if (error)
		return fail(error);
	NTSTATUS st = rm_file_security(&s, info, d, length, needed);
	free(text);
	return done(st);
}

BOOL WINAPI SetFileSecurityW(LPCWSTR name, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR d)
{
	DWORD error = set_named(name, SE_FILE_OBJECT, info, d);
	return error ? fail(error) : TRUE;
}
