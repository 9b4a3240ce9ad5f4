package audit

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Opening describes an open or create of an object, for [Log.Opened]. The access check has decided, but the caller
// does not have its result yet.
type Opening struct {
	Origin   Origin // its Subject is not read: the request has it
	Object   Object // with the handle that is reserved for a success
	Request  *access.Request
	Decision access.Decision
	Nodes    []access.NodeResult // answers of a result list; nil without
	// Reasons returns why each right was granted or refused. It is called only if a record needs it. Nil takes the
	// reasons of the access check. A file's open has others, because its directory can grant rights too.
	Reasons func() []Reason
	// Reported is set if the caller made the decision and only reports it (NtOpenObjectAuditAlarm). Its reasons are then
	// unknown.
	Reported bool
	// Uses is set for a handle whose uses are recorded. Under a fail-closed policy they are
	// then recorded with the open, so that no use comes before its record (U-90).
	Uses bool
}

// HandleAudit holds the audit state of a handle since its open. The zero value
// is that of a handle whose open was not recorded. It is immutable.
type HandleAudit struct {
	GenerateOnClose bool
	Audited         winnt.AccessMask // rights whose use is recorded
	Pending         winnt.AccessMask // those of Audited not used yet
}

// Use records in the state that rights of a handle were used. unreported has the audited rights to record now. Each is
// recorded only once in the life of the handle. next is the state afterwards.
func (h HandleAudit) Use(used winnt.AccessMask) (unreported winnt.AccessMask, next HandleAudit) {
	unreported = h.Pending & used
	h.Pending &^= used
	return unreported, h
}

// Opened records an open (U-17). If the object's SACL requests it, it writes event 4656, or 4662 for an object of a
// directory service. If privileges were used for the access, it writes event 4674. Call it if [Active.Opens] is true,
// after the decision and with the handle reserved but not published (U-18). A status other than success is
// STATUS_AUDIT_FAILED, and the open must fail with it. This includes a nil opening or request.
func (l *Log) Opened(opening *Opening) (HandleAudit, ntstatus.Status) {
	// An open without a description cannot be recorded, so it must not be granted (U-64).
	if opening == nil || opening.Request == nil {
		return HandleAudit{}, ntstatus.AuditFailed
	}
	p := l.Policy.Load()
	from := l.named(opening.Origin)
	from.Subject = opening.Request.Subject
	v := p.Evaluate(opening.Object.Type, opening.Request, opening.Decision, opening.Nodes)
	var events []Event // all events of this open; the log stores all or none
	for _, outcome := range [...]Outcome{Success, Failure} {
		if outcome == Success && v.Success || outcome == Failure && v.Failure {
			events = append(events, opening.event(from, outcome, &v))
		}
	}
	if e, ok := privilegeEvent(p, from, opening); ok {
		events = append(events, e)
	}
	h := HandleAudit{v.GenerateOnClose(), v.Audited, v.Audited}
	if opening.Uses && v.Audited != 0 && l.Policy.FailsClosed() {
		// Record the uses of the handle before they are possible (U-90).
		events, h.Pending = append(events, ObjectAccessed(from, opening.Object, v.Audited, opening.Request.Descriptor)), 0
	}
	if st := l.writeAll(from, events); st != ntstatus.Success {
		// An open whose record cannot be kept grants nothing (U-64).
		return HandleAudit{}, st
	}
	return h, ntstatus.Success
}

// event returns the record of an open with this outcome: 4662 for an object of a directory service, else 4656. verdict
// is the result of [Policy.Evaluate].
func (o *Opening) event(from Origin, outcome Outcome, verdict *Verdict) Event {
	if TypeSubcategory(o.Object.Type) == DirectoryServiceAccess {
		op := DirectoryOperation{Outcome: outcome, Access: verdict.Access}
		for _, n := range verdict.Nodes {
			op.Properties = append(op.Properties, o.Request.ObjectTypes[n].GUID)
		}
		if len(o.Request.ObjectTypes) > 0 {
			op.Class = o.Request.ObjectTypes[0].GUID
		}
		return DirectoryAccessed(from, o.Object, op)
	}
	return HandleRequested(from, o.Object, HandleRequest{
		Outcome:    outcome,
		Access:     verdict.Access,
		Reasons:    o.reasons(),
		Privileges: o.Decision.PrivilegesUsed, // the privileges used are in the record of the open
		Descriptor: o.Request.Descriptor,
	})
}

