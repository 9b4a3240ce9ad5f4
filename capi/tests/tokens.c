/* Opening, duplicating, adjusting, filtering tokens. */
#include "check.h"

/* The process is logged on: what a logon gives its tokens (T-130). */
static void logged_on(void)
{
	HANDLE own = process_token(TOKEN_QUERY);
	SID_NAME_USE use;
	char name[40], domain[40];
	DWORD n = sizeof name, m = sizeof domain, size;
	TOKEN_PRIMARY_GROUP *group = query(own, TokenPrimaryGroup);
	SAME(*GetSidSubAuthority(group->PrimaryGroup, *GetSidSubAuthorityCount(group->PrimaryGroup) - 1), 513);
	CHECK(LookupAccountSidA(NULL, group->PrimaryGroup, name, &n, domain, &m, &use));
	CHECK(!strcmp(name, "None"));
	TOKEN_GROUPS *logon = query(own, TokenLogonSid);
	SAME(logon->GroupCount, 1);
	SAME(logon->Groups[0].Attributes,
	     SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED | SE_GROUP_LOGON_ID);
	SAME(*GetSidSubAuthority(logon->Groups[0].Sid, 0), 5);
	TOKEN_DEFAULT_DACL *list = query(own, TokenDefaultDacl);
	CHECK(list->DefaultDacl != NULL);
	SAME(list->DefaultDacl->AceCount, 3);
	TOKEN_OWNER *owner = query(own, TokenOwner);
	TOKEN_GROUPS *groups = query(own, TokenGroups);
	int stands = 0;
	for (DWORD i = 0; i < groups->GroupCount; i++)
		stands += EqualSid(groups->Groups[i].Sid, owner->Owner);
	SAME(stands, 1);
	/* the administrator's other token */
	TOKEN_LINKED_TOKEN linked;
	DWORD type;
	CHECK(GetTokenInformation(own, TokenLinkedToken, &linked, sizeof linked, &size));
	CHECK(GetTokenInformation(linked.LinkedToken, TokenElevationType, &type, sizeof type, &size));
	SAME(type, TokenElevationTypeLimited);
	CHECK(CloseHandle(linked.LinkedToken));
	CHECK(CloseHandle(own));
	free(group);
	free(logon);
	free(list);
	free(owner);
	free(groups);
}

static void opening(void)
{
	HANDLE h = (HANDLE)0x55, imp;
	STATUS(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &h), STATUS_NO_TOKEN);
	SAME((uintptr_t)h, 0); /* O-5, Observed */
	FAILS(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &h), ERROR_NO_TOKEN);
	STATUS(NtOpenProcessToken(NULL, TOKEN_QUERY, &h), STATUS_INVALID_HANDLE);
	STATUS(NtOpenProcessToken(NtCurrentThread(), TOKEN_QUERY, &h), STATUS_OBJECT_TYPE_MISMATCH);
	STATUS(NtOpenThreadToken(NtCurrentProcess(), TOKEN_QUERY, TRUE, &h), STATUS_OBJECT_TYPE_MISMATCH);
	STATUS(ZwOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY, &h), STATUS_SUCCESS); /* O-2 */
	STATUS(ZwClose(h), STATUS_SUCCESS);
	STATUS(ZwClose(h), STATUS_INVALID_HANDLE);
	imp = client(SecurityImpersonation);
	CHECK(SetThreadToken(NULL, imp));
	STATUS(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &h), STATUS_SUCCESS);
	STATUS(NtClose(h), STATUS_SUCCESS);
	STATUS(NtOpenThreadTokenEx(NtCurrentThread(), TOKEN_QUERY, TRUE, OBJ_INHERIT, &h), STATUS_SUCCESS);
	DWORD flags;
	CHECK(GetHandleInformation(h, &flags));
	SAME(flags, HANDLE_FLAG_INHERIT);
	CHECK(CloseHandle(h));
	CHECK(CloseHandle(imp));
	imp = client(SecurityAnonymous);
	CHECK(SetThreadToken(NULL, imp));
	STATUS(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &h), STATUS_CANT_OPEN_ANONYMOUS); /* I-24 */
	CHECK(CloseHandle(imp));
	imp = NULL;
	CHECK(RevertToSelf());
	CHECK(ImpersonateSelf(SecurityIdentification));
	STATUS(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, FALSE, &h), STATUS_BAD_IMPERSONATION_LEVEL); /* I-22 */
	STATUS(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &h), STATUS_SUCCESS);
	CHECK(CloseHandle(h));
	CHECK(RevertToSelf());
	CHECK(RevertToSelf());
}

