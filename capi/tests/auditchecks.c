/* Access checks that leave a record: the order of what they refuse (U-45 to U-53),
 * and answers that are those of the plain checks (U-55). The administrator's process
 * does not hold SeAuditPrivilege; what needs it is tested in privileged/. */
#include "check.h"

static GENERIC_MAPPING mapping = {0x120089, 0x120116, 0x1200a0, 0x1f01ff};
static GUID guids[2] = {{0xa}, {0xb}};
static OBJECT_TYPE_LIST types[2] = {{0, 0, &guids[0]}, {1, 0, &guids[1]}};
static UNICODE_STRING server, type, name;

static NTSTATUS check(PSECURITY_DESCRIPTOR d, ACCESS_MASK desired, PACCESS_MASK granted, PNTSTATUS access,
	PBOOLEAN generate)
{
	return NtAccessCheckAndAuditAlarm(&server, NULL, &type, &name, d, desired, &mapping, FALSE, granted, access, generate);
}

static NTSTATUS by_type(PSECURITY_DESCRIPTOR d, AUDIT_EVENT_TYPE audit, ULONG flags, ULONG n, ACCESS_MASK desired,
	PACCESS_MASK granted, PNTSTATUS access, PBOOLEAN generate)
{
	return NtAccessCheckByTypeAndAuditAlarm(&server, NULL, &type, &name, d, NULL, desired, audit, flags, n ? types : NULL,
		n, &mapping, FALSE, granted, access, generate);
}

static NTSTATUS list(PSECURITY_DESCRIPTOR d, ULONG flags, ULONG n, PACCESS_MASK granted, PNTSTATUS access,
	PBOOLEAN generate)
{
	return NtAccessCheckByTypeResultListAndAuditAlarm(&server, NULL, &type, &name, d, NULL, 3, AuditEventObjectAccess,
		flags, types, n, &mapping, FALSE, granted, access, generate);
}

/* The names, the SID and the list. */
static void required(PSECURITY_DESCRIPTOR d, PACCESS_MASK granted, PNTSTATUS access)
{
	BOOLEAN generate;
	/* a required name is NULL (U-36) */
	STATUS(NtAccessCheckByTypeAndAuditAlarm(NULL, NULL, &type, &name, d, NULL, 1, 0, AUDIT_ALLOW_NO_PRIVILEGE, NULL, 0,
		&mapping, FALSE, granted, access, &generate), STATUS_ACCESS_VIOLATION);
	STATUS(NtAccessCheckByTypeAndAuditAlarm(&server, NULL, NULL, &name, d, NULL, 1, 0, AUDIT_ALLOW_NO_PRIVILEGE, NULL, 0,
		&mapping, FALSE, granted, access, &generate), STATUS_ACCESS_VIOLATION);
	STATUS(NtAccessCheckByTypeAndAuditAlarm(&server, NULL, &type, NULL, d, NULL, 1, 0, AUDIT_ALLOW_NO_PRIVILEGE, NULL, 0,
		&mapping, FALSE, granted, access, &generate), STATUS_ACCESS_VIOLATION);
	STATUS(NtAccessCheckByTypeAndAuditAlarm(&server, NULL, &type, &name, d, "\1\xff\0\0\0\0\0\0", 1, 0,
		AUDIT_ALLOW_NO_PRIVILEGE, NULL, 0, &mapping, FALSE, granted, access, &generate), STATUS_INVALID_SID);
	/* a list that is too long counts as missing (U-47) */
	STATUS(NtAccessCheckByTypeResultListAndAuditAlarmByHandle(&server, NULL, NULL, &type, &name, d, NULL, 1, 0, 0, types,
		4097, &mapping, FALSE, UNMAPPED, access, &generate), STATUS_INVALID_PARAMETER);
	PVOID one = (char *)readonly - 4; /* has room for one result of two */
	STATUS(list(d, 0, 2, one, access, &generate), STATUS_ACCESS_VIOLATION);
	STATUS(NtAccessCheckByTypeResultListAndAuditAlarmByHandle(&server, NULL, NULL, &type, &name, d, NULL, 1, 0, 0,
		types, 2, &mapping, FALSE, granted, one, &generate), STATUS_ACCESS_VIOLATION);
}

