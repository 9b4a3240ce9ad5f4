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

BOOL WINAPI LogonUserA(LPCSTR lpszUsername, LPCSTR lpszDomain, LPCSTR lpszPassword, DWORD dwLogonType,
	DWORD dwLogonProvider, PHANDLE phToken)
{
	PWSTR name = widen(lpszUsername), domain = widen(lpszDomain), password = widen(lpszPassword);
	BOOL r = LogonUserW(name, domain, password, dwLogonType, dwLogonProvider, phToken);
	DWORD code = GetLastError();
	if (password)
		explicit_bzero(password, 2 * strlen(lpszPassword));
	free(name);
	free(domain);
	free(password);
	SetLastError(code);
	return r;
}
