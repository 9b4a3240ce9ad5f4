/* Bounds of counts and lengths, from both sides: the last that is taken, the first that is not. */
#include "check.h"

static void test_wait_bounds(void)
{
	HANDLE all[65];
	LARGE_INTEGER now = {.QuadPart = 0};
	for (int i = 0; i < 65; i++)
		CHECK((all[i] = CreateEventW(NULL, TRUE, FALSE, NULL)) != NULL);
	for (ULONG n = 1; n <= 64; n += 9) { /* 1, 10, ..., 64 */
		STATUS(NtWaitForMultipleObjects(n, all, WaitAny, FALSE, &now), STATUS_TIMEOUT);
		CHECK(SetEvent(all[n])); /* the first that is not waited for */
		STATUS(NtWaitForMultipleObjects(n, all, WaitAny, FALSE, &now), STATUS_TIMEOUT);
		STATUS(NtWaitForMultipleObjects(n, all, WaitAll, FALSE, &now), STATUS_TIMEOUT);
		CHECK(SetEvent(all[n - 1])); /* the last that is */
		STATUS(NtWaitForMultipleObjects(n, all, WaitAny, FALSE, &now), STATUS_SUCCESS + n - 1);
		CHECK(ResetEvent(all[n]) && ResetEvent(all[n - 1]));
	}
	STATUS(NtWaitForMultipleObjects(65, all, WaitAny, FALSE, &now), STATUS_INVALID_PARAMETER_1);
	STATUS(NtWaitForMultipleObjects(65, all, WaitAll, FALSE, &now), STATUS_INVALID_PARAMETER_1);
	STATUS(NtWaitForMultipleObjects(0, all, WaitAll, FALSE, &now), STATUS_INVALID_PARAMETER_1);
	STATUS(NtWaitForMultipleObjects(65, UNMAPPED, WaitAny, FALSE, UNMAPPED), STATUS_INVALID_PARAMETER_1);
	for (int i = 0; i < 64; i++)
		CHECK(SetEvent(all[i]));
	STATUS(NtWaitForMultipleObjects(64, all, WaitAll, FALSE, &now), STATUS_SUCCESS);
	STATUS(NtWaitForMultipleObjects(64, all, WaitAny, FALSE, NULL), STATUS_SUCCESS);
	CHECK(ResetEvent(all[63]));
	STATUS(NtWaitForMultipleObjects(64, all, WaitAll, FALSE, &now), STATUS_TIMEOUT);
	STATUS(NtWaitForMultipleObjects(63, all, WaitAll, FALSE, &now), STATUS_SUCCESS);
	for (int i = 0; i < 65; i++)
		CHECK(CloseHandle(all[i]));
}

/* S-19: the size of a list has 16 bits, and its header eight bytes. */
static void test_list_bounds(void)
{
	static struct { ACL list; UCHAR rest[0x10000]; } room;
	STATUS(RtlCreateAcl(&room.list, 0, ACL_REVISION), STATUS_BUFFER_TOO_SMALL);
	STATUS(RtlCreateAcl(&room.list, 7, ACL_REVISION), STATUS_BUFFER_TOO_SMALL);
	SAME(room.list.AclSize, 0);
	STATUS(RtlCreateAcl(&room.list, 0x10000, ACL_REVISION), STATUS_INVALID_PARAMETER);
	STATUS(RtlCreateAcl(&room.list, 0xFFFFFFFF, ACL_REVISION), STATUS_INVALID_PARAMETER);
	STATUS(RtlCreateAcl(&room.list, 8, 1), STATUS_INVALID_PARAMETER);
	STATUS(RtlCreateAcl(&room.list, 8, 5), STATUS_INVALID_PARAMETER);
	SAME(room.list.AclSize, 0);
	for (ULONG revision = 2; revision <= 4; revision++) {
		STATUS(RtlCreateAcl(&room.list, 8, revision), STATUS_SUCCESS);
		SAME(room.list.AclSize, 8);
		SAME(room.list.AclRevision, revision);
		CHECK(RtlValidAcl(&room.list));
	}
	room.rest[0] = 9;
	STATUS(RtlCreateAcl(&room.list, 0xFFFC, ACL_REVISION), STATUS_SUCCESS);
	SAME(room.list.AclSize, 0xFFFC);
	SAME(room.rest[0], 9); /* only the header is written */
	static union { ACCESS_ALLOWED_ACE a; UCHAR bytes[0xFFE8]; } long_entry = {{{0, 0, 0xFFE8}, 1, 0}};
	((SID *)&long_entry.a.SidStart)->Revision = 1; /* S-1-0, the shortest SID */
	STATUS(RtlAddAce(&room.list, ACL_REVISION, 0, &long_entry, sizeof long_entry), STATUS_SUCCESS);
	SAME(room.list.AceCount, 1);
	EXPLICIT_ACCESS_A more;
	char everyone[] = "Everyone";
	PACL merged;
	BuildExplicitAccessWithNameA(&more, everyone, 1, GRANT_ACCESS, 0);
	SAME(SetEntriesInAclA(1, &more, &room.list, &merged), ERROR_ALLOTTED_SPACE_EXCEEDED);
	STATUS(RtlCreateAcl(&room.list, 0xFFFF, ACL_REVISION), STATUS_SUCCESS);
	room.list.AclSize = 7;
	CHECK(!RtlValidAcl(&room.list));
}

