/* Written by gen.go from the public headers. DO NOT EDIT. */
/* SERVICE(name, parameters, arguments); USER_SERVICE has no name of kernel mode. */
SERVICE(OpenProcessToken, (HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, PHANDLE TokenHandle), A(ProcessHandle),
	A(DesiredAccess), A(TokenHandle))
SERVICE(OpenProcessTokenEx, (HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
	PHANDLE TokenHandle), A(ProcessHandle), A(DesiredAccess), A(HandleAttributes), A(TokenHandle))
SERVICE(OpenThreadToken, (HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf, PHANDLE TokenHandle),
	A(ThreadHandle), A(DesiredAccess), A(OpenAsSelf), A(TokenHandle))
SERVICE(OpenThreadTokenEx, (HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf, ULONG HandleAttributes,
	PHANDLE TokenHandle), A(ThreadHandle), A(DesiredAccess), A(OpenAsSelf), A(HandleAttributes), A(TokenHandle))
SERVICE(DuplicateToken, (HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	BOOLEAN EffectiveOnly, TOKEN_TYPE TokenType, PHANDLE NewTokenHandle), A(ExistingTokenHandle), A(DesiredAccess),
	A(ObjectAttributes), A(EffectiveOnly), A(TokenType), A(NewTokenHandle))
SERVICE(FilterToken, (HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
	PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids, PHANDLE NewTokenHandle), A(ExistingTokenHandle),
	A(Flags), A(SidsToDisable), A(PrivilegesToDelete), A(RestrictedSids), A(NewTokenHandle))
SERVICE(AdjustPrivilegesToken, (HANDLE TokenHandle, BOOLEAN DisableAllPrivileges, PTOKEN_PRIVILEGES NewState,
	ULONG BufferLength, PTOKEN_PRIVILEGES PreviousState, PULONG ReturnLength), A(TokenHandle), A(DisableAllPrivileges),
	A(NewState), A(BufferLength), A(PreviousState), A(ReturnLength))
SERVICE(AdjustGroupsToken, (HANDLE TokenHandle, BOOLEAN ResetToDefault, PTOKEN_GROUPS NewState, ULONG BufferLength,
	PTOKEN_GROUPS PreviousState, PULONG ReturnLength), A(TokenHandle), A(ResetToDefault), A(NewState), A(BufferLength),
	A(PreviousState), A(ReturnLength))
SERVICE(QueryInformationToken, (HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID TokenInformation, ULONG TokenInformationLength, PULONG ReturnLength), A(TokenHandle), A(TokenInformationClass),
	A(TokenInformation), A(TokenInformationLength), A(ReturnLength))
SERVICE(SetInformationToken, (HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
	PVOID TokenInformation, ULONG TokenInformationLength), A(TokenHandle), A(TokenInformationClass), A(TokenInformation),
	A(TokenInformationLength))
SERVICE(CompareTokens, (HANDLE FirstTokenHandle, HANDLE SecondTokenHandle, PBOOLEAN Equal), A(FirstTokenHandle),
	A(SecondTokenHandle), A(Equal))
SERVICE(CreateToken, (PHANDLE TokenHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TOKEN_TYPE TokenType, PLUID AuthenticationId, PLARGE_INTEGER ExpirationTime, PTOKEN_USER User, PTOKEN_GROUPS Groups,
	PTOKEN_PRIVILEGES Privileges, PTOKEN_OWNER Owner, PTOKEN_PRIMARY_GROUP PrimaryGroup, PTOKEN_DEFAULT_DACL DefaultDacl,
	PTOKEN_SOURCE Source), A(TokenHandle), A(DesiredAccess), A(ObjectAttributes), A(TokenType), A(AuthenticationId),
	A(ExpirationTime), A(User), A(Groups), A(Privileges), A(Owner), A(PrimaryGroup), A(DefaultDacl), A(Source))
