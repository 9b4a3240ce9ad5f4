/* Access checks: the answers, their order of errors, and the two faces. */
#include "check.h"

static GENERIC_MAPPING file = {0x120089, 0x120116, 0x1200a0, 0x1f01ff};

static NTSTATUS ask(const char *text, HANDLE t, ACCESS_MASK desired, ACCESS_MASK *granted)
{
	PRIVILEGE_SET set;
	ULONG n = sizeof set;
	NTSTATUS access = 0x1234;
	STATUS(NtAccessCheck(sddl(text), t, desired, &file, &set, &n, granted, &access), STATUS_SUCCESS);
	return access;
}

static void decisions(HANDLE t)
{
	static const struct { const char *id, *text; ACCESS_MASK desired, granted; NTSTATUS status; } cases[] = {
		{"AC-001", "O:BAG:SYD:(A;;0x1;;;WD)", 1, 1, 0},
		{"AC-002", "O:LSG:SYD:(A;;0x1;;;WD)", 3, 0, STATUS_ACCESS_DENIED},
		{"AC-004", "O:LSG:SYD:(A;;0x3;;;WD)(D;;0x1;;;WD)", 1, 1, 0},
		{"AC-006", "O:LSG:SYD:", 1, 0, STATUS_ACCESS_DENIED},
		{"AC-007", "O:LSG:SY", 1, 1, 0},
		{"AC-008", "O:LSG:SYD:NO_ACCESS_CONTROL", 0x1f01ff, 0x1f01ff, 0},
		{"AC-023", "O:LSG:SYD:(A;IO;0x1;;;WD)", 1, 0, STATUS_ACCESS_DENIED},
		{"AC-024", "O:LSG:SYD:(D;IO;0x1;;;WD)(A;;0x1;;;WD)", 1, 1, 0},
		{"AC-025", "O:LSG:SYD:(D;ID;0x1;;;WD)(A;;0x1;;;WD)", 1, 0, STATUS_ACCESS_DENIED},
		{"AC-026", "O:LSG:SYD:(A;;0x1;;;WD)(A;;0x2;;;AU)", 3, 3, 0},
		{"AC-028", "O:LSG:SYD:(A;;0x1;;;WD)(D;;0x2;;;WD)(A;;0x4;;;WD)", MAXIMUM_ALLOWED, 5, 0},
		{"AC-029", "O:LSG:SYD:(D;;0x1;;;WD)(A;;0x7;;;WD)", MAXIMUM_ALLOWED, 6, 0},
		{"AC-032", "O:LSG:SYD:(A;;0x1;;;WD)", MAXIMUM_ALLOWED | 1, 1, 0},
		{"AC-037", "O:LSG:SYD:(A;;0x1;;;WD)", ACCESS_SYSTEM_SECURITY, 0, STATUS_PRIVILEGE_NOT_HELD},
		{"AC-113", "O:LSG:SYD:(A;;0x1;;;WD)", 0, 0, STATUS_ACCESS_DENIED},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ACCESS_MASK granted = 0x1234;
		NTSTATUS st = ask(cases[i].text, t, cases[i].desired, &granted);
		if (st != cases[i].status || granted != cases[i].granted)
			printf("%s:\n", cases[i].id);
		SAME((ULONG)st, (ULONG)cases[i].status);
		SAME(granted, cases[i].granted);
	}
}