/* The privileges there are have the numbers 2 to 36. */
static void test_privilege_bounds(void)
{
	for (ULONG i = 0; i < 40; i++) {
		LUID luid = {i, 0}, high = {i, 1};
		WCHAR name[64];
		DWORD n = 64;
		if (i >= 2 && i <= 36)
			CHECK(LookupPrivilegeNameW(NULL, &luid, name, &n));
		else
			FAILS(LookupPrivilegeNameW(NULL, &luid, name, &n), ERROR_NO_SUCH_PRIVILEGE);
		n = 64;
		FAILS(LookupPrivilegeNameW(NULL, &high, name, &n), ERROR_NO_SUCH_PRIVILEGE);
	}
}

/* L-45: a count that is too large has another status than a list that cannot be read. */
static void test_lookup_bounds(void)
{
	LSA_OBJECT_ATTRIBUTES oa = {0};
	LSA_HANDLE h;
	PLSA_REFERENCED_DOMAIN_LIST domains = NULL;
	PLSA_TRANSLATED_SID2 sids = NULL;
	PLSA_TRANSLATED_NAME names = NULL;
	STATUS(LsaOpenPolicy(NULL, &oa, POLICY_LOOKUP_NAMES, &h), STATUS_SUCCESS);
	STATUS(LsaLookupNames2(h, 0, 20480, UNMAPPED, &domains, &sids), STATUS_ACCESS_VIOLATION);
	STATUS(LsaLookupNames2(h, 0, 20481, UNMAPPED, &domains, &sids), STATUS_INVALID_PARAMETER);
	STATUS(LsaLookupNames2(h, 0, 20481, UNMAPPED, &domains, UNMAPPED), STATUS_ACCESS_VIOLATION);
	STATUS(LsaLookupSids(h, 20480, UNMAPPED, &domains, &names), STATUS_ACCESS_VIOLATION);
	STATUS(LsaLookupSids(h, 20481, UNMAPPED, &domains, &names), STATUS_INVALID_PARAMETER);
	STATUS(LsaClose(h), STATUS_SUCCESS);
}

/* The name of an AppContainer has 64 units at most. */
static void test_name_bounds(void)
{
	WCHAR name[66];
	PSID package = NULL;
	for (int n = 1; n <= 65; n++) {
		for (int i = 0; i < n; i++)
			name[i] = u'\xE9'; /* two bytes in UTF-8 */
		name[n] = 0;
		HRESULT got = DeriveAppContainerSidFromAppContainerName(name, &package);
		SAME((ULONG)got, n <= 64 ? (ULONG)S_OK : (ULONG)E_INVALIDARG);
		if (got == S_OK)
			FreeSid(package);
	}
}

/* A message has a header of 40 bytes, and a length of 16 bits. */
static void test_message_bounds(void)
{
	OBJECT_ATTRIBUTES oa;
	InitializeObjectAttributes(&oa, NULL, 0, NULL, NULL);
	static const struct { ULONG n; NTSTATUS want; } rows[] = {{0, STATUS_INVALID_PARAMETER},
		{40, STATUS_INVALID_PARAMETER}, {41, STATUS_SUCCESS}, {0xFFFF, STATUS_SUCCESS},
		{0x10000, STATUS_INVALID_PARAMETER}, {0xFFFFFFFF, STATUS_INVALID_PARAMETER}};
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		HANDLE h = NULL;
		STATUS(NtCreatePort(&h, &oa, 0, rows[i].n, 0), rows[i].want);
		if (h != NULL)
			CHECK(CloseHandle(h));
	}
}

/* A handle that is an argument has eight bytes. */
static void test_information_bounds(void)
{
	HANDLE none_at_all = NULL;
	for (ULONG n = 0; n <= 16; n++)
		STATUS(NtSetInformationThread(GetCurrentThread(), ThreadImpersonationToken, &none_at_all, n),
			n == 8 ? STATUS_SUCCESS : STATUS_INFO_LENGTH_MISMATCH);
}

void test_bounds(void)
{
	test_wait_bounds();
	test_list_bounds();
	test_privilege_bounds();
	test_lookup_bounds();
	test_name_bounds();
	test_message_bounds();
	test_information_bounds();
}
