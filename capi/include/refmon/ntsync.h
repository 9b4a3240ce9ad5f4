/*
 * Events and semaphores, and waiting for them, for files, processes and threads; mutants and
 * timers: objects to protect, to open, and whose state can be changed and queried. Nothing
 * waits for these two, and no TimerApcRoutine is called: it must be NULL, else
 * STATUS_NOT_SUPPORTED.
 */
#ifndef REFMON_NTSYNC_H
#define REFMON_NTSYNC_H

#include <refmon/ntdef.h>

typedef enum _MUTANT_INFORMATION_CLASS { MutantBasicInformation } MUTANT_INFORMATION_CLASS;
typedef struct _MUTANT_BASIC_INFORMATION {
	LONG CurrentCount; /* 1 is free, 0 is owned */
	BOOLEAN OwnedByCaller, AbandonedState;
} MUTANT_BASIC_INFORMATION, *PMUTANT_BASIC_INFORMATION;

typedef enum _SEMAPHORE_INFORMATION_CLASS { SemaphoreBasicInformation } SEMAPHORE_INFORMATION_CLASS;
typedef struct _SEMAPHORE_BASIC_INFORMATION {
	LONG CurrentCount, MaximumCount;
} SEMAPHORE_BASIC_INFORMATION, *PSEMAPHORE_BASIC_INFORMATION;

typedef enum _TIMER_TYPE { NotificationTimer, SynchronizationTimer } TIMER_TYPE;
typedef enum _TIMER_INFORMATION_CLASS { TimerBasicInformation } TIMER_INFORMATION_CLASS;
typedef struct _TIMER_BASIC_INFORMATION {
	LARGE_INTEGER RemainingTime; /* 100 ns; below 0 it passed so long ago */
	BOOLEAN TimerState;
} TIMER_BASIC_INFORMATION, *PTIMER_BASIC_INFORMATION;
typedef void (NTAPI *PTIMER_APC_ROUTINE)(PVOID TimerContext, ULONG TimerLowValue, LONG TimerHighValue);

REFMON_SERVICE NTSTATUS NTAPI NtCreateMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN InitialOwner);
REFMON_SERVICE NTSTATUS NTAPI NtOpenMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes);
REFMON_SERVICE NTSTATUS NTAPI NtReleaseMutant(HANDLE MutantHandle, PLONG PreviousCount);
REFMON_SERVICE NTSTATUS NTAPI NtQueryMutant(HANDLE MutantHandle, MUTANT_INFORMATION_CLASS MutantInformationClass,
	PVOID MutantInformation, ULONG MutantInformationLength, PULONG ReturnLength);
REFMON_SERVICE NTSTATUS NTAPI NtCreateSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, LONG InitialCount, LONG MaximumCount);
REFMON_SERVICE NTSTATUS NTAPI NtOpenSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes);
REFMON_SERVICE NTSTATUS NTAPI NtReleaseSemaphore(HANDLE SemaphoreHandle, LONG ReleaseCount, PLONG PreviousCount);
REFMON_SERVICE NTSTATUS NTAPI NtQuerySemaphore(HANDLE SemaphoreHandle,
	SEMAPHORE_INFORMATION_CLASS SemaphoreInformationClass, PVOID SemaphoreInformation,
	ULONG SemaphoreInformationLength, PULONG ReturnLength);
REFMON_SERVICE NTSTATUS NTAPI NtCreateTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, TIMER_TYPE TimerType);
REFMON_SERVICE NTSTATUS NTAPI NtOpenTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes);
REFMON_SERVICE NTSTATUS NTAPI NtSetTimer(HANDLE TimerHandle, PLARGE_INTEGER DueTime,
	PTIMER_APC_ROUTINE TimerApcRoutine, PVOID TimerContext, BOOLEAN ResumeTimer, LONG Period, PBOOLEAN PreviousState);
REFMON_SERVICE NTSTATUS NTAPI NtCancelTimer(HANDLE TimerHandle, PBOOLEAN CurrentState);
REFMON_SERVICE NTSTATUS NTAPI NtQueryTimer(HANDLE TimerHandle, TIMER_INFORMATION_CLASS TimerInformationClass,
	PVOID TimerInformation, ULONG TimerInformationLength, PULONG ReturnLength);

REFMON_SERVICE NTSTATUS NTAPI NtSetEvent(HANDLE EventHandle, PLONG PreviousState);
REFMON_SERVICE NTSTATUS NTAPI NtResetEvent(HANDLE EventHandle, PLONG PreviousState);
REFMON_SERVICE NTSTATUS NTAPI NtClearEvent(HANDLE EventHandle);

/* A Timeout below 0 is a span in 100-ns units, another one a time since 1601; NULL is for ever. An alertable wait ends
 * with STATUS_USER_APC when it has made calls that were queued to the thread. */
typedef enum _WAIT_TYPE { WaitAll, WaitAny } WAIT_TYPE;
typedef void (NTAPI *PPS_APC_ROUTINE)(PVOID ApcArgument1, PVOID ApcArgument2, PVOID ApcArgument3);
#define MAXIMUM_WAIT_OBJECTS 64
REFMON_SERVICE NTSTATUS NTAPI NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout);
/* WaitAll takes the objects one after the other, as they are signalled. */
REFMON_SERVICE NTSTATUS NTAPI NtWaitForMultipleObjects(ULONG Count, const HANDLE *Handles, WAIT_TYPE WaitType,
	BOOLEAN Alertable, PLARGE_INTEGER Timeout);
REFMON_SERVICE NTSTATUS NTAPI NtDelayExecution(BOOLEAN Alertable, PLARGE_INTEGER DelayInterval);
REFMON_SERVICE NTSTATUS NTAPI NtQueueApcThread(HANDLE ThreadHandle, PPS_APC_ROUTINE ApcRoutine, PVOID ApcArgument1,
	PVOID ApcArgument2, PVOID ApcArgument3);
REFMON_SERVICE NTSTATUS NTAPI NtTestAlert(void);

#endif
