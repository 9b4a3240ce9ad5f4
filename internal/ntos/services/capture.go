package services

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// captureAttributes captures OBJECT_ATTRIBUTES with its quality of service. Unreadable attributes give their status
// (O-3). Unknown attribute bits (O-22), OBJ_EXCLUSIVE with OBJ_INHERIT (O-27), and a level above SecurityDelegation
// (T-40), are STATUS_INVALID_PARAMETER, and the captured attributes are returned with it. NULL and unreadable
// attributes give the zero value.
func (c *Context) captureAttributes(in nt.Captured[*nt.ObjectAttributes]) (nt.ObjectAttributes, ntstatus.Status) {
	if in.Status != ntstatus.Success {
		if in.Status == ntstatus.InvalidParameter {
			c.why.Because = "OBJECT_ATTRIBUTES or its quality of service has a wrong Length"
			return nt.ObjectAttributes{}, c.Fail("O-22", in.Status)
		}
		return nt.ObjectAttributes{}, c.Fail("O-3", in.Status)
	}
	if in.V == nil {
		return nt.ObjectAttributes{}, ntstatus.Success
	}
	oa := *in.V // O-4: captured once
	if oa.Attributes&^winnt.OBJ_VALID_ATTRIBUTES != 0 {
		c.why.Because = "OBJECT_ATTRIBUTES has unknown attribute bits"
	}
	if st := c.CheckAttributes(oa.Attributes); st != ntstatus.Success {
		return oa, st
	}
	if q := oa.SecurityQualityOfService; q != nil {
		if q.ImpersonationLevel > winnt.SecurityDelegation {
			c.why.Because = "the quality of service has a level above SecurityDelegation"
			return oa, c.Fail("T-40", ntstatus.InvalidParameter)
		}
		copied := *q
		oa.SecurityQualityOfService = &copied
	}
	return oa, ntstatus.Success
}
