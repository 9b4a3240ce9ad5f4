/* Well-known accounts by SID and by name. Names and types are those of the documentation of well-known SIDs and
 * SID_NAME_USE. */
#include "check.h"

static const struct { const char *sid, *domain, *name; SID_NAME_USE use; } table[] = {
	{"S-1-1-0", "", "Everyone", SidTypeWellKnownGroup},
	{"S-1-3-0", "", "CREATOR OWNER", SidTypeWellKnownGroup},
	{"S-1-3-1", "", "CREATOR GROUP", SidTypeWellKnownGroup},
	{"S-1-5-4", "NT AUTHORITY", "INTERACTIVE", SidTypeWellKnownGroup},
	{"S-1-5-7", "NT AUTHORITY", "ANONYMOUS LOGON", SidTypeWellKnownGroup},
	{"S-1-5-11", "NT AUTHORITY", "Authenticated Users", SidTypeWellKnownGroup},
	{"S-1-5-18", "NT AUTHORITY", "SYSTEM", SidTypeWellKnownGroup},
	{"S-1-5-19", "NT AUTHORITY", "LOCAL SERVICE", SidTypeWellKnownGroup},
	{"S-1-5-20", "NT AUTHORITY", "NETWORK SERVICE", SidTypeWellKnownGroup},
	{"S-1-5-32-544", "BUILTIN", "Administrators", SidTypeAlias},
	{"S-1-5-32-545", "BUILTIN", "Users", SidTypeAlias},
	{"S-1-5-32-551", "BUILTIN", "Backup Operators", SidTypeAlias},
	{"S-1-5-32", "BUILTIN", "BUILTIN", SidTypeDomain},
	{"S-1-5-21-1000000001-1000000002-1000000003-500", "REFMON", "Administrator", SidTypeUser},
	{"S-1-5-21-1000000001-1000000002-1000000003-501", "REFMON", "Guest", SidTypeUser},
	{"S-1-5-21-1000000001-1000000002-1000000003-513", "REFMON", "None", SidTypeGroup},
	{"S-1-5-21-1000000001-1000000002-1000000003-1001", "REFMON", "User", SidTypeUser},
	{"S-1-16-12288", "Mandatory Label", "High Mandatory Level", SidTypeLabel},
};

static int is_text(const WCHAR *w, const char *s)
{
	while (*s && *w == (unsigned char)*s)
		w++, s++;
	return !*s && !*w;
}

static void known(void)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		PSID sid;
		char name[64], domain[64], back[SECURITY_MAX_SID_SIZE], full[130];
		WCHAR wide[64], wideDomain[64];
		DWORD n = sizeof name, m = sizeof domain, size = sizeof back;
		SID_NAME_USE use = 0;
		CHECK(ConvertStringSidToSidA(table[i].sid, &sid));
		CHECK(LookupAccountSidA(NULL, sid, name, &n, domain, &m, &use));
		CHECK(strcmp(name, table[i].name) == 0);
		CHECK(strcmp(domain, table[i].domain) == 0);
		SAME(n, strlen(table[i].name));
		SAME(m, strlen(table[i].domain));
		SAME(use, table[i].use);
		n = m = 64;
		CHECK(LookupAccountSidW(NULL, sid, wide, &n, wideDomain, &m, &use));
		CHECK(is_text(wide, table[i].name));
		CHECK(is_text(wideDomain, table[i].domain));
		SAME(n, strlen(table[i].name));
		/* and back, with the authority in front where there is one */
		snprintf(full, sizeof full, "%s%s%s", use == SidTypeDomain ? "" : domain, *domain && use != SidTypeDomain ? "\\" : "",
			name);
		m = sizeof domain;
		use = 0;
		CHECK(LookupAccountNameA(NULL, full, back, &size, domain, &m, &use));
		CHECK(EqualSid(back, sid));
		CHECK(strcmp(domain, table[i].domain) == 0);
		SAME(m, strlen(table[i].domain));
		SAME(use, table[i].use);
		size = sizeof back, m = 64;
		CHECK(LookupAccountNameW(NULL, wide, back, &size, wideDomain, &m, &use));
		CHECK(EqualSid(back, sid));
		LocalFree(sid);
	}
}

