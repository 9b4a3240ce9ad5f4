/* Audit messages as BOOL and last error. */
#include "win.h"

BOOL WINAPI ObjectOpenAuditAlarmW(LPCWSTR subsystem, LPVOID id, LPWSTR type, LPWSTR name, PSECURITY_DESCRIPTOR d,
	HANDLE token, DWORD desired, DWORD granted, PPRIVILEGE_SET privileges, BOOL creation, BOOL access, LPBOOL generate)
{
	UNICODE_STRING s, t, n;
	BOOLEAN b = FALSE;
	RtlInitUnicodeString(&s, subsystem);
	RtlInitUnicodeString(&t, type);
	RtlInitUnicodeString(&n, name);
	NTSTATUS st = NtOpenObjectAuditAlarm(&s, id, &t, &n, d, token, desired, granted, privileges, creation != 0,
		access != 0, generate ? &b : NULL);
	if (NT_SUCCESS(st))
		*generate = b;
	return done(st);
}

BOOL WINAPI ObjectPrivilegeAuditAlarmW(LPCWSTR subsystem, LPVOID id, HANDLE token, DWORD desired,
	PPRIVILEGE_SET privileges, BOOL access)
{
	UNICODE_STRING s;
	RtlInitUnicodeString(&s, subsystem);
	return done(NtPrivilegeObjectAuditAlarm(&s, id, token, desired, privileges, access != 0));
}

BOOL WINAPI PrivilegedServiceAuditAlarmW(LPCWSTR subsystem, LPCWSTR service, HANDLE token, PPRIVILEGE_SET privileges,
	BOOL access)
{
	UNICODE_STRING s, v;
	RtlInitUnicodeString(&s, subsystem);
	RtlInitUnicodeString(&v, service);
	return done(NtPrivilegedServiceAuditAlarm(&s, &v, token, privileges, access != 0));
}
