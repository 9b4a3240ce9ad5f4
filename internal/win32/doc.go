// Package win32 is the advapi32-style face of the services: functions that
// return a BOOL and leave a code for GetLastError, over an nt.Thread.
//
//	w := win32.On(th)                                       // th is an *nt.Thread
//	if ok := w.ImpersonateSelf(winnt.SecurityIdentification); !ok {
//		return w.LastError() // ERROR_ACCESS_DENIED …
//	}
//	defer w.RevertToSelf()
//
// Every function that returns a BOOL is a row of [Table], with the documented names
// of its parameters, so that scripts and listings find them as they find the
// services; those that take the name of an object ([Named]) return a status, whose
// Win32 code is the value of the documented function.
// A function calls documented services only: what it can do, a program could do
// with package nt. Codes are those that the failing service's status stands for
// ([ntstatus.Status.Win32]).
//
// A [Thread] belongs to one thread and is used by one goroutine at a time;
// [Table] is immutable after program start.
package win32