/* The user of the thread's token. */
static void user_names(void)
{
	char name[64];
	WCHAR wide[64];
	DWORD n;
	n = sizeof name;
	CHECK(GetUserNameA(name, &n));
	CHECK(strcmp(name, "Administrator") == 0);
	SAME(n, sizeof "Administrator");
	n = sizeof "Administrator" - 1;
	FAILS(GetUserNameW(wide, &n), ERROR_INSUFFICIENT_BUFFER);
	SAME(n, sizeof "Administrator");
	CHECK(GetUserNameW(wide, &n));
	CHECK(is_text(wide, "Administrator"));
	FAILS(GetUserNameA(name, NULL), ERROR_INVALID_PARAMETER);
	n = 0;
	FAILS(GetUserNameA(NULL, &n), ERROR_INSUFFICIENT_BUFFER);
	CHECK(ImpersonateAnonymousToken(GetCurrentThread()));
	n = sizeof name;
	CHECK(GetUserNameA(name, &n));
	CHECK(strcmp(name, "ANONYMOUS LOGON") == 0);
	CHECK(RevertToSelf());
	HANDLE anonymous = client(SecurityAnonymous);
	CHECK(SetThreadToken(NULL, anonymous));
	FAILS(GetUserNameA(name, &n), ERROR_CANT_OPEN_ANONYMOUS);
	CHECK(RevertToSelf());
	CHECK(CloseHandle(anonymous));
	SECURITY_ATTRIBUTES closed = {sizeof closed, sddl("D:"), FALSE};
	HANDLE own = process_token(TOKEN_DUPLICATE), hidden;
	CHECK(DuplicateTokenEx(own, TOKEN_ALL_ACCESS, &closed, SecurityImpersonation, TokenImpersonation, &hidden));
	CHECK(SetThreadToken(NULL, hidden));
	FAILS(GetUserNameA(name, &n), ERROR_CANT_OPEN_ANONYMOUS); /* its user may not open it (T-147) */
	CHECK(RevertToSelf());
	CHECK(CloseHandle(hidden) && CloseHandle(own));
}

/* The computer's own domain, its users, and who acts. */
static void computer(void)
{
	char name[64], domain[64], back[SECURITY_MAX_SID_SIZE], machine[SECURITY_MAX_SID_SIZE], made[SECURITY_MAX_SID_SIZE];
	WCHAR wide[64];
	DWORD n = sizeof name, m = sizeof domain, size = sizeof back;
	SID_NAME_USE use = 0;
	CHECK(GetComputerNameA(name, &n));
	SAME(n, 6);
	CHECK(strcmp(name, "REFMON") == 0);
	n = 64;
	CHECK(GetComputerNameW(wide, &n));
	CHECK(is_text(wide, "REFMON"));
	n = 6;
	FAILS(GetComputerNameA(name, &n), ERROR_BUFFER_OVERFLOW);
	SAME(n, 7);
	CHECK(GetComputerNameA(name, &n));
	FAILS(GetComputerNameW(wide, NULL), ERROR_INVALID_PARAMETER);
	CHECK(LookupAccountNameA(NULL, "refmon", back, &size, domain, &m, &use)); /* the domain itself */
	SAME(use, SidTypeDomain);
	CHECK(strcmp(domain, "REFMON") == 0);
	n = sizeof name, m = sizeof domain;
	CHECK(LookupAccountSidA(NULL, back, name, &n, domain, &m, &use));
	SAME(use, SidTypeDomain);
	SAME(n, 6);
	CHECK(strcmp(name, "REFMON") == 0);
	CHECK(strcmp(domain, "REFMON") == 0);
	size = sizeof made;
	CHECK(CreateWellKnownSid(WinAccountAdministratorSid, back, made, &size));
	size = sizeof machine;
	CHECK(GetWindowsAccountDomainSid(made, machine, &size));
	CHECK(EqualSid(machine, back));
	n = sizeof name, m = sizeof domain;
	CHECK(LookupAccountSidA(NULL, made, name, &n, domain, &m, &use));
	CHECK(strcmp(name, "Administrator") == 0);
	/* a name of the computer is a trustee */
	EXPLICIT_ACCESS_A e;
	PACL acl;
	PACCESS_ALLOWED_ACE ace;
	BuildExplicitAccessWithNameA(&e, "REFMON\\user", 1, GRANT_ACCESS, NO_INHERITANCE);
	SAME(SetEntriesInAclA(1, &e, NULL, &acl), ERROR_SUCCESS);
	CHECK(GetAce(acl, 0, (void **)&ace));
	size = sizeof back, m = sizeof domain;
	CHECK(LookupAccountNameA(NULL, "User", back, &size, domain, &m, &use));
	CHECK(EqualSid(&ace->SidStart, back));
	LocalFree(acl);
}

