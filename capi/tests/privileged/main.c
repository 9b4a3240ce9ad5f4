/* What only a process with SeCreateTokenPrivilege, SeTcbPrivilege and
 * SeAssignPrimaryTokenPrivilege may do: tokens out of their parts, with claims;
 * filtering and adjusting those; processes with another user's token. Run with
 * REFMON_TOKEN naming the token.json beside. */
#include "../check.h"
#include <sys/mman.h>

atomic_int checks, failures;
void *readonly, *none;

static PSID sid(const char *text)
{
	PSID s = NULL;
	CHECK(ConvertStringSidToSidA(text, &s));
	return s;
}

static UNICODE_STRING text(PCWSTR s)
{
	UNICODE_STRING u;
	RtlInitUnicodeString(&u, s);
	u.MaximumLength = u.Length; /* counted: no terminator is needed */
	return u;
}

#define ALICE "S-1-5-21-1-2-3-1107"
#define STAFF "S-1-5-21-1-2-3-2001"
#define DEVICES "S-1-5-21-1-2-3-3001"

static TOKEN_SECURITY_ATTRIBUTE_V1 user_claims[5], device_claims[1];
static TOKEN_SECURITY_ATTRIBUTES_INFORMATION user = {1, 0, 5, {user_claims}}, device = {1, 0, 1, {device_claims}};
static LONG64 ints[2] = {-5, 7};
static DWORD64 uints[1] = {1};
static UNICODE_STRING strings[2];
static TOKEN_SECURITY_ATTRIBUTE_OCTET_STRING_VALUE octets[1] = {{"\1\2\3", 3}}, sids[1];

/* Claims of every type. */
static void claims(void)
{
	strings[0] = text(u"red");
	strings[1] = text(u"green");
	sids[0].pValue = sid(STAFF);
	sids[0].ValueLength = RtlLengthSid(sids[0].pValue);
	user_claims[0] = (TOKEN_SECURITY_ATTRIBUTE_V1){text(u"Level"), CLAIM_SECURITY_ATTRIBUTE_TYPE_INT64, 0, 0, 2,
		{.pInt64 = ints}};
	user_claims[1] = (TOKEN_SECURITY_ATTRIBUTE_V1){text(u"Colours"), CLAIM_SECURITY_ATTRIBUTE_TYPE_STRING, 0, 0, 2,
		{.pString = strings}};
	user_claims[2] = (TOKEN_SECURITY_ATTRIBUTE_V1){text(u"Team"), CLAIM_SECURITY_ATTRIBUTE_TYPE_SID, 0, 0, 1,
		{.pOctetString = sids}};
	user_claims[3] = (TOKEN_SECURITY_ATTRIBUTE_V1){text(u"Key"), CLAIM_SECURITY_ATTRIBUTE_TYPE_OCTET_STRING, 0,
		CLAIM_SECURITY_ATTRIBUTE_MANDATORY, 1, {.pOctetString = octets}};
	user_claims[4] = (TOKEN_SECURITY_ATTRIBUTE_V1){text(u"Managed"), CLAIM_SECURITY_ATTRIBUTE_TYPE_BOOLEAN, 0, 0, 1,
		{.pUint64 = uints}};
	device_claims[0] = (TOKEN_SECURITY_ATTRIBUTE_V1){text(u"Level"), CLAIM_SECURITY_ATTRIBUTE_TYPE_UINT64, 0, 0, 1,
		{.pUint64 = uints}};
}

struct parts {
	LUID session;
	LARGE_INTEGER expires;
	TOKEN_USER user;
	struct { DWORD GroupCount; SID_AND_ATTRIBUTES Groups[3]; } groups;
	struct { DWORD PrivilegeCount; LUID_AND_ATTRIBUTES Privileges[1]; } privileges;
	struct { DWORD GroupCount; SID_AND_ATTRIBUTES Groups[1]; } devices;
	TOKEN_MANDATORY_POLICY policy;
	TOKEN_OWNER owner;
	TOKEN_PRIMARY_GROUP primary;
	TOKEN_DEFAULT_DACL dacl;
	TOKEN_SOURCE source;
};

