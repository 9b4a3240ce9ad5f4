/* Privileges, packages and capabilities, ids by handle, security by name, common names of functions. */
#include "check.h"

static ULONG held(HANDLE t, ULONG privilege)
{
	char room[1024];
	PTOKEN_PRIVILEGES p = (void *)room;
	ULONG n, found = 0;
	STATUS(NtQueryInformationToken(t, TokenPrivileges, room, sizeof room, &n), STATUS_SUCCESS);
	for (ULONG i = 0; i < p->PrivilegeCount; i++)
		found += !privilege || p->Privileges[i].Luid.LowPart == privilege;
	return found;
}

static void privileges(void)
{
	HANDLE own = process_token(TOKEN_ALL_ACCESS), t, weak;
	ULONG keep[] = {SE_CHANGE_NOTIFY_PRIVILEGE, SE_SHUTDOWN_PRIVILEGE, 999};
	CHECK(DuplicateTokenEx(own, TOKEN_ALL_ACCESS, NULL, SecurityImpersonation, TokenImpersonation, &t));
	CHECK(held(t, 0) > 2);
	CHECK(DuplicateHandle(GetCurrentProcess(), t, GetCurrentProcess(), &weak, TOKEN_QUERY, FALSE, 0));
	STATUS(RtlRemovePrivileges(weak, keep, 3), STATUS_ACCESS_DENIED);
	CHECK(CloseHandle(weak));
	CHECK(DuplicateHandle(GetCurrentProcess(), t, GetCurrentProcess(), &weak, TOKEN_ADJUST_PRIVILEGES, FALSE, 0));
	STATUS(RtlRemovePrivileges(weak, keep, 3), STATUS_ACCESS_DENIED);
	CHECK(CloseHandle(weak));
	STATUS(RtlRemovePrivileges(NULL, keep, 3), STATUS_INVALID_HANDLE);
	STATUS(RtlRemovePrivileges(t, keep, 3), STATUS_SUCCESS);
	SAME(held(t, 0), 2);
	SAME(held(t, SE_CHANGE_NOTIFY_PRIVILEGE), 1);
	SAME(held(t, SE_SHUTDOWN_PRIVILEGE), 1);
	SAME(held(t, SE_DEBUG_PRIVILEGE), 0);
	STATUS(RtlRemovePrivileges(t, NULL, 0), STATUS_SUCCESS);
	SAME(held(t, 0), 0);
	CHECK(CloseHandle(t));
	CHECK(CloseHandle(own));
}

