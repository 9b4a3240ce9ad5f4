package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// UserAPC is an asynchronous procedure call of a thread: a routine of the program,
// which the kernel does not look at, and what it is given.
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
			Summary: "takes what an object signals, and delivers the thread's calls in place of it",
			Source:  "ZwWaitForSingleObject; WaitForSingleObjectEx",
			Missing: "nothing waits, but in C: what is not signalled is STATUS_TIMEOUT at once; " +
				"mutants and timers are not waited for",
			Conditions: []Condition{
				{ntstatus.AccessViolation, "O-3", "Timeout cannot be read"},
				{ntstatus.InvalidHandle, "O-31", "Handle names no handle"},
				{ntstatus.AccessDenied, "O-31", "Handle lacks SYNCHRONIZE"},
				{ntstatus.ObjectTypeMismatch, "O-145", "Handle is of a type that is not waited for"},
				{ntstatus.UserAPC, "O-147", "nothing is signalled, the wait is alertable, and calls are queued to the thread"},
				{ntstatus.Timeout, "O-145", "nothing is signalled"},
			},
		},
		Call: Services.NtWaitForSingleObject,
	})
	rowQueueApcThread = Add(&NtTable, Entry[Services, QueueApcThreadIn, QueueApcThreadOut]{
		Meta: Meta{
			Name:    "NtQueueApcThread",
			Summary: "queues a call to a thread, which makes it when it waits alertably",
			Source:  "QueueUserAPC; \"Asynchronous Procedure Calls\"",
			Conditions: []Condition{
				{ntstatus.InvalidHandle, "O-31", "ThreadHandle names no handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ThreadHandle is no thread"},
				{ntstatus.AccessDenied, "O-31", "ThreadHandle lacks THREAD_SET_CONTEXT"},
				{ntstatus.Unsuccessful, "O-147", "the thread has ended"},
				{ntstatus.InsufficientResources, "O-147", "as many calls are queued to the thread as may be"},
			},
		},
		Call: Services.NtQueueApcThread,
	})
	rowTestAlert = Add(&NtTable, Entry[Services, TestAlertIn, TestAlertOut]{
		Meta: Meta{
			Name:       "NtTestAlert",
			Summary:    "delivers the calls that are queued to the calling thread",
			Source:     "\"Asynchronous Procedure Calls\"; decided",
			Missing:    "threads are not alerted",
			Conditions: []Condition{{ntstatus.Success, "O-147", "whether calls are queued or not"}},
		},
		Call: Services.NtTestAlert,
	})
)

// NtWaitForSingleObject reports by its status whether the object is signalled:
// STATUS_SUCCESS, STATUS_TIMEOUT, or STATUS_USER_APC with the calls to make.
func (t *Thread) NtWaitForSingleObject(h winnt.Handle, alertable bool) ([]UserAPC, ntstatus.Status) {
	out, st := call(t, rowWaitForSingleObject, WaitForSingleObjectIn{Handle: h, Alertable: alertable})
	return out.UserApcs, st
}

// NtQueueApcThread queues a call to a thread (QueueUserAPC).
func (t *Thread) NtQueueApcThread(thread winnt.Handle, apc UserAPC) ntstatus.Status {
	_, st := call(t, rowQueueApcThread,
		QueueApcThreadIn{thread, apc.ApcRoutine, apc.ApcArgument1, apc.ApcArgument2, apc.ApcArgument3})
	return st
}

// NtTestAlert returns the calls that are queued to this thread, which it has to
// make now.
func (t *Thread) NtTestAlert() ([]UserAPC, ntstatus.Status) {
	out, st := call(t, rowTestAlert, TestAlertIn{})
	return out.UserApcs, st
}
