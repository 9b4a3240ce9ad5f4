/* Access checks and privileges of a captured subject (A-30 to A-53, T-102). */
#include "kernel.h"

static const GENERIC_MAPPING mapping = {0x120089, 0x120116, 0x1200A0, 0x1F01FF};

/* SeAccessCheck as a row: what is asked and what comes of it. */
static void row(int line, PSECURITY_DESCRIPTOR d, PSECURITY_SUBJECT_CONTEXT s, ACCESS_MASK desired,
	ACCESS_MASK previous, KPROCESSOR_MODE mode, NTSTATUS want, ACCESS_MASK granted)
{
	GENERIC_MAPPING m = mapping;
	ACCESS_MASK got = 0xDEAD;
	NTSTATUS st = 99;
	BOOLEAN ok = SeAccessCheck(d, s, FALSE, desired, previous, NULL, &m, mode, &got, &st);
	if (ok != (want == STATUS_SUCCESS) || st != want || got != granted)
		printf("access.c:%d: ", line);
	SAME(ok, want == STATUS_SUCCESS);
	SAME((ULONG)st, (ULONG)want);
	SAME(got, granted);
}
#define ROW(...) row(__LINE__, __VA_ARGS__)

static void checks_of_alice(void)
{
	PSECURITY_DESCRIPTOR d = sddl("O:SYG:SYD:(D;;0x4;;;S-1-5-21-7-7-7-1001)(A;;0x3;;;S-1-5-21-7-7-7-1001)(A;;FR;;;BU)");
	PSECURITY_DESCRIPTOR null = sddl("O:SYG:SYD:NO_ACCESS_CONTROL"), empty = sddl("O:SYG:SYD:"),
		hers = sddl("O:S-1-5-21-7-7-7-1001G:SYD:");
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation);
	SECURITY_SUBJECT_CONTEXT s;
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	SeCaptureSubjectContext(&s);
	PsRevertToSelf();
	/* user mode */
	ROW(d, &s, 0x1, 0, UserMode, STATUS_SUCCESS, 0x1);
	ROW(d, &s, 0x3, 0, UserMode, STATUS_SUCCESS, 0x3);
	ROW(d, &s, 0x4, 0, UserMode, STATUS_ACCESS_DENIED, 0);
	ROW(d, &s, 0x7, 0, UserMode, STATUS_ACCESS_DENIED, 0);
	ROW(d, &s, GENERIC_READ, 0, UserMode, STATUS_SUCCESS, 0x120089); /* */
	ROW(d, &s, MAXIMUM_ALLOWED, 0, UserMode, STATUS_SUCCESS, 0x12008B);
	ROW(null, &s, 0x1F01FF, 0, UserMode, STATUS_SUCCESS, 0x1F01FF); /* */
	ROW(null, &s, MAXIMUM_ALLOWED, 0, UserMode, STATUS_SUCCESS, 0x1F01FF);
	ROW(empty, &s, 0x1, 0, UserMode, STATUS_ACCESS_DENIED, 0); /* */
	ROW(hers, &s, READ_CONTROL | WRITE_DAC, 0, UserMode, STATUS_SUCCESS, READ_CONTROL | WRITE_DAC); /* */
	ROW(NULL, &s, 0x1, 0, UserMode, STATUS_ACCESS_DENIED, 0); /* */
	/* what was granted before is not asked again, and part of the answer */
	ROW(d, &s, 0x5, 0x4, UserMode, STATUS_SUCCESS, 0x5);
	ROW(empty, &s, 0x1, 0x1, UserMode, STATUS_SUCCESS, 0x1);
	ROW(d, &s, 0x1, 0x40, UserMode, STATUS_SUCCESS, 0x41);
	ROW(empty, &s, 0x2, 0x1, UserMode, STATUS_ACCESS_DENIED, 0); /* nothing on failure */
	ROW(d, &s, 0x1, GENERIC_EXECUTE, UserMode, STATUS_SUCCESS, 0x1200A1); /* */
	/* nothing asked: what was granted before decides */
	ROW(d, &s, 0, 0, UserMode, STATUS_ACCESS_DENIED, 0);
	ROW(d, &s, 0, 0x4, UserMode, STATUS_SUCCESS, 0x4);
	/* kernel mode: all is granted */
	ROW(empty, &s, 0x1F01FF, 0, KernelMode, STATUS_SUCCESS, 0x1F01FF);
	ROW(NULL, &s, 0x1, 0x2, KernelMode, STATUS_SUCCESS, 0x3);
	ROW(empty, &s, MAXIMUM_ALLOWED, 0, KernelMode, STATUS_SUCCESS, 0x1F01FF);
	ROW(empty, &s, ACCESS_SYSTEM_SECURITY, 0, KernelMode, STATUS_SUCCESS, ACCESS_SYSTEM_SECURITY);
	ROW(d, &s, 0, 0, KernelMode, STATUS_SUCCESS, 0);
	/* she has no privilege */
	ROW(null, &s, ACCESS_SYSTEM_SECURITY, 0, UserMode, STATUS_PRIVILEGE_NOT_HELD, 0);
	ROW(empty, &s, WRITE_OWNER, 0, UserMode, STATUS_ACCESS_DENIED, 0);
	SeReleaseSubjectContext(&s);
	/* below SecurityImpersonation nothing is granted in user mode, whatever the list says; the state's level
	 * counts (IC-78) */
	for (int level = 0; level < 2; level++) {
		STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, level), STATUS_SUCCESS);
		SeCaptureSubjectContext(&s);
		PsRevertToSelf();
		ROW(null, &s, 0x1, 0, UserMode, STATUS_BAD_IMPERSONATION_LEVEL, 0);
		ROW(null, &s, 0, 0x1, UserMode, STATUS_BAD_IMPERSONATION_LEVEL, 0);
		ROW(NULL, &s, 0x1, 0, UserMode, STATUS_ACCESS_DENIED, 0); /* A-32 comes first */
		ROW(null, &s, 0x1, 0, KernelMode, STATUS_SUCCESS, 0x1);
		SeReleaseSubjectContext(&s);
	}
	PsDereferenceImpersonationToken(a);
}