SERVICE(CreateTokenEx, (PHANDLE TokenHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TOKEN_TYPE TokenType, PLUID AuthenticationId, PLARGE_INTEGER ExpirationTime, PTOKEN_USER User, PTOKEN_GROUPS Groups,
	PTOKEN_PRIVILEGES Privileges, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION UserAttributes,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION DeviceAttributes, PTOKEN_GROUPS DeviceGroups,
	PTOKEN_MANDATORY_POLICY TokenMandatoryPolicy, PTOKEN_OWNER Owner, PTOKEN_PRIMARY_GROUP PrimaryGroup,
	PTOKEN_DEFAULT_DACL DefaultDacl, PTOKEN_SOURCE Source), A(TokenHandle), A(DesiredAccess), A(ObjectAttributes),
	A(TokenType), A(AuthenticationId), A(ExpirationTime), A(User), A(Groups), A(Privileges), A(UserAttributes),
	A(DeviceAttributes), A(DeviceGroups), A(TokenMandatoryPolicy), A(Owner), A(PrimaryGroup), A(DefaultDacl), A(Source))
SERVICE(FilterTokenEx, (HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
	PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids, ULONG DisableUserClaimsCount,
	PCUNICODE_STRING UserClaimsToDisable, ULONG DisableDeviceClaimsCount, PCUNICODE_STRING DeviceClaimsToDisable,
	PTOKEN_GROUPS DeviceGroupsToDisable, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION RestrictedUserAttributes,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION RestrictedDeviceAttributes, PTOKEN_GROUPS RestrictedDeviceGroups,
	PHANDLE NewTokenHandle), A(ExistingTokenHandle), A(Flags), A(SidsToDisable), A(PrivilegesToDelete), A(RestrictedSids),
	A(DisableUserClaimsCount), A(UserClaimsToDisable), A(DisableDeviceClaimsCount), A(DeviceClaimsToDisable),
	A(DeviceGroupsToDisable), A(RestrictedUserAttributes), A(RestrictedDeviceAttributes), A(RestrictedDeviceGroups),
	A(NewTokenHandle))
SERVICE(AdjustTokenClaimsAndDeviceGroups, (HANDLE TokenHandle, BOOLEAN UserResetToDefault,
	BOOLEAN DeviceResetToDefault, BOOLEAN DeviceGroupsResetToDefault, PTOKEN_SECURITY_ATTRIBUTES_INFORMATION NewUserState,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION NewDeviceState, PTOKEN_GROUPS NewDeviceGroupsState, ULONG UserBufferLength,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION PreviousUserState, ULONG DeviceBufferLength,
	PTOKEN_SECURITY_ATTRIBUTES_INFORMATION PreviousDeviceState, ULONG DeviceGroupsBufferLength,
	PTOKEN_GROUPS PreviousDeviceGroups, PULONG UserReturnLength, PULONG DeviceReturnLength,
	PULONG DeviceGroupsReturnBufferLength), A(TokenHandle), A(UserResetToDefault), A(DeviceResetToDefault),
	A(DeviceGroupsResetToDefault), A(NewUserState), A(NewDeviceState), A(NewDeviceGroupsState), A(UserBufferLength),
	A(PreviousUserState), A(DeviceBufferLength), A(PreviousDeviceState), A(DeviceGroupsBufferLength),
	A(PreviousDeviceGroups), A(UserReturnLength), A(DeviceReturnLength), A(DeviceGroupsReturnBufferLength))
SERVICE(QuerySecurityAttributesToken, (HANDLE TokenHandle, PCUNICODE_STRING Attributes, ULONG NumberOfAttributes,
	PVOID Buffer, ULONG Length, PULONG ReturnLength), A(TokenHandle), A(Attributes), A(NumberOfAttributes), A(Buffer),
	A(Length), A(ReturnLength))
SERVICE(CreateLowBoxToken, (PHANDLE TokenHandle, HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PSID PackageSid, ULONG CapabilityCount, PSID_AND_ATTRIBUTES Capabilities,
	ULONG HandleCount, HANDLE *Handles), A(TokenHandle), A(ExistingTokenHandle), A(DesiredAccess), A(ObjectAttributes),
	A(PackageSid), A(CapabilityCount), A(Capabilities), A(HandleCount), A(Handles))
SERVICE(AllocateLocallyUniqueId, (PLUID Luid), A(Luid))
SERVICE(PrivilegeCheck, (HANDLE ClientToken, PPRIVILEGE_SET RequiredPrivileges, PBOOLEAN Result), A(ClientToken),
	A(RequiredPrivileges), A(Result))
