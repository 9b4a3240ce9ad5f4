/* Adjusting and filtering tokens with claims. */
#include "privileged.h"

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

static void bad_states(HANDLE h)
{
	_Alignas(8) char before[512];
	ULONG n = 0;
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
		STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, TRUE, TRUE, TRUE, NULL, NULL, NULL, sizeof before, (void *)before,
			0, NULL, 0, NULL, bad[i], NULL, NULL), STATUS_ACCESS_VIOLATION);
	}
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
	/* a mandatory claim cannot be disabled (T-75) */
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
	/* each previous state has a length of its own */
	STATUS(NtAdjustTokenClaimsAndDeviceGroups(h, TRUE, TRUE, TRUE, NULL, NULL, NULL, sizeof before, old, 15,
		(void *)devices, 0, NULL, &n, &m, NULL), STATUS_BUFFER_TOO_SMALL);
	bad_states(h);
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
	/* a claim that the filter disabled reads as disabled (T-67) */
	SAME(c->Attribute.pAttributeV1[0].Flags & CLAIM_SECURITY_ATTRIBUTE_DISABLED, CLAIM_SECURITY_ATTRIBUTE_DISABLED);
	/* a claim that the filter disabled reads as disabled (T-67) */
	SAME(c->Attribute.pAttributeV1[1].Flags & CLAIM_SECURITY_ATTRIBUTE_DISABLED, CLAIM_SECURITY_ATTRIBUTE_DISABLED);
	SAME(c->Attribute.pAttributeV1[2].Flags, 0);
	free(c);
	STATUS(NtQueryInformationToken(f, TokenDeviceGroups, room, sizeof room, &n), STATUS_SUCCESS);
	SAME(((PTOKEN_GROUPS)room)->Groups[0].Attributes & SE_GROUP_USE_FOR_DENY_ONLY, SE_GROUP_USE_FOR_DENY_ONLY);
	CHECK(CloseHandle(f));
	/* an undocumented flag fails the call (T-60) */
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

void test_claims(void)
{
	adjusted();
	filtered();
	attributes();
}
