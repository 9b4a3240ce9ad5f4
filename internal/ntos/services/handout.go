package services

import (
	"os"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// HandedOut is a host file descriptor to pass to a program.
type HandedOut struct {
	File   *os.File
	Name   string           // the file's name in the kernel
	Used   winnt.AccessMask // the rights that its use requires
	Client sid.SID          // the client that the process opened the file for; zero: none
}

// HandOut returns a new host file descriptor for the file of a handle, for a program with a uid. The caller must close
// it. HandOut fails if it cannot write the audit record. Errors: STATUS_NOT_SUPPORTED for a file without a host
// descriptor, STATUS_AUDIT_FAILED, and those of nt.HostFile. It is not a service: a server calls it for its client. The
// audit record is written before the descriptor is returned.
func (c *Context) HandOut(v winnt.Handle, uid uint32) (out HandedOut, st ntstatus.Status) {
	// reference
	h, ok, st := c.treeHandle(v)
	if st != ntstatus.Success {
		return out, st
	}
	if !ok {
		// Files outside the trees have no descriptor.
		return out, c.Fail("F-151", ntstatus.NotSupported)
	}
	defer h.Deref(ob.TagCall)
	// decide
	host, ok := h.open.(nt.HostFile)
	if !ok {
		// Files of a tree in memory have no descriptor either.
		return out, c.Fail("F-151", ntstatus.NotSupported)
	}
	f, used, st := host.HandOut(h.granted.Access, uid)
	if st != ntstatus.Success {
		return out, c.Fail("F-152", st)
	}
	if st := c.recordHandOut(v, h, used); st != ntstatus.Success {
		_ = f.Close()
		// A demanded record that cannot be kept keeps the descriptor here.
		return out, c.Fail("U-64", st)
	}
	// commit
	return HandedOut{f, h.Path(), used, h.admitted.who.user}, ntstatus.Success
}

// RecordUses writes the audit records of all rights of a handle whose use its open marked. Call it before a
// program uses the file without the services. For a file outside the trees it succeeds and has no effect. It is
// not a service: a server calls it for its client.
func (c *Context) RecordUses(v winnt.Handle) ntstatus.Status {
	// reference
	h, ok, st := c.treeHandle(v)
	if st != ntstatus.Success {
		return st
	}
	if !ok {
		return ntstatus.Success
	}
	defer h.Deref(ob.TagCall)
	// commit
	return c.use(v, h.File, h.granted, h.granted.Access)
}

// recordHandOut writes the audit record of passing a descriptor. A record that is kept also counts as the first use of
// the rights, because later uses are not visible (F-157).
func (c *Context) recordHandOut(v winnt.Handle, h treeHandle, used winnt.AccessMask) ntstatus.Status {
	o := audit.Object{Type: winnt.FileObject.Name, Name: h.Path(), Handle: v}
	if st := c.Sys.Log.HandedOut(c.origin(), o, used, h.Security()); st != ntstatus.Success {
		return st
	}
	if t := c.TableOf(v); t != nil {
		t.TakeAudit(v, h.File, h.granted.Pending&used)
	}
	return ntstatus.Success
}
