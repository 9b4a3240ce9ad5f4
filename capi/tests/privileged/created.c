/* Tokens out of their parts, with claims. */
#include "privileged.h"

/* TokenUserClaimAttributes: what went in comes out. */
static void query_claims(HANDLE h)
{
	_Alignas(8) char room[2048];
	PCLAIM_SECURITY_ATTRIBUTES_INFORMATION c = (void *)room;
	ULONG n, need = 0;
	STATUS(NtQueryInformationToken(h, TokenUserClaimAttributes, room, sizeof room, &n), STATUS_SUCCESS);
	SAME(c->Version, 1);
	SAME(c->AttributeCount, 5);
	PCLAIM_SECURITY_ATTRIBUTE_V1 a = c->Attribute.pAttributeV1;
	CHECK(memcmp(a[0].Name, u"Level", 12) == 0);
	SAME(a[0].ValueType, CLAIM_SECURITY_ATTRIBUTE_TYPE_INT64);
	SAME(a[0].ValueCount, 2);
	SAME(a[0].Values.pInt64[0], -5);
	SAME(a[0].Values.pInt64[1], 7);
	SAME(a[1].ValueType, CLAIM_SECURITY_ATTRIBUTE_TYPE_STRING);
	CHECK(memcmp(a[1].Values.ppString[0], u"red", 8) == 0);
	CHECK(memcmp(a[1].Values.ppString[1], u"green", 12) == 0);
	SAME(a[2].ValueType, CLAIM_SECURITY_ATTRIBUTE_TYPE_SID);
	CHECK(RtlEqualSid(a[2].Values.pOctetString[0].pValue, sids[0].pValue));
	SAME(a[3].ValueType, CLAIM_SECURITY_ATTRIBUTE_TYPE_OCTET_STRING);
	SAME(a[3].Flags, CLAIM_SECURITY_ATTRIBUTE_MANDATORY);
	SAME(a[3].Values.pOctetString[0].ValueLength, 3);
	CHECK(memcmp(a[3].Values.pOctetString[0].pValue, "\1\2\3", 3) == 0);
	SAME(a[4].ValueType, CLAIM_SECURITY_ATTRIBUTE_TYPE_BOOLEAN);
	SAME(a[4].Values.pUint64[0], 1);
	STATUS(NtQueryInformationToken(h, TokenDeviceClaimAttributes, room, sizeof room, &n), STATUS_SUCCESS);
	SAME(c->AttributeCount, 1);
	SAME(a->ValueType, CLAIM_SECURITY_ATTRIBUTE_TYPE_UINT64);
	STATUS(NtQueryInformationToken(h, TokenDeviceGroups, room, sizeof room, &n), STATUS_SUCCESS);
	SAME(((PTOKEN_GROUPS)room)->GroupCount, 1);
	CHECK(RtlEqualSid(((PTOKEN_GROUPS)room)->Groups[0].Sid, sid(DEVICES)));
	STATUS(NtQueryInformationToken(h, TokenUserClaimAttributes, NULL, 0, &need), STATUS_BUFFER_TOO_SMALL);
	CHECK(need > 16 + 5 * 32);
	DWORD policy = 9;
	STATUS(NtQueryInformationToken(h, TokenMandatoryPolicy, &policy, sizeof policy, &n), STATUS_SUCCESS);
	SAME(policy, TOKEN_MANDATORY_POLICY_NO_WRITE_UP);
	TOKEN_SOURCE source;
	STATUS(NtQueryInformationToken(h, TokenSource, &source, sizeof source, &n), STATUS_SUCCESS);
	CHECK(memcmp(source.SourceName, "capitest", 8) == 0);
	SAME(source.SourceIdentifier.LowPart, 7);
}