SERVICE(AccessCheck, (PSECURITY_DESCRIPTOR SecurityDescriptor, HANDLE ClientToken, ACCESS_MASK DesiredAccess,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus), A(SecurityDescriptor), A(ClientToken), A(DesiredAccess), A(GenericMapping), A(PrivilegeSet),
	A(PrivilegeSetLength), A(GrantedAccess), A(AccessStatus))
SERVICE(AccessCheckByType, (PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, HANDLE ClientToken,
	ACCESS_MASK DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus), A(SecurityDescriptor), A(PrincipalSelfSid), A(ClientToken), A(DesiredAccess),
	A(ObjectTypeList), A(ObjectTypeListLength), A(GenericMapping), A(PrivilegeSet), A(PrivilegeSetLength),
	A(GrantedAccess), A(AccessStatus))
SERVICE(AccessCheckByTypeResultList, (PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid,
	HANDLE ClientToken, ACCESS_MASK DesiredAccess, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength,
	PGENERIC_MAPPING GenericMapping, PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
	PNTSTATUS AccessStatus), A(SecurityDescriptor), A(PrincipalSelfSid), A(ClientToken), A(DesiredAccess),
	A(ObjectTypeList), A(ObjectTypeListLength), A(GenericMapping), A(PrivilegeSet), A(PrivilegeSetLength),
	A(GrantedAccess), A(AccessStatus))
SERVICE(SetInformationThread, (HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass, PVOID ThreadInformation,
	ULONG ThreadInformationLength), A(ThreadHandle), A(ThreadInformationClass), A(ThreadInformation),
	A(ThreadInformationLength))
SERVICE(ImpersonateThread, (HANDLE ServerThreadHandle, HANDLE ClientThreadHandle,
	PSECURITY_QUALITY_OF_SERVICE SecurityQos), A(ServerThreadHandle), A(ClientThreadHandle), A(SecurityQos))
SERVICE(ImpersonateAnonymousToken, (HANDLE ThreadHandle), A(ThreadHandle))
USER_SERVICE(OpenObjectAuditAlarm, (PUNICODE_STRING SubsystemName, PVOID HandleId, PUNICODE_STRING ObjectTypeName,
	PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor, HANDLE ClientToken, ACCESS_MASK DesiredAccess,
	ACCESS_MASK GrantedAccess, PPRIVILEGE_SET Privileges, BOOLEAN ObjectCreation, BOOLEAN AccessGranted,
	PBOOLEAN GenerateOnClose), A(SubsystemName), A(HandleId), A(ObjectTypeName), A(ObjectName), A(SecurityDescriptor),
	A(ClientToken), A(DesiredAccess), A(GrantedAccess), A(Privileges), A(ObjectCreation), A(AccessGranted),
	A(GenerateOnClose))
USER_SERVICE(PrivilegeObjectAuditAlarm, (PUNICODE_STRING SubsystemName, PVOID HandleId, HANDLE ClientToken,
	ACCESS_MASK DesiredAccess, PPRIVILEGE_SET Privileges, BOOLEAN AccessGranted), A(SubsystemName), A(HandleId),
	A(ClientToken), A(DesiredAccess), A(Privileges), A(AccessGranted))
USER_SERVICE(PrivilegedServiceAuditAlarm, (PUNICODE_STRING SubsystemName, PUNICODE_STRING ServiceName,
	HANDLE ClientToken, PPRIVILEGE_SET Privileges, BOOLEAN AccessGranted), A(SubsystemName), A(ServiceName),
	A(ClientToken), A(Privileges), A(AccessGranted))
USER_SERVICE(CloseObjectAuditAlarm, (PUNICODE_STRING SubsystemName, PVOID HandleId, BOOLEAN GenerateOnClose),
	A(SubsystemName), A(HandleId), A(GenerateOnClose))
USER_SERVICE(DeleteObjectAuditAlarm, (PUNICODE_STRING SubsystemName, PVOID HandleId, BOOLEAN GenerateOnClose),
	A(SubsystemName), A(HandleId), A(GenerateOnClose))
