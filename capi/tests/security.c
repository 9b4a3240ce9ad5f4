/* SIDs, lists and descriptors in memory; text forms. */
#include "check.h"

#ifndef SE_DACL_UNTRUSTED /* not in the headers of everyone */
#define SE_DACL_UNTRUSTED 0x0040
#define SE_SERVER_SECURITY 0x0080
#endif

static void sids(void)
{
	SID_IDENTIFIER_AUTHORITY nt = SECURITY_NT_AUTHORITY;
	PSID a, b;
	char room[SECURITY_MAX_SID_SIZE];
	CHECK(AllocateAndInitializeSid(&nt, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS, 0, 0, 0, 0, 0, 0, &a));
	CHECK(ConvertStringSidToSidA("S-1-5-32-544", &b));
	CHECK(EqualSid(a, b));
	SAME(GetLengthSid(a), 16);
	SAME(GetSidLengthRequired(15), SECURITY_MAX_SID_SIZE);
	SAME(*GetSidSubAuthorityCount(a), 2);
	SAME(*GetSidSubAuthority(a, 1), DOMAIN_ALIAS_RID_ADMINS);
	SAME(GetSidIdentifierAuthority(a)->Value[5], 5);
	FAILS(CopySid(15, room, a), ERROR_INSUFFICIENT_BUFFER);
	CHECK(CopySid(16, room, a));
	*GetSidSubAuthority(room, 1) = 545;
	CHECK(!EqualSid(a, room));
	CHECK(EqualPrefixSid(a, room));
	CHECK(IsValidSid(a));
	((SID *)room)->Revision = 2;
	CHECK(!IsValidSid(room));
	((SID *)room)->Revision = 1;
	((SID *)room)->SubAuthorityCount = 16;
	CHECK(!IsValidSid(room));
	CHECK(!IsValidSid(NULL));
	STATUS(RtlInitializeSid(room, &nt, 16), STATUS_INVALID_PARAMETER);
	STATUS(RtlAllocateAndInitializeSid(&nt, 9, 0, 0, 0, 0, 0, 0, 0, 0, &b), STATUS_INVALID_SID);
	CHECK(FreeSid(a) == NULL);
	CHECK(LocalFree(b) == NULL);
}

/* Entries with a type, and audits. */
static void object_entries(PACL acl, DWORD size, PSID everyone)
{
	void *ace;
	CHECK(InitializeAcl(acl, size, ACL_REVISION_DS));
	GUID g = {0x12345678, 1, 2, {3}};
	CHECK(AddAccessAllowedObjectAce(acl, ACL_REVISION_DS, 0, 0x10, &g, NULL, everyone));
	FAILS(AddAccessAllowedObjectAce(acl, ACL_REVISION, 0, 0x10, &g, NULL, everyone), 1306);
	CHECK(GetAce(acl, 0, &ace));
	SAME(((PACE_HEADER)ace)->AceType, ACCESS_ALLOWED_OBJECT_ACE_TYPE);
	SAME(((PACE_HEADER)ace)->AceSize, 12 + 16 + 12);
	CHECK(memcmp((char *)ace + 12, &g, 16) == 0);
	CHECK(AddAuditAccessAce(acl, ACL_REVISION_DS, 1, everyone, TRUE, FALSE));
	CHECK(GetAce(acl, 1, &ace));
	SAME(((PACE_HEADER)ace)->AceFlags, SUCCESSFUL_ACCESS_ACE_FLAG);
	acl->AclSize = 12;
	CHECK(!IsValidAcl(acl));
}

