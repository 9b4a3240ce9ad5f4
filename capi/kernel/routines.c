/* Routines that need no kernel, and the variables. */
#include <stdlib.h>
#include <string.h>
#include "internal.h"

PEPROCESS PsInitialSystemProcess = RM_SYSTEM_PROCESS;

static POBJECT_TYPE token = RM_OBJECT_TYPE(RM_TYPE_TOKEN), process = RM_OBJECT_TYPE(RM_TYPE_PROCESS),
	thread = RM_OBJECT_TYPE(RM_TYPE_THREAD);
static POBJECT_TYPE job = RM_OBJECT_TYPE(RM_TYPE_JOB), event = RM_OBJECT_TYPE(RM_TYPE_EVENT),
	file = RM_OBJECT_TYPE(RM_TYPE_FILE);
POBJECT_TYPE *SeTokenObjectType = &token, *PsProcessType = &process, *PsThreadType = &thread;
POBJECT_TYPE *PsJobType = &job, *ExEventObjectType = &event, *IoFileObjectType = &file;

PEPROCESS NTAPI IoGetCurrentProcess(void) { return PsGetCurrentProcess(); }

PRKTHREAD NTAPI KeGetCurrentThread(void) { return (PRKTHREAD)PsGetCurrentThread(); }

BOOLEAN NTAPI IoIsSystemThread(PETHREAD t) { return PsIsSystemThread(t); }

HANDLE NTAPI PsGetCurrentProcessId(void) { return PsGetProcessId(PsGetCurrentProcess()); }

HANDLE NTAPI PsGetCurrentThreadId(void) { return PsGetThreadId(PsGetCurrentThread()); }

BOOLEAN NTAPI SeSinglePrivilegeCheck(LUID privilege, KPROCESSOR_MODE mode)
{
	return rm_single_privilege_check(&privilege, mode);
}

NTSTATUS NTAPI SeAssignSecurity(PSECURITY_DESCRIPTOR parent, PSECURITY_DESCRIPTOR explicit, PSECURITY_DESCRIPTOR *d,
	BOOLEAN directory, PSECURITY_SUBJECT_CONTEXT subject, PGENERIC_MAPPING mapping, POOL_TYPE pool)
{
	return SeAssignSecurityEx(parent, explicit, d, NULL, directory, 0, subject, mapping, pool);
}

NTSTATUS NTAPI SeSetSecurityDescriptorInfo(PVOID object, PSECURITY_INFORMATION information, PSECURITY_DESCRIPTOR change,
	PSECURITY_DESCRIPTOR *d, POOL_TYPE pool, PGENERIC_MAPPING mapping)
{
	return SeSetSecurityDescriptorInfoEx(object, information, change, d, 0, pool, mapping);
}

/* Frees a descriptor of SeAssignSecurity and sets the pointer to NULL. *d may be NULL. */
NTSTATUS NTAPI SeDeassignSecurity(PSECURITY_DESCRIPTOR *d)
{
	free(*d);
	*d = NULL;
	return STATUS_SUCCESS;
}

/* The privileges of an access state: in it, or behind its AuxData. */
static PPRIVILEGE_SET used(PACCESS_STATE s)
{
	return s->PrivilegesAllocated ? ((PAUX_ACCESS_DATA)s->AuxData)->PrivilegesUsed : &s->Privileges.PrivilegeSet;
}

/* Adds privileges to those of an access state; NULL adds none. If they do not fit into it and there is no AuxData or no
 * memory, it changes nothing and returns STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS NTAPI SeAppendPrivileges(PACCESS_STATE s, PPRIVILEGE_SET more)
{
	PPRIVILEGE_SET set = used(s);
	ULONG n = set->PrivilegeCount, m = more ? more->PrivilegeCount : 0;
	if (m > 0x10000 || n > 0x10000)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (n + m > INITIAL_PRIVILEGE_COUNT) {
		PAUX_ACCESS_DATA aux = s->AuxData;
		size_t size = sizeof(PRIVILEGE_SET) + (n + m) * sizeof(LUID_AND_ATTRIBUTES);
		PPRIVILEGE_SET p = aux ? realloc(s->PrivilegesAllocated ? set : NULL, size) : NULL;
		if (!p)
			return STATUS_INSUFFICIENT_RESOURCES;
		if (!s->PrivilegesAllocated)
			memcpy(p, set, sizeof(INITIAL_PRIVILEGE_SET));
		aux->PrivilegesUsed = set = p;
		s->PrivilegesAllocated = TRUE;
	}
	if (m)
		memcpy(&set->Privilege[n], more->Privilege, m * sizeof *more->Privilege);
	set->PrivilegeCount = n + m;
	return STATUS_SUCCESS;
}

void NTAPI SeDeleteAccessState(PACCESS_STATE s)
{
	if (s->PrivilegesAllocated) {
		free(used(s));
		s->PrivilegesAllocated = FALSE;
	}
	rm_delete_access_state(s);
}

void NTAPI SeFreePrivileges(PPRIVILEGE_SET p) { free(p); }

/* Frees a descriptor that ObGetObjectSecurity allocated. */
void NTAPI ObReleaseObjectSecurity(PSECURITY_DESCRIPTOR d, BOOLEAN allocated)
{
	if (allocated)
		free(d);
}

NTSTATUS NTAPI ObReferenceObjectByHandleWithTag(HANDLE h, ACCESS_MASK access, POBJECT_TYPE type, KPROCESSOR_MODE mode,
	ULONG tag, PVOID *object, POBJECT_HANDLE_INFORMATION info)
{
	(void)tag;
	return ObReferenceObjectByHandle(h, access, type, mode, object, info);
}

NTSTATUS NTAPI ObReferenceObjectByPointerWithTag(PVOID object, ACCESS_MASK access, POBJECT_TYPE type,
	KPROCESSOR_MODE mode, ULONG tag)
{
	(void)tag;
	return ObReferenceObjectByPointer(object, access, type, mode);
}

LONG_PTR NTAPI ObfReferenceObjectWithTag(PVOID object, ULONG tag)
{
	(void)tag;
	return ObfReferenceObject(object);
}

LONG_PTR NTAPI ObfDereferenceObjectWithTag(PVOID object, ULONG tag)
{
	(void)tag;
	return ObfDereferenceObject(object);
}

/* Nothing is locked that a deletion could want: it need not be deferred. */
void NTAPI ObDereferenceObjectDeferDelete(PVOID object) { ObfDereferenceObject(object); }

void NTAPI ObDereferenceObjectDeferDeleteWithTag(PVOID object, ULONG tag) { ObfDereferenceObjectWithTag(object, tag); }

/* Kernel handles have the top bit; the pseudo handles are not kernel handles. */
BOOLEAN NTAPI ObIsKernelHandle(HANDLE h) { return (intptr_t)h < -6; }

void NTAPI ExFreePool(PVOID p) { free(p); }

void NTAPI ExFreePoolWithTag(PVOID p, ULONG tag)
{
	(void)tag;
	free(p);
}
