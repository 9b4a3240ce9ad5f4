/* Membership and capabilities of tokens, ids by handle, the SID of an AppContainer. */
#include "win.h"

BOOL WINAPI CheckTokenCapability(HANDLE token, PSID sid, PBOOL has)
{
	*has = FALSE;
	return done(rm_check_capability(token, sid, has));
}

BOOL WINAPI CheckTokenMembership(HANDLE token, PSID sid, PBOOL member)
{
	*member = FALSE;
	return done(rm_check_membership(token, sid, member));
}

BOOL WINAPI CheckTokenMembershipEx(HANDLE token, PSID sid, DWORD flags, PBOOL member)
{
	*member = FALSE;
	return done(rm_check_membership_ex(token, sid, flags, member));
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