static void lists(void)
{
	char room[256];
	PACL acl = (PACL)room;
	PSID everyone;
	ACL_SIZE_INFORMATION size;
	void *ace, *end;
	CHECK(ConvertStringSidToSidA("WD", &everyone));
	FAILS(InitializeAcl(acl, 7, ACL_REVISION), ERROR_INSUFFICIENT_BUFFER);
	FAILS(InitializeAcl(acl, 64, 1), ERROR_INVALID_PARAMETER);
	FAILS(InitializeAcl(acl, 64, 5), ERROR_INVALID_PARAMETER);
	FAILS(InitializeAcl(acl, 0x10000, ACL_REVISION), ERROR_INVALID_PARAMETER);
	CHECK(InitializeAcl(acl, 60, ACL_REVISION));
	CHECK(IsValidAcl(acl));
	CHECK(AddAccessAllowedAce(acl, ACL_REVISION, 3, everyone)); /* 20 bytes each */
	CHECK(AddAccessDeniedAceEx(acl, ACL_REVISION, CONTAINER_INHERIT_ACE, 4, everyone));
	FAILS(AddAccessAllowedAce(acl, ACL_REVISION, 3, everyone), ERROR_ALLOTTED_SPACE_EXCEEDED);
	SAME(acl->AceCount, 2);
	CHECK(GetAclInformation(acl, &size, sizeof size, AclSizeInformation));
	SAME(size.AceCount, 2);
	SAME(size.AclBytesInUse, 48);
	SAME(size.AclBytesFree, 12);
	FAILS(GetAclInformation(acl, &size, 8, AclSizeInformation), ERROR_INSUFFICIENT_BUFFER);
	CHECK(GetAce(acl, 1, &ace));
	SAME((char *)ace - room, 28);
	SAME(((PACCESS_DENIED_ACE)ace)->Header.AceType, ACCESS_DENIED_ACE_TYPE);
	SAME(((PACCESS_DENIED_ACE)ace)->Header.AceFlags, CONTAINER_INHERIT_ACE);
	SAME(((PACCESS_DENIED_ACE)ace)->Header.AceSize, 20);
	SAME(((PACCESS_DENIED_ACE)ace)->Mask, 4);
	FAILS(GetAce(acl, 2, &ace), ERROR_INVALID_PARAMETER);
	FAILS(GetAce(acl, 2, NULL), ERROR_INVALID_PARAMETER); /* the index first */
	CHECK(FindFirstFreeAce(acl, &end));
	SAME((char *)end - room, 48);
	CHECK(DeleteAce(acl, 0));
	SAME(acl->AceCount, 1);
	CHECK(GetAce(acl, 0, &ace));
	SAME(((PACCESS_DENIED_ACE)ace)->Mask, 4);
	FAILS(DeleteAce(acl, 1), ERROR_INVALID_PARAMETER);
	char copy[20];
	memcpy(copy, ace, sizeof copy);
	copy[4] = 8; /* its mask */
	CHECK(AddAce(acl, ACL_REVISION, 0, copy, sizeof copy));
	SAME(acl->AceCount, 2);
	CHECK(GetAce(acl, 0, &ace));
	SAME(((PACCESS_DENIED_ACE)ace)->Mask, 8);
	FAILS(AddAccessAllowedAce(acl, 5, 3, everyone), 1306);
	FAILS(AddAccessAllowedAceEx(acl, ACL_REVISION, 0x80, 3, everyone), ERROR_INVALID_PARAMETER);
	object_entries(acl, sizeof room, everyone);
	CHECK(!RtlValidAcl(UNMAPPED));
	FAILS(AddAccessAllowedAce(UNMAPPED, ACL_REVISION, 1, "\11\0\0\0\0\0\0"), ERROR_NOACCESS); /* before a bad SID */
	CHECK(LocalFree(everyone) == NULL);
}

