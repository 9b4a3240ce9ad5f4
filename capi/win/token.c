/* Tokens and impersonation: the services as BOOL and last error. */
#include "win.h"

BOOL WINAPI OpenProcessToken(HANDLE process, DWORD access, PHANDLE token)
{
	return done(NtOpenProcessToken(process, access, token));
}

BOOL WINAPI OpenThreadToken(HANDLE thread, DWORD access, BOOL self, PHANDLE token)
{
	return done(NtOpenThreadToken(thread, access, self != 0, token));
}

BOOL WINAPI DuplicateTokenEx(HANDLE existing, DWORD access, LPSECURITY_ATTRIBUTES sa,
	SECURITY_IMPERSONATION_LEVEL level, TOKEN_TYPE type, PHANDLE out)
{
	SECURITY_QUALITY_OF_SERVICE qos = {sizeof qos, level, SECURITY_STATIC_TRACKING, FALSE};
	OBJECT_ATTRIBUTES oa;
	InitializeObjectAttributes(&oa, NULL, sa && sa->bInheritHandle ? OBJ_INHERIT : 0, NULL,
		sa ? sa->lpSecurityDescriptor : NULL);
	oa.SecurityQualityOfService = &qos;
	return done(NtDuplicateToken(existing, access, &oa, FALSE, type, out));
}

BOOL WINAPI DuplicateToken(HANDLE existing, SECURITY_IMPERSONATION_LEVEL level, PHANDLE out)
{
	/* The new handle has TOKEN_IMPERSONATE and TOKEN_QUERY (T-50). */
	return DuplicateTokenEx(existing, TOKEN_IMPERSONATE | TOKEN_QUERY, NULL, level, TokenImpersonation, out);
}

BOOL WINAPI AdjustTokenPrivileges(HANDLE token, BOOL all, PTOKEN_PRIVILEGES state, DWORD length,
	PTOKEN_PRIVILEGES previous, PDWORD returned)
{
	NTSTATUS st = NtAdjustPrivilegesToken(token, all != 0, state, length, previous, returned);
	if (NT_SUCCESS(st)) /* TRUE; the code tells whether all were assigned */
		SetLastError(st == STATUS_NOT_ALL_ASSIGNED ? ERROR_NOT_ALL_ASSIGNED : ERROR_SUCCESS);
	return done(st);
}

BOOL WINAPI AdjustTokenGroups(HANDLE token, BOOL reset, PTOKEN_GROUPS state, DWORD length, PTOKEN_GROUPS previous,
	PDWORD returned)
{
	NTSTATUS st = NtAdjustGroupsToken(token, reset != 0, state, length, previous, returned);
	if (NT_SUCCESS(st))
		SetLastError(st == STATUS_NOT_ALL_ASSIGNED ? ERROR_NOT_ALL_ASSIGNED : ERROR_SUCCESS);
	return done(st);
}

BOOL WINAPI GetTokenInformation(HANDLE token, TOKEN_INFORMATION_CLASS class, LPVOID buffer, DWORD length,
	PDWORD returned)
{
	return done(NtQueryInformationToken(token, class, buffer, length, returned));
}

BOOL WINAPI SetTokenInformation(HANDLE token, TOKEN_INFORMATION_CLASS class, LPVOID buffer, DWORD length)
{
	return done(NtSetInformationToken(token, class, buffer, length));
}

/* Counted arrays as the structures the service takes; NULL for a count of 0 and without memory. */
static PTOKEN_GROUPS groups(DWORD n, PSID_AND_ATTRIBUTES list)
{
	PTOKEN_GROUPS g = n ? malloc(offsetof(TOKEN_GROUPS, Groups) + n * sizeof *list) : NULL;
	if (g) {
		g->GroupCount = n;
		memcpy(g->Groups, list, n * sizeof *list);
	}
	return g;
}

BOOL WINAPI CreateRestrictedToken(HANDLE existing, DWORD flags, DWORD disable, PSID_AND_ATTRIBUTES sids, DWORD delete,
	PLUID_AND_ATTRIBUTES privileges, DWORD restricted, PSID_AND_ATTRIBUTES restrict_, PHANDLE out)
{
	if ((disable && !sids) || (delete && !privileges) || (restricted && !restrict_))
		return fail(ERROR_INVALID_PARAMETER);
	PTOKEN_GROUPS d = groups(disable, sids), r = groups(restricted, restrict_);
	PTOKEN_PRIVILEGES p = delete ? malloc(offsetof(TOKEN_PRIVILEGES, Privileges) + delete * sizeof *privileges) : NULL;
	if (p) {
		p->PrivilegeCount = delete;
		memcpy(p->Privileges, privileges, delete * sizeof *privileges);
	}
	/* Without a list the new token would keep what that list takes away, so there must be memory for it (T-60). */
	BOOL whole = (d || !disable) && (p || !delete) && (r || !restricted);
	NTSTATUS st = whole ? NtFilterToken(existing, flags, d, p, r, out) : STATUS_NO_MEMORY;
	free(d);
	free(r);
	free(p);
	return done(st);
}

BOOL WINAPI IsTokenRestricted(HANDLE token)
{
	DWORD restricted = 0, n;
	NTSTATUS st = NtQueryInformationToken(token, TokenIsRestricted, &restricted, sizeof restricted, &n);
	if (NT_SUCCESS(st))
		SetLastError(ERROR_SUCCESS); /* tells FALSE from a failure */
	return done(st) && restricted;
}

BOOL WINAPI AllocateLocallyUniqueId(PLUID luid) { return done(NtAllocateLocallyUniqueId(luid)); }

BOOL WINAPI SetThreadToken(PHANDLE thread, HANDLE token)
{
	return done(NtSetInformationThread(thread ? *thread : NtCurrentThread(), ThreadImpersonationToken, &token,
		sizeof token));
}

BOOL WINAPI ImpersonateSelf(SECURITY_IMPERSONATION_LEVEL level) { return done(rm_impersonate_self(level)); }

BOOL WINAPI ImpersonateLoggedOnUser(HANDLE token) { return done(rm_impersonate_user(token)); }

BOOL WINAPI ImpersonateAnonymousToken(HANDLE thread) { return done(NtImpersonateAnonymousToken(thread)); }

BOOL WINAPI RevertToSelf(void) { return SetThreadToken(NULL, NULL); }
