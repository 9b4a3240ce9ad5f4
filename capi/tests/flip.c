/*
 * A second thread changes an input during the call: each outcome is that of one
 * of the two inputs (O-4). One word of each input buffer, in turn.
 */
#include "check.h"
#include <pthread.h>

static union {
	uint32_t u32;
	uint64_t u64;
} *word;
static int size;
static uint64_t values[2];
static atomic_int stop;

static void *flip(void *arg)
{
	(void)arg;
	for (unsigned i = 0; !atomic_load_explicit(&stop, memory_order_relaxed); i++) {
		if (size == 4)
			__atomic_store_n(&word->u32, (uint32_t)values[i & 1], __ATOMIC_RELAXED);
		else
			__atomic_store_n(&word->u64, values[i & 1], __ATOMIC_RELAXED);
	}
	return NULL;
}

#define ROUNDS ((OVER_SOCKET ? 1000 : 100000) / (TENTH ? 10 : 1))

/* ask answers 0 or 1 for the outcome of the first or second value, else -1. */
static void during(const char *name, void *w, int n, uint64_t a, uint64_t b, int (*ask)(void))
{
	pthread_t t;
	int seen[2] = {0}, wrong = 0, rounds = ROUNDS;
	word = w, size = n, values[0] = a, values[1] = b, stop = 0;
	for (int i = 0; i < 2; i++) { /* each by itself, so that the answers are known to differ */
		if (size == 4)
			word->u32 = (uint32_t)values[i];
		else
			word->u64 = values[i];
		SAME(ask(), i);
	}
	CHECK(pthread_create(&t, NULL, flip, NULL) == 0);
	for (int i = 0; i < rounds; i++) {
		int got = ask();
		if (got < 0)
			wrong++;
		else
			seen[got]++;
	}
	stop = 1;
	pthread_join(t, NULL);
	if (wrong)
		printf("%s: %d of %d outcomes belong to neither input\n", name, wrong, rounds);
	SAME(wrong, 0);
	SAME(seen[0] + seen[1], rounds);
}

static HANDLE own, token;
static PSID system_sid, everyone, user, self;
static SECURITY_DESCRIPTOR d;
static DWORD one[16], two[16]; /* lists */
static GENERIC_MAPPING mapping;
static ULONG length;
static PRIVILEGE_SET set;
static PSID principal;
static OBJECT_TYPE_LIST types[1];
static GUID type = {1, 2, 3, {4}};
static ULONG want;

static NTSTATUS check(ACCESS_MASK *granted)
{
	NTSTATUS access = -1, st;
	*granted = 0;
	st = NtAccessCheckByType(&d, principal, token, want, types, 1, &mapping, &set, &length, granted, &access);
	return st ? st : access;
}

/* 1 or 2 is granted. */
static int one_or_two(void)
{
	ACCESS_MASK m;
	length = sizeof set;
	if (check(&m) || (m != 1 && m != 2))
		return -1;
	return m - 1;
}

static int granted_or_not(void)
{
	ACCESS_MASK m;
	length = sizeof set;
	NTSTATUS st = check(&m);
	if (st == (NTSTATUS)STATUS_ACCESS_DENIED && m == 0)
		return 1;
	return st == STATUS_SUCCESS && m == want ? 0 : -1;
}

static int long_enough(void)
{
	ACCESS_MASK m;
	NTSTATUS st = check(&m);
	if (st == (NTSTATUS)STATUS_BUFFER_TOO_SMALL && m == 0)
		return 1;
	return st == STATUS_SUCCESS && m == want ? 0 : -1;
}

static void decisions(void)
{
	PACL first = (PACL)one, second = (PACL)two;
	ACCESS_ALLOWED_ACE *entry;
	mapping = (GENERIC_MAPPING){1, 2, 4, 7};
	types[0] = (OBJECT_TYPE_LIST){0, 0, &type};
	CHECK(InitializeSecurityDescriptor(&d, 1) && InitializeAcl(first, sizeof one, ACL_REVISION) &&
		InitializeAcl(second, sizeof two, ACL_REVISION));
	CHECK(SetSecurityDescriptorOwner(&d, system_sid, FALSE) && SetSecurityDescriptorGroup(&d, system_sid, FALSE));
	CHECK(AddAccessAllowedAce(first, ACL_REVISION, 1, everyone) && AddAccessAllowedAce(second, ACL_REVISION, 2, everyone));
	CHECK(GetAce(first, 0, (void **)&entry) && SetSecurityDescriptorDacl(&d, TRUE, first, FALSE));
	want = MAXIMUM_ALLOWED;
	during("mask of an entry", &entry->Mask, 4, 1, 2, one_or_two);
	entry->Mask = 1;
	during("list of a descriptor", &d.Dacl, 8, (uintptr_t)first, (uintptr_t)second, one_or_two);
	d.Dacl = first;
	entry->Mask = GENERIC_READ;
	during("generic mapping", &mapping.GenericRead, 4, 1, 2, one_or_two);
	mapping.GenericRead = 1;
	want = WRITE_DAC;
	during("owner", &d.Owner, 8, (uintptr_t)user, (uintptr_t)system_sid, granted_or_not);
	d.Owner = system_sid;
	want = 1;
	during("SID of an entry", &entry->SidStart + 2, 4, ((DWORD *)everyone)[2], 77, granted_or_not);
	memcpy(&entry->SidStart, self, GetLengthSid(self));
	during("principal's own SID", &principal, 8, (uintptr_t)user, 0, granted_or_not);
	principal = user;
	during("length of the privilege set", &length, 4, sizeof set, 8, long_enough);
	length = sizeof set;
	((ACE_HEADER *)entry)->AceFlags = 0;
	CHECK(CloseHandle(token));
}

