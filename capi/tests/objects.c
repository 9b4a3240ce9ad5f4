/* Handles, object queries, security of objects, named events. */
#include "check.h"

static void handles(void)
{
	HANDLE own = process_token(TOKEN_QUERY | READ_CONTROL), d, e;
	DWORD flags;
	STATUS(NtClose(NULL), STATUS_INVALID_HANDLE);
	STATUS(NtClose((HANDLE)0xdeadbeec), STATUS_INVALID_HANDLE);
	FAILS(CloseHandle(NULL), ERROR_INVALID_HANDLE);
	d = (HANDLE)((uintptr_t)own | 3); /* O-10 */
	DWORD type, n;
	STATUS(NtQueryInformationToken(d, TokenType, &type, 4, &n), STATUS_SUCCESS);
	STATUS(NtDuplicateObject(NtCurrentProcess(), own, NtCurrentProcess(), &d, 0, 0, DUPLICATE_SAME_ACCESS),
		STATUS_SUCCESS);
	STATUS(NtCompareObjects(own, d), STATUS_SUCCESS);
	CHECK(SetHandleInformation(d, HANDLE_FLAG_PROTECT_FROM_CLOSE, HANDLE_FLAG_PROTECT_FROM_CLOSE | HANDLE_FLAG_INHERIT));
	CHECK(GetHandleInformation(d, &flags));
	SAME(flags, HANDLE_FLAG_PROTECT_FROM_CLOSE);
	STATUS(NtClose(d), STATUS_HANDLE_NOT_CLOSABLE);
	CHECK(SetHandleInformation(d, HANDLE_FLAG_PROTECT_FROM_CLOSE, 0));
	STATUS(NtClose(d), STATUS_SUCCESS);
	/* 70 1.10 item 16 */
	STATUS(NtDuplicateObject(NtCurrentProcess(), own, NtCurrentProcess(), &d, ~0u, 0, 0), STATUS_ACCESS_DENIED);
	SAME((uintptr_t)d, 0);
	d = own;
	STATUS(NtDuplicateObject(NtCurrentProcess(), (HANDLE)0xdeadbeec, NtCurrentProcess(), &d, 0, 0, 0),
		STATUS_INVALID_HANDLE);
	SAME((uintptr_t)d, 0);
	/* a bad pointer closes nothing */
	STATUS(NtDuplicateObject(NtCurrentProcess(), own, NtCurrentProcess(), none, 0, 0,
		DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE), STATUS_ACCESS_VIOLATION);
	/* the handle leaks */
	STATUS(NtDuplicateObject(NtCurrentProcess(), own, NtCurrentProcess(), NULL, 0, 0, DUPLICATE_SAME_ACCESS),
		STATUS_SUCCESS);
	e = OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, GetCurrentProcessId());
	CHECK(e != NULL);
	CHECK(CloseHandle(e));
	e = OpenThread(THREAD_QUERY_INFORMATION, FALSE, GetCurrentThreadId());
	CHECK(e != NULL);
	CHECK(CloseHandle(e));
	FAILS(OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, 0x7ffffffc), ERROR_INVALID_PARAMETER);
	CHECK(CloseHandle(own));
}

static void queries(void)
{
	HANDLE own = process_token(TOKEN_QUERY | READ_CONTROL);
	OBJECT_BASIC_INFORMATION b;
	char room[512];
	ULONG n = 0;
	STATUS(NtQueryObject(own, ObjectBasicInformation, &b, sizeof b, &n), STATUS_SUCCESS);
	SAME(n, sizeof b);
	SAME(b.GrantedAccess, TOKEN_QUERY | READ_CONTROL);
	CHECK(b.HandleCount >= 1);
	n = 0;
	STATUS(NtQueryObject(own, ObjectBasicInformation, &b, sizeof b - 1, &n), STATUS_INFO_LENGTH_MISMATCH); /* O-61 */
	SAME(n, sizeof b);
	STATUS(NtQueryObject(NULL, ObjectBasicInformation, &b, sizeof b, none), STATUS_ACCESS_VIOLATION);
	STATUS(NtQueryObject(own, ObjectTypeInformation, room, sizeof room, &n), STATUS_SUCCESS);
	POBJECT_TYPE_INFORMATION t = (void *)room;
	SAME(t->TypeName.Length, 10);
	CHECK(memcmp(t->TypeName.Buffer, u"Token", 12) == 0);
	SAME(t->ValidAccessMask, TOKEN_ALL_ACCESS);
	SAME(t->GenericMapping.GenericRead, 0x2001A);
	SAME(t->SecurityRequired, TRUE);
	STATUS(NtQueryObject(own, 99, room, sizeof room, &n), STATUS_INVALID_INFO_CLASS);
	STATUS(NtQueryObject(NULL, ObjectBasicInformation, &b, sizeof b, &n), STATUS_INVALID_HANDLE);
	CHECK(CloseHandle(own));
}