// privilegeEvent returns event 4674 for the privileges that an open used. ok is false if none was used that the policy
// records, and in kernel mode. The SACL does not matter.
func privilegeEvent(policy *Policy, from Origin, opening *Opening) (event Event, ok bool) {
	used := policy.AuditedPrivileges(opening.Decision.PrivilegesUsed)
	if used == 0 || opening.Request.Mode == access.Kernel {
		return Event{}, false
	}
	outcome := outcomeOf(opening.Decision)
	// The policy decides whether privilege use is recorded, whatever the SACL says (U-17).
	if !policy.recordsToken(PrivilegeSubcategory(used), outcome, from.Subject.Effective()) {
		return Event{}, false
	}
	object := opening.Object
	if outcome == Failure {
		object.Handle = 0
	}
	// The privileges used for an access are a record of their own (U-17).
	return PrivilegedObject(from, object, mappingOf(opening.Request).Map(opening.Request.Desired), used, outcome), true
}

// reasons returns why the open's access check granted or denied each right, for AccessReason. It returns nil if
// records of the object's type have no reasons, if the request has an object type list, or if the caller made the
// decision.
func (o *Opening) reasons() []Reason {
	if o.Reported || !hasReasons(o.Object.Type) || len(o.Request.ObjectTypes) > 0 {
		return nil
	}
	if o.Reasons != nil {
		return o.Reasons()
	}
	return explainAccess(o.Request)
}

// Used records the first use of audited rights of a handle, event 4663, if the policy records a success. It returns
// the handle's state afterwards, even if the write fails. d is the object's descriptor, for its resource attributes.
func (l *Log) Used(from Origin, object Object, state HandleAudit, used winnt.AccessMask, d *sd.Descriptor) (HandleAudit,
	ntstatus.Status) {
	report, next := state.Use(used)
	if report == 0 {
		return state, ntstatus.Success
	}
	from = l.named(from)
	return next, l.writeIf(from, ObjectAccessed(from, object, report, d))
}

// Closed records the close of a handle, event 4658, if its open was recorded
// and Handle Manipulation is on for success. A close never fails. The status
// only reports the health of the log.
func (l *Log) Closed(from Origin, object Object, state HandleAudit) ntstatus.Status {
	if !state.GenerateOnClose || !l.Records(HandleManipulation, Success, from.Subject.Effective()) {
		return ntstatus.Success
	}
	return l.write(from, HandleClosed(l.named(from), object))
}

// Deleted records that the object was deleted through a handle, event 4660, if
// the SACL records the right to delete it and the policy records a success.
func (l *Log) Deleted(from Origin, object Object, state HandleAudit) ntstatus.Status {
	if state.Audited&winnt.DELETE == 0 {
		return ntstatus.Success
	}
	return l.writeIf(from, ObjectDeleted(l.named(from), object))
}

// Duplicated records the duplication of a handle, event 4690, if Handle
// Manipulation is on for success.
func (l *Log) Duplicated(from Origin, source winnt.Handle, sourceProcess uint64, target winnt.Handle,
	targetProcess uint64) ntstatus.Status {
	if !l.Records(HandleManipulation, Success, from.Subject.Effective()) {
		return ntstatus.Success
	}
	return l.write(from, HandleDuplicated(l.named(from), source, sourceProcess, target, targetProcess))
}

// HandedOut records that a program gets a file descriptor of the host for an open file, event 4663. It does so
// whatever the policy and the SACL say, because refmon does not see the later uses. used has the rights that these
// uses need. descriptor is the security descriptor of the file.
func (l *Log) HandedOut(from Origin, object Object, used winnt.AccessMask, descriptor *sd.Descriptor) ntstatus.Status {
	return l.write(from, ObjectAccessed(l.named(from), object, used, descriptor))
}
