/* GetSecurityInfo and SetSecurityInfo. */
#include "check.h"

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
	SAME(GetSecurityInfo(e, (SE_OBJECT_TYPE)99, 7, NULL, NULL, NULL, NULL, &d), ERROR_INVALID_PARAMETER);
	SAME(GetSecurityInfo(e, SE_REGISTRY_KEY, 7, NULL, NULL, NULL, NULL, &d), ERROR_NOT_SUPPORTED);
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

void test_parts(void)
{
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
