/* Descriptors of objects that a driver keeps (S-22, S-60 to S-76). */
#include "kernel.h"

#define SEF_DACL_AUTO_INHERIT 0x01
#define SEF_AVOID_PRIVILEGE_CHECK 0x08
#define SEF_AVOID_OWNER_CHECK 0x10

static int reads(PSECURITY_DESCRIPTOR d, SECURITY_INFORMATION parts, const char *want)
{
	LPSTR text = NULL;
	CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorA(d, SDDL_REVISION_1, parts, &text, NULL));
	int same = !strcmp(text, want);
	if (!same)
		printf("got %s, want %s\n", text, want);
	LocalFree(text);
	return same;
}

/* An object of the kernel: GENERIC_READ|GENERIC_EXECUTE without the rights that GENERIC_ALL lacks (S-65). */
static void kernel_masks(PSECURITY_SUBJECT_CONTEXT s)
{
	GENERIC_MAPPING odd = {0x24001, 0x26002, 0x25004, 0x1F800F};
	PSECURITY_DESCRIPTOR both = sddl("D:(A;;GRGX;;;WD)(A;IO;GR;;;BU)"), d = NULL;
	STATUS(SeAssignSecurity(NULL, both, &d, FALSE, s, &odd, PagedPool), STATUS_SUCCESS);
	CHECK(reads(d, 4, "D:(A;;CCLCRC;;;WD)(A;IO;GR;;;BU)"));
	STATUS(SeDeassignSecurity(&d), STATUS_SUCCESS);
}

static void assigned(void)
{
	GENERIC_MAPPING m = {1, 2, 4, 7};
	PSECURITY_DESCRIPTOR parent = sddl("O:SYG:SYD:(A;OICI;0x1;;;WD)(A;;0x2;;;BU)"),
		explicit = sddl("O:S-1-5-21-7-7-7-1002D:(A;;GR;;;BU)"), d = (PVOID)1;
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation);
	SECURITY_SUBJECT_CONTEXT s;
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	SeCaptureSubjectContext(&s);
	PsRevertToSelf();
	/* without a subject, and with a context that was never captured (S-60) */
	STATUS(SeAssignSecurity(parent, NULL, &d, FALSE, NULL, &m, PagedPool), STATUS_NO_TOKEN);
	CHECK(d == NULL);
	SECURITY_SUBJECT_CONTEXT empty = {0};
	d = (PVOID)1;
	STATUS(SeAssignSecurity(parent, NULL, &d, FALSE, &empty, &m, PagedPool), STATUS_NO_TOKEN);
	CHECK(d == NULL);
	/* owner and group of the client, inheritable entries of the parent */
	STATUS(SeAssignSecurity(parent, NULL, &d, FALSE, &s, &m, PagedPool), STATUS_SUCCESS);
	CHECK(reads(d, 7, "O:S-1-5-21-7-7-7-1001G:BUD:(A;;CC;;;WD)"));
	CHECK(SeValidSecurityDescriptor(RtlLengthSecurityDescriptor(d), d));
	STATUS(SeDeassignSecurity(&d), STATUS_SUCCESS);
	CHECK(d == NULL);
	STATUS(SeDeassignSecurity(&d), STATUS_SUCCESS); /* nothing is fine */
	STATUS(SeAssignSecurityEx(parent, NULL, &d, NULL, TRUE, SEF_DACL_AUTO_INHERIT, &s, &m, PagedPool), STATUS_SUCCESS);
	CHECK(reads(d, 4, "D:AI(A;OICIID;CC;;;WD)"));
	STATUS(SeDeassignSecurity(&d), STATUS_SUCCESS);
	/* bob may not be made the owner by alice, unless the caller answers for it (S-61) */
	STATUS(SeAssignSecurity(parent, explicit, &d, FALSE, &s, &m, PagedPool), STATUS_INVALID_OWNER);
	STATUS(SeAssignSecurityEx(parent, explicit, &d, NULL, FALSE, SEF_AVOID_OWNER_CHECK, &s, &m, PagedPool),
		STATUS_SUCCESS);
	CHECK(reads(d, 7, "O:S-1-5-21-7-7-7-1002G:BUD:(A;;CC;;;BU)"));
	STATUS(SeDeassignSecurity(&d), STATUS_SUCCESS);
	kernel_masks(&s);
	PSECURITY_DESCRIPTOR audit = sddl("S:(AU;SA;0x1;;;WD)");
	STATUS(SeAssignSecurity(NULL, audit, &d, FALSE, &s, &m, PagedPool), STATUS_PRIVILEGE_NOT_HELD); /* S-71 */
	STATUS(SeAssignSecurityEx(NULL, audit, &d, NULL, FALSE, SEF_AVOID_PRIVILEGE_CHECK, &s, &m, PagedPool), STATUS_SUCCESS);
	STATUS(SeDeassignSecurity(&d), STATUS_SUCCESS);
	STATUS(SeAssignSecurity(none, NULL, &d, FALSE, &s, &m, PagedPool), STATUS_ACCESS_VIOLATION);
	STATUS(SeAssignSecurity(parent, NULL, readonly, FALSE, &s, &m, PagedPool), STATUS_ACCESS_VIOLATION);
	SeReleaseSubjectContext(&s);
	SeCaptureSubjectContext(&s); /* the process's token alone is a subject */
	STATUS(SeAssignSecurity(parent, NULL, &d, FALSE, &s, &m, PagedPool), STATUS_SUCCESS);
	STATUS(SeDeassignSecurity(&d), STATUS_SUCCESS);
	SeReleaseSubjectContext(&s);
	PsDereferenceImpersonationToken(a);
}