/* Privileges that an access used are handed out. */
static void privileges_used(void)
{
	PSECURITY_DESCRIPTOR empty = sddl("O:SYG:SYD:"), bad = sddl("O:SYG:SYD:");
	GENERIC_MAPPING m = mapping;
	SECURITY_SUBJECT_CONTEXT s;
	PPRIVILEGE_SET used = (PPRIVILEGE_SET)1;
	ACCESS_MASK granted;
	NTSTATUS st;
	BOOLEAN security, take;
	STATUS(RtlAdjustPrivilege(SE_SECURITY_PRIVILEGE, TRUE, FALSE, &security), STATUS_SUCCESS);
	STATUS(RtlAdjustPrivilege(SE_TAKE_OWNERSHIP_PRIVILEGE, TRUE, FALSE, &take), STATUS_SUCCESS);
	SeCaptureSubjectContext(&s);
	CHECK(SeAccessCheck(empty, &s, FALSE, ACCESS_SYSTEM_SECURITY | WRITE_OWNER, 0, &used, &m, UserMode, &granted, &st));
	SAME(granted, ACCESS_SYSTEM_SECURITY | WRITE_OWNER);
	CHECK(used != NULL);
	SAME(used->PrivilegeCount, 2);
	SAME(used->Privilege[0].Luid.LowPart, SE_SECURITY_PRIVILEGE);
	SAME(used->Privilege[0].Attributes, SE_PRIVILEGE_USED_FOR_ACCESS);
	SAME(used->Privilege[1].Luid.LowPart, SE_TAKE_OWNERSHIP_PRIVILEGE);
	SeFreePrivileges(used);
	/* also when denied */
	CHECK(!SeAccessCheck(empty, &s, FALSE, ACCESS_SYSTEM_SECURITY | 1, 0, &used, &m, UserMode, &granted, &st));
	STATUS(st, STATUS_ACCESS_DENIED);
	CHECK(used != NULL);
	SAME(used->PrivilegeCount, 1);
	SeFreePrivileges(used);
	CHECK(!SeAccessCheck(empty, &s, FALSE, 1, 0, &used, &m, UserMode, &granted, &st));
	CHECK(used == NULL); /* none was used */
	CHECK(SeAccessCheck(empty, &s, FALSE, ACCESS_SYSTEM_SECURITY, 0, &used, &m, KernelMode, &granted, &st));
	CHECK(used == NULL); /* kernel mode needs none */
	SeFreePrivileges(NULL);
	((PISECURITY_DESCRIPTOR_RELATIVE)bad)->Revision = 9;
	CHECK(!SeAccessCheck(bad, &s, FALSE, 1, 0, NULL, &m, UserMode, &granted, &st));
	STATUS(st, STATUS_UNKNOWN_REVISION);
	SAME(granted, 0);
	CHECK(!SeAccessCheck(none, &s, FALSE, 1, 0, NULL, &m, UserMode, &granted, &st));
	STATUS(st, STATUS_ACCESS_VIOLATION);
	/* kernel mode does not look at it */
	CHECK(SeAccessCheck(none, &s, FALSE, 1, 0, NULL, &m, KernelMode, &granted, &st));
	/* generic rights mean nothing without a mapping */
	CHECK(!SeAccessCheck(empty, &s, FALSE, GENERIC_ALL, 0, NULL, none, UserMode, &granted, &st));
	STATUS(st, STATUS_ACCESS_VIOLATION);
	SeReleaseSubjectContext(&s);
	STATUS(RtlAdjustPrivilege(SE_SECURITY_PRIVILEGE, security, FALSE, &security), STATUS_SUCCESS);
	STATUS(RtlAdjustPrivilege(SE_TAKE_OWNERSHIP_PRIVILEGE, take, FALSE, &take), STATUS_SUCCESS);
}

