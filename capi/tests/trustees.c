/* Trustees with object types, and what a list gives a trustee, as the documentation of these functions says. */
#include "check.h"

#define USER_CLASS "bf967aba-0de6-11d0-a285-00aa003049e2"
#define RESET_PASSWORD "00299570-246d-11d0-a768-00aa006e0529"
static GUID user_class = {0xbf967aba, 0x0de6, 0x11d0, {0xa2, 0x85, 0x00, 0xaa, 0x00, 0x30, 0x49, 0xe2}};
static GUID reset_password = {0x00299570, 0x246d, 0x11d0, {0xa7, 0x68, 0x00, 0xaa, 0x00, 0x6e, 0x05, 0x29}};
static PSID everyone, users, administrator;

static PACL list_of(PSECURITY_DESCRIPTOR d, int sacl)
{
	BOOL present, defaulted;
	PACL acl = NULL;
	CHECK(sacl ? GetSecurityDescriptorSacl(d, &present, &acl, &defaulted)
		: GetSecurityDescriptorDacl(d, &present, &acl, &defaulted));
	return acl;
}

static PACL dacl(const char *text) { return list_of(sddl(text), 0); }

static int same_acl(PACL a, PACL b) { return a && b && a->AclSize == b->AclSize && memcmp(a, b, a->AclSize) == 0; }

#define GIVES(e, old, want) \
	do { \
		PACL new_ = NULL; \
		SAME(SetEntriesInAclW(1, e, old, &new_), ERROR_SUCCESS); \
		CHECK(same_acl(new_, dacl(want))); \
		LocalFree(new_); \
	} while (0)

static void objects(void)
{
	OBJECTS_AND_SID o;
	OBJECTS_AND_NAME_W ow;
	OBJECTS_AND_NAME_A oa;
	TRUSTEE_W w;
	TRUSTEE_A a;
	memset(&o, 0xEE, sizeof o);
	BuildTrusteeWithObjectsAndSidW(&w, &o, &user_class, NULL, everyone);
	SAME(GetTrusteeFormW(&w), TRUSTEE_IS_OBJECTS_AND_SID);
	SAME(GetTrusteeTypeW(&w), TRUSTEE_IS_UNKNOWN);
	CHECK((void *)GetTrusteeNameW(&w) == &o);
	CHECK((void *)w.ptstrName == &o && w.pMultipleTrustee == NULL);
	SAME(o.ObjectsPresent, ACE_OBJECT_TYPE_PRESENT);
	CHECK(memcmp(&o.ObjectTypeGuid, &user_class, sizeof user_class) == 0);
	CHECK((PSID)o.pSid == everyone);
	BuildTrusteeWithObjectsAndSidA(&a, &o, &user_class, &reset_password, everyone);
	SAME(GetTrusteeFormA(&a), TRUSTEE_IS_OBJECTS_AND_SID);
	SAME(o.ObjectsPresent, 3);
	CHECK(memcmp(&o.InheritedObjectTypeGuid, &reset_password, sizeof reset_password) == 0);
	BuildTrusteeWithObjectsAndSidW(&w, &o, NULL, &reset_password, everyone);
	SAME(o.ObjectsPresent, ACE_INHERITED_OBJECT_TYPE_PRESENT);
	BuildTrusteeWithObjectsAndSidW(&w, &o, NULL, NULL, everyone);
	SAME(o.ObjectsPresent, 0);
	WCHAR type[] = u"user", name[] = u"Everyone";
	char typeA[] = "user", nameA[] = "Everyone";
	BuildTrusteeWithObjectsAndNameW(&w, &ow, SE_DS_OBJECT, type, NULL, name);
	SAME(GetTrusteeFormW(&w), TRUSTEE_IS_OBJECTS_AND_NAME);
	SAME(ow.ObjectsPresent, ACE_OBJECT_TYPE_PRESENT);
	SAME(ow.ObjectType, SE_DS_OBJECT);
	CHECK(ow.ObjectTypeName == type && ow.InheritedObjectTypeName == NULL && ow.ptstrName == name);
	CHECK((void *)GetTrusteeNameW(&w) == &ow);
	BuildTrusteeWithObjectsAndNameA(&a, &oa, SE_DS_OBJECT, NULL, typeA, nameA);
	SAME(GetTrusteeFormA(&a), TRUSTEE_IS_OBJECTS_AND_NAME);
	SAME(oa.ObjectsPresent, ACE_INHERITED_OBJECT_TYPE_PRESENT);
	CHECK(oa.InheritedObjectTypeName == typeA && (void *)GetTrusteeNameA(&a) == &oa);
}

