/* Bad pointers: a status, never a fault, and before any handle is looked at (O-3). */
#include "check.h"
#include <sys/mman.h>

static void *bad[6];
#define EACH_BAD(p) for (int i_ = 0; i_ < 6; i_++) for (void *p = bad[i_], *once_ = &p; once_; once_ = NULL)

static const GENERIC_MAPPING mapping = {0x120089, 0x120116, 0x1200a0, 0x1f01ff};

static void outputs(void)
{
	HANDLE own = process_token(TOKEN_ALL_ACCESS), imp = client(SecurityImpersonation);
	HANDLE handles[] = {own, NULL, (HANDLE)0xdeadbeec};
	CHECK(SetThreadToken(NULL, imp));
	EACH_BAD(p) for (int i = 0; i < 3; i++) {
		HANDLE h = handles[i]; /* the pointer is looked at before the handle */
		STATUS(NtOpenProcessToken(i ? h : NtCurrentProcess(), TOKEN_QUERY, p), STATUS_ACCESS_VIOLATION);
		STATUS(NtOpenProcessTokenEx(i ? h : NtCurrentProcess(), TOKEN_QUERY, 0, p), STATUS_ACCESS_VIOLATION);
		STATUS(NtOpenThreadToken(i ? h : NtCurrentThread(), TOKEN_QUERY, TRUE, p), STATUS_ACCESS_VIOLATION);
		STATUS(NtOpenThreadTokenEx(i ? h : NtCurrentThread(), TOKEN_QUERY, TRUE, 0, p), STATUS_ACCESS_VIOLATION);
		STATUS(NtDuplicateToken(h, 0, NULL, FALSE, TokenPrimary, p), STATUS_ACCESS_VIOLATION);
		STATUS(NtFilterToken(h, 0, NULL, NULL, NULL, p), STATUS_ACCESS_VIOLATION);
		STATUS(NtCompareTokens(h, h, p), STATUS_ACCESS_VIOLATION); /* OC-46's rule: the pointer first */
	}
	CHECK(RevertToSelf());
	EACH_BAD(p) {
		OBJECT_ATTRIBUTES oa;
		CLIENT_ID id = {0};
		InitializeObjectAttributes(&oa, NULL, 0, NULL, NULL);
		STATUS(NtOpenProcess(p, PROCESS_ALL_ACCESS, &oa, &id), STATUS_ACCESS_VIOLATION);
		STATUS(NtOpenThread(p, THREAD_ALL_ACCESS, &oa, &id), STATUS_ACCESS_VIOLATION);
		STATUS(NtCreateEvent(p, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE), STATUS_ACCESS_VIOLATION);
		STATUS(NtOpenEvent(p, EVENT_ALL_ACCESS, &oa), STATUS_ACCESS_VIOLATION);
		STATUS(NtAllocateLocallyUniqueId(p), STATUS_ACCESS_VIOLATION);
		STATUS(NtCreateDirectoryObject(p, 1, &oa), STATUS_ACCESS_VIOLATION);
		STATUS(NtCreateJobObject(p, 1, &oa), STATUS_ACCESS_VIOLATION);
		STATUS(NtOpenFile(&own, FILE_READ_DATA, &oa, p, 0, 0), STATUS_ACCESS_VIOLATION);
	}
	CLIENT_ID id = {(HANDLE)(uintptr_t)GetCurrentProcessId(), NULL};
	HANDLE h = (HANDLE)0x55;
	STATUS(NtOpenProcess(&h, PROCESS_QUERY_INFORMATION, NULL, &id), STATUS_ACCESS_VIOLATION); /* O-37 */
	SAME((uintptr_t)h, 0); /* O-5 */
	STATUS(NtCompareTokens(NULL, NULL, NULL), STATUS_ACCESS_VIOLATION); /* T-100 */
	FAILS(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, NULL), ERROR_NOACCESS);
	CHECK(CloseHandle(imp));
	CHECK(CloseHandle(own));
}