static void security(void)
{
	HANDLE e = CreateEventW(NULL, TRUE, FALSE, u"capi-security"), weak;
	CHECK(e != NULL);
	char room[512];
	ULONG n = 0, need;
	STATUS(NtQuerySecurityObject(e, 7, NULL, 0, &need), STATUS_BUFFER_TOO_SMALL);
	STATUS(NtQuerySecurityObject(e, 7, room, need, &n), STATUS_SUCCESS);
	SAME(n, need);
	CHECK(IsValidSecurityDescriptor(room));
	SAME(GetSecurityDescriptorLength(room), n);
	CHECK(SetKernelObjectSecurity(e, DACL_SECURITY_INFORMATION, sddl("D:(A;;0x1f0003;;;BA)")));
	CHECK(GetKernelObjectSecurity(e, DACL_SECURITY_INFORMATION, room, sizeof room, &n));
	LPSTR text;
	CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorA(room, 1, DACL_SECURITY_INFORMATION, &text, NULL));
	CHECK(strcmp(text, "D:(A;;0x1f0003;;;BA)") == 0);
	LocalFree(text);
	FAILS(GetKernelObjectSecurity(e, SACL_SECURITY_INFORMATION, room, sizeof room, &n), ERROR_ACCESS_DENIED);
	FAILS(SetKernelObjectSecurity(e, OWNER_SECURITY_INFORMATION, sddl("D:")), ERROR_INVALID_SECURITY_DESCR);
	SECURITY_DESCRIPTOR bad;
	memset(&bad, 0, sizeof bad);
	FAILS(SetKernelObjectSecurity(e, DACL_SECURITY_INFORMATION, &bad), ERROR_UNKNOWN_REVISION);
	FAILS(SetKernelObjectSecurity(e, DACL_SECURITY_INFORMATION, NULL), ERROR_NOACCESS);
	weak = OpenEventW(EVENT_QUERY_STATE, FALSE, u"capi-security");
	CHECK(weak != NULL);
	FAILS(GetKernelObjectSecurity(weak, DACL_SECURITY_INFORMATION, room, sizeof room, &n), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(weak));
	/* the new list decides for those who come later */
	CHECK(SetKernelObjectSecurity(e, DACL_SECURITY_INFORMATION, sddl("D:(D;;0x2;;;BA)(A;;0x1f0003;;;BA)")));
	FAILS(OpenEventA(EVENT_MODIFY_STATE, FALSE, "capi-security"), ERROR_ACCESS_DENIED);
	weak = OpenEventA(EVENT_QUERY_STATE, FALSE, "capi-security");
	CHECK(weak != NULL);
	CHECK(CloseHandle(weak));
	SetLastError(1);
	weak = CreateEventA(NULL, FALSE, FALSE, NULL);
	CHECK(weak != NULL);
	SAME(GetLastError(), ERROR_SUCCESS);
	CHECK(CloseHandle(weak));
	CHECK(CloseHandle(e));
	FAILS(OpenEventA(EVENT_QUERY_STATE, FALSE, "capi-security"), ERROR_FILE_NOT_FOUND); /* the name went with the handle */
}

static void same_dacl(PSECURITY_DESCRIPTOR d, const char *want)
{
	char room[512];
	DWORD n;
	LPSTR text;
	CHECK(GetPrivateObjectSecurity(d, DACL_SECURITY_INFORMATION, room, sizeof room, &n));
	SAME(n, GetSecurityDescriptorLength(room));
	CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorA(room, 1, 15, &text, NULL));
	if (strcmp(text, want))
		printf("%s: got %s\n", want, text);
	CHECK(strcmp(text, want) == 0);
	CHECK(LocalFree(text) == NULL);
}

