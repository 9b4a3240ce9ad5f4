package ob

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Subjects returns the identities under which a caller can act. ps.Thread implements it. Each call reads the current
// state.
type Subjects interface {
	// Subject returns the effective identity: the impersonated client, if any.
	Subject() access.Subject
	// SubjectAsSelf returns the identity of the process, even if the thread impersonates.
	SubjectAsSelf() access.Subject
}

// Caller describes the caller of an operation: previous mode, handle tables, meaning of the pseudo handles, and
// subject. It belongs to one thread and is used by one goroutine at a time. The zero value cannot reference any
// object.
type Caller struct {
	Mode   access.Mode // previous mode (O-1)
	Table  *Table      // the calling process's handles; nil once it has exited
	Kernel *Table      // the system's kernel handles

	Process Object // NtCurrentProcess
	Thread  Object // NtCurrentThread
	// ProcessAccess returns the rights behind NtCurrentProcess, which change with the primary token (O-17).
	ProcessAccess func() winnt.AccessMask
	ThreadAccess  winnt.AccessMask // rights behind NtCurrentThread (Thread.SelfAccess)

	Subjects Subjects
	Audit    Auditor // nil: nothing is recorded
	Why      *Why    // nil unless the call is traced
	// Faults is called with the point "ob: handle" before a handle is created. If it returns true, the creation fails
	// for lack of memory (O-81). It may be nil.
	Faults func(point string) bool
	// Pays returns the account that pays for objects that the caller creates; nil: the kernel pays.
	Pays interface{ Payer() quota.Payer }

	// Wait waits until the audit log's disk closes done; nil: the call waits in place.
	Wait func(done <-chan struct{})

	request access.Request // owned by the thread: the request of a check, stored here to avoid an allocation
}

// Why is filled when a traced call fails: the rule of the failing branch, the
// object and, for a denied open, the explanation of the access check.
type Why struct {
	Rule        string
	Because     string // in words, where the rule alone does not say it
	Object      string
	Explanation *access.Explanation
}

// Fail returns st. If the call is traced, it also records rule as the reason, in place of an earlier one.
func (c *Caller) Fail(rule string, st ntstatus.Status) ntstatus.Status {
	if c.Why != nil {
		c.Why.Rule = rule
	}
	return st
}

// Checked reports whether this caller's requests are compared with the
// object's security: always in user mode, in kernel mode only with
// OBJ_FORCE_ACCESS_CHECK (O-33).
func (c *Caller) Checked(attributes uint32) bool {
	return c.Mode != access.Kernel || attributes&winnt.OBJ_FORCE_ACCESS_CHECK != 0
}

// MayInsert returns success, or INSUFFICIENT_RESOURCES if Caller.Faults injects an allocation failure.
func (c *Caller) MayInsert() ntstatus.Status {
	if c.Faults != nil && c.Faults("ob: handle") {
		// Memory runs out before a handle is made.
		return c.Fail("O-81", ntstatus.InsufficientResources)
	}
	return ntstatus.Success
}

// NoHandle ends a call that got no handle value from a table. It names the rule of the table's status st for the
// tracer, and returns st.
func (c *Caller) NoHandle(st ntstatus.Status) ntstatus.Status {
	switch st {
	case ntstatus.ProcessIsTerminating:
		// The process of the table has ended.
		return c.Fail("O-47", st)
	case ntstatus.QuotaExceeded:
		// The account of the process cannot pay for a larger table.
		return c.Fail("Q-2", st)
	}
	// The table is full.
	return c.Fail("O-82", st)
}

// payer returns the account that pays for objects that the caller creates. Without one it is the zero Payer, which
// pays nothing.
func (c *Caller) payer() quota.Payer {
	if c.Pays == nil {
		return quota.Payer{}
	}
	return c.Pays.Payer()
}

// TableFor returns the table for a new handle: the kernel table if a
// kernel-mode caller passes OBJ_KERNEL_HANDLE, else the caller's process table.
// From user mode the flag is ignored (O-28).
func (c *Caller) TableFor(attributes uint32) *Table {
	if c.Mode == access.Kernel && attributes&winnt.OBJ_KERNEL_HANDLE != 0 { // from user mode the flag is ignored (O-28)
		return c.Kernel
	}
	return c.Table
}

// TableOf returns the table that a handle value indexes: the process's table
// for non-negative values, the kernel table for negative ones. User mode
// does not see the kernel table (O-13). It returns nil if the caller cannot
// see that table.
func (c *Caller) TableOf(v winnt.Handle) *Table {
	if v >= 0 {
		return c.Table
	}
	if c.Mode == access.Kernel {
		return c.Kernel
	}
	return nil // a handle that does not exist (O-13, O-31)
}
