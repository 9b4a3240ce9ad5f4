/* What tests of other projects that run on Windows say, where the documents let one expect something else. */
#include "check.h"

static PSID sid(const char *text)
{
	PSID s = NULL;
	CHECK(ConvertStringSidToSidA(text, &s));
	return s;
}

/* Domains of SIDs (S-105). */
static void domains(void)
{
	PSID user = sid("S-1-5-21-1-2-3-1001"), other = sid("S-1-5-21-1-2-4-1001");
	BOOL equal = FALSE;
	DWORD n = 8;
	SetLastError(0xdeadbeef);
	CHECK(EqualDomainSid(user, user, &equal));
	SAME(GetLastError(), ERROR_SUCCESS);
	SetLastError(0xdeadbeef);
	CHECK(EqualDomainSid(user, other, &equal) && !equal);
	SAME(GetLastError(), ERROR_SUCCESS);
	FAILS(GetWindowsAccountDomainSid(user, NULL, &n), ERROR_INVALID_PARAMETER);
	SAME(n, 24);
	n = 100;
	FAILS(GetWindowsAccountDomainSid(user, NULL, &n), ERROR_INVALID_PARAMETER);
	SAME(n, 24);
	LocalFree(user);
	LocalFree(other);
}

/* Where the first free byte of a list is (S-106). */
static void free_bytes(void)
{
	DWORD room[16];
	PACL acl = (PACL)room;
	PVOID first = room;
	PSID everyone = sid("WD");
	CHECK(InitializeAcl(acl, 8 + 2 * 20, ACL_REVISION));
	CHECK(AddAccessAllowedAce(acl, ACL_REVISION, 1, everyone) && AddAccessAllowedAce(acl, ACL_REVISION, 2, everyone));
	CHECK(FindFirstFreeAce(acl, &first) && first == (char *)acl + acl->AclSize); /* ends at the end of the list */
	acl->AclSize -= 4;
	first = room;
	CHECK(FindFirstFreeAce(acl, &first) && first == NULL); /* the last entry's end does not fit */
	acl->AclSize = 8 + 20;
	first = room;
	CHECK(!FindFirstFreeAce(acl, &first)); /* the second entry begins at the end */
	acl->AceCount = 0;
	acl->AclSize = 8;
	CHECK(FindFirstFreeAce(acl, &first) && first == acl + 1);
	LocalFree(everyone);
}

/* A label that is set and not there reads as a list without entries (O-68). */
static void no_label(void)
{
	HANDLE e = CreateEventA(NULL, TRUE, FALSE, "no label");
	SECURITY_DESCRIPTOR d;
	char room[200];
	DWORD n;
	BOOL present = FALSE, defaulted;
	PACL acl = NULL;
	CHECK(GetKernelObjectSecurity(e, LABEL_SECURITY_INFORMATION, room, sizeof room, &n));
	CHECK(GetSecurityDescriptorSacl(room, &present, &acl, &defaulted) && !present);
	CHECK(InitializeSecurityDescriptor(&d, SECURITY_DESCRIPTOR_REVISION));
	CHECK(SetKernelObjectSecurity(e, LABEL_SECURITY_INFORMATION, &d));
	CHECK(GetKernelObjectSecurity(e, LABEL_SECURITY_INFORMATION, room, sizeof room, &n));
	CHECK(GetSecurityDescriptorSacl(room, &present, &acl, &defaulted));
	CHECK(present && acl != NULL);
	if (acl)
		SAME(acl->AceCount, 0);
	CHECK(CloseHandle(e));
}

/* Other computers cannot be asked; this one has four names. */
static void systems(void)
{
	static const char *here[] = {NULL, "", ".", "localhost", "refmon", "\\\\REFMON"};
	LUID shutdown;
	char name[64], s[68];
	SID_NAME_USE use;
	PSID users = sid("BU");
	for (int i = 0; i < 6; i++)
		CHECK(LookupPrivilegeValueA(here[i], SE_SHUTDOWN_NAME, &shutdown));
	for (int i = 0; i < 2; i++) {
		const char *other = i ? "elsewhere" : "\\\\REFMON2";
		DWORD n = sizeof name, m = sizeof s;
		FAILS(LookupPrivilegeValueA(other, SE_SHUTDOWN_NAME, &shutdown), RPC_S_SERVER_UNAVAILABLE);
		FAILS(LookupPrivilegeNameA(other, &shutdown, name, &n), RPC_S_SERVER_UNAVAILABLE);
		FAILS(LookupAccountSidA(other, users, name, &n, s, &m, &use), RPC_S_SERVER_UNAVAILABLE);
		n = m = 0;
		FAILS(LookupAccountNameA(other, NULL, NULL, &n, NULL, &m, &use), RPC_S_SERVER_UNAVAILABLE);
		SAME(n, 0);
		SAME(m, 0);
		FAILS(LookupPrivilegeValueW(u"elsewhere", u"SeShutdownPrivilege", &shutdown), RPC_S_SERVER_UNAVAILABLE);
	}
	LocalFree(users);
}