static void privilege_checks(void)
{
	struct { DWORD n, control; LUID_AND_ATTRIBUTES p[2]; } set = {2, PRIVILEGE_SET_ALL_NECESSARY,
		{{SeExports->SeChangeNotifyPrivilege, 0}, {SeExports->SeShutdownPrivilege, 0}}};
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation);
	SECURITY_SUBJECT_CONTEXT s;
	LUID nobodys = {999, 0};
	CHECK(SeSinglePrivilegeCheck(nobodys, KernelMode));
	CHECK(!SeSinglePrivilegeCheck(nobodys, UserMode));
	CHECK(!SeSinglePrivilegeCheck(SeExports->SeTcbPrivilege, UserMode));
	CHECK(SeSinglePrivilegeCheck(SeExports->SeTcbPrivilege, KernelMode));
	CHECK(SeSinglePrivilegeCheck(SeExports->SeImpersonatePrivilege, UserMode));
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	CHECK(SeSinglePrivilegeCheck(SeExports->SeChangeNotifyPrivilege, UserMode));
	CHECK(!SeSinglePrivilegeCheck(SeExports->SeShutdownPrivilege, UserMode)); /* held, not enabled */
	CHECK(!SeSinglePrivilegeCheck(SeExports->SeImpersonatePrivilege, UserMode));
	SeCaptureSubjectContext(&s);
	CHECK(!SePrivilegeCheck((PPRIVILEGE_SET)&set, &s, UserMode));
	SAME(set.p[0].Attributes, SE_PRIVILEGE_USED_FOR_ACCESS);
	SAME(set.p[1].Attributes, 0);
	set.control = 0; /* one is enough */
	CHECK(SePrivilegeCheck((PPRIVILEGE_SET)&set, &s, UserMode));
	set.control = PRIVILEGE_SET_ALL_NECESSARY;
	CHECK(SePrivilegeCheck((PPRIVILEGE_SET)&set, &s, KernelMode));
	set.n = 0; /* T-101 */
	CHECK(SePrivilegeCheck((PPRIVILEGE_SET)&set, &s, UserMode));
	set.control = 0;
	CHECK(!SePrivilegeCheck((PPRIVILEGE_SET)&set, &s, UserMode));
	SeReleaseSubjectContext(&s);
	/* who may only be identified may use nothing (T-102) */
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityIdentification), STATUS_SUCCESS);
	CHECK(!SeSinglePrivilegeCheck(SeExports->SeChangeNotifyPrivilege, UserMode));
	CHECK(SeSinglePrivilegeCheck(SeExports->SeChangeNotifyPrivilege, KernelMode));
	PsRevertToSelf();
	PsDereferenceImpersonationToken(a);
}