static void sizes(void)
{
	PSID sid;
	char name[64], domain[64], back[SECURITY_MAX_SID_SIZE];
	WCHAR wide[64], wideDomain[64];
	DWORD n = 0, m = 0, size = 0;
	SID_NAME_USE use;
	CHECK(ConvertStringSidToSidA("BA", &sid));
	FAILS(LookupAccountSidA(NULL, sid, NULL, &n, NULL, &m, &use), ERROR_INSUFFICIENT_BUFFER);
	SAME(n, sizeof "Administrators");
	SAME(m, sizeof "BUILTIN");
	CHECK(LookupAccountSidA(NULL, sid, name, &n, domain, &m, &use)); /* just enough */
	SAME(n, sizeof "Administrators" - 1);
	SAME(m, sizeof "BUILTIN" - 1);
	/* no room for terminators */
	FAILS(LookupAccountSidW(NULL, sid, wide, &n, wideDomain, &m, &use), ERROR_INSUFFICIENT_BUFFER);
	SAME(n, sizeof "Administrators");
	m = 1;
	FAILS(LookupAccountSidW(NULL, sid, wide, &n, wideDomain, &m, &use), ERROR_INSUFFICIENT_BUFFER);
	SAME(m, sizeof "BUILTIN");
	m = 0;
	FAILS(LookupAccountNameA(NULL, "administrators", NULL, &size, NULL, &m, &use), ERROR_INSUFFICIENT_BUFFER);
	SAME(size, 16);
	SAME(m, sizeof "BUILTIN");
	CHECK(LookupAccountNameA(NULL, "administrators", back, &size, domain, &m, &use));
	SAME(m, sizeof "BUILTIN" - 1);
	size = 15, m = 64;
	FAILS(LookupAccountNameW(NULL, u"administrators", back, &size, wideDomain, &m, &use), ERROR_INSUFFICIENT_BUFFER);
	SAME(size, 16);
	LocalFree(sid);
}

static void refusals(void)
{
	static const char *const strangers[] = {"S-1-5-21-1-2-3-500", "S-1-5-21-1-2-3-1107", "S-1-5-5-0-99", "S-1-5-32-9999",
		"S-1-16-1"};
	static const char *const names[] = {"no such account", "", "NT AUTHORITY\\Users", "BUILTIN\\", "REFMON\\Users",
		"BUILTIN\\Administrator", "REFMON\\REFMON", "Domain Admins"};
	char name[64], domain[64], back[SECURITY_MAX_SID_SIZE] = {0};
	DWORD n = 64, m = 64, size = sizeof back;
	SID_NAME_USE use;
	PSID sid;
	for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
		CHECK(ConvertStringSidToSidA(strangers[i], &sid));
		FAILS(LookupAccountSidA(NULL, sid, name, &n, domain, &m, &use), ERROR_NONE_MAPPED);
		LocalFree(sid);
	}
	for (BYTE authority = 0; authority < 19; authority++) { /* an authority is not an account */
		char room[SECURITY_MAX_SID_SIZE];
		CHECK(InitializeSid(room, &(SID_IDENTIFIER_AUTHORITY){{0, 0, 0, 0, 0, authority}}, 0));
		FAILS(LookupAccountSidA(NULL, room, name, &n, domain, &m, &use), ERROR_NONE_MAPPED);
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		FAILS(LookupAccountNameA(NULL, names[i], back, &size, domain, &m, &use), ERROR_NONE_MAPPED);
	FAILS(LookupAccountSidA(NULL, back, name, &n, domain, &m, &use), ERROR_INVALID_SID);
	FAILS(LookupAccountSidA(NULL, UNMAPPED, name, &n, domain, &m, &use), ERROR_NOACCESS);
	FAILS(LookupAccountSidA(NULL, NULL, name, &n, domain, &m, &use), ERROR_INVALID_PARAMETER);
	FAILS(LookupAccountNameA(NULL, "Users", NULL, &size, domain, &m, &use), ERROR_INVALID_PARAMETER);
}

void test_accounts(void)
{
	ULONG before = handle_count();
	known();
	computer();
	user_names();
	sizes();
	refusals();
	SAME(handle_count(), before);
}
