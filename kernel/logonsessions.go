package kernel

import (
	"reflect"

	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// LogonSessionTerminatedRoutine is a callback for ended logon sessions,
// registered and unregistered by its address.
type LogonSessionTerminatedRoutine = se.LogonSessionTerminatedRoutine

// RoutineType is the reflected type by which a binding knows a callback.
var RoutineType = reflect.TypeFor[*LogonSessionTerminatedRoutine]()

// Parameters of the routines on logon sessions.
type (
	SeMarkLogonSessionIn struct {
		LogonID winnt.LUID `param:"LogonId"`
	}
	SeMarkLogonSessionOut           struct{}
	SeLogonSessionTerminatedRoutine struct {
		CallbackRoutine *LogonSessionTerminatedRoutine
	}
	SeLogonSessionTerminatedRoutineOut struct{}
)

var (
	rowSeMarkLogonSession = simple(
		"SeMarkLogonSessionForTerminationNotification",
		"makes the end of a logon session known to the registered routines",
		[]nt.Condition{{Status: ntstatus.NotFound, Rule: "T-5", When: "LogonId names no logon session"}},
		func(k *KernelThread, in SeMarkLogonSessionIn) (out SeMarkLogonSessionOut, st ntstatus.Status) {
			if st := k.sys.sys.Security.Sessions.MarkForNotification(in.LogonID); st != ntstatus.Success {
				return out, k.ctx.Fail("T-5", st)
			}
			return out, ntstatus.Success
		},
	)
	rowSeRegisterRoutine = simple(
		"SeRegisterLogonSessionTerminatedRoutine",
		"registers a routine for the end of logon sessions",
		always("T-5", "always"),
		func(k *KernelThread, in SeLogonSessionTerminatedRoutine) (out SeLogonSessionTerminatedRoutineOut,
			st ntstatus.Status) {
			k.sys.sys.Security.Sessions.Register(in.CallbackRoutine)
			return out, ntstatus.Success
		},
	)
	rowSeUnregisterRoutine = simple(
		"SeUnregisterLogonSessionTerminatedRoutine",
		"removes a routine for the end of logon sessions",
		[]nt.Condition{{Status: ntstatus.NotFound, Rule: "T-5", When: "the routine is not registered"}},
		func(k *KernelThread, in SeLogonSessionTerminatedRoutine) (out SeLogonSessionTerminatedRoutineOut,
			st ntstatus.Status) {
			if st := k.sys.sys.Security.Sessions.Unregister(in.CallbackRoutine); st != ntstatus.Success {
				return out, k.ctx.Fail("T-5", st)
			}
			return out, ntstatus.Success
		},
	)
)

// SeMarkLogonSessionForTerminationNotification makes the end of a logon
// session known to the registered routines; STATUS_NOT_FOUND for an unknown one.
func (k *KernelThread) SeMarkLogonSessionForTerminationNotification(id winnt.LUID) ntstatus.Status {
	_, st := call(k, rowSeMarkLogonSession, SeMarkLogonSessionIn{id})
	return st
}

// SeRegisterLogonSessionTerminatedRoutine registers a routine.
func (k *KernelThread) SeRegisterLogonSessionTerminatedRoutine(r *LogonSessionTerminatedRoutine) ntstatus.Status {
	_, st := call(k, rowSeRegisterRoutine, SeLogonSessionTerminatedRoutine{r})
	return st
}

// SeUnregisterLogonSessionTerminatedRoutine removes a routine; STATUS_NOT_FOUND
// if it is not registered.
func (k *KernelThread) SeUnregisterLogonSessionTerminatedRoutine(r *LogonSessionTerminatedRoutine) ntstatus.Status {
	_, st := call(k, rowSeUnregisterRoutine, SeLogonSessionTerminatedRoutine{r})
	return st
}

// OpenLogonSession makes a logon session with a new identifier, as an
// authentication package does before it has tokens made for it (T-5). It lives
// until its last token goes.
func (s *System) OpenLogonSession() winnt.LUID {
	id := s.sys.Security.AllocateLUID()
	s.sys.Security.Sessions.Open(id)
	return id
}

// LogonSessions returns how many logon sessions are alive now, the well-known ones
// counted.
func (s *System) LogonSessions() int { return s.sys.Security.Sessions.Len() }
