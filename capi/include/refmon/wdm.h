/* Kernel mode: the types of its routines, objects, work, threads and pool. */
#ifndef REFMON_WDM_H
#define REFMON_WDM_H

#include <refmon/security.h>
#include <refmon/status.h>
#include <refmon/nt.h>
#include <refmon/zw.h>
#include <refmon/rtl.h>

/* A routine that is answered by the kernel. */
#define REFMON_KERNEL REFMON_API

#define ZwCurrentProcess() NtCurrentProcess()
#define ZwCurrentThread() NtCurrentThread()

typedef CCHAR KPROCESSOR_MODE;
typedef enum _MODE { KernelMode, UserMode, MaximumMode } MODE;
typedef enum _POOL_TYPE { NonPagedPool, PagedPool, NonPagedPoolNx = 512 } POOL_TYPE;

typedef struct _ETHREAD *PETHREAD;
typedef struct _KTHREAD *PKTHREAD, *PRKTHREAD; /* the same pointer as PETHREAD */
typedef struct _EPROCESS *PEPROCESS;
typedef struct _OBJECT_TYPE *POBJECT_TYPE;
typedef PVOID PACCESS_TOKEN;
/* The rest of it is the system's; refmon uses none of that. */
typedef struct _AUX_ACCESS_DATA { PPRIVILEGE_SET PrivilegesUsed; } AUX_ACCESS_DATA, *PAUX_ACCESS_DATA;

typedef struct _SECURITY_SUBJECT_CONTEXT {
	PACCESS_TOKEN ClientToken; /* NULL: the thread does not impersonate */
	SECURITY_IMPERSONATION_LEVEL ImpersonationLevel;
	PACCESS_TOKEN PrimaryToken;
	PVOID ProcessAuditId;
} SECURITY_SUBJECT_CONTEXT, *PSECURITY_SUBJECT_CONTEXT;

typedef struct _TOKEN_CONTROL {
	LUID TokenId, AuthenticationId, ModifiedId;
	TOKEN_SOURCE TokenSource;
} TOKEN_CONTROL, *PTOKEN_CONTROL;

typedef struct _SECURITY_CLIENT_CONTEXT {
	SECURITY_QUALITY_OF_SERVICE SecurityQos;
	PACCESS_TOKEN ClientToken;
	BOOLEAN DirectlyAccessClientToken, DirectAccessEffectiveOnly, ServerIsRemote;
	TOKEN_CONTROL ClientTokenControl;
} SECURITY_CLIENT_CONTEXT, *PSECURITY_CLIENT_CONTEXT;

typedef struct _SE_IMPERSONATION_STATE {
	PACCESS_TOKEN Token;
	BOOLEAN CopyOnOpen, EffectiveOnly;
	SECURITY_IMPERSONATION_LEVEL Level;
} SE_IMPERSONATION_STATE, *PSE_IMPERSONATION_STATE;

#define INITIAL_PRIVILEGE_COUNT 3
typedef struct _INITIAL_PRIVILEGE_SET {
	ULONG PrivilegeCount, Control;
	LUID_AND_ATTRIBUTES Privilege[INITIAL_PRIVILEGE_COUNT];
} INITIAL_PRIVILEGE_SET, *PINITIAL_PRIVILEGE_SET;

typedef struct _ACCESS_STATE {
	LUID OperationID;
	BOOLEAN SecurityEvaluated, GenerateAudit, GenerateOnClose, PrivilegesAllocated;
	ULONG Flags;
	ACCESS_MASK RemainingDesiredAccess, PreviouslyGrantedAccess, OriginalDesiredAccess;
	SECURITY_SUBJECT_CONTEXT SubjectSecurityContext;
	PSECURITY_DESCRIPTOR SecurityDescriptor;
	PVOID AuxData;
	union { INITIAL_PRIVILEGE_SET InitialPrivilegeSet; PRIVILEGE_SET PrivilegeSet; } Privileges;
	BOOLEAN AuditPrivileges;
	UNICODE_STRING ObjectName, ObjectTypeName;
} ACCESS_STATE, *PACCESS_STATE;

#define TOKEN_HAS_TRAVERSE_PRIVILEGE 0x0001u

typedef struct _OBJECT_HANDLE_INFORMATION {
	ULONG HandleAttributes;
	ACCESS_MASK GrantedAccess;
} OBJECT_HANDLE_INFORMATION, *POBJECT_HANDLE_INFORMATION;

#define OBJ_PROTECT_CLOSE 0x00000001u

/* Objects. */
REFMON_KERNEL NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess,
	POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode, PVOID *Object, POBJECT_HANDLE_INFORMATION HandleInformation);
REFMON_KERNEL NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess,
	POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode);
