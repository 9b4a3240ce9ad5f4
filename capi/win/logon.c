/* Logons, and what look-ups of the local security authority leave to free. */
#include "win.h"

NTSTATUS NTAPI LsaFreeMemory(PVOID Buffer)
{
	free(Buffer);
	return STATUS_SUCCESS;
}

ULONG NTAPI LsaNtStatusToWinError(NTSTATUS Status) { return RtlNtStatusToDosError(Status); }

BOOL WINAPI LogonUserW(LPCWSTR lpszUsername, LPCWSTR lpszDomain, LPCWSTR lpszPassword, DWORD dwLogonType,
	DWORD dwLogonProvider, PHANDLE phToken)
{
	if (!lpszUsername || !phToken || dwLogonProvider > LOGON32_PROVIDER_WINNT50)
		return fail(ERROR_INVALID_PARAMETER);
	return done(rm_logon_user(lpszUsername, lpszDomain, lpszPassword, dwLogonType, phToken));
}
