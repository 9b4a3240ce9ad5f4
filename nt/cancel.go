package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the services that end operations on files. IoRequestToCancel names an
// operation by its status block, 0 for any.
type (
	CancelIoFileIn   struct{ FileHandle winnt.Handle }
	CancelIoFileExIn struct {
		FileHandle        winnt.Handle
		IoRequestToCancel uint64
	}
	CancelSynchronousIoFileIn struct {
		ThreadHandle      winnt.Handle
		IoRequestToCancel uint64
	}
	CancelIoFileOut struct{}

	FlushBuffersFileIn struct {
		FileHandle winnt.Handle
		Later      *Later `param:"-"`
	}
	FlushBuffersFileOut struct{}
)

const inC = "only in the C library do operations outlast their call"

var (
	rowCancelIoFile = Add(&NtTable, Entry[Services, CancelIoFileIn, CancelIoFileOut]{
		Meta: Meta{Name: "NtCancelIoFile", Summary: "cancels the calling thread's pending operations on a file",
			Source: "CancelIo", Missing: inC, Conditions: handleConditions},
		Call: Services.NtCancelIoFile,
	})
	rowCancelIoFileEx = Add(&NtTable, Entry[Services, CancelIoFileExIn, CancelIoFileOut]{
		Meta: Meta{Name: "NtCancelIoFileEx", Summary: "cancels the process's pending operations on a file",
			Source: "CancelIoEx", Missing: inC,
			Conditions: append(append([]Condition{}, handleConditions...),
				Condition{ntstatus.NotFound, "I-138", "there is no such pending operation"})},
		Call: Services.NtCancelIoFileEx,
	})
	rowCancelSynchronousIoFile = Add(&NtTable, Entry[Services, CancelSynchronousIoFileIn, CancelIoFileOut]{
		Meta: Meta{Name: "NtCancelSynchronousIoFile", Summary: "cancels the operation that a thread waits for",
			Source: "CancelSynchronousIo", Missing: inC,
			Conditions: []Condition{
				{ntstatus.InvalidHandle, "O-31", "ThreadHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ThreadHandle is not a thread"},
				{ntstatus.AccessDenied, "O-31", "ThreadHandle does not grant THREAD_TERMINATE"},
				{ntstatus.NotFound, "I-138", "the thread does not wait for such an operation"},
			}},
		Call: Services.NtCancelSynchronousIoFile,
	})
	rowFlushBuffersFile = Add(&NtTable, Entry[Services, FlushBuffersFileIn, FlushBuffersFileOut]{
		Meta: Meta{Name: "NtFlushBuffersFile", Summary: "waits until the other end of a pipe has read everything",
			Source:  "FlushFileBuffers",
			Missing: "waits in the C library only; elsewhere STATUS_PENDING means that unread data remains",
			Conditions: append(append([]Condition{}, handleConditions...),
				Condition{ntstatus.PipeDisconnected, "I-140", "the server disconnected this client"},
				Condition{ntstatus.Pending, "I-140", "the other end has not read everything"})},
		Call: Services.NtFlushBuffersFile,
	})
)

// NtCancelIoFile cancels the pending operations of this thread on a file
// (CancelIo).
func (t *Thread) NtCancelIoFile(file winnt.Handle) ntstatus.Status {
	_, st := call(t, rowCancelIoFile, CancelIoFileIn{file})
	return st
}

// NtCancelIoFileEx cancels pending operations of the process on a file (CancelIoEx). request names one by its status
// block; 0 means all. It returns STATUS_NOT_FOUND if there is none.
func (t *Thread) NtCancelIoFileEx(file winnt.Handle, request uint64) ntstatus.Status {
	_, st := call(t, rowCancelIoFileEx, CancelIoFileExIn{file, request})
	return st
}

// NtCancelSynchronousIoFile cancels the operation for which a thread waits in a call (CancelSynchronousIo). request is
// as for NtCancelIoFileEx. Without such a wait it returns STATUS_NOT_FOUND. The handle needs THREAD_TERMINATE.
func (t *Thread) NtCancelSynchronousIoFile(thread winnt.Handle, request uint64) ntstatus.Status {
	_, st := call(t, rowCancelSynchronousIoFile, CancelSynchronousIoFileIn{thread, request})
	return st
}

// NtFlushBuffersFile flushes a file of a tree. For a pipe it returns STATUS_PENDING while the other end has not read
// everything (FlushFileBuffers).
func (t *Thread) NtFlushBuffersFile(file winnt.Handle) ntstatus.Status {
	_, st := call(t, rowFlushBuffersFile, FlushBuffersFileIn{FileHandle: file})
	return st
}
