/* Written by gen.go from the public headers. DO NOT EDIT. */
#include "internal.h"

#define A(x) (uint64_t)(uintptr_t)(x)

#define SERVICE(name, parameters, ...) \
	NTSTATUS NTAPI Zw##name parameters \
	{ \
		return (NTSTATUS)rm_enter(RM_KERNEL | RM_Nt##name, (uint64_t[]){__VA_ARGS__}); \
	}
#define USER_SERVICE(...)
#include "../services_gen.h"

NTSTATUS NTAPI PsImpersonateClient(PETHREAD Thread, PACCESS_TOKEN Token, BOOLEAN CopyOnOpen, BOOLEAN EffectiveOnly,
	SECURITY_IMPERSONATION_LEVEL ImpersonationLevel)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_PsImpersonateClient, (uint64_t[]){A(Thread), A(Token), A(CopyOnOpen),
		A(EffectiveOnly), A(ImpersonationLevel)});
}
void NTAPI PsRevertToSelf(void)
{
	rm_enter(RM_KERNEL | RM_PsRevertToSelf, (uint64_t[]){0});
}
void NTAPI PsRevertThreadToSelf(PETHREAD Thread)
{
	rm_enter(RM_KERNEL | RM_PsRevertThreadToSelf, (uint64_t[]){A(Thread)});
}
NTSTATUS NTAPI PsAssignImpersonationToken(PETHREAD Thread, HANDLE Token)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_PsAssignImpersonationToken, (uint64_t[]){A(Thread), A(Token)});
}
BOOLEAN NTAPI PsDisableImpersonation(PETHREAD Thread, PSE_IMPERSONATION_STATE ImpersonationState)
{
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsDisableImpersonation, (uint64_t[]){A(Thread),
		A(ImpersonationState)}));
}
void NTAPI PsRestoreImpersonation(PETHREAD Thread, PSE_IMPERSONATION_STATE ImpersonationState)
{
	rm_enter(RM_KERNEL | RM_PsRestoreImpersonation, (uint64_t[]){A(Thread), A(ImpersonationState)});
}
PACCESS_TOKEN NTAPI PsReferencePrimaryToken(PEPROCESS Process)
{
	return (PACCESS_TOKEN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsReferencePrimaryToken, (uint64_t[]){A(Process)}));
}
void NTAPI PsDereferencePrimaryToken(PACCESS_TOKEN PrimaryToken)
{
	rm_enter(RM_KERNEL | RM_PsDereferencePrimaryToken, (uint64_t[]){A(PrimaryToken)});
}
PACCESS_TOKEN NTAPI PsReferenceImpersonationToken(PETHREAD Thread, PBOOLEAN CopyOnOpen, PBOOLEAN EffectiveOnly,
	PSECURITY_IMPERSONATION_LEVEL ImpersonationLevel)
{
	return (PACCESS_TOKEN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsReferenceImpersonationToken,
		(uint64_t[]){A(Thread), A(CopyOnOpen), A(EffectiveOnly), A(ImpersonationLevel)}));
}
void NTAPI PsDereferenceImpersonationToken(PACCESS_TOKEN ImpersonationToken)
{
	rm_enter(RM_KERNEL | RM_PsDereferenceImpersonationToken, (uint64_t[]){A(ImpersonationToken)});
}
PETHREAD NTAPI PsGetCurrentThread(void)
{
	return (PETHREAD)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsGetCurrentThread, (uint64_t[]){0}));
}
PEPROCESS NTAPI PsGetCurrentProcess(void)
{
	return (PEPROCESS)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsGetCurrentProcess, (uint64_t[]){0}));
}
PEPROCESS NTAPI IoThreadToProcess(PETHREAD Thread)
{
	return (PEPROCESS)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_IoThreadToProcess, (uint64_t[]){A(Thread)}));
}
HANDLE NTAPI PsGetProcessId(PEPROCESS Process)
{
	return (HANDLE)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsGetProcessId, (uint64_t[]){A(Process)}));
}
HANDLE NTAPI PsGetThreadId(PETHREAD Thread)
{
	return (HANDLE)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsGetThreadId, (uint64_t[]){A(Thread)}));
}
HANDLE NTAPI PsGetThreadProcessId(PETHREAD Thread)
{
	return (HANDLE)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsGetThreadProcessId, (uint64_t[]){A(Thread)}));
}
BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread)
{
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_PsIsSystemThread, (uint64_t[]){A(Thread)}));
}
NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_PsLookupProcessByProcessId, (uint64_t[]){A(ProcessId), A(Process)});
}
NTSTATUS NTAPI PsLookupThreadByThreadId(HANDLE ThreadId, PETHREAD *Thread)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_PsLookupThreadByThreadId, (uint64_t[]){A(ThreadId), A(Thread)});
}
NTSTATUS NTAPI SeCreateClientSecurity(PETHREAD ClientThread, PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos,
	BOOLEAN RemoteSession, PSECURITY_CLIENT_CONTEXT ClientContext)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeCreateClientSecurity, (uint64_t[]){A(ClientThread), A(ClientSecurityQos),
		A(RemoteSession), A(ClientContext)});
}
NTSTATUS NTAPI SeCreateClientSecurityFromSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext,
	PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos, BOOLEAN ServerIsRemote, PSECURITY_CLIENT_CONTEXT ClientContext)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeCreateClientSecurityFromSubjectContext, (uint64_t[]){A(SubjectContext),
		A(ClientSecurityQos), A(ServerIsRemote), A(ClientContext)});
}
void NTAPI SeImpersonateClient(PSECURITY_CLIENT_CONTEXT ClientContext, PETHREAD ServerThread)
{
	rm_enter(RM_KERNEL | RM_SeImpersonateClient, (uint64_t[]){A(ClientContext), A(ServerThread)});
}
NTSTATUS NTAPI SeImpersonateClientEx(PSECURITY_CLIENT_CONTEXT ClientContext, PETHREAD ServerThread)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeImpersonateClientEx, (uint64_t[]){A(ClientContext), A(ServerThread)});
}
void NTAPI SeDeleteClientSecurity(PSECURITY_CLIENT_CONTEXT ClientContext)
{
	rm_enter(RM_KERNEL | RM_SeDeleteClientSecurity, (uint64_t[]){A(ClientContext)});
}
void NTAPI SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
	rm_enter(RM_KERNEL | RM_SeCaptureSubjectContext, (uint64_t[]){A(SubjectContext)});
}
void NTAPI SeCaptureSubjectContextEx(PETHREAD Thread, PEPROCESS Process, PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
	rm_enter(RM_KERNEL | RM_SeCaptureSubjectContextEx, (uint64_t[]){A(Thread), A(Process), A(SubjectContext)});
}
void NTAPI SeLockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
	rm_enter(RM_KERNEL | RM_SeLockSubjectContext, (uint64_t[]){A(SubjectContext)});
}
void NTAPI SeUnlockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
	rm_enter(RM_KERNEL | RM_SeUnlockSubjectContext, (uint64_t[]){A(SubjectContext)});
}
void NTAPI SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
	rm_enter(RM_KERNEL | RM_SeReleaseSubjectContext, (uint64_t[]){A(SubjectContext)});
}
BOOLEAN NTAPI SeAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor, PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext,
	BOOLEAN SubjectContextLocked, ACCESS_MASK DesiredAccess, ACCESS_MASK PreviouslyGrantedAccess,
	PPRIVILEGE_SET *Privileges, PGENERIC_MAPPING GenericMapping, KPROCESSOR_MODE AccessMode, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus)
{
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeAccessCheck, (uint64_t[]){A(SecurityDescriptor),
		A(SubjectSecurityContext), A(SubjectContextLocked), A(DesiredAccess), A(PreviouslyGrantedAccess), A(Privileges),
		A(GenericMapping), A(AccessMode), A(GrantedAccess), A(AccessStatus)}));
}
BOOLEAN NTAPI SePrivilegeCheck(PPRIVILEGE_SET RequiredPrivileges, PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext,
	KPROCESSOR_MODE AccessMode)
{
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SePrivilegeCheck, (uint64_t[]){A(RequiredPrivileges),
		A(SubjectSecurityContext), A(AccessMode)}));
}
NTSTATUS NTAPI SeCreateAccessState(PACCESS_STATE AccessState, PAUX_ACCESS_DATA AuxData, ACCESS_MASK DesiredAccess,
	PGENERIC_MAPPING GenericMapping)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeCreateAccessState, (uint64_t[]){A(AccessState), A(AuxData),
		A(DesiredAccess), A(GenericMapping)});
}
BOOLEAN NTAPI SeFastTraverseCheck(PSECURITY_DESCRIPTOR SecurityDescriptor, PACCESS_STATE AccessState,
	ACCESS_MASK DesiredAccess, KPROCESSOR_MODE AccessMode)
{
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeFastTraverseCheck, (uint64_t[]){A(SecurityDescriptor),
		A(AccessState), A(DesiredAccess), A(AccessMode)}));
}
NTSTATUS NTAPI SeQueryInformationToken(PACCESS_TOKEN Token, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID *TokenInformation)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeQueryInformationToken, (uint64_t[]){A(Token), A(TokenInformationClass),
		A(TokenInformation)});
}
NTSTATUS NTAPI SeFilterToken(PACCESS_TOKEN ExistingToken, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
	PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids, PACCESS_TOKEN *FilteredToken)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeFilterToken, (uint64_t[]){A(ExistingToken), A(Flags), A(SidsToDisable),
		A(PrivilegesToDelete), A(RestrictedSids), A(FilteredToken)});
}
TOKEN_TYPE NTAPI SeTokenType(PACCESS_TOKEN Token)
{
	return (TOKEN_TYPE)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeTokenType, (uint64_t[]){A(Token)}));
}
SECURITY_IMPERSONATION_LEVEL NTAPI SeTokenImpersonationLevel(PACCESS_TOKEN Token)
{
	return (SECURITY_IMPERSONATION_LEVEL)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeTokenImpersonationLevel,
		(uint64_t[]){A(Token)}));
}
BOOLEAN NTAPI SeTokenIsAdmin(PACCESS_TOKEN Token)
{
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeTokenIsAdmin, (uint64_t[]){A(Token)}));
}
BOOLEAN NTAPI SeTokenIsRestricted(PACCESS_TOKEN Token)
{
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeTokenIsRestricted, (uint64_t[]){A(Token)}));
}
BOOLEAN NTAPI SeTokenIsWriteRestricted(PACCESS_TOKEN Token)
{
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeTokenIsWriteRestricted, (uint64_t[]){A(Token)}));
}
NTSTATUS NTAPI SeQueryAuthenticationIdToken(PACCESS_TOKEN Token, PLUID AuthenticationId)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeQueryAuthenticationIdToken, (uint64_t[]){A(Token), A(AuthenticationId)});
}
NTSTATUS NTAPI SeQuerySessionIdToken(PACCESS_TOKEN Token, PULONG SessionId)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeQuerySessionIdToken, (uint64_t[]){A(Token), A(SessionId)});
}
NTSTATUS NTAPI SeAssignSecurityEx(PSECURITY_DESCRIPTOR ParentDescriptor, PSECURITY_DESCRIPTOR ExplicitDescriptor,
	PSECURITY_DESCRIPTOR *NewDescriptor, GUID *ObjectType, BOOLEAN IsDirectoryObject, ULONG AutoInheritFlags,
	PSECURITY_SUBJECT_CONTEXT SubjectContext, PGENERIC_MAPPING GenericMapping, POOL_TYPE PoolType)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeAssignSecurityEx, (uint64_t[]){A(ParentDescriptor), A(ExplicitDescriptor),
		A(NewDescriptor), A(ObjectType), A(IsDirectoryObject), A(AutoInheritFlags), A(SubjectContext), A(GenericMapping),
		A(PoolType)});
}
NTSTATUS NTAPI SeSetSecurityDescriptorInfoEx(PVOID Object, PSECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR ModificationDescriptor, PSECURITY_DESCRIPTOR *ObjectsSecurityDescriptor, ULONG AutoInheritFlags,
	POOL_TYPE PoolType, PGENERIC_MAPPING GenericMapping)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeSetSecurityDescriptorInfoEx, (uint64_t[]){A(Object),
		A(SecurityInformation), A(ModificationDescriptor), A(ObjectsSecurityDescriptor), A(AutoInheritFlags), A(PoolType),
		A(GenericMapping)});
}
NTSTATUS NTAPI SeQuerySecurityDescriptorInfo(PSECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor, PULONG Length, PSECURITY_DESCRIPTOR *ObjectsSecurityDescriptor)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeQuerySecurityDescriptorInfo, (uint64_t[]){A(SecurityInformation),
		A(SecurityDescriptor), A(Length), A(ObjectsSecurityDescriptor)});
}
BOOLEAN NTAPI SeValidSecurityDescriptor(ULONG Length, PSECURITY_DESCRIPTOR SecurityDescriptor)
{
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_SeValidSecurityDescriptor, (uint64_t[]){A(Length),
		A(SecurityDescriptor)}));
}
NTSTATUS NTAPI SeMarkLogonSessionForTerminationNotification(PLUID LogonId)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_SeMarkLogonSessionForTerminationNotification, (uint64_t[]){A(LogonId)});
}
void NTAPI refmon_open_logon_session(PLUID LogonId)
{
	rm_enter(RM_KERNEL | RM_refmon_open_logon_session, (uint64_t[]){A(LogonId)});
}
void NTAPI refmon_counts(PREFMON_COUNTS Counts)
{
	rm_enter(RM_KERNEL | RM_refmon_counts, (uint64_t[]){A(Counts)});
}
NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
	KPROCESSOR_MODE AccessMode, PVOID *Object, POBJECT_HANDLE_INFORMATION HandleInformation)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_ObReferenceObjectByHandle, (uint64_t[]){A(Handle), A(DesiredAccess),
		A(ObjectType), A(AccessMode), A(Object), A(HandleInformation)});
}
NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
	KPROCESSOR_MODE AccessMode)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_ObReferenceObjectByPointer, (uint64_t[]){A(Object), A(DesiredAccess),
		A(ObjectType), A(AccessMode)});
}
LONG_PTR NTAPI ObfReferenceObject(PVOID Object)
{
	return (LONG_PTR)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_ObfReferenceObject, (uint64_t[]){A(Object)}));
}
BOOLEAN NTAPI ObReferenceObjectSafe(PVOID Object)
{
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_ObReferenceObjectSafe, (uint64_t[]){A(Object)}));
}
LONG_PTR NTAPI ObfDereferenceObject(PVOID Object)
{
	return (LONG_PTR)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_ObfDereferenceObject, (uint64_t[]){A(Object)}));
}
NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes, PACCESS_STATE PassedAccessState,
	ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode, PHANDLE Handle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_ObOpenObjectByPointer, (uint64_t[]){A(Object), A(HandleAttributes),
		A(PassedAccessState), A(DesiredAccess), A(ObjectType), A(AccessMode), A(Handle)});
}
void NTAPI ObMakeTemporaryObject(PVOID Object)
{
	rm_enter(RM_KERNEL | RM_ObMakeTemporaryObject, (uint64_t[]){A(Object)});
}
NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_ObCloseHandle, (uint64_t[]){A(Handle), A(PreviousMode)});
}
NTSTATUS NTAPI ObGetObjectSecurity(PVOID Object, PSECURITY_DESCRIPTOR *SecurityDescriptor, PBOOLEAN MemoryAllocated)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_ObGetObjectSecurity, (uint64_t[]){A(Object), A(SecurityDescriptor),
		A(MemoryAllocated)});
}
BOOLEAN NTAPI rm_single_privilege_check(PLUID Privilege, KPROCESSOR_MODE Mode)
{
	return (BOOLEAN)(uintptr_t)rm_answer(rm_enter(RM_KERNEL | RM_rm_single_privilege_check, (uint64_t[]){A(Privilege),
		A(Mode)}));
}
void NTAPI rm_delete_access_state(PACCESS_STATE AccessState)
{
	rm_enter(RM_KERNEL | RM_rm_delete_access_state, (uint64_t[]){A(AccessState)});
}
NTSTATUS NTAPI rm_create_system_thread(PHANDLE Handle, ULONG DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	HANDLE Process, PCLIENT_ID ClientId, uint64_t *Number)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_rm_create_system_thread, (uint64_t[]){A(Handle), A(DesiredAccess),
		A(ObjectAttributes), A(Process), A(ClientId), A(Number)});
}
NTSTATUS NTAPI rm_end_system_thread(uint64_t *Number)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_rm_end_system_thread, (uint64_t[]){A(Number)});
}
NTSTATUS NTAPI rm_queue_work(rm_routine Call, PVOID Routine, PVOID First, PVOID Second)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_rm_queue_work, (uint64_t[]){A(Call), A(Routine), A(First), A(Second)});
}
NTSTATUS NTAPI rm_register_session_routine(rm_session_ended Call, PVOID Routine, PVOID Context)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_rm_register_session_routine, (uint64_t[]){A(Call), A(Routine), A(Context)});
}
NTSTATUS NTAPI rm_unregister_session_routine(rm_session_ended Call, PVOID Routine, PVOID Context)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_rm_unregister_session_routine, (uint64_t[]){A(Call), A(Routine), A(Context)});
}
