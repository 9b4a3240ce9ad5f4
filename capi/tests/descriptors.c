/* Descriptors made of trustees and entries, as the documentation of these functions says. */
#include "check.h"

static PSID everyone, users, administrator;

/* The descriptor that results is the one of that text. */
static void is_sddl(PSECURITY_DESCRIPTOR d, ULONG size, const char *want)
{
	LPSTR text = NULL;
	SAME(GetSecurityDescriptorLength(d), size);
	CHECK(IsValidSecurityDescriptor(d));
	CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorA(d, SDDL_REVISION_1,
		OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION,
		&text, NULL));
	CHECK(strcmp(text, want) == 0);
	if (strcmp(text, want))
		printf("\tgot %s, want %s\n", text, want);
	LocalFree(text);
	LocalFree(d);
}

static void build(void)
{
	TRUSTEE_W owner, group;
	TRUSTEE_A ownerA;
	WCHAR system[] = u"SYSTEM";
	char admins[] = "BUILTIN\\Administrators", stranger[] = "no such account";
	EXPLICIT_ACCESS_W e[2] = {{1, GRANT_ACCESS, 0, {0}}, {2, SET_AUDIT_SUCCESS, 0, {0}}};
	PSECURITY_DESCRIPTOR d = NULL, old = sddl("O:BUG:BUD:P(A;;0x4;;;BU)S:(AU;FA;0x1;;;WD)");
	ULONG n = 0;
	BuildTrusteeWithNameW(&owner, system);
	BuildTrusteeWithSidW(&group, users);
	BuildTrusteeWithSidW(&e[0].Trustee, everyone);
	BuildTrusteeWithSidW(&e[1].Trustee, everyone);
	SAME(BuildSecurityDescriptorW(&owner, &group, 1, e, 1, e + 1, NULL, &n, &d), ERROR_SUCCESS);
	is_sddl(d, n, "O:SYG:BUD:(A;;CC;;;WD)S:(AU;SA;DC;;;WD)");
	SAME(BuildSecurityDescriptorW(NULL, NULL, 0, NULL, 0, NULL, NULL, &n, &d), ERROR_SUCCESS);
	is_sddl(d, n, "");
	SAME(BuildSecurityDescriptorW(&owner, NULL, 1, e, 0, NULL, old, &n, &d), ERROR_SUCCESS); /* merged with the old one */
	is_sddl(d, n, "O:SYG:BUD:P(A;;CC;;;WD)(A;;LC;;;BU)S:(AU;FA;CC;;;WD)");
	SAME(BuildSecurityDescriptorW(NULL, NULL, 0, NULL, 1, e + 1, old, &n, &d), ERROR_SUCCESS);
	is_sddl(d, n, "O:BUG:BUD:P(A;;LC;;;BU)S:(AU;SA;DC;;;WD)(AU;FA;CC;;;WD)");
	BuildTrusteeWithNameA(&ownerA, admins);
	SAME(BuildSecurityDescriptorA(&ownerA, NULL, 0, NULL, 0, NULL, NULL, &n, &d), ERROR_SUCCESS);
	is_sddl(d, n, "O:BA");
	d = (void *)0x55;
	BuildTrusteeWithNameA(&ownerA, stranger);
	SAME(BuildSecurityDescriptorA(&ownerA, NULL, 0, NULL, 0, NULL, NULL, &n, &d), ERROR_NONE_MAPPED);
	SECURITY_DESCRIPTOR absolute;
	CHECK(InitializeSecurityDescriptor(&absolute, SECURITY_DESCRIPTOR_REVISION));
	/* documented: self-relative */
	SAME(BuildSecurityDescriptorW(&owner, NULL, 0, NULL, 0, NULL, &absolute, &n, &d), ERROR_INVALID_SECURITY_DESCR);
	SAME(BuildSecurityDescriptorW(&owner, NULL, 1, NULL, 0, NULL, NULL, &n, &d), ERROR_INVALID_PARAMETER);
	SAME(BuildSecurityDescriptorW(&owner, NULL, 0, NULL, 0, NULL, NULL, NULL, &d), ERROR_INVALID_PARAMETER);
	SAME(BuildSecurityDescriptorW(&owner, NULL, 0, NULL, 0, NULL, NULL, &n, NULL), ERROR_INVALID_PARAMETER);
	CHECK(d == (void *)0x55);
}

