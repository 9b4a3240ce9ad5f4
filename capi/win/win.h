/* What the files of this floor share. */
#ifndef REFMON_WIN_H
#define REFMON_WIN_H

#include <stdlib.h>
#include <string.h>
#include "internal.h"

#define HIDDEN extern __attribute__((visibility("hidden")))

static inline BOOL fail(DWORD code)
{
	SetLastError(code);
	return FALSE;
}

/* The BOOL of a status, with the last error of a failure (O-70). */
static inline BOOL done(NTSTATUS st) { return NT_SUCCESS(st) ? TRUE : fail(RtlNtStatusToDosError(st)); }

/* UTF-16 of that many units as one-byte text, in its own memory. */
static inline LPSTR narrow(PWSTR w, size_t units)
{
	LPSTR s = (LPSTR)w;
	for (size_t i = 0; i < units; i++)
		s[i] = w[i] > 0xFF ? '?' : (char)w[i];
	return s;
}

/* What a function on named objects passes on. */
struct named {
	UNICODE_STRING name;
	PWSTR text; /* freed by rm_made */
	OBJECT_ATTRIBUTES oa;
};

/* Begins a function that makes an object of that name, or opens the one there is. */
HIDDEN BOOL rm_named(struct named *n, LPCWSTR name, LPSECURITY_ATTRIBUTES sa);
/* Ends it; the last error tells whether the object was there. */
HIDDEN BOOL rm_made(struct named *n, NTSTATUS st);
/* Opens by name, with the service for that type of object. */
typedef NTSTATUS(NTAPI *open_service)(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES);
HIDDEN HANDLE rm_open_by(open_service service, DWORD access, BOOL inherit,
	LPCWSTR name);

/* The name in the kernel of what programs open as \\.\NAME, or as NUL; its text belongs to the caller, who frees it.
 * NULL for another name, and without memory. */
HIDDEN PWSTR rm_device_name(LPCWSTR name, PUNICODE_STRING s);

/* The part of \\.\pipe\NAME from NAME on, and its length; NULL for NULL, another name and a longer one. */
HIDDEN LPCWSTR rm_below_pipes(LPCWSTR name, size_t *units);
/* Opens the device of pipes; the caller closes the handle. */
HIDDEN NTSTATUS rm_open_pipes(PHANDLE h);

/* Whether the name of a system is that of the computer, with backslashes in front or not; RPC_S_SERVER_UNAVAILABLE
 * otherwise, since no other can be asked. */
HIDDEN BOOL rm_here(LPCWSTR system);

/* Both forms of the functions that follow the names in structures of trustees; the last parameter tells the width. */
HIDDEN DWORD rm_entries_acl(ULONG count, PEXPLICIT_ACCESS_W list, PACL old, PACL *new, BOOLEAN wide);
HIDDEN DWORD rm_effective_rights(PACL acl, PTRUSTEE_W trustee, PACCESS_MASK rights, BOOLEAN wide);
HIDDEN DWORD rm_audited_permissions(PACL acl, PTRUSTEE_W trustee, PACCESS_MASK success, PACCESS_MASK failure,
	BOOLEAN wide);
HIDDEN DWORD rm_build_descriptor(PTRUSTEE_W owner, PTRUSTEE_W group, ULONG accesses, PEXPLICIT_ACCESS_W access,
	ULONG audits, PEXPLICIT_ACCESS_W audit, PSECURITY_DESCRIPTOR old, PULONG size, PSECURITY_DESCRIPTOR *out,
	BOOLEAN wide);
HIDDEN DWORD rm_descriptor_parts(PTRUSTEE_W *owner, PTRUSTEE_W *group, PULONG accesses, PEXPLICIT_ACCESS_W *access,
	PULONG audits, PEXPLICIT_ACCESS_W *audit, PSECURITY_DESCRIPTOR d, BOOLEAN wide);

/* Names that Win32 functions take, as the services know them; the caller frees text. */
HIDDEN NTSTATUS rm_object_name(LPCWSTR name, PUNICODE_STRING s, PWSTR *text);
HIDDEN NTSTATUS rm_file_name(LPCWSTR name, PUNICODE_STRING s, PWSTR *text);

#endif