static struct parts parts(void)
{
	const DWORD on = SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED;
	return (struct parts){.session = SYSTEM_LUID, .user = {{sid(ALICE), 0}},
		.groups = {3, {{sid(STAFF), SE_GROUP_ENABLED | SE_GROUP_ENABLED_BY_DEFAULT}, {sid("S-1-1-0"), on},
		{sid("S-1-16-8192"), SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED}}},
		.privileges = {1, {{{SE_CHANGE_NOTIFY_PRIVILEGE, 0}, SE_PRIVILEGE_ENABLED | SE_PRIVILEGE_ENABLED_BY_DEFAULT}}},
		.devices = {1, {{sid(DEVICES), on}}}, .policy = {TOKEN_MANDATORY_POLICY_NO_WRITE_UP}, .primary = {sid(STAFF)},
		.source = {"capitest", {7, 0}}};
}

static NTSTATUS create(PHANDLE h, struct parts *p, TOKEN_TYPE type)
{
	return NtCreateTokenEx(h, TOKEN_ALL_ACCESS, NULL, type, &p->session, &p->expires, &p->user, (PTOKEN_GROUPS)&p->groups,
		(PTOKEN_PRIVILEGES)&p->privileges,
		&user, &device, (PTOKEN_GROUPS)&p->devices, &p->policy, p->owner.Owner ? &p->owner : NULL, &p->primary, &p->dacl,
		&p->source);
}

static HANDLE alice(void)
{
	HANDLE h = NULL;
	struct parts p = parts();
	STATUS(create(&h, &p, TokenPrimary), STATUS_SUCCESS);
	return h;
}

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

