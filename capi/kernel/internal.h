/* What the C files of librefmonk.so share with the kernel, not for programs. */
#ifndef REFMON_KERNEL_INTERNAL_H
#define REFMON_KERNEL_INTERNAL_H

#include <refmon/ntifs.h>
#include "../enter.h"

#undef REFMON_KERNEL
#define REFMON_KERNEL extern __attribute__((visibility("hidden")))

/* Addresses that stand for the object types and for the System process; they
 * lie where no program has memory (kernelobjects.go has the same). */
#define RM_OBJECT_TYPE(n) ((POBJECT_TYPE)(0xFFFF800000000000u + 0x100u * (n)))
#define RM_SYSTEM_PROCESS ((PEPROCESS)0xFFFF800000001000u)
enum { RM_TYPE_TOKEN = 1, RM_TYPE_PROCESS, RM_TYPE_THREAD, RM_TYPE_JOB, RM_TYPE_EVENT, RM_TYPE_FILE };

REFMON_KERNEL BOOLEAN NTAPI rm_single_privilege_check(PLUID Privilege, KPROCESSOR_MODE Mode);

REFMON_KERNEL void NTAPI rm_delete_access_state(PACCESS_STATE AccessState);

REFMON_KERNEL NTSTATUS NTAPI rm_create_system_thread(PHANDLE Handle, ULONG DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, HANDLE Process, PCLIENT_ID ClientId, uint64_t *Number);
REFMON_KERNEL NTSTATUS NTAPI rm_end_system_thread(uint64_t *Number);
REFMON_KERNEL NTSTATUS NTAPI rm_queue_work(rm_routine Call, PVOID Routine, PVOID First, PVOID Second);

/* How Go calls a routine of the program: with the calling convention of this library. */
typedef void (*rm_session_ended)(PVOID Routine, PVOID Context, PLUID LogonId);
REFMON_KERNEL NTSTATUS NTAPI rm_register_session_routine(rm_session_ended Call, PVOID Routine, PVOID Context);
REFMON_KERNEL NTSTATUS NTAPI rm_unregister_session_routine(rm_session_ended Call, PVOID Routine, PVOID Context);

#endif