USER_SERVICE(AccessCheckAndAuditAlarm, (PUNICODE_STRING SubsystemName, PVOID HandleId, PUNICODE_STRING ObjectTypeName,
	PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor, ACCESS_MASK DesiredAccess,
	PGENERIC_MAPPING GenericMapping, BOOLEAN ObjectCreation, PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus,
	PBOOLEAN GenerateOnClose), A(SubsystemName), A(HandleId), A(ObjectTypeName), A(ObjectName), A(SecurityDescriptor),
	A(DesiredAccess), A(GenericMapping), A(ObjectCreation), A(GrantedAccess), A(AccessStatus), A(GenerateOnClose))
USER_SERVICE(AccessCheckByTypeAndAuditAlarm, (PUNICODE_STRING SubsystemName, PVOID HandleId,
	PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
	PSID PrincipalSelfSid, ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType, ULONG Flags,
	POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength, PGENERIC_MAPPING GenericMapping, BOOLEAN ObjectCreation,
	PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus, PBOOLEAN GenerateOnClose), A(SubsystemName), A(HandleId),
	A(ObjectTypeName), A(ObjectName), A(SecurityDescriptor), A(PrincipalSelfSid), A(DesiredAccess), A(AuditType),
	A(Flags), A(ObjectTypeList), A(ObjectTypeListLength), A(GenericMapping), A(ObjectCreation), A(GrantedAccess),
	A(AccessStatus), A(GenerateOnClose))
USER_SERVICE(AccessCheckByTypeResultListAndAuditAlarm, (PUNICODE_STRING SubsystemName, PVOID HandleId,
	PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName, PSECURITY_DESCRIPTOR SecurityDescriptor,
	PSID PrincipalSelfSid, ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType, ULONG Flags,
	POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength, PGENERIC_MAPPING GenericMapping, BOOLEAN ObjectCreation,
	PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus, PBOOLEAN GenerateOnClose), A(SubsystemName), A(HandleId),
	A(ObjectTypeName), A(ObjectName), A(SecurityDescriptor), A(PrincipalSelfSid), A(DesiredAccess), A(AuditType),
	A(Flags), A(ObjectTypeList), A(ObjectTypeListLength), A(GenericMapping), A(ObjectCreation), A(GrantedAccess),
	A(AccessStatus), A(GenerateOnClose))
USER_SERVICE(AccessCheckByTypeResultListAndAuditAlarmByHandle, (PUNICODE_STRING SubsystemName, PVOID HandleId,
	HANDLE ClientToken, PUNICODE_STRING ObjectTypeName, PUNICODE_STRING ObjectName,
	PSECURITY_DESCRIPTOR SecurityDescriptor, PSID PrincipalSelfSid, ACCESS_MASK DesiredAccess, AUDIT_EVENT_TYPE AuditType,
	ULONG Flags, POBJECT_TYPE_LIST ObjectTypeList, ULONG ObjectTypeListLength, PGENERIC_MAPPING GenericMapping,
	BOOLEAN ObjectCreation, PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus, PBOOLEAN GenerateOnClose),
	A(SubsystemName), A(HandleId), A(ClientToken), A(ObjectTypeName), A(ObjectName), A(SecurityDescriptor),
	A(PrincipalSelfSid), A(DesiredAccess), A(AuditType), A(Flags), A(ObjectTypeList), A(ObjectTypeListLength),
	A(GenericMapping), A(ObjectCreation), A(GrantedAccess), A(AccessStatus), A(GenerateOnClose))
SERVICE(OpenFile, (PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions), A(FileHandle), A(DesiredAccess),
	A(ObjectAttributes), A(IoStatusBlock), A(ShareAccess), A(OpenOptions))
SERVICE(CreateFile, (PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
	ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength), A(FileHandle), A(DesiredAccess),
	A(ObjectAttributes), A(IoStatusBlock), A(AllocationSize), A(FileAttributes), A(ShareAccess), A(CreateDisposition),
	A(CreateOptions), A(EaBuffer), A(EaLength))
SERVICE(CreateNamedPipeFile, (PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG CreateDisposition, ULONG CreateOptions, ULONG NamedPipeType,
	ULONG ReadMode, ULONG CompletionMode, ULONG MaximumInstances, ULONG InboundQuota, ULONG OutboundQuota,
	PLARGE_INTEGER DefaultTimeout), A(FileHandle), A(DesiredAccess), A(ObjectAttributes), A(IoStatusBlock),
	A(ShareAccess), A(CreateDisposition), A(CreateOptions), A(NamedPipeType), A(ReadMode), A(CompletionMode),
	A(MaximumInstances), A(InboundQuota), A(OutboundQuota), A(DefaultTimeout))
