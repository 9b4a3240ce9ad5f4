/* Entries with data, the resource manager's byte, masks of parts; from their documentation. */
#include "check.h"

static PACL dacl_of(PSECURITY_DESCRIPTOR d)
{
	BOOL present, defaulted;
	PACL acl = NULL;
	CHECK(GetSecurityDescriptorDacl(d, &present, &acl, &defaulted));
	return acl;
}

static PACL sacl_of(PSECURITY_DESCRIPTOR d)
{
	BOOL present, defaulted;
	PACL acl = NULL;
	CHECK(GetSecurityDescriptorSacl(d, &present, &acl, &defaulted));
	return acl;
}

/* The first entries are equal. */
static void same_ace(PACL got, PACL want)
{
	PACE_HEADER g, w;
	CHECK(GetAce(got, 0, (void **)&g) && GetAce(want, 0, (void **)&w));
	SAME(g->AceSize, w->AceSize);
	CHECK(g->AceSize == w->AceSize && memcmp(g, w, w->AceSize) == 0);
}

static void conditional(void)
{
	_Alignas(4) char room[512];
	PACL acl = (PACL)room;
	PSID everyone;
	DWORD n = 0;
	WCHAR staff[] = u"(@User.Team == \"staff\")", plain[] = u"Member_of {SID(BA)}", bad[] = u"(@User.Team ==",
		two[] = u"(a==1))(A;;0x1;;;WD", sacl[] = u"(a==1))S:(AU;;0x1;;;WD", both[] = u" (a==1) && (b==2) ";
	CHECK(ConvertStringSidToSid("WD", &everyone));
	CHECK(InitializeAcl(acl, sizeof room, ACL_REVISION));
	CHECK(AddConditionalAce(acl, ACL_REVISION, 0, ACCESS_ALLOWED_CALLBACK_ACE_TYPE, 0x1, everyone, staff, &n));
	SAME(n, sizeof room);
	same_ace(acl, dacl_of(sddl("D:(XA;;0x1;;;WD;(@User.Team == \"staff\"))")));
	CHECK(InitializeAcl(acl, sizeof room, ACL_REVISION));
	/* parentheses are optional */
	CHECK(AddConditionalAce(acl, ACL_REVISION, CONTAINER_INHERIT_ACE, ACCESS_DENIED_CALLBACK_ACE_TYPE, 0x2, everyone,
		plain, &n));
	same_ace(acl, dacl_of(sddl("D:(XD;CI;0x2;;;WD;(Member_of {SID(BA)}))")));
	CHECK(InitializeAcl(acl, sizeof room, ACL_REVISION));
	CHECK(AddConditionalAce(acl, ACL_REVISION, SUCCESSFUL_ACCESS_ACE_FLAG, SYSTEM_AUDIT_CALLBACK_ACE_TYPE, 0x2, everyone,
		plain, &n));
	same_ace(acl, sacl_of(sddl("S:(XU;SA;0x2;;;WD;(Member_of {SID(BA)}))")));
	CHECK(InitializeAcl(acl, sizeof room, ACL_REVISION));
	CHECK(AddConditionalAce(acl, ACL_REVISION, 0, ACCESS_ALLOWED_CALLBACK_ACE_TYPE, 0x1, everyone, both, &n));
	same_ace(acl, dacl_of(sddl("D:(XA;;0x1;;;WD;((a==1) && (b==2)))")));
	CHECK(InitializeAcl(acl, sizeof room, ACL_REVISION));
	FAILS(AddConditionalAce(acl, ACL_REVISION, 0, ACCESS_ALLOWED_CALLBACK_ACE_TYPE, 0x1, everyone, staff, NULL),
		ERROR_NOACCESS);
	SAME(acl->AceCount, 0);
	CHECK(InitializeAcl(acl, 64, ACL_REVISION));
	CHECK(AddAccessAllowedAce(acl, ACL_REVISION, 1, everyone));
	n = 0;
	FAILS(AddConditionalAce(acl, ACL_REVISION, 0, ACCESS_ALLOWED_CALLBACK_ACE_TYPE, 0x1, everyone, staff, &n),
		ERROR_INSUFFICIENT_BUFFER);
	PACE_HEADER ace;
	CHECK(GetAce(dacl_of(sddl("D:(XA;;0x1;;;WD;(@User.Team == \"staff\"))")), 0, (void **)&ace));
	SAME(n, sizeof(ACL) + 20 + ace->AceSize); /* what it would take */
	SAME(acl->AceCount, 1);
	FAILS(AddConditionalAce(acl, ACL_REVISION, 0, ACCESS_ALLOWED_ACE_TYPE, 0x1, everyone, staff, &n),
		ERROR_INVALID_PARAMETER);
	FAILS(AddConditionalAce(acl, ACL_REVISION, 0, ACCESS_ALLOWED_CALLBACK_ACE_TYPE, 0x1, everyone, bad, &n),
		ERROR_INVALID_PARAMETER);
	FAILS(AddConditionalAce(acl, ACL_REVISION, 0, ACCESS_ALLOWED_CALLBACK_ACE_TYPE, 0x1, everyone, two, &n),
		ERROR_INVALID_PARAMETER);
	FAILS(AddConditionalAce(acl, ACL_REVISION, 0, ACCESS_ALLOWED_CALLBACK_ACE_TYPE, 0x1, everyone, sacl, &n),
		ERROR_INVALID_PARAMETER);
	FAILS(AddConditionalAce(acl, ACL_REVISION, 0, ACCESS_ALLOWED_CALLBACK_ACE_TYPE, 0x1, everyone, NULL, &n),
		ERROR_NOACCESS);
	FAILS(AddConditionalAce(acl, ACL_REVISION, 0, ACCESS_ALLOWED_CALLBACK_ACE_TYPE, 0x1, UNMAPPED, staff, &n),
		ERROR_NOACCESS);
	FAILS(AddConditionalAce(UNMAPPED, ACL_REVISION, 0, ACCESS_ALLOWED_CALLBACK_ACE_TYPE, 0x1, everyone, staff, &n),
		ERROR_NOACCESS);
	LocalFree(everyone);
}