static void order(void)
{
	PSECURITY_DESCRIPTOR d = sddl("O:BAG:SYD:(A;;FR;;;WD)");
	ACCESS_MASK granted[2] = {7, 7};
	NTSTATUS access[2] = {7, 7};
	BOOLEAN generate = 7;
	STATUS(check(d, 1, granted, access, &generate), STATUS_NO_IMPERSONATION_TOKEN); /* UC-30 */
	STATUS(by_type(d, 2, 0, 1, 1, UNMAPPED, access, &generate), STATUS_INVALID_PARAMETER); /* UC-31, before all else */
	STATUS(check(d, 1, UNMAPPED, access, &generate), STATUS_NO_IMPERSONATION_TOKEN); /* U-46 before U-48 */
	HANDLE anonymous = client(SecurityAnonymous), identified = client(SecurityIdentification);
	CHECK(SetThreadToken(NULL, anonymous));
	STATUS(check(d, 1, granted, access, &generate), STATUS_BAD_IMPERSONATION_LEVEL);
	CHECK(SetThreadToken(NULL, identified));
	STATUS(list(d, 0, 0, UNMAPPED, access, &generate), STATUS_INVALID_PARAMETER); /* UC-36, U-47 before U-48 */
	STATUS(list(d, 0, 4097, UNMAPPED, access, &generate), STATUS_INVALID_PARAMETER);
	void *bad[] = {NULL, UNMAPPED, KERNEL, NONCANONICAL, readonly, none};
	for (int i = 0; i < 6; i++) { /* U-48: before the privilege */
		STATUS(check(d, GENERIC_READ, bad[i], access, &generate), STATUS_ACCESS_VIOLATION);
		STATUS(check(d, GENERIC_READ, granted, bad[i], &generate), STATUS_ACCESS_VIOLATION);
		STATUS(check(d, GENERIC_READ, granted, access, bad[i]), STATUS_ACCESS_VIOLATION);
		STATUS(by_type(d, 0, 0, 2, 1, bad[i], access, &generate), STATUS_ACCESS_VIOLATION);
		STATUS(by_type(d, 0, 0, 2, 1, granted, bad[i], &generate), STATUS_ACCESS_VIOLATION);
		STATUS(by_type(d, 0, 0, 2, 1, granted, access, bad[i]), STATUS_ACCESS_VIOLATION);
		STATUS(list(d, 0, 2, bad[i], access, &generate), STATUS_ACCESS_VIOLATION);
		STATUS(list(d, 0, 2, granted, bad[i], &generate), STATUS_ACCESS_VIOLATION);
		STATUS(list(d, 0, 2, granted, access, bad[i]), STATUS_ACCESS_VIOLATION);
		STATUS(NtAccessCheckByTypeResultListAndAuditAlarmByHandle(&server, NULL, NULL, &type, &name, d, NULL, 1, 0, 0, types,
			2, &mapping, FALSE, bad[i], access, &generate), STATUS_ACCESS_VIOLATION);
		if (bad[i] != readonly)
			STATUS(NtAccessCheckAndAuditAlarm(&server, NULL, &type, &name, d, 1, bad[i], FALSE, granted, access, &generate),
				STATUS_ACCESS_VIOLATION);
	}
	STATUS(check(d, GENERIC_READ, granted, access, &generate), STATUS_PRIVILEGE_NOT_HELD); /* UC-34 */
	STATUS(check(NULL, 1, granted, access, &generate), STATUS_PRIVILEGE_NOT_HELD);
	/* U-49 before U-50 */
	STATUS(NtAccessCheckByTypeResultListAndAuditAlarmByHandle(&server, NULL, NULL, &type, &name, d, NULL, 1, 0, 0, types,
		2, &mapping, FALSE, granted, access, &generate), STATUS_INVALID_HANDLE);
	STATUS(NtAccessCheckByTypeResultListAndAuditAlarmByHandle(&server, NULL, NtCurrentThread(), &type, &name, d, NULL, 1,
		0, 0, types, 2, &mapping, FALSE, granted, access, &generate), STATUS_OBJECT_TYPE_MISMATCH);
	STATUS(NtAccessCheckByTypeResultListAndAuditAlarmByHandle(&server, NULL, anonymous, &type, &name, d, NULL, 1, 0, 0,
		types, 2, &mapping, FALSE, granted, access, &generate), STATUS_BAD_IMPERSONATION_LEVEL);
	/* the rest with the flag that does without the privilege */
	STATUS(by_type(d, 0, AUDIT_ALLOW_NO_PRIVILEGE, 0, GENERIC_READ, granted, access, &generate),
		STATUS_GENERIC_NOT_MAPPED);
	STATUS(by_type(NULL, 0, AUDIT_ALLOW_NO_PRIVILEGE, 0, 1, granted, access, &generate), STATUS_INVALID_SECURITY_DESCR);
	STATUS(by_type(UNMAPPED, 0, AUDIT_ALLOW_NO_PRIVILEGE, 0, 1, granted, access, &generate), STATUS_ACCESS_VIOLATION);
	/* UC-35 */
	STATUS(by_type(sddl("D:(A;;FR;;;WD)"), 0, AUDIT_ALLOW_NO_PRIVILEGE, 0, 1, granted, access, &generate),
		STATUS_INVALID_SECURITY_DESCR);
	required(d, granted, access);
	types[0].Level = 1;
	STATUS(by_type(d, 0, AUDIT_ALLOW_NO_PRIVILEGE, 2, 1, granted, access, &generate), STATUS_INVALID_PARAMETER);
	types[0].Level = 0;
	SAME(granted[0], 7); /* nothing is written on failure */
	STATUS(access[0], 7);
	SAME(generate, 7);
	CHECK(RevertToSelf());
	CHECK(CloseHandle(anonymous));
	CHECK(CloseHandle(identified));
}

