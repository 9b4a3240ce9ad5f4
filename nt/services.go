package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Services is the interface that a kernel implements for one thread. It has a
// method for each service, with the documented name, and further methods for
// helpers and tracers. One goroutine uses an implementation at a time.
type Services interface {
	NtClose(CloseIn) (CloseOut, ntstatus.Status)
	NtOpenProcess(OpenProcessIn) (OpenProcessOut, ntstatus.Status)
	NtOpenThread(OpenThreadIn) (OpenThreadOut, ntstatus.Status)
	NtOpenFile(OpenFileIn) (OpenFileOut, ntstatus.Status)
	NtSetInformationThread(SetInformationThreadIn) (SetInformationThreadOut, ntstatus.Status)

	NtOpenProcessToken(OpenProcessTokenIn) (OpenProcessTokenOut, ntstatus.Status)
	NtOpenProcessTokenEx(OpenProcessTokenExIn) (OpenProcessTokenOut, ntstatus.Status)
	NtOpenThreadToken(OpenThreadTokenIn) (OpenThreadTokenOut, ntstatus.Status)
	NtOpenThreadTokenEx(OpenThreadTokenExIn) (OpenThreadTokenOut, ntstatus.Status)
	NtDuplicateToken(DuplicateTokenIn) (DuplicateTokenOut, ntstatus.Status)
	NtAdjustPrivilegesToken(AdjustPrivilegesTokenIn) (AdjustPrivilegesTokenOut, ntstatus.Status)
	NtPrivilegeCheck(PrivilegeCheckIn) (PrivilegeCheckOut, ntstatus.Status)
	NtQueryInformationToken(QueryInformationTokenIn) (QueryInformationTokenOut, ntstatus.Status)

	NtAccessCheck(AccessCheckIn) (AccessCheckOut, ntstatus.Status)
	NtAccessCheckByType(AccessCheckByTypeIn) (AccessCheckOut, ntstatus.Status)
	NtAccessCheckByTypeResultList(AccessCheckByTypeIn) (AccessCheckByTypeResultListOut, ntstatus.Status)

	NtCreatePort(CreatePortIn) (PortOut, ntstatus.Status)
	NtConnectPort(ConnectPortIn) (PortOut, ntstatus.Status)
	NtListenPort(ListenPortIn) (ReplyWaitReceivePortOut, ntstatus.Status)
	NtAcceptConnectPort(AcceptConnectPortIn) (PortOut, ntstatus.Status)
	NtCompleteConnectPort(CompleteConnectPortIn) (CompleteConnectPortOut, ntstatus.Status)
	NtRequestWaitReplyPort(RequestWaitReplyPortIn) (RequestWaitReplyPortOut, ntstatus.Status)
	NtReplyWaitReceivePort(ReplyWaitReceivePortIn) (ReplyWaitReceivePortOut, ntstatus.Status)
	NtReplyPort(ReplyPortIn) (ReplyPortOut, ntstatus.Status)
	NtImpersonateClientOfPort(ImpersonateClientOfPortIn) (ImpersonateClientOfPortOut, ntstatus.Status)

	NtCreateNamedPipeFile(CreateNamedPipeFileIn) (CreateNamedPipeFileOut, ntstatus.Status)
	NtReadFile(ReadFileIn) (ReadFileOut, ntstatus.Status)
	NtWriteFile(WriteFileIn) (WriteFileOut, ntstatus.Status)
	NtCreateFile(CreateFileIn) (CreateFileOut, ntstatus.Status)
	NtDeleteFile(DeleteFileIn) (DeleteFileOut, ntstatus.Status)
	NtSetInformationFile(SetInformationFileIn) (SetInformationFileOut, ntstatus.Status)
	NtQueryDirectoryFile(QueryDirectoryFileIn) (QueryDirectoryFileOut, ntstatus.Status)
	NtFsControlFile(FsControlFileIn) (FsControlFileOut, ntstatus.Status)
	NtQueryInformationFile(QueryInformationFileIn) (QueryInformationFileOut, ntstatus.Status)
	NtQueryVolumeInformationFile(QueryVolumeInformationFileIn) (QueryVolumeInformationFileOut, ntstatus.Status)

	NtOpenObjectAuditAlarm(OpenObjectAuditAlarmIn) (OpenObjectAuditAlarmOut, ntstatus.Status)
	NtCloseObjectAuditAlarm(CloseObjectAuditAlarmIn) (CloseObjectAuditAlarmOut, ntstatus.Status)
	NtDeleteObjectAuditAlarm(CloseObjectAuditAlarmIn) (CloseObjectAuditAlarmOut, ntstatus.Status)
	NtPrivilegeObjectAuditAlarm(PrivilegeObjectAuditAlarmIn) (PrivilegeObjectAuditAlarmOut, ntstatus.Status)
	NtPrivilegedServiceAuditAlarm(PrivilegedServiceAuditAlarmIn) (PrivilegedServiceAuditAlarmOut, ntstatus.Status)
	NtAccessCheckAndAuditAlarm(AccessCheckAndAuditAlarmIn) (AccessCheckAndAuditAlarmOut, ntstatus.Status)
	NtAccessCheckByTypeAndAuditAlarm(AccessCheckByTypeAndAuditAlarmIn) (AccessCheckAndAuditAlarmOut, ntstatus.Status)
	NtAccessCheckByTypeResultListAndAuditAlarm(
		AccessCheckByTypeAndAuditAlarmIn,
	) (AccessCheckResultListAndAuditAlarmOut, ntstatus.Status)
	NtAccessCheckByTypeResultListAndAuditAlarmByHandle(
		AccessCheckAndAuditAlarmByHandleIn,
	) (AccessCheckResultListAndAuditAlarmOut, ntstatus.Status)

	NtCreateJobObject(CreateJobObjectIn) (CreateJobObjectOut, ntstatus.Status)
	NtOpenJobObject(OpenJobObjectIn) (OpenJobObjectOut, ntstatus.Status)
	NtAssignProcessToJobObject(AssignProcessToJobObjectIn) (AssignProcessToJobObjectOut, ntstatus.Status)
	NtSetInformationJobObject(SetInformationJobObjectIn) (SetInformationJobObjectOut, ntstatus.Status)
	NtCreateUserProcess(CreateUserProcessIn) (CreateUserProcessOut, ntstatus.Status)
	NtTerminateProcess(TerminateProcessIn) (TerminateProcessOut, ntstatus.Status)
	NtSuspendThread(SuspendThreadIn) (SuspendThreadOut, ntstatus.Status)
	NtResumeThread(ResumeThreadIn) (ResumeThreadOut, ntstatus.Status)
	NtSetInformationProcess(SetInformationProcessIn) (SetInformationProcessOut, ntstatus.Status)
	NtCreateToken(CreateTokenIn) (CreateTokenOut, ntstatus.Status)
	NtCreateTokenEx(CreateTokenExIn) (CreateTokenOut, ntstatus.Status)
	NtCreateLowBoxToken(CreateLowBoxTokenIn) (CreateLowBoxTokenOut, ntstatus.Status)
	NtFilterToken(FilterTokenIn) (FilterTokenOut, ntstatus.Status)
	NtFilterTokenEx(FilterTokenExIn) (FilterTokenOut, ntstatus.Status)
	NtAdjustGroupsToken(AdjustGroupsTokenIn) (AdjustGroupsTokenOut, ntstatus.Status)
	NtAdjustTokenClaimsAndDeviceGroups(AdjustTokenClaimsIn) (AdjustTokenClaimsOut, ntstatus.Status)
	NtCompareTokens(CompareTokensIn) (CompareTokensOut, ntstatus.Status)
	NtSetInformationToken(SetInformationTokenIn) (SetInformationTokenOut, ntstatus.Status)
	NtQuerySecurityAttributesToken(QuerySecurityAttributesTokenIn) (QuerySecurityAttributesTokenOut, ntstatus.Status)
	NtAllocateLocallyUniqueId(AllocateLocallyUniqueIDIn) (AllocateLocallyUniqueIDOut, ntstatus.Status)
	NtDuplicateObject(DuplicateObjectIn) (DuplicateObjectOut, ntstatus.Status)
	NtCompareObjects(CompareObjectsIn) (CompareObjectsOut, ntstatus.Status)
	NtQueryObject(QueryObjectIn) (QueryObjectOut, ntstatus.Status)
	NtSetInformationObject(SetInformationObjectIn) (SetInformationObjectOut, ntstatus.Status)
	NtMakeTemporaryObject(MakeTemporaryObjectIn) (MakeTemporaryObjectOut, ntstatus.Status)
	NtMakePermanentObject(MakePermanentObjectIn) (MakePermanentObjectOut, ntstatus.Status)
	NtQuerySecurityObject(QuerySecurityObjectIn) (QuerySecurityObjectOut, ntstatus.Status)
	NtSetSecurityObject(SetSecurityObjectIn) (SetSecurityObjectOut, ntstatus.Status)

	NtCreateDirectoryObject(CreateDirectoryObjectIn) (DirectoryObjectOut, ntstatus.Status)
	NtOpenDirectoryObject(OpenDirectoryObjectIn) (DirectoryObjectOut, ntstatus.Status)
	NtQueryDirectoryObject(QueryDirectoryObjectIn) (QueryDirectoryObjectOut, ntstatus.Status)
	NtCreateSymbolicLinkObject(CreateSymbolicLinkObjectIn) (SymbolicLinkObjectOut, ntstatus.Status)
	NtOpenSymbolicLinkObject(OpenSymbolicLinkObjectIn) (SymbolicLinkObjectOut, ntstatus.Status)
	NtQuerySymbolicLinkObject(QuerySymbolicLinkObjectIn) (QuerySymbolicLinkObjectOut, ntstatus.Status)
	NtCreateEvent(CreateEventIn) (EventOut, ntstatus.Status)
	NtOpenEvent(OpenEventIn) (EventOut, ntstatus.Status)
	NtCreateMutant(CreateMutantIn) (MutantOut, ntstatus.Status)
	NtOpenMutant(OpenMutantIn) (MutantOut, ntstatus.Status)
	NtReleaseMutant(ReleaseMutantIn) (ReleaseMutantOut, ntstatus.Status)
	NtQueryMutant(QueryMutantIn) (QueryMutantOut, ntstatus.Status)
	NtCreateSemaphore(CreateSemaphoreIn) (SemaphoreOut, ntstatus.Status)
	NtOpenSemaphore(OpenSemaphoreIn) (SemaphoreOut, ntstatus.Status)
	NtReleaseSemaphore(ReleaseSemaphoreIn) (ReleaseSemaphoreOut, ntstatus.Status)
	NtQuerySemaphore(QuerySemaphoreIn) (QuerySemaphoreOut, ntstatus.Status)
	NtCreateTimer(CreateTimerIn) (TimerOut, ntstatus.Status)
	NtOpenTimer(OpenTimerIn) (TimerOut, ntstatus.Status)
	NtSetTimer(SetTimerIn) (SetTimerOut, ntstatus.Status)
	NtCancelTimer(CancelTimerIn) (CancelTimerOut, ntstatus.Status)
	NtQueryTimer(QueryTimerIn) (QueryTimerOut, ntstatus.Status)
	NtSetEvent(SetEventIn) (SetEventOut, ntstatus.Status)
	NtResetEvent(SetEventIn) (SetEventOut, ntstatus.Status)
	NtClearEvent(ClearEventIn) (ClearEventOut, ntstatus.Status)
	NtWaitForSingleObject(WaitForSingleObjectIn) (WaitForSingleObjectOut, ntstatus.Status)
	NtQueueApcThread(QueueApcThreadIn) (QueueApcThreadOut, ntstatus.Status)
	NtTestAlert(TestAlertIn) (TestAlertOut, ntstatus.Status)
	NtCancelIoFile(CancelIoFileIn) (CancelIoFileOut, ntstatus.Status)
	NtCancelIoFileEx(CancelIoFileExIn) (CancelIoFileOut, ntstatus.Status)
	NtCancelSynchronousIoFile(CancelSynchronousIoFileIn) (CancelIoFileOut, ntstatus.Status)
	NtFlushBuffersFile(FlushBuffersFileIn) (FlushBuffersFileOut, ntstatus.Status)

	NtGetNextProcess(GetNextProcessIn) (GetNextProcessOut, ntstatus.Status)
	NtQueryInformationProcess(QueryInformationProcessIn) (QueryInformationProcessOut, ntstatus.Status)
	NtQueryInformationThread(QueryInformationThreadIn) (QueryInformationThreadOut, ntstatus.Status)
	NtGetNextThread(GetNextThreadIn) (GetNextThreadOut, ntstatus.Status)
	NtImpersonateThread(ImpersonateThreadIn) (ImpersonateThreadOut, ntstatus.Status)
	NtImpersonateAnonymousToken(ImpersonateAnonymousTokenIn) (ImpersonateAnonymousTokenOut, ntstatus.Status)

	LsaLogonUser(LsaLogonUserIn) (LsaLogonUserOut, ntstatus.Status)
	LsaOpenPolicy(LsaOpenPolicyIn) (LsaOpenPolicyOut, ntstatus.Status)
	LsaClose(LsaCloseIn) (LsaCloseOut, ntstatus.Status)
	LsaQueryInformationPolicy(LsaQueryInformationPolicyIn) (LsaQueryInformationPolicyOut, ntstatus.Status)
	LsaLookupNames2(LsaLookupNames2In) (LsaLookupNames2Out, ntstatus.Status)
	LsaLookupSids(LsaLookupSidsIn) (LsaLookupSidsOut, ntstatus.Status)
	LsaEnumerateAccountRights(LsaEnumerateAccountRightsIn) (LsaEnumerateAccountRightsOut, ntstatus.Status)

	// PipeChanged returns a channel that is closed at the next change of the
	// handle's pipe. ok is false for a handle that is not a pipe's, and for an end
	// whose operations never wait.
	PipeChanged(winnt.Handle) (changed <-chan struct{}, ok bool)
	// ObjectSignaled begins a wait for the handle's object, which the caller ends.
	// CallQueued returns a channel that is closed when a call is queued to the
	// thread. ok is false for an object that cannot be waited for.
	ObjectSignaled(winnt.Handle) (wait Waiter, ok bool)
	CallQueued() <-chan struct{}
	// CallsQueued reports whether calls are now queued to the thread.
	CallsQueued() bool
	// PortChanged returns a channel that is closed at the next change of the
	// handle's port.
	PortChanged(winnt.Handle) (changed <-chan struct{}, ok bool)
	// PortConnected returns the state of a client port's connection. With
	// STATUS_PENDING the server has not completed it. With STATUS_SUCCESS answer
	// is the server's answer.
	PortConnected(winnt.Handle) (answer []byte, longest uint32, st ntstatus.Status)
	// NewThread creates another thread of the caller's process, which does not
	// impersonate, and returns it with its display name. EndThread ends the
	// receiver's thread.
	NewThread() (Services, string, ntstatus.Status)
	EndThread()
	// Profile returns the conformance profile of the system.
	Profile() Profile
	// RecordWhy enables or disables the recording of reasons for failures.
	RecordWhy(on bool)
	// OnWait sets the function through which the thread's calls wait for the disk of the audit
	// log. It must return after done is closed. With nil the calls wait in place.
	OnWait(wait func(done <-chan struct{}))
	// TakeWhy returns and clears the reason of the last failure.
	TakeWhy() Why
	// SaveImpersonation returns a single-use ticket for the thread's impersonation,
	// which continues. The kernel keeps the saved state (I-60, I-76).
	SaveImpersonation() Ticket
	// RestoreImpersonation restores the state of a ticket. It cannot fail. An
	// unknown or used ticket does nothing (I-61, I-76).
	RestoreImpersonation(Ticket)
}

// Waiter is a wait for a kernel object to be signalled. Begin it first, then test the object, and block on Signaled
// only if the object is not signalled. After that call End, or test the object again.
type Waiter interface {
	// Signaled returns a channel that is closed when the wait is over, or when the object is worth another test.
	Signaled() <-chan struct{}
	// End ends the wait. Call it once. With take it reports whether the wait is over, in which case it has acquired
	// the object. Without take an acquired object goes to another waiter.
	End(take bool) (taken bool)
}

// Ticket identifies an impersonation state that a kernel keeps for a thread. The zero value is not a ticket.
type Ticket uint64
