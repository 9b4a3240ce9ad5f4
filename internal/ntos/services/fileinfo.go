package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// file references a file or the end of a pipe, whose handle must grant the
// rights (O-31).
func (c *Context) file(h winnt.Handle, rights winnt.AccessMask) (ob.Object, ntstatus.Status) {
	obj, g, st := ob.Reference[ob.Object](&c.Caller, h, 0, nil)
	if st != ntstatus.Success {
		return nil, st
	}
	switch typ := obj.Head().Type(); {
	case typ != FileType && typ != npfs.EndType: // two Go types are File here (O-31)
		st = ntstatus.ObjectTypeMismatch
	case c.Mode != access.Kernel && rights&^g.Access != 0:
		st = ntstatus.AccessDenied
	}
	if st != ntstatus.Success {
		obj.Head().Deref(ob.TagCall)
		return nil, c.Fail("O-31", st)
	}
	return obj, ntstatus.Success
}

// NtQueryInformationFile tells a fact about a pipe.
func (c *Context) NtQueryInformationFile(in nt.QueryInformationFileIn) (out nt.QueryInformationFileOut,
	st ntstatus.Status) {
	// capture
	least := uint32(8)
	switch in.FileInformationClass {
	case nt.FilePipeInformation:
	case nt.FilePipeLocalInformation:
		least = 40
	default:
		// Two classes are built.
		return out, c.Fail("I-133", ntstatus.InvalidInfoClass)
	}
	if st = c.roomFor(in.Length, least, in.FaultFileInformation); st != ntstatus.Success {
		return out, st
	}
	// reference
	obj, st := c.file(in.FileHandle, winnt.FILE_READ_ATTRIBUTES)
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	// decide
	e, ok := obj.(*npfs.End)
	switch {
	case !ok:
		// The classes are those of pipes.
		return out, c.Fail("I-133", ntstatus.InvalidParameter)
	case e.Detached():
		return out, c.Fail("I-134", ntstatus.PipeDisconnected)
	case in.FileInformationClass == nt.FilePipeInformation:
		out.FileInformation = e.Modes()
	default:
		out.FileInformation = e.Local()
	}
	return out, ntstatus.Success
}

// roomFor tests the length and the pointers of a query that takes larger buffers
// too.
func (c *Context) roomFor(length, least uint32, fault ntstatus.Status) ntstatus.Status {
	switch {
	case length < least:
		// The structure must fit.
		return c.Fail("I-133", ntstatus.InfoLengthMismatch)
	case fault != ntstatus.Success:
		return c.Fail("O-3", fault)
	}
	return ntstatus.Success
}

// NtQueryVolumeInformationFile tells what a file is on.
func (c *Context) NtQueryVolumeInformationFile(in nt.QueryVolumeInformationFileIn) (
	out nt.QueryVolumeInformationFileOut, st ntstatus.Status) {
	// capture
	if in.FsInformationClass != nt.FileFsDeviceInformation {
		// One class is built.
		return out, c.Fail("I-133", ntstatus.InvalidInfoClass)
	}
	if st = c.roomFor(in.Length, 8, in.FaultFsInformation); st != ntstatus.Success {
		return out, st
	}
	// reference
	obj, st := c.file(in.FileHandle, 0)
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	out.FsInformation.DeviceType = winnt.FILE_DEVICE_DISK
	if _, ok := obj.(*npfs.End); ok {
		out.FsInformation.DeviceType = winnt.FILE_DEVICE_NAMED_PIPE
	}
	return out, ntstatus.Success
}

// peek serves FSCTL_PIPE_PEEK, whose code says that the handle must grant
// FILE_READ_DATA.
func (c *Context) peek(e *npfs.End, granted winnt.AccessMask, length uint32) (out nt.FsControlFileOut,
	st ntstatus.Status) {
	const header = 16 // bytes of FILE_PIPE_PEEK_BUFFER without data
	switch {
	case c.Mode != access.Kernel && granted&winnt.FILE_READ_DATA == 0:
		// To peek is to read.
		return out, c.Fail("I-132", ntstatus.AccessDenied)
	case length < header:
		return out, c.Fail("I-132", ntstatus.InfoLengthMismatch)
	}
	b, st := e.Peek(int(min(length-header, npfs.MaxQuota)))
	if st != ntstatus.Success && st != ntstatus.BufferOverflow {
		// The state of the pipe has nothing to look at.
		return out, c.Fail("I-132", st)
	}
	out.OutputBuffer = &b
	if st != ntstatus.Success {
		c.Fail("I-132", st)
	}
	return out, st
}