static void inputs(void)
{
	HANDLE own = process_token(TOKEN_ALL_ACCESS), h = (HANDLE)0x55;
	OBJECT_ATTRIBUTES oa;
	SECURITY_QUALITY_OF_SERVICE qos = {sizeof qos, SecurityImpersonation, 0, 0};
	ULONG n;
	char buffer[512];
	EACH_BAD(p) {
		if (p && p != readonly) { /* an input may lie on a read-only page */
			STATUS(NtDuplicateToken(own, 0, p, FALSE, TokenPrimary, &h), STATUS_ACCESS_VIOLATION);
			InitializeObjectAttributes(&oa, NULL, 0, NULL, NULL);
			oa.SecurityQualityOfService = p;
			STATUS(NtDuplicateToken(own, 0, &oa, FALSE, TokenPrimary, &h), STATUS_ACCESS_VIOLATION);
			InitializeObjectAttributes(&oa, NULL, 0, NULL, p);
			STATUS(NtDuplicateToken(own, 0, &oa, FALSE, TokenPrimary, &h), STATUS_ACCESS_VIOLATION);
			STATUS(NtAdjustPrivilegesToken(own, FALSE, p, 0, NULL, NULL), STATUS_ACCESS_VIOLATION);
			STATUS(NtAdjustPrivilegesToken(NULL, TRUE, p, 0, NULL, NULL), STATUS_INVALID_HANDLE); /* T-71: not read */
			STATUS(NtFilterToken(own, 0, p, NULL, NULL, &h), STATUS_ACCESS_VIOLATION);
			STATUS(NtFilterToken(own, 0, NULL, p, NULL, &h), STATUS_ACCESS_VIOLATION);
			STATUS(NtFilterToken(own, 0, NULL, NULL, p, &h), STATUS_ACCESS_VIOLATION);
			STATUS(NtSetSecurityObject(own, DACL_SECURITY_INFORMATION, p), STATUS_ACCESS_VIOLATION);
			STATUS(NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, p, 8), STATUS_ACCESS_VIOLATION);
			STATUS(NtSetInformationObject(own, 4 /* the flags */, p, 2), STATUS_ACCESS_VIOLATION);
			TOKEN_OWNER owner = {p};
			STATUS(NtSetInformationToken(own, TokenOwner, &owner, sizeof owner), STATUS_ACCESS_VIOLATION);
			STATUS(NtSetInformationToken(own, TokenOwner, p, sizeof owner), STATUS_ACCESS_VIOLATION);
		}
		STATUS(NtQueryInformationToken(own, TokenUser, p, 100, &n), STATUS_ACCESS_VIOLATION);
		/* T-80: NULL too */
		STATUS(NtQueryInformationToken(own, TokenUser, buffer, sizeof buffer, p), STATUS_ACCESS_VIOLATION);
		STATUS(NtQueryInformationToken(NULL, TokenUser, buffer, sizeof buffer, p), STATUS_ACCESS_VIOLATION);
		/* T-80: the class first */
		STATUS(NtQueryInformationToken(NULL, 99, buffer, sizeof buffer, p), STATUS_INVALID_INFO_CLASS);
		STATUS(NtQuerySecurityObject(own, DACL_SECURITY_INFORMATION, buffer, sizeof buffer, p), STATUS_ACCESS_VIOLATION);
		STATUS(NtQuerySecurityObject(NULL, DACL_SECURITY_INFORMATION, p, 64, &n), STATUS_ACCESS_VIOLATION);
		STATUS(NtPrivilegeCheck(own, p, (PBOOLEAN)buffer), STATUS_ACCESS_VIOLATION);
	}
	/* O-65: NULL is no descriptor, and comes before the handle */
	STATUS(NtSetSecurityObject(NULL, DACL_SECURITY_INFORMATION, NULL), STATUS_ACCESS_VIOLATION);
	SAME((uintptr_t)h, 0); /* O-5, Observed: NULL on a failure past the probe */
	/* T-40: the type comes before any memory */
	STATUS(NtDuplicateToken(NULL, 0, UNMAPPED, FALSE, 0, UNMAPPED), STATUS_INVALID_PARAMETER);
	STATUS(NtDuplicateToken(NULL, 0, UNMAPPED, FALSE, 3, UNMAPPED), STATUS_INVALID_PARAMETER);
	InitializeObjectAttributes(&oa, NULL, 0, NULL, NULL);
	oa.Length = 24;
	STATUS(NtDuplicateToken(own, 0, &oa, FALSE, TokenPrimary, &h), STATUS_INVALID_PARAMETER);
	oa.Length = sizeof oa;
	oa.SecurityQualityOfService = &qos;
	qos.ImpersonationLevel = 4;
	STATUS(NtDuplicateToken(own, 0, &oa, FALSE, TokenPrimary, &h), STATUS_INVALID_PARAMETER);
	qos.ImpersonationLevel = 3;
	qos.Length = 8;
	STATUS(NtDuplicateToken(own, 0, &oa, FALSE, TokenPrimary, &h), STATUS_INVALID_PARAMETER);
	/* a count that no memory stands behind */
	TOKEN_GROUPS *lie = (TOKEN_GROUPS *)buffer;
	lie->GroupCount = 0xffffffff;
	STATUS(NtFilterToken(own, 0, lie, NULL, NULL, &h), STATUS_ACCESS_VIOLATION);
	CHECK(CloseHandle(own));
}