static EXPLICIT_ACCESS_W object_entry(POBJECTS_AND_SID o, DWORD mask, ACCESS_MODE mode, DWORD inheritance, GUID *object,
	GUID *inherited, PSID sid)
{
	EXPLICIT_ACCESS_W e = {mask, mode, inheritance, {0}};
	BuildTrusteeWithObjectsAndSidW(&e.Trustee, o, object, inherited, sid);
	return e;
}

static void named_and_back(void)
{
	PEXPLICIT_ACCESS_W list;
	PACL acl;
	ULONG n;
	EXPLICIT_ACCESS_W e = {1, GRANT_ACCESS, 0, {0}};
	/* names of accounts, and of types, which a directory would have to know */
	OBJECTS_AND_NAME_W ow;
	WCHAR name[] = u"Users", type[] = u"user";
	BuildTrusteeWithObjectsAndNameW(&e.Trustee, &ow, SE_DS_OBJECT, NULL, NULL, name);
	GIVES(&e, NULL, "D:(A;;0x1;;;BU)");
	BuildTrusteeWithObjectsAndNameW(&e.Trustee, &ow, SE_DS_OBJECT, type, NULL, name);
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_NOT_SUPPORTED);
	/* and back */
	acl = dacl("D:(OA;CI;0x100;" RESET_PASSWORD ";" USER_CLASS ";BU)(OD;;0x3;;" USER_CLASS ";WD)(A;;0x1;;;BU)");
	SAME(GetExplicitEntriesFromAclW(acl, &n, &list), ERROR_SUCCESS);
	SAME(n, 3);
	SAME(list[0].Trustee.TrusteeForm, TRUSTEE_IS_OBJECTS_AND_SID);
	SAME(list[0].grfAccessMode, GRANT_ACCESS);
	SAME(list[0].grfAccessPermissions, 0x100);
	SAME(list[0].grfInheritance, SUB_CONTAINERS_ONLY_INHERIT);
	POBJECTS_AND_SID x = (void *)list[0].Trustee.ptstrName;
	SAME(x->ObjectsPresent, 3);
	CHECK(memcmp(&x->ObjectTypeGuid, &reset_password, 16) == 0 && memcmp(&x->InheritedObjectTypeGuid, &user_class,
		16) == 0);
	CHECK(EqualSid(x->pSid, users));
	x = (void *)list[1].Trustee.ptstrName;
	SAME(list[1].grfAccessMode, DENY_ACCESS);
	SAME(x->ObjectsPresent, ACE_INHERITED_OBJECT_TYPE_PRESENT);
	CHECK(memcmp(&x->InheritedObjectTypeGuid, &user_class, 16) == 0);
	CHECK(EqualSid(x->pSid, everyone));
	SAME(list[2].Trustee.TrusteeForm, TRUSTEE_IS_SID);
	PACL back = NULL;
	SAME(SetEntriesInAclW(1, list, NULL, &back), ERROR_SUCCESS);
	CHECK(same_acl(back, dacl("D:(OA;CI;0x100;" RESET_PASSWORD ";" USER_CLASS ";BU)")));
	LocalFree(back);
	LocalFree(list);
}

