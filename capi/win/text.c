/* SDDL, SIDs and privileges as text; named events. */
#include "win.h"

BOOL WINAPI ConvertStringSecurityDescriptorToSecurityDescriptorW(LPCWSTR text, DWORD revision, PSECURITY_DESCRIPTOR *d,
	PULONG size)
{
	if (!text || !d)
		return fail(ERROR_INVALID_PARAMETER);
	if (revision != SDDL_REVISION_1)
		return fail(ERROR_UNKNOWN_REVISION);
	return done(rm_parse_descriptor(text, d, size));
}

BOOL WINAPI ConvertStringSecurityDescriptorToSecurityDescriptorA(LPCSTR text, DWORD revision, PSECURITY_DESCRIPTOR *d,
	PULONG size)
{
	PWSTR w = widen(text);
	BOOL r = ConvertStringSecurityDescriptorToSecurityDescriptorW(w, revision, d, size);
	free(w);
	return r;
}

BOOL WINAPI ConvertSecurityDescriptorToStringSecurityDescriptorW(PSECURITY_DESCRIPTOR d, DWORD revision,
	SECURITY_INFORMATION info, LPWSTR *text, PULONG length)
{
	if (revision != SDDL_REVISION_1)
		return fail(ERROR_UNKNOWN_REVISION);
	return done(rm_format_descriptor(d, info, text, length));
}

BOOL WINAPI ConvertSecurityDescriptorToStringSecurityDescriptorA(PSECURITY_DESCRIPTOR d, DWORD revision,
	SECURITY_INFORMATION info, LPSTR *text, PULONG length)
{
	PWSTR w;
	ULONG n;
	if (!ConvertSecurityDescriptorToStringSecurityDescriptorW(d, revision, info, &w, &n))
		return FALSE;
	*text = narrow(w, n);
	if (length)
		*length = n;
	return TRUE;
}

BOOL WINAPI ConvertStringSidToSidW(LPCWSTR text, PSID *sid)
{
	if (!text || !sid)
		return fail(ERROR_INVALID_PARAMETER);
	return done(rm_parse_sid(text, sid));
}

BOOL WINAPI ConvertStringSidToSidA(LPCSTR text, PSID *sid)
{
	PWSTR w = widen(text);
	BOOL r = ConvertStringSidToSidW(w, sid);
	free(w);
	return r;
}

BOOL WINAPI ConvertSidToStringSidW(PSID sid, LPWSTR *text)
{
	if (!text || !sid) /* documented: most often a pointer that is not valid */
		return fail(ERROR_INVALID_PARAMETER);
	if (!RtlValidSid(sid))
		return fail(ERROR_INVALID_SID);
	return done(rm_format_sid(sid, text, NULL));
}

BOOL WINAPI ConvertSidToStringSidA(PSID sid, LPSTR *text)
{
	PWSTR w;
	ULONG n;
	if (!text || !sid) /* documented: most often a pointer that is not valid */
		return fail(ERROR_INVALID_PARAMETER);
	if (!RtlValidSid(sid))
		return fail(ERROR_INVALID_SID);
	if (!done(rm_format_sid(sid, &w, &n)))
		return FALSE;
	*text = narrow(w, n);
	return TRUE;
}

/* Only the local system is known. */
BOOL WINAPI LookupPrivilegeValueW(LPCWSTR system, LPCWSTR name, PLUID luid)
{
	if (!rm_here(system))
		return FALSE;
	if (!name)
		return fail(ERROR_NO_SUCH_PRIVILEGE);
	return done(rm_privilege_value(name, luid));
}

BOOL WINAPI LookupPrivilegeValueA(LPCSTR system, LPCSTR name, PLUID luid)
{
	if (!rm_here_a(system))
		return FALSE;
	PWSTR w = widen(name);
	BOOL r = LookupPrivilegeValueW(NULL, w, luid);
	free(w);
	return r;
}

BOOL WINAPI LookupPrivilegeNameW(LPCWSTR system, PLUID luid, LPWSTR name, LPDWORD cch)
{
	PWSTR w;
	ULONG n;
	if (!rm_here(system) || !done(rm_privilege_name(luid, &w, &n)))
		return FALSE;
	BOOL fits = *cch >= n;
	if (fits)
		memcpy(name, w, 2 * (size_t)n);
	*cch = fits ? n - 1 : n; /* without the terminator, or what is needed with it */
	free(w);
	return fits ? TRUE : fail(ERROR_INSUFFICIENT_BUFFER);
}

BOOL WINAPI LookupPrivilegeNameA(LPCSTR system, PLUID luid, LPSTR name, LPDWORD cch)
{
	PWSTR w;
	ULONG n;
	if (!rm_here_a(system) || !done(rm_privilege_name(luid, &w, &n)))
		return FALSE;
	BOOL fits = *cch >= n;
	if (fits)
		memcpy(name, narrow(w, n), n);
	*cch = fits ? n - 1 : n;
	free(w);
	return fits ? TRUE : fail(ERROR_INSUFFICIENT_BUFFER);
}
