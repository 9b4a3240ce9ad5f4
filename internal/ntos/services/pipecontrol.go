package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// NtFsControlFile executes a control code on an end of a pipe, or on the pipe device. With in.Later it may return
// STATUS_PENDING and complete later. The right that the handle needs depends on the code. Another file than an end of a
// pipe is decided by controlFile. Without in.Later the call does not wait.
func (c *Context) NtFsControlFile(in nt.FsControlFileIn) (out nt.FsControlFileOut, st ntstatus.Status) {
	obj, g, st := c.fileGranted(in.FileHandle, 0)
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	if f, ok := obj.(*File); ok {
		return out, c.controlFile(f, &in)
	}
	e := obj.(*npfs.End)
	switch {
	case in.FsControlCode == winnt.FSCTL_PIPE_TRANSCEIVE:
		return out, c.transceive(e, g.Access, &in)
	case in.FsControlCode == winnt.FSCTL_PIPE_LISTEN && in.Later != nil:
		if _, st = c.later(e, in.Later, npfs.OpListen, 0, nil); st != ntstatus.Success {
			return out, c.Fail("I-85", st)
		}
		return out, st
	case in.Later == nil:
		return c.control(e, g.Access, &in)
	}
	i, st := c.begin(e, in.Later)
	if st != ntstatus.Success {
		return out, st
	}
	out, st = c.control(e, g.Access, &in)
	r := npfs.Result{Status: st}
	if b := out.OutputBuffer; b != nil {
		r.Data = b.Bytes()
		r.Count = len(r.Data)
	}
	i.over(r, false)
	return out, st
}

// control executes the control codes of a pipe end that complete at once. Disconnecting changes the pipe, and
// impersonating changes the calling thread. Under Observed, impersonating before a client has connected is
// STATUS_CANNOT_IMPERSONATE. FSCTL_PIPE_WAIT, which only the pipe device has, is STATUS_ILLEGAL_FUNCTION. An unknown
// code is STATUS_NOT_SUPPORTED.
func (c *Context) control(e *npfs.End, granted winnt.AccessMask, in *nt.FsControlFileIn) (out nt.FsControlFileOut,
	st ntstatus.Status) {
	switch in.FsControlCode {
	case winnt.FSCTL_PIPE_PEEK:
		return c.peek(e, granted, in.OutputBufferLength)
	case winnt.FSCTL_PIPE_LISTEN:
		st = e.Listen()
	case winnt.FSCTL_PIPE_DISCONNECT:
		st = e.Disconnect()
	case winnt.FSCTL_PIPE_WAIT:
		st = ntstatus.IllegalFunction // the handle refers to the pipe device (I-162)
	case winnt.FSCTL_PIPE_IMPERSONATE:
		// The server acts for the client of the last message it read (I-85).
		o := e.Impersonate(c.self)
		if c.Sys.Profile == nt.Observed && o.Status == ntstatus.PipeListening {
			// Observed: no client yet is not a client that can be impersonated (T-133).
			o.Status, o.Rule = ntstatus.CannotImpersonate, "T-133"
		}
		return out, c.ImpersonatedOn(c.self, o)
	default:
		st = ntstatus.NotSupported
	}
	if st != ntstatus.Success {
		// The state of the pipe does not allow the control code.
		return out, c.Fail("I-85", st)
	}
	return out, st
}

// transceive implements FSCTL_PIPE_TRANSCEIVE, which writes a message and reads the answer. in.Later gets the
// result. Errors are, in this order:
//   - a nil in.Later: STATUS_NOT_SUPPORTED
//   - an unreadable buffer: the status of its capture
//   - a handle without both the read and the write right: STATUS_ACCESS_DENIED
//   - unread data in the pipe: STATUS_PIPE_BUSY
func (c *Context) transceive(e *npfs.End, granted winnt.AccessMask, in *nt.FsControlFileIn) ntstatus.Status {
	const both = winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA
	switch {
	case in.Later == nil:
		// This needs a program with its own memory.
		return c.Fail("I-85", ntstatus.NotSupported)
	case in.InputBuffer.Status != ntstatus.Success:
		return c.Fail("O-3", in.InputBuffer.Status)
	case c.Mode != access.Kernel && granted&both != both:
		return c.Fail("O-31", ntstatus.AccessDenied)
	}
	_, st := c.later(e, in.Later, npfs.OpTransceive, int(in.OutputBufferLength), in.InputBuffer.V)
	if st != ntstatus.Success {
		// The call sends a message and reads its answer only if no other data is waiting to be read.
		return c.Fail("I-142", st)
	}
	return st
}
