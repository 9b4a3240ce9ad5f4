/* Trustees, and lists made from explicit entries. */
#include "check.h"

static PSID everyone, users;

static PACL dacl(const char *text)
{
	BOOL present, defaulted;
	PACL acl = NULL;
	CHECK(GetSecurityDescriptorDacl(sddl(text), &present, &acl, &defaulted));
	return acl;
}

static EXPLICIT_ACCESS_W entry(DWORD mask, ACCESS_MODE mode, DWORD inheritance, PSID sid)
{
	EXPLICIT_ACCESS_W e = {mask, mode, inheritance, {0}};
	BuildTrusteeWithSidW(&e.Trustee, sid);
	return e;
}

/* The list that results is the one of that text. */
#define GIVES(count, list, old, want) \
	do { \
		PACL new_ = NULL, want_ = dacl(want); \
		SAME(SetEntriesInAclW(count, list, old, &new_), ERROR_SUCCESS); \
		CHECK(new_ && IsValidAcl(new_)); \
		CHECK(new_ && new_->AclSize == want_->AclSize && memcmp(new_, want_, want_->AclSize) == 0); \
		LocalFree(new_); \
	} while (0)

static void trustees(void)
{
	TRUSTEE_W w;
	TRUSTEE_A a;
	EXPLICIT_ACCESS_W ew;
	EXPLICIT_ACCESS_A ea;
	WCHAR name[] = u"someone";
	char text[] = "someone";
	memset(&w, 0xEE, sizeof w);
	BuildTrusteeWithSidW(&w, everyone);
	CHECK(w.pMultipleTrustee == NULL && w.MultipleTrusteeOperation == NO_MULTIPLE_TRUSTEE);
	SAME(GetTrusteeFormW(&w), TRUSTEE_IS_SID);
	SAME(GetTrusteeTypeW(&w), TRUSTEE_IS_UNKNOWN);
	CHECK(GetTrusteeNameW(&w) == NULL && (PSID)w.ptstrName == everyone);
	BuildTrusteeWithNameW(&w, name);
	SAME(GetTrusteeFormW(&w), TRUSTEE_IS_NAME);
	CHECK(GetTrusteeNameW(&w) == name);
	w.TrusteeType = TRUSTEE_IS_GROUP;
	SAME(GetTrusteeTypeW(&w), 2);
	BuildTrusteeWithSidA(&a, everyone);
	SAME(GetTrusteeFormA(&a), TRUSTEE_IS_SID);
	CHECK(GetTrusteeNameA(&a) == NULL);
	memset(&a, 0xEE, sizeof a);
	BuildTrusteeWithNameA(&a, text);
	SAME(GetTrusteeFormA(&a), TRUSTEE_IS_NAME);
	SAME(GetTrusteeTypeA(&a), TRUSTEE_IS_UNKNOWN);
	CHECK(GetTrusteeNameA(&a) == text && a.pMultipleTrustee == NULL);
	memset(&ew, 0xEE, sizeof ew);
	BuildExplicitAccessWithNameW(&ew, name, 5, DENY_ACCESS, SUB_CONTAINERS_ONLY_INHERIT);
	SAME(ew.grfAccessPermissions, 5);
	SAME(ew.grfAccessMode, 3);
	SAME(ew.grfInheritance, 2);
	CHECK(GetTrusteeNameW(&ew.Trustee) == name && ew.Trustee.pMultipleTrustee == NULL);
	BuildExplicitAccessWithNameA(&ea, text, 6, SET_ACCESS, NO_INHERITANCE);
	SAME(ea.grfAccessPermissions, 6);
	SAME(ea.grfAccessMode, 2);
	CHECK(GetTrusteeNameA(&ea.Trustee) == text);
}

