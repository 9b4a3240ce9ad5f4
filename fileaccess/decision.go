package fileaccess

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Action is the action on the object that a create response reports. The zero
// value is Superseded. It has no meaning if the decision denies.
type Action uint32

// Actions.
const (
	Superseded Action = iota
	Opened
	Created
	Overwritten
)

// Decision is the result of one open. The zero value denies. Status, Allowed
// and Err are those of the [ntstatus.Verdict]. Err also returns an error for
// STATUS_REPARSE, which is not a failure in NT.
type Decision struct {
	ntstatus.Verdict
	Rule    string           // the rule that refused, such as "F-31"; "" for success
	Granted winnt.AccessMask // 0 unless Allowed
	Implied winnt.AccessMask // additional rights that the disposition requires (F-33)
	Action  Action
	// ForceShareRead means that the open must share reading, although the request
	// does not (F-48).
	ForceShareRead bool
	NewSD          *sd.Descriptor     // of a new object; nil where none is made
	Max            MaximalAccess      // if Request.Maximal, on success
	PrivilegesUsed winnt.PrivilegeSet // also where access was denied
	// StoppedAt is the index of the component of Facts.Path that refused, or
	// len(Path) for the last one. It is valid if Status is not success. See
	// [Request.Unparsed].
	StoppedAt int
	Audit     Audit
}

// MaximalAccess is the maximal access to an object
// (SMB2_CREATE_QUERY_MAXIMAL_ACCESS_RESPONSE). The zero value denies.
type MaximalAccess struct {
	ntstatus.Verdict
	Access winnt.AccessMask // 0 unless Allowed
}

// Audited is the object whose SACL decides about the audit record of an open.
// The zero value means that there is no record.
type Audited uint8

// Objects of an audit record.
const (
	AuditNothing   Audited = iota
	AuditObject            // the object opened or created (F-80)
	AuditDirectory         // the directory that refused (F-81)
	AuditShare             // the share refused: event 5145 and no 4656 (F-83)
)

// Audit holds the data of an audit record of the open (F-80 to F-83). With
// About AuditObject or AuditDirectory it is a handle request (event 4656) for
// an object of type File, if the SACL of Descriptor or the global SACL requires
// it.
type Audit struct {
	About      Audited
	Descriptor *sd.Descriptor
	Name       string           // Request.Name, or the name of the directory that refused
	Desired    winnt.AccessMask // mapped, with the implied rights; of a directory: the right that was missing
	Granted    winnt.AccessMask
	Status     ntstatus.Status // the true one, where Decision.Status hides it (F-73)
}
