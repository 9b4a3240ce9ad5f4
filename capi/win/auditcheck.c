/* Access checks that leave a record, and the records of the end of what they
 * opened, as BOOL and last error. */
#include "win.h"

/* The names of a call: those that are NULL stay NULL, for the service to refuse. */
struct names {
	UNICODE_STRING text[3];
	PUNICODE_STRING at[3]; /* server, type, object */
};

static void name(struct names *n, int i, LPCWSTR s)
{
	RtlInitUnicodeString(&n->text[i], s);
	n->at[i] = s ? &n->text[i] : NULL;
}

static void names(struct names *n, LPCWSTR server, LPCWSTR type, LPCWSTR object)
{
	name(n, 0, server);
	name(n, 1, type);
	name(n, 2, object);
}

/* The answer of a check that could be made: FALSE leaves the code. */
static BOOL answer(NTSTATUS st, NTSTATUS access, BOOLEAN generate, LPBOOL result, LPBOOL out)
{
	if (!NT_SUCCESS(st))
		return done(st);
	*out = generate;
	*result = done(access);
	return TRUE;
}

/* The same for a list. */
static BOOL answers(NTSTATUS st, DWORD n, BOOLEAN generate, LPDWORD results, LPBOOL out)
{
	/* Each entry becomes 0, or the code that tells why access was not granted. */
	for (DWORD i = 0; NT_SUCCESS(st) && i < n; i++)
		results[i] = results[i] ? RtlNtStatusToDosError(results[i]) : 0;
	if (NT_SUCCESS(st))
		*out = generate;
	return done(st);
}

BOOL WINAPI ObjectCloseAuditAlarmW(LPCWSTR server, LPVOID id, BOOL generate)
{
	struct names n;
	names(&n, server, NULL, NULL);
	return done(NtCloseObjectAuditAlarm(n.at[0], id, generate != 0));
}

BOOL WINAPI ObjectDeleteAuditAlarmW(LPCWSTR server, LPVOID id, BOOL generate)
{
	struct names n;
	names(&n, server, NULL, NULL);
	return done(NtDeleteObjectAuditAlarm(n.at[0], id, generate != 0));
}

BOOL WINAPI AccessCheckAndAuditAlarmW(LPCWSTR server, LPVOID id, LPWSTR type, LPWSTR object, PSECURITY_DESCRIPTOR d,
	DWORD desired, PGENERIC_MAPPING mapping, BOOL creation, LPDWORD granted, LPBOOL result, LPBOOL generate)
{
	struct names n;
	names(&n, server, type, object);
	BOOLEAN g;
	NTSTATUS access, st = NtAccessCheckAndAuditAlarm(n.at[0], id, n.at[1], n.at[2], d, desired, mapping, creation != 0,
		granted, result ? &access : NULL, generate ? &g : NULL);
	return answer(st, access, g, result, generate);
}

BOOL WINAPI AccessCheckByTypeAndAuditAlarmW(LPCWSTR server, LPVOID id, LPCWSTR type, LPCWSTR object,
	PSECURITY_DESCRIPTOR d, PSID self, DWORD desired, AUDIT_EVENT_TYPE audit, DWORD flags, POBJECT_TYPE_LIST list,
	DWORD count, PGENERIC_MAPPING mapping, BOOL creation, LPDWORD granted, LPBOOL result, LPBOOL generate)
{
	struct names n;
	names(&n, server, type, object);
	BOOLEAN g;
	NTSTATUS access, st = NtAccessCheckByTypeAndAuditAlarm(n.at[0], id, n.at[1], n.at[2], d, self, desired, audit, flags,
		list, count, mapping, creation != 0, granted, result ? &access : NULL, generate ? &g : NULL);
	return answer(st, access, g, result, generate);
}

BOOL WINAPI AccessCheckByTypeResultListAndAuditAlarmW(LPCWSTR server, LPVOID id, LPCWSTR type, LPCWSTR object,
	PSECURITY_DESCRIPTOR d, PSID self, DWORD desired, AUDIT_EVENT_TYPE audit, DWORD flags, POBJECT_TYPE_LIST list,
	DWORD count, PGENERIC_MAPPING mapping, BOOL creation, LPDWORD granted, LPDWORD results, LPBOOL generate)
{
	struct names n;
	names(&n, server, type, object);
	BOOLEAN g;
	NTSTATUS st = NtAccessCheckByTypeResultListAndAuditAlarm(n.at[0], id, n.at[1], n.at[2], d, self, desired, audit, flags,
		list, count, mapping, creation != 0, granted, (PNTSTATUS)results, generate ? &g : NULL);
	return answers(st, count, g, results, generate);
}

BOOL WINAPI AccessCheckByTypeResultListAndAuditAlarmByHandleW(LPCWSTR server, LPVOID id, HANDLE token, LPCWSTR type,
	LPCWSTR object, PSECURITY_DESCRIPTOR d, PSID self, DWORD desired, AUDIT_EVENT_TYPE audit, DWORD flags,
	POBJECT_TYPE_LIST list, DWORD count, PGENERIC_MAPPING mapping, BOOL creation, LPDWORD granted, LPDWORD results,
	LPBOOL generate)
{
	struct names n;
	names(&n, server, type, object);
	BOOLEAN g;
	NTSTATUS st = NtAccessCheckByTypeResultListAndAuditAlarmByHandle(n.at[0], id, token, n.at[1], n.at[2], d, self,
		desired, audit, flags, list, count, mapping, creation != 0, granted, (PNTSTATUS)results, generate ? &g : NULL);
	return answers(st, count, g, results, generate);
}