static void changes(void)
{
	EXPLICIT_ACCESS_W e[3] = {entry(1, GRANT_ACCESS, 0, everyone)};
	PACL old = dacl("D:(D;;0x4;;;BG)(A;;0x2;;;BU)(A;ID;0x8;;;SY)");
	GIVES(1, e, NULL, "D:(A;;0x1;;;WD)");
	GIVES(0, NULL, old, "D:(D;;0x4;;;BG)(A;;0x2;;;BU)(A;ID;0x8;;;SY)");
	/* New grants stand before the grants there are, new refusals in front. */
	GIVES(1, e, old, "D:(D;;0x4;;;BG)(A;;0x1;;;WD)(A;;0x2;;;BU)(A;ID;0x8;;;SY)");
	e[0].grfAccessMode = DENY_ACCESS;
	GIVES(1, e, old, "D:(D;;0x1;;;WD)(D;;0x4;;;BG)(A;;0x2;;;BU)(A;ID;0x8;;;SY)");
	/* A grant adds to one of the same inheritance. */
	e[0] = entry(1, GRANT_ACCESS, 0, users);
	GIVES(1, e, old, "D:(D;;0x4;;;BG)(A;;0x3;;;BU)(A;ID;0x8;;;SY)");
	e[0] = entry(1, GRANT_ACCESS, SUB_CONTAINERS_AND_OBJECTS_INHERIT, users);
	GIVES(1, e, old, "D:(D;;0x4;;;BG)(A;OICI;0x1;;;BU)(A;;0x2;;;BU)(A;ID;0x8;;;SY)");
	/* SET_ACCESS discards what was said of the trustee, REVOKE_ACCESS its grants. */
	old = dacl("D:(D;;0x4;;;BU)(A;;0x2;;;BU)(A;OI;0x10;;;BU)(A;;0x20;;;SY)");
	e[0] = entry(1, SET_ACCESS, 0, users);
	GIVES(1, e, old, "D:(A;;0x1;;;BU)(A;;0x20;;;SY)");
	e[0] = entry(0, REVOKE_ACCESS, 0, users);
	GIVES(1, e, old, "D:(D;;0x4;;;BU)(A;;0x20;;;SY)");
	/* A refusal takes its rights out of the grant. */
	e[0] = entry(3, DENY_ACCESS, 0, users);
	GIVES(1, e, dacl("D:(A;;0x6;;;BU)"), "D:(D;;0x3;;;BU)(A;;0x4;;;BU)");
	GIVES(1, e, dacl("D:(A;;0x2;;;BU)"), "D:(D;;0x3;;;BU)");
	/* In their order. */
	e[0] = entry(1, GRANT_ACCESS, 0, everyone);
	e[1] = entry(2, GRANT_ACCESS, 0, everyone);
	e[2] = entry(4, DENY_ACCESS, 0, users);
	GIVES(3, e, NULL, "D:(D;;0x4;;;BU)(A;;0x3;;;WD)");
}

static void names(void)
{
	EXPLICIT_ACCESS_W e;
	EXPLICIT_ACCESS_A a;
	PACL acl;
	WCHAR current[] = u"CURRENT_USER";
	char narrow[] = "current_User", known[] = "builtin\\users", room[100];
	DWORD n;
	/* The name of the user. */
	HANDLE own = process_token(TOKEN_QUERY);
	CHECK(GetTokenInformation(own, TokenUser, room, sizeof room, &n));
	BuildExplicitAccessWithNameW(&e, current, 1, GRANT_ACCESS, 0);
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_SUCCESS);
	CHECK(acl && EqualSid(&((PACCESS_ALLOWED_ACE)(acl + 1))->SidStart, ((PTOKEN_USER)room)->User.Sid));
	LocalFree(acl);
	HANDLE anonymous = client(SecurityAnonymous); /* for such a client it is a name like any other */
	CHECK(SetThreadToken(NULL, anonymous));
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_NONE_MAPPED);
	CHECK(RevertToSelf() && CloseHandle(anonymous));
	BuildExplicitAccessWithNameA(&a, narrow, 1, GRANT_ACCESS, 0);
	SAME(SetEntriesInAclA(1, &a, NULL, &acl), ERROR_SUCCESS);
	CHECK(acl && EqualSid(&((PACCESS_ALLOWED_ACE)(acl + 1))->SidStart, ((PTOKEN_USER)room)->User.Sid));
	LocalFree(acl);
	CloseHandle(own);
	/* The name of a well-known account. */
	BuildExplicitAccessWithNameA(&a, known, 1, GRANT_ACCESS, 0);
	SAME(SetEntriesInAclA(1, &a, NULL, &acl), ERROR_SUCCESS);
	CHECK(acl && EqualSid(&((PACCESS_ALLOWED_ACE)(acl + 1))->SidStart, users));
	LocalFree(acl);
}

static void refusals(void)
{
	EXPLICIT_ACCESS_W e = entry(1, GRANT_ACCESS, 0, everyone);
	EXPLICIT_ACCESS_A a;
	PACL acl = (PACL)0x54;
	WCHAR unknown[] = u"no such account";
	char stranger[] = "no such account";
	char room[100];
	ACL bad = {1, 0, 8, 0, 0};
	SAME(SetEntriesInAclW(0, NULL, NULL, &acl), ERROR_SUCCESS);
	CHECK(acl == NULL);
	SAME(SetEntriesInAclW(1, NULL, NULL, &acl), ERROR_INVALID_PARAMETER);
	SAME(SetEntriesInAclW(1, &e, NULL, NULL), ERROR_INVALID_PARAMETER);
	SAME(SetEntriesInAclW(1, &e, &bad, &acl), ERROR_INVALID_ACL);
	SAME(SetEntriesInAclW(1, &e, UNMAPPED, &acl), ERROR_NOACCESS);
	SAME(SetEntriesInAclW(1, UNMAPPED, NULL, &acl), ERROR_NOACCESS);
	SAME(SetEntriesInAclW(1, &e, NULL, readonly), ERROR_NOACCESS);
	SAME(SetEntriesInAclW(0xffffffff, &e, NULL, none), ERROR_NOACCESS);
	e.grfAccessMode = NOT_USED_ACCESS;
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_INVALID_PARAMETER);
	e = entry(1, 7, 0, everyone);
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_INVALID_PARAMETER);
	e = entry(1, GRANT_ACCESS, 0x40, everyone);
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_INVALID_PARAMETER);
	e = entry(1, GRANT_ACCESS, 0, NULL);
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_INVALID_PARAMETER);
	e = entry(1, GRANT_ACCESS, 0, KERNEL);
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_NOACCESS);
	memset(room, 0, sizeof room);
	e = entry(1, GRANT_ACCESS, 0, room);
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_INVALID_SID);
	e = entry(1, GRANT_ACCESS, 0, everyone);
	e.Trustee.TrusteeForm = TRUSTEE_IS_NAME;
	e.Trustee.pMultipleTrustee = &e.Trustee; /* looked at for names */
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_INVALID_PARAMETER);
	e.Trustee.pMultipleTrustee = NULL;
	e.Trustee.MultipleTrusteeOperation = TRUSTEE_IS_IMPERSONATE;
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_INVALID_PARAMETER);
	e.Trustee.MultipleTrusteeOperation = NO_MULTIPLE_TRUSTEE;
	e.Trustee.TrusteeForm = TRUSTEE_BAD_FORM;
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_INVALID_PARAMETER);
	e.Trustee.TrusteeForm = 5;
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_INVALID_PARAMETER);
	BuildExplicitAccessWithNameW(&e, unknown, 1, GRANT_ACCESS, 0);
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_NONE_MAPPED);
	BuildExplicitAccessWithNameA(&a, stranger, 1, GRANT_ACCESS, 0);
	SAME(SetEntriesInAclA(1, &a, NULL, &acl), ERROR_NONE_MAPPED);
	CHECK(acl == NULL);
}

