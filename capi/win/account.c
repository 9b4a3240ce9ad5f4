/* Accounts by SID and by name, the current user, the computer. */
#include "win.h"

/* What a lookup found. */
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

static void copy(LPWSTR to, PWSTR text, ULONG units, LPDWORD cch)
{
	if (to)
		memcpy(to, text, 2 * (size_t)units);
	*cch = units - 1;
}

/* Only the local system is known. */
BOOL WINAPI LookupAccountSidW(LPCWSTR system, PSID sid, LPWSTR name, LPDWORD cchName, LPWSTR domain, LPDWORD cchDomain,
	PSID_NAME_USE use)
{
	struct found f = {0};
	if (!rm_here(system))
		return FALSE;
	if (!sid || !cchName || !cchDomain || !use)
		return fail(ERROR_INVALID_PARAMETER);
	NTSTATUS st = rm_account_name(sid, &f.name, &f.domain, f.units, &f.use);
	if (!NT_SUCCESS(st))
		return leave(&f, RtlNtStatusToDosError(st));
	if (*cchName < f.units[0] || *cchDomain < f.units[1]) {
		*cchName = f.units[0];
		*cchDomain = f.units[1];
		return leave(&f, ERROR_INSUFFICIENT_BUFFER);
	}
	copy(name, f.name, f.units[0], cchName);
	copy(domain, f.domain, f.units[1], cchDomain);
	*use = f.use;
	return leave(&f, ERROR_SUCCESS);
}

/* A NULL name is the computer. */
BOOL WINAPI LookupAccountNameW(LPCWSTR system, LPCWSTR name, PSID sid, LPDWORD size, LPWSTR domain, LPDWORD cchDomain,
	PSID_NAME_USE use)
{
	struct found f = {0};
	if (!rm_here(system))
		return FALSE;
	if (!size || !cchDomain || !use)
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
	if (!sid || !domain)
		return leave(&f, ERROR_INVALID_PARAMETER);
	memcpy(sid, f.sid, n);
	copy(domain, f.domain, f.units[1], cchDomain);
	*use = f.use;
	return leave(&f, ERROR_SUCCESS);
}

/* size counts units and, on success, the terminator too. */
BOOL WINAPI GetUserNameW(LPWSTR buffer, LPDWORD size)
{
	struct found f = {0};
	if (!size)
		return fail(ERROR_INVALID_PARAMETER);
	NTSTATUS st = rm_account_name(NULL, &f.name, &f.domain, f.units, &f.use);
	if (!NT_SUCCESS(st))
		return leave(&f, RtlNtStatusToDosError(st));
	BOOL fits = buffer && *size >= f.units[0];
	*size = f.units[0];
	if (!fits)
		return leave(&f, ERROR_INSUFFICIENT_BUFFER);
	copy(buffer, f.name, f.units[0], size);
	*size = f.units[0];
	return leave(&f, ERROR_SUCCESS);
}

/* Finds the computer: its name is f->domain. */
static NTSTATUS computer(struct found *f)
{
	NTSTATUS st = rm_computer(&f->sid);
	return NT_SUCCESS(st) ? rm_account_name(f->sid, &f->name, &f->domain, f->units, &f->use) : st;
}

/* size counts units, and on success does not count the terminator. */
BOOL WINAPI GetComputerNameW(LPWSTR buffer, LPDWORD size)
{
	struct found f = {0};
	if (!size)
		return fail(ERROR_INVALID_PARAMETER);
	NTSTATUS st = computer(&f);
	if (!NT_SUCCESS(st))
		return leave(&f, RtlNtStatusToDosError(st));
	if (!buffer || *size < f.units[1]) {
		*size = f.units[1];
		return leave(&f, ERROR_BUFFER_OVERFLOW);
	}
	copy(buffer, f.domain, f.units[1], size);
	return leave(&f, ERROR_SUCCESS);
}

/* Whether two names are the same in ASCII, in any case. */
static BOOL same_name(LPCWSTR a, LPCWSTR b)
{
	for (;; a++, b++) {
		WCHAR x = *a >= 'A' && *a <= 'Z' ? *a | 0x20 : *a, y = *b >= 'A' && *b <= 'Z' ? *b | 0x20 : *b;
		if (x != y || !x)
			return x == y;
	}
}

BOOL rm_here(LPCWSTR system)
{
	struct found f = {0}; /* the name may be longer than MAX_COMPUTERNAME_LENGTH */
	if (!system || !*system || same_name(system, u".") || same_name(system, u"localhost"))
		return TRUE;
	NTSTATUS st = computer(&f);
	if (!NT_SUCCESS(st))
		return leave(&f, RtlNtStatusToDosError(st));
	if (system[0] == '\\' && system[1] == '\\')
		system += 2;
	return leave(&f, same_name(system, f.domain) ? ERROR_SUCCESS : RPC_S_SERVER_UNAVAILABLE);
}