static void created(void)
{
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
	/* claims that no token can have */
	user.Version = 2;
	STATUS(create(&x, &p, TokenPrimary), STATUS_INVALID_PARAMETER);
	user.Version = 1;
	user_claims[0].ValueType = 4;
	STATUS(create(&x, &p, TokenPrimary), STATUS_INVALID_PARAMETER);
	user_claims[0].ValueType = CLAIM_SECURITY_ATTRIBUTE_TYPE_INT64;
	user_claims[0].Name.Length = 3;
	STATUS(create(&x, &p, TokenPrimary), STATUS_INVALID_PARAMETER);
	user_claims[0].Name.Length = 10;
	user.AttributeCount = 0x10000000;
	STATUS(create(&x, &p, TokenPrimary), STATUS_INSUFFICIENT_RESOURCES);
	user.AttributeCount = 5;
	user_claims[0].ValueCount = 0x10000000;
	STATUS(create(&x, &p, TokenPrimary), STATUS_INSUFFICIENT_RESOURCES);
	user_claims[0].ValueCount = 2;
	void *bad[] = {UNMAPPED, KERNEL, NONCANONICAL, none};
	for (unsigned i = 0; i < ARRAYSIZE(bad); i++) {
		user.Attribute.pAttributeV1 = bad[i];
		STATUS(create(&x, &p, TokenPrimary), STATUS_ACCESS_VIOLATION);
		user.Attribute.pAttributeV1 = user_claims;
		user_claims[0].Values.pInt64 = bad[i];
		STATUS(create(&x, &p, TokenPrimary), STATUS_ACCESS_VIOLATION);
		user_claims[0].Values.pInt64 = ints;
		user_claims[1].Name.Buffer = bad[i];
		STATUS(create(&x, &p, TokenPrimary), STATUS_ACCESS_VIOLATION);
		user_claims[1].Name = text(u"Colours");
		sids[0].pValue = bad[i];
		STATUS(create(&x, &p, TokenPrimary), STATUS_ACCESS_VIOLATION);
		sids[0].pValue = sid(STAFF);
		octets[0].pValue = bad[i];
		STATUS(create(&x, &p, TokenPrimary), STATUS_ACCESS_VIOLATION);
		octets[0].pValue = "\1\2\3";
		STATUS(NtCreateTokenEx(bad[i], TOKEN_ALL_ACCESS, NULL, TokenPrimary, &p.session, &p.expires, &p.user,
			(PTOKEN_GROUPS)&p.groups, (PTOKEN_PRIVILEGES)&p.privileges, NULL, NULL, NULL, NULL, NULL, &p.primary, NULL,
			&p.source), STATUS_ACCESS_VIOLATION);
		STATUS(NtCreateTokenEx(&x, TOKEN_ALL_ACCESS, NULL, TokenPrimary, &p.session, &p.expires, &p.user,
			(PTOKEN_GROUPS)&p.groups, (PTOKEN_PRIVILEGES)&p.privileges, bad[i], NULL, NULL, NULL, NULL, &p.primary, NULL,
			&p.source), STATUS_ACCESS_VIOLATION);
		STATUS(NtCreateTokenEx(&x, TOKEN_ALL_ACCESS, NULL, TokenPrimary, &p.session, &p.expires, &p.user,
			(PTOKEN_GROUPS)&p.groups, (PTOKEN_PRIVILEGES)&p.privileges, NULL, NULL, NULL, bad[i], NULL, &p.primary, NULL,
			&p.source), STATUS_ACCESS_VIOLATION);
	}
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

/* How many claims of that name are enabled; -1 without any. */
static int enabled(HANDLE h, PCWSTR name)
{
	_Alignas(8) char room[2048];
	PCLAIM_SECURITY_ATTRIBUTES_INFORMATION c = (void *)room;
	ULONG n, units = 0;
	while (name[units])
		units++;
	STATUS(NtQueryInformationToken(h, TokenUserClaimAttributes, room, sizeof room, &n), STATUS_SUCCESS);
	for (ULONG i = 0; i < c->AttributeCount; i++)
		if (memcmp(c->Attribute.pAttributeV1[i].Name, name, 2 * units + 2) == 0)
			return !(c->Attribute.pAttributeV1[i].Flags & CLAIM_SECURITY_ATTRIBUTE_DISABLED);
	return -1;
}

static void adjusted(void)
{
	HANDLE h = alice();
	_Alignas(8) char before[512], devices[128];
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION old = (void *)before;
	PTOKEN_GROUPS groups = (void *)devices;
	ULONG n = 0, m = 0;
	TOKEN_SECURITY_ATTRIBUTE_V1 change = {text(u"LEVEL"), 0, 0, CLAIM_SECURITY_ATTRIBUTE_DISABLED, 0, {NULL}};
	TOKEN_SECURITY_ATTRIBUTES_INFORMATION state = {1, 0, 1, {&change}};
	change.ValueType = CLAIM_SECURITY_ATTRIBUTE_TYPE_INT64;
	SAME(enabled(h, u"Level"), 1);
	/* 16 for the list, 40 for the attribute, 2 values and 10 bytes of name, up to a multiple of 8 */
	STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, FALSE, FALSE, FALSE, &state, NULL, NULL, 16, old, 0, NULL, 0, NULL, &n,
		NULL, NULL), STATUS_BUFFER_TOO_SMALL);
	SAME(n, 16 + 40 + 32);
	SAME(enabled(h, u"Level"), 1); /* T-74: nothing is changed */
	STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, FALSE, FALSE, FALSE, &state, NULL, NULL, sizeof before, old, 0, NULL,
		sizeof devices, groups, &n, NULL, &m), STATUS_SUCCESS);
	SAME(n, 16 + 40 + 32);
	SAME(m, 8);
	SAME(groups->GroupCount, 0);
	SAME(old->Version, 1);
	SAME(old->AttributeCount, 1);
	SAME(old->Attribute.pAttributeV1->Name.Length, 10);
	CHECK(memcmp(old->Attribute.pAttributeV1->Name.Buffer, u"Level", 10) == 0);
	SAME(old->Attribute.pAttributeV1->Flags, 0);
	SAME(old->Attribute.pAttributeV1->Values.pInt64[1], 7);
	SAME(enabled(h, u"Level"), 0);
	/* as it was */
	STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, FALSE, FALSE, FALSE, old, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, NULL,
		NULL, NULL), STATUS_SUCCESS);
	SAME(enabled(h, u"Level"), 1);
	change.Name = text(u"Key");
	/* T-75 */
	STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, FALSE, FALSE, FALSE, &state, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, NULL,
		NULL, NULL), STATUS_CANT_DISABLE_MANDATORY);
	change.Name = text(u"Nothing");
	STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, FALSE, FALSE, FALSE, &state, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, NULL,
		NULL, NULL), STATUS_NOT_ALL_ASSIGNED);
	/* not read */
	STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, TRUE, TRUE, TRUE, UNMAPPED, UNMAPPED, UNMAPPED, 0, NULL, 0, NULL, 0, NULL,
		NULL, NULL, NULL), STATUS_SUCCESS);
	STATUS(NtAdjustTokenClaimsAndDeviceGroups(NULL, TRUE, TRUE, TRUE, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, NULL,
		NULL, NULL), STATUS_INVALID_HANDLE);
	void *bad[] = {UNMAPPED, KERNEL, NONCANONICAL, none, readonly};
	for (unsigned i = 0; i < ARRAYSIZE(bad); i++) {
		if (bad[i] != readonly) {
			STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, FALSE, TRUE, TRUE, bad[i], NULL, NULL, 0, NULL, 0, NULL, 0, NULL, NULL,
				NULL, NULL), STATUS_ACCESS_VIOLATION);
			STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, TRUE, FALSE, TRUE, NULL, bad[i], NULL, 0, NULL, 0, NULL, 0, NULL, NULL,
				NULL, NULL), STATUS_ACCESS_VIOLATION);
			STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, TRUE, TRUE, FALSE, NULL, NULL, bad[i], 0, NULL, 0, NULL, 0, NULL, NULL,
				NULL, NULL), STATUS_ACCESS_VIOLATION);
		}
		STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, TRUE, TRUE, TRUE, NULL, NULL, NULL, 8, bad[i], 0, NULL, 0, NULL, &n,
			NULL, NULL), STATUS_ACCESS_VIOLATION);
		STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, TRUE, TRUE, TRUE, NULL, NULL, NULL, 0, NULL, 8, bad[i], 0, NULL, NULL,
			&n, NULL), STATUS_ACCESS_VIOLATION);
		STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, TRUE, TRUE, TRUE, NULL, NULL, NULL, 0, NULL, 0, NULL, 8, bad[i], NULL,
			NULL, &n), STATUS_ACCESS_VIOLATION);
		STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, TRUE, TRUE, TRUE, NULL, NULL, NULL, sizeof before, old, 0, NULL, 0, NULL,
			bad[i], NULL, NULL), STATUS_ACCESS_VIOLATION);
	}
	CHECK(CloseHandle(h));
}