/* UC-32, U-55: the flag makes a plain check of it. */
static void answers(void)
{
	static const struct { const char *sddl; ACCESS_MASK desired; } cases[] = {
		{"O:BAG:SYD:(A;;FR;;;WD)", 1}, {"O:BAG:SYD:(A;;FR;;;WD)", 2}, {"O:BAG:SYD:(D;;0x1;;;WD)(A;;FR;;;WD)", 1},
		{"O:BAG:SY", MAXIMUM_ALLOWED},
		{"O:BAG:SYD:(A;;FR;;;WD)", MAXIMUM_ALLOWED}, {"O:BAG:SYD:", READ_CONTROL}, {"O:SYG:SYD:", READ_CONTROL},
		{"O:SYG:SYD:(A;;0x3;;;BA)", 3},
		{"O:SYG:SYD:(OA;;0x1;0000000b-0000-0000-0000-000000000000;;WD)(A;;0x2;;;WD)", 3},
	};
	HANDLE t = client(SecurityIdentification);
	CHECK(SetThreadToken(NULL, t));
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		PSECURITY_DESCRIPTOR d = sddl(cases[i].sddl);
		PRIVILEGE_SET set;
		ULONG n = sizeof set;
		ACCESS_MASK want[2], got[2] = {9, 9};
		NTSTATUS wanted[2], gotten[2] = {9, 9};
		BOOLEAN generate = 9;
		STATUS(NtAccessCheckByType(d, NULL, t, cases[i].desired, types, 2, &mapping, &set, &n, want, wanted), STATUS_SUCCESS);
		STATUS(by_type(d, AuditEventObjectAccess, AUDIT_ALLOW_NO_PRIVILEGE, 2, cases[i].desired, got, gotten, &generate),
			STATUS_SUCCESS);
		SAME(got[0], want[0]);
		STATUS(gotten[0], wanted[0]);
		SAME(got[1], 9);
		SAME(generate, FALSE);
		if (cases[i].desired != 3)
			continue;
		STATUS(NtAccessCheckByTypeResultList(d, NULL, t, 3, types, 2, &mapping, &set, &n, want, wanted), STATUS_SUCCESS);
		STATUS(list(d, AUDIT_ALLOW_NO_PRIVILEGE, 2, got, gotten, &generate), STATUS_SUCCESS);
		for (int j = 0; j < 2; j++) {
			SAME(got[j], want[j]);
			STATUS(gotten[j], wanted[j]);
		}
	}
	CHECK(RevertToSelf());
	CHECK(CloseHandle(t));
}