/* Outputs at multiples of less than four. Those of eight bytes need no more. */
static void misaligned(void)
{
	_Alignas(8) char buffer[128];
	ULONG n;
	STATUS(NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY, (PHANDLE)(buffer + 1)), STATUS_DATATYPE_MISALIGNMENT);
	STATUS(NtQueryInformationToken(NULL, TokenUser, buffer + 1, 100, &n), STATUS_DATATYPE_MISALIGNMENT);
	STATUS(NtQueryInformationProcess(NULL, ProcessBasicInformation, buffer + 1, 48, NULL), STATUS_DATATYPE_MISALIGNMENT);
	STATUS(NtAdjustPrivilegesToken(NULL, TRUE, NULL, 16, (PTOKEN_PRIVILEGES)(buffer + 1), &n),
		STATUS_DATATYPE_MISALIGNMENT);
	STATUS(NtAllocateLocallyUniqueId((PLUID)(buffer + 4)), STATUS_SUCCESS);
}

static void check_types(PSECURITY_DESCRIPTOR d, HANDLE t, PGENERIC_MAPPING m, PPRIVILEGE_SET set)
{
	ULONG n = 20;
	ACCESS_MASK granted;
	NTSTATUS access;
	/* an object type list that points nowhere */
	OBJECT_TYPE_LIST list = {0, 0, UNMAPPED};
	STATUS(NtAccessCheckByType(d, NULL, t, 1, &list, 1, m, set, &n, &granted, &access), STATUS_ACCESS_VIOLATION);
	list.ObjectType = NULL;
	/* an entry of the tree without a type */
	STATUS(NtAccessCheckByType(d, NULL, t, 1, &list, 1, m, set, &n, &granted, &access), STATUS_INVALID_PARAMETER);
	/* one entry is said to be there, and is not */
	STATUS(NtAccessCheckByType(d, NULL, t, 1, NULL, 1, m, set, &n, &granted, &access), STATUS_INVALID_PARAMETER);
	/* an empty list fails the call before all else */
	STATUS(NtAccessCheckByTypeResultList(d, NULL, t, 1, NULL, 0, m, set, &n, &granted, &access), STATUS_INVALID_PARAMETER);
}