/* Accounts of services, and buffers that are NULL. */
static void accounts(void)
{
	static const char *names[] = {"NT AUTHORITY\\LocalService", "LocalService",
		"nt authority\\networkservice", "NetworkService"};
	char s[68], domain[40], name[40];
	SID_NAME_USE use;
	for (int i = 0; i < 4; i++) {
		DWORD n = sizeof s, m = sizeof domain;
		PSID want = sid(i < 2 ? "S-1-5-19" : "S-1-5-20");
		CHECK(LookupAccountNameA(NULL, names[i], s, &n, domain, &m, &use) && EqualSid(s, want));
		CHECK(!strcmp(domain, "NT AUTHORITY"));
		LocalFree(want);
	}
	DWORD n = sizeof s, m = sizeof domain;
	CHECK(LookupAccountNameA(NULL, NULL, s, &n, domain, &m, &use));
	SAME(use, SidTypeDomain);
	CHECK(!strcmp(domain, "REFMON"));
	n = sizeof name, m = sizeof domain;
	CHECK(LookupAccountSidA(NULL, s, name, &n, domain, &m, &use));
	CHECK(!strcmp(name, "REFMON") && !strcmp(domain, "REFMON")); /* a domain is an account of its name */
	/* too small, by either buffer, which may be NULL */
	n = 1, m = sizeof domain;
	FAILS(LookupAccountNameA(NULL, "Users", NULL, &n, domain, &m, &use), ERROR_INSUFFICIENT_BUFFER);
	SAME(n, 16);
	SAME(m, sizeof "BUILTIN");
	n = sizeof s, m = 1;
	FAILS(LookupAccountNameA(NULL, "Users", s, &n, NULL, &m, &use), ERROR_INSUFFICIENT_BUFFER);
	SAME(n, 16);
	SAME(m, sizeof "BUILTIN");
	n = 1, m = 1;
	FAILS(LookupAccountNameA(NULL, "Users", NULL, &n, NULL, &m, &use), ERROR_INSUFFICIENT_BUFFER);
	/* nothing is written where nothing is asked for */
	PSID users = sid("BU");
	n = 100, m = sizeof domain;
	CHECK(LookupAccountSidA(NULL, users, NULL, &n, domain, &m, &use) && !strcmp(domain, "BUILTIN"));
	n = sizeof name, m = 100;
	CHECK(LookupAccountSidA(NULL, users, name, &n, NULL, &m, &use) && !strcmp(name, "Users"));
	n = 1, m = 100;
	FAILS(LookupAccountSidA(NULL, users, NULL, &n, NULL, &m, &use), ERROR_INSUFFICIENT_BUFFER);
	LocalFree(users);
}

/* Trustees: what is looked at for a SID, and what a failure leaves. */
static void trustees(void)
{
	EXPLICIT_ACCESSA e = {1, GRANT_ACCESS, NO_INHERITANCE,
		{NULL, NO_MULTIPLE_TRUSTEE, TRUSTEE_IS_SID, TRUSTEE_IS_UNKNOWN, NULL}};
	PSID everyone = sid("WD");
	PACL acl = NULL;
	OBJECTS_AND_SID os = {0, {0}, {0}, everyone};
	OBJECTS_AND_NAME_A on = {0};
	TRUSTEE_A t;
	e.Trustee.ptstrName = everyone;
	e.Trustee.pMultipleTrustee = UNMAPPED;
	e.Trustee.MultipleTrusteeOperation = 77;
	SAME(SetEntriesInAclA(1, &e, NULL, &acl), ERROR_SUCCESS);
	CHECK(acl != NULL);
	LocalFree(acl);
	e.Trustee.pMultipleTrustee = NULL;
	e.Trustee.MultipleTrusteeOperation = 0;
	e.Trustee.TrusteeForm = 77;
	acl = (PACL)0xdeadbeef;
	SAME(SetEntriesInAclA(1, &e, NULL, &acl), ERROR_INVALID_PARAMETER);
	CHECK(acl == NULL);
	e.Trustee.TrusteeForm = TRUSTEE_IS_NAME;
	e.Trustee.ptstrName = "nonsense";
	acl = (PACL)0xdeadbeef;
	SAME(SetEntriesInAclA(1, &e, NULL, &acl), ERROR_NONE_MAPPED);
	CHECK(acl == NULL);
	BuildTrusteeWithObjectsAndSidA(&t, &os, NULL, NULL, everyone);
	CHECK((void *)GetTrusteeNameA(&t) == &os);
	BuildTrusteeWithObjectsAndNameA(&t, &on, SE_KERNEL_OBJECT, NULL, NULL, "name");
	CHECK((void *)GetTrusteeNameA(&t) == &on);
	LocalFree(everyone);
}