static void descriptors(void)
{
	SECURITY_DESCRIPTOR d, back;
	char room[256], list[64], acls[256], sidroom[2][SECURITY_MAX_SID_SIZE];
	PSID admins, sid;
	PACL dacl = (PACL)list, got;
	BOOL present, defaulted;
	DWORD n = 0, revision;
	SECURITY_DESCRIPTOR_CONTROL control;
	CHECK(ConvertStringSidToSidA("BA", &admins));
	FAILS(InitializeSecurityDescriptor(&d, 2), ERROR_UNKNOWN_REVISION);
	CHECK(InitializeSecurityDescriptor(&d, SECURITY_DESCRIPTOR_REVISION));
	CHECK(IsValidSecurityDescriptor(&d));
	SAME(GetSecurityDescriptorLength(&d), 40);
	CHECK(InitializeAcl(dacl, 28, ACL_REVISION));
	CHECK(SetSecurityDescriptorDacl(&d, TRUE, dacl, FALSE));
	CHECK(SetSecurityDescriptorOwner(&d, admins, TRUE));
	CHECK(SetSecurityDescriptorGroup(&d, admins, FALSE));
	CHECK(SetSecurityDescriptorControl(&d, SE_DACL_PROTECTED, SE_DACL_PROTECTED));
	CHECK(SetSecurityDescriptorControl(&d, SE_DACL_UNTRUSTED, SE_DACL_UNTRUSTED)); /* S-26 */
	CHECK(SetSecurityDescriptorControl(&d, SE_SERVER_SECURITY, SE_SERVER_SECURITY));
	CHECK(SetSecurityDescriptorControl(&d, SE_DACL_UNTRUSTED | SE_SERVER_SECURITY, 0));
	FAILS(SetSecurityDescriptorControl(&d, SE_DACL_PRESENT, 0), ERROR_INVALID_PARAMETER);
	CHECK(GetSecurityDescriptorControl(&d, &control, &revision));
	SAME(control, SE_DACL_PRESENT | SE_OWNER_DEFAULTED | SE_DACL_PROTECTED);
	SAME(revision, 1);
	FAILS(MakeSelfRelativeSD(&d, NULL, &n), ERROR_INSUFFICIENT_BUFFER);
	SAME(n, 20 + 28 + 16 + 16);
	CHECK(MakeSelfRelativeSD(&d, room, &n));
	SECURITY_DESCRIPTOR_RELATIVE *r = (void *)room;
	SAME(r->Dacl, 20); /* SACL, DACL, owner, group */
	SAME(r->Owner, 48);
	SAME(r->Group, 64);
	SAME(GetSecurityDescriptorLength(room), n);
	CHECK(GetSecurityDescriptorOwner(room, &sid, &defaulted));
	CHECK(EqualSid(sid, admins));
	SAME(defaulted, TRUE);
	CHECK(GetSecurityDescriptorDacl(room, &present, &got, &defaulted));
	SAME(present, TRUE);
	CHECK((char *)got == room + 20);
	CHECK(GetSecurityDescriptorSacl(room, &present, &got, &defaulted));
	SAME(present, FALSE);
	FAILS(SetSecurityDescriptorOwner(room, admins, FALSE), ERROR_INVALID_SECURITY_DESCR);
	DWORD dn = 0, an = 0, sn = 0, on = 0, gn = 0;
	FAILS(MakeAbsoluteSD(room, &back, &dn, (PACL)acls, &an, NULL, &sn, sidroom[0], &on, sidroom[1], &gn),
		ERROR_INSUFFICIENT_BUFFER);
	SAME(dn, 40);
	SAME(an, 28);
	SAME(sn, 0);
	SAME(on, 16);
	SAME(gn, 16);
	CHECK(MakeAbsoluteSD(room, &back, &dn, (PACL)acls, &an, NULL, &sn, sidroom[0], &on, sidroom[1], &gn));
	CHECK(EqualSid(back.Owner, admins) && EqualSid(back.Group, admins));
	CHECK(back.Dacl == (PACL)acls && back.Sacl == NULL);
	SAME(back.Control, control);
	FAILS(MakeAbsoluteSD(&back, &d, &dn, (PACL)acls, &an, NULL, &sn, sidroom[0], &on, sidroom[1], &gn),
		ERROR_BAD_DESCRIPTOR_FORMAT);
	CHECK(!IsValidSecurityDescriptor(NULL));
	CHECK(LocalFree(admins) == NULL);
}

void test_security(void)
{
	sids();
	lists();
	descriptors();
}