static void filtered(void)
{
	HANDLE h = alice(), f = (HANDLE)0x55;
	UNICODE_STRING names[2] = {text(u"level"), text(u"Colours")};
	struct { DWORD GroupCount; SID_AND_ATTRIBUTES Groups[1]; } g = {1, {{sid(DEVICES), 0}}};
	_Alignas(8) char room[512];
	ULONG n;
	STATUS(NtFilterTokenEx(h, 0, NULL, NULL, NULL, 2, names, 0, NULL, (PTOKEN_GROUPS)&g, NULL, NULL, NULL, &f),
		STATUS_SUCCESS);
	PCLAIM_SECURITY_ATTRIBUTES_INFORMATION c = (void *)malloc(2048);
	STATUS(NtQueryInformationToken(f, TokenUserClaimAttributes, c, 2048, &n), STATUS_SUCCESS);
	SAME(c->AttributeCount, 5);
	/* T-67 */
	SAME(c->Attribute.pAttributeV1[0].Flags & CLAIM_SECURITY_ATTRIBUTE_DISABLED, CLAIM_SECURITY_ATTRIBUTE_DISABLED);
	/* T-67 */
	SAME(c->Attribute.pAttributeV1[1].Flags & CLAIM_SECURITY_ATTRIBUTE_DISABLED, CLAIM_SECURITY_ATTRIBUTE_DISABLED);
	SAME(c->Attribute.pAttributeV1[2].Flags, 0);
	free(c);
	STATUS(NtQueryInformationToken(f, TokenDeviceGroups, room, sizeof room, &n), STATUS_SUCCESS);
	SAME(((PTOKEN_GROUPS)room)->Groups[0].Attributes & SE_GROUP_USE_FOR_DENY_ONLY, SE_GROUP_USE_FOR_DENY_ONLY);
	CHECK(CloseHandle(f));
	/* T-60 */
	STATUS(NtFilterTokenEx(h, 0x10, NULL, NULL, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, &f),
		STATUS_INVALID_PARAMETER);
	SAME((uintptr_t)f, 0);
	STATUS(NtFilterTokenEx(NULL, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, &f),
		STATUS_INVALID_HANDLE);
	void *bad[] = {UNMAPPED, KERNEL, NONCANONICAL, none};
	for (unsigned i = 0; i < ARRAYSIZE(bad); i++) {
		void *p = bad[i];
		STATUS(NtFilterTokenEx(h, 0, p, NULL, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, &f), STATUS_ACCESS_VIOLATION);
		STATUS(NtFilterTokenEx(h, 0, NULL, p, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, &f), STATUS_ACCESS_VIOLATION);
		STATUS(NtFilterTokenEx(h, 0, NULL, NULL, p, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, &f), STATUS_ACCESS_VIOLATION);
		STATUS(NtFilterTokenEx(h, 0, NULL, NULL, NULL, 1, p, 0, NULL, NULL, NULL, NULL, NULL, &f), STATUS_ACCESS_VIOLATION);
		STATUS(NtFilterTokenEx(h, 0, NULL, NULL, NULL, 0, NULL, 1, p, NULL, NULL, NULL, NULL, &f), STATUS_ACCESS_VIOLATION);
		STATUS(NtFilterTokenEx(h, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, p, NULL, NULL, NULL, &f), STATUS_ACCESS_VIOLATION);
		STATUS(NtFilterTokenEx(h, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, NULL, p, NULL, NULL, &f), STATUS_ACCESS_VIOLATION);
		STATUS(NtFilterTokenEx(h, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, NULL, NULL, p, NULL, &f), STATUS_ACCESS_VIOLATION);
		STATUS(NtFilterTokenEx(h, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, p, &f), STATUS_ACCESS_VIOLATION);
		STATUS(NtFilterTokenEx(h, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, p), STATUS_ACCESS_VIOLATION);
	}
	CHECK(CloseHandle(h));
}