static void duplicating(void)
{
	HANDLE own = process_token(TOKEN_ALL_ACCESS), d, e;
	SECURITY_QUALITY_OF_SERVICE qos = {sizeof qos, SecurityIdentification, 0, 0};
	OBJECT_ATTRIBUTES oa;
	DWORD v, n;
	STATUS(NtDuplicateToken(own, TOKEN_ALL_ACCESS, NULL, FALSE, TokenImpersonation, &d), STATUS_SUCCESS);
	STATUS(NtQueryInformationToken(d, TokenImpersonationLevel, &v, 4, &n), STATUS_SUCCESS);
	SAME(v, SecurityAnonymous); /* T-43, Observed */
	CHECK(CloseHandle(d));
	InitializeObjectAttributes(&oa, NULL, 0, NULL, NULL);
	oa.SecurityQualityOfService = &qos;
	STATUS(NtDuplicateToken(own, TOKEN_ALL_ACCESS, &oa, FALSE, TokenImpersonation, &d), STATUS_SUCCESS);
	STATUS(NtQueryInformationToken(d, TokenImpersonationLevel, &v, 4, &n), STATUS_SUCCESS);
	SAME(v, SecurityIdentification); /* TC-2: the level of the quality of service */
	/* a client that may only be identified makes no primary token (T-42) */
	STATUS(NtDuplicateToken(d, TOKEN_ALL_ACCESS, NULL, FALSE, TokenPrimary, &e), STATUS_BAD_IMPERSONATION_LEVEL);
	qos.ImpersonationLevel = SecurityImpersonation;
	/* no higher level is made from a lower one (T-41) */
	STATUS(NtDuplicateToken(d, TOKEN_ALL_ACCESS, &oa, FALSE, TokenImpersonation, &e), STATUS_BAD_IMPERSONATION_LEVEL);
	STATUS(NtDuplicateToken(NULL, 0, NULL, FALSE, TokenPrimary, &e), STATUS_INVALID_HANDLE);
	STATUS(NtDuplicateToken(NtCurrentProcess(), 0, NULL, FALSE, TokenPrimary, &e), STATUS_OBJECT_TYPE_MISMATCH);
	STATUS(NtDuplicateToken(NtCurrentProcessToken(), 0, NULL, FALSE, TokenPrimary, &e), STATUS_INVALID_HANDLE); /* O-15 */
	HANDLE weak = process_token(TOKEN_QUERY);
	STATUS(NtDuplicateToken(weak, 0, NULL, FALSE, TokenPrimary, &e), STATUS_ACCESS_DENIED);
	BOOLEAN equal = 9;
	STATUS(NtCompareTokens(own, d, &equal), STATUS_SUCCESS);
	SAME(equal, TRUE); /* T-100: type and level do not matter */
	STATUS(NtAdjustPrivilegesToken(d, TRUE, NULL, 0, NULL, NULL), STATUS_SUCCESS);
	STATUS(NtCompareTokens(own, d, &equal), STATUS_SUCCESS);
	SAME(equal, FALSE);
	/* the same rights as the handle's (T-44) */
	STATUS(NtDuplicateToken(own, 0, NULL, FALSE, TokenPrimary, &e), STATUS_SUCCESS);
	OBJECT_BASIC_INFORMATION b;
	STATUS(NtQueryObject(e, ObjectBasicInformation, &b, sizeof b, NULL), STATUS_SUCCESS);
	SAME(b.GrantedAccess, TOKEN_ALL_ACCESS);
	CHECK(CloseHandle(e));
	CHECK(CloseHandle(weak));
	CHECK(CloseHandle(d));
	FAILS(DuplicateToken(own, 7, &d), ERROR_INVALID_PARAMETER);
	CHECK(CloseHandle(own));
}

