/* Captured subjects: they are of one moment (I-83, IC-63). */
#include "kernel.h"

static const GENERIC_MAPPING mapping = {1, 2, 4, 7};

static BOOLEAN may(PSECURITY_DESCRIPTOR d, PSECURITY_SUBJECT_CONTEXT s)
{
	GENERIC_MAPPING m = mapping;
	ACCESS_MASK granted = 99;
	NTSTATUS st = 99;
	BOOLEAN ok = SeAccessCheck(d, s, FALSE, 1, 0, NULL, &m, UserMode, &granted, &st);
	SAME(granted, ok ? 1 : 0);
	SAME(st == STATUS_SUCCESS, ok);
	return ok;
}

static void snapshots(void)
{
	PSECURITY_DESCRIPTOR of_alice = sddl("O:SYG:SYD:(A;;0x1;;;S-1-5-21-7-7-7-1001)"),
		of_admins = sddl("O:SYG:SYD:(A;;0x1;;;BA)");
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation), mine = PsReferencePrimaryToken(MINE);
	SECURITY_SUBJECT_CONTEXT self, client;
	SeCaptureSubjectContext(&self);
	CHECK(self.ClientToken == NULL);
	CHECK(self.PrimaryToken == mine);
	CHECK(SeQuerySubjectContextToken(&self) == mine);
	SAME((uintptr_t)self.ProcessAuditId, (uintptr_t)PsGetCurrentProcessId());
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	SeCaptureSubjectContext(&client);
	CHECK(client.ClientToken == a);
	CHECK(client.PrimaryToken == mine);
	CHECK(SeQuerySubjectContextToken(&client) == a);
	SAME(client.ImpersonationLevel, SecurityImpersonation);
	/* Neither changes with the thread. */
	CHECK(may(of_admins, &self) && !may(of_alice, &self));
	CHECK(!may(of_admins, &client) && may(of_alice, &client));
	PsRevertToSelf();
	CHECK(may(of_admins, &self) && !may(of_alice, &self));
	CHECK(!may(of_admins, &client) && may(of_alice, &client));
	SECURITY_SUBJECT_CONTEXT copy = client; /* a structure like any other */
	CHECK(may(of_alice, &copy));
	SeReleaseSubjectContext(&copy);
	SeReleaseSubjectContext(&self);
	CHECK(self.PrimaryToken == NULL);
	PsDereferenceImpersonationToken(a);
	PsDereferencePrimaryToken(mine);
}

/* The Ex form: the client of a thread, or none, and the primary token of a process. */
static void extended(void)
{
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation,
		SecurityImpersonation), system = PsReferencePrimaryToken(PsInitialSystemProcess);
	SECURITY_SUBJECT_CONTEXT s;
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityIdentification), STATUS_SUCCESS);
	SeCaptureSubjectContextEx(ME, MINE, &s);
	CHECK(s.ClientToken == a);
	SAME(s.ImpersonationLevel, SecurityIdentification);
	CHECK(s.PrimaryToken != system);
	SeReleaseSubjectContext(&s);
	SeCaptureSubjectContextEx(NULL, MINE, &s);
	CHECK(s.ClientToken == NULL);
	SeReleaseSubjectContext(&s);
	SeCaptureSubjectContextEx(ME, PsInitialSystemProcess, &s);
	CHECK(s.ClientToken == a);
	CHECK(s.PrimaryToken == system);
	SAME((uintptr_t)s.ProcessAuditId, 4);
	SeReleaseSubjectContext(&s);
	PsRevertToSelf();
	CHECK(user_is(system, SeExports->SeLocalSystemSid));
	PsDereferencePrimaryToken(system);
	PsDereferenceImpersonationToken(a);
}

/* A locked context has one snapshot of its tokens until it is unlocked. */
static void locked(void)
{
	HANDLE k = logon(alice, TokenImpersonation, SecurityImpersonation);
	PACCESS_TOKEN a;
	SECURITY_SUBJECT_CONTEXT s;
	TOKEN_PRIVILEGES on = {1, {{SeExports->SeShutdownPrivilege, SE_PRIVILEGE_ENABLED}}};
	PRIVILEGE_SET set = {1, PRIVILEGE_SET_ALL_NECESSARY, {{SeExports->SeShutdownPrivilege, 0}}};
	STATUS(ObReferenceObjectByHandle(k, 0, *SeTokenObjectType, KernelMode, &a, NULL), STATUS_SUCCESS);
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	SeCaptureSubjectContext(&s);
	PsRevertToSelf();
	CHECK(!SePrivilegeCheck(&set, &s, UserMode));
	SeLockSubjectContext(&s);
	STATUS(ZwAdjustPrivilegesToken(k, FALSE, &on, 0, NULL, NULL), STATUS_SUCCESS);
	CHECK(!SePrivilegeCheck(&set, &s, UserMode));
	SAME(set.Privilege[0].Attributes, 0);
	SeUnlockSubjectContext(&s);
	CHECK(SePrivilegeCheck(&set, &s, UserMode));
	SAME(set.Privilege[0].Attributes, SE_PRIVILEGE_USED_FOR_ACCESS);
	SeLockSubjectContext(&s);
	on.Privileges[0].Attributes = 0;
	STATUS(ZwAdjustPrivilegesToken(k, FALSE, &on, 0, NULL, NULL), STATUS_SUCCESS);
	CHECK(SePrivilegeCheck(&set, &s, UserMode));
	SECURITY_SUBJECT_CONTEXT kept = s, other;
	SeCaptureSubjectContext(&other);
	s = other; /* another context at the address of the locked one: it has nothing to do with that */
	CHECK(may(sddl("O:SYG:SYD:(A;;0x1;;;BA)"), &s));
	SeReleaseSubjectContext(&s);
	s = kept;
	SeReleaseSubjectContext(&s); /* also lets the snapshot go */
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	SeCaptureSubjectContext(&s); /* the same bytes at the same address */
	CHECK(!SePrivilegeCheck(&set, &s, UserMode));
	SeReleaseSubjectContext(&s);
	PsRevertToSelf();
	STATUS(ZwClose(k), STATUS_SUCCESS);
	PsDereferenceImpersonationToken(a);
}

void test_subjects(void)
{
	snapshots();
	extended();
	locked();
}