static void order(HANDLE t)
{
	PSECURITY_DESCRIPTOR d = sddl("O:BAG:SYD:(A;;0x1;;;WD)");
	PRIVILEGE_SET set;
	ULONG n = sizeof set;
	ACCESS_MASK granted = 7;
	NTSTATUS access = 7;
	HANDLE primary = process_token(TOKEN_QUERY), anonymous = client(SecurityAnonymous);
	/* generic rights are refused before the descriptor is looked at */
	STATUS(NtAccessCheck(NULL, anonymous, GENERIC_READ, &file, &set, &n, &granted, &access), STATUS_GENERIC_NOT_MAPPED);
	STATUS(NtAccessCheck(NULL, NULL, 1, &file, &set, &n, &granted, &access), STATUS_INVALID_HANDLE); /* */
	STATUS(NtAccessCheck(NULL, NtCurrentProcess(), 1, &file, &set, &n, &granted, &access), STATUS_OBJECT_TYPE_MISMATCH);
	STATUS(NtAccessCheck(NULL, primary, 1, &file, &set, &n, &granted, &access), STATUS_NO_IMPERSONATION_TOKEN); /* */
	/* an anonymous client cannot be asked about */
	STATUS(NtAccessCheck(NULL, anonymous, 1, &file, &set, &n, &granted, &access), STATUS_BAD_IMPERSONATION_LEVEL);
	STATUS(NtAccessCheck(NULL, t, 1, &file, &set, &n, &granted, &access), STATUS_INVALID_SECURITY_DESCR); /* */
	STATUS(NtAccessCheck(sddl("D:(A;;0x1;;;WD)"), t, 1, &file, &set, &n, &granted, &access),
		STATUS_INVALID_SECURITY_DESCR);
	STATUS(NtAccessCheck(sddl("O:BAD:(A;;0x1;;;WD)"), t, 1, &file, &set, &n, &granted, &access),
		STATUS_INVALID_SECURITY_DESCR);
	n = 0;
	STATUS(NtAccessCheck(d, t, GENERIC_READ, &file, &set, &n, &granted, &access), STATUS_GENERIC_NOT_MAPPED);
	SAME(n, 0);
	SAME(granted, 7);
	SAME(access, 7);
	n = sizeof set;
	SECURITY_DESCRIPTOR bad;
	memset(&bad, 0, sizeof bad);
	STATUS(NtAccessCheck(&bad, t, 1, &file, &set, &n, &granted, &access), STATUS_UNKNOWN_REVISION); /* */
	SID self = {9, 1, {{0}}, {0}};
	/* a self SID that is not a SID, behind the descriptor */
	STATUS(NtAccessCheckByType(d, &self, t, 1, NULL, 0, &file, &set, &n, &granted, &access), STATUS_INVALID_SID);
	/* not held, and the privilege buffer stays as it is */
	memset(&set, 0x5a, sizeof set);
	STATUS(NtAccessCheck(d, t, ACCESS_SYSTEM_SECURITY, &file, &set, &n, &granted, &access), STATUS_SUCCESS);
	SAME(access, STATUS_PRIVILEGE_NOT_HELD);
	SAME(granted, 0);
	SAME(set.PrivilegeCount, 0x5a5a5a5a);
	BOOL ok = 9;
	SetLastError(0xdeadbeef);
	CHECK(AccessCheck(d, t, 2, &file, &set, &n, &granted, &ok)); /* */
	SAME(ok, FALSE);
	SAME(GetLastError(), ERROR_ACCESS_DENIED);
	CHECK(AccessCheck(d, t, 1, &file, &set, &n, &granted, &ok));
	SAME(ok, TRUE);
	FAILS(AccessCheck(d, primary, 1, &file, &set, &n, &granted, &ok), ERROR_NO_IMPERSONATION_TOKEN);
	FAILS(AccessCheck(d, t, GENERIC_READ, &file, &set, &n, &granted, &ok), ERROR_GENERIC_NOT_MAPPED);
	n = 0;
	FAILS(AccessCheck(d, t, 1, &file, NULL, &n, &granted, &ok), ERROR_INSUFFICIENT_BUFFER);
	CHECK(CloseHandle(primary));
	CHECK(CloseHandle(anonymous));
}