static void attribute_refusals(PACL acl, PSID everyone, PCLAIM_SECURITY_ATTRIBUTES_INFORMATION info)
{
	DWORD n = 0;
	PCLAIM_SECURITY_ATTRIBUTE_V1 a = info->Attribute.pAttributeV1;
	PWSTR *strings = a->Values.ppString, name = a->Name, text = strings[0];
	/* documented: the mask is 0 */
	FAILS(AddResourceAttributeAce(acl, ACL_REVISION, 0, 1, everyone, info, &n), ERROR_INVALID_PARAMETER);
	info->AttributeCount = 0;
	FAILS(AddResourceAttributeAce(acl, ACL_REVISION, 0, 0, everyone, info, &n), ERROR_INVALID_PARAMETER);
	info->AttributeCount = 1;
	info->Version = 2;
	FAILS(AddResourceAttributeAce(acl, ACL_REVISION, 0, 0, everyone, info, &n), ERROR_INVALID_PARAMETER);
	info->Version = 1;
	a->Name = u""; /* no attribute has that name */
	FAILS(AddResourceAttributeAce(acl, ACL_REVISION, 0, 0, everyone, info, &n), ERROR_INVALID_PARAMETER);
	a->Name = UNMAPPED;
	FAILS(AddResourceAttributeAce(acl, ACL_REVISION, 0, 0, everyone, info, &n), ERROR_NOACCESS);
	a->Name = name;
	strings[0] = UNMAPPED;
	FAILS(AddResourceAttributeAce(acl, ACL_REVISION, 0, 0, everyone, info, &n), ERROR_NOACCESS);
	strings[0] = text;
	FAILS(AddResourceAttributeAce(acl, ACL_REVISION, 0, 0, everyone, UNMAPPED, &n), ERROR_NOACCESS);
}

