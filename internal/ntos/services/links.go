package services

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// NtQuerySymbolicLinkObject returns the target of a symbolic link. If the buffer is too small, it returns
// STATUS_BUFFER_TOO_SMALL with the required length. The handle must grant SYMBOLIC_LINK_QUERY. A fault of the buffer
// precedes the handle.
func (c *Context) NtQuerySymbolicLinkObject(in nt.QuerySymbolicLinkObjectIn) (out nt.QuerySymbolicLinkObjectOut,
	st ntstatus.Status) {
	// capture
	if in.FaultLinkTarget != ntstatus.Success {
		return out, c.Fail("O-3", in.FaultLinkTarget)
	}
	// reference
	l, _, st := ob.Reference[*ob.SymbolicLink](&c.Caller, in.LinkHandle, winnt.SYMBOLIC_LINK_QUERY, ob.SymbolicLinkType)
	if st != ntstatus.Success {
		return out, st
	}
	defer l.Deref(ob.TagCall)
	// decide
	out.ReturnedLength = textSize(l.Target())
	if in.MaximumLength < out.ReturnedLength {
		// If the buffer is too small, the required length is returned.
		return out, c.Fail("O-143", ntstatus.BufferTooSmall)
	}
	out.LinkTarget = l.Target()
	return out, ntstatus.Success
}