SERVICE(ReadFile, (HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key), A(FileHandle),
	A(Event), A(ApcRoutine), A(ApcContext), A(IoStatusBlock), A(Buffer), A(Length), A(ByteOffset), A(Key))
SERVICE(WriteFile, (HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, LPCVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key), A(FileHandle),
	A(Event), A(ApcRoutine), A(ApcContext), A(IoStatusBlock), A(Buffer), A(Length), A(ByteOffset), A(Key))
SERVICE(FsControlFile, (HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode, PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
	ULONG OutputBufferLength), A(FileHandle), A(Event), A(ApcRoutine), A(ApcContext), A(IoStatusBlock), A(FsControlCode),
	A(InputBuffer), A(InputBufferLength), A(OutputBuffer), A(OutputBufferLength))
SERVICE(QueryInformationFile, (HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
	FILE_INFORMATION_CLASS FileInformationClass), A(FileHandle), A(IoStatusBlock), A(FileInformation), A(Length),
	A(FileInformationClass))
SERVICE(SetInformationFile, (HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
	FILE_INFORMATION_CLASS FileInformationClass), A(FileHandle), A(IoStatusBlock), A(FileInformation), A(Length),
	A(FileInformationClass))
SERVICE(QueryDirectoryFile, (HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length, FILE_INFORMATION_CLASS FileInformationClass,
	BOOLEAN ReturnSingleEntry, PUNICODE_STRING FileName, BOOLEAN RestartScan), A(FileHandle), A(Event), A(ApcRoutine),
	A(ApcContext), A(IoStatusBlock), A(FileInformation), A(Length), A(FileInformationClass), A(ReturnSingleEntry),
	A(FileName), A(RestartScan))
SERVICE(DeleteFile, (POBJECT_ATTRIBUTES ObjectAttributes), A(ObjectAttributes))
SERVICE(QueryVolumeInformationFile, (HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FsInformation,
	ULONG Length, FS_INFORMATION_CLASS FsInformationClass), A(FileHandle), A(IoStatusBlock), A(FsInformation), A(Length),
	A(FsInformationClass))
SERVICE(FlushBuffersFile, (HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock), A(FileHandle), A(IoStatusBlock))
USER_SERVICE(CancelIoFile, (HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock), A(FileHandle), A(IoStatusBlock))
USER_SERVICE(CancelIoFileEx, (HANDLE FileHandle, PIO_STATUS_BLOCK IoRequestToCancel, PIO_STATUS_BLOCK IoStatusBlock),
	A(FileHandle), A(IoRequestToCancel), A(IoStatusBlock))
USER_SERVICE(CancelSynchronousIoFile, (HANDLE ThreadHandle, PIO_STATUS_BLOCK IoRequestToCancel,
	PIO_STATUS_BLOCK IoStatusBlock), A(ThreadHandle), A(IoRequestToCancel), A(IoStatusBlock))
SERVICE(Close, (HANDLE Handle), A(Handle))
SERVICE(DuplicateObject, (HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
	PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Options), A(SourceProcessHandle),
	A(SourceHandle), A(TargetProcessHandle), A(TargetHandle), A(DesiredAccess), A(HandleAttributes), A(Options))
SERVICE(CompareObjects, (HANDLE FirstObjectHandle, HANDLE SecondObjectHandle), A(FirstObjectHandle),
	A(SecondObjectHandle))
SERVICE(MakeTemporaryObject, (HANDLE Handle), A(Handle))
SERVICE(MakePermanentObject, (HANDLE Handle), A(Handle))
SERVICE(QueryObject, (HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass, PVOID ObjectInformation,
	ULONG ObjectInformationLength, PULONG ReturnLength), A(Handle), A(ObjectInformationClass), A(ObjectInformation),
	A(ObjectInformationLength), A(ReturnLength))
SERVICE(SetInformationObject, (HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass, PVOID ObjectInformation,
	ULONG ObjectInformationLength), A(Handle), A(ObjectInformationClass), A(ObjectInformation), A(ObjectInformationLength))
