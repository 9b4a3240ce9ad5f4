/* The routines of the program that are called for ended logon sessions. */
#include "internal.h"

/* Calls a routine that takes no context. */
static void plain(PVOID routine, PVOID context, PLUID id)
{
	(void)context;
	((PSE_LOGON_SESSION_TERMINATED_ROUTINE)routine)(id);
}

/* Calls a routine with the context of its registration. */
static void extended(PVOID routine, PVOID context, PLUID id)
{
	((PSE_LOGON_SESSION_TERMINATED_ROUTINE_EX)routine)(id, context);
}

NTSTATUS NTAPI SeRegisterLogonSessionTerminatedRoutine(PSE_LOGON_SESSION_TERMINATED_ROUTINE routine)
{
	return rm_register_session_routine(plain, (PVOID)routine, NULL);
}

NTSTATUS NTAPI SeUnregisterLogonSessionTerminatedRoutine(PSE_LOGON_SESSION_TERMINATED_ROUTINE routine)
{
	return rm_unregister_session_routine(plain, (PVOID)routine, NULL);
}

NTSTATUS NTAPI SeRegisterLogonSessionTerminatedRoutineEx(PSE_LOGON_SESSION_TERMINATED_ROUTINE_EX routine, PVOID context)
{
	return rm_register_session_routine(extended, (PVOID)routine, context);
}

NTSTATUS NTAPI SeUnregisterLogonSessionTerminatedRoutineEx(PSE_LOGON_SESSION_TERMINATED_ROUTINE_EX routine,
	PVOID context)
{
	return rm_unregister_session_routine(extended, (PVOID)routine, context);
}