/* Object entries of SetEntriesInAcl and GetExplicitEntriesFromAcl. */
static void object_entries(void)
{
	OBJECTS_AND_SID o;
	PACL acl;
	EXPLICIT_ACCESS_W e = object_entry(&o, 0x100, GRANT_ACCESS, 0, &reset_password, NULL, users);
	GIVES(&e, NULL, "D:(OA;;0x100;" RESET_PASSWORD ";;BU)");
	/* object grants behind plain ones */
	GIVES(&e, dacl("D:(A;;0x1;;;BU)"), "D:(A;;0x1;;;BU)(OA;;0x100;" RESET_PASSWORD ";;BU)");
	/* added to one of the same type */
	GIVES(&e, dacl("D:(OA;;0x10;" RESET_PASSWORD ";;BU)"), "D:(OA;;0x110;" RESET_PASSWORD ";;BU)");
	GIVES(&e, dacl("D:(OA;;0x10;" USER_CLASS ";;BU)"),
		"D:(OA;;0x100;" RESET_PASSWORD ";;BU)(OA;;0x10;" USER_CLASS ";;BU)");
	e = object_entry(&o, 0x100, GRANT_ACCESS, SUB_CONTAINERS_ONLY_INHERIT, &reset_password, &user_class, users);
	GIVES(&e, NULL, "D:(OA;CI;0x100;" RESET_PASSWORD ";" USER_CLASS ";BU)");
	e = object_entry(&o, 0x100, GRANT_ACCESS, SUB_CONTAINERS_ONLY_INHERIT, NULL, &user_class, users);
	GIVES(&e, NULL, "D:(OA;CI;0x100;;" USER_CLASS ";BU)");
	e = object_entry(&o, 0x1, GRANT_ACCESS, 0, NULL, NULL, users); /* without types it is as any other */
	GIVES(&e, NULL, "D:(A;;0x1;;;BU)");
	e = object_entry(&o, 0x10, DENY_ACCESS, 0, &reset_password, NULL, users);
	GIVES(&e, dacl("D:(A;;0x10;;;BU)(OA;;0x110;" RESET_PASSWORD ";;BU)"),
		"D:(OD;;0x10;" RESET_PASSWORD ";;BU)(A;;0x10;;;BU)(OA;;0x100;" RESET_PASSWORD ";;BU)");
	e = object_entry(&o, 0x10, SET_ACCESS, 0, &reset_password, NULL, users);
	GIVES(&e, dacl("D:(A;;0x1;;;BU)(OA;;0x100;" RESET_PASSWORD ";;BU)(OA;;0x2;" USER_CLASS ";;BU)"),
		"D:(A;;0x1;;;BU)(OA;;0x10;" RESET_PASSWORD ";;BU)(OA;;0x2;" USER_CLASS ";;BU)");
	e = object_entry(&o, 0, REVOKE_ACCESS, 0, &reset_password, NULL, users);
	SAME(SetEntriesInAclW(1, &e, dacl("D:(A;;0x1;;;BU)(OA;;0x100;" RESET_PASSWORD ";;BU)"), &acl), ERROR_SUCCESS);
	SAME(acl->AceCount, 1); /* the plain entry; the list keeps its revision */
	SAME(((PACE_HEADER)(acl + 1))->AceType, ACCESS_ALLOWED_ACE_TYPE);
	LocalFree(acl);
	o.ObjectsPresent = 4;
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_INVALID_PARAMETER);
	o.ObjectsPresent = 0;
	o.pSid = UNMAPPED;
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_NOACCESS);
	e.Trustee.ptstrName = UNMAPPED;
	SAME(SetEntriesInAclW(1, &e, NULL, &acl), ERROR_NOACCESS);
}

