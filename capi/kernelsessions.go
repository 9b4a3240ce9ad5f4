//go:build cgo && linux

package main

/*
#include <stdint.h>
typedef void (*rm_session_ended)(void *routine, void *context, uint64_t *logon);
static void rm_call_session_ended(uintptr_t call, uintptr_t routine, uintptr_t context, uint64_t logon)
{
	((rm_session_ended)call)((void *)routine, (void *)context, &logon);
}
*/
import "C"

import (
	"sync"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// sessionRoutine identifies a routine of the program by its calling convention, its address and its argument.
type sessionRoutine struct{ call, routine, context user }

// sessionRoutines maps each routine to its registrations. A routine that was registered several times has several.
var (
	sessionRoutinesMu sync.Mutex
	sessionRoutines   = map[sessionRoutine][]*kernel.LogonSessionTerminatedRoutine{} // guarded by sessionRoutinesMu
)

// rmRegisterSessionRoutine registers a routine of the program for ended sessions that were marked (T-5). A NULL routine
// gives STATUS_INVALID_PARAMETER.
func rmRegisterSessionRoutine(c *call) uint64 {
	r := sessionRoutine{c.ptr(0), c.ptr(1), c.ptr(2)}
	if r.routine == 0 {
		return status(ntstatus.InvalidParameter)
	}
	// The kernel calls the routine when a session that was marked for it ends (T-5).
	callback := &kernel.LogonSessionTerminatedRoutine{Call: func(id winnt.LUID) {
		C.rm_call_session_ended(C.uintptr_t(r.call), C.uintptr_t(r.routine), C.uintptr_t(r.context), C.uint64_t(id))
	}}
	st := c.face.k.SeRegisterLogonSessionTerminatedRoutine(callback)
	if st == ntstatus.Success {
		sessionRoutinesMu.Lock()
		defer sessionRoutinesMu.Unlock()
		sessionRoutines[r] = append(sessionRoutines[r], callback)
	}
	return status(st)
}

// rmUnregisterSessionRoutine removes the latest registration of a routine with its argument. An unknown one gives
// STATUS_NOT_FOUND.
func rmUnregisterSessionRoutine(c *call) uint64 {
	r := sessionRoutine{c.ptr(0), c.ptr(1), c.ptr(2)}
	sessionRoutinesMu.Lock()
	list := sessionRoutines[r]
	if len(list) == 0 {
		sessionRoutinesMu.Unlock()
		return status(ntstatus.NotFound)
	}
	callback := list[len(list)-1]
	if sessionRoutines[r] = list[:len(list)-1]; len(list) == 1 {
		delete(sessionRoutines, r)
	}
	sessionRoutinesMu.Unlock()
	return status(c.face.k.SeUnregisterLogonSessionTerminatedRoutine(callback))
}

// luidAt reads the LUID that parameter i points to. A fault is a bug.
func (c *call) luidAt(i int) winnt.LUID {
	var b [8]byte
	c.read(c.ptr(i), b[:])
	return winnt.LUID(le.Uint64(b[:]))
}

// seMarkLogonSessionForTerminationNotification implements the routine of this name: the end of a logon session will
// call the registered routines.
func seMarkLogonSessionForTerminationNotification(c *call) uint64 {
	return status(c.face.k.SeMarkLogonSessionForTerminationNotification(c.luidAt(0)))
}

// refmonOpenLogonSession opens a new logon session and writes its identifier.
func refmonOpenLogonSession(c *call) uint64 {
	s, _ := embedded()
	c.write(c.ptr(0), le.AppendUint64(nil, uint64(s.OpenLogonSession())))
	return 0
}
