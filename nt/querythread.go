package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Classes of NtQueryInformationThread. [ThreadImpersonationToken] is only for
// NtSetInformationThread.
const (
	ThreadBasicInformation ThreadInfoClass = 0
	ThreadTimes            ThreadInfoClass = 1
	ThreadNameInformation  ThreadInfoClass = 38
)

// ThreadBasic has the supported members of THREAD_BASIC_INFORMATION, 48 bytes in
// C.
type ThreadBasic struct {
	ExitStatus ntstatus.Status // STATUS_PENDING until the thread ends
	ClientID   ClientID        `param:"ClientId"`
}

// Parameters of NtQueryInformationThread. ThreadInformation holds [ThreadBasic], [KernelUserTimes] or the name as a
// string, by class. ThreadInformationLength is in bytes; 0xFFFFFFFF means the required size.
type (
	QueryInformationThreadIn struct {
		ThreadHandle            winnt.Handle
		ThreadInformationClass  ThreadInfoClass
		ThreadInformationLength uint32 `default:"4294967295"`
		// FaultReturnLength is the status of probing ReturnLength and the buffer.
		FaultReturnLength ntstatus.Status `param:"-"`
	}
	QueryInformationThreadOut struct {
		ThreadInformation any
		ReturnLength      uint32
	}
)

var rowQueryInformationThread = Add(&NtTable, Entry[Services, QueryInformationThreadIn, QueryInformationThreadOut]{
	Meta: Meta{
		Name:    "NtQueryInformationThread",
		Summary: "returns information about a thread",
		Source:  "NtQueryInformationThread; ntdll",
		Missing: "ThreadBasicInformation, ThreadTimes and ThreadNameInformation only",
		Conditions: queryConditions("U-97", "ThreadHandle is not a thread",
			"ThreadHandle does not grant THREAD_QUERY_LIMITED_INFORMATION", "ThreadHandle is not a valid handle"),
	},
	Call: Services.NtQueryInformationThread,
	Scalars: byValue(func(in QueryInformationThreadIn) bool {
		switch in.ThreadInformationClass {
		case ThreadBasicInformation, ThreadTimes, ThreadNameInformation:
			return true
		}
		return false
	}),
})

// NtQueryInformationThread returns the information of a class as a Go value, so the caller needs no size. It needs
// THREAD_QUERY_LIMITED_INFORMATION.
func (t *Thread) NtQueryInformationThread(thread winnt.Handle, class ThreadInfoClass) (any, ntstatus.Status) {
	in := QueryInformationThreadIn{ThreadHandle: thread, ThreadInformationClass: class,
		ThreadInformationLength: ^uint32(0)}
	out, st := call(t, rowQueryInformationThread, in)
	return out.ThreadInformation, st
}
