/* What only a process with SeCreateTokenPrivilege, SeTcbPrivilege and
 * SeAssignPrimaryTokenPrivilege may do: tokens out of their parts, with claims;
 * filtering and adjusting those; processes with another user's token. Run with
 * REFMON_TOKEN naming the token.json beside. */
#include "privileged.h"
#include <sys/mman.h>

atomic_int checks, failures;
void *readonly, *none;

TOKEN_SECURITY_ATTRIBUTE_V1 user_claims[5], device_claims[1];
TOKEN_SECURITY_ATTRIBUTES_INFORMATION user = {1, 0, 5, {user_claims}}, device = {1, 0, 1, {device_claims}};
LONG64 ints[2] = {-5, 7};
static DWORD64 uints[1] = {1};
static UNICODE_STRING strings[2];
TOKEN_SECURITY_ATTRIBUTE_OCTET_STRING_VALUE octets[1] = {{"\1\2\3", 3}}, sids[1];

PSID sid(const char *text)
{
	PSID s = NULL;
	CHECK(ConvertStringSidToSidA(text, &s));
	return s;
}

UNICODE_STRING text(PCWSTR s)
{
	UNICODE_STRING u;
	RtlInitUnicodeString(&u, s);
	u.MaximumLength = u.Length; /* counted: no terminator is needed */
	return u;
}

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

struct parts parts(void)
{
	const DWORD on = SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED;
	return (struct parts){.session = SYSTEM_LUID, .user = {{sid(ALICE), 0}},
		.groups = {3, {{sid(STAFF), SE_GROUP_ENABLED | SE_GROUP_ENABLED_BY_DEFAULT}, {sid("S-1-1-0"), on},
		{sid("S-1-16-8192"), SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED}}},
		.privileges = {1, {{{SE_CHANGE_NOTIFY_PRIVILEGE, 0}, SE_PRIVILEGE_ENABLED | SE_PRIVILEGE_ENABLED_BY_DEFAULT}}},
		.devices = {1, {{sid(DEVICES), on}}}, .policy = {TOKEN_MANDATORY_POLICY_NO_WRITE_UP}, .primary = {sid(STAFF)},
		.source = {"capitest", {7, 0}}};
}

NTSTATUS create(PHANDLE h, struct parts *p, TOKEN_TYPE type)
{
	return NtCreateTokenEx(h, TOKEN_ALL_ACCESS, NULL, type, &p->session, &p->expires, &p->user, (PTOKEN_GROUPS)&p->groups,
		(PTOKEN_PRIVILEGES)&p->privileges,
		&user, &device, (PTOKEN_GROUPS)&p->devices, &p->policy, p->owner.Owner ? &p->owner : NULL, &p->primary, &p->dacl,
		&p->source);
}

HANDLE alice(void)
{
	HANDLE h = NULL;
	struct parts p = parts();
	STATUS(create(&h, &p, TokenPrimary), STATUS_SUCCESS);
	return h;
}

static ULONG_PTR noted;
static void NTAPI note(ULONG_PTR n) { noted = n; }

int main(void)
{
	CHECK(QueueUserAPC(note, GetCurrentThread(), 5)); /* with the calling convention of this program */
	SAME(SleepEx(0, TRUE), WAIT_IO_COMPLETION);
	SAME(noted, 5);
	readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	claims();
	test_created();
	test_claims();
	test_server();
	printf("%d assertions, %d failed\n", checks, failures);
	return failures != 0;
}
