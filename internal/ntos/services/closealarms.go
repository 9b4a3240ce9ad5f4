package services

import (
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// NtCloseObjectAuditAlarm records a close (U-40). Without GenerateOnClose it succeeds and checks nothing. Otherwise
// the caller's process needs SeAuditPrivilege.
func (c *Context) NtCloseObjectAuditAlarm(in nt.CloseObjectAuditAlarmIn) (out nt.CloseObjectAuditAlarmOut,
	st ntstatus.Status) {
	return out, c.endAlarm(&in, func(o audit.Object) ntstatus.Status {
		return c.Sys.Log.Closed(c.origin(), o, audit.HandleAudit{GenerateOnClose: true})
	})
}

// NtDeleteObjectAuditAlarm records a deletion (U-41). Without GenerateOnClose it succeeds and checks nothing.
// Otherwise the caller's process needs SeAuditPrivilege.
func (c *Context) NtDeleteObjectAuditAlarm(in nt.CloseObjectAuditAlarmIn) (out nt.CloseObjectAuditAlarmOut,
	st ntstatus.Status) {
	return out, c.endAlarm(&in, func(o audit.Object) ntstatus.Status {
		return c.Sys.Log.Deleted(c.origin(), o, audit.HandleAudit{GenerateOnClose: true, Audited: winnt.DELETE})
	})
}

// endAlarm implements the audit alarms for the close and the deletion of an object. Without GenerateOnClose nothing
// is checked or recorded. record is called only after the check of SeAuditPrivilege, then the capture of the name,
// have succeeded. If a required record cannot be stored, the call fails.
func (c *Context) endAlarm(in *nt.CloseObjectAuditAlarmIn, record func(audit.Object) ntstatus.Status) ntstatus.Status {
	if !in.GenerateOnClose {
		return ntstatus.Success // the open did not ask for this record: nothing is checked (U-40)
	}
	if st := c.auditPrivilege(); st != ntstatus.Success {
		// SeAuditPrivilege is needed where the open asked for the record of the close (U-40).
		return st
	}
	if st := c.captureNames(in.SubsystemName); st != ntstatus.Success {
		return st
	}
	if st := record(audit.Object{Server: in.SubsystemName.V, Handle: in.HandleID}); st != ntstatus.Success {
		// A demanded record that cannot be kept fails the call.
		return c.Fail("U-64", st)
	}
	return ntstatus.Success
}
