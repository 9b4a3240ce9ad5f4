package win32

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the audit functions. All record the client of a token. The caller's process must have the privilege
// for it, even while the thread impersonates (I-7).
type (
	ObjectOpenAuditAlarmIn struct {
		SubsystemName      nt.Captured[string]
		HandleID           nt.Captured[winnt.Handle] `param:"HandleId"`
		ObjectTypeName     nt.Captured[string]
		ObjectName         nt.Captured[string]
		SecurityDescriptor nt.Captured[*sd.Descriptor] `param:"pSecurityDescriptor"`
		ClientToken        winnt.Handle
		DesiredAccess      winnt.AccessMask `object:"file"`
		GrantedAccess      winnt.AccessMask `object:"file"`
		Privileges         nt.Captured[*nt.PrivilegeSet]
		ObjectCreation     bool
		AccessGranted      bool
	}
	ObjectOpenAuditAlarmOut struct{ GenerateOnClose bool }

	ObjectPrivilegeAuditAlarmIn struct {
		SubsystemName nt.Captured[string]
		HandleID      winnt.Handle `param:"HandleId"`
		ClientToken   winnt.Handle
		DesiredAccess winnt.AccessMask
		Privileges    nt.Captured[*nt.PrivilegeSet]
		AccessGranted bool
	}
	ObjectPrivilegeAuditAlarmOut struct{}

	PrivilegedServiceAuditAlarmIn struct {
		SubsystemName nt.Captured[string]
		ServiceName   nt.Captured[string]
		ClientToken   winnt.Handle
		Privileges    nt.Captured[*nt.PrivilegeSet]
		AccessGranted bool
	}
	PrivilegedServiceAuditAlarmOut struct{}
)

var (
	rowObjectOpenAuditAlarm = function(nt.Meta{Name: "ObjectOpenAuditAlarm",
		Summary: "records that a client opened an object", Conditions: of("NtOpenObjectAuditAlarm")},
		func(t *Thread, in ObjectOpenAuditAlarmIn) (out ObjectOpenAuditAlarmOut, st ntstatus.Status) {
			out.GenerateOnClose, st = t.nt.NtOpenObjectAuditAlarm(nt.OpenObjectAuditAlarmIn(in))
			return out, st
		})
	rowObjectPrivilegeAuditAlarm = function(nt.Meta{Name: "ObjectPrivilegeAuditAlarm",
		Summary: "records the use of privileges on an object", Conditions: of("NtPrivilegeObjectAuditAlarm")},
		func(t *Thread, in ObjectPrivilegeAuditAlarmIn) (out ObjectPrivilegeAuditAlarmOut, st ntstatus.Status) {
			return out, t.nt.NtPrivilegeObjectAuditAlarm(nt.PrivilegeObjectAuditAlarmIn(in))
		})
	rowPrivilegedServiceAuditAlarm = function(nt.Meta{Name: "PrivilegedServiceAuditAlarm",
		Summary: "records the use of privileges by a service", Conditions: of("NtPrivilegedServiceAuditAlarm")},
		func(t *Thread, in PrivilegedServiceAuditAlarmIn) (out PrivilegedServiceAuditAlarmOut, st ntstatus.Status) {
			return out, t.nt.NtPrivilegedServiceAuditAlarm(nt.PrivilegedServiceAuditAlarmIn(in))
		})
)

// ObjectOpenAuditAlarm records that the client of a token opened an object of
// a server.
func (t *Thread) ObjectOpenAuditAlarm(in ObjectOpenAuditAlarmIn) (ObjectOpenAuditAlarmOut, bool) {
	return call(t, rowObjectOpenAuditAlarm, in)
}

// ObjectPrivilegeAuditAlarm records that the client of a token used privileges on an open object of a server.
func (t *Thread) ObjectPrivilegeAuditAlarm(in ObjectPrivilegeAuditAlarmIn) bool {
	_, ok := call(t, rowObjectPrivilegeAuditAlarm, in)
	return ok
}

// PrivilegedServiceAuditAlarm records that the client of a token used
// privileges for a service.
func (t *Thread) PrivilegedServiceAuditAlarm(in PrivilegedServiceAuditAlarmIn) bool {
	_, ok := call(t, rowPrivilegedServiceAuditAlarm, in)
	return ok
}
