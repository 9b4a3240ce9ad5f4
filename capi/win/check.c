/* Access and privilege checks as BOOL and last error. */
#include "win.h"

BOOL WINAPI PrivilegeCheck(HANDLE token, PPRIVILEGE_SET set, LPBOOL result)
{
	BOOLEAN b;
	NTSTATUS st = NtPrivilegeCheck(token, set, &b);
	if (NT_SUCCESS(st))
		*result = b;
	return done(st);
}

/* The answer of a check that could be made: FALSE leaves the code. */
static BOOL checked(NTSTATUS st, NTSTATUS access, LPBOOL result)
{
	if (!NT_SUCCESS(st))
		return done(st);
	*result = done(access);
	return TRUE;
}

BOOL WINAPI AccessCheck(PSECURITY_DESCRIPTOR d, HANDLE token, DWORD desired, PGENERIC_MAPPING mapping,
	PPRIVILEGE_SET set, LPDWORD length, LPDWORD granted, LPBOOL result)
{
	NTSTATUS access, st = NtAccessCheck(d, token, desired, mapping, set, length, granted, result ? &access : NULL);
	return checked(st, access, result);
}

BOOL WINAPI AccessCheckByType(PSECURITY_DESCRIPTOR d, PSID self, HANDLE token, DWORD desired, POBJECT_TYPE_LIST list,
	DWORD n, PGENERIC_MAPPING mapping, PPRIVILEGE_SET set, LPDWORD length, LPDWORD granted, LPBOOL result)
{
	NTSTATUS access, st = NtAccessCheckByType(d, self, token, desired, list, n, mapping, set, length, granted,
		result ? &access : NULL);
	return checked(st, access, result);
}

BOOL WINAPI AccessCheckByTypeResultList(PSECURITY_DESCRIPTOR d, PSID self, HANDLE token, DWORD desired,
	POBJECT_TYPE_LIST list, DWORD n, PGENERIC_MAPPING mapping, PPRIVILEGE_SET set, LPDWORD length, LPDWORD granted,
	LPDWORD results)
{
	NTSTATUS st = NtAccessCheckByTypeResultList(d, self, token, desired, list, n, mapping, set, length, granted,
		(PNTSTATUS)results);
	for (DWORD i = 0; NT_SUCCESS(st) && i < n; i++)
		results[i] = results[i] ? RtlNtStatusToDosError(results[i]) : 0; /* 0 or a code */
	return done(st);
}

void WINAPI MapGenericMask(PDWORD mask, PGENERIC_MAPPING mapping) { RtlMapGenericMask(mask, mapping); }

BOOL WINAPI AreAllAccessesGranted(DWORD granted, DWORD desired) { return RtlAreAllAccessesGranted(granted, desired); }

BOOL WINAPI AreAnyAccessesGranted(DWORD granted, DWORD desired) { return RtlAreAnyAccessesGranted(granted, desired); }