static void by_type(HANDLE t)
{
	GUID c = {1}, p1 = {2}, p2 = {3};
	OBJECT_TYPE_LIST list[] = {{0, 0, &c}, {1, 0, &p1}, {1, 0, &p2}};
	PSECURITY_DESCRIPTOR d = sddl("O:LSG:SYD:(OA;;RP;00000002-0000-0000-0000-000000000000;;WD)");
	PRIVILEGE_SET set;
	ULONG n = sizeof set;
	ACCESS_MASK granted[3] = {7, 7, 7};
	NTSTATUS access[3] = {7, 7, 7};
	/* AC-100 */
	STATUS(NtAccessCheckByTypeResultList(d, NULL, t, 0x10, list, 3, &file, &set, &n, granted, access), STATUS_SUCCESS);
	SAME(access[0], STATUS_ACCESS_DENIED);
	SAME(access[1], 0);
	SAME(granted[1], 0x10);
	SAME(access[2], STATUS_ACCESS_DENIED);
	STATUS(NtAccessCheckByType(d, NULL, t, 0x10, list, 3, &file, &set, &n, granted, access), STATUS_SUCCESS);
	SAME(access[0], STATUS_ACCESS_DENIED);
	STATUS(NtAccessCheckByType(d, NULL, t, 0x10, list, 2, &file, &set, &n, granted, access), STATUS_SUCCESS);
	DWORD results[3];
	CHECK(AccessCheckByTypeResultList(d, NULL, t, 0x10, list, 3, &file, &set, &n, granted, results));
	SAME(results[0], ERROR_ACCESS_DENIED);
	SAME(results[1], 0);
	list[1].Level = 2; /* AC-103, AC-114 */
	STATUS(NtAccessCheckByType(d, NULL, t, 0x10, list, 3, &file, &set, &n, granted, access), STATUS_INVALID_PARAMETER);
	STATUS(NtAccessCheckByType(d, NULL, t, GENERIC_READ, list, 3, &file, &set, &n, granted, access),
		STATUS_GENERIC_NOT_MAPPED);
	list[1].Level = 1;
	list[2].Sbz = 1;
	STATUS(NtAccessCheckByType(d, NULL, t, 0x10, list, 3, &file, &set, &n, granted, access), STATUS_INVALID_PARAMETER);
	list[2].Sbz = 0;
	list[2].ObjectType = &p1;
	STATUS(NtAccessCheckByType(d, NULL, t, 0x10, list, 3, &file, &set, &n, granted, access), STATUS_INVALID_PARAMETER);
}

static void privileges(HANDLE t)
{
	PRIVILEGE_SET set = {1, PRIVILEGE_SET_ALL_NECESSARY, {{{SE_CHANGE_NOTIFY_PRIVILEGE, 0}, 0}}};
	BOOLEAN result = 9;
	STATUS(NtPrivilegeCheck(t, &set, &result), STATUS_SUCCESS); /* T-101 */
	SAME(result, TRUE);
	SAME(set.Privilege[0].Attributes, SE_PRIVILEGE_USED_FOR_ACCESS);
	set.Privilege[0].Luid.LowPart = SE_SECURITY_PRIVILEGE;
	STATUS(NtPrivilegeCheck(t, &set, &result), STATUS_SUCCESS);
	SAME(result, FALSE);
	STATUS(NtPrivilegeCheck(NULL, &set, &result), STATUS_INVALID_HANDLE);
	STATUS(NtPrivilegeCheck(NULL, &set, none), STATUS_ACCESS_VIOLATION);
	STATUS(NtPrivilegeCheck(NULL, readonly, &result), STATUS_ACCESS_VIOLATION);
	STATUS(NtPrivilegeCheck(NULL, (PPRIVILEGE_SET)((char *)&set + 1), none), STATUS_DATATYPE_MISALIGNMENT); /* first */
	PPRIVILEGE_SET across = (PPRIVILEGE_SET)((char *)readonly - 20); /* room for one */
	across->PrivilegeCount = 2;
	STATUS(NtPrivilegeCheck(NULL, across, &result), STATUS_ACCESS_VIOLATION);
	HANDLE anonymous = client(SecurityAnonymous);
	STATUS(NtPrivilegeCheck(anonymous, &set, &result), STATUS_BAD_IMPERSONATION_LEVEL);
	CHECK(CloseHandle(anonymous));
	/* two privileges used need 32 bytes */
	TOKEN_PRIVILEGES on = {1, {{{SE_SECURITY_PRIVILEGE, 0}, SE_PRIVILEGE_ENABLED}}};
	CHECK(AdjustTokenPrivileges(t, FALSE, &on, 0, NULL, NULL));
	on.Privileges[0].Luid.LowPart = SE_TAKE_OWNERSHIP_PRIVILEGE;
	CHECK(AdjustTokenPrivileges(t, FALSE, &on, 0, NULL, NULL));
	char room[32];
	PPRIVILEGE_SET used = (PPRIVILEGE_SET)room;
	PSECURITY_DESCRIPTOR d = sddl("O:LSG:SYD:(A;;0x1;;;WD)");
	ULONG n = 31;
	ACCESS_MASK granted;
	NTSTATUS access;
	STATUS(NtAccessCheck(d, t, 0x01080001, &file, used, &n, &granted, &access), STATUS_BUFFER_TOO_SMALL);
	SAME(n, 32);
	/* all outputs are tried before the handle */
	STATUS(NtAccessCheck(d, NULL, 1, &file, across, &n, &granted, &access), STATUS_ACCESS_VIOLATION);
	STATUS(NtAccessCheck(d, NULL, 1, &file, used, &n, readonly, &access), STATUS_ACCESS_VIOLATION);
	STATUS(NtAccessCheck(d, NULL, 1, &file, used, &n, &granted, readonly), STATUS_ACCESS_VIOLATION);
	STATUS(NtAccessCheck(d, t, 0x01080001, &file, used, &n, &granted, &access), STATUS_SUCCESS); /* AC-045 */
	SAME(access, 0);
	SAME(granted, 0x01080001);
	SAME(used->PrivilegeCount, 2);
	SAME(used->Control, 0);
	SAME(used->Privilege[0].Attributes, SE_PRIVILEGE_USED_FOR_ACCESS);
	GUID c = {1};
	OBJECT_TYPE_LIST type = {0, 0, &c};
	used->PrivilegeCount = 9;
	STATUS(NtAccessCheckByType(d, NULL, t, 0x01080001, &type, 1, &file, used, &n, &granted, &access), STATUS_SUCCESS);
	SAME(used->PrivilegeCount, 2);
	used->PrivilegeCount = 9;
	STATUS(NtAccessCheckByTypeResultList(d, NULL, t, 0x01080001, &type, 1, &file, used, &n, &granted, &access),
		STATUS_SUCCESS);
	SAME(used->PrivilegeCount, 2);
}