static void changed(void)
{
	GENERIC_MAPPING m = {1, 2, 4, 7};
	PSECURITY_DESCRIPTOR old = sddl("O:BAG:SYD:(A;;CC;;;WD)"), change = sddl("O:SYG:BUD:(A;;GW;;;BU)"), d = old;
	SECURITY_INFORMATION part = DACL_SECURITY_INFORMATION;
	STATUS(SeSetSecurityDescriptorInfo(NULL, &part, change, &d, PagedPool, &m), STATUS_SUCCESS);
	CHECK(d != old); /* the old one stays the caller's */
	CHECK(reads(d, 7, "O:BAG:SYD:(A;;DC;;;BU)"));
	CHECK(reads(old, 7, "O:BAG:SYD:(A;;CC;;;WD)"));
	char room[200];
	ULONG n = 0, want;
	part = OWNER_SECURITY_INFORMATION;
	STATUS(SeQuerySecurityDescriptorInfo(&part, room, &n, &d), STATUS_BUFFER_TOO_SMALL);
	want = n;
	SAME(want, 20 + 16);
	STATUS(SeQuerySecurityDescriptorInfo(&part, room, &n, &d), STATUS_SUCCESS);
	SAME(n, want);
	CHECK(reads(room, 7, "O:BA"));
	STATUS(SeQuerySecurityDescriptorInfo(none, room, &n, &d), STATUS_ACCESS_VIOLATION);
	STATUS(SeQuerySecurityDescriptorInfo(&part, none, &n, &d), STATUS_ACCESS_VIOLATION);
	STATUS(SeQuerySecurityDescriptorInfo(&part, room, &n, none), STATUS_ACCESS_VIOLATION);
	/* as the client the owner cannot be bob */
	PACCESS_TOKEN a = token_of(alice, TokenImpersonation, SecurityImpersonation);
	PSECURITY_DESCRIPTOR bobs = sddl("O:S-1-5-21-7-7-7-1002"), second = d;
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	STATUS(SeSetSecurityDescriptorInfo(NULL, &part, bobs, &second, PagedPool, &m), STATUS_INVALID_OWNER); /* S-73 */
	CHECK(second == d);
	STATUS(SeSetSecurityDescriptorInfoEx(NULL, &part, bobs, &second, SEF_AVOID_OWNER_CHECK, PagedPool, &m),
		STATUS_SUCCESS);
	STATUS(SeSetSecurityDescriptorInfoEx(NULL, none, bobs, &d, SEF_AVOID_OWNER_CHECK, PagedPool, &m),
		STATUS_ACCESS_VIOLATION);
	STATUS(SeDeassignSecurity(&second), STATUS_SUCCESS);
	PsRevertToSelf();
	PsDereferenceImpersonationToken(a);
	second = NULL;
	STATUS(SeSetSecurityDescriptorInfo(NULL, &part, change, &second, PagedPool, &m), STATUS_NO_SECURITY_ON_OBJECT);
	n = sizeof room;
	STATUS(SeQuerySecurityDescriptorInfo(&part, room, &n, &second), STATUS_SUCCESS);
	SAME(n, 20); /* one without parts (O-64) */
	CHECK(((PISECURITY_DESCRIPTOR_RELATIVE)room)->Control & SE_SELF_RELATIVE);
	SAME(((PISECURITY_DESCRIPTOR_RELATIVE)room)->Owner, 0);
	STATUS(SeDeassignSecurity(&d), STATUS_SUCCESS);
}

static void valid(void)
{
	union { ULONG n[64]; SECURITY_DESCRIPTOR_RELATIVE d; } room;
	PSECURITY_DESCRIPTOR d = sddl("O:BAG:SYD:(A;;CC;;;WD)S:(AU;SA;CC;;;WD)");
	ULONG n = RtlLengthSecurityDescriptor(d);
	CHECK(SeValidSecurityDescriptor(n, d));
	for (ULONG k = 0; k < n; k++)
		CHECK(!SeValidSecurityDescriptor(k, d)); /* every cut is noticed */
	memcpy(&room, d, n);
	room.d.Owner = 0; /* S-22: there must be an owner */
	CHECK(!SeValidSecurityDescriptor(n, &room));
	memcpy(&room, d, n);
	room.d.Revision = 2;
	CHECK(!SeValidSecurityDescriptor(n, &room));
	memcpy(&room, d, n);
	room.d.Control &= ~SE_SELF_RELATIVE;
	CHECK(!SeValidSecurityDescriptor(n, &room));
	memcpy(&room, d, n);
	room.d.Dacl += 2;
	CHECK(!SeValidSecurityDescriptor(n, &room));
	memcpy(&room, d, n);
	room.d.Group = n - 4;
	CHECK(!SeValidSecurityDescriptor(n, &room));
	CHECK(!SeValidSecurityDescriptor(64, NULL));
	CHECK(!SeValidSecurityDescriptor(64, none));
}

void test_kdescriptors(void)
{
	assigned();
	changed();
	valid();
}
