package ob

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// OpenByPointer creates a handle to an object on which the caller holds a reference (O-33). It calls [Decide], then
// inserts the handle into [Caller.TableFor]. The rights are never decided again (O-34). Errors: those of [Decide] and
// [Table.Insert], and AUDIT_FAILED if a required record cannot be written. A process that has ended gives
// STATUS_PROCESS_IS_TERMINATING. After a failure the handle is 0.
func OpenByPointer(c *Caller, obj Object, subject access.Subject, desired winnt.AccessMask,
	attributes uint32) (winnt.Handle, ntstatus.Status) {
	if c.records(attributes) {
		return c.openAudited(obj, subject, desired, attributes)
	}
	// decide
	dec := Decide(c, obj, &subject, desired, attributes)
	if dec.Status() != ntstatus.Success {
		return 0, dec.Status()
	}
	// commit
	t := c.TableFor(attributes)
	if t == nil {
		return 0, c.Fail("O-47", ntstatus.ProcessIsTerminating)
	}
	if st := c.MayInsert(); st != ntstatus.Success {
		return 0, st
	}
	v, st := t.Insert(obj, dec.Granted, attributes)
	if st != ntstatus.Success {
		return 0, c.NoHandle(st)
	}
	return v, ntstatus.Success
}
