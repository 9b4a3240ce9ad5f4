/* Objects by pointer (O-31 to O-35, O-44). */
#include "kernel.h"

enum { TAG = 0x74736554 };

static void pointers(void)
{
	CHECK(ME == PsGetCurrentThread());
	CHECK(MINE == IoGetCurrentProcess());
	CHECK(IoThreadToProcess(ME) == MINE);
	CHECK((void *)ME != (void *)MINE);
	CHECK((PETHREAD)KeGetCurrentThread() == ME);
	CHECK(!PsIsSystemThread(ME) && !IoIsSystemThread(ME));
	SAME((uintptr_t)PsGetThreadProcessId(ME), (uintptr_t)PsGetCurrentProcessId());
	SAME((uintptr_t)PsGetProcessId(PsInitialSystemProcess), 4);
	PVOID a, b;
	OBJECT_HANDLE_INFORMATION info;
	STATUS(ObReferenceObjectByHandle(ZwCurrentThread(), 0, *PsThreadType, KernelMode, &a, NULL), STATUS_SUCCESS);
	CHECK(a == ME);
	STATUS(ObReferenceObjectByHandle(ZwCurrentProcess(), 0, NULL, UserMode, &b, &info), STATUS_SUCCESS);
	CHECK(b == MINE);
	ObDereferenceObject(a);
	ObDereferenceObject(b);
	/* in this order: no such handle, another type, rights (O-31); kernel mode skips the rights only (O-32) */
	HANDLE h;
	STATUS(NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY, &h), STATUS_SUCCESS);
	a = (PVOID)1;
	STATUS(ObReferenceObjectByHandle((HANDLE)0x54320, TOKEN_DUPLICATE, *PsThreadType, UserMode, &a, NULL),
		STATUS_INVALID_HANDLE);
	STATUS(ObReferenceObjectByHandle(h, TOKEN_DUPLICATE, *PsThreadType, UserMode, &a, NULL), STATUS_OBJECT_TYPE_MISMATCH);
	STATUS(ObReferenceObjectByHandle(h, TOKEN_DUPLICATE, *PsThreadType, KernelMode, &a, NULL),
		STATUS_OBJECT_TYPE_MISMATCH);
	STATUS(ObReferenceObjectByHandle(h, TOKEN_DUPLICATE, *SeTokenObjectType, UserMode, &a, NULL), STATUS_ACCESS_DENIED);
	CHECK(a == (PVOID)1);
	STATUS(ObReferenceObjectByHandle(h, TOKEN_DUPLICATE, *SeTokenObjectType, KernelMode, &a, &info), STATUS_SUCCESS);
	SAME(info.GrantedAccess, TOKEN_QUERY);
	STATUS(ObReferenceObjectByHandle(h, 0, NULL, KernelMode, readonly, NULL), STATUS_ACCESS_VIOLATION);
	PACCESS_TOKEN mine = PsReferencePrimaryToken(MINE);
	CHECK(a == mine);
	STATUS(NtClose(h), STATUS_SUCCESS);
	/* references by pointer: the type is compared, user mode must name one */
	STATUS(ObReferenceObjectByPointer(a, 0, *SeTokenObjectType, KernelMode), STATUS_SUCCESS);
	STATUS(ObReferenceObjectByPointer(a, 0, NULL, KernelMode), STATUS_SUCCESS);
	STATUS(ObReferenceObjectByPointer(a, 0, *PsProcessType, KernelMode), STATUS_OBJECT_TYPE_MISMATCH);
	STATUS(ObReferenceObjectByPointer(a, 0, NULL, UserMode), STATUS_OBJECT_TYPE_MISMATCH);
	LONG_PTR n = ObReferenceObject(a);
	SAME(ObDereferenceObject(a), n - 1);
	ObDereferenceObject(a);
	ObDereferenceObject(a);
	ObDereferenceObject(a);
	PsDereferencePrimaryToken(mine);
}

