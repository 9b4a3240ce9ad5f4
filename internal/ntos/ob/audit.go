package ob

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Audited holds the audit state of a handle. In the zero value neither a use nor the close is recorded.
type Audited struct {
	Rights  winnt.AccessMask // whose first use is recorded
	OnClose bool             // closing the handle is recorded
}

// Auditor records opens and closes. It is called with no lock held.
type Auditor interface {
	// Opens reports whether an open can leave a record. Without an audit
	// policy that costs one atomic load.
	Opens() bool
	// Opened records a decision about an object, granted or not, before the
	// handle works; h is reserved for a success. A failure is
	// STATUS_AUDIT_FAILED: the open fails and grants no right.
	Opened(c *Caller, obj Object, subject access.Subject, desired winnt.AccessMask, dec access.Decision,
		h winnt.Handle) (Audited, ntstatus.Status)
	// Closed records the close of a handle that has OBJ_AUDIT_OBJECT_CLOSE. The close succeeds in any case.
	Closed(c *Caller, obj Object, h winnt.Handle)
}

// records reports whether the auditor must see this caller's opens. It returns false without an audit policy, and for
// opens in kernel mode that skip the access check (U-10).
func (c *Caller) records(attributes uint32) bool {
	return c.Audit != nil && c.Checked(attributes) && c.Audit.Opens()
}

// openAudited opens an object like OpenByPointer and writes the audit record of the open. A denial is recorded too.
// The record is written before the handle becomes visible (U-73). If a required record cannot be stored, the open
// fails and no handle stays.
func (c *Caller) openAudited(obj Object, subject access.Subject, desired winnt.AccessMask,
	attributes uint32) (winnt.Handle, ntstatus.Status) {
	dec := Decide(c, obj, &subject, desired, attributes)
	if dec.Status() != ntstatus.Success {
		if _, st := c.recordOpen(obj, subject, desired, dec, 0); st != ntstatus.Success {
			// A demanded record that cannot be kept fails the open.
			return 0, c.Fail("U-64", st)
		}
		return 0, dec.Status()
	}
	r, st := c.Reserve(attributes)
	if st != ntstatus.Success {
		return 0, st
	}
	a, st := c.recordOpen(obj, subject, desired, dec, r.Handle())
	if st != ntstatus.Success {
		r.Abandon()
		// If a required record cannot be stored, the open fails and grants no right.
		return 0, c.Fail("U-64", st)
	}
	r.Audit(a.Rights)
	if st := r.Publish(obj, dec.Granted, a.attributes(attributes)); st != ntstatus.Success {
		return 0, c.Fail("O-47", st)
	}
	return r.Handle(), ntstatus.Success
}

// recordOpen writes the audit record of an open through the auditor, granted or denied. It skips INVALID_PARAMETER,
// which no access check returns: the result is then the zero Audited and success.
func (c *Caller) recordOpen(obj Object, subject access.Subject, desired winnt.AccessMask, dec access.Decision,
	h winnt.Handle) (Audited, ntstatus.Status) {
	if dec.Status() == ntstatus.InvalidParameter {
		return Audited{}, ntstatus.Success
	}
	return c.Audit.Opened(c, obj, subject, obj.Head().typ.mapDesired(desired), dec, h)
}

// attributes returns the attributes of the new handle: given, with OBJ_AUDIT_OBJECT_CLOSE added if the close is to be
// recorded.
func (a Audited) attributes(given uint32) uint32 {
	if a.OnClose {
		given |= winnt.OBJ_AUDIT_OBJECT_CLOSE
	}
	return given
}

// closeRecorded closes a handle like Table.Close and records the close of an audited one, after the value is free and
// before the counts fall. A failure to write the record does not fail the close (U-73).
func (c *Caller) closeRecorded(t *Table, v winnt.Handle) ntstatus.Status {
	closed, st := t.Remove(v)
	if st != ntstatus.Success {
		return st
	}
	if closed.Attributes&winnt.OBJ_AUDIT_OBJECT_CLOSE != 0 {
		c.Audit.Closed(c, closed.Object, v)
	}
	closed.Release()
	return ntstatus.Success
}
