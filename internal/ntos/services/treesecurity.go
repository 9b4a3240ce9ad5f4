package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// securityOf returns an object's current descriptor. For a file in a tree it reads the descriptor from the tree. The
// descriptor is nil for an object without one. After a failure it is nil.
func (c *Context) securityOf(obj ob.Object) (*sd.Descriptor, ntstatus.Status) {
	f, ok := obj.(*File)
	if !ok || f.open == nil {
		return obj.Head().Security(), ntstatus.Success
	}
	d, st := f.open.Descriptor()
	if st != ntstatus.Success {
		return nil, c.Fail(ruleOfStored(st), st)
	}
	return d, ntstatus.Success
}

// ruleOfStored returns the rule that the tracer shows if a tree did not read or write a file's descriptor. It returns
// "F-124", the rule for errors of the host, for every status without a rule of its own.
func ruleOfStored(st ntstatus.Status) string {
	switch st {
	case ntstatus.NoSecurityOnObject:
		// The file has no valid descriptor (F-101).
		return "F-101"
	case ntstatus.NotSupported:
		// The attribute cannot be written so that a file server believes it (F-121).
		return "F-121"
	}
	return "F-124"
}

// setTreeSecurity changes the descriptor of a tree file. info selects the components to replace. The caller pays for
// the new descriptor. A change from user mode is recorded once, before the descriptor changes. If other programs
// keep changing the descriptor, the status is STATUS_SHARING_VIOLATION. After a failure the old descriptor stays and
// nothing is charged.
func (c *Context) setTreeSecurity(f *File, handle winnt.Handle, info uint32, given *sd.Descriptor) ntstatus.Status {
	recorded := false
	for range attempts {
		// decide
		old, st := f.open.Descriptor()
		if st != ntstatus.Success {
			return c.Fail(ruleOfStored(st), st)
		}
		d, rule, st := c.changed(f.Type(), info, old, given)
		if st != ntstatus.Success {
			return c.Fail(rule, st)
		}
		// The record has the descriptor that is stored.
		if d, st = fileaccess.Stored(d); st != ntstatus.Success {
			return c.Fail("F-199", st)
		}
		paid, st := c.self.Payer().Charge(replacedSize + d.HeapSize())
		if st != ntstatus.Success {
			// The caller pays for the new descriptor. If it cannot, the old one stays.
			return c.Fail("Q-2", st)
		}
		if !recorded && c.Mode == access.User {
			recorded = true
			if st := c.recordSecurity(f.Head(), handle, info, old, d); st != ntstatus.Success {
				paid.Return()
				return c.Fail("U-64", st) // nothing is changed
			}
		}
		// commit
		swapped, st := f.open.SwapDescriptor(old, d)
		if !swapped || st != ntstatus.Success {
			paid.Return()
		}
		if st != ntstatus.Success {
			return c.Fail(ruleOfStored(st), st)
		}
		if swapped {
			f.ReplaceSecurity(d, paid)
			return ntstatus.Success
		}
	}
	return c.Fail("F-114", ntstatus.SharingViolation)
}
