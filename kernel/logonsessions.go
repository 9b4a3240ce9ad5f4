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

// RoutineType is the reflected type by which a binding recognises a callback.
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
		[]nt.Condition{{Status: ntstatus.NotFound, Rule: "T-5", When: "LogonId is not the id of a logon session"}},
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

// SeMarkLogonSessionForTerminationNotification makes the kernel notify the
// registered routines of the end of a logon session. It returns STATUS_NOT_FOUND
// for an unknown session.
func (k *KernelThread) SeMarkLogonSessionForTerminationNotification(id winnt.LUID) ntstatus.Status {
	_, st := call(k, rowSeMarkLogonSession, SeMarkLogonSessionIn{id})
	return st
}

// SeRegisterLogonSessionTerminatedRoutine registers a routine that the kernel calls when a marked logon session ends.
// It always succeeds.
func (k *KernelThread) SeRegisterLogonSessionTerminatedRoutine(r *LogonSessionTerminatedRoutine) ntstatus.Status {
	_, st := call(k, rowSeRegisterRoutine, SeLogonSessionTerminatedRoutine{r})
	return st
}

// SeUnregisterLogonSessionTerminatedRoutine removes a routine that SeRegisterLogonSessionTerminatedRoutine
// registered. It returns STATUS_NOT_FOUND if the routine is not registered.
func (k *KernelThread) SeUnregisterLogonSessionTerminatedRoutine(r *LogonSessionTerminatedRoutine) ntstatus.Status {
	_, st := call(k, rowSeUnregisterRoutine, SeLogonSessionTerminatedRoutine{r})
	return st
}

// OpenLogonSession creates a logon session with a new identifier, as an
// authentication package does before it creates tokens (T-5). The session ends
// with its last token.
func (s *System) OpenLogonSession() winnt.LUID {
	id := s.sys.Security.AllocateLUID()
	s.sys.Security.Sessions.Open(id)
	return id
}

// LogonSessions returns the number of live logon sessions, including the
// well-known ones.
func (s *System) LogonSessions() int { return s.sys.Security.Sessions.Len() }