/* A package's token and its capabilities. The SID is the published one of that name. */
static void containers(void)
{
	static const char edge[] = "S-1-15-2-3624051433-2125758914-1423191267-1740899205-1073925389-3782572162-737981194";
	PSID package = NULL, want, internet, users, other;
	HANDLE own = process_token(TOKEN_ALL_ACCESS), t, imp;
	BOOL is = 9;
	CHECK(ConvertStringSidToSid(edge, &want));
	CHECK(ConvertStringSidToSid("S-1-15-3-1", &internet));
	CHECK(ConvertStringSidToSid("S-1-15-3-2", &other));
	CHECK(ConvertStringSidToSid("BU", &users));
	SAME(DeriveAppContainerSidFromAppContainerName(u"Microsoft.MicrosoftEdge_8wekyb3d8bbwe", &package), S_OK);
	CHECK(EqualSid(package, want));
	FreeSid(package);
	/* in any case */
	SAME(DeriveAppContainerSidFromAppContainerName(u"microsoft.microsoftedge_8WEKYB3D8BBWE", &package), S_OK);
	CHECK(EqualSid(package, want));
	SAME((ULONG)DeriveAppContainerSidFromAppContainerName(NULL, &want), (ULONG)E_INVALIDARG);
	SAME((ULONG)DeriveAppContainerSidFromAppContainerName(u"", &want), (ULONG)E_INVALIDARG);
	PCWSTR longest = u"12345678901234567890123456789012345678901234567890123456789012345";
	SAME((ULONG)DeriveAppContainerSidFromAppContainerName(longest, &want), (ULONG)E_INVALIDARG);
	SID_AND_ATTRIBUTES capability = {internet, SE_GROUP_ENABLED};
	OBJECT_ATTRIBUTES oa;
	InitializeObjectAttributes(&oa, NULL, 0, NULL, NULL);
	STATUS(NtCreateLowBoxToken(&t, own, TOKEN_ALL_ACCESS, &oa, package, 1, &capability, 1, UNMAPPED),
		STATUS_ACCESS_VIOLATION);
	STATUS(NtCreateLowBoxToken(&t, own, TOKEN_ALL_ACCESS, &oa, package, 1, UNMAPPED, 0, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(NtCreateLowBoxToken(&t, own, TOKEN_ALL_ACCESS, &oa, package, 1, &capability, 0, NULL), STATUS_SUCCESS);
	CHECK(CheckTokenCapability(t, internet, &is));
	SAME(is, TRUE);
	CHECK(CheckTokenCapability(t, other, &is));
	SAME(is, FALSE);
	is = 9;
	CHECK(CheckTokenCapability(NULL, internet, &is)); /* the effective token, of no package */
	SAME(is, FALSE);
	FAILS(CheckTokenCapability(t, "\2\1\0\0\0\0\0\0", &is), ERROR_INVALID_SID);
	is = TRUE;
	FAILS(CheckTokenCapability((HANDLE)0xdeadbeec, internet, &is), ERROR_INVALID_HANDLE);
	SAME(is, FALSE); /* a failure says no */
	is = TRUE;
	FAILS(CheckTokenMembershipEx((HANDLE)0xdeadbeec, internet, 0, &is), ERROR_INVALID_HANDLE);
	SAME(is, FALSE);
	CHECK(DuplicateTokenEx(t, TOKEN_ALL_ACCESS, NULL, SecurityImpersonation, TokenImpersonation, &imp));
	CHECK(CheckTokenMembershipEx(imp, users, 0, &is));
	SAME(is, FALSE); /* documented: an AppContainer passes only with the flag */
	CHECK(CheckTokenMembershipEx(imp, users, CTMF_INCLUDE_APPCONTAINER, &is));
	SAME(is, TRUE);
	CHECK(CheckTokenMembershipEx(imp, other, CTMF_INCLUDE_APPCONTAINER, &is));
	SAME(is, FALSE);
	FAILS(CheckTokenMembershipEx(imp, users, 4, &is), ERROR_INVALID_PARAMETER);
	FAILS(CheckTokenMembershipEx(t, users, CTMF_INCLUDE_APPCONTAINER, &is), ERROR_NO_IMPERSONATION_TOKEN);
	CHECK(CheckTokenMembershipEx(NULL, users, 0, &is));
	SAME(is, TRUE);
	CHECK(CloseHandle(imp) && CloseHandle(t) && CloseHandle(own));
	FreeSid(package);
	LocalFree(want);
	LocalFree(internet);
	LocalFree(other);
	LocalFree(users);
}

static void ids(void)
{
	HANDLE h;
	SAME(GetProcessId(GetCurrentProcess()), GetCurrentProcessId());
	SAME(GetThreadId(GetCurrentThread()), GetCurrentThreadId());
	SAME(GetProcessIdOfThread(GetCurrentThread()), GetCurrentProcessId());
	FAILS(GetProcessId(NULL), ERROR_INVALID_HANDLE);
	FAILS(GetThreadId(GetCurrentProcess()), ERROR_INVALID_HANDLE);
	CHECK(DuplicateHandle(GetCurrentProcess(), GetCurrentProcess(), GetCurrentProcess(), &h, SYNCHRONIZE, FALSE, 0));
	FAILS(GetProcessId(h), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(h));
	/* pseudo handles of tokens: for queries, and not to make processes with */
	DWORD type = 0, n;
	CHECK(GetTokenInformation(GetCurrentProcessToken(), TokenType, &type, sizeof type, &n));
	SAME(type, TokenPrimary);
	CHECK(GetTokenInformation(GetCurrentThreadEffectiveToken(), TokenType, &type, sizeof type, &n));
	FAILS(GetTokenInformation(GetCurrentThreadToken(), TokenType, &type, sizeof type, &n), ERROR_NO_TOKEN);
	PROCESS_INFORMATION p;
	FAILS(CreateProcessAsUser(GetCurrentProcessToken(), "a", NULL, NULL, NULL, FALSE, 0, NULL, NULL, NULL, &p),
		ERROR_INVALID_HANDLE);
}

static void pipe_by_name(SECURITY_ATTRIBUTES *sa)
{
	PSID owner;
	PSECURITY_DESCRIPTOR d;
	/* a pipe */
	HANDLE pipe = CreateNamedPipe("\\\\.\\pipe\\capi-by-name", PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 2, 0, 0, 0, sa);
	CHECK(pipe != INVALID_HANDLE_VALUE);
	SAME(GetNamedSecurityInfo("\\\\.\\pipe\\capi-by-name", SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL, NULL,
		NULL, &d), ERROR_SUCCESS);
	CHECK(IsWellKnownSid(owner, WinBuiltinAdministratorsSid));
	LocalFree(d);
	/* it took the instance */
	SAME(GetNamedSecurityInfo("\\\\.\\pipe\\capi-by-name", SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL, NULL,
		NULL, &d), ERROR_PIPE_BUSY);
	CHECK(DisconnectNamedPipe(pipe));
	CHECK(CloseHandle(pipe));
	SAME(GetNamedSecurityInfo("\\\\.\\pipe\\capi-by-name", SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL, NULL,
		NULL, &d), ERROR_FILE_NOT_FOUND);
	SAME(GetNamedSecurityInfo("C:\\file", SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL, NULL, NULL, &d),
		ERROR_NOT_SUPPORTED);
}

static void name_refusals(LPTSTR name)
{
	PSECURITY_DESCRIPTOR d;
	SAME(GetNamedSecurityInfo("capi-no-such", SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL, &d),
		ERROR_FILE_NOT_FOUND);
	SAME(GetNamedSecurityInfo(NULL, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL, &d),
		ERROR_INVALID_PARAMETER);
	SAME(GetNamedSecurityInfo("", SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL, &d),
		ERROR_INVALID_PARAMETER);
	SAME(GetNamedSecurityInfo(name, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL, NULL),
		ERROR_INVALID_PARAMETER);
	SAME(GetNamedSecurityInfo(name, SE_SERVICE, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL, &d),
		ERROR_NOT_SUPPORTED);
	SAME(GetNamedSecurityInfo(name, SE_UNKNOWN_OBJECT_TYPE, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL, &d),
		ERROR_INVALID_PARAMETER);
	SAME(SetNamedSecurityInfo(NULL, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL),
		ERROR_INVALID_PARAMETER);
}

static void by_name(void)
{
	SECURITY_ATTRIBUTES sa = {sizeof sa, sddl("O:BAG:BAD:(A;;0x1F0003;;;BA)(A;;0x20000;;;WD)"), FALSE};
	HANDLE e = CreateEvent(&sa, TRUE, FALSE, "capi-by-name"), j = CreateJobObject(NULL, "capi-job-by-name");
	PSECURITY_DESCRIPTOR d = NULL;
	PSID owner = NULL, everyone;
	PACL dacl = NULL, denied;
	CHECK(e && j);
	CHECK(ConvertStringSidToSid("WD", &everyone));
	SAME(GetNamedSecurityInfo("capi-by-name", SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
		&owner, NULL, &dacl, NULL, &d), ERROR_SUCCESS);
	CHECK(d && IsWellKnownSid(owner, WinBuiltinAdministratorsSid));
	SAME(dacl->AceCount, 2);
	LocalFree(d);
	SAME(GetNamedSecurityInfoW(u"Local\\capi-by-name", SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL,
		&d), ERROR_SUCCESS);
	LocalFree(d);
	SAME(GetNamedSecurityInfo("capi-job-by-name", SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL, NULL, NULL,
		&d), ERROR_SUCCESS);
	LocalFree(d);
	/* a list set by name is the one to be read, and to be obeyed */
	EXPLICIT_ACCESS x = {READ_CONTROL, GRANT_ACCESS, NO_INHERITANCE, {0}};
	BuildTrusteeWithSid(&x.Trustee, everyone);
	SAME(SetEntriesInAcl(1, &x, NULL, &denied), ERROR_SUCCESS);
	char name[] = "capi-by-name";
	SAME(SetNamedSecurityInfo(name, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, denied, NULL), ERROR_SUCCESS);
	SAME(GetNamedSecurityInfo(name, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, &dacl, NULL, &d),
		ERROR_SUCCESS);
	SAME(dacl->AceCount, 1);
	LocalFree(d);
	/* the bits of a list alone take the right to set it */
	SAME(SetNamedSecurityInfo(name, SE_KERNEL_OBJECT, PROTECTED_DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL),
		ERROR_SUCCESS);
	CHECK(OpenEvent(EVENT_MODIFY_STATE, FALSE, name) == NULL);
	SAME(GetLastError(), ERROR_ACCESS_DENIED);
	WCHAR wide[] = u"capi-by-name";
	/* WRITE_OWNER is not granted */
	SAME(SetNamedSecurityInfoW(wide, SE_KERNEL_OBJECT, GROUP_SECURITY_INFORMATION, NULL, everyone, NULL, NULL),
		ERROR_ACCESS_DENIED);
	SAME(GetNamedSecurityInfo(name, SE_KERNEL_OBJECT, SACL_SECURITY_INFORMATION, NULL, NULL, NULL, &dacl, &d),
		ERROR_PRIVILEGE_NOT_HELD);
	name_refusals(name);
	CHECK(CloseHandle(e));
	CHECK(CloseHandle(j));
	pipe_by_name(&sa);
	LocalFree(denied);
	LocalFree(everyone);
}

/* The names without A or W, and the names of privileges. */
static void common_names(void)
{
	static const struct { LPCTSTR name; ULONG value; } table[] = {
		{SE_CREATE_TOKEN_NAME, 2}, {SE_ASSIGNPRIMARYTOKEN_NAME, 3}, {SE_LOCK_MEMORY_NAME, 4}, {SE_INCREASE_QUOTA_NAME, 5},
		{SE_MACHINE_ACCOUNT_NAME, 6}, {SE_TCB_NAME, 7},
		{SE_SECURITY_NAME, 8}, {SE_TAKE_OWNERSHIP_NAME, 9}, {SE_LOAD_DRIVER_NAME, 10}, {SE_SYSTEM_PROFILE_NAME, 11},
		{SE_SYSTEMTIME_NAME, 12}, {SE_PROF_SINGLE_PROCESS_NAME, 13},
		{SE_INC_BASE_PRIORITY_NAME, 14}, {SE_CREATE_PAGEFILE_NAME, 15}, {SE_CREATE_PERMANENT_NAME, 16}, {SE_BACKUP_NAME, 17},
		{SE_RESTORE_NAME, 18}, {SE_SHUTDOWN_NAME, 19},
		{SE_DEBUG_NAME, 20}, {SE_AUDIT_NAME, 21}, {SE_SYSTEM_ENVIRONMENT_NAME, 22}, {SE_CHANGE_NOTIFY_NAME, 23},
		{SE_REMOTE_SHUTDOWN_NAME, 24}, {SE_UNDOCK_NAME, 25},
		{SE_SYNC_AGENT_NAME, 26}, {SE_ENABLE_DELEGATION_NAME, 27}, {SE_MANAGE_VOLUME_NAME, 28}, {SE_IMPERSONATE_NAME, 29},
		{SE_CREATE_GLOBAL_NAME, 30},
		{SE_TRUSTED_CREDMAN_ACCESS_NAME, 31}, {SE_RELABEL_NAME, 32}, {SE_INC_WORKING_SET_NAME, 33}, {SE_TIME_ZONE_NAME, 34},
		{SE_CREATE_SYMBOLIC_LINK_NAME, 35},
		{SE_DELEGATE_SESSION_USER_IMPERSONATE_NAME, 36},
	};
	for (unsigned i = 0; i < ARRAYSIZE(table); i++) {
		LUID luid = {0, 9};
		TCHAR name[64];
		DWORD n = ARRAYSIZE(name);
		CHECK(LookupPrivilegeValue(NULL, table[i].name, &luid));
		SAME(luid.LowPart, table[i].value);
		SAME(luid.HighPart, 0);
		CHECK(LookupPrivilegeName(NULL, &luid, name, &n));
		CHECK(strcmp(name, table[i].name) == 0);
	}
}

void test_identities(void)
{
	privileges();
	containers();
	ids();
	by_name();
	common_names();
}