static void same_text(const char *in, const char *out)
{
	PSECURITY_DESCRIPTOR d;
	char *text;
	ULONG n, size;
	CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorA(in, SDDL_REVISION_1, &d, &size));
	SAME(size, GetSecurityDescriptorLength(d));
	CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorA(d, SDDL_REVISION_1, 15, &text, &n));
	if (strcmp(text, out))
		printf("%s: got %s\n", in, text);
	CHECK(strcmp(text, out) == 0);
	SAME(n, strlen(out) + 1);
	CHECK(LocalFree(text) == NULL);
	CHECK(LocalFree(d) == NULL);
}

static void counted(PSID sid)
{
	UNICODE_STRING s = {0, 0, NULL};
	STATUS(RtlConvertSidToUnicodeString(&s, sid, TRUE), STATUS_SUCCESS);
	SAME(s.Length, 36);
	SAME(s.MaximumLength, 38);
	RtlFreeUnicodeString(&s);
	/* The text takes 36 bytes; the terminator is written where there is room for it, and nothing behind. */
	for (USHORT room = 0; room <= 42; room++) {
		WCHAR text[24];
		UNICODE_STRING small = {0x55, room, text};
		memset(text, 0xAA, sizeof text);
		STATUS(RtlConvertSidToUnicodeString(&small, sid, FALSE), room < 36 ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS);
		SAME(small.Length, room < 36 ? 0x55 : 36);
		SAME(small.MaximumLength, room);
		SAME(text[0], room < 36 ? 0xAAAA : 'S');
		SAME(text[18], room < 38 ? 0xAAAA : 0);
		SAME(text[19], 0xAAAA);
	}
	RtlInitUnicodeString(&s, u"abc");
	SAME(s.Length, 6);
	SAME(s.MaximumLength, 8);
	RtlInitUnicodeString(&s, NULL);
	SAME(s.Length | s.MaximumLength | (uintptr_t)s.Buffer, 0);
}

static void privilege_names(void)
{
	LUID luid;
	CHECK(LookupPrivilegeValueW(NULL, u"sebackupprivilege", &luid));
	SAME(luid.LowPart, SE_BACKUP_PRIVILEGE);
	FAILS(LookupPrivilegeValueA(NULL, "SeNothingPrivilege", &luid), ERROR_NO_SUCH_PRIVILEGE);
	char name[64];
	DWORD n = 3;
	FAILS(LookupPrivilegeNameA(NULL, &luid, name, &n), ERROR_INSUFFICIENT_BUFFER);
	SAME(n, sizeof "SeBackupPrivilege");
	n = sizeof name;
	CHECK(LookupPrivilegeNameA(NULL, &luid, name, &n));
	SAME(n, strlen("SeBackupPrivilege"));
	CHECK(strcmp(name, "SeBackupPrivilege") == 0);
	luid.HighPart = 1; /* all of 64 bits count */
	FAILS(LookupPrivilegeNameA(NULL, &luid, name, &n), ERROR_NO_SUCH_PRIVILEGE);
	luid.HighPart = 0;
	luid.LowPart = 999;
	FAILS(LookupPrivilegeNameA(NULL, &luid, name, &n), ERROR_NO_SUCH_PRIVILEGE);
}