/* A part that is given is not a default any more. The others and the resource manager's byte stay what they were. */
static void defaults(void)
{
	const WORD all = SE_OWNER_DEFAULTED | SE_GROUP_DEFAULTED | SE_DACL_DEFAULTED | SE_SACL_DEFAULTED;
	static const WORD flags[] = {SE_OWNER_DEFAULTED, SE_GROUP_DEFAULTED, SE_DACL_DEFAULTED, SE_SACL_DEFAULTED};
	PISECURITY_DESCRIPTOR old = sddl("O:BUG:BUD:P(A;;0x4;;;BU)S:(AU;FA;0x1;;;WD)");
	TRUSTEE_W who;
	EXPLICIT_ACCESS_W access = {1, GRANT_ACCESS, 0, {0}}, audit = {2, SET_AUDIT_SUCCESS, 0, {0}};
	BuildTrusteeWithSidW(&who, everyone);
	access.Trustee = audit.Trustee = who;
	old->Control |= all | SE_RM_CONTROL_VALID;
	old->Sbz1 = 7;
	for (int i = 0; i < 4; i++) {
		PSECURITY_DESCRIPTOR d = NULL;
		SECURITY_DESCRIPTOR_CONTROL control = 0;
		ULONG n = 0, revision;
		SAME(BuildSecurityDescriptorW(i == 0 ? &who : NULL, i == 1 ? &who : NULL, i == 2, i == 2 ? &access : NULL, i == 3,
			i == 3 ? &audit : NULL, old, &n, &d), ERROR_SUCCESS);
		CHECK(GetSecurityDescriptorControl(d, &control, &revision));
		SAME(control & all, all & ~flags[i]);
		CHECK(control & SE_RM_CONTROL_VALID);
		SAME(((PISECURITY_DESCRIPTOR_RELATIVE)d)->Sbz1, 7);
		SAME(control & (SE_SELF_RELATIVE | SE_DACL_PROTECTED | SE_DACL_PRESENT | SE_SACL_PRESENT),
			SE_SELF_RELATIVE | SE_DACL_PROTECTED | SE_DACL_PRESENT | SE_SACL_PRESENT);
		LocalFree(d);
	}
}

static void take_apart(void)
{
	PTRUSTEE_A owner, group;
	PTRUSTEE_W ownerW;
	PEXPLICIT_ACCESS_A access, audit;
	ULONG accesses = 9, audits = 9;
	PSECURITY_DESCRIPTOR d = sddl("O:BAG:WDD:(A;;0x1;;;WD)(D;;0x2;;;BU)S:(AU;SAFA;0x1;;;WD)");
	SAME(LookupSecurityDescriptorPartsA(&owner, &group, &accesses, &access, &audits, &audit, d), ERROR_SUCCESS);
	SAME(GetTrusteeFormA(owner), TRUSTEE_IS_NAME); /* documented: the names of the owner and the group */
	CHECK(strcmp(GetTrusteeNameA(owner), "BUILTIN\\Administrators") == 0);
	CHECK(strcmp(GetTrusteeNameA(group), "Everyone") == 0);
	SAME(accesses, 2);
	SAME(access[0].grfAccessMode, GRANT_ACCESS);
	SAME(access[1].grfAccessMode, DENY_ACCESS);
	SAME(audits, 2);
	SAME(audit[0].grfAccessMode, SET_AUDIT_SUCCESS);
	SAME(audit[1].grfAccessMode, SET_AUDIT_FAILURE);
	LocalFree(owner);
	LocalFree(group);
	LocalFree(access);
	LocalFree(audit);
	SAME(LookupSecurityDescriptorPartsW(&ownerW, NULL, NULL, NULL, NULL, NULL, d), ERROR_SUCCESS);
	CHECK(memcmp(GetTrusteeNameW(ownerW), u"BUILTIN\\Administrators", 46) == 0);
	LocalFree(ownerW);
	SAME(LookupSecurityDescriptorPartsA(&owner, &group, &accesses, &access, &audits, &audit, sddl("D:NO_ACCESS_CONTROL")),
		ERROR_SUCCESS);
	CHECK(owner == NULL && group == NULL && access == NULL && audit == NULL);
	SAME(accesses, 0);
	SAME(audits, 0);
	owner = (void *)0x55;
	SAME(LookupSecurityDescriptorPartsA(&owner, NULL, NULL, NULL, NULL, NULL, sddl("O:S-1-5-21-1-2-3-4")),
		ERROR_NONE_MAPPED);
	SAME(LookupSecurityDescriptorPartsA(&owner, NULL, &accesses, NULL, NULL, NULL, d), ERROR_INVALID_PARAMETER);
	SAME(LookupSecurityDescriptorPartsA(&owner, NULL, NULL, NULL, NULL, NULL, NULL), ERROR_INVALID_SECURITY_DESCR);
	CHECK(owner == (void *)0x55);
}

