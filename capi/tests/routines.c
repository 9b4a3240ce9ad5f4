/* Run-time routines: private objects under their native names, SIDs with sub-authorities
 * in the call, relative descriptors, strings, events with an access of their own. */
#include "check.h"

static GENERIC_MAPPING mapping = {0x20001, 0x20002, 0x20004, 0x1F0007};

static void is_text(PSECURITY_DESCRIPTOR d, SECURITY_INFORMATION info, const char *want)
{
	LPSTR text = NULL;
	CHECK(ConvertSecurityDescriptorToStringSecurityDescriptor(d, SDDL_REVISION_1, info, &text, NULL));
	CHECK(strcmp(text, want) == 0);
	if (strcmp(text, want))
		printf("\tgot %s, want %s\n", text, want);
	LocalFree(text);
}

static void private_objects(void)
{
	HANDLE own = process_token(TOKEN_QUERY);
	PSECURITY_DESCRIPTOR d = NULL,
		parent = sddl("O:BAG:SYD:(A;OICI;0x1;;;WD)(OA;OIIO;0x2;;bf967aba-0de6-11d0-a285-00aa003049e2;BU)"
			"(OA;OIIO;0x4;;00299570-246d-11d0-a768-00aa006e0529;BU)");
	GUID user = {0xbf967aba, 0x0de6, 0x11d0, {0xa2, 0x85, 0x00, 0xaa, 0x00, 0x30, 0x49, 0xe2}};
	GUID other = {0x00299570, 0x246d, 0x11d0, {0xa7, 0x68, 0x00, 0xaa, 0x00, 0x6e, 0x05, 0x29}}, *types[] = {&user,
		&other};
	char room[512];
	ULONG n = 0;
	STATUS(RtlNewSecurityObject(parent, NULL, &d, FALSE, own, &mapping), STATUS_SUCCESS);
	is_text(d, DACL_SECURITY_INFORMATION, "D:(A;;CC;;;WD)"); /* an object inherits the entry without its flags */
	STATUS(RtlQuerySecurityObject(d, DACL_SECURITY_INFORMATION, room, 8, &n), STATUS_BUFFER_TOO_SMALL);
	CHECK(n > 20 && n < sizeof room);
	STATUS(RtlQuerySecurityObject(d, DACL_SECURITY_INFORMATION, room, n, &n), STATUS_SUCCESS);
	CHECK(IsValidSecurityDescriptor(room));
	STATUS(RtlSetSecurityObject(DACL_SECURITY_INFORMATION, sddl("D:(A;;GR;;;BU)"), &d, &mapping, own), STATUS_SUCCESS);
	is_text(d, DACL_SECURITY_INFORMATION, "D:(A;;CCRC;;;BU)"); /* generic rights are mapped */
	STATUS(RtlSetSecurityObject(DACL_SECURITY_INFORMATION, NULL, &d, &mapping, own), STATUS_INVALID_SECURITY_DESCR);
	STATUS(RtlDeleteSecurityObject(&d), STATUS_SUCCESS);
	CHECK(d == NULL);
	STATUS(RtlNewSecurityObjectEx(parent, NULL, &d, &user, FALSE, SEF_DACL_AUTO_INHERIT, own, &mapping), STATUS_SUCCESS);
	is_text(d, DACL_SECURITY_INFORMATION, "D:AI(A;ID;CC;;;WD)(A;ID;DC;;;BU)"); /* what is for users, too */
	STATUS(RtlSetSecurityObjectEx(DACL_SECURITY_INFORMATION, sddl("D:P(A;;0x4;;;BU)"), &d, SEF_DACL_AUTO_INHERIT, &mapping,
		own), STATUS_SUCCESS);
	is_text(d, DACL_SECURITY_INFORMATION, "D:P(A;;LC;;;BU)");
	STATUS(RtlDeleteSecurityObject(&d), STATUS_SUCCESS);
	STATUS(RtlNewSecurityObjectWithMultipleInheritance(parent, NULL, &d, types, 2, FALSE, SEF_DACL_AUTO_INHERIT, own,
		&mapping), STATUS_SUCCESS);
	/* and what is for the other type */
	is_text(d, DACL_SECURITY_INFORMATION, "D:AI(A;ID;CC;;;WD)(A;ID;DC;;;BU)(A;ID;LC;;;BU)");
	STATUS(RtlDeleteSecurityObject(&d), STATUS_SUCCESS);
	CHECK(CreatePrivateObjectSecurityWithMultipleInheritance(parent, NULL, &d, types + 1, 1, FALSE, SEF_DACL_AUTO_INHERIT,
		own, &mapping));
	is_text(d, DACL_SECURITY_INFORMATION, "D:AI(A;ID;CC;;;WD)(A;ID;LC;;;BU)");
	CHECK(DestroyPrivateObjectSecurity(&d));
	CHECK(CreatePrivateObjectSecurityWithMultipleInheritance(parent, NULL, &d, NULL, 0, FALSE, SEF_DACL_AUTO_INHERIT, own,
		&mapping));
	is_text(d, DACL_SECURITY_INFORMATION, "D:AI(A;ID;CC;;;WD)");
	CHECK(DestroyPrivateObjectSecurity(&d));
	FAILS(CreatePrivateObjectSecurityWithMultipleInheritance(parent, NULL, &d, UNMAPPED, 1, FALSE, 0, own, &mapping),
		ERROR_NOACCESS);
	types[0] = UNMAPPED;
	FAILS(CreatePrivateObjectSecurityWithMultipleInheritance(parent, NULL, &d, types, 2, FALSE, 0, own, &mapping),
		ERROR_NOACCESS);
	STATUS(RtlNewSecurityObject(parent, NULL, &d, FALSE, own, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(RtlNewSecurityObject(UNMAPPED, NULL, &d, FALSE, own, &mapping), STATUS_ACCESS_VIOLATION);
	STATUS(RtlNewSecurityObject(parent, NULL, UNMAPPED, FALSE, own, &mapping), STATUS_ACCESS_VIOLATION);
	STATUS(RtlNewSecurityObject(parent, NULL, &d, FALSE, (HANDLE)0xdeadbeec, &mapping), STATUS_INVALID_HANDLE);
	CHECK(d == NULL);
	CHECK(CloseHandle(own));
}

static void strings_and_sids(void)
{
	union { SID sid; char room[SECURITY_MAX_SID_SIZE]; } s;
	SID_IDENTIFIER_AUTHORITY nt = SECURITY_NT_AUTHORITY;
	LPSTR text;
	STATUS(RtlInitializeSidEx(&s, &nt, 5, 21u, 1u, 2u, 3u, 1107u), STATUS_SUCCESS);
	CHECK(ConvertSidToStringSid(&s, &text));
	CHECK(strcmp(text, "S-1-5-21-1-2-3-1107") == 0);
	LocalFree(text);
	STATUS(RtlInitializeSidEx(&s, &nt, 0), STATUS_SUCCESS);
	SAME(s.sid.SubAuthorityCount, 0);
	STATUS(RtlInitializeSidEx(&s, &nt, 15, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 10u, 11u, 12u, 13u, 14u, 15u),
		STATUS_SUCCESS);
	SAME(*RtlSubAuthoritySid(&s, 14), 15);
	STATUS(RtlInitializeSidEx(&s, &nt, 16), STATUS_INVALID_PARAMETER);
	UNICODE_STRING u;
	CHECK(RtlCreateUnicodeString(&u, u"abc"));
	SAME(u.Length, 6);
	SAME(u.MaximumLength, 8);
	CHECK(memcmp(u.Buffer, u"abc", 8) == 0);
	RtlFreeUnicodeString(&u);
	CHECK(u.Buffer == NULL);
	CHECK(RtlCreateUnicodeStringFromAsciiz(&u, "abcd"));
	SAME(u.Length, 8);
	SAME(u.MaximumLength, 10);
	CHECK(memcmp(u.Buffer, u"abcd", 10) == 0);
	RtlFreeUnicodeString(&u);
	SECURITY_DESCRIPTOR_RELATIVE r;
	memset(&r, 0xEE, sizeof r);
	STATUS(RtlCreateSecurityDescriptorRelative(&r, 2), STATUS_UNKNOWN_REVISION);
	STATUS(RtlCreateSecurityDescriptorRelative(&r, SECURITY_DESCRIPTOR_REVISION), STATUS_SUCCESS);
	SAME(r.Control, SE_SELF_RELATIVE);
	SAME(r.Owner | r.Group | r.Sacl | r.Dacl, 0);
	CHECK(RtlValidRelativeSecurityDescriptor(&r, sizeof r, 0));
}

/* What a privilege was, also where the call changes nothing. */
static void adjusting(void)
{
	BOOLEAN begun, was;
	STATUS(RtlAdjustPrivilege(SE_CHANGE_NOTIFY_PRIVILEGE, TRUE, FALSE, &begun), STATUS_SUCCESS);
	for (int i = 0; i < 8; i++) {
		was = 9;
		STATUS(RtlAdjustPrivilege(SE_CHANGE_NOTIFY_PRIVILEGE, i >> 1 & 1, FALSE, &was), STATUS_SUCCESS);
		SAME(was, i == 0 || (i - 1) >> 1 & 1);
	}
	STATUS(RtlAdjustPrivilege(SE_CHANGE_NOTIFY_PRIVILEGE, begun, FALSE, &was), STATUS_SUCCESS);
	was = 9;
	STATUS(RtlAdjustPrivilege(SE_CREATE_TOKEN_PRIVILEGE, TRUE, FALSE, &was), STATUS_PRIVILEGE_NOT_HELD);
	STATUS(RtlAdjustPrivilege(SE_CHANGE_NOTIFY_PRIVILEGE, TRUE, TRUE, &was), STATUS_NO_TOKEN);
	SAME(was, 9);
}

static void events(void)
{
	OBJECT_BASIC_INFORMATION b;
	HANDLE e = CreateEventEx(NULL, "capi-event-ex", CREATE_EVENT_MANUAL_RESET, EVENT_MODIFY_STATE | READ_CONTROL), f;
	CHECK(e != NULL);
	SAME(GetLastError(), ERROR_SUCCESS);
	STATUS(NtQueryObject(e, ObjectBasicInformation, &b, sizeof b, NULL), STATUS_SUCCESS);
	SAME(b.GrantedAccess, EVENT_MODIFY_STATE | READ_CONTROL);
	f = CreateEventExW(NULL, u"Global\\capi-event-ex", 0, SYNCHRONIZE);
	CHECK(f != NULL);
	SAME(GetLastError(), ERROR_ALREADY_EXISTS);
	STATUS(NtQueryObject(f, ObjectBasicInformation, &b, sizeof b, NULL), STATUS_SUCCESS);
	SAME(b.GrantedAccess, SYNCHRONIZE);
	CHECK(CloseHandle(e));
	CHECK(CloseHandle(f));
	FAILS(CreateEventEx(NULL, NULL, 4, EVENT_ALL_ACCESS), ERROR_INVALID_PARAMETER);
	FAILS(CreateEventEx(NULL, "capi-event-ex", 0, ~0u), ERROR_ACCESS_DENIED); /* reserved bits */
}

void test_routines(void)
{
	private_objects();
	strings_and_sids();
	adjusting();
	events();
}