/* UC-24, UC-25 */
static void ends(void)
{
	STATUS(NtCloseObjectAuditAlarm(NULL, NULL, FALSE), STATUS_SUCCESS); /* U-40: no check at all */
	STATUS(NtDeleteObjectAuditAlarm(UNMAPPED, NULL, FALSE), STATUS_SUCCESS);
	STATUS(NtCloseObjectAuditAlarm(&server, NULL, TRUE), STATUS_PRIVILEGE_NOT_HELD);
	STATUS(NtDeleteObjectAuditAlarm(&server, NULL, TRUE), STATUS_PRIVILEGE_NOT_HELD);
	CHECK(ObjectCloseAuditAlarmA("server", NULL, FALSE));
	CHECK(ObjectDeleteAuditAlarmW(u"server", NULL, FALSE));
	FAILS(ObjectCloseAuditAlarmW(u"server", NULL, TRUE), ERROR_PRIVILEGE_NOT_HELD);
	FAILS(ObjectDeleteAuditAlarmA("server", NULL, TRUE), ERROR_PRIVILEGE_NOT_HELD);
}

static void win32_by_handle(PSECURITY_DESCRIPTOR d, POBJECT_TYPE_LIST three)
{
	DWORD granted[2] = {9, 9}, results[2] = {9, 9}, g[3], r[3];
	BOOL generate = 9;
	HANDLE t = client(SecurityImpersonation), own = process_token(TOKEN_QUERY);
	CHECK(AccessCheckByTypeResultListAndAuditAlarmByHandleW(u"s", NULL, t, u"File", u"f", d, NULL, 3,
		AuditEventObjectAccess, AUDIT_ALLOW_NO_PRIVILEGE, three, 3, &mapping, FALSE, g, r, &generate));
	SAME(r[0], ERROR_ACCESS_DENIED);
	SAME(r[1], ERROR_SUCCESS);
	CHECK(AccessCheckByTypeResultListAndAuditAlarmByHandleA("s", NULL, t, "File", "f", d, NULL, 3, AuditEventObjectAccess,
		AUDIT_ALLOW_NO_PRIVILEGE, three, 3, &mapping, FALSE, g, r, &generate));
	SAME(r[1], ERROR_SUCCESS);
	FAILS(AccessCheckByTypeResultListAndAuditAlarmByHandleA("s", NULL, own, "File", "f", d, NULL, 3,
		AuditEventObjectAccess, AUDIT_ALLOW_NO_PRIVILEGE, three, 3, &mapping, FALSE, granted, results,
		&generate), ERROR_NO_IMPERSONATION_TOKEN);
	FAILS(AccessCheckByTypeResultListAndAuditAlarmByHandleA("s", NULL, NULL, "File", "f", d, NULL, 3,
		AuditEventObjectAccess, AUDIT_ALLOW_NO_PRIVILEGE, three, 3, &mapping, FALSE, granted, results,
		&generate), ERROR_INVALID_HANDLE);
	SAME(results[0], 9);
	CHECK(CloseHandle(own));
	CHECK(CloseHandle(t));
}