static void rights(void)
{
	static const struct { const char *dacl; DWORD administrator, users, world; } cases[] = {
		{"D:", 0, 0, 0},
		{"D:(A;;0x1;;;WD)", 1, 1, 1},
		{"D:(A;;0x1;;;WD)(A;;0x2;;;BU)(A;;0x4;;;BA)", 7, 3, 1}, /* Administrator is in Users and Administrators */
		{"D:(D;;0x1;;;BU)(A;;0x3;;;WD)", 2, 2, 3},
		{"D:(A;;0x3;;;WD)(D;;0x1;;;BU)", 3, 3, 3}, /* in the order of the list */
		{"D:(A;IO;0x1;;;WD)(A;;0x2;;;WD)", 2, 2, 2},
		{"D:(A;ID;0x8;;;WD)", 8, 8, 8},
		{"D:(OA;;0x1;" USER_CLASS ";;WD)(A;;0x2;;;WD)", 2, 2, 2}, /* of a property, not of the object */
		{"D:(A;;0x1;;;S-1-5-21-1000000001-1000000002-1000000003-500)", 1, 0, 0},
	};
	TRUSTEE_W w;
	TRUSTEE_A a;
	ACCESS_MASK m, f;
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		PACL acl = dacl(cases[i].dacl);
		BuildTrusteeWithSidW(&w, administrator);
		SAME(GetEffectiveRightsFromAclW(acl, &w, &m), ERROR_SUCCESS);
		SAME(m, cases[i].administrator);
		char name[] = "everyone", member[] = "User"; /* who is in Users */
		i % 2 ? BuildTrusteeWithSidA(&a, users) : BuildTrusteeWithNameA(&a, member);
		SAME(GetEffectiveRightsFromAclA(acl, &a, &m), ERROR_SUCCESS);
		SAME(m, cases[i].users);
		BuildTrusteeWithNameA(&a, name);
		SAME(GetEffectiveRightsFromAclA(acl, &a, &m), ERROR_SUCCESS);
		SAME(m, cases[i].world);
	}
	WCHAR current[] = u"CURRENT_USER", stranger[] = u"no such account";
	BuildTrusteeWithNameW(&w, current);
	SAME(GetEffectiveRightsFromAclW(dacl("D:(A;;0x4;;;BA)"), &w, &m), ERROR_SUCCESS);
	SAME(m, 4);
	m = 77;
	/* documented: an inherited refusal */
	SAME(GetEffectiveRightsFromAclW(dacl("D:(D;ID;0x4;;;BA)"), &w, &m), ERROR_INVALID_ACL);
	SAME(GetEffectiveRightsFromAclW(dacl("D:(D;ID;0x4;;;AN)"), &w, &m), ERROR_INVALID_ACL);
	SAME(GetEffectiveRightsFromAclW(NULL, &w, &m), ERROR_INVALID_ACL);
	SAME(GetEffectiveRightsFromAclW(UNMAPPED, &w, &m), ERROR_NOACCESS);
	BuildTrusteeWithNameW(&w, stranger);
	SAME(GetEffectiveRightsFromAclW(dacl("D:"), &w, &m), ERROR_NONE_MAPPED);
	SAME(GetEffectiveRightsFromAclW(dacl("D:"), UNMAPPED, &m), ERROR_NOACCESS);
	SAME(m, 77);
	BuildTrusteeWithSidW(&w, everyone);
	SAME(GetEffectiveRightsFromAclW(dacl("D:"), &w, NULL), ERROR_NOACCESS);
	PACL sacl = list_of(sddl("S:(AU;SA;0x1;;;WD)(AU;FA;0x2;;;WD)(AU;SAFA;0x4;;;BU)(AU;SAIO;0x8;;;WD)"
		"(AL;SAFA;0x10;;;WD)"), 1);
	SAME(GetAuditedPermissionsFromAclW(sacl, &w, &m, &f), ERROR_SUCCESS);
	SAME(m, 1);
	SAME(f, 2);
	BuildTrusteeWithSidA(&a, administrator);
	SAME(GetAuditedPermissionsFromAclA(sacl, &a, &m, &f), ERROR_SUCCESS);
	SAME(m, 5);
	SAME(f, 6);
	SAME(GetAuditedPermissionsFromAclA(sacl, &a, NULL, &f), ERROR_NOACCESS);
	SAME(GetAuditedPermissionsFromAclA(sacl, &a, &f, NULL), ERROR_NOACCESS);
	SAME(GetAuditedPermissionsFromAclA(sacl, &a, &f, none), ERROR_NOACCESS);
	SAME(f, 6); /* nothing is written */
	SAME(GetAuditedPermissionsFromAclA(NULL, &a, &m, &f), ERROR_INVALID_ACL);
}

void test_trustees(void)
{
	CHECK(ConvertStringSidToSidA("WD", &everyone));
	CHECK(ConvertStringSidToSidA("BU", &users));
	CHECK(ConvertStringSidToSidA("S-1-5-21-1000000001-1000000002-1000000003-500", &administrator));
	objects();
	object_entries();
	named_and_back();
	rights();
	LocalFree(everyone);
	LocalFree(users);
	LocalFree(administrator);
}