static void adjusting(void)
{
	HANDLE own = process_token(TOKEN_ALL_ACCESS), t, weak;
	CHECK(DuplicateTokenEx(own, TOKEN_ALL_ACCESS, NULL, 0, TokenPrimary, &t));
	TOKEN_PRIVILEGES one = {1, {{{0, 0}, SE_PRIVILEGE_ENABLED}}}, old;
	DWORD n = 77;
	CHECK(LookupPrivilegeValueA(NULL, "SeSecurityPrivilege", &one.Privileges[0].Luid));
	SAME(one.Privileges[0].Luid.LowPart, SE_SECURITY_PRIVILEGE);
	STATUS(NtAdjustPrivilegesToken(t, FALSE, NULL, 0, NULL, NULL), STATUS_INVALID_PARAMETER); /* T-70 */
	STATUS(NtAdjustPrivilegesToken(NULL, FALSE, &one, 0, NULL, NULL), STATUS_INVALID_HANDLE);
	STATUS(NtAdjustPrivilegesToken(t, FALSE, &one, 16, &old, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(NtAdjustPrivilegesToken(t, FALSE, &one, 15, &old, &n), STATUS_BUFFER_TOO_SMALL); /* TC-41: nothing is changed */
	SAME(n, 16);
	STATUS(NtAdjustPrivilegesToken(t, FALSE, &one, 16, &old, &n), STATUS_SUCCESS);
	SAME(old.PrivilegeCount, 1);
	SAME(old.Privileges[0].Luid.LowPart, SE_SECURITY_PRIVILEGE);
	SAME(old.Privileges[0].Attributes & SE_PRIVILEGE_ENABLED, 0);
	STATUS(NtAdjustPrivilegesToken(t, FALSE, &one, 16, &old, &n), STATUS_SUCCESS);
	SAME(old.PrivilegeCount, 0);
	SAME(n, 4);
	CHECK(DuplicateTokenEx(own, TOKEN_ADJUST_PRIVILEGES, NULL, 0, TokenPrimary, &weak));
	STATUS(NtAdjustPrivilegesToken(weak, FALSE, &one, 16, &old, &n), STATUS_ACCESS_DENIED); /* TOKEN_QUERY too */
	STATUS(NtAdjustPrivilegesToken(weak, FALSE, &one, 16, NULL, NULL), STATUS_SUCCESS);
	CHECK(CloseHandle(weak));
	one.Privileges[0].Luid.LowPart = SE_CREATE_TOKEN_PRIVILEGE;
	old.PrivilegeCount = 9;
	STATUS(NtAdjustPrivilegesToken(t, FALSE, &one, 16, &old, &n), STATUS_NOT_ALL_ASSIGNED); /* T-71 */
	SAME(old.PrivilegeCount, 0);
	SetLastError(1);
	CHECK(AdjustTokenPrivileges(t, FALSE, &one, 0, NULL, NULL));
	SAME(GetLastError(), ERROR_NOT_ALL_ASSIGNED);
	one.Privileges[0].Luid.LowPart = SE_SECURITY_PRIVILEGE;
	CHECK(AdjustTokenPrivileges(t, FALSE, &one, 0, NULL, NULL));
	SAME(GetLastError(), ERROR_SUCCESS);
	one.Privileges[0].Attributes = SE_PRIVILEGE_REMOVED;
	CHECK(AdjustTokenPrivileges(t, FALSE, &one, 0, NULL, NULL));
	one.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
	CHECK(AdjustTokenPrivileges(t, FALSE, &one, 0, NULL, NULL));
	SAME(GetLastError(), ERROR_NOT_ALL_ASSIGNED); /* for ever */
	BOOLEAN was = 9;
	STATUS(RtlAdjustPrivilege(SE_BACKUP_PRIVILEGE, TRUE, FALSE, &was), STATUS_SUCCESS);
	SAME(was, FALSE);
	STATUS(RtlAdjustPrivilege(SE_BACKUP_PRIVILEGE, FALSE, FALSE, &was), STATUS_SUCCESS);
	SAME(was, TRUE);
	STATUS(RtlAdjustPrivilege(SE_TCB_PRIVILEGE, TRUE, FALSE, &was), STATUS_PRIVILEGE_NOT_HELD);
	STATUS(RtlAdjustPrivilege(SE_BACKUP_PRIVILEGE, TRUE, TRUE, &was), STATUS_NO_TOKEN);
	STATUS(NtAdjustGroupsToken(NULL, TRUE, NULL, 0, NULL, NULL), STATUS_INVALID_HANDLE); /* T-74 */
	STATUS(NtAdjustGroupsToken(t, FALSE, NULL, 0, NULL, NULL), STATUS_INVALID_PARAMETER);
	STATUS(NtAdjustGroupsToken(t, TRUE, NULL, 0, NULL, NULL), STATUS_SUCCESS);
	PSID everyone;
	CHECK(ConvertStringSidToSidA("S-1-1-0", &everyone));
	TOKEN_GROUPS g = {1, {{everyone, 0}}};
	STATUS(NtAdjustGroupsToken(t, FALSE, &g, 0, NULL, NULL), STATUS_CANT_DISABLE_MANDATORY); /* T-75 */
	FAILS(AdjustTokenGroups(t, FALSE, &g, 0, NULL, NULL), 1310);
	CHECK(CloseHandle(t));
	CHECK(CloseHandle(own));
}

static void filtering(void)
{
	HANDLE own = process_token(TOKEN_ALL_ACCESS), f, g;
	PSID admins, everyone;
	CHECK(ConvertStringSidToSidA("BA", &admins));
	CHECK(ConvertStringSidToSidA("WD", &everyone));
	SID_AND_ATTRIBUTES off = {admins, 0}, only = {everyone, 0};
	CHECK(CreateRestrictedToken(own, DISABLE_MAX_PRIVILEGE, 1, &off, 0, NULL, 1, &only, &f));
	CHECK(IsTokenRestricted(f));
	SetLastError(5);
	CHECK(!IsTokenRestricted(own));
	SAME(GetLastError(), ERROR_SUCCESS);
	TOKEN_PRIVILEGES *p = query(f, TokenPrivileges);
	SAME(p->PrivilegeCount, 1); /* T-62 */
	SAME(p->Privileges[0].Luid.LowPart, SE_CHANGE_NOTIFY_PRIVILEGE);
	TOKEN_GROUPS *r = query(f, TokenRestrictedSids), *all = query(f, TokenGroups);
	SAME(r->GroupCount, 1);
	CHECK(EqualSid(r->Groups[0].Sid, everyone));
	SAME(r->Groups[0].Attributes, SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED); /* T-63 */
	int found = 0;
	for (DWORD i = 0; i < all->GroupCount; i++)
		if (EqualSid(all->Groups[i].Sid, admins)) {
			found++;
			CHECK(all->Groups[i].Attributes & SE_GROUP_USE_FOR_DENY_ONLY);
			CHECK(!(all->Groups[i].Attributes & SE_GROUP_ENABLED)); /* T-61 */
		}
	SAME(found, 1);
	STATUS(NtFilterToken(own, 0, NULL, NULL, NULL, &g), STATUS_SUCCESS); /* T-60 */
	CHECK(CloseHandle(g));
	STATUS(NtFilterToken(own, 16, NULL, NULL, NULL, &g), STATUS_INVALID_PARAMETER);
	STATUS(NtFilterToken(NULL, 0, NULL, NULL, NULL, &g), STATUS_INVALID_HANDLE);
	only.Attributes = SE_GROUP_ENABLED;
	FAILS(CreateRestrictedToken(own, 0, 0, NULL, 0, NULL, 1, &only, &g), ERROR_INVALID_PARAMETER); /* T-63 */
	BOOL member = 9;
	HANDLE limited;
	CHECK(CheckTokenMembership(NULL, admins, &member));
	SAME(member, TRUE);
	FAILS(CheckTokenMembership(NULL, NULL, &member), ERROR_INVALID_SID);
	FAILS(CheckTokenMembership(NULL, UNMAPPED, &member), ERROR_NOACCESS);
	CHECK(DuplicateToken(f, SecurityIdentification, &limited));
	CHECK(CheckTokenMembership(limited, admins, &member));
	SAME(member, FALSE);
	CHECK(CheckTokenMembership(limited, everyone, &member));
	BOOL is = TRUE;
	CHECK(!CheckTokenMembership((HANDLE)0x7ffffff0, everyone, &is));
	SAME(is, FALSE); /* a failure says no */
	SAME(member, TRUE);
	free(p);
	free(r);
	free(all);
	CHECK(CloseHandle(limited));
	CHECK(CloseHandle(f));
	CHECK(CloseHandle(own));
}

static void setting(void)
{
	HANDLE own = process_token(TOKEN_ALL_ACCESS), t;
	CHECK(DuplicateTokenEx(own, TOKEN_ALL_ACCESS, NULL, 0, TokenPrimary, &t));
	STATUS(NtSetInformationToken(NULL, TokenOwner, NULL, 0), STATUS_INVALID_HANDLE); /* T-90 */
	STATUS(NtSetInformationToken(t, 0xA0A, NULL, 0), STATUS_INVALID_INFO_CLASS);
	STATUS(NtSetInformationToken(t, TokenType, &own, 4), STATUS_INVALID_INFO_CLASS);
	DWORD one = 1;
	STATUS(NtSetInformationToken(t, TokenSessionId, &one, 2), STATUS_INFO_LENGTH_MISMATCH);
	STATUS(NtSetInformationToken(t, TokenSessionId, &one, 4), STATUS_PRIVILEGE_NOT_HELD);
	PSID users;
	CHECK(ConvertStringSidToSidA("BU", &users));
	TOKEN_OWNER owner = {users};
	STATUS(NtSetInformationToken(t, TokenOwner, &owner, sizeof owner), STATUS_INVALID_OWNER);
	FAILS(SetTokenInformation(t, TokenOwner, &owner, sizeof owner), ERROR_INVALID_OWNER);
	PSID low;
	CHECK(ConvertStringSidToSidA("S-1-16-4096", &low));
	TOKEN_MANDATORY_LABEL label = {{low, SE_GROUP_INTEGRITY}};
	STATUS(NtSetInformationToken(t, TokenIntegrityLevel, &label, sizeof label), STATUS_SUCCESS);
	TOKEN_MANDATORY_LABEL *l = query(t, TokenIntegrityLevel);
	CHECK(EqualSid(l->Label.Sid, low));
	SAME(l->Label.Attributes, 0x60);
	free(l);
	TOKEN_USER *u = query(t, TokenUser);
	owner.Owner = u->User.Sid;
	CHECK(SetTokenInformation(t, TokenOwner, &owner, sizeof owner));
	TOKEN_OWNER *o = query(t, TokenOwner);
	CHECK(EqualSid(o->Owner, u->User.Sid));
	free(u);
	free(o);
	char room[64];
	PACL acl = (PACL)room;
	CHECK(InitializeAcl(acl, sizeof room, ACL_REVISION));
	CHECK(AddAccessAllowedAce(acl, ACL_REVISION, GENERIC_ALL, users));
	TOKEN_DEFAULT_DACL dacl = {acl};
	CHECK(SetTokenInformation(t, TokenDefaultDacl, &dacl, sizeof dacl));
	TOKEN_DEFAULT_DACL *back = query(t, TokenDefaultDacl);
	CHECK(back->DefaultDacl != NULL && back->DefaultDacl->AceCount == 1);
	free(back);
	acl->AclRevision = 9;
	FAILS(SetTokenInformation(t, TokenDefaultDacl, &dacl, sizeof dacl), ERROR_INVALID_ACL);
	dacl.DefaultDacl = NULL;
	CHECK(SetTokenInformation(t, TokenDefaultDacl, &dacl, sizeof dacl));
	ULONG n;
	char b[8];
	STATUS(NtQueryInformationToken(t, TokenDefaultDacl, b, sizeof b, &n), STATUS_SUCCESS);
	SAME(*(void **)b, 0);
	CHECK(CloseHandle(t));
	CHECK(CloseHandle(own));
}

void test_tokens(void)
{
	logged_on();
	opening();
	duplicating();
	adjusting();
	filtering();
	setting();
}