static void alarms(HANDLE t)
{
	PRIVILEGE_SET set = {1, 0, {{{SE_BACKUP_PRIVILEGE, 0}, SE_PRIVILEGE_USED_FOR_ACCESS}}};
	PSECURITY_DESCRIPTOR d = sddl("O:BAG:SYD:(A;;0x1;;;WD)");
	BOOL generate = 9;
	HANDLE anonymous = client(SecurityAnonymous);
	/* this process's token holds no SeAuditPrivilege (U-32); the token comes before it (U-30, U-31) */
	FAILS(ObjectOpenAuditAlarmA("test", NULL, "thing", "one", d, t, 1, 1, NULL, FALSE, TRUE, &generate),
		ERROR_PRIVILEGE_NOT_HELD);
	FAILS(ObjectOpenAuditAlarmA("test", NULL, "thing", "one", d, NULL, 1, 1, NULL, FALSE, TRUE, &generate),
		ERROR_INVALID_HANDLE);
	FAILS(ObjectOpenAuditAlarmA("test", NULL, "thing", "one", d, anonymous, 1, 1, NULL, FALSE, TRUE, &generate),
		ERROR_BAD_IMPERSONATION_LEVEL);
	FAILS(ObjectOpenAuditAlarmA("test", NULL, "thing", "one", d, t, 1, 1, NULL, FALSE, TRUE, NULL), ERROR_NOACCESS);
	FAILS(ObjectPrivilegeAuditAlarmA("test", NULL, t, 1, &set, TRUE), ERROR_PRIVILEGE_NOT_HELD);
	FAILS(PrivilegedServiceAuditAlarmW(u"test", u"service", t, &set, TRUE), ERROR_PRIVILEGE_NOT_HELD);
	FAILS(PrivilegedServiceAuditAlarmA("test", "service", NULL, &set, TRUE), ERROR_INVALID_HANDLE);
	SAME(generate, 9);
	CHECK(CloseHandle(anonymous));
}

void test_checks(void)
{
	HANDLE t = client(SecurityIdentification);
	decisions(t);
	order(t);
	by_type(t);
	privileges(t);
	alarms(t);
	CHECK(CloseHandle(t));
}