void test_text(void)
{
	same_text("O:BAG:SYD:(A;;FA;;;WD)", "O:BAG:SYD:(A;;FA;;;WD)");
	same_text("D:P(D;OICI;GA;;;AN)(A;;GR;;;BU)S:(AU;SAFA;FA;;;WD)", "D:P(D;OICI;GA;;;AN)(A;;GR;;;BU)S:(AU;SAFA;FA;;;WD)");
	same_text("O:S-1-5-32-544", "O:BA");
	PSECURITY_DESCRIPTOR d;
	PSID sid;
	LPSTR text;
	LPWSTR wide;
	FAILS(ConvertStringSecurityDescriptorToSecurityDescriptorA(NULL, 1, &d, NULL), ERROR_INVALID_PARAMETER);
	FAILS(ConvertStringSecurityDescriptorToSecurityDescriptorW(u"D:", 1, NULL, NULL), ERROR_INVALID_PARAMETER);
	FAILS(ConvertStringSecurityDescriptorToSecurityDescriptorA("D:", 5, &d, NULL), ERROR_UNKNOWN_REVISION);
	CHECK(!ConvertStringSecurityDescriptorToSecurityDescriptorA("D:(A;;nonsense;;;WD)", 1, &d, NULL));
	CHECK(!ConvertStringSecurityDescriptorToSecurityDescriptorA("what", 1, &d, NULL));
	FAILS(ConvertStringSecurityDescriptorToSecurityDescriptorW(UNMAPPED, 1, &d, NULL), ERROR_NOACCESS);
	FAILS(ConvertStringSidToSidA("S-1-5-", &sid), ERROR_INVALID_SID);
	FAILS(ConvertStringSidToSidA(NULL, &sid), ERROR_INVALID_PARAMETER);
	FAILS(ConvertStringSidToSidA("S-1-1-0", NULL), ERROR_INVALID_PARAMETER);
	FAILS(ConvertSidToStringSidA(NULL, &text), ERROR_INVALID_PARAMETER);
	FAILS(ConvertSidToStringSidW(NULL, &wide), ERROR_INVALID_PARAMETER);
	FAILS(ConvertSidToStringSidA("\2\1\0\0\0\0\0\0\0\0\0\0", &text), ERROR_INVALID_SID);
	CHECK(ConvertStringSidToSidW(u"S-1-5-21-1-2-3-500", &sid));
	CHECK(ConvertSidToStringSidA(sid, &text));
	CHECK(strcmp(text, "S-1-5-21-1-2-3-500") == 0);
	CHECK(LocalFree(text) == NULL);
	CHECK(ConvertSidToStringSidW(sid, &wide));
	CHECK(memcmp(wide, u"S-1-5-21-1-2-3-500", 38) == 0);
	CHECK(LocalFree(wide) == NULL);
	ULONG units;
	CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorW(u"S:(RA;;;;;WD;(\"a\",TS,0,\"\U0001f600\"))", 1, &d,
		NULL));
	CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorW(d, 1, 0x20, &wide, &units)); /* attributes */
	FAILS(ConvertSecurityDescriptorToStringSecurityDescriptorW(d, 1, 0x20, &(LPWSTR){NULL}, readonly), ERROR_NOACCESS);
	SAME(units, sizeof u"S:(RA;;;;;WD;(\"a\",TS,0x0,\"\U0001f600\"))" / sizeof *wide);
	CHECK(wide[units - 1] == 0);
	CHECK(LocalFree(wide) == NULL);
	CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorW(d, 1, 0, &wide, &units) && units == 1 && !*wide);
	CHECK(LocalFree(wide) == NULL);
	CHECK(LocalFree(d) == NULL);
	counted(sid);
	privilege_names();
	/* the code that stands for a status (O-70) */
	SAME(RtlNtStatusToDosError(STATUS_ACCESS_DENIED), 5);
	SAME(RtlNtStatusToDosError(STATUS_ACCESS_VIOLATION), 998);
	SAME(RtlNtStatusToDosError(STATUS_BUFFER_TOO_SMALL), 122);
	SAME(RtlNtStatusToDosError(STATUS_INFO_LENGTH_MISMATCH), 24);
	SAME(RtlNtStatusToDosError(STATUS_NO_TOKEN), 1008);
	SAME(RtlNtStatusToDosError(STATUS_BAD_IMPERSONATION_LEVEL), 1346);
	SAME(RtlNtStatusToDosError(STATUS_NOT_ALL_ASSIGNED), 1300);
	SAME(RtlNtStatusToDosError(STATUS_GENERIC_NOT_MAPPED), 1360);
	SAME(RtlNtStatusToDosError(STATUS_PRIVILEGE_NOT_HELD), 1314);
	CHECK(LocalFree(sid) == NULL);
}
