package services

import (
	"github.com/refmon/refmon/internal/ntos/lpc"
	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// NtCreateLowBoxToken creates the AppContainer token of a package and opens it. The token keeps the objects of Handles
// open; a process, thread, job, pipe or port among them is STATUS_OBJECT_TYPE_MISMATCH. A SID that is no package or
// capability, and a token of an AppContainer, are STATUS_INVALID_PARAMETER. The existing token's handle needs
// TOKEN_DUPLICATE. A client below level Impersonation is STATUS_BAD_IMPERSONATION_LEVEL.
func (c *Context) NtCreateLowBoxToken(in nt.CreateLowBoxTokenIn) (out nt.CreateLowBoxTokenOut, st ntstatus.Status) {
	// capture
	if st := c.probe("O-3", required(!in.PackageSID.V.IsZero(), in.PackageSID.Status), in.Capabilities.Status,
		in.Handles.Status); st != ntstatus.Success {
		return out, st
	}
	oa, st := c.captureAttributes(in.ObjectAttributes)
	if st != ntstatus.Success {
		return out, st
	}
	// reference
	// The existing token's handle must grant the right to duplicate (T-69).
	existing, _, st := ob.Reference[*se.TokenObject](&c.Caller, in.ExistingTokenHandle, winnt.TOKEN_DUPLICATE,
		se.TokenType)
	if st != ntstatus.Success {
		return out, st
	}
	defer existing.Deref(ob.TagCall)
	for _, st := range []ntstatus.Status{in.PackageSID.Status, in.Capabilities.Status, in.Handles.Status,
		sidStatus(in.Capabilities.V)} {
		if st != ntstatus.Success {
			// Unreadable parameters are refused after the handle; ignoring a list would change the request.
			return out, c.Fail("T-69", st)
		}
	}
	// decide
	old := existing.Value()
	if old.Type() == winnt.TokenImpersonation && old.Level() < winnt.SecurityImpersonation {
		// A client that is only identified becomes no primary token.
		return out, c.Fail("T-42", ntstatus.BadImpersonationLevel)
	}
	// All tokens of a package in a session share the package's number (T-69).
	box := c.Sys.Security.Boxes.Hold(old.SessionID(), in.PackageSID.V)
	defer box.Release()
	value, st := old.LowBox(token.LowBoxSpec{Package: in.PackageSID.V, Capabilities: in.Capabilities.V,
		Number: box.Number(), ModifiedID: c.Sys.Security.AllocateLUID()})
	if st != ntstatus.Success {
		// The package or a capability is a SID of another kind.
		return out, c.Fail("T-69", st)
	}
	kept, st := c.keep(in.Handles.V)
	if st != ntstatus.Success {
		return out, st
	}
	defer drop(kept)
	if c.Sys.Fault("se: create token") {
		return out, c.Fail("O-81", ntstatus.InsufficientResources)
	}
	granted, st := c.creatorAccess(in.DesiredAccess, oa.SecurityDescriptor)
	if st != ntstatus.Success {
		return out, st
	}
	d, st := c.newTokenDescriptor(oa.SecurityDescriptor)
	if st != ntstatus.Success {
		return out, st
	}
	tok := c.Sys.Security.NewFiltered(existing, value, admitPackage(d, in.PackageSID.V))
	defer tok.Deref(ob.TagCall)
	tok.Keep(kept)
	// commit
	out.TokenHandle, st = c.insertNew(tok, granted, oa.Attributes&(winnt.OBJ_INHERIT|winnt.OBJ_KERNEL_HANDLE))
	return out, st
}

// admitPackage returns the descriptor of an AppContainer's token with an entry that grants the package access. Code
// in the AppContainer can then open the token of its thread and process (T-131).
func admitPackage(d *sd.Descriptor, pkg sid.SID) *sd.Descriptor {
	p := d.Parts()
	p.DACL = token.AdmitPackage(p.DACL, pkg, winnt.TOKEN_ALL_ACCESS)
	return sd.New(p)
}

// keep references the objects of the handles for an AppContainer token that keeps them open, usually the AppContainer's
// directories. If one handle fails, or its object could hold the token, keep releases all. The caller must release the
// references with drop.
func (c *Context) keep(handles []winnt.Handle) (kept []ob.Object, st ntstatus.Status) {
	for _, h := range handles {
		o, _, st := ob.Reference[ob.Object](&c.Caller, h, 0, nil)
		if st != ntstatus.Success {
			drop(kept)
			return nil, st
		}
		kept = append(kept, o)
		switch o.(type) {
		case *ps.Process, *ps.Thread, *ps.Job, *npfs.End, *lpc.Port:
			drop(kept)
			// Such an object can get a reference to this token later, and then neither would ever end.
			return nil, c.Fail("T-69", ntstatus.ObjectTypeMismatch)
		}
	}
	return kept, ntstatus.Success
}

// drop releases the references that keep took.
func drop(objects []ob.Object) {
	for _, o := range objects {
		o.Head().Deref(ob.TagCall)
	}
}