/* AddAce takes a revision that is too high, and the list is of no use then (S-107). */
static void revisions(void)
{
	DWORD room[32], entry[5] = {0};
	PACL acl = (PACL)room;
	PSID everyone = sid("WD");
	CHECK(InitializeAcl(acl, sizeof room, ACL_REVISION));
	CHECK(AddAccessAllowedAce(acl, ACL_REVISION, 1, everyone));
	memcpy(entry, acl + 1, sizeof entry);
	CHECK(InitializeAcl(acl, sizeof room, ACL_REVISION));
	CHECK(AddAce(acl, ACL_REVISION1, 0, entry, sizeof entry));
	SAME(acl->AclRevision, ACL_REVISION);
	CHECK(AddAce(acl, ACL_REVISION4, 0, entry, sizeof entry));
	SAME(acl->AclRevision, ACL_REVISION4);
	CHECK(AddAce(acl, 6, 0, entry, sizeof entry));
	SAME(acl->AclRevision, 6);
	SAME(acl->AceCount, 3);
	FAILS(AddAce(acl, ACL_REVISION4, 0, entry, sizeof entry), ERROR_INVALID_PARAMETER);
	LocalFree(everyone);
}

/* Lengths and pointers of services. */
static void services(void)
{
	HANDLE e = CreateEventA(NULL, TRUE, FALSE, "validated"), h = NULL;
	char room[400];
	ULONG n = 0;
	CLIENT_ID id = {(HANDLE)77, NULL};
	STATUS(NtQueryObject(e, ObjectNameInformation, room, sizeof(UNICODE_STRING), &n), STATUS_INFO_LENGTH_MISMATCH);
	STATUS(NtQueryObject(e, ObjectNameInformation, room, sizeof(UNICODE_STRING) - 1, &n), STATUS_INFO_LENGTH_MISMATCH);
	STATUS(NtQueryObject(e, ObjectNameInformation, room, sizeof room, &n), STATUS_SUCCESS);
	STATUS(NtQueryObject(e, ObjectNameInformation, room, n - 1, &n), STATUS_INFO_LENGTH_MISMATCH);
	STATUS(NtOpenProcess(&h, PROCESS_QUERY_INFORMATION, NULL, &id), STATUS_ACCESS_VIOLATION);
	STATUS(NtOpenProcess(&h, PROCESS_QUERY_INFORMATION, NULL, NULL), STATUS_ACCESS_VIOLATION);
	CHECK(CloseHandle(e));
	PSECURITY_DESCRIPTOR d = sddl("O:BAG:SYD:(A;;0x1;;;WD)");
	DWORD size = sizeof room;
	FAILS(MakeSelfRelativeSD(d, (PSECURITY_DESCRIPTOR)room, &size), ERROR_BAD_DESCRIPTOR_FORMAT);
}

/* Copies of counted text, and handles of one object. */
static void copies(void)
{
	WCHAR text[] = u"name";
	UNICODE_STRING in = {8, 8, text}, out = {1, 1, NULL}, none = {0, 0, NULL};
	HANDLE e = CreateEventA(NULL, TRUE, FALSE, NULL), same, other = CreateEventA(NULL, TRUE, FALSE, NULL);
	STATUS(RtlDuplicateUnicodeString(0, &in, &out), STATUS_SUCCESS);
	CHECK(out.Length == 8 && out.MaximumLength == 8 && out.Buffer != text && !memcmp(out.Buffer, text, 8));
	RtlFreeUnicodeString(&out);
	STATUS(RtlDuplicateUnicodeString(1, &in, &out), STATUS_SUCCESS);
	CHECK(out.Length == 8 && out.MaximumLength == 10 && out.Buffer[4] == 0);
	RtlFreeUnicodeString(&out);
	STATUS(RtlDuplicateUnicodeString(1, &none, &out), STATUS_SUCCESS);
	CHECK(out.Length == 0 && out.MaximumLength == 0 && out.Buffer == NULL);
	STATUS(RtlDuplicateUnicodeString(3, NULL, &out), STATUS_SUCCESS);
	CHECK(out.Length == 0 && out.MaximumLength == 2 && out.Buffer[0] == 0);
	RtlFreeUnicodeString(&out);
	STATUS(RtlDuplicateUnicodeString(2, &in, &out), STATUS_INVALID_PARAMETER);
	STATUS(RtlDuplicateUnicodeString(4, &in, &out), STATUS_INVALID_PARAMETER);
	STATUS(RtlDuplicateUnicodeString(0, &in, NULL), STATUS_INVALID_PARAMETER);
	in.Length = 7;
	STATUS(RtlDuplicateUnicodeString(0, &in, &out), STATUS_INVALID_PARAMETER);
	in.Length = in.MaximumLength = 0xFFFE;
	STATUS(RtlDuplicateUnicodeString(1, &in, &out), STATUS_NAME_TOO_LONG);
	CHECK(DuplicateHandle(GetCurrentProcess(), e, GetCurrentProcess(), &same, 0, FALSE, DUPLICATE_SAME_ACCESS));
	CHECK(CompareObjectHandles(e, same));
	FAILS(CompareObjectHandles(e, other), ERROR_NOT_SAME_OBJECT);
	FAILS(CompareObjectHandles(e, (HANDLE)0xdeadbeec), ERROR_INVALID_HANDLE);
	CHECK(CloseHandle(e) && CloseHandle(same) && CloseHandle(other));
}

void test_validated(void)
{
	domains();
	free_bytes();
	no_label();
	systems();
	accounts();
	trustees();
	revisions();
	services();
	copies();
}