static void private_objects(void)
{
	GENERIC_MAPPING file = {0x120089, 0x120116, 0x1200a0, 0x1f01ff};
	HANDLE own = process_token(TOKEN_QUERY);
	PSECURITY_DESCRIPTOR d = NULL, parent = sddl("O:BAG:SYD:(A;OI;FR;;;WD)(A;CI;FW;;;BA)");
	PSID owner, admins;
	BOOL defaulted;
	DWORD n;
	CHECK(ConvertStringSidToSidA("BA", &admins));
	/* a leaf takes what object-inherit entries say */
	CHECK(CreatePrivateObjectSecurity(parent, NULL, &d, FALSE, own, &file));
	same_dacl(d, "D:(A;;FR;;;WD)");
	CHECK(GetSecurityDescriptorOwner(d, &owner, &defaulted));
	CHECK(EqualSid(owner, admins)); /* the token's default owner */
	FAILS(GetPrivateObjectSecurity(d, DACL_SECURITY_INFORMATION, NULL, 0, &n), ERROR_INSUFFICIENT_BUFFER);
	CHECK(SetPrivateObjectSecurity(DACL_SECURITY_INFORMATION, sddl("D:(A;;GR;;;BU)"), &d, &file, own));
	same_dacl(d, "D:(A;;FR;;;BU)"); /* mapped */
	/* the token holds SeRestorePrivilege, which is not enabled */
	FAILS(SetPrivateObjectSecurity(OWNER_SECURITY_INFORMATION, sddl("O:BG"), &d, &file, own), ERROR_INVALID_OWNER);
	CHECK(DestroyPrivateObjectSecurity(&d));
	CHECK(d == NULL);
	/* what the creator says wins */
	CHECK(CreatePrivateObjectSecurity(NULL, sddl("D:(A;;GA;;;BA)"), &d, TRUE, own, &file));
	same_dacl(d, "D:(A;;FA;;;BA)");
	CHECK(DestroyPrivateObjectSecurity(&d));
	FAILS(CreatePrivateObjectSecurity(parent, NULL, &d, FALSE, NULL, &file), ERROR_NO_TOKEN);
	FAILS(CreatePrivateObjectSecurity(parent, NULL, &d, FALSE, GetCurrentProcess(), &file), ERROR_INVALID_HANDLE);
	FAILS(CreatePrivateObjectSecurity(UNMAPPED, NULL, &d, FALSE, own, &file), ERROR_NOACCESS);
	FAILS(CreatePrivateObjectSecurity(parent, NULL, &d, FALSE, own, NULL), ERROR_NOACCESS);
	FAILS(CreatePrivateObjectSecurity(parent, NULL, NULL, FALSE, own, &file), ERROR_NOACCESS);
	CHECK(LocalFree(admins) == NULL);
	CHECK(CloseHandle(own));
}

/* Handles are inherited by those who ask, at the same values (O-59). */
static void inheritance(void)
{
	PROCESS_INFORMATION p;
	STARTUPINFOW si = {sizeof si};
	SECURITY_ATTRIBUTES sa = {sizeof sa, NULL, TRUE};
	HANDLE e = CreateEventA(&sa, TRUE, FALSE, NULL), mine = CreateEventA(NULL, TRUE, FALSE, NULL), h;
	DWORD flags = 9;
	CHECK(CreateProcessW(u"a", NULL, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &si, &p));
	CHECK(DuplicateHandle(p.hProcess, e, GetCurrentProcess(), &h, 0, FALSE, DUPLICATE_SAME_ACCESS));
	STATUS(NtCompareObjects(h, e), STATUS_SUCCESS);
	CHECK(CloseHandle(h));
	FAILS(DuplicateHandle(p.hProcess, mine, GetCurrentProcess(), &h, 0, FALSE, DUPLICATE_SAME_ACCESS),
		ERROR_INVALID_HANDLE);
	SAME(ResumeThread(p.hThread), 1);
	SAME(ResumeThread(p.hThread), 0);
	end_process(&p);
	for (int i = 0; i < 2; i++) { /* the attributes of the process, then of the thread */
		CHECK(CreateProcessW(u"a", NULL, i ? NULL : &sa, i ? &sa : NULL, FALSE, 0, NULL, NULL, &si, &p));
		FAILS(DuplicateHandle(p.hProcess, e, GetCurrentProcess(), &h, 0, FALSE, DUPLICATE_SAME_ACCESS),
			ERROR_INVALID_HANDLE);
		CHECK(GetHandleInformation(p.hProcess, &flags));
		SAME(flags, i ? 0 : HANDLE_FLAG_INHERIT);
		CHECK(GetHandleInformation(p.hThread, &flags));
		SAME(flags, i ? HANDLE_FLAG_INHERIT : 0);
		end_process(&p);
	}
	sa.lpSecurityDescriptor = UNMAPPED;
	FAILS(CreateProcessW(u"a", NULL, NULL, &sa, FALSE, 0, NULL, NULL, &si, &p), ERROR_NOACCESS);
	SetLastError(0);
	SAME(ResumeThread(NULL), (DWORD)-1);
	SAME(GetLastError(), ERROR_INVALID_HANDLE);
	SAME(ResumeThread(GetCurrentProcess()), (DWORD)-1);
	STATUS(NtResumeThread(NtCurrentThread(), UNMAPPED), STATUS_ACCESS_VIOLATION);
	ULONG count = 9;
	STATUS(NtResumeThread(NtCurrentThread(), NULL), STATUS_SUCCESS);
	STATUS(NtResumeThread(NtCurrentThread(), &count), STATUS_SUCCESS);
	SAME(count, 0);
	CHECK(CloseHandle(e));
	CHECK(CloseHandle(mine));
}

void test_objects(void)
{
	handles();
	inheritance();
	queries();
	security();
	private_objects();
}