/* AC-058 to AC-062, and the other outputs of a check. */
static void check_outputs(void)
{
	PSECURITY_DESCRIPTOR d = sddl("O:BAG:SYD:(A;;0x1;;;WD)");
	HANDLE t = client(SecurityIdentification);
	char room[64];
	PPRIVILEGE_SET set = (PPRIVILEGE_SET)room;
	ULONG n;
	ACCESS_MASK granted = 0x1234;
	NTSTATUS access = 0x1234;
	PGENERIC_MAPPING m = (PGENERIC_MAPPING)&mapping;
	n = 20;
	STATUS(NtAccessCheck(d, t, GENERIC_READ, m, NULL, &n, &granted, &access), STATUS_ACCESS_VIOLATION); /* AC-058 */
	n = 0;
	STATUS(NtAccessCheck(d, t, 1, m, NULL, &n, &granted, &access), STATUS_BUFFER_TOO_SMALL); /* AC-059 */
	SAME(n, 20);
	for (ULONG l = 1; l <= 19; l += 18) { /* AC-060 */
		n = l;
		STATUS(NtAccessCheck(d, t, 1, m, set, &n, &granted, &access), STATUS_BUFFER_TOO_SMALL);
		SAME(n, 20);
	}
	static const ULONG lengths[] = {1, 19, 20};
	for (int i = 0; i < 3; i++) { /* AC-061 */
		n = lengths[i];
		STATUS(NtAccessCheck(d, t, 1, m, NULL, &n, &granted, &access), STATUS_ACCESS_VIOLATION);
		SAME(n, lengths[i]);
	}
	SAME(granted, 0x1234);
	SAME(access, 0x1234);
	EACH_BAD(p) {
		n = 20;
		if (p != readonly)
			STATUS(NtAccessCheck(d, t, 1, p, set, &n, &granted, &access), STATUS_ACCESS_VIOLATION);
		STATUS(NtAccessCheck(d, t, 1, m, p, &n, &granted, &access), STATUS_ACCESS_VIOLATION);
		STATUS(NtAccessCheck(d, t, 1, m, set, p, &granted, &access), STATUS_ACCESS_VIOLATION);
		STATUS(NtAccessCheck(d, t, 1, m, set, &n, p, &access), STATUS_ACCESS_VIOLATION);
		STATUS(NtAccessCheck(d, t, 1, m, set, &n, &granted, p), STATUS_ACCESS_VIOLATION);
		if (p && p != readonly)
			STATUS(NtAccessCheck(p, t, 1, m, set, &n, &granted, &access), STATUS_ACCESS_VIOLATION); /* */
		STATUS(NtAccessCheckByType(d, NULL, t, 1, NULL, 0, m, set, &n, p, &access), STATUS_ACCESS_VIOLATION);
	}
	n = 64;
	memset(room, 0xff, sizeof room);
	STATUS(NtAccessCheck(d, t, 1, m, set, &n, &granted, &access), STATUS_SUCCESS);
	SAME(n, 64); /* the length stays */
	SAME(granted, 1);
	SAME(access, 0);
	n = 20;
	STATUS(NtAccessCheck(d, t, 1, m, set, &n, &granted, &access), STATUS_SUCCESS); /* AC-062 */
	SAME(n, 20);
	SAME(set->PrivilegeCount, 0);
	SAME(set->Control, 0);
	check_types(d, t, m, set);
	FAILS(AccessCheck(d, t, 1, m, set, &n, &granted, NULL), ERROR_NOACCESS);
	CHECK(CloseHandle(t));
}

