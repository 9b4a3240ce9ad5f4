package services

import (
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Context is one thread in one previous mode: the receiver of every service.
type Context struct {
	ob.Caller
	Sys  *System    // immutable
	self *ps.Thread // immutable; one reference
	why  ob.Why     // owned by the thread

	tickets map[nt.Ticket]*se.Impersonation // owned by the thread; nil means "not impersonating"
	last    nt.Ticket                       // owned by the thread
	// owned by the thread: the mapping of the current access check, stored here to avoid an allocation
	mapping winnt.GenericMapping
	closed  atomic.Bool // Close was called
}

// System holds the state that the services of one kernel share.
type System struct {
	*ps.System
	Root  *ob.Directory // root of the object namespace
	Names *ob.Namespace // the same as a tree to walk
	// Run takes over the references on a process and its first thread that a
	// service made for a parent: they run until they exit.
	Run func(parent, p *ps.Process, t *ps.Thread)
	// Files is the directory that names without a leading backslash are
	// taken from by NtOpenFile.
	Files *ob.Directory
	Pipes npfs.FileSystem
	// HasTrees reports whether a device has a tree of files.
	HasTrees atomic.Bool
	// Adopt is called with each context that NewThread creates, so that a shutdown can close it. Disown is called
	// with each context that EndThread ends.
	Adopt, Disown func(*Context)
	// EveryoneIncludesAnonymous is the policy of that name: anonymous tokens
	// made from now on have Everyone among their groups (I-74).
	EveryoneIncludesAnonymous atomic.Bool
	// Log is the audit log; it is never nil.
	Log *audit.Log
	// Peers bounds the records of connections and unchecked logons.
	Peers PeerRecords
	// Openers maps a client's token to the user (a SID) whose share of a tree its open files use. A token that is missing
	// uses the share of its own user. Only processes without a quota use the map.
	Openers sync.Map
	// LSA resolves names and authenticates users. It is never nil.
	LSA logon.Authority
	// Policy is the object that LsaOpenPolicy opens. Lookups of names need a handle to it.
	Policy *Policy
}

var _ nt.Services = (*Context)(nil)

// NewContext returns the context of a thread in a mode and takes a reference on the thread. [Context.Close] releases
// it.
func NewContext(sys *System, t *ps.Thread, mode access.Mode) *Context {
	t.Ref(ob.TagCall)
	c := &Context{Sys: sys, self: t, tickets: map[nt.Ticket]*se.Impersonation{}}
	c.Caller = ob.Caller{
		Mode: mode, Table: t.Process().Table(), Kernel: sys.Kernel,
		Process: t.Process(), Thread: t, Subjects: t, Audit: auditor{sys.Log}, Faults: sys.Faults,
		ProcessAccess: t.Process().SelfAccess, ThreadAccess: t.SelfAccess(), Pays: t,
	}
	return c
}

// Close releases the saved impersonations that were not restored, and the reference on the thread. A second call does
// nothing.
func (c *Context) Close() {
	if c.closed.Swap(true) {
		return
	}
	for _, saved := range c.tickets {
		if saved != nil {
			saved.Token.Deref(ob.TagSaved)
		}
	}
	clear(c.tickets) // a later restore does nothing
	c.self.Deref(ob.TagCall)
}

// NewThread starts a thread in the caller's process and returns its services and name. The caller ends it with
// EndThread. Once the process has ended it returns STATUS_PROCESS_IS_TERMINATING. It implements nt.Services. The thread
// starts without impersonation.
func (c *Context) NewThread() (nt.Services, string, ntstatus.Status) {
	t, st := c.self.Process().NewThread()
	if st != ntstatus.Success {
		return nil, "", st
	}
	defer t.Deref(ob.TagCall)
	n := NewContext(c.Sys, t, c.Mode)
	c.Sys.Adopt(n)
	return n, t.Name(), ntstatus.Success
}

// EndThread ends the thread and releases its context, which must not be used afterwards. It implements nt.Services.
func (c *Context) EndThread() {
	c.self.Exit()
	c.Sys.Disown(c)
	c.Close()
}

// Thread returns the thread of the context, without a reference.
func (c *Context) Thread() *ps.Thread { return c.self }

// Profile returns the conformance profile of the kernel. It implements nt.Services.
func (c *Context) Profile() nt.Profile { return c.Sys.Profile }

// RecordWhy starts to record the reasons of failures, or stops it. Starting drops an earlier reason. It implements
// nt.Services.
func (c *Context) RecordWhy(on bool) {
	c.Why = nil
	if on {
		c.why = ob.Why{}
		c.Why = &c.why
	}
}

// OnWait implements nt.Services.
func (c *Context) OnWait(wait func(done <-chan struct{})) { c.Wait = wait }

// TakeWhy returns the last recorded reason and clears it; the zero value if there is none. A failure of the audit log
// also names its file (U-94). It implements nt.Services.
func (c *Context) TakeWhy() nt.Why {
	w := c.why
	c.why = ob.Why{}
	switch err := c.Sys.Log.Loss(); w.Rule {
	case "U-64", "L-48", "G-31":
		if err != nil && w.Because == "" {
			// The failure names the file of the audit log, and what its disk said (U-94).
			w.Because = err.Error()
		}
	}
	return nt.Why{Rule: w.Rule, Because: w.Because, Object: w.Object, Explanation: w.Explanation}
}

// SaveImpersonation saves the thread's client token and returns a ticket for its restoration. The token stays in
// effect. It implements nt.Services (I-76).
func (c *Context) SaveImpersonation() nt.Ticket {
	c.last++
	c.tickets[c.last] = c.self.SavedImpersonation()
	return c.last
}

// RestoreImpersonation implements nt.Services (I-61, I-76). A ticket works once; an unknown or used one does nothing.
func (c *Context) RestoreImpersonation(k nt.Ticket) {
	saved, ok := c.tickets[k]
	if !ok {
		return
	}
	delete(c.tickets, k)
	c.self.RestoreImpersonation(saved)
}

// effective returns a snapshot of the effective token's value.
func (c *Context) effective() *token.Token {
	s := c.self.Subject()
	return s.Effective()
}

// holds reports whether the caller holds a privilege, as SeSinglePrivilegeCheck does. Kernel mode holds every
// privilege. Otherwise the privilege must be enabled in the effective token. An impersonation token below
// SecurityImpersonation holds none (T-102).
func (c *Context) holds(p winnt.Privilege) bool {
	if c.Mode == access.Kernel {
		// Kernel mode holds every privilege (T-102).
		return true
	}
	s := c.self.Subject()
	return s.Holds(p)
}

// handleAttributes returns the HandleAttributes of an Ex service that take effect (O-28, O-29). User mode may
// request OBJ_INHERIT, and OBJ_KERNEL_HANDLE without effect. Kernel mode may request only OBJ_KERNEL_HANDLE, and
// must do so outside the System process. Other attributes are STATUS_INVALID_PARAMETER.
func (c *Context) handleAttributes(a uint32) (uint32, ntstatus.Status) {
	if c.Mode == access.Kernel {
		if a&^winnt.OBJ_KERNEL_HANDLE != 0 {
			// Kernel mode may ask for OBJ_KERNEL_HANDLE alone.
			return 0, c.Fail("O-29", ntstatus.InvalidParameter)
		}
		if a == 0 && !c.self.Process().IsSystem() {
			// Kernel mode must ask for OBJ_KERNEL_HANDLE outside the System process.
			return 0, c.Fail("O-29", ntstatus.InvalidParameter)
		}
		return a, ntstatus.Success
	}
	if a&^(winnt.OBJ_KERNEL_HANDLE|winnt.OBJ_INHERIT) != 0 {
		// User mode may ask for these two attributes alone.
		return 0, c.Fail("O-29", ntstatus.InvalidParameter)
	}
	return a & winnt.OBJ_INHERIT, ntstatus.Success // OBJ_KERNEL_HANDLE means nothing from user mode (O-28)
}

// referenceProcess references the process of a handle that grants want. The caller must release the reference
// (TagCall).
func (c *Context) referenceProcess(h winnt.Handle, want winnt.AccessMask) (*ps.Process, ntstatus.Status) {
	p, _, st := ob.Reference[*ps.Process](&c.Caller, h, want, ps.ProcessType)
	return p, st
}

// insertNew charges a new object to the thread's account and creates its first handle. If it fails, the caller must
// drop the object, which returns the charge.
func (c *Context) insertNew(obj ob.Object, granted winnt.AccessMask, attributes uint32) (winnt.Handle,
	ntstatus.Status) {
	if st := c.pay(obj, c.self.Payer()); st != ntstatus.Success {
		return 0, st
	}
	return c.insert(obj, granted, attributes)
}

// pay charges the memory of a new object to the quota of payer. If it fails, the caller must drop the object.
func (c *Context) pay(obj ob.Object, payer quota.Payer) ntstatus.Status {
	if st := obj.Head().Pay(payer, 0); st != ntstatus.Success {
		// An object that its creator's account cannot pay for is not made.
		return c.Fail("Q-2", st)
	}
	return ntstatus.Success
}

// insert creates a handle to obj in the process's or the kernel's table, depending on the attributes. The handle takes
// its own reference. A full table is STATUS_INSUFFICIENT_RESOURCES. After a failure obj has no new reference.
func (c *Context) insert(obj ob.Object, granted winnt.AccessMask, attributes uint32) (winnt.Handle, ntstatus.Status) {
	if st := c.MayInsert(); st != ntstatus.Success {
		return 0, st
	}
	h, st := c.TableFor(attributes).Insert(obj, granted, attributes)
	if st != ntstatus.Success {
		return 0, c.NoHandle(st)
	}
	return h, ntstatus.Success
}