SERVICE(QuerySecurityObject, (HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Length, PULONG LengthNeeded), A(Handle), A(SecurityInformation),
	A(SecurityDescriptor), A(Length), A(LengthNeeded))
SERVICE(SetSecurityObject, (HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
	PSECURITY_DESCRIPTOR SecurityDescriptor), A(Handle), A(SecurityInformation), A(SecurityDescriptor))
SERVICE(OpenProcess, (PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PCLIENT_ID ClientId), A(ProcessHandle), A(DesiredAccess), A(ObjectAttributes), A(ClientId))
SERVICE(OpenThread, (PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PCLIENT_ID ClientId), A(ThreadHandle), A(DesiredAccess), A(ObjectAttributes), A(ClientId))
SERVICE(GetNextThread, (HANDLE ProcessHandle, HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
	ULONG Flags, PHANDLE NewThreadHandle), A(ProcessHandle), A(ThreadHandle), A(DesiredAccess), A(HandleAttributes),
	A(Flags), A(NewThreadHandle))
SERVICE(GetNextProcess, (HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Flags,
	PHANDLE NewProcessHandle), A(ProcessHandle), A(DesiredAccess), A(HandleAttributes), A(Flags), A(NewProcessHandle))
SERVICE(QueryInformationProcess, (HANDLE ProcessHandle, PROCESSINFOCLASS ProcessInformationClass,
	PVOID ProcessInformation, ULONG ProcessInformationLength, PULONG ReturnLength), A(ProcessHandle),
	A(ProcessInformationClass), A(ProcessInformation), A(ProcessInformationLength), A(ReturnLength))
SERVICE(QueryInformationThread, (HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass, PVOID ThreadInformation,
	ULONG ThreadInformationLength, PULONG ReturnLength), A(ThreadHandle), A(ThreadInformationClass), A(ThreadInformation),
	A(ThreadInformationLength), A(ReturnLength))
SERVICE(SetInformationProcess, (HANDLE ProcessHandle, PROCESSINFOCLASS ProcessInformationClass,
	PVOID ProcessInformation, ULONG ProcessInformationLength), A(ProcessHandle), A(ProcessInformationClass),
	A(ProcessInformation), A(ProcessInformationLength))
SERVICE(CreateEvent, (PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	EVENT_TYPE EventType, BOOLEAN InitialState), A(EventHandle), A(DesiredAccess), A(ObjectAttributes), A(EventType),
	A(InitialState))
SERVICE(OpenEvent, (PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes),
	A(EventHandle), A(DesiredAccess), A(ObjectAttributes))
SERVICE(CreateDirectoryObject, (PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes), A(DirectoryHandle), A(DesiredAccess), A(ObjectAttributes))
SERVICE(OpenDirectoryObject, (PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes),
	A(DirectoryHandle), A(DesiredAccess), A(ObjectAttributes))
SERVICE(CreateSymbolicLinkObject, (PHANDLE LinkHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	PUNICODE_STRING LinkTarget), A(LinkHandle), A(DesiredAccess), A(ObjectAttributes), A(LinkTarget))
SERVICE(OpenSymbolicLinkObject, (PHANDLE LinkHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes),
	A(LinkHandle), A(DesiredAccess), A(ObjectAttributes))
SERVICE(QueryDirectoryObject, (HANDLE DirectoryHandle, PVOID Buffer, ULONG Length, BOOLEAN ReturnSingleEntry,
	BOOLEAN RestartScan, PULONG Context, PULONG ReturnLength), A(DirectoryHandle), A(Buffer), A(Length),
	A(ReturnSingleEntry), A(RestartScan), A(Context), A(ReturnLength))
SERVICE(QuerySymbolicLinkObject, (HANDLE LinkHandle, PUNICODE_STRING LinkTarget, PULONG ReturnedLength), A(LinkHandle),
	A(LinkTarget), A(ReturnedLength))
SERVICE(CreateJobObject, (PHANDLE JobHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes),
	A(JobHandle), A(DesiredAccess), A(ObjectAttributes))
SERVICE(OpenJobObject, (PHANDLE JobHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes),
	A(JobHandle), A(DesiredAccess), A(ObjectAttributes))
