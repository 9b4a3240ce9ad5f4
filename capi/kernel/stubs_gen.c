/* Written by gen.go from the public headers. DO NOT EDIT. */
#include "internal.h"

#define A(x) (uint64_t)(uintptr_t)(x)

NTSTATUS NTAPI ZwOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, PHANDLE TokenHandle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenProcessToken, (uint64_t[]){A(ProcessHandle), A(DesiredAccess),
		A(TokenHandle)});
}
NTSTATUS NTAPI ZwOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
	PHANDLE TokenHandle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenProcessTokenEx, (uint64_t[]){A(ProcessHandle), A(DesiredAccess),
		A(HandleAttributes), A(TokenHandle)});
}
NTSTATUS NTAPI ZwOpenThreadToken(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
	PHANDLE TokenHandle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenThreadToken, (uint64_t[]){A(ThreadHandle), A(DesiredAccess),
		A(OpenAsSelf), A(TokenHandle)});
}
NTSTATUS NTAPI ZwOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
	ULONG HandleAttributes, PHANDLE TokenHandle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenThreadTokenEx, (uint64_t[]){A(ThreadHandle), A(DesiredAccess),
		A(OpenAsSelf), A(HandleAttributes), A(TokenHandle)});
}
NTSTATUS NTAPI ZwDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN EffectiveOnly, TOKEN_TYPE TokenType, PHANDLE NewTokenHandle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtDuplicateToken, (uint64_t[]){A(ExistingTokenHandle), A(DesiredAccess),
		A(ObjectAttributes), A(EffectiveOnly), A(TokenType), A(NewTokenHandle)});
}
NTSTATUS NTAPI ZwFilterToken(HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
	PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids, PHANDLE NewTokenHandle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtFilterToken, (uint64_t[]){A(ExistingTokenHandle), A(Flags),
		A(SidsToDisable), A(PrivilegesToDelete), A(RestrictedSids), A(NewTokenHandle)});
}
NTSTATUS NTAPI ZwAdjustPrivilegesToken(HANDLE TokenHandle, BOOLEAN DisableAllPrivileges, PTOKEN_PRIVILEGES NewState,
	ULONG BufferLength, PTOKEN_PRIVILEGES PreviousState, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAdjustPrivilegesToken, (uint64_t[]){A(TokenHandle),
		A(DisableAllPrivileges), A(NewState), A(BufferLength), A(PreviousState), A(ReturnLength)});
}
NTSTATUS NTAPI ZwAdjustGroupsToken(HANDLE TokenHandle, BOOLEAN ResetToDefault, PTOKEN_GROUPS NewState,
	ULONG BufferLength, PTOKEN_GROUPS PreviousState, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAdjustGroupsToken, (uint64_t[]){A(TokenHandle), A(ResetToDefault),
		A(NewState), A(BufferLength), A(PreviousState), A(ReturnLength)});
}
NTSTATUS NTAPI ZwQueryInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID TokenInformation, ULONG TokenInformationLength, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQueryInformationToken, (uint64_t[]){A(TokenHandle),
		A(TokenInformationClass), A(TokenInformation), A(TokenInformationLength), A(ReturnLength)});
}
NTSTATUS NTAPI ZwSetInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID TokenInformation, ULONG TokenInformationLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtSetInformationToken, (uint64_t[]){A(TokenHandle), A(TokenInformationClass),
		A(TokenInformation), A(TokenInformationLength)});
}
NTSTATUS NTAPI ZwCompareTokens(HANDLE FirstTokenHandle, HANDLE SecondTokenHandle, PBOOLEAN Equal)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCompareTokens, (uint64_t[]){A(FirstTokenHandle), A(SecondTokenHandle),
		A(Equal)});
}
NTSTATUS NTAPI ZwCreateToken(PHANDLE TokenHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TOKEN_TYPE TokenType, PLUID AuthenticationId, PLARGE_INTEGER ExpirationTime, PTOKEN_USER User, PTOKEN_GROUPS Groups,
	PTOKEN_PRIVILEGES Privileges, PTOKEN_OWNER Owner, PTOKEN_PRIMARY_GROUP PrimaryGroup, PTOKEN_DEFAULT_DACL DefaultDacl,
	PTOKEN_SOURCE Source)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateToken, (uint64_t[]){A(TokenHandle), A(DesiredAccess),
		A(ObjectAttributes), A(TokenType), A(AuthenticationId), A(ExpirationTime), A(User), A(Groups), A(Privileges),
		A(Owner), A(PrimaryGroup), A(DefaultDacl), A(Source)});
}
NTSTATUS NTAPI ZwCreateTokenEx(PHANDLE TokenHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TOKEN_TYPE TokenType, PLUID AuthenticationId, PLARGE_INTEGER ExpirationTime, PTOKEN_USER User, PTOKEN_GROUPS Groups,
	PTOKEN_PRIVILEGES Privileges, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION UserAttributes,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION DeviceAttributes, PTOKEN_GROUPS DeviceGroups,
	PTOKEN_MANDATORY_POLICY TokenMandatoryPolicy, PTOKEN_OWNER Owner, PTOKEN_PRIMARY_GROUP PrimaryGroup,
	PTOKEN_DEFAULT_DACL DefaultDacl, PTOKEN_SOURCE Source)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateTokenEx, (uint64_t[]){A(TokenHandle), A(DesiredAccess),
		A(ObjectAttributes), A(TokenType), A(AuthenticationId), A(ExpirationTime), A(User), A(Groups), A(Privileges),
		A(UserAttributes), A(DeviceAttributes), A(DeviceGroups), A(TokenMandatoryPolicy), A(Owner), A(PrimaryGroup),
		A(DefaultDacl), A(Source)});
}
NTSTATUS NTAPI ZwFilterTokenEx(HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
	PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids, ULONG DisableUserClaimsCount,
	PCUNICODE_STRING UserClaimsToDisable, ULONG DisableDeviceClaimsCount, PCUNICODE_STRING DeviceClaimsToDisable,
	PTOKEN_GROUPS DeviceGroupsToDisable, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION RestrictedUserAttributes,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION RestrictedDeviceAttributes, PTOKEN_GROUPS RestrictedDeviceGroups,
	PHANDLE NewTokenHandle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtFilterTokenEx, (uint64_t[]){A(ExistingTokenHandle), A(Flags),
		A(SidsToDisable), A(PrivilegesToDelete), A(RestrictedSids), A(DisableUserClaimsCount), A(UserClaimsToDisable),
		A(DisableDeviceClaimsCount), A(DeviceClaimsToDisable), A(DeviceGroupsToDisable), A(RestrictedUserAttributes),
		A(RestrictedDeviceAttributes), A(RestrictedDeviceGroups), A(NewTokenHandle)});
}
NTSTATUS NTAPI ZwAdjustTokenClaimsAndDeviceGroups(HANDLE TokenHandle, BOOLEAN UserResetToDefault,
	BOOLEAN DeviceResetToDefault, BOOLEAN DeviceGroupsResetToDefault, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION NewUserState,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION NewDeviceState, PTOKEN_GROUPS NewDeviceGroupsState, ULONG UserBufferLength,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION PreviousUserState, ULONG DeviceBufferLength,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION PreviousDeviceState, ULONG DeviceGroupsBufferLength,
	PTOKEN_GROUPS PreviousDeviceGroups, PULONG UserReturnLength, PULONG DeviceReturnLength,
	PULONG DeviceGroupsReturnBufferLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAdjustTokenClaimsAndDeviceGroups, (uint64_t[]){A(TokenHandle),
		A(UserResetToDefault), A(DeviceResetToDefault), A(DeviceGroupsResetToDefault), A(NewUserState), A(NewDeviceState),
		A(NewDeviceGroupsState), A(UserBufferLength), A(PreviousUserState), A(DeviceBufferLength), A(PreviousDeviceState),
		A(DeviceGroupsBufferLength), A(PreviousDeviceGroups), A(UserReturnLength), A(DeviceReturnLength),
		A(DeviceGroupsReturnBufferLength)});
}
NTSTATUS NTAPI ZwQuerySecurityAttributesToken(HANDLE TokenHandle, PCUNICODE_STRING Attributes,
	ULONG NumberOfAttributes, PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQuerySecurityAttributesToken, (uint64_t[]){A(TokenHandle), A(Attributes),
		A(NumberOfAttributes), A(Buffer), A(Length), A(ReturnLength)});
}
NTSTATUS NTAPI ZwCreateLowBoxToken(PHANDLE TokenHandle, HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PSID PackageSid, ULONG CapabilityCount, PSID_AND_ATTRIBUTES Capabilities,
	ULONG HandleCount, HANDLE *Handles)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateLowBoxToken, (uint64_t[]){A(TokenHandle), A(ExistingTokenHandle),
		A(DesiredAccess), A(ObjectAttributes), A(PackageSid), A(CapabilityCount), A(Capabilities), A(HandleCount),
		A(Handles)});
}
NTSTATUS NTAPI ZwAllocateLocallyUniqueId(PLUID Luid)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAllocateLocallyUniqueId, (uint64_t[]){A(Luid)});
}
NTSTATUS NTAPI ZwPrivilegeCheck(HANDLE ClientToken, PPRIVILEGE_SET RequiredPrivileges, PBOOLEAN Result)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtPrivilegeCheck, (uint64_t[]){A(ClientToken), A(RequiredPrivileges),
		A(Result)});
}
NTSTATUS NTAPI ZwAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor, HANDLE ClientToken, ACCESS_MASK DesiredAccess,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAccessCheck, (uint64_t[]){A(SecurityDescriptor), A(ClientToken),
		A(DesiredAccess), A(GenericMapping), A(PrivilegeSet), A(PrivilegeSetLength), A(GrantedAccess), A(AccessStatus)});
}
NTSTATUS NTAPI ZwAccessCheckByType(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, HANDLE ClientToken,
	ACCESS_MASK DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAccessCheckByType, (uint64_t[]){A(SecurityDescriptor), A(PrincipalSelfSid),
		A(ClientToken), A(DesiredAccess), A(ObjectTypeList), A(ObjectTypeListLength), A(GenericMapping), A(PrivilegeSet),
		A(PrivilegeSetLength), A(GrantedAccess), A(AccessStatus)});
}
NTSTATUS NTAPI ZwAccessCheckByTypeResultList(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid,
	HANDLE ClientToken, ACCESS_MASK DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAccessCheckByTypeResultList, (uint64_t[]){A(SecurityDescriptor),
		A(PrincipalSelfSid), A(ClientToken), A(DesiredAccess), A(ObjectTypeList), A(ObjectTypeListLength), A(GenericMapping),
		A(PrivilegeSet), A(PrivilegeSetLength), A(GrantedAccess), A(AccessStatus)});
}
NTSTATUS NTAPI ZwSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
	PVOID ThreadInformation, ULONG ThreadInformationLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtSetInformationThread, (uint64_t[]){A(ThreadHandle),
		A(ThreadInformationClass), A(ThreadInformation), A(ThreadInformationLength)});
}
NTSTATUS NTAPI ZwImpersonateThread(HANDLE ServerThreadHandle, HANDLE ClientThreadHandle,
	PSECURITY_QUALITY_OF_SERVICE SecurityQos)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtImpersonateThread, (uint64_t[]){A(ServerThreadHandle),
		A(ClientThreadHandle), A(SecurityQos)});
}
NTSTATUS NTAPI ZwImpersonateAnonymousToken(HANDLE ThreadHandle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtImpersonateAnonymousToken, (uint64_t[]){A(ThreadHandle)});
}
NTSTATUS NTAPI ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenFile, (uint64_t[]){A(FileHandle), A(DesiredAccess),
		A(ObjectAttributes), A(IoStatusBlock), A(ShareAccess), A(OpenOptions)});
}
NTSTATUS NTAPI ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
	ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateFile, (uint64_t[]){A(FileHandle), A(DesiredAccess),
		A(ObjectAttributes), A(IoStatusBlock), A(AllocationSize), A(FileAttributes), A(ShareAccess), A(CreateDisposition),
		A(CreateOptions), A(EaBuffer), A(EaLength)});
}
NTSTATUS NTAPI ZwCreateNamedPipeFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG CreateDisposition,
	ULONG CreateOptions, ULONG NamedPipeType, ULONG ReadMode, ULONG CompletionMode, ULONG MaximumInstances,
	ULONG InboundQuota, ULONG OutboundQuota, PLARGE_INTEGER DefaultTimeout)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateNamedPipeFile, (uint64_t[]){A(FileHandle), A(DesiredAccess),
		A(ObjectAttributes), A(IoStatusBlock), A(ShareAccess), A(CreateDisposition), A(CreateOptions), A(NamedPipeType),
		A(ReadMode), A(CompletionMode), A(MaximumInstances), A(InboundQuota), A(OutboundQuota), A(DefaultTimeout)});
}
NTSTATUS NTAPI ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtReadFile, (uint64_t[]){A(FileHandle), A(Event), A(ApcRoutine),
		A(ApcContext), A(IoStatusBlock), A(Buffer), A(Length), A(ByteOffset), A(Key)});
}
NTSTATUS NTAPI ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, LPCVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtWriteFile, (uint64_t[]){A(FileHandle), A(Event), A(ApcRoutine),
		A(ApcContext), A(IoStatusBlock), A(Buffer), A(Length), A(ByteOffset), A(Key)});
}
NTSTATUS NTAPI ZwFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode, PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
	ULONG OutputBufferLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtFsControlFile, (uint64_t[]){A(FileHandle), A(Event), A(ApcRoutine),
		A(ApcContext), A(IoStatusBlock), A(FsControlCode), A(InputBuffer), A(InputBufferLength), A(OutputBuffer),
		A(OutputBufferLength)});
}
NTSTATUS NTAPI ZwQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation,
	ULONG Length, FILE_INFORMATION_CLASS FileInformationClass)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQueryInformationFile, (uint64_t[]){A(FileHandle), A(IoStatusBlock),
		A(FileInformation), A(Length), A(FileInformationClass)});
}
NTSTATUS NTAPI ZwQueryVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FsInformation,
	ULONG Length, FS_INFORMATION_CLASS FsInformationClass)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQueryVolumeInformationFile, (uint64_t[]){A(FileHandle), A(IoStatusBlock),
		A(FsInformation), A(Length), A(FsInformationClass)});
}
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
NTSTATUS NTAPI ZwClose(HANDLE Handle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtClose, (uint64_t[]){A(Handle)});
}
NTSTATUS NTAPI ZwDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
	PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Options)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtDuplicateObject, (uint64_t[]){A(SourceProcessHandle), A(SourceHandle),
		A(TargetProcessHandle), A(TargetHandle), A(DesiredAccess), A(HandleAttributes), A(Options)});
}
NTSTATUS NTAPI ZwCompareObjects(HANDLE FirstObjectHandle, HANDLE SecondObjectHandle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCompareObjects, (uint64_t[]){A(FirstObjectHandle), A(SecondObjectHandle)});
}
NTSTATUS NTAPI ZwMakeTemporaryObject(HANDLE Handle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtMakeTemporaryObject, (uint64_t[]){A(Handle)});
}
NTSTATUS NTAPI ZwMakePermanentObject(HANDLE Handle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtMakePermanentObject, (uint64_t[]){A(Handle)});
}
NTSTATUS NTAPI ZwQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass, PVOID ObjectInformation,
	ULONG ObjectInformationLength, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQueryObject, (uint64_t[]){A(Handle), A(ObjectInformationClass),
		A(ObjectInformation), A(ObjectInformationLength), A(ReturnLength)});
}
NTSTATUS NTAPI ZwSetInformationObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
	PVOID ObjectInformation, ULONG ObjectInformationLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtSetInformationObject, (uint64_t[]){A(Handle), A(ObjectInformationClass),
		A(ObjectInformation), A(ObjectInformationLength)});
}
NTSTATUS NTAPI ZwQuerySecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Length, PULONG LengthNeeded)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQuerySecurityObject, (uint64_t[]){A(Handle), A(SecurityInformation),
		A(SecurityDescriptor), A(Length), A(LengthNeeded)});
}
NTSTATUS NTAPI ZwSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtSetSecurityObject, (uint64_t[]){A(Handle), A(SecurityInformation),
		A(SecurityDescriptor)});
}
NTSTATUS NTAPI ZwOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PCLIENT_ID ClientId)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenProcess, (uint64_t[]){A(ProcessHandle), A(DesiredAccess),
		A(ObjectAttributes), A(ClientId)});
}
NTSTATUS NTAPI ZwOpenThread(PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PCLIENT_ID ClientId)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenThread, (uint64_t[]){A(ThreadHandle), A(DesiredAccess),
		A(ObjectAttributes), A(ClientId)});
}
NTSTATUS NTAPI ZwGetNextThread(HANDLE ProcessHandle, HANDLE ThreadHandle, ACCESS_MASK DesiredAccess,
	ULONG HandleAttributes, ULONG Flags, PHANDLE NewThreadHandle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtGetNextThread, (uint64_t[]){A(ProcessHandle), A(ThreadHandle),
		A(DesiredAccess), A(HandleAttributes), A(Flags), A(NewThreadHandle)});
}
NTSTATUS NTAPI ZwSetInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS ProcessInformationClass,
	PVOID ProcessInformation, ULONG ProcessInformationLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtSetInformationProcess, (uint64_t[]){A(ProcessHandle),
		A(ProcessInformationClass), A(ProcessInformation), A(ProcessInformationLength)});
}
NTSTATUS NTAPI ZwCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	EVENT_TYPE EventType, BOOLEAN InitialState)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateEvent, (uint64_t[]){A(EventHandle), A(DesiredAccess),
		A(ObjectAttributes), A(EventType), A(InitialState)});
}
NTSTATUS NTAPI ZwOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenEvent, (uint64_t[]){A(EventHandle), A(DesiredAccess),
		A(ObjectAttributes)});
}
NTSTATUS NTAPI ZwCreateDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateDirectoryObject, (uint64_t[]){A(DirectoryHandle), A(DesiredAccess),
		A(ObjectAttributes)});
}
NTSTATUS NTAPI ZwOpenDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenDirectoryObject, (uint64_t[]){A(DirectoryHandle), A(DesiredAccess),
		A(ObjectAttributes)});
}
NTSTATUS NTAPI ZwCreateSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PUNICODE_STRING LinkTarget)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateSymbolicLinkObject, (uint64_t[]){A(LinkHandle), A(DesiredAccess),
		A(ObjectAttributes), A(LinkTarget)});
}
NTSTATUS NTAPI ZwOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenSymbolicLinkObject, (uint64_t[]){A(LinkHandle), A(DesiredAccess),
		A(ObjectAttributes)});
}
NTSTATUS NTAPI ZwQuerySymbolicLinkObject(HANDLE LinkHandle, PUNICODE_STRING LinkTarget, PULONG ReturnedLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQuerySymbolicLinkObject, (uint64_t[]){A(LinkHandle), A(LinkTarget),
		A(ReturnedLength)});
}
NTSTATUS NTAPI ZwCreateJobObject(PHANDLE JobHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateJobObject, (uint64_t[]){A(JobHandle), A(DesiredAccess),
		A(ObjectAttributes)});
}
NTSTATUS NTAPI ZwOpenJobObject(PHANDLE JobHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenJobObject, (uint64_t[]){A(JobHandle), A(DesiredAccess),
		A(ObjectAttributes)});
}
NTSTATUS NTAPI ZwAssignProcessToJobObject(HANDLE JobHandle, HANDLE ProcessHandle)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtAssignProcessToJobObject, (uint64_t[]){A(JobHandle), A(ProcessHandle)});
}
NTSTATUS NTAPI ZwSetInformationJobObject(HANDLE JobHandle, JOBOBJECTINFOCLASS JobObjectInformationClass,
	PVOID JobObjectInformation, ULONG JobObjectInformationLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtSetInformationJobObject, (uint64_t[]){A(JobHandle),
		A(JobObjectInformationClass), A(JobObjectInformation), A(JobObjectInformationLength)});
}
NTSTATUS NTAPI ZwCreateUserProcess(PHANDLE ProcessHandle, PHANDLE ThreadHandle, ACCESS_MASK ProcessDesiredAccess,
	ACCESS_MASK ThreadDesiredAccess, POBJECT_ATTRIBUTES ProcessObjectAttributes,
	POBJECT_ATTRIBUTES ThreadObjectAttributes, ULONG ProcessFlags, ULONG ThreadFlags, PVOID ProcessParameters,
	PVOID CreateInfo, PPS_ATTRIBUTE_LIST AttributeList)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateUserProcess, (uint64_t[]){A(ProcessHandle), A(ThreadHandle),
		A(ProcessDesiredAccess), A(ThreadDesiredAccess), A(ProcessObjectAttributes), A(ThreadObjectAttributes),
		A(ProcessFlags), A(ThreadFlags), A(ProcessParameters), A(CreateInfo), A(AttributeList)});
}
NTSTATUS NTAPI ZwResumeThread(HANDLE ThreadHandle, PULONG PreviousSuspendCount)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtResumeThread, (uint64_t[]){A(ThreadHandle), A(PreviousSuspendCount)});
}
NTSTATUS NTAPI ZwCreateMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	BOOLEAN InitialOwner)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateMutant, (uint64_t[]){A(MutantHandle), A(DesiredAccess),
		A(ObjectAttributes), A(InitialOwner)});
}
NTSTATUS NTAPI ZwOpenMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenMutant, (uint64_t[]){A(MutantHandle), A(DesiredAccess),
		A(ObjectAttributes)});
}
NTSTATUS NTAPI ZwReleaseMutant(HANDLE MutantHandle, PLONG PreviousCount)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtReleaseMutant, (uint64_t[]){A(MutantHandle), A(PreviousCount)});
}
NTSTATUS NTAPI ZwQueryMutant(HANDLE MutantHandle, MUTANT_INFORMATION_CLASS MutantInformationClass,
	PVOID MutantInformation, ULONG MutantInformationLength, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQueryMutant, (uint64_t[]){A(MutantHandle), A(MutantInformationClass),
		A(MutantInformation), A(MutantInformationLength), A(ReturnLength)});
}
NTSTATUS NTAPI ZwCreateSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, LONG InitialCount, LONG MaximumCount)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateSemaphore, (uint64_t[]){A(SemaphoreHandle), A(DesiredAccess),
		A(ObjectAttributes), A(InitialCount), A(MaximumCount)});
}
NTSTATUS NTAPI ZwOpenSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenSemaphore, (uint64_t[]){A(SemaphoreHandle), A(DesiredAccess),
		A(ObjectAttributes)});
}
NTSTATUS NTAPI ZwReleaseSemaphore(HANDLE SemaphoreHandle, LONG ReleaseCount, PLONG PreviousCount)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtReleaseSemaphore, (uint64_t[]){A(SemaphoreHandle), A(ReleaseCount),
		A(PreviousCount)});
}
NTSTATUS NTAPI ZwQuerySemaphore(HANDLE SemaphoreHandle, SEMAPHORE_INFORMATION_CLASS SemaphoreInformationClass,
	PVOID SemaphoreInformation, ULONG SemaphoreInformationLength, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQuerySemaphore, (uint64_t[]){A(SemaphoreHandle),
		A(SemaphoreInformationClass), A(SemaphoreInformation), A(SemaphoreInformationLength), A(ReturnLength)});
}
NTSTATUS NTAPI ZwCreateTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TIMER_TYPE TimerType)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCreateTimer, (uint64_t[]){A(TimerHandle), A(DesiredAccess),
		A(ObjectAttributes), A(TimerType)});
}
NTSTATUS NTAPI ZwOpenTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtOpenTimer, (uint64_t[]){A(TimerHandle), A(DesiredAccess),
		A(ObjectAttributes)});
}
NTSTATUS NTAPI ZwSetTimer(HANDLE TimerHandle, PLARGE_INTEGER DueTime, PTIMER_APC_ROUTINE TimerApcRoutine,
	PVOID TimerContext, BOOLEAN ResumeTimer, LONG Period, PBOOLEAN PreviousState)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtSetTimer, (uint64_t[]){A(TimerHandle), A(DueTime), A(TimerApcRoutine),
		A(TimerContext), A(ResumeTimer), A(Period), A(PreviousState)});
}
NTSTATUS NTAPI ZwCancelTimer(HANDLE TimerHandle, PBOOLEAN CurrentState)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtCancelTimer, (uint64_t[]){A(TimerHandle), A(CurrentState)});
}
NTSTATUS NTAPI ZwQueryTimer(HANDLE TimerHandle, TIMER_INFORMATION_CLASS TimerInformationClass, PVOID TimerInformation,
	ULONG TimerInformationLength, PULONG ReturnLength)
{
	return (NTSTATUS)rm_enter(RM_KERNEL | RM_NtQueryTimer, (uint64_t[]){A(TimerHandle), A(TimerInformationClass),
		A(TimerInformation), A(TimerInformationLength), A(ReturnLength)});
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