/* A conditional entry decides by them. */
static void conditions(HANDLE h)
{
	static const struct { const char *sddl; int grants; } cases[] = {
		{"O:SYG:SYD:(XA;;0x1;;;WD;(@User.Level Contains 7))", 1},
		{"O:SYG:SYD:(XA;;0x1;;;WD;(@User.Level Contains 8))", 0},
		{"O:SYG:SYD:(XA;;0x1;;;WD;(@User.Colours Contains \"red\"))", 1},
		{"O:SYG:SYD:(XA;;0x1;;;WD;(@User.Managed == 1))", 1},
		{"O:SYG:SYD:(XA;;0x1;;;WD;(@Device.Level == 1))", 1},
		{"O:SYG:SYD:(XA;;0x1;;;WD;(Device_Member_of {SID(S-1-5-21-1-2-3-3001)}))", 1},
		{"O:SYG:SYD:(XA;;0x1;;;WD;(Device_Member_of {SID(S-1-5-21-1-2-3-3002)}))", 0},
	};
	GENERIC_MAPPING m = {1, 1, 1, 1};
	HANDLE imp;
	CHECK(DuplicateToken(h, SecurityIdentification, &imp));
	for (unsigned i = 0; i < ARRAYSIZE(cases); i++) {
		PSECURITY_DESCRIPTOR d;
		PRIVILEGE_SET set;
		DWORD n = sizeof set, granted = 9;
		BOOL access = 9;
		CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorA(cases[i].sddl, SDDL_REVISION_1, &d, NULL));
		CHECK(AccessCheck(d, imp, 1, &m, &set, &n, &granted, &access));
		SAME(access, cases[i].grants);
		LocalFree(d);
	}
	CHECK(CloseHandle(imp));
}

static void no_claims(struct parts *p)
{
	HANDLE x;
	/* claims that no token can have */
	user.Version = 2;
	STATUS(create(&x, p, TokenPrimary), STATUS_INVALID_PARAMETER);
	user.Version = 1;
	user_claims[0].ValueType = 4;
	STATUS(create(&x, p, TokenPrimary), STATUS_INVALID_PARAMETER);
	user_claims[0].ValueType = CLAIM_SECURITY_ATTRIBUTE_TYPE_INT64;
	user_claims[0].Name.Length = 3;
	STATUS(create(&x, p, TokenPrimary), STATUS_INVALID_PARAMETER);
	user_claims[0].Name.Length = 10;
	user.AttributeCount = 0x10000000;
	STATUS(create(&x, p, TokenPrimary), STATUS_INSUFFICIENT_RESOURCES);
	user.AttributeCount = 5;
	user_claims[0].ValueCount = 0x10000000;
	STATUS(create(&x, p, TokenPrimary), STATUS_INSUFFICIENT_RESOURCES);
	user_claims[0].ValueCount = 2;
}

static void bad_parts(struct parts *p)
{
	HANDLE x;
	void *bad[] = {UNMAPPED, KERNEL, NONCANONICAL, none};
	for (unsigned i = 0; i < ARRAYSIZE(bad); i++) {
		user.Attribute.pAttributeV1 = bad[i];
		STATUS(create(&x, p, TokenPrimary), STATUS_ACCESS_VIOLATION);
		user.Attribute.pAttributeV1 = user_claims;
		user_claims[0].Values.pInt64 = bad[i];
		STATUS(create(&x, p, TokenPrimary), STATUS_ACCESS_VIOLATION);
		user_claims[0].Values.pInt64 = ints;
		user_claims[1].Name.Buffer = bad[i];
		STATUS(create(&x, p, TokenPrimary), STATUS_ACCESS_VIOLATION);
		user_claims[1].Name = text(u"Colours");
		sids[0].pValue = bad[i];
		STATUS(create(&x, p, TokenPrimary), STATUS_ACCESS_VIOLATION);
		sids[0].pValue = sid(STAFF);
		octets[0].pValue = bad[i];
		STATUS(create(&x, p, TokenPrimary), STATUS_ACCESS_VIOLATION);
		octets[0].pValue = "\1\2\3";
		STATUS(NtCreateTokenEx(bad[i], TOKEN_ALL_ACCESS, NULL, TokenPrimary, &p->session, &p->expires, &p->user,
			(PTOKEN_GROUPS)&p->groups, (PTOKEN_PRIVILEGES)&p->privileges, NULL, NULL, NULL, NULL, NULL, &p->primary, NULL,
			&p->source), STATUS_ACCESS_VIOLATION);
		STATUS(NtCreateTokenEx(&x, TOKEN_ALL_ACCESS, NULL, TokenPrimary, &p->session, &p->expires, &p->user,
			(PTOKEN_GROUPS)&p->groups, (PTOKEN_PRIVILEGES)&p->privileges, bad[i], NULL, NULL, NULL, NULL, &p->primary, NULL,
			&p->source), STATUS_ACCESS_VIOLATION);
		STATUS(NtCreateTokenEx(&x, TOKEN_ALL_ACCESS, NULL, TokenPrimary, &p->session, &p->expires, &p->user,
			(PTOKEN_GROUPS)&p->groups, (PTOKEN_PRIVILEGES)&p->privileges, NULL, NULL, NULL, bad[i], NULL, &p->primary, NULL,
			&p->source), STATUS_ACCESS_VIOLATION);
	}
}