/* An offset without the PRESENT bit is ignored (S-24). */
static void absent_lists(void)
{
	_Alignas(8) char room[64] = {0};
	ULONG n = sizeof room;
	PISECURITY_DESCRIPTOR_RELATIVE d = sddl("O:BUG:BU");
	SECURITY_DESCRIPTOR absolute;
	DWORD size = sizeof absolute, dacl = 0, sacl = 0, owner = 32, group = 32;
	char sids[2][32];
	ULONG length = GetSecurityDescriptorLength(d);
	d->Dacl = d->Sacl = d->Owner; /* not a list */
	CHECK(IsValidSecurityDescriptor(d));
	SAME(GetSecurityDescriptorLength(d), length);
	STATUS(RtlMakeSelfRelativeSD(d, room, &n), STATUS_SUCCESS);
	SAME(((PISECURITY_DESCRIPTOR_RELATIVE)room)->Dacl | ((PISECURITY_DESCRIPTOR_RELATIVE)room)->Sacl, 0);
	CHECK(MakeAbsoluteSD(d, &absolute, &size, NULL, &dacl, NULL, &sacl, sids[0], &owner, sids[1], &group));
	CHECK(!absolute.Dacl && !absolute.Sacl && absolute.Owner && absolute.Group);
	LocalFree(d);
}

/* An alias of an account, such as LA, is of the domain of the process's user. */
static void aliases(void)
{
	PSID alias = NULL, owner = NULL;
	PSECURITY_DESCRIPTOR d = NULL;
	BOOL defaulted;
	LPSTR text = NULL;
	CHECK(ConvertStringSidToSidA("LA", &alias) && EqualSid(alias, administrator));
	CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorA("O:LA", SDDL_REVISION_1, &d, NULL) &&
		GetSecurityDescriptorOwner(d, &owner, &defaulted) && EqualSid(owner, administrator));
	FAILS(ConvertSecurityDescriptorToStringSecurityDescriptorA(NULL, SDDL_REVISION_1, OWNER_SECURITY_INFORMATION, &text,
		NULL), ERROR_INVALID_SECURITY_DESCR);
	LocalFree(alias);
	LocalFree(d);
}

void test_descriptors(void)
{
	absent_lists();
	CHECK(ConvertStringSidToSidA("WD", &everyone));
	CHECK(ConvertStringSidToSidA("BU", &users));
	CHECK(ConvertStringSidToSidA("S-1-5-21-1000000001-1000000002-1000000003-500", &administrator));
	build();
	defaults();
	take_apart();
	aliases();
	LocalFree(everyone);
	LocalFree(users);
	LocalFree(administrator);
}