/* The token's own attributes: class 39, and NtQuerySecurityAttributesToken. */
static void attributes(void)
{
	HANDLE h = alice();
	TOKEN_SECURITY_ATTRIBUTE_OPERATION add[1] = {TOKEN_SECURITY_ATTRIBUTE_OPERATION_ADD};
	TOKEN_SECURITY_ATTRIBUTES_INFORMATION one = {1, 0, 1, {user_claims}};
	TOKEN_SECURITY_ATTRIBUTES_AND_OPERATION_INFORMATION change = {&one, add};
	_Alignas(8) char room[512];
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION list = (void *)room;
	UNICODE_STRING names[2] = {text(u"colours"), text(u"Other")};
	ULONG n = 0;
	STATUS(NtQuerySecurityAttributesToken(h, NULL, 0, room, sizeof room, &n), STATUS_SUCCESS);
	SAME(n, 16);
	SAME(list->AttributeCount, 0);
	STATUS(NtSetInformationToken(h, TokenSecurityAttributes, &change, sizeof change), STATUS_SUCCESS);
	one.Attribute.pAttributeV1 = user_claims + 1;
	STATUS(NtSetInformationToken(h, TokenSecurityAttributes, &change, sizeof change), STATUS_SUCCESS);
	STATUS(NtQuerySecurityAttributesToken(h, NULL, 0, room, sizeof room, &n), STATUS_SUCCESS);
	SAME(list->AttributeCount, 2);
	STATUS(NtQuerySecurityAttributesToken(h, names, 2, room, sizeof room, &n), STATUS_SUCCESS);
	SAME(list->AttributeCount, 1);
	PTOKEN_SECURITY_ATTRIBUTE_V1 a = list->Attribute.pAttributeV1;
	SAME(a->ValueType, CLAIM_SECURITY_ATTRIBUTE_TYPE_STRING);
	SAME(a->Name.Length, 14);
	CHECK(memcmp(a->Name.Buffer, u"Colours", 14) == 0);
	SAME(a->ValueCount, 2);
	SAME(a->Values.pString[1].Length, 10);
	CHECK(memcmp(a->Values.pString[1].Buffer, u"green", 10) == 0);
	/* 16 + 40 + two counted strings of 16 with 6 and 10 bytes + 14 bytes of name, in eights */
	SAME(n, 16 + 40 + 64);
	STATUS(NtQuerySecurityAttributesToken(h, names, 2, room, n - 1, &n), STATUS_BUFFER_TOO_SMALL);
	SAME(n, 16 + 40 + 64);
	STATUS(NtQuerySecurityAttributesToken(h, names + 1, 1, room, sizeof room, &n), STATUS_NOT_FOUND);
	add[0] = TOKEN_SECURITY_ATTRIBUTE_OPERATION_DELETE;
	one.Attribute.pAttributeV1 = user_claims + 2;
	STATUS(NtSetInformationToken(h, TokenSecurityAttributes, &change, sizeof change), STATUS_NOT_FOUND);
	add[0] = 9;
	STATUS(NtSetInformationToken(h, TokenSecurityAttributes, &change, sizeof change), STATUS_INVALID_PARAMETER);
	STATUS(NtSetInformationToken(h, TokenSecurityAttributes, &change, 15), STATUS_INFO_LENGTH_MISMATCH);
	change.Operations = UNMAPPED;
	STATUS(NtSetInformationToken(h, TokenSecurityAttributes, &change, sizeof change), STATUS_ACCESS_VIOLATION);
	change.Attributes = NULL;
	STATUS(NtSetInformationToken(h, TokenSecurityAttributes, &change, sizeof change), STATUS_ACCESS_VIOLATION);
	void *bad[] = {UNMAPPED, KERNEL, NONCANONICAL, none, readonly, NULL};
	for (unsigned i = 0; i < ARRAYSIZE(bad); i++) {
		STATUS(NtQuerySecurityAttributesToken(h, NULL, 0, bad[i], 64, &n), STATUS_ACCESS_VIOLATION);
		STATUS(NtQuerySecurityAttributesToken(h, NULL, 0, room, sizeof room, bad[i]), STATUS_ACCESS_VIOLATION);
		if (bad[i] != readonly)
			STATUS(NtQuerySecurityAttributesToken(h, bad[i], 1, room, sizeof room, &n), STATUS_ACCESS_VIOLATION);
	}
	STATUS(NtQuerySecurityAttributesToken(NULL, NULL, 0, room, sizeof room, &n), STATUS_INVALID_HANDLE);
	CHECK(CloseHandle(h));
}