static void attributes(void)
{
	_Alignas(4) char room[512];
	PACL acl = (PACL)room;
	PSID everyone, policy;
	DWORD n = 0;
	LONG64 ints[2] = {1, -2};
	WCHAR name[] = u"Secrecy", text[] = u"high";
	PWSTR strings[1] = {text};
	CLAIM_SECURITY_ATTRIBUTE_V1 a = {name, CLAIM_SECURITY_ATTRIBUTE_TYPE_INT64, 0, 0, 2, {.pInt64 = ints}};
	CLAIM_SECURITY_ATTRIBUTES_INFORMATION info = {1, 0, 1, {&a}};
	CHECK(ConvertStringSidToSid("WD", &everyone));
	CHECK(ConvertStringSidToSid("S-1-17-1-2", &policy));
	CHECK(InitializeAcl(acl, sizeof room, ACL_REVISION));
	CHECK(AddResourceAttributeAce(acl, ACL_REVISION, 0, 0, everyone, &info, &n));
	SAME(n, sizeof room);
	same_ace(acl, sacl_of(sddl("S:(RA;;;;;WD;(\"Secrecy\",TI,0x0,1,-2))")));
	a.ValueType = CLAIM_SECURITY_ATTRIBUTE_TYPE_STRING;
	a.ValueCount = 1;
	a.Values.ppString = strings;
	CHECK(InitializeAcl(acl, sizeof room, ACL_REVISION));
	CHECK(AddResourceAttributeAce(acl, ACL_REVISION, OBJECT_INHERIT_ACE, 0, everyone, &info, &n));
	same_ace(acl, sacl_of(sddl("S:(RA;OI;;;;WD;(\"Secrecy\",TS,0x0,\"high\"))")));
	attribute_refusals(acl, everyone, &info);
	CHECK(InitializeAcl(acl, 16, ACL_REVISION));
	FAILS(AddResourceAttributeAce(acl, ACL_REVISION, 0, 0, everyone, &info, &n), ERROR_INSUFFICIENT_BUFFER);
	CHECK(n > 16 && n < sizeof room);
	CHECK(InitializeAcl(acl, n, ACL_REVISION));
	CHECK(AddResourceAttributeAce(acl, ACL_REVISION, 0, 0, everyone, &info, &n)); /* it was what it takes */

	CHECK(InitializeAcl(acl, sizeof room, ACL_REVISION));
	CHECK(AddScopedPolicyIDAce(acl, ACL_REVISION, 0, 0, policy));
	same_ace(acl, sacl_of(sddl("S:(SP;;;;;S-1-17-1-2)")));
	FAILS(AddScopedPolicyIDAce(acl, ACL_REVISION, 0, 1, policy), ERROR_INVALID_PARAMETER);

	GUID guid = {0xbf967aba, 0x0de6, 0x11d0, {0xa2, 0x85, 0x00, 0xaa, 0x00, 0x30, 0x49, 0xe2}};
	CHECK(InitializeAcl(acl, sizeof room, ACL_REVISION_DS));
	CHECK(AddAuditAccessObjectAce(acl, ACL_REVISION_DS, 0, 0x10, &guid, NULL, everyone, TRUE, FALSE));
	same_ace(acl, sacl_of(sddl("S:(OU;SA;0x10;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)")));
	CHECK(InitializeAcl(acl, sizeof room, ACL_REVISION_DS));
	/* without types a plain one */
	CHECK(AddAuditAccessObjectAce(acl, ACL_REVISION_DS, 0, 0x10, NULL, NULL, everyone, FALSE, TRUE));
	same_ace(acl, sacl_of(sddl("S:(AU;FA;0x10;;;WD)")));
	FAILS(AddAuditAccessObjectAce(acl, ACL_REVISION, 0, 0x10, &guid, NULL, everyone, TRUE, FALSE),
		ERROR_REVISION_MISMATCH);
	FAILS(AddAuditAccessObjectAce(acl, ACL_REVISION_DS, 0, 0x10, UNMAPPED, NULL, everyone, TRUE, FALSE), ERROR_NOACCESS);
	FAILS(AddAuditAccessObjectAce(acl, ACL_REVISION_DS, 0, 0x10, &guid, UNMAPPED, everyone, TRUE, FALSE), ERROR_NOACCESS);
	LocalFree(everyone);
	LocalFree(policy);
}

static void relative(void)
{
	SECURITY_DESCRIPTOR d;
	CHECK(InitializeSecurityDescriptor(&d, SECURITY_DESCRIPTOR_REVISION));
	/* RtlValidRelativeSecurityDescriptor: the form, the length, and the parts required */
	PSECURITY_DESCRIPTOR s = sddl("O:BAG:SYD:(A;;FA;;;WD)");
	ULONG n = GetSecurityDescriptorLength(s);
	CHECK(RtlValidRelativeSecurityDescriptor(s, n, 0));
	CHECK(RtlValidRelativeSecurityDescriptor(s, n, OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |
		DACL_SECURITY_INFORMATION));
	CHECK(!RtlValidRelativeSecurityDescriptor(s, n, SACL_SECURITY_INFORMATION));
	CHECK(RtlValidRelativeSecurityDescriptor(sddl("D:NO_ACCESS_CONTROL"), 20, DACL_SECURITY_INFORMATION));
	CHECK(!RtlValidRelativeSecurityDescriptor(s, n - 1, 0));
	CHECK(!RtlValidRelativeSecurityDescriptor(s, 19, 0));
	CHECK(!RtlValidRelativeSecurityDescriptor(&d, sizeof d, 0)); /* absolute */
	CHECK(!RtlValidRelativeSecurityDescriptor(UNMAPPED, n, 0));
	CHECK(!RtlValidRelativeSecurityDescriptor(sddl("D:(A;;FA;;;WD)"), 100, OWNER_SECURITY_INFORMATION));
}

