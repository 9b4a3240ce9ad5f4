package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// UserAPC is an asynchronous procedure call of a thread: a routine of the program,
// which is opaque to the kernel, and its arguments.
type UserAPC struct {
	ApcRoutine                               uint64
	ApcArgument1, ApcArgument2, ApcArgument3 uint64
}

// Parameters of the services that wait and deliver. Timeout is carried and not
// used: nothing waits. UserApcs are the calls that the thread has to make now.
type (
	WaitForSingleObjectIn struct {
		Handle    winnt.Handle
		Alertable bool
		Timeout   Captured[int64]
	}
	WaitForSingleObjectOut struct {
		UserApcs []UserAPC
	}

	QueueApcThreadIn struct {
		ThreadHandle winnt.Handle
		ApcRoutine   uint64
		ApcArgument1 uint64
		ApcArgument2 uint64
		ApcArgument3 uint64
	}
	QueueApcThreadOut struct{}

	TestAlertIn  struct{}
	TestAlertOut struct{ UserApcs []UserAPC }
)

var (
	rowWaitForSingleObject = Add(&NtTable, Entry[Services, WaitForSingleObjectIn, WaitForSingleObjectOut]{
		Meta: Meta{
			Name:    "NtWaitForSingleObject",
			Summary: "waits for an object, or delivers the thread's queued calls",
			Source:  "ZwWaitForSingleObject; WaitForSingleObjectEx",
			Missing: "waits in the C library only; elsewhere an object that is not signalled returns " +
				"STATUS_TIMEOUT immediately; " +
				"mutants, timers and files other than pipes are not waited for",
			Conditions: []Condition{
				{ntstatus.AccessViolation, "O-3", "Timeout is not readable"},
				{ntstatus.InvalidHandle, "O-31", "Handle is not a valid handle"},
				{ntstatus.AccessDenied, "O-31", "Handle does not grant SYNCHRONIZE"},
				{ntstatus.ObjectTypeMismatch, "O-145", "Handle is of a type without a signal"},
				{ntstatus.UserAPC, "O-147", "no object is signalled, the wait is alertable, and calls are queued for the thread"},
				{ntstatus.Timeout, "O-145", "no object is signalled"},
			},
		},
		Call: Services.NtWaitForSingleObject,
	})
	rowQueueApcThread = Add(&NtTable, Entry[Services, QueueApcThreadIn, QueueApcThreadOut]{
		Meta: Meta{
			Name:    "NtQueueApcThread",
			Summary: "queues a call for a thread, which runs it during an alertable wait",
			Source:  "QueueUserAPC; \"Asynchronous Procedure Calls\"",
			Conditions: []Condition{
				{ntstatus.InvalidHandle, "O-31", "ThreadHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ThreadHandle is not a thread"},
				{ntstatus.AccessDenied, "O-31", "ThreadHandle does not grant THREAD_SET_CONTEXT"},
				{ntstatus.Unsuccessful, "O-147", "the thread has ended"},
				{ntstatus.InsufficientResources, "O-147", "the thread's queue of calls is full"},
			},
		},
		Call: Services.NtQueueApcThread,
	})
	rowTestAlert = Add(&NtTable, Entry[Services, TestAlertIn, TestAlertOut]{
		Meta: Meta{
			Name:       "NtTestAlert",
			Summary:    "delivers the calls that are queued for the calling thread",
			Source:     "\"Asynchronous Procedure Calls\"; decided",
			Missing:    "no thread is alerted",
			Conditions: []Condition{{ntstatus.Success, "O-147", "always; the return value says whether calls were queued"}},
		},
		Call: Services.NtTestAlert,
	})
)

// NtWaitForSingleObject tests an object as WaitForSingleObject with a timeout of 0 does: it never waits. It returns
// STATUS_SUCCESS if the object is signalled, and then lowers a semaphore or resets a synchronization event. Otherwise
// it returns STATUS_TIMEOUT, or with alertable STATUS_USER_APC and the calls that are queued to the thread, if any.
// It needs SYNCHRONIZE. An object that cannot be waited for gives STATUS_OBJECT_TYPE_MISMATCH.
func (t *Thread) NtWaitForSingleObject(h winnt.Handle, alertable bool) ([]UserAPC, ntstatus.Status) {
	out, st := call(t, rowWaitForSingleObject, WaitForSingleObjectIn{Handle: h, Alertable: alertable})
	return out.UserApcs, st
}

// NtQueueApcThread queues a call to a thread. A thread that has ended gives STATUS_UNSUCCESSFUL, a full queue
// STATUS_INSUFFICIENT_RESOURCES. It needs THREAD_SET_CONTEXT (QueueUserAPC).
func (t *Thread) NtQueueApcThread(thread winnt.Handle, apc UserAPC) ntstatus.Status {
	_, st := call(t, rowQueueApcThread,
		QueueApcThreadIn{thread, apc.ApcRoutine, apc.ApcArgument1, apc.ApcArgument2, apc.ApcArgument3})
	return st
}

// NtTestAlert removes and returns the calls that are queued to this thread, nil if there are none. The thread must make
// them now. It always succeeds.
func (t *Thread) NtTestAlert() ([]UserAPC, ntstatus.Status) {
	out, st := call(t, rowTestAlert, TestAlertIn{})
	return out.UserApcs, st
}
