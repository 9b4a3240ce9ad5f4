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

BOOL WINAPI ConvertSecurityDescriptorToStringSecurityDescriptorW(PSECURITY_DESCRIPTOR d, DWORD revision,
	SECURITY_INFORMATION info, LPWSTR *text, PULONG length)
{
	if (revision != SDDL_REVISION_1)
		return fail(ERROR_UNKNOWN_REVISION);
	return done(rm_format_descriptor(d, info, text, length));
}

BOOL WINAPI ConvertStringSidToSidW(LPCWSTR text, PSID *sid)
{
	if (!text || !sid)
		return fail(ERROR_INVALID_PARAMETER);
	return done(rm_parse_sid(text, sid));
}

BOOL WINAPI ConvertSidToStringSidW(PSID sid, LPWSTR *text)
{
	if (!text || !sid) /* documented: most often a pointer that is not valid */
		return fail(ERROR_INVALID_PARAMETER);
	if (!RtlValidSid(sid))
		return fail(ERROR_INVALID_SID);
	return done(rm_format_sid(sid, text, NULL));
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