static void access_states(void)
{
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation);
	GENERIC_MAPPING m = mapping;
	ACCESS_STATE s, t;
	AUX_ACCESS_DATA aux;
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	STATUS(SeCreateAccessState(&s, &aux, GENERIC_READ | 0x100, &m), STATUS_SUCCESS);
	STATUS(SeCreateAccessState(&t, NULL, GENERIC_READ, NULL), STATUS_SUCCESS);
	PsRevertToSelf();
	SAME(s.OriginalDesiredAccess, GENERIC_READ | 0x100);
	SAME(s.RemainingDesiredAccess, 0x120189);
	SAME(s.PreviouslyGrantedAccess, 0);
	SAME(s.Flags & TOKEN_HAS_TRAVERSE_PRIVILEGE, TOKEN_HAS_TRAVERSE_PRIVILEGE);
	CHECK(s.SubjectSecurityContext.ClientToken == a);
	CHECK(s.AuxData == &aux);
	CHECK(s.SecurityDescriptor == NULL);
	SAME(s.Privileges.PrivilegeSet.PrivilegeCount, 0);
	SAME(t.RemainingDesiredAccess, GENERIC_READ); /* without a mapping generic rights stay */
	CHECK(!SAME_LUID(s.OperationID, t.OperationID));
	/* TRUE where the list's first entry that matters lets everyone through */
	CHECK(SeFastTraverseCheck(sddl("O:SYG:SYD:(A;;0x20;;;WD)"), &s, 0x20, UserMode));
	CHECK(SeFastTraverseCheck(sddl("O:SYG:SYD:NO_ACCESS_CONTROL"), &s, 0x20, UserMode));
	CHECK(!SeFastTraverseCheck(sddl("O:SYG:SYD:(D;;0x20;;;BG)(A;;0x20;;;WD)"), &s, 0x20, UserMode));
	CHECK(!SeFastTraverseCheck(sddl("O:SYG:SYD:(A;;0x20;;;BU)"), &s, 0x20, UserMode));
	CHECK(!SeFastTraverseCheck(sddl("O:SYG:SYD:(A;;0x20;;;WD)"), &s, 0x1, UserMode));
	CHECK(!SeFastTraverseCheck(sddl("O:SYG:SYD:"), &s, 0x20, UserMode));
	CHECK(SeFastTraverseCheck(sddl("O:SYG:SYD:"), &s, 0x20, KernelMode));
	/* T-134: appended as they are; more than fit go behind AuxData */
	PRIVILEGE_SET one = {1, 0, {{{SE_BACKUP_PRIVILEGE, 0}, 0x80000000}}};
	for (ULONG i = 1; i <= 5; i++) {
		STATUS(SeAppendPrivileges(&s, &one), STATUS_SUCCESS);
		SAME(s.PrivilegesAllocated, i > INITIAL_PRIVILEGE_COUNT);
		PPRIVILEGE_SET set = i > INITIAL_PRIVILEGE_COUNT ? aux.PrivilegesUsed : &s.Privileges.PrivilegeSet;
		SAME(set->PrivilegeCount, i);
		for (ULONG j = 0; j < i; j++)
			CHECK(!memcmp(&set->Privilege[j], one.Privilege, sizeof *one.Privilege));
		STATUS(SeAppendPrivileges(&t, &one), i > INITIAL_PRIVILEGE_COUNT ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS);
	}
	STATUS(SeAppendPrivileges(&s, NULL), STATUS_SUCCESS);
	SAME(aux.PrivilegesUsed->PrivilegeCount, 5);
	SeDeleteAccessState(&s);
	SeDeleteAccessState(&t);
	STATUS(SeCreateAccessState(readonly, NULL, 1, NULL), STATUS_ACCESS_VIOLATION);
	PsDereferenceImpersonationToken(a);
}

void test_access(void)
{
	checks_of_alice();
	privileges_used();
	privilege_checks();
	access_states();
}