SERVICE(AssignProcessToJobObject, (HANDLE JobHandle, HANDLE ProcessHandle), A(JobHandle), A(ProcessHandle))
SERVICE(SetInformationJobObject, (HANDLE JobHandle, JOBOBJECTINFOCLASS JobObjectInformationClass,
	PVOID JobObjectInformation, ULONG JobObjectInformationLength), A(JobHandle), A(JobObjectInformationClass),
	A(JobObjectInformation), A(JobObjectInformationLength))
SERVICE(CreateUserProcess, (PHANDLE ProcessHandle, PHANDLE ThreadHandle, ACCESS_MASK ProcessDesiredAccess,
	ACCESS_MASK ThreadDesiredAccess, POBJECT_ATTRIBUTES ProcessObjectAttributes,
	POBJECT_ATTRIBUTES ThreadObjectAttributes, ULONG ProcessFlags, ULONG ThreadFlags, PVOID ProcessParameters,
	PVOID CreateInfo, PPS_ATTRIBUTE_LIST AttributeList), A(ProcessHandle), A(ThreadHandle), A(ProcessDesiredAccess),
	A(ThreadDesiredAccess), A(ProcessObjectAttributes), A(ThreadObjectAttributes), A(ProcessFlags), A(ThreadFlags),
	A(ProcessParameters), A(CreateInfo), A(AttributeList))
SERVICE(SuspendThread, (HANDLE ThreadHandle, PULONG PreviousSuspendCount), A(ThreadHandle), A(PreviousSuspendCount))
SERVICE(ResumeThread, (HANDLE ThreadHandle, PULONG PreviousSuspendCount), A(ThreadHandle), A(PreviousSuspendCount))
SERVICE(TerminateProcess, (HANDLE ProcessHandle, NTSTATUS ExitStatus), A(ProcessHandle), A(ExitStatus))
USER_SERVICE(CreatePort, (PHANDLE PortHandle, POBJECT_ATTRIBUTES ObjectAttributes, ULONG MaxConnectionInfoLength,
	ULONG MaxMessageLength, ULONG MaxPoolUsage), A(PortHandle), A(ObjectAttributes), A(MaxConnectionInfoLength),
	A(MaxMessageLength), A(MaxPoolUsage))
USER_SERVICE(ConnectPort, (PHANDLE PortHandle, PUNICODE_STRING PortName, PSECURITY_QUALITY_OF_SERVICE SecurityQos,
	PVOID ClientView, PVOID ServerView, PULONG MaxMessageLength, PVOID ConnectionInformation,
	PULONG ConnectionInformationLength), A(PortHandle), A(PortName), A(SecurityQos), A(ClientView), A(ServerView),
	A(MaxMessageLength), A(ConnectionInformation), A(ConnectionInformationLength))
USER_SERVICE(ListenPort, (HANDLE PortHandle, PPORT_MESSAGE ConnectionRequest), A(PortHandle), A(ConnectionRequest))
USER_SERVICE(AcceptConnectPort, (PHANDLE PortHandle, PVOID PortContext, PPORT_MESSAGE ConnectionRequest,
	BOOLEAN AcceptConnection, PVOID ServerView, PVOID ClientView), A(PortHandle), A(PortContext), A(ConnectionRequest),
	A(AcceptConnection), A(ServerView), A(ClientView))
USER_SERVICE(CompleteConnectPort, (HANDLE PortHandle), A(PortHandle))
USER_SERVICE(RequestWaitReplyPort, (HANDLE PortHandle, PPORT_MESSAGE RequestMessage, PPORT_MESSAGE ReplyMessage),
	A(PortHandle), A(RequestMessage), A(ReplyMessage))
USER_SERVICE(ReplyPort, (HANDLE PortHandle, PPORT_MESSAGE ReplyMessage), A(PortHandle), A(ReplyMessage))
USER_SERVICE(ReplyWaitReceivePort, (HANDLE PortHandle, PVOID *PortContext, PPORT_MESSAGE ReplyMessage,
	PPORT_MESSAGE ReceiveMessage), A(PortHandle), A(PortContext), A(ReplyMessage), A(ReceiveMessage))
USER_SERVICE(ImpersonateClientOfPort, (HANDLE PortHandle, PPORT_MESSAGE Message), A(PortHandle), A(Message))
SERVICE(CreateMutant, (PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	BOOLEAN InitialOwner), A(MutantHandle), A(DesiredAccess), A(ObjectAttributes), A(InitialOwner))
SERVICE(OpenMutant, (PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes),
	A(MutantHandle), A(DesiredAccess), A(ObjectAttributes))