/* T-74: the previous state of a group, which is not mandatory. */
static void groups(void)
{
	HANDLE h = alice();
	TOKEN_GROUPS off = {1, {{sid(STAFF), 0}}};
	_Alignas(8) char room[64];
	PTOKEN_GROUPS was = (PTOKEN_GROUPS)room;
	DWORD n = 0;
	STATUS(NtAdjustGroupsToken(h, FALSE, &off, sizeof room, was, &n), STATUS_SUCCESS);
	SAME(was->GroupCount, 1);
	SAME(was->Groups[0].Attributes, SE_GROUP_ENABLED | SE_GROUP_ENABLED_BY_DEFAULT);
	CHECK(RtlEqualSid(was->Groups[0].Sid, sid(STAFF)));
	CHECK(CloseHandle(h));
}

void test_created(void)
{
	groups();
	HANDLE h = alice(), x = (HANDLE)0x55;
	query_claims(h);
	conditions(h);
	CHECK(CloseHandle(h));
	struct parts p = parts();
	OBJECT_ATTRIBUTES oa;
	SECURITY_QUALITY_OF_SERVICE qos = {sizeof qos, SecurityImpersonation, SECURITY_STATIC_TRACKING, FALSE};
	STATUS(create(&x, &p, 0), STATUS_BAD_TOKEN_TYPE); /* T-10 */
	SAME((uintptr_t)x, 0);
	STATUS(create(&x, &p, TokenImpersonation), STATUS_BAD_IMPERSONATION_LEVEL);
	InitializeObjectAttributes(&oa, NULL, 0, NULL, NULL);
	oa.SecurityQualityOfService = &qos;
	STATUS(NtCreateTokenEx(&x, TOKEN_ALL_ACCESS, &oa, TokenImpersonation, &p.session, &p.expires, &p.user,
		(PTOKEN_GROUPS)&p.groups, (PTOKEN_PRIVILEGES)&p.privileges, NULL, NULL, NULL, NULL, NULL, &p.primary, NULL,
		&p.source), STATUS_SUCCESS);
	DWORD level = 9, n;
	STATUS(NtQueryInformationToken(x, TokenImpersonationLevel, &level, sizeof level, &n), STATUS_SUCCESS);
	SAME(level, SecurityImpersonation);
	CHECK(CloseHandle(x));
	p.session.LowPart = 0x12345;
	STATUS(create(&x, &p, TokenPrimary), STATUS_NO_SUCH_LOGON_SESSION); /* T-5 */
	p = parts();
	p.primary.PrimaryGroup = sid("S-1-5-21-9-9-9-9");
	STATUS(create(&x, &p, TokenPrimary), STATUS_INVALID_PRIMARY_GROUP); /* T-11 */
	p = parts();
	p.owner.Owner = sid(STAFF); /* without SE_GROUP_OWNER */
	STATUS(create(&x, &p, TokenPrimary), STATUS_INVALID_OWNER);
	p.groups.Groups[0].Attributes |= SE_GROUP_OWNER;
	STATUS(create(&x, &p, TokenPrimary), STATUS_SUCCESS);
	CHECK(CloseHandle(x));
	no_claims(&p);
	bad_parts(&p);
	/* the old form, and without the privilege */
	STATUS(NtCreateToken(&x, TOKEN_QUERY, NULL, TokenPrimary, &p.session, &p.expires, &p.user, (PTOKEN_GROUPS)&p.groups,
		(PTOKEN_PRIVILEGES)&p.privileges, NULL, &p.primary, NULL, &p.source), STATUS_SUCCESS);
	CHECK(CloseHandle(x));
	BOOLEAN was;
	STATUS(RtlAdjustPrivilege(SE_CREATE_TOKEN_PRIVILEGE, FALSE, FALSE, &was), STATUS_SUCCESS);
	STATUS(create(&x, &p, TokenPrimary), STATUS_PRIVILEGE_NOT_HELD);
	STATUS(RtlAdjustPrivilege(SE_CREATE_TOKEN_PRIVILEGE, TRUE, FALSE, &was), STATUS_SUCCESS);
	SAME(was, FALSE);
}