static SECURITY_QUALITY_OF_SERVICE quality = {sizeof quality, SecurityIdentification, 0, 0};
static OBJECT_ATTRIBUTES attributes;

static int duplicated(void)
{
	HANDLE h = NULL;
	SECURITY_IMPERSONATION_LEVEL level = -1;
	ULONG n;
	if (NtDuplicateToken(token, TOKEN_QUERY, &attributes, FALSE, TokenImpersonation, &h) ||
		NtQueryInformationToken(h, TokenImpersonationLevel, &level, sizeof level, &n))
		return -1;
	NtClose(h);
	return level == SecurityIdentification ? 0 : level == SecurityImpersonation ? 1 : -1;
}

static TOKEN_PRIVILEGES adjust;

static int adjusted(void)
{
	union {
		TOKEN_PRIVILEGES p;
		char room[2048];
	} now;
	ULONG n;
	if (NtAdjustPrivilegesToken(token, FALSE, &adjust, 0, NULL, NULL) ||
		NtQueryInformationToken(token, TokenPrivileges, &now, sizeof now, &n))
		return -1;
	for (DWORD i = 0; i < now.p.PrivilegeCount; i++)
		if (now.p.Privileges[i].Luid.LowPart == adjust.Privileges[0].Luid.LowPart)
			return now.p.Privileges[i].Attributes & SE_PRIVILEGE_ENABLED ? 1 : 0;
	return -1;
}

static HANDLE wanted;

static int impersonating(void)
{
	HANDLE h = NULL;
	NTSTATUS st = NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &wanted, sizeof wanted);
	if (st)
		return -1;
	st = NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &h);
	NtClose(h);
	return st == STATUS_SUCCESS ? 0 : st == (NTSTATUS)STATUS_NO_TOKEN ? 1 : -1;
}

static PRIVILEGE_SET required = {1, PRIVILEGE_SET_ALL_NECESSARY, {{{0, 0}, 0}}};

static int held(void)
{
	BOOLEAN result = 9;
	if (NtPrivilegeCheck(token, &required, &result) || result > 1)
		return -1;
	return !result;
}

void test_flip(void)
{
	union {
		TOKEN_USER user;
		char room[256];
	} u;
	DWORD n;
	CHECK(ConvertStringSidToSidA("LS", &system_sid) && ConvertStringSidToSidA("WD", &everyone) &&
		ConvertStringSidToSidA("PS", &self));
	own = process_token(TOKEN_ALL_ACCESS);
	CHECK(GetTokenInformation(own, TokenUser, &u, sizeof u, &n));
	user = u.user.User.Sid;
	token = client(SecurityIdentification);
	decisions();

	token = client(SecurityImpersonation);
	attributes = (OBJECT_ATTRIBUTES){.Length = sizeof attributes, .SecurityQualityOfService = &quality};
	during("level asked for", &quality.ImpersonationLevel, 4, SecurityIdentification, SecurityImpersonation, duplicated);
	quality.ImpersonationLevel = SecurityIdentification;
	during("quality of service", &attributes.SecurityQualityOfService, 8, (uintptr_t)&quality, 0, duplicated);
	adjust.PrivilegeCount = 1;
	CHECK(LookupPrivilegeValueA(NULL, "SeChangeNotifyPrivilege", &adjust.Privileges[0].Luid));
	during("attributes of a privilege", &adjust.Privileges[0].Attributes, 4, 0, SE_PRIVILEGE_ENABLED, adjusted);
	adjust.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
	SAME(adjusted(), 1);
	required.Privilege[0].Luid = adjust.Privileges[0].Luid;
	during("privilege required", &required.Privilege[0].Luid.LowPart, 4, required.Privilege[0].Luid.LowPart,
		2 /* SeCreateToken */, held);
	during("token of a thread", &wanted, 8, (uintptr_t)token, 0, impersonating);
	CHECK(RevertToSelf());
	CHECK(CloseHandle(token));
	CHECK(CloseHandle(own));
	LocalFree(system_sid);
	LocalFree(everyone);
	LocalFree(self);
}