REFMON_KERNEL LONG_PTR NTAPI ObfReferenceObject(PVOID Object);
REFMON_KERNEL BOOLEAN NTAPI ObReferenceObjectSafe(PVOID Object); /* FALSE for an object that is gone */
REFMON_KERNEL LONG_PTR NTAPI ObfDereferenceObject(PVOID Object);
#define ObReferenceObject(o) ObfReferenceObject(o)
#define ObDereferenceObject(o) ObfDereferenceObject(o)
REFMON_KERNEL NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes,
	PACCESS_STATE PassedAccessState, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
	PHANDLE Handle);
REFMON_KERNEL void NTAPI ObMakeTemporaryObject(PVOID Object);
REFMON_KERNEL NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode);
REFMON_API BOOLEAN NTAPI ObIsKernelHandle(HANDLE Handle);
REFMON_KERNEL NTSTATUS NTAPI ObGetObjectSecurity(PVOID Object, PSECURITY_DESCRIPTOR *SecurityDescriptor,
	PBOOLEAN MemoryAllocated);
REFMON_API void NTAPI ObReleaseObjectSecurity(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN MemoryAllocated);
/* The forms with a tag; it is not kept. */
REFMON_API NTSTATUS NTAPI ObReferenceObjectByHandleWithTag(HANDLE Handle, ACCESS_MASK DesiredAccess,
	POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode, ULONG Tag, PVOID *Object,
	POBJECT_HANDLE_INFORMATION HandleInformation);
REFMON_API NTSTATUS NTAPI ObReferenceObjectByPointerWithTag(PVOID Object, ACCESS_MASK DesiredAccess,
	POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode, ULONG Tag);
REFMON_API LONG_PTR NTAPI ObfReferenceObjectWithTag(PVOID Object, ULONG Tag);
REFMON_API LONG_PTR NTAPI ObfDereferenceObjectWithTag(PVOID Object, ULONG Tag);
#define ObReferenceObjectWithTag(o, t) ObfReferenceObjectWithTag(o, t)
#define ObDereferenceObjectWithTag(o, t) ObfDereferenceObjectWithTag(o, t)
REFMON_API void NTAPI ObDereferenceObjectDeferDelete(PVOID Object);
REFMON_API void NTAPI ObDereferenceObjectDeferDeleteWithTag(PVOID Object, ULONG Tag);

/* Work for a thread of the System process, one item after the other; it does not impersonate, and must not when
 * it returns. */
typedef struct _LIST_ENTRY { struct _LIST_ENTRY *Flink, *Blink; } LIST_ENTRY, *PLIST_ENTRY;
typedef struct _DEVICE_OBJECT *PDEVICE_OBJECT; /* only handed on: any pointer */
typedef struct _IO_WORKITEM *PIO_WORKITEM;
typedef void(NTAPI *PWORKER_THREAD_ROUTINE)(PVOID Parameter);
typedef void(NTAPI *PIO_WORKITEM_ROUTINE)(PDEVICE_OBJECT DeviceObject, PVOID Context);
typedef void(NTAPI *PIO_WORKITEM_ROUTINE_EX)(PVOID IoObject, PVOID Context, PIO_WORKITEM IoWorkItem);
typedef struct _WORK_QUEUE_ITEM {
	LIST_ENTRY List;
	PWORKER_THREAD_ROUTINE WorkerRoutine;
	PVOID Parameter;
} WORK_QUEUE_ITEM, *PWORK_QUEUE_ITEM;
/* all the same here */
typedef enum _WORK_QUEUE_TYPE { CriticalWorkQueue, DelayedWorkQueue, HyperCriticalWorkQueue,
	NormalWorkQueue } WORK_QUEUE_TYPE;
#define ExInitializeWorkItem(Item, Routine, Context) \
	do { \
		(Item)->WorkerRoutine = (Routine); \
		(Item)->Parameter = (Context); \
		(Item)->List.Flink = NULL; \
	} while (0)
REFMON_API void NTAPI ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType);
REFMON_API PIO_WORKITEM NTAPI IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject);
REFMON_API void NTAPI IoFreeWorkItem(PIO_WORKITEM IoWorkItem);
REFMON_API void NTAPI IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
	WORK_QUEUE_TYPE QueueType, PVOID Context);
REFMON_API void NTAPI IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
	WORK_QUEUE_TYPE QueueType, PVOID Context);

/* A thread that runs kernel code only, of the System process where ProcessHandle is NULL; it ends when its
 * routine returns. */
typedef void(NTAPI *PKSTART_ROUTINE)(PVOID StartContext);
REFMON_API NTSTATUS NTAPI PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle, PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine,
	PVOID StartContext);
/* the calling one; STATUS_INVALID_PARAMETER for another kind */
REFMON_API NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS ExitStatus);

/* Frees what the routines above allocate; NULL is accepted. */
REFMON_API void NTAPI ExFreePool(PVOID P);
REFMON_API void NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag);

#endif