/* A buffer that ends at a page that no access may touch is used to its last byte. */
static void edges(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(pages + 4096, 4096, PROT_NONE);
	HANDLE own = process_token(TOKEN_QUERY), *out = (HANDLE *)(pages + 4088);
	ULONG n, need = 0;
	STATUS(NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY, out), STATUS_SUCCESS);
	STATUS(NtClose(*out), STATUS_SUCCESS);
	STATUS(NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY, (PHANDLE)(pages + 4092)), STATUS_ACCESS_VIOLATION);
	STATUS(NtQueryInformationToken(own, TokenGroups, NULL, 0, &need), STATUS_BUFFER_TOO_SMALL);
	STATUS(NtQueryInformationToken(own, TokenGroups, pages + 4096 - need, need, &n), STATUS_SUCCESS);
	STATUS(NtQueryInformationToken(own, TokenGroups, pages + 4096 - need, need + 4, &n), STATUS_ACCESS_VIOLATION);
	STATUS(NtQueryInformationToken(own, TokenGroups, pages + 4096 - need + 4, need - 4, &n), STATUS_BUFFER_TOO_SMALL);
	/* a SID whose last sub-authority is not there */
	SID_IDENTIFIER_AUTHORITY nt = SECURITY_NT_AUTHORITY;
	SID *s = (SID *)(pages + 4096 - 12);
	STATUS(RtlInitializeSid(s, &nt, 1), STATUS_SUCCESS);
	s->SubAuthorityCount = 2;
	TOKEN_GROUPS g = {1, {{s, 0}}};
	HANDLE all = process_token(TOKEN_ALL_ACCESS), h;
	STATUS(NtFilterToken(all, 0, &g, NULL, NULL, &h), STATUS_ACCESS_VIOLATION);
	s->SubAuthorityCount = 16;
	STATUS(NtFilterToken(all, 0, &g, NULL, NULL, &h), STATUS_INVALID_SID);
	CHECK(CloseHandle(all));
	CHECK(CloseHandle(own));
	/* room for one of two results is refused before the token */
	GUID root = {1, 0, 0, {0}}, leaf = {2, 0, 0, {0}};
	OBJECT_TYPE_LIST types[] = {{0, 0, &root}, {1, 0, &leaf}};
	GENERIC_MAPPING mapping = {1, 2, 4, 7};
	PRIVILEGE_SET set;
	PACCESS_MASK granted = (PACCESS_MASK)(pages + 4092);
	NTSTATUS access[2];
	n = sizeof set;
	STATUS(NtAccessCheckByTypeResultList(sddl("D:"), NULL, NULL, 1, types, 2, &mapping, &set, &n, granted, access),
		STATUS_ACCESS_VIOLATION);
	STATUS(NtAccessCheckByTypeResultList(sddl("D:"), NULL, NULL, 1, types, 2, &mapping, &set, &n, (PACCESS_MASK)access,
		(NTSTATUS *)granted), STATUS_ACCESS_VIOLATION);
	STATUS(NtAccessCheckByType(sddl("D:"), NULL, NULL, 1, types, 2, &mapping, &set, &n, granted, access),
		STATUS_INVALID_HANDLE);
	/* half of a status block is refused before the handle */
	STATUS(NtCancelIoFile(NULL, (PIO_STATUS_BLOCK)(pages + 4088)), STATUS_ACCESS_VIOLATION);
	STATUS(NtCancelIoFile(NULL, (PIO_STATUS_BLOCK)(pages + 4)), STATUS_INVALID_HANDLE);
	STATUS(NtQueryInformationFile(NULL, (PIO_STATUS_BLOCK)pages, pages + 4092, 8, FilePipeInformation),
		STATUS_ACCESS_VIOLATION);
	/* a list that can be read only */
	SID world = {SID_REVISION, 1, SECURITY_WORLD_SID_AUTHORITY, {SECURITY_WORLD_RID}};
	STATUS(RtlCreateAcl((PACL)pages, 64, ACL_REVISION), STATUS_SUCCESS);
	mprotect(pages, 4096, PROT_READ);
	STATUS(RtlAddAccessAllowedAce((PACL)pages, ACL_REVISION, 1, &world), STATUS_ACCESS_VIOLATION);
	munmap(pages, 8192);
}

void test_pointers(void)
{
	void *list[] = {NULL, UNMAPPED, KERNEL, NONCANONICAL, readonly, none};
	memcpy(bad, list, sizeof bad);
	outputs();
	inputs();
	misaligned();
	check_outputs();
	edges();
}