/* With SeAssignPrimaryTokenPrivilege any user's token does; its user owns the process. */
static void as_user(void)
{
	HANDLE h = alice(), t;
	PROCESS_INFORMATION p;
	_Alignas(8) char room[512];
	ULONG n;
	CHECK(CreateProcessAsUserA(h, NULL, "program", NULL, NULL, FALSE, 0, NULL, NULL, NULL, &p));
	CHECK(OpenProcessToken(p.hProcess, TOKEN_QUERY, &t));
	CHECK(GetTokenInformation(t, TokenUser, room, sizeof room, &n));
	CHECK(EqualSid(((PTOKEN_USER)room)->User.Sid, sid(ALICE)));
	CHECK(CloseHandle(t));
	CHECK(GetKernelObjectSecurity(p.hProcess, OWNER_SECURITY_INFORMATION, room, sizeof room, &n));
	PSID owner;
	BOOL defaulted;
	CHECK(GetSecurityDescriptorOwner(room, &owner, &defaulted));
	CHECK(EqualSid(owner, sid(ALICE)));
	CHECK(TerminateProcess(p.hProcess, 0));
	CHECK(CloseHandle(p.hProcess));
	CHECK(CloseHandle(p.hThread));
	/* held and not enabled will do, taken away will not (I-96) */
	BOOLEAN was;
	HANDLE own = NULL;
	static const ULONG needed[] = {SE_ASSIGNPRIMARYTOKEN_PRIVILEGE, SE_INCREASE_QUOTA_PRIVILEGE};
	STATUS(NtOpenProcessToken(NtCurrentProcess(), TOKEN_ALL_ACCESS, &own), STATUS_SUCCESS);
	for (int i = 0; i < 2; i++)
		STATUS(RtlAdjustPrivilege(needed[i], FALSE, FALSE, &was), STATUS_SUCCESS);
	CHECK(CreateProcessAsUserA(h, NULL, "program", NULL, NULL, FALSE, 0, NULL, NULL, NULL, &p));
	CHECK(TerminateProcess(p.hProcess, 0) && CloseHandle(p.hProcess) && CloseHandle(p.hThread));
	for (int i = 0; i < 2; i++) {
		STATUS(RtlAdjustPrivilege(needed[i], FALSE, FALSE, &was), STATUS_SUCCESS);
		SAME(was, FALSE);
		STATUS(RtlAdjustPrivilege(needed[i], TRUE, FALSE, &was), STATUS_SUCCESS);
	}
	TOKEN_PRIVILEGES gone = {1, {{{SE_INCREASE_QUOTA_PRIVILEGE, 0}, SE_PRIVILEGE_REMOVED}}};
	STATUS(NtAdjustPrivilegesToken(own, FALSE, &gone, 0, NULL, NULL), STATUS_SUCCESS);
	FAILS(CreateProcessAsUserA(h, NULL, "program", NULL, NULL, FALSE, 0, NULL, NULL, NULL, &p), ERROR_PRIVILEGE_NOT_HELD);
	CHECK(CloseHandle(own));
	CHECK(CloseHandle(h));
}