/* The forms with a tag, and a name that goes with the last handle (O-44, O-46). */
static void forms(void)
{
	UNICODE_STRING name;
	OBJECT_ATTRIBUTES oa;
	HANDLE h, again;
	PVOID e;
	RtlInitUnicodeString(&name, u"\\BaseNamedObjects\\kernel-permanent");
	InitializeObjectAttributes(&oa, &name, OBJ_KERNEL_HANDLE | OBJ_PERMANENT, NULL, NULL);
	STATUS(ZwCreateEvent(&h, EVENT_ALL_ACCESS, &oa, NotificationEvent, FALSE), STATUS_SUCCESS);
	STATUS(ObReferenceObjectByHandleWithTag(h, 0, *ExEventObjectType, KernelMode, TAG, &e, NULL), STATUS_SUCCESS);
	STATUS(ObReferenceObjectByPointerWithTag(e, 0, *PsJobType, KernelMode, TAG), STATUS_OBJECT_TYPE_MISMATCH);
	STATUS(ObReferenceObjectByPointerWithTag(e, 0, *ExEventObjectType, KernelMode, TAG), STATUS_SUCCESS);
	LONG_PTR n = ObReferenceObjectWithTag(e, TAG);
	SAME(ObDereferenceObjectWithTag(e, TAG), n - 1);
	ObDereferenceObjectDeferDelete(e);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	oa.Attributes = OBJ_KERNEL_HANDLE;
	STATUS(ZwOpenEvent(&h, EVENT_QUERY_STATE, &oa), STATUS_SUCCESS); /* permanent */
	ObMakeTemporaryObject(e);
	STATUS(ZwOpenEvent(&again, EVENT_QUERY_STATE, &oa), STATUS_SUCCESS);
	STATUS(ZwClose(again), STATUS_SUCCESS);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	STATUS(ZwOpenEvent(&h, EVENT_QUERY_STATE, &oa), STATUS_OBJECT_NAME_NOT_FOUND);
	ObDereferenceObjectDeferDeleteWithTag(e, TAG);
}

/* An address belongs to one object for good. */
static void addresses(void)
{
	PACCESS_TOKEN first = token_of(alice, TokenImpersonation, SecurityImpersonation), last = first;
	CHECK(ObReferenceObjectSafe(first));
	ObDereferenceObject(first);
	PsDereferenceImpersonationToken(first);
	CHECK(!ObReferenceObjectSafe(first)); /* gone, and known to be */
	CHECK(!ObReferenceObjectSafe(&last));
	for (int i = 0; i < 3000; i++) { /* more than are kept in mind */
		PACCESS_TOKEN t = NULL;
		HANDLE h = NULL;
		if (NtOpenProcessToken(NtCurrentProcess(), TOKEN_DUPLICATE, &h) ||
			NtDuplicateToken(h, 0, NULL, FALSE, TokenImpersonation, &last))
			break;
		ObReferenceObjectByHandle(last, 0, NULL, KernelMode, &t, NULL);
		if (t == first || !t)
			CHECK(!"an address was used again");
		NtClose(h);
		NtClose(last);
		PsDereferenceImpersonationToken(t);
	}
	CHECK(ME == PsGetCurrentThread());
}

static void lookups(void)
{
	PEPROCESS p;
	PETHREAD t;
	STATUS(PsLookupProcessByProcessId(PsGetCurrentProcessId(), &p), STATUS_SUCCESS);
	CHECK(p == MINE);
	ObDereferenceObject(p);
	STATUS(PsLookupProcessByProcessId((HANDLE)4, &p), STATUS_SUCCESS);
	CHECK(p == PsInitialSystemProcess);
	ObDereferenceObject(p);
	STATUS(PsLookupThreadByThreadId(PsGetCurrentThreadId(), &t), STATUS_SUCCESS);
	CHECK(t == ME);
	SAME((uintptr_t)PsGetThreadId(t), (uintptr_t)PsGetCurrentThreadId());
	ObDereferenceObject(t);
	STATUS(PsLookupProcessByProcessId((HANDLE)0x7FFFFFF0, &p), STATUS_INVALID_PARAMETER);
	STATUS(PsLookupThreadByThreadId((HANDLE)0x7FFFFFF0, &t), STATUS_INVALID_PARAMETER);
	STATUS(PsLookupThreadByThreadId(PsGetCurrentProcessId(), &t), STATUS_INVALID_PARAMETER); /* a process */
	STATUS(PsLookupProcessByProcessId(PsGetCurrentThreadId(), &p), STATUS_INVALID_PARAMETER);
	STATUS(PsLookupProcessByProcessId(PsGetCurrentProcessId(), readonly), STATUS_ACCESS_VIOLATION);
}

