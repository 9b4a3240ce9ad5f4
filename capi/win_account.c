/* Well-known accounts by SID and by name. */
#include "win.h"

/* What a look-up found; text is of either width. */
struct found {
	PWSTR name, domain;
	PSID sid;
	ULONG units[2], use; /* units of name and domain, with terminators */
};

static BOOL leave(struct found *f, DWORD code)
{
	free(f->name);
	free(f->domain);
	free(f->sid);
	return code ? fail(code) : TRUE;
}

static void copy(LPVOID to, PWSTR text, ULONG units, LPDWORD cch, BOOLEAN wide)
{
	memcpy(to, wide ? (LPVOID)text : (LPVOID)narrow(text, units), wide ? 2 * (size_t)units : units);
	*cch = units - 1;
}

/* Only the local system is known. */
static BOOL by_sid(PSID sid, LPVOID name, LPDWORD cchName, LPVOID domain, LPDWORD cchDomain, PSID_NAME_USE use, BOOLEAN wide)
{
	struct found f = {0};
	if (!sid || !cchName || !cchDomain || !use || (!name && *cchName) || (!domain && *cchDomain))
		return fail(ERROR_INVALID_PARAMETER);
	NTSTATUS st = rm_account_name(sid, &f.name, &f.domain, f.units, &f.use);
	if (!NT_SUCCESS(st))
		return leave(&f, RtlNtStatusToDosError(st));
	if (*cchName < f.units[0] || *cchDomain < f.units[1]) {
		*cchName = f.units[0];
		*cchDomain = f.units[1];
		return leave(&f, ERROR_INSUFFICIENT_BUFFER);
	}
	copy(name, f.name, f.units[0], cchName, wide);
	copy(domain, f.domain, f.units[1], cchDomain, wide);
	*use = f.use;
	return leave(&f, ERROR_SUCCESS);
}

BOOL WINAPI LookupAccountSidW(LPCWSTR system, PSID sid, LPWSTR name, LPDWORD cchName, LPWSTR domain, LPDWORD cchDomain, PSID_NAME_USE use)
{
	(void)system;
	return by_sid(sid, name, cchName, domain, cchDomain, use, TRUE);
}

BOOL WINAPI LookupAccountSidA(LPCSTR system, PSID sid, LPSTR name, LPDWORD cchName, LPSTR domain, LPDWORD cchDomain, PSID_NAME_USE use)
{
	(void)system;
	return by_sid(sid, name, cchName, domain, cchDomain, use, FALSE);
}

static BOOL by_name(LPCWSTR name, PSID sid, LPDWORD size, LPVOID domain, LPDWORD cchDomain, PSID_NAME_USE use, BOOLEAN wide)
{
	struct found f = {0};
	if (!name || !size || !cchDomain || !use || (!sid && *size) || (!domain && *cchDomain))
		return fail(ERROR_INVALID_PARAMETER);
	NTSTATUS st = rm_account_sid(name, &f.sid, &f.domain, f.units, &f.use);
	if (!NT_SUCCESS(st))
		return leave(&f, RtlNtStatusToDosError(st));
	DWORD n = RtlLengthSid(f.sid);
	if (*size < n || *cchDomain < f.units[1]) {
		*size = n;
		*cchDomain = f.units[1];
		return leave(&f, ERROR_INSUFFICIENT_BUFFER);
	}
	memcpy(sid, f.sid, n);
	copy(domain, f.domain, f.units[1], cchDomain, wide);
	*use = f.use;
	return leave(&f, ERROR_SUCCESS);
}

BOOL WINAPI LookupAccountNameW(LPCWSTR system, LPCWSTR name, PSID sid, LPDWORD size, LPWSTR domain, LPDWORD cchDomain, PSID_NAME_USE use)
{
	(void)system;
	return by_name(name, sid, size, domain, cchDomain, use, TRUE);
}

BOOL WINAPI LookupAccountNameA(LPCSTR system, LPCSTR name, PSID sid, LPDWORD size, LPSTR domain, LPDWORD cchDomain, PSID_NAME_USE use)
{
	(void)system;
	PWSTR w = widen(name);
	BOOL r = by_name(w, sid, size, domain, cchDomain, use, FALSE);
	free(w);
	return r;
}
