// Package win32 is the advapi32-style interface to the services: functions that return a BOOL and set a code for
// GetLastError, on an nt.Thread.
//
//	w := win32.On(th) // th is an *nt.Thread
//	if ok := w.ImpersonateSelf(winnt.SecurityIdentification); !ok {
//		return w.LastError() // ERROR_ACCESS_DENIED …
//	}
//	defer w.RevertToSelf()
//
// Each function that returns a BOOL is a row of [Table] with the documented parameter names, so scripts and listings
// find it like a service. Functions that take the name of an object ([Named]) return a status; the documented
// function returns its Win32 code. All functions call documented services only, so a program could do the same with
// package nt. The codes follow from the failing service's status ([ntstatus.Status.Win32]).
//
// A [Thread] belongs to one goroutine at a time. [Table] is immutable after program start.
package win32
