package access

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Decision is the result of an access check. [Grant] and [Refuse] return one.
// The zero value denies with STATUS_ACCESS_DENIED, and a decision returned with
// an error denies. Status, Allowed and Err are those of the [ntstatus.Verdict].
type Decision struct {
	Granted winnt.AccessMask // 0 unless Allowed
	ntstatus.Verdict
	PrivilegesUsed winnt.PrivilegeSet // also when access was denied
}

// Grant returns a decision that grants a mask, which may be empty.
func Grant(granted winnt.AccessMask) Decision {
	return Decision{Granted: granted, Verdict: ntstatus.Decided(ntstatus.Success)}
}

// Refuse returns a decision that denies with a status. For STATUS_SUCCESS it
// denies with STATUS_ACCESS_DENIED.
func Refuse(status ntstatus.Status) Decision {
	if status == ntstatus.Success {
		status = ntstatus.AccessDenied
	}
	return Decision{Verdict: ntstatus.Decided(status)}
}

// Using returns a copy of d that records used as the privileges that the check used.
func (d Decision) Using(used winnt.PrivilegeSet) Decision {
	d.PrivilegesUsed = used
	return d
}

// String returns the status and the mask: "STATUS_SUCCESS 0x1".
func (d Decision) String() string { return d.Status().String() + " " + d.Granted.String() }

// denied returns the decision STATUS_ACCESS_DENIED and the privileges that the check used. It grants nothing, not
// even rights that were granted before.
func denied(used winnt.PrivilegeSet) Decision { return Decision{PrivilegesUsed: used} }