SERVICE(ReleaseMutant, (HANDLE MutantHandle, PLONG PreviousCount), A(MutantHandle), A(PreviousCount))
SERVICE(QueryMutant, (HANDLE MutantHandle, MUTANT_INFORMATION_CLASS MutantInformationClass, PVOID MutantInformation,
	ULONG MutantInformationLength, PULONG ReturnLength), A(MutantHandle), A(MutantInformationClass), A(MutantInformation),
	A(MutantInformationLength), A(ReturnLength))
SERVICE(CreateSemaphore, (PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	LONG InitialCount, LONG MaximumCount), A(SemaphoreHandle), A(DesiredAccess), A(ObjectAttributes), A(InitialCount),
	A(MaximumCount))
SERVICE(OpenSemaphore, (PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes),
	A(SemaphoreHandle), A(DesiredAccess), A(ObjectAttributes))
SERVICE(ReleaseSemaphore, (HANDLE SemaphoreHandle, LONG ReleaseCount, PLONG PreviousCount), A(SemaphoreHandle),
	A(ReleaseCount), A(PreviousCount))
SERVICE(QuerySemaphore, (HANDLE SemaphoreHandle, SEMAPHORE_INFORMATION_CLASS SemaphoreInformationClass,
	PVOID SemaphoreInformation, ULONG SemaphoreInformationLength, PULONG ReturnLength), A(SemaphoreHandle),
	A(SemaphoreInformationClass), A(SemaphoreInformation), A(SemaphoreInformationLength), A(ReturnLength))
SERVICE(CreateTimer, (PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
	TIMER_TYPE TimerType), A(TimerHandle), A(DesiredAccess), A(ObjectAttributes), A(TimerType))
SERVICE(OpenTimer, (PHANDLE TimerHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes),
	A(TimerHandle), A(DesiredAccess), A(ObjectAttributes))
SERVICE(SetTimer, (HANDLE TimerHandle, PLARGE_INTEGER DueTime, PTIMER_APC_ROUTINE TimerApcRoutine, PVOID TimerContext,
	BOOLEAN ResumeTimer, LONG Period, PBOOLEAN PreviousState), A(TimerHandle), A(DueTime), A(TimerApcRoutine),
	A(TimerContext), A(ResumeTimer), A(Period), A(PreviousState))
SERVICE(CancelTimer, (HANDLE TimerHandle, PBOOLEAN CurrentState), A(TimerHandle), A(CurrentState))
SERVICE(QueryTimer, (HANDLE TimerHandle, TIMER_INFORMATION_CLASS TimerInformationClass, PVOID TimerInformation,
	ULONG TimerInformationLength, PULONG ReturnLength), A(TimerHandle), A(TimerInformationClass), A(TimerInformation),
	A(TimerInformationLength), A(ReturnLength))
SERVICE(SetEvent, (HANDLE EventHandle, PLONG PreviousState), A(EventHandle), A(PreviousState))
SERVICE(ResetEvent, (HANDLE EventHandle, PLONG PreviousState), A(EventHandle), A(PreviousState))
SERVICE(ClearEvent, (HANDLE EventHandle), A(EventHandle))
SERVICE(WaitForSingleObject, (HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout), A(Handle), A(Alertable),
	A(Timeout))
USER_SERVICE(WaitForMultipleObjects, (ULONG Count, const HANDLE *Handles, WAIT_TYPE WaitType, BOOLEAN Alertable,
	PLARGE_INTEGER Timeout), A(Count), A(Handles), A(WaitType), A(Alertable), A(Timeout))
USER_SERVICE(DelayExecution, (BOOLEAN Alertable, PLARGE_INTEGER DelayInterval), A(Alertable), A(DelayInterval))
USER_SERVICE(QueueApcThread, (HANDLE ThreadHandle, PPS_APC_ROUTINE ApcRoutine, PVOID ApcArgument1, PVOID ApcArgument2,
	PVOID ApcArgument3), A(ThreadHandle), A(ApcRoutine), A(ApcArgument1), A(ApcArgument2), A(ApcArgument3))
USER_SERVICE(TestAlert, (void), 0)