static void win32(void)
{
	PSECURITY_DESCRIPTOR d = sddl("O:SYG:SYD:(OA;;0x1;0000000b-0000-0000-0000-000000000000;;WD)(A;;0x2;;;WD)");
	DWORD granted[2] = {9, 9};
	BOOL result = 9, generate = 9;
	/* the client is named by impersonating it alone (U-56) */
	FAILS(AccessCheckAndAuditAlarmA("s", NULL, "File", "f", d, 2, &mapping, FALSE, granted, &result, &generate),
		ERROR_NO_IMPERSONATION_TOKEN);
	CHECK(ImpersonateSelf(SecurityImpersonation));
	FAILS(AccessCheckAndAuditAlarmA("s", NULL, "File", "f", d, 2, &mapping, FALSE, granted, &result, &generate),
		ERROR_PRIVILEGE_NOT_HELD);
	FAILS(AccessCheckAndAuditAlarmW(u"s", NULL, u"File", u"f", d, 2, &mapping, FALSE, granted, &result, &generate),
		ERROR_PRIVILEGE_NOT_HELD);
	FAILS(AccessCheckAndAuditAlarmW(u"s", NULL, u"File", u"f", d, 2, &mapping, FALSE, granted, NULL, &generate),
		ERROR_NOACCESS);
	FAILS(AccessCheckAndAuditAlarmW(u"s", NULL, u"File", u"f", d, 2, &mapping, FALSE, granted, &result, NULL),
		ERROR_NOACCESS);
	SAME(result, 9);
	SAME(generate, 9);
	CHECK(AccessCheckByTypeAndAuditAlarmA("s", NULL, "File", "f", d, NULL, 2, AuditEventObjectAccess,
		AUDIT_ALLOW_NO_PRIVILEGE, types, 2, &mapping, FALSE, granted, &result, &generate));
	SAME(result, TRUE);
	SAME(granted[0], 2);
	SAME(generate, FALSE);
	SetLastError(0);
	CHECK(AccessCheckByTypeAndAuditAlarmW(u"s", NULL, u"File", u"f", d, NULL, 4, AuditEventDirectoryServiceAccess,
		AUDIT_ALLOW_NO_PRIVILEGE, types, 2, &mapping, FALSE, granted, &result, &generate));
	SAME(result, FALSE);
	SAME(granted[0], 0);
	SAME(GetLastError(), ERROR_ACCESS_DENIED);
	OBJECT_TYPE_LIST three[3] = {types[0], types[1], {1, 0, &guids[0]}};
	GUID other = {0xc};
	three[2].ObjectType = &other;
	DWORD g[3], r[3];
	CHECK(AccessCheckByTypeResultListAndAuditAlarmW(u"s", NULL, u"File", u"f", d, NULL, 3, AuditEventObjectAccess,
		AUDIT_ALLOW_NO_PRIVILEGE, three, 3, &mapping, FALSE, g, r, &generate));
	SAME(r[0], ERROR_ACCESS_DENIED);
	SAME(r[1], ERROR_SUCCESS);
	SAME(r[2], ERROR_ACCESS_DENIED);
	SAME(g[1], 3);
	SAME(g[2], 2); /* what it has of it */
	CHECK(AccessCheckByTypeResultListAndAuditAlarmA("s", NULL, "File", "f", d, NULL, 3, AuditEventObjectAccess,
		AUDIT_ALLOW_NO_PRIVILEGE, three, 3, &mapping, FALSE, g, r, &generate));
	SAME(r[1], ERROR_SUCCESS);
	CHECK(RevertToSelf());
	win32_by_handle(d, three);
}

void test_audit_checks(void)
{
	RtlInitUnicodeString(&server, u"server");
	RtlInitUnicodeString(&type, u"File");
	RtlInitUnicodeString(&name, u"f");
	order();
	answers();
	ends();
	win32();
}
