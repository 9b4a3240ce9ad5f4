/* Membership and capabilities of tokens, ids by handle, the SID of an AppContainer. */
#include "win.h"

/* The effective token for querying, where none is given; close what is not the one given. */
static NTSTATUS token_or_own(HANDLE token, HANDLE *out)
{
	*out = token;
	if (token)
		return STATUS_SUCCESS;
	NTSTATUS st = NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, out);
	return st == STATUS_NO_TOKEN ? NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY, out) : st;
}

/* Whether a SID is among those of a class of TOKEN_GROUPS, enabled. */
static NTSTATUS among(HANDLE token, TOKEN_INFORMATION_CLASS class, PSID sid, PBOOL member)
{
	HANDLE t;
	ULONG n = 0;
	PTOKEN_GROUPS g = NULL;
	NTSTATUS st = token_or_own(token, &t);
	if (!NT_SUCCESS(st))
		return st;
	while ((st = NtQueryInformationToken(t, class, g, n, &n)) == STATUS_BUFFER_TOO_SMALL) {
		free(g);
		if (!(g = malloc(n))) {
			st = STATUS_NO_MEMORY;
			break;
		}
	}
	for (DWORD i = 0; NT_SUCCESS(st) && i < g->GroupCount; i++)
		if (RtlEqualSid(g->Groups[i].Sid, sid) && g->Groups[i].Attributes & SE_GROUP_ENABLED)
			*member = TRUE;
	free(g);
	if (!token)
		NtClose(t);
	return st;
}

BOOL WINAPI CheckTokenCapability(HANDLE token, PSID sid, PBOOL has)
{
	*has = FALSE;
	if (!RtlValidSid(sid))
		return fail(ERROR_INVALID_SID);
	return done(among(token, TokenCapabilities, sid, has));
}

/* A token of an AppContainer is a member of what its user is in only where the flags
 * say so; a check against a descriptor would ask its package, too. */
BOOL WINAPI CheckTokenMembershipEx(HANDLE token, PSID sid, DWORD flags, PBOOL member)
{
	HANDLE t;
	DWORD container = 0, n, type = TokenImpersonation;
	*member = FALSE;
	if (flags & ~(CTMF_INCLUDE_APPCONTAINER | CTMF_INCLUDE_LPAC))
		return fail(ERROR_INVALID_PARAMETER);
	NTSTATUS st = token_or_own(token, &t);
	if (NT_SUCCESS(st))
		st = NtQueryInformationToken(t, TokenIsAppContainer, &container, sizeof container, &n);
	if (NT_SUCCESS(st) && token)
		st = NtQueryInformationToken(t, TokenType, &type, sizeof type, &n);
	if (!token && t)
		NtClose(t);
	if (!NT_SUCCESS(st))
		return done(st);
	if (!container || !(flags & CTMF_INCLUDE_APPCONTAINER))
		return CheckTokenMembership(token, sid, member);
	if (type == TokenPrimary)
		return fail(ERROR_NO_IMPERSONATION_TOKEN);
	if (!RtlValidSid(sid))
		return fail(ERROR_INVALID_SID);
	return done(among(token, TokenGroups, sid, member));
}

static DWORD id(HANDLE h, BOOLEAN thread, BOOLEAN own)
{
	CLIENT_ID ids;
	if (!done(rm_ids_of(h, thread, &ids)))
		return 0;
	return (DWORD)(uintptr_t)(own ? ids.UniqueThread : ids.UniqueProcess);
}

DWORD WINAPI GetProcessId(HANDLE process) { return id(process, FALSE, FALSE); }

DWORD WINAPI GetThreadId(HANDLE thread) { return id(thread, TRUE, TRUE); }

DWORD WINAPI GetProcessIdOfThread(HANDLE thread) { return id(thread, TRUE, FALSE); }

HRESULT WINAPI DeriveAppContainerSidFromAppContainerName(PCWSTR name, PSID *sid)
{
	if (!name || !sid)
		return E_INVALIDARG;
	return HRESULT_FROM_WIN32(RtlNtStatusToDosError(rm_appcontainer_sid(name, sid)));
}
