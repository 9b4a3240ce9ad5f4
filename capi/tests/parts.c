/* GetSecurityInfo and SetSecurityInfo. */
#include "check.h"

#ifndef BACKUP_SECURITY_INFORMATION /* headers of another origin */
#define BACKUP_SECURITY_INFORMATION 0x00010000
#endif

static PACL dacl_of(PSECURITY_DESCRIPTOR d)
{
	BOOL present, defaulted;
	PACL acl = NULL;
	CHECK(GetSecurityDescriptorDacl(d, &present, &acl, &defaulted));
	return acl;
}

static void is_dacl(HANDLE h, SE_OBJECT_TYPE type, const char *want)
{
	PSECURITY_DESCRIPTOR d = NULL;
	LPSTR text;
	SAME(GetSecurityInfo(h, type, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL, &d), ERROR_SUCCESS);
	CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorA(d, 1, DACL_SECURITY_INFORMATION, &text, NULL));
	if (strcmp(text, want))
		printf("%s: got %s\n", want, text);
	CHECK(strcmp(text, want) == 0);
	LocalFree(text);
	LocalFree(d);
}

static void reading(HANDLE e)
{
	PSID owner = NULL, group = NULL, world;
	PACL dacl = NULL, sacl = (PACL)1;
	PSECURITY_DESCRIPTOR d = NULL;
	SECURITY_DESCRIPTOR_CONTROL control;
	DWORD revision;
	SAME(GetSecurityInfo(e, SE_KERNEL_OBJECT, 7, &owner, &group, &dacl, &sacl, &d), ERROR_SUCCESS);
	CHECK(GetSecurityDescriptorControl(d, &control, &revision));
	CHECK(control & SE_SELF_RELATIVE);
	ULONG n = GetSecurityDescriptorLength(d);
	CHECK((char *)owner > (char *)d && (char *)owner < (char *)d + n && IsValidSid(owner));
	CHECK((char *)group > (char *)d && (char *)group < (char *)d + n && IsValidSid(group));
	CHECK(dacl == dacl_of(d));
	CHECK(sacl == NULL);
	LocalFree(d);
	SAME(GetSecurityInfo(e, SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL, &dacl, NULL, &d), ERROR_SUCCESS);
	CHECK(owner != NULL);
	CHECK(dacl == NULL); /* not asked for */
	LocalFree(d);
	/* What may not be asked. */
	d = NULL;
	SAME(GetSecurityInfo(e, SE_KERNEL_OBJECT, 7, NULL, NULL, NULL, NULL, NULL), ERROR_INVALID_PARAMETER);
	SAME(GetSecurityInfo(e, SE_KERNEL_OBJECT, 7, &world, NULL, NULL, NULL, NULL), ERROR_INVALID_PARAMETER);
	SAME(GetSecurityInfo(e, SE_UNKNOWN_OBJECT_TYPE, 7, NULL, NULL, NULL, NULL, &d), ERROR_INVALID_PARAMETER);
	for (int type = -1; type <= SE_REGISTRY_WOW64_32KEY + 3; type++)
		if (type != SE_KERNEL_OBJECT && type != SE_FILE_OBJECT)
			SAME(GetSecurityInfo(e, (SE_OBJECT_TYPE)type, 7, NULL, NULL, NULL, NULL, &d),
				type > SE_UNKNOWN_OBJECT_TYPE && type <= SE_REGISTRY_WOW64_32KEY + 1
					? ERROR_NOT_SUPPORTED : ERROR_INVALID_PARAMETER);
	SAME(GetSecurityInfo(NULL, SE_KERNEL_OBJECT, 7, NULL, NULL, NULL, NULL, &d), ERROR_INVALID_HANDLE);
	SAME(GetSecurityInfo(e, SE_KERNEL_OBJECT, SACL_SECURITY_INFORMATION, NULL, NULL, NULL, &sacl, &d),
		ERROR_ACCESS_DENIED);
	CHECK(d == NULL);
}