/* With SeAuditPrivilege in the process's own token; no reader listens to the log, so that
 * GenerateOnClose stays FALSE under the default policy. */
static void alarms(void)
{
	PSECURITY_DESCRIPTOR d;
	GENERIC_MAPPING m = {1, 2, 4, 7};
	DWORD granted = 9;
	BOOL access = 9, generate = 9;
	BOOLEAN was;
	CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorA("O:SYG:SYD:(A;;0x1;;;WD)S:(AU;SAFA;0x7;;;WD)",
		SDDL_REVISION_1, &d, NULL));
	CHECK(ImpersonateSelf(SecurityImpersonation));
	CHECK(AccessCheckAndAuditAlarmA("server", NULL, "File", "name", d, 1, &m, FALSE, &granted, &access, &generate));
	SAME(granted, 1);
	SAME(access, TRUE);
	CHECK(AccessCheckAndAuditAlarmW(u"server", NULL, u"File", u"name", d, 2, &m, FALSE, &granted, &access, &generate));
	SAME(granted, 0);
	SAME(access, FALSE);
	SAME(GetLastError(), ERROR_ACCESS_DENIED);
	FAILS(AccessCheckAndAuditAlarmA("server", NULL, "File", "name", d, GENERIC_READ, &m, FALSE, &granted, &access,
		&generate), ERROR_GENERIC_NOT_MAPPED);
	FAILS(AccessCheckAndAuditAlarmA(NULL, NULL, "File", "name", d, 1, &m, FALSE, &granted, &access, &generate),
		ERROR_NOACCESS);
	FAILS(AccessCheckAndAuditAlarmA("server", NULL, "File", "name", NULL, 1, &m, FALSE, &granted, &access, &generate),
		ERROR_INVALID_SECURITY_DESCR);
	/* I-7: the client's token does not count, the process's does */
	STATUS(RtlAdjustPrivilege(SE_AUDIT_PRIVILEGE, FALSE, TRUE, &was), STATUS_SUCCESS);
	CHECK(AccessCheckAndAuditAlarmA("server", NULL, "File", "name", d, 1, &m, FALSE, &granted, &access, &generate));
	CHECK(RevertToSelf());
	CHECK(ObjectCloseAuditAlarmA("server", NULL, TRUE));
	CHECK(ObjectDeleteAuditAlarmA("server", NULL, TRUE));
	FAILS(ObjectCloseAuditAlarmW(NULL, NULL, TRUE), ERROR_NOACCESS);
	STATUS(RtlAdjustPrivilege(SE_AUDIT_PRIVILEGE, FALSE, FALSE, &was), STATUS_SUCCESS);
	FAILS(ObjectCloseAuditAlarmA("server", NULL, TRUE), ERROR_PRIVILEGE_NOT_HELD);
	STATUS(RtlAdjustPrivilege(SE_AUDIT_PRIVILEGE, TRUE, FALSE, &was), STATUS_SUCCESS);
	LocalFree(d);
}

int main(void)
{
	readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	claims();
	created();
	adjusted();
	filtered();
	attributes();
	as_user();
	alarms();
	printf("%d assertions, %d failed\n", checks, failures);
	return failures != 0;
}
