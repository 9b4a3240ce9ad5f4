/* Tokens, impersonation, handles: the services as BOOL and last error. */
#include "win.h"

DWORD WINAPI GetLastError(void) { return rm_teb()->last_error; }

void WINAPI SetLastError(DWORD code) { rm_teb()->last_error = code; }

HLOCAL WINAPI LocalFree(HLOCAL p)
{
	free(p);
	return NULL;
}

BOOL WINAPI CloseHandle(HANDLE h) { return done(NtClose(h)); }

BOOL WINAPI DuplicateHandle(HANDLE sourceProcess, HANDLE source, HANDLE targetProcess, LPHANDLE target, DWORD access,
	BOOL inherit, DWORD options)
{
	return done(NtDuplicateObject(sourceProcess, source, targetProcess, target, access, inherit ? OBJ_INHERIT : 0,
		options));
}

BOOL WINAPI CompareObjectHandles(HANDLE a, HANDLE b) { return done(NtCompareObjects(a, b)); }

BOOL WINAPI GetHandleInformation(HANDLE h, LPDWORD flags)
{
	OBJECT_HANDLE_FLAG_INFORMATION f;
	NTSTATUS st = NtQueryObject(h, ObjectHandleFlagInformation, &f, sizeof f, NULL);
	if (NT_SUCCESS(st))
		*flags = (f.Inherit ? HANDLE_FLAG_INHERIT : 0) | (f.ProtectFromClose ? HANDLE_FLAG_PROTECT_FROM_CLOSE : 0);
	return done(st);
}

BOOL WINAPI SetHandleInformation(HANDLE h, DWORD mask, DWORD flags)
{
	OBJECT_HANDLE_FLAG_INFORMATION f;
	NTSTATUS st = NtQueryObject(h, ObjectHandleFlagInformation, &f, sizeof f, NULL);
	if (!NT_SUCCESS(st))
		return done(st);
	if (mask & HANDLE_FLAG_INHERIT)
		f.Inherit = (flags & HANDLE_FLAG_INHERIT) != 0;
	if (mask & HANDLE_FLAG_PROTECT_FROM_CLOSE)
		f.ProtectFromClose = (flags & HANDLE_FLAG_PROTECT_FROM_CLOSE) != 0;
	return done(NtSetInformationObject(h, ObjectHandleFlagInformation, &f, sizeof f));
}

HANDLE WINAPI GetCurrentProcess(void) { return NtCurrentProcess(); }

HANDLE WINAPI GetCurrentThread(void) { return NtCurrentThread(); }

DWORD WINAPI GetCurrentProcessId(void)
{
	CLIENT_ID id;
	refmon_client_id(&id);
	return (DWORD)(uintptr_t)id.UniqueProcess;
}

DWORD WINAPI GetCurrentThreadId(void)
{
	CLIENT_ID id;
	refmon_client_id(&id);
	return (DWORD)(uintptr_t)id.UniqueThread;
}

HANDLE WINAPI OpenProcess(DWORD access, BOOL inherit, DWORD pid)
{
	HANDLE h = NULL;
	CLIENT_ID id = {(HANDLE)(uintptr_t)pid, NULL};
	OBJECT_ATTRIBUTES oa;
	InitializeObjectAttributes(&oa, NULL, inherit ? OBJ_INHERIT : 0, NULL, NULL);
	return done(NtOpenProcess(&h, access, &oa, &id)) ? h : NULL;
}

HANDLE WINAPI OpenThread(DWORD access, BOOL inherit, DWORD tid)
{
	HANDLE h = NULL;
	CLIENT_ID id = {NULL, (HANDLE)(uintptr_t)tid};
	OBJECT_ATTRIBUTES oa;
	InitializeObjectAttributes(&oa, NULL, inherit ? OBJ_INHERIT : 0, NULL, NULL);
	return done(NtOpenThread(&h, access, &oa, &id)) ? h : NULL;
}

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

/* Counted arrays as the structures the service takes; NULL for a count of 0. */
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
	NTSTATUS st = NtFilterToken(existing, flags, d, p, r, out);
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

/* An access check against a descriptor that admits this SID alone. Without a
 * token, the thread's impersonation token or a copy of the process's. */
BOOL WINAPI CheckTokenMembership(HANDLE token, PSID sid, PBOOL member)
{
	static GENERIC_MAPPING mapping = {1, 1, 1, 1};
	HANDLE own = NULL, process;
	NTSTATUS st = STATUS_SUCCESS;
	*member = FALSE;
	if (!token) {
		st = NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &own);
		if (st == STATUS_NO_TOKEN) {
			st = NtOpenProcessToken(NtCurrentProcess(), TOKEN_DUPLICATE, &process);
			if (!NT_SUCCESS(st))
				return done(st);
			BOOL ok = DuplicateToken(process, SecurityIdentification, &own);
			NtClose(process);
			if (!ok)
				return FALSE;
			st = STATUS_SUCCESS;
		}
		if (!NT_SUCCESS(st))
			return done(st);
		token = own;
	}
	if (!RtlValidSid(sid)) {
		if (own)
			NtClose(own);
		return fail(ERROR_INVALID_SID);
	}
	union { ACL acl; char room[sizeof(ACL) + 8 + SECURITY_MAX_SID_SIZE]; } dacl;
	SID_IDENTIFIER_AUTHORITY nt = SECURITY_NT_AUTHORITY;
	SID owner = {SID_REVISION, 1, nt, {SECURITY_LOCAL_SYSTEM_RID}};
	SECURITY_DESCRIPTOR d;
	PRIVILEGE_SET set;
	ULONG length = sizeof set;
	ACCESS_MASK granted;
	NTSTATUS access;
	RtlCreateSecurityDescriptor(&d, SECURITY_DESCRIPTOR_REVISION);
	d.Owner = d.Group = &owner;
	RtlCreateAcl(&dacl.acl, sizeof dacl.room & ~3u, ACL_REVISION);
	st = RtlAddAccessAllowedAce(&dacl.acl, ACL_REVISION, 1, sid);
	RtlSetDaclSecurityDescriptor(&d, TRUE, &dacl.acl, FALSE);
	if (NT_SUCCESS(st))
		st = NtAccessCheck(&d, token, 1, &mapping, &set, &length, &granted, &access);
	if (own)
		NtClose(own);
	if (NT_SUCCESS(st))
		*member = NT_SUCCESS(access) && granted == 1;
	return done(st);
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
