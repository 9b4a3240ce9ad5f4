package fileaccess

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Action says what was done to the object, as a create response reports it. The
// zero value is Superseded; it means nothing where the decision denies.
type Action uint32

// Actions.
const (
	Superseded Action = iota
	Opened
	Created
	Overwritten
)

// Decision is the answer to one open. The zero value denies. Status, Allowed
// and Err are those of the [ntstatus.Verdict]; Err is an error for
// STATUS_REPARSE too, which is no failure to NT.
type Decision struct {
	ntstatus.Verdict
	Rule    string           // the rule that refused, such as "F-31"; "" for success
	Granted winnt.AccessMask // 0 unless Allowed
	Implied winnt.AccessMask // rights the disposition asked for besides (F-33)
	Action  Action
	// ForceShareRead says that others must be let read although the request
	// does not share (F-48).
	ForceShareRead bool
	NewSD          *sd.Descriptor     // of a new object; nil where none is made
	Max            MaximalAccess      // if Request.Maximal, on success
	PrivilegesUsed winnt.PrivilegeSet // also where access was denied
	// StoppedAt is the component of Facts.Path that refused, len(Path) for
	// the last one; meaningful where Status is not success. See
	// [Request.Unparsed].
	StoppedAt int
	Audit     Audit
}

// MaximalAccess is the answer to the question what could be asked for at most
// (SMB2_CREATE_QUERY_MAXIMAL_ACCESS_RESPONSE). The zero value denies.
type MaximalAccess struct {
	ntstatus.Verdict
	Access winnt.AccessMask // 0 unless Allowed
}

// Audited says which object's SACL an audit record of an open depends on. The
// zero value means that there is nothing to record.
type Audited uint8

// What an audit record is about.
const (
	AuditNothing   Audited = iota
	AuditObject            // the object opened or created (F-80)
	AuditDirectory         // the directory that refused (F-81)
	AuditShare             // the share refused: event 5145 and no 4656 (F-83)
)

// Audit holds what an audit record of the open says (F-80 to F-83): with About
// AuditObject or AuditDirectory, a handle request (event 4656) for an object
// of type File, if Descriptor's SACL or the global one asks for it.
type Audit struct {
	About      Audited
	Descriptor *sd.Descriptor
	Name       string           // Request.Name, or the name of the directory that refused
	Desired    winnt.AccessMask // mapped, with the implied rights; of a directory: the right that was missing
	Granted    winnt.AccessMask
	Status     ntstatus.Status // the true one, where Decision.Status hides it (F-73)
}