static void details(void)
{
	SECURITY_DESCRIPTOR d;
	SECURITY_DESCRIPTOR_CONTROL control;
	DWORD revision, mask;
	UCHAR byte = 0x5A, got = 9;
	CHECK(InitializeSecurityDescriptor(&d, SECURITY_DESCRIPTOR_REVISION));
	SAME(GetSecurityDescriptorRMControl(&d, &got), ERROR_INVALID_DATA);
	SAME(got, 0);
	SAME(SetSecurityDescriptorRMControl(&d, &byte), ERROR_SUCCESS);
	CHECK(GetSecurityDescriptorControl(&d, &control, &revision));
	SAME(control, SE_RM_CONTROL_VALID);
	SAME(GetSecurityDescriptorRMControl(&d, &got), ERROR_SUCCESS);
	SAME(got, 0x5A);
	SAME(SetSecurityDescriptorRMControl(&d, NULL), ERROR_SUCCESS);
	SAME(GetSecurityDescriptorRMControl(&d, &got), ERROR_INVALID_DATA);

	static const struct { SECURITY_INFORMATION info; DWORD query, set; } parts[] = {
		{0, 0, 0}, {OWNER_SECURITY_INFORMATION, READ_CONTROL, WRITE_OWNER},
		{GROUP_SECURITY_INFORMATION, READ_CONTROL, WRITE_OWNER}, {DACL_SECURITY_INFORMATION, READ_CONTROL, WRITE_DAC},
		{SACL_SECURITY_INFORMATION, ACCESS_SYSTEM_SECURITY, ACCESS_SYSTEM_SECURITY},
		{LABEL_SECURITY_INFORMATION, READ_CONTROL, WRITE_OWNER}, {ATTRIBUTE_SECURITY_INFORMATION, READ_CONTROL, WRITE_DAC},
		{SCOPE_SECURITY_INFORMATION, READ_CONTROL, ACCESS_SYSTEM_SECURITY},
		{BACKUP_SECURITY_INFORMATION, READ_CONTROL | ACCESS_SYSTEM_SECURITY,
			WRITE_OWNER | WRITE_DAC | ACCESS_SYSTEM_SECURITY},
	};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		mask = 0x55;
		QuerySecurityAccessMask(parts[i].info, &mask);
		SAME(mask, parts[i].query);
		SetSecurityAccessMask(parts[i].info, &mask);
		SAME(mask, parts[i].set);
	}
	QuerySecurityAccessMask(GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION, &mask);
	SAME(mask, READ_CONTROL | ACCESS_SYSTEM_SECURITY);
	SetSecurityAccessMask(GROUP_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION, &mask);
	SAME(mask, WRITE_OWNER | ACCESS_SYSTEM_SECURITY);

	_Alignas(4) char room[64];
	PACL acl = (PACL)room;
	ACL_REVISION_INFORMATION r = {ACL_REVISION_DS};
	CHECK(InitializeAcl(acl, sizeof room, ACL_REVISION));
	CHECK(SetAclInformation(acl, &r, sizeof r, AclRevisionInformation));
	SAME(acl->AclRevision, 4);
	r.AclRevision = 2;
	FAILS(SetAclInformation(acl, &r, sizeof r, AclRevisionInformation), ERROR_INVALID_PARAMETER);
	r.AclRevision = 5;
	FAILS(SetAclInformation(acl, &r, sizeof r, AclRevisionInformation), ERROR_INVALID_PARAMETER);
	FAILS(SetAclInformation(acl, &r, sizeof r - 1, AclRevisionInformation), ERROR_INSUFFICIENT_BUFFER);
	FAILS(SetAclInformation(acl, &r, sizeof r, AclSizeInformation), ERROR_INVALID_PARAMETER);

	LUID a = RtlConvertLongToLuid(-2), b = RtlConvertUlongToLuid(7), c = {0, 0};
	SAME(a.LowPart, 0xFFFFFFFE);
	SAME(a.HighPart, -1);
	CHECK(!RtlEqualLuid(&a, &b) && RtlEqualLuid(&b, &b) && RtlIsZeroLuid(&c) && !RtlIsZeroLuid(&a));
	RtlSetLastWin32Error(77);
	SAME(GetLastError(), 77);
	SetLastError(78);
	SAME(RtlGetLastWin32Error(), 78);
}

void test_ace_data(void)
{
	conditional();
	attributes();
	details();
	relative();
}