static void writing(HANDLE e)
{
	PACL acl = dacl_of(sddl("D:(A;;0x1f0003;;;BA)"));
	PSID admins, system, got;
	PSECURITY_DESCRIPTOR d;
	BOOL present, defaulted;
	CHECK(ConvertStringSidToSidA("BA", &admins));
	CHECK(ConvertStringSidToSidA("SY", &system));
	/* the others are ignored */
	SAME(SetSecurityInfo(e, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, UNMAPPED, UNMAPPED, acl, UNMAPPED),
		ERROR_SUCCESS);
	is_dacl(e, SE_KERNEL_OBJECT, "D:(A;;0x1f0003;;;BA)");
	SAME(SetSecurityInfo(e, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, NULL, NULL,
		acl, NULL), ERROR_SUCCESS);
	is_dacl(e, SE_KERNEL_OBJECT, "D:P(A;;0x1f0003;;;BA)");
	SAME(SetSecurityInfo(e, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION | UNPROTECTED_DACL_SECURITY_INFORMATION, NULL,
		NULL, acl, NULL), ERROR_SUCCESS);
	is_dacl(e, SE_KERNEL_OBJECT, "D:(A;;0x1f0003;;;BA)");
	SAME(SetSecurityInfo(e, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION |
		UNPROTECTED_DACL_SECURITY_INFORMATION, NULL, NULL, acl, NULL), ERROR_INVALID_PARAMETER);
	SAME(SetSecurityInfo(e, SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION, admins, system,
		NULL, NULL), ERROR_SUCCESS);
	SAME(GetSecurityInfo(e, SE_KERNEL_OBJECT, 3, &got, NULL, NULL, NULL, &d), ERROR_SUCCESS);
	CHECK(EqualSid(got, admins));
	CHECK(GetSecurityDescriptorGroup(d, &got, &defaulted));
	CHECK(EqualSid(got, system));
	LocalFree(d);
	is_dacl(e, SE_KERNEL_OBJECT, "D:(A;;0x1f0003;;;BA)"); /* as it was */
	PACL label = NULL;
	CHECK(GetSecurityDescriptorSacl(sddl("S:(ML;;NW;;;LW)"), &present, &label, &defaulted));
	SAME(SetSecurityInfo(e, SE_KERNEL_OBJECT, LABEL_SECURITY_INFORMATION, NULL, NULL, NULL, label), ERROR_SUCCESS);
	SAME(GetSecurityInfo(e, SE_KERNEL_OBJECT, LABEL_SECURITY_INFORMATION, NULL, NULL, NULL, &label, &d), ERROR_SUCCESS);
	SAME(label->AceCount, 1);
	LocalFree(d);
	SAME(GetNamedSecurityInfoA("capi-parts", SE_KERNEL_OBJECT, LABEL_SECURITY_INFORMATION, NULL, NULL, &acl, &label,
		&d), ERROR_SUCCESS);
	SAME(label->AceCount, 1);
	CHECK(acl == NULL); /* not asked for */
	LocalFree(d);
	/* No list: everyone may do everything. */
	SAME(SetSecurityInfo(e, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL), ERROR_SUCCESS);
	SAME(GetSecurityInfo(e, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, &acl, NULL, &d), ERROR_SUCCESS);
	CHECK(acl == NULL);
	CHECK(GetSecurityDescriptorDacl(d, &present, &acl, &defaulted) && present);
	LocalFree(d);
	HANDLE weak = OpenEventA(EVENT_QUERY_STATE | READ_CONTROL, FALSE, "capi-parts");
	CHECK(weak != NULL);
	SAME(SetSecurityInfo(weak, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(weak));
	SAME(SetSecurityInfo(e, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, UNMAPPED, NULL), ERROR_NOACCESS);
	SAME(SetSecurityInfo(e, SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION, NULL, NULL, NULL, NULL),
		ERROR_INVALID_SECURITY_DESCR);
	SAME(SetSecurityInfo(e, SE_SERVICE, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL), ERROR_NOT_SUPPORTED);
	SAME(SetSecurityInfo(e, SE_UNKNOWN_OBJECT_TYPE, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL),
		ERROR_INVALID_PARAMETER);
	SAME(SetSecurityInfo(NULL, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL), ERROR_INVALID_HANDLE);
	LocalFree(admins);
	LocalFree(system);
}

/* Each kind of information sets its parts and no other; BACKUP_SECURITY_INFORMATION sets all. */
static void each(void)
{
	static const struct { SECURITY_INFORMATION info; const char *want; } kinds[] = {
		{OWNER_SECURITY_INFORMATION, "O:BAG:SYD:(A;;0x1f0003;;;SY)S:(AU;SA;0x1;;;SY)"},
		{GROUP_SECURITY_INFORMATION, "O:SYG:BUD:(A;;0x1f0003;;;SY)S:(AU;SA;0x1;;;SY)"},
		{DACL_SECURITY_INFORMATION, "O:SYG:SYD:(A;;0x1f0003;;;BA)S:(AU;SA;0x1;;;SY)"},
		{SACL_SECURITY_INFORMATION, "O:SYG:SYD:(A;;0x1f0003;;;SY)S:(AU;FA;0x2;;;WD)"},
		{BACKUP_SECURITY_INFORMATION, "O:BAG:BUD:(A;;0x1f0003;;;BA)S:(AU;FA;0x2;;;WD)"},
	};
	const SECURITY_INFORMATION all = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION |
		SACL_SECURITY_INFORMATION;
	BOOLEAN was[2];
	if (RtlAdjustPrivilege(SE_SECURITY_PRIVILEGE, TRUE, FALSE, &was[0]) ||
		RtlAdjustPrivilege(SE_RESTORE_PRIVILEGE, TRUE, FALSE, &was[1])) {
		CHECK(OVER_SOCKET); /* a daemon decides who its clients are */
		return;
	}
	HANDLE e = CreateEventExA(NULL, "capi-parts-each", 0, EVENT_ALL_ACCESS | ACCESS_SYSTEM_SECURITY);
	CHECK(e != NULL);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		PSID owner, group;
		PACL sacl;
		BOOL present, defaulted;
		PSECURITY_DESCRIPTOR new = sddl("O:BAG:BUD:(A;;0x1f0003;;;BA)S:(AU;FA;0x2;;;WD)"), d = NULL;
		PSECURITY_DESCRIPTOR want = sddl(kinds[i].want);
		CHECK(SetKernelObjectSecurity(e, all, sddl("O:SYG:SYD:(A;;0x1f0003;;;SY)S:(AU;SA;0x1;;;SY)")));
		CHECK(GetSecurityDescriptorOwner(new, &owner, &defaulted) && GetSecurityDescriptorGroup(new, &group, &defaulted) &&
			GetSecurityDescriptorSacl(new, &present, &sacl, &defaulted));
		SAME(SetSecurityInfo(e, SE_KERNEL_OBJECT, kinds[i].info, owner, group, dacl_of(new), sacl), ERROR_SUCCESS);
		SAME(GetSecurityInfo(e, SE_KERNEL_OBJECT, all, NULL, NULL, NULL, NULL, &d), ERROR_SUCCESS);
		LPSTR got, text;
		CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorA(d, 1, all, &got, NULL));
		CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorA(want, 1, all, &text, NULL));
		if (strcmp(got, text))
			printf("%#x: got %s, want %s\n", kinds[i].info, got, text);
		CHECK(strcmp(got, text) == 0);
		LocalFree(got);
		LocalFree(text);
		LocalFree(d);
	}
	CHECK(CloseHandle(e));
	RtlAdjustPrivilege(SE_SECURITY_PRIVILEGE, was[0], FALSE, &was[0]);
	RtlAdjustPrivilege(SE_RESTORE_PRIVILEGE, was[1], FALSE, &was[1]);
}

void test_parts(void)
{
	each();
	HANDLE e = CreateEventA(NULL, TRUE, FALSE, "capi-parts");
	CHECK(e != NULL);
	reading(e);
	writing(e);
	CHECK(CloseHandle(e));
	HANDLE pipe = CreateNamedPipeA("\\\\.\\pipe\\capi-parts", PIPE_ACCESS_DUPLEX | WRITE_DAC, PIPE_TYPE_BYTE, 1, 1024,
		1024, 0, NULL);
	CHECK(pipe != INVALID_HANDLE_VALUE);
	SAME(SetSecurityInfo(pipe, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, dacl_of(sddl("D:(A;;FR;;;BU)")),
		NULL), ERROR_SUCCESS);
	is_dacl(pipe, SE_FILE_OBJECT, "D:(A;;FR;;;BU)");
	CHECK(CloseHandle(pipe));
}