static void opening(void)
{
	HANDLE k = logon(alice, TokenImpersonation, SecurityImpersonation), h = (HANDLE)1;
	STATUS(ZwSetSecurityObject(k, DACL_SECURITY_INFORMATION,
		sddl("O:SYG:SYD:(A;;0x8;;;BA)(A;;0xF01FF;;;S-1-5-21-7-7-7-1001)")), STATUS_SUCCESS);
	PACCESS_TOKEN a = referenced(k);
	OBJECT_HANDLE_INFORMATION info;
	PVOID o;
	/* kernel mode is granted what it asks, unless it wants to be asked */
	STATUS(ObOpenObjectByPointer(a, OBJ_KERNEL_HANDLE, NULL, TOKEN_ALL_ACCESS, *SeTokenObjectType, KernelMode, &h),
		STATUS_SUCCESS);
	CHECK(ObIsKernelHandle(h));
	STATUS(ObReferenceObjectByHandle(h, 0, NULL, KernelMode, &o, &info), STATUS_SUCCESS);
	CHECK(o == a);
	SAME(info.GrantedAccess, TOKEN_ALL_ACCESS);
	ObDereferenceObject(o);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	STATUS(ObOpenObjectByPointer(a, 0, NULL, MAXIMUM_ALLOWED, NULL, KernelMode, &h), STATUS_SUCCESS);
	CHECK(!ObIsKernelHandle(h));
	STATUS(NtClose(h), STATUS_SUCCESS);
	STATUS(ObOpenObjectByPointer(a, OBJ_KERNEL_HANDLE | OBJ_FORCE_ACCESS_CHECK, NULL, TOKEN_ALL_ACCESS, NULL, KernelMode,
		&h), STATUS_ACCESS_DENIED);
	STATUS(ObOpenObjectByPointer(a, OBJ_KERNEL_HANDLE | OBJ_FORCE_ACCESS_CHECK, NULL, TOKEN_QUERY, NULL, KernelMode, &h),
		STATUS_SUCCESS);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	/* user mode: the calling thread's context */
	STATUS(ObOpenObjectByPointer(a, 0, NULL, TOKEN_QUERY, NULL, UserMode, &h), STATUS_OBJECT_TYPE_MISMATCH);
	STATUS(ObOpenObjectByPointer(a, 0, NULL, TOKEN_QUERY, *PsThreadType, KernelMode, &h), STATUS_OBJECT_TYPE_MISMATCH);
	STATUS(ObOpenObjectByPointer(a, 0, NULL, TOKEN_ALL_ACCESS, *SeTokenObjectType, UserMode, &h), STATUS_ACCESS_DENIED);
	STATUS(ObOpenObjectByPointer(a, 0, NULL, TOKEN_QUERY, *SeTokenObjectType, UserMode, &h), STATUS_SUCCESS);
	STATUS(NtClose(h), STATUS_SUCCESS);
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityImpersonation), STATUS_SUCCESS);
	STATUS(ObOpenObjectByPointer(a, 0, NULL, TOKEN_QUERY | TOKEN_DUPLICATE, *SeTokenObjectType, UserMode, &h),
		STATUS_SUCCESS);
	STATUS(NtClose(h), STATUS_SUCCESS);
	/* an access state brings its own subject and what is still wanted */
	ACCESS_STATE s;
	STATUS(SeCreateAccessState(&s, NULL, TOKEN_DUPLICATE, NULL), STATUS_SUCCESS);
	PsRevertToSelf();
	STATUS(ObOpenObjectByPointer(a, 0, NULL, TOKEN_DUPLICATE, *SeTokenObjectType, UserMode, &h), STATUS_ACCESS_DENIED);
	STATUS(ObOpenObjectByPointer(a, 0, &s, 0, *SeTokenObjectType, UserMode, &h), STATUS_SUCCESS);
	STATUS(ObReferenceObjectByHandle(h, TOKEN_DUPLICATE, NULL, KernelMode, &o, &info), STATUS_SUCCESS);
	SAME(info.GrantedAccess, TOKEN_DUPLICATE);
	ObDereferenceObject(o);
	STATUS(NtClose(h), STATUS_SUCCESS);
	SeDeleteAccessState(&s);
	/* who may only be identified opens nothing by a descriptor, and everything without one (I-1, I-2, IC-37) */
	STATUS(PsImpersonateClient(ME, a, FALSE, FALSE, SecurityIdentification), STATUS_SUCCESS);
	STATUS(ObOpenObjectByPointer(a, 0, NULL, TOKEN_QUERY, *SeTokenObjectType, UserMode, &h),
		STATUS_BAD_IMPERSONATION_LEVEL);
	STATUS(ObOpenObjectByPointer(a, OBJ_KERNEL_HANDLE, NULL, TOKEN_QUERY, *SeTokenObjectType, KernelMode, &h),
		STATUS_SUCCESS);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	PsRevertToSelf();
	STATUS(ObOpenObjectByPointer(a, 0, NULL, TOKEN_QUERY, NULL, KernelMode, readonly), STATUS_ACCESS_VIOLATION);
	PsDereferenceImpersonationToken(a);
}

