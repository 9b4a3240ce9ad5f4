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

BOOL WINAPI ObjectOpenAuditAlarmA(LPCSTR subsystem, LPVOID id, LPSTR type, LPSTR name, PSECURITY_DESCRIPTOR d,
	HANDLE token, DWORD desired, DWORD granted, PPRIVILEGE_SET privileges, BOOL creation, BOOL access, LPBOOL generate)
{
	PWSTR s = widen(subsystem), t = widen(type), n = widen(name);
	BOOL r = ObjectOpenAuditAlarmW(s, id, t, n, d, token, desired, granted, privileges, creation, access, generate);
	free(s);
	free(t);
	free(n);
	return r;
}

BOOL WINAPI ObjectPrivilegeAuditAlarmW(LPCWSTR subsystem, LPVOID id, HANDLE token, DWORD desired,
	PPRIVILEGE_SET privileges, BOOL access)
{
	UNICODE_STRING s;
	RtlInitUnicodeString(&s, subsystem);
	return done(NtPrivilegeObjectAuditAlarm(&s, id, token, desired, privileges, access != 0));
}

BOOL WINAPI ObjectPrivilegeAuditAlarmA(LPCSTR subsystem, LPVOID id, HANDLE token, DWORD desired,
	PPRIVILEGE_SET privileges, BOOL access)
{
	PWSTR s = widen(subsystem);
	BOOL r = ObjectPrivilegeAuditAlarmW(s, id, token, desired, privileges, access);
	free(s);
	return r;
}

BOOL WINAPI PrivilegedServiceAuditAlarmW(LPCWSTR subsystem, LPCWSTR service, HANDLE token, PPRIVILEGE_SET privileges,
	BOOL access)
{
	UNICODE_STRING s, v;
	RtlInitUnicodeString(&s, subsystem);
	RtlInitUnicodeString(&v, service);
	return done(NtPrivilegedServiceAuditAlarm(&s, &v, token, privileges, access != 0));
}

BOOL WINAPI PrivilegedServiceAuditAlarmA(LPCSTR subsystem, LPCSTR service, HANDLE token, PPRIVILEGE_SET privileges,
	BOOL access)
{
	PWSTR s = widen(subsystem), v = widen(service);
	BOOL r = PrivilegedServiceAuditAlarmW(s, v, token, privileges, access);
	free(s);
	free(v);
	return r;
}