static void explicit_entries(void)
{
	PEXPLICIT_ACCESS_W e = NULL;
	PEXPLICIT_ACCESS_A a = NULL;
	ULONG n = 9;
	PACL acl = dacl("D:(D;;0x4;;;BU)(A;OICI;0x3;;;WD)(A;ID;0x8;;;SY)"), back = NULL;
	SAME(GetExplicitEntriesFromAclW(acl, &n, &e), ERROR_SUCCESS);
	SAME(n, 3);
	SAME(e[0].grfAccessMode, DENY_ACCESS);
	SAME(e[0].grfAccessPermissions, 4);
	SAME(GetTrusteeFormW(&e[0].Trustee), TRUSTEE_IS_SID);
	CHECK(EqualSid(e[0].Trustee.ptstrName, users));
	SAME(e[1].grfAccessMode, GRANT_ACCESS);
	SAME(e[1].grfInheritance, SUB_CONTAINERS_AND_OBJECTS_INHERIT);
	CHECK(EqualSid(e[1].Trustee.ptstrName, everyone));
	SAME(e[2].grfInheritance, INHERITED_ACCESS_ENTRY);
	SAME(SetEntriesInAclW(2, e, NULL, &back), ERROR_SUCCESS);
	SAME(back->AceCount, 2);
	LocalFree(back);
	LocalFree(e);
	SAME(GetExplicitEntriesFromAclA(acl, &n, &a), ERROR_SUCCESS);
	SAME(n, 3);
	CHECK(EqualSid(a[1].Trustee.ptstrName, everyone));
	LocalFree(a);
	/* Audits: one entry for each outcome, put together again. */
	char room[64];
	back = (PACL)room;
	CHECK(InitializeAcl(back, sizeof room, ACL_REVISION));
	CHECK(AddAuditAccessAce(back, ACL_REVISION, 7, everyone, TRUE, TRUE));
	SAME(GetExplicitEntriesFromAclW(back, &n, &e), ERROR_SUCCESS);
	SAME(n, 2);
	SAME(e[0].grfAccessMode, SET_AUDIT_SUCCESS);
	SAME(e[1].grfAccessMode, SET_AUDIT_FAILURE);
	SAME(SetEntriesInAclW(1, e + 1, NULL, &back), ERROR_SUCCESS);
	SAME(((PACE_HEADER)(back + 1))->AceType, SYSTEM_AUDIT_ACE_TYPE);
	SAME(((PACE_HEADER)(back + 1))->AceFlags, FAILED_ACCESS_ACE_FLAG);
	LocalFree(back);
	LocalFree(e);
	/* None, and what no entry can say. */
	SAME(GetExplicitEntriesFromAclW(dacl("D:"), &n, &e), ERROR_SUCCESS);
	SAME(n, 0);
	CHECK(e == NULL);
	SAME(GetExplicitEntriesFromAclW(dacl("D:(XA;;0x1;;;WD;(Member_of {SID(BA)}))"), &n, &e), ERROR_NOT_SUPPORTED);
	SAME(GetExplicitEntriesFromAclW(NULL, &n, &e), ERROR_INVALID_ACL);
	SAME(GetExplicitEntriesFromAclW(UNMAPPED, &n, &e), ERROR_INVALID_ACL);
	SAME(GetExplicitEntriesFromAclW(acl, NULL, &e), ERROR_INVALID_PARAMETER);
}

void test_entries(void)
{
	CHECK(ConvertStringSidToSidA("WD", &everyone));
	CHECK(ConvertStringSidToSidA("BU", &users));
	trustees();
	changes();
	refusals();
	names();
	explicit_entries();
	LocalFree(everyone);
	LocalFree(users);
}
