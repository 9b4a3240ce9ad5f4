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

DWORD WINAPI GetSecurityInfo(HANDLE h, SE_OBJECT_TYPE type, SECURITY_INFORMATION info, PSID *owner, PSID *group,
	PACL *dacl, PACL *sacl, PSECURITY_DESCRIPTOR *out)
{
	DWORD error = check_type(type);
	if (error)
		return error;
	if (!out) /* nothing is asked for, or parts of a descriptor that the caller could not free */
		return ERROR_INVALID_PARAMETER;
	PSECURITY_DESCRIPTOR d = NULL;
	ULONG n = 0;
	NTSTATUS st;
	/* It may have grown since it told its size. */
	while ((st = NtQuerySecurityObject(h, info, d, n, &n)) == STATUS_BUFFER_TOO_SMALL) {
		free(d);
		if (!(d = malloc(n)))
			return ERROR_NOT_ENOUGH_MEMORY;
	}
	if (!NT_SUCCESS(st)) {
		free(d);
		return RtlNtStatusToDosError(st);
	}
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
	*out = d;
	return ERROR_SUCCESS;
}

/* Parts that info does not name are ignored; a NULL DACL that it names grants
 * everyone everything. The kernel does the PROTECTED and UNPROTECTED bits. */
DWORD WINAPI SetSecurityInfo(HANDLE h, SE_OBJECT_TYPE type, SECURITY_INFORMATION info, PSID owner, PSID group,
	PACL dacl, PACL sacl)
{
	DWORD error = check_type(type);
	if (error)
		return error;
	SECURITY_DESCRIPTOR d;
	InitializeSecurityDescriptor(&d, SECURITY_DESCRIPTOR_REVISION);
	if (info & (OWNER_SECURITY_INFORMATION | BACKUP_SECURITY_INFORMATION))
		d.Owner = owner;
	if (info & (GROUP_SECURITY_INFORMATION | BACKUP_SECURITY_INFORMATION))
		d.Group = group;
	if (info & (DACL_SECURITY_INFORMATION | BACKUP_SECURITY_INFORMATION)) {
		d.Control |= SE_DACL_PRESENT;
		d.Dacl = dacl;
	}
	if (info & IN_SACL) {
		d.Control |= SE_SACL_PRESENT;
		d.Sacl = sacl;
	}
	return RtlNtStatusToDosError(NtSetSecurityObject(h, info, &d));
}

/* A handle to the object of that name, for the rights that the parts take. */
static DWORD open_object(LPCWSTR name, SE_OBJECT_TYPE type, DWORD access, HANDLE *h)
{
	DWORD error = check_type(type);
	if (error)
		return error;
	if (!name || !*name)
		return ERROR_INVALID_PARAMETER;
	return RtlNtStatusToDosError(type == SE_FILE_OBJECT ? rm_open_file(name, access, h) : rm_open_named(name, access, h));
}

DWORD WINAPI GetNamedSecurityInfoW(LPCWSTR name, SE_OBJECT_TYPE type, SECURITY_INFORMATION info, PSID *owner,
	PSID *group, PACL *dacl, PACL *sacl, PSECURITY_DESCRIPTOR *out)
{
	HANDLE h;
	DWORD access;
	if (!out)
		return ERROR_INVALID_PARAMETER;
	QuerySecurityAccessMask(info, &access);
	DWORD error = open_object(name, type, access, &h);
	if (error)
		return error;
	error = GetSecurityInfo(h, type, info, owner, group, dacl, sacl, out);
	NtClose(h);
	return error;
}

DWORD WINAPI GetNamedSecurityInfoA(LPCSTR name, SE_OBJECT_TYPE type, SECURITY_INFORMATION info, PSID *owner,
	PSID *group, PACL *dacl, PACL *sacl, PSECURITY_DESCRIPTOR *out)
{
	PWSTR w = widen(name);
	DWORD error = GetNamedSecurityInfoW(w, type, info, owner, group, dacl, sacl, out);
	free(w);
	return error;
}

DWORD WINAPI SetNamedSecurityInfoW(LPWSTR name, SE_OBJECT_TYPE type, SECURITY_INFORMATION info, PSID owner, PSID group,
	PACL dacl, PACL sacl)
{
	HANDLE h;
	DWORD access;
	SetSecurityAccessMask(info, &access);
	DWORD error = open_object(name, type, access, &h);
	if (error)
		return error;
	error = SetSecurityInfo(h, type, info, owner, group, dacl, sacl);
	NtClose(h);
	return error;
}

DWORD WINAPI SetNamedSecurityInfoA(LPSTR name, SE_OBJECT_TYPE type, SECURITY_INFORMATION info, PSID owner, PSID group,
	PACL dacl, PACL sacl)
{
	PWSTR w = widen(name);
	DWORD error = SetNamedSecurityInfoW(w, type, info, owner, group, dacl, sacl);
	free(w);
	return error;
}

/* Files by name, which are pipes. */
BOOL WINAPI GetFileSecurityW(LPCWSTR name, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR d, DWORD length,
	LPDWORD needed)
{
	HANDLE h;
	DWORD access;
	QuerySecurityAccessMask(info, &access);
	DWORD error = open_object(name, SE_FILE_OBJECT, access, &h);
	if (error)
		return fail(error);
	BOOL r = GetKernelObjectSecurity(h, info, d, length, needed);
	NtClose(h);
	return r;
}

BOOL WINAPI GetFileSecurityA(LPCSTR name, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR d, DWORD length,
	LPDWORD needed)
{
	PWSTR w = widen(name);
	BOOL r = GetFileSecurityW(w, info, d, length, needed);
	free(w);
	return r;
}

BOOL WINAPI SetFileSecurityW(LPCWSTR name, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR d)
{
	HANDLE h;
	DWORD access;
	SetSecurityAccessMask(info, &access);
	DWORD error = open_object(name, SE_FILE_OBJECT, access, &h);
	if (error)
		return fail(error);
	BOOL r = SetKernelObjectSecurity(h, info, d);
	NtClose(h);
	return r;
}

BOOL WINAPI SetFileSecurityA(LPCSTR name, SECURITY_INFORMATION info, PSECURITY_DESCRIPTOR d)
{
	PWSTR w = widen(name);
	BOOL r = SetFileSecurityW(w, info, d);
	free(w);
	return r;
}
