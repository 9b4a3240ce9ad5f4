package access

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Decision is an answer: [Grant] and [Refuse] make one. The zero value denies
// with STATUS_ACCESS_DENIED, and a decision beside an error denies. Status,
// Allowed and Err are those of the [ntstatus.Verdict].
type Decision struct {
	Granted winnt.AccessMask // 0 unless Allowed
	ntstatus.Verdict
	PrivilegesUsed winnt.PrivilegeSet // also when access was denied
}

// Grant returns the decision that grants a mask, also an empty one.
func Grant(granted winnt.AccessMask) Decision {
	return Decision{Granted: granted, Verdict: ntstatus.Decided(ntstatus.Success)}
}

// Refuse returns the decision that denies with a status, which is
// STATUS_ACCESS_DENIED where the status given is that of success.
func Refuse(st ntstatus.Status) Decision {
	if st == ntstatus.Success {
		st = ntstatus.AccessDenied
	}
	return Decision{Verdict: ntstatus.Decided(st)}
}

// Using returns the decision with the privileges that were used for it.
func (d Decision) Using(used winnt.PrivilegeSet) Decision {
	d.PrivilegesUsed = used
	return d
}

// String prints the status and the mask: "STATUS_SUCCESS 0x1".
func (d Decision) String() string { return d.Status().String() + " " + d.Granted.String() }

// denied returns STATUS_ACCESS_DENIED, which grants nothing, not even what was
// granted before.
func denied(used winnt.PrivilegeSet) Decision { return Decision{PrivilegesUsed: used} }
