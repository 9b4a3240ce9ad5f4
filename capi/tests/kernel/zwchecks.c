/* Checks and handles of the services with previous mode kernel. */
#include "kernel.h"

/* Checks: nothing is compared for kernel mode (A-31, AC-063), which needs no token of a special kind either. */
static void checking(void)
{
	PSECURITY_DESCRIPTOR empty = sddl("O:SYG:SYD:");
	GENERIC_MAPPING m = {0x1, 0x2, 0x4, 0xF003F};
	for (int level = SecurityAnonymous; level <= SecurityDelegation; level++) {
		HANDLE k = logon(alice, TokenImpersonation, level), u;
		PRIVILEGE_SET set;
		ULONG n = sizeof set;
		ACCESS_MASK granted = 0;
		NTSTATUS st = 99;
		STATUS(ZwAccessCheck(empty, k, MAXIMUM_ALLOWED | 1, &m, &set, &n, &granted, &st), STATUS_SUCCESS);
		STATUS(st, STATUS_SUCCESS);
		SAME(granted, 0xF003F);
		/* the same question in user mode: the kernel handle is invalid, and the level and the list count (IC-40) */
		STATUS(NtAccessCheck(empty, k, 1, &m, &set, &n, &granted, &st), STATUS_INVALID_HANDLE);
		STATUS(ZwDuplicateObject(ZwCurrentProcess(), k, ZwCurrentProcess(), &u, TOKEN_ALL_ACCESS, 0, 0), STATUS_SUCCESS);
		n = sizeof set;
		NTSTATUS want = level < SecurityIdentification ? STATUS_BAD_IMPERSONATION_LEVEL : STATUS_SUCCESS;
		STATUS(NtAccessCheck(empty, u, 1, &m, &set, &n, &granted, &st), want);
		if (!want)
			STATUS(st, STATUS_ACCESS_DENIED);
		STATUS(ZwCompareObjects(k, u), STATUS_SUCCESS);
		STATUS(NtCompareObjects(k, u), STATUS_INVALID_HANDLE);
		OBJECT_BASIC_INFORMATION info;
		STATUS(ZwQueryObject(k, ObjectBasicInformation, &info, sizeof info, NULL), STATUS_SUCCESS);
		SAME(info.HandleCount, 2);
		SAME(info.GrantedAccess, TOKEN_ALL_ACCESS);
		BOOLEAN equal = 9, held = 9;
		STATUS(ZwCompareTokens(k, u, &equal), STATUS_SUCCESS);
		SAME(equal, TRUE);
		PRIVILEGE_SET change = {1, PRIVILEGE_SET_ALL_NECESSARY, {{SeExports->SeChangeNotifyPrivilege, 0}}};
		STATUS(ZwPrivilegeCheck(k, &change, &held), level < SecurityIdentification ? STATUS_BAD_IMPERSONATION_LEVEL
			: STATUS_SUCCESS);
		SAME(held, level < SecurityIdentification ? 9 : TRUE);
		PVOID o;
		STATUS(ObReferenceObjectByHandle(k, 0, *SeTokenObjectType, UserMode, &o, NULL), STATUS_INVALID_HANDLE); /* O-31 (2) */
		STATUS(NtClose(u), STATUS_SUCCESS);
		STATUS(ZwClose(k), STATUS_SUCCESS);
	}
}

/* Filtering by handle; a protected handle is not closed. */
static void handles(void)
{
	HANDLE k = logon(alice, TokenImpersonation, SecurityImpersonation), f;
	TOKEN_GROUPS world = {1, {{SeExports->SeWorldSid, 0}}};
	STATUS(ZwFilterToken(k, 0x10, NULL, NULL, NULL, &f), STATUS_INVALID_PARAMETER);
	STATUS(ZwFilterToken(k, 0, NULL, NULL, &world, &f), STATUS_SUCCESS);
	PACCESS_TOKEN t = referenced(f);
	CHECK(SeTokenIsRestricted(t));
	PsDereferenceImpersonationToken(t);
	OBJECT_HANDLE_FLAG_INFORMATION flags = {FALSE, TRUE};
	STATUS(ZwSetInformationObject(k, ObjectHandleFlagInformation, &flags, sizeof flags), STATUS_SUCCESS);
	OBJECT_HANDLE_INFORMATION info;
	STATUS(ObReferenceObjectByHandle(k, 0, NULL, KernelMode, (PVOID *)&t, &info), STATUS_SUCCESS);
	SAME(info.HandleAttributes, OBJ_PROTECT_CLOSE);
	ObDereferenceObject(t);
	STATUS(ZwClose(k), STATUS_HANDLE_NOT_CLOSABLE);
	flags.ProtectFromClose = FALSE;
	STATUS(ZwSetInformationObject(k, ObjectHandleFlagInformation, &flags, sizeof flags), STATUS_SUCCESS);
	STATUS(ZwClose(k), STATUS_SUCCESS);
	/* processes and threads by their ids */
	CLIENT_ID id = {PsGetCurrentProcessId(), NULL};
	OBJECT_ATTRIBUTES a;
	PVOID o;
	InitializeObjectAttributes(&a, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
	STATUS(ZwOpenProcess(&k, PROCESS_ALL_ACCESS, &a, &id), STATUS_SUCCESS);
	STATUS(ObReferenceObjectByHandle(k, 0, *PsProcessType, KernelMode, &o, NULL), STATUS_SUCCESS);
	CHECK(o == MINE);
	ObDereferenceObject(o);
	STATUS(ZwOpenProcessTokenEx(k, TOKEN_QUERY, OBJ_KERNEL_HANDLE, &f), STATUS_SUCCESS);
	STATUS(ZwClose(f), STATUS_SUCCESS);
	STATUS(ZwClose(k), STATUS_SUCCESS);
	id.UniqueThread = PsGetCurrentThreadId();
	STATUS(ZwOpenThread(&k, THREAD_QUERY_INFORMATION, &a, &id), STATUS_SUCCESS);
	STATUS(ObReferenceObjectByHandle(k, THREAD_SET_THREAD_TOKEN, *PsThreadType, KernelMode, &o, NULL), STATUS_SUCCESS);
	CHECK(o == ME);
	ObDereferenceObject(o);
	STATUS(ZwClose(k), STATUS_SUCCESS);
	id.UniqueProcess = (HANDLE)0x7FFFFFF0;
	STATUS(ZwOpenProcess(&k, PROCESS_ALL_ACCESS, &a, &id), STATUS_INVALID_CID);
	id = (CLIENT_ID){(HANDLE)4, NULL}; /* the System process: kernel mode is not asked */
	STATUS(ZwOpenProcess(&k, PROCESS_ALL_ACCESS, &a, &id), STATUS_SUCCESS);
	STATUS(ZwClose(k), STATUS_SUCCESS);
}

void test_zw_checks(void)
{
	checking();
	handles();
}