static void security(void)
{
	OBJECT_ATTRIBUTES oa;
	HANDLE h;
	PVOID e;
	PSECURITY_DESCRIPTOR d = (PVOID)1;
	BOOLEAN allocated = 9;
	InitializeObjectAttributes(&oa, NULL, OBJ_KERNEL_HANDLE, NULL, sddl("O:SYG:BUD:(A;;0x1;;;WD)"));
	STATUS(ZwCreateEvent(&h, EVENT_ALL_ACCESS, &oa, SynchronizationEvent, FALSE), STATUS_SUCCESS);
	STATUS(ObReferenceObjectByHandle(h, 0, *ExEventObjectType, KernelMode, &e, NULL), STATUS_SUCCESS);
	STATUS(ObGetObjectSecurity(e, &d, &allocated), STATUS_SUCCESS);
	LPSTR text;
	CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorA(d, SDDL_REVISION_1, 7, &text, NULL));
	CHECK(!strcmp(text, "O:SYG:BUD:(A;;CC;;;WD)"));
	LocalFree(text);
	ObReleaseObjectSecurity(d, allocated);
	STATUS(ZwSetSecurityObject(h, DACL_SECURITY_INFORMATION, sddl("D:")), STATUS_SUCCESS);
	STATUS(ObGetObjectSecurity(e, &d, &allocated), STATUS_SUCCESS);
	CHECK(SeValidSecurityDescriptor(RtlLengthSecurityDescriptor(d), d));
	SAME(((PISECURITY_DESCRIPTOR_RELATIVE)d)->Owner != 0, 1);
	ObReleaseObjectSecurity(d, allocated);
	STATUS(ObGetObjectSecurity(e, &d, NULL), STATUS_ACCESS_VIOLATION);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	/* the object lives on with its pointer (O-44) */
	STATUS(ObOpenObjectByPointer(e, OBJ_KERNEL_HANDLE, NULL, EVENT_ALL_ACCESS, *ExEventObjectType, KernelMode, &h),
		STATUS_SUCCESS);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	ObDereferenceObject(e);
	/* an object without a descriptor has no descriptor to get */
	oa.SecurityDescriptor = NULL;
	STATUS(ZwCreateEvent(&h, EVENT_ALL_ACCESS, &oa, SynchronizationEvent, FALSE), STATUS_SUCCESS);
	STATUS(ObReferenceObjectByHandle(h, 0, *ExEventObjectType, KernelMode, &e, NULL), STATUS_SUCCESS);
	STATUS(ObGetObjectSecurity(e, &d, &allocated), STATUS_SUCCESS);
	SAME(d != NULL, allocated);
	ObReleaseObjectSecurity(d, allocated);
	ObReleaseObjectSecurity(NULL, FALSE);
	ObDereferenceObject(e);
	STATUS(ZwClose(h), STATUS_SUCCESS);
	CHECK(RtlEqualSid(SeExports->SeNtAuthoritySid, SeExports->SeNtAuthoritySid));
	SAME(RtlLengthSid(SeExports->SeNtAuthoritySid), 8);
	SAME(RtlLengthSid(SeExports->SeAliasBackupOpsSid), 16);
	CHECK(RtlValidSid(SeExports->SeAllAppPackagesSid));
	SAME(SeExports->SeCreateSymbolicLinkPrivilege.LowPart, 35);
}

void test_kobjects(void)
{
	pointers();
	forms();
	addresses();
	lookups();
	opening();
	security();
}
