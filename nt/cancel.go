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

const inC = "operations end later than their call in C alone"

var (
	rowCancelIoFile = Add(&NtTable, Entry[Services, CancelIoFileIn, CancelIoFileOut]{
		Meta: Meta{Name: "NtCancelIoFile", Summary: "cancels what the calling thread has under way on a file",
			Source: "CancelIo", Missing: inC, Conditions: handleConditions},
		Call: Services.NtCancelIoFile,
	})
	rowCancelIoFileEx = Add(&NtTable, Entry[Services, CancelIoFileExIn, CancelIoFileOut]{
		Meta: Meta{Name: "NtCancelIoFileEx", Summary: "cancels what the process has under way on a file",
			Source: "CancelIoEx", Missing: inC,
			Conditions: append(append([]Condition{}, handleConditions...),
				Condition{ntstatus.NotFound, "I-138", "no such operation is under way"})},
		Call: Services.NtCancelIoFileEx,
	})
	rowCancelSynchronousIoFile = Add(&NtTable, Entry[Services, CancelSynchronousIoFileIn, CancelIoFileOut]{
		Meta: Meta{Name: "NtCancelSynchronousIoFile", Summary: "cancels what a thread waits for in a call",
			Source: "CancelSynchronousIo", Missing: inC,
			Conditions: []Condition{
				{ntstatus.InvalidHandle, "O-31", "ThreadHandle names no handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ThreadHandle is no thread"},
				{ntstatus.AccessDenied, "O-31", "ThreadHandle lacks THREAD_TERMINATE"},
				{ntstatus.NotFound, "I-138", "the thread waits for no such operation"},
			}},
		Call: Services.NtCancelSynchronousIoFile,
	})
	rowFlushBuffersFile = Add(&NtTable, Entry[Services, FlushBuffersFileIn, FlushBuffersFileOut]{
		Meta: Meta{Name: "NtFlushBuffersFile", Summary: "ends when the other end of a pipe has read everything",
			Source: "FlushFileBuffers", Missing: "it waits in C alone: STATUS_PENDING says that something was not read yet",
			Conditions: append(append([]Condition{}, handleConditions...),
				Condition{ntstatus.PipeDisconnected, "I-140", "the server disconnected this client"},
				Condition{ntstatus.Pending, "I-140", "the other end has not read everything"})},
		Call: Services.NtFlushBuffersFile,
	})
)

// NtCancelIoFile cancels what this thread has under way on a file (CancelIo).
func (t *Thread) NtCancelIoFile(file winnt.Handle) ntstatus.Status {
	_, st := call(t, rowCancelIoFile, CancelIoFileIn{file})
	return st
}

// NtCancelIoFileEx cancels what the process has under way on a file (CancelIoEx).
func (t *Thread) NtCancelIoFileEx(file winnt.Handle, request uint64) ntstatus.Status {
	_, st := call(t, rowCancelIoFileEx, CancelIoFileExIn{file, request})
	return st
}

// NtCancelSynchronousIoFile cancels what a thread waits for in a call
// (CancelSynchronousIo).
func (t *Thread) NtCancelSynchronousIoFile(thread winnt.Handle, request uint64) ntstatus.Status {
	_, st := call(t, rowCancelSynchronousIoFile, CancelSynchronousIoFileIn{thread, request})
	return st
}

// NtFlushBuffersFile reports by STATUS_PENDING that the other end of a pipe has not read
// everything (FlushFileBuffers).
func (t *Thread) NtFlushBuffersFile(file winnt.Handle) ntstatus.Status {
	_, st := call(t, rowFlushBuffersFile, FlushBuffersFileIn{FileHandle: file})
	return st
}
