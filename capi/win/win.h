/* What the files of this floor share. */
#ifndef REFMON_WIN_H
#define REFMON_WIN_H

#include <stdlib.h>
#include <string.h>
#include "internal.h"

static inline BOOL fail(DWORD code)
{
	SetLastError(code);
	return FALSE;
}

/* The BOOL of a status, with the last error of a failure (O-70). */
static inline BOOL done(NTSTATUS st) { return NT_SUCCESS(st) ? TRUE : fail(RtlNtStatusToDosError(st)); }

/* A copy of one-byte text as UTF-16; the caller frees it. NULL stays NULL. */
static inline PWSTR widen(LPCSTR s)
{
	size_t n = s ? strlen(s) + 1 : 0;
	PWSTR w = n ? malloc(2 * n) : NULL;
	for (size_t i = 0; w && i < n; i++)
		w[i] = (unsigned char)s[i];
	return w;
}

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
extern __attribute__((visibility("hidden"))) BOOL rm_named(struct named *n, LPCWSTR name, LPSECURITY_ATTRIBUTES sa);
/* Ends it; the last error tells whether the object was there. */
extern __attribute__((visibility("hidden"))) BOOL rm_made(struct named *n, NTSTATUS st);
/* Opens by name, with the service for that type of object. */
typedef NTSTATUS(NTAPI *open_service)(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES);
extern __attribute__((visibility("hidden"))) HANDLE rm_open_by(open_service service, DWORD access, BOOL inherit,
	LPCWSTR name);

/* The name in the kernel of what programs open as \\.\NAME, or as NUL; its text belongs to the caller, who frees it.
 * NULL for another name, and without memory. */
extern __attribute__((visibility("hidden"))) PWSTR rm_device_name(LPCWSTR name, PUNICODE_STRING s);

/* Whether the name of a system is that of the computer, with backslashes in front or not; RPC_S_SERVER_UNAVAILABLE
 * otherwise, since no other can be asked. */
extern __attribute__((visibility("hidden"))) BOOL rm_here(LPCWSTR system);
static inline BOOL rm_here_a(LPCSTR system)
{
	PWSTR w = widen(system);
	BOOL r = rm_here(w);
	free(w);
	return r;
}

/* Names that Win32 functions take, as the services know them; the caller frees text. */
extern __attribute__((visibility("hidden"))) NTSTATUS rm_object_name(LPCWSTR name, PUNICODE_STRING s, PWSTR *text);
extern __attribute__((visibility("hidden"))) NTSTATUS rm_file_name(LPCWSTR name, PUNICODE_STRING s, PWSTR *text);

#endif
