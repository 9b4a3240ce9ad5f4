package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Services is what a kernel implements for one thread: a method a service,
// named as documented, and what the conveniences and tracers need beside it.
// An implementation is used by one goroutine at a time.
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
	NtFsControlFile(FsControlFileIn) (FsControlFileOut, ntstatus.Status)

	AuditServices

	ProcessServices
	TokenServices
	ObjectServices

	// PipeChanged is closed at the next change of the pipe behind a handle, for
	// whoever waits; ok is false for a handle that is no pipe's.
	PipeChanged(winnt.Handle) (changed <-chan struct{}, ok bool)
	// PortChanged is the same for the port behind a handle.
	PortChanged(winnt.Handle) (changed <-chan struct{}, ok bool)
	// PortConnected is how far the connection of a client's port is: with
	// STATUS_PENDING the server has not completed it, with STATUS_SUCCESS answer
	// is what it said.
	PortConnected(winnt.Handle) (answer []byte, longest uint32, st ntstatus.Status)
	// NewThread makes another thread of the caller's process, not
	// impersonating, and its display name; EndThread ends the receiver's.
	NewThread() (Services, string, ntstatus.Status)
	EndThread()
	// Profile is the conformance profile of the system.
	Profile() Profile
	// RecordWhy switches the recording of reasons for failures on or off.
	RecordWhy(on bool)
	// TakeWhy returns and clears the reason of the last failure.
	TakeWhy() Why
	// SaveImpersonation sets the thread's impersonation aside and returns a
	// single-use ticket for it, kept by the kernel (I-60, I-76).
	SaveImpersonation() Ticket
	// RestoreImpersonation puts back what the ticket stands for; it cannot
	// fail, and a second use of a ticket does nothing (I-61, I-76).
	RestoreImpersonation(Ticket)
}

// Ticket names an impersonation state that a kernel keeps for a thread. The
// zero value stands for "not impersonating".
type Ticket uint64
