package services

import (
	"strings"
	"unicode/utf16"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// file references a file or an end of a pipe, whose handle must grant rights (O-31). Kernel mode skips the rights. It
// refuses a file whose use an administrator has ended (W-99).
func (c *Context) file(h winnt.Handle, rights winnt.AccessMask) (ob.Object, ntstatus.Status) {
	obj, _, st := c.fileGranted(h, rights)
	return obj, st
}

// fileGranted references the file of a handle, and returns the handle's rights and attributes. The caller releases the
// object. Kernel mode needs no rights. Errors are:
//   - an object that is neither a file nor a pipe end: STATUS_OBJECT_TYPE_MISMATCH
//   - missing rights: STATUS_ACCESS_DENIED
//   - a revoked file: the status of notRevoked
func (c *Context) fileGranted(h winnt.Handle, rights winnt.AccessMask) (ob.Object, ob.Granted, ntstatus.Status) {
	obj, g, st := ob.Reference[ob.Object](&c.Caller, h, 0, nil)
	if st != ntstatus.Success {
		return nil, g, st
	}
	switch typ := obj.Head().Type(); {
	case typ != FileType && typ != npfs.EndType: // both Go types are the object type File (O-31)
		st = ntstatus.ObjectTypeMismatch
	case c.Mode != access.Kernel && rights&^g.Access != 0:
		st = ntstatus.AccessDenied
	}
	if st != ntstatus.Success {
		obj.Head().Deref(ob.TagCall)
		return nil, g, c.Fail("O-31", st)
	}
	if st := c.notRevoked(obj); st != ntstatus.Success {
		obj.Head().Deref(ob.TagCall)
		return nil, g, st
	}
	return obj, g, ntstatus.Success
}

// NtQueryInformationFile returns information of one class about a file or a pipe. An unknown class is
// STATUS_INVALID_INFO_CLASS. The classes of pipes, and FileBasicInformation of a tree's file, need
// FILE_READ_ATTRIBUTES; the others need no right. A buffer below the least length is STATUS_INFO_LENGTH_MISMATCH. Every
// check of the buffer precedes the handle.
func (c *Context) NtQueryInformationFile(in nt.QueryInformationFileIn) (out nt.QueryInformationFileOut,
	st ntstatus.Status) {
	// capture
	least := in.FileInformationClass.Least()
	if least == 0 {
		// The class is not implemented.
		return out, c.Fail("I-133", ntstatus.InvalidInfoClass)
	}
	if st = c.roomFor(in.Length, least, in.FaultFileInformation); st != ntstatus.Success {
		return out, st
	}
	// reference
	var right winnt.AccessMask
	if in.FileInformationClass == nt.FilePipeInformation || in.FileInformationClass == nt.FilePipeLocalInformation {
		right = winnt.FILE_READ_ATTRIBUTES // the other classes take no right (I-151)
	}
	obj, granted, st := c.fileGranted(in.FileHandle, right)
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	// decide
	switch in.FileInformationClass {
	case nt.FileAccessInformation:
		out.FileInformation = nt.AccessInformation{AccessFlags: granted.Access}
	case nt.FileAlignmentInformation:
		out.FileInformation = nt.AlignmentInformation{}
	case nt.FileIoCompletionNotificationInformation:
		out.FileInformation = nt.CompletionInformation{}
	case nt.FileNameInformation:
		return c.fileName(obj, in.Length)
	default:
		if f, ok := obj.(*File); ok && f.open != nil {
			return c.treeFact(treeHandle{f, granted}, in.FileInformationClass)
		}
		return c.pipeFact(obj, in.FileInformationClass)
	}
	return out, ntstatus.Success
}

// pipeFact returns the information of one class about the pipe end obj. Errors are:
//   - a class that pipes do not have, for any file: STATUS_INVALID_INFO_CLASS
//   - a pipe class for a file that is not a pipe: STATUS_INVALID_PARAMETER
//   - a detached end: STATUS_PIPE_DISCONNECTED
func (c *Context) pipeFact(obj ob.Object, class nt.FileInfoClass) (out nt.QueryInformationFileOut, st ntstatus.Status) {
	e, ok := obj.(*npfs.End)
	standard := ok && class == nt.FileStandardInformation
	switch {
	case class != nt.FilePipeInformation && class != nt.FilePipeLocalInformation && !standard:
		// Only files of trees have the other classes.
		return out, c.Fail("I-133", ntstatus.InvalidInfoClass)
	case !ok:
		// These classes belong to pipes.
		return out, c.Fail("I-133", ntstatus.InvalidParameter)
	case e.Detached():
		return out, c.Fail("I-134", ntstatus.PipeDisconnected)
	case standard:
		out.FileInformation = e.Standard()
	case class == nt.FilePipeInformation:
		out.FileInformation = e.Modes()
	default:
		out.FileInformation = e.Local()
	}
	return out, ntstatus.Success
}

// fileName returns FileNameInformation: the name with its device, cut to the buffer's size (I-151). A name that does
// not fit is STATUS_BUFFER_OVERFLOW, with the full length. A device is STATUS_INVALID_PARAMETER, and a detached end
// of a pipe STATUS_PIPE_DISCONNECTED.
func (c *Context) fileName(obj ob.Object, length uint32) (out nt.QueryInformationFileOut, st ntstatus.Status) {
	const header = 4 // bytes before the text
	name := `\` + obj.Head().Name()
	switch o := obj.(type) {
	case *npfs.End:
		if o.Detached() {
			return out, c.Fail("I-134", ntstatus.PipeDisconnected)
		}
		name = strings.TrimPrefix(o.Path(), PipeDevice)
	case *File:
		if o.open != nil {
			name = `\` + o.path
		} else if o.device != nil {
			// A device has no name below itself.
			return out, c.Fail("I-133", ntstatus.InvalidParameter)
		}
	}
	units := utf16.Encode([]rune(name))
	whole := uint32(2 * len(units))
	if room := (length - header) / 2; int64(room) < int64(len(units)) {
		out.FileInformation = nt.NameInformation{FileNameLength: whole, FileName: string(utf16.Decode(units[:room]))}
		// The name is truncated to the buffer; the full length is returned.
		return out, c.Fail("I-151", ntstatus.BufferOverflow)
	}
	out.FileInformation = nt.NameInformation{FileNameLength: whole, FileName: name}
	return out, ntstatus.Success
}

// setPipeModes sets how an end of a pipe reads, and whether its operations wait. The handle must grant
// FILE_WRITE_ATTRIBUTES (I-158). A file that is no pipe and an unsupported mode are STATUS_INVALID_PARAMETER, and the
// modes then stay.
func (c *Context) setPipeModes(in *nt.SetInformationFileIn) ntstatus.Status {
	// reference
	obj, st := c.file(in.FileHandle, winnt.FILE_WRITE_ATTRIBUTES)
	if st != ntstatus.Success {
		return st
	}
	defer obj.Head().Deref(ob.TagCall)
	// decide and commit
	e, ok := obj.(*npfs.End)
	if !ok {
		// This class belongs to pipes.
		return c.Fail("I-133", ntstatus.InvalidParameter)
	}
	i, ok := in.FileInformation.V.(nt.PipeInformation)
	if !ok {
		return c.Fail("I-133", ntstatus.InfoLengthMismatch)
	}
	if st := e.SetModes(i); st != ntstatus.Success {
		// The pipe does not support the mode, or this end does not.
		return c.Fail("I-158", st)
	}
	return ntstatus.Success
}

// roomFor checks the output buffer of a query whose buffer may be larger than needed. A length below least is
// STATUS_INFO_LENGTH_MISMATCH. Otherwise it returns fault, the status of probing the caller's pointers (O-3).
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

// NtQueryVolumeInformationFile returns information about the volume of a file: the device type of any file, or the
// sizes of a tree's volume. A file outside a tree has no sizes: STATUS_INVALID_PARAMETER. Another class is
// STATUS_INVALID_INFO_CLASS, and a short buffer STATUS_INFO_LENGTH_MISMATCH. The handle needs no right.
func (c *Context) NtQueryVolumeInformationFile(in nt.QueryVolumeInformationFileIn) (
	out nt.QueryVolumeInformationFileOut, st ntstatus.Status) {
	// capture
	least := in.FsInformationClass.Least()
	if least == 0 {
		// Three classes are built.
		return out, c.Fail("I-133", ntstatus.InvalidInfoClass)
	}
	if st = c.roomFor(in.Length, least, in.FaultFsInformation); st != ntstatus.Success {
		return out, st
	}
	// reference
	obj, st := c.file(in.FileHandle, 0)
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	if in.FsInformationClass == nt.FileFsDeviceInformation {
		kind := winnt.FILE_DEVICE_DISK
		if _, ok := obj.(*npfs.End); ok {
			kind = winnt.FILE_DEVICE_NAMED_PIPE
		}
		out.FsInformation = nt.FsDeviceInformation{DeviceType: kind}
		return out, ntstatus.Success
	}
	f, ok := obj.(*File)
	if !ok || f.open == nil {
		// Only a tree is on a volume that has a size.
		return out, c.Fail("F-128", ntstatus.InvalidParameter)
	}
	v, st := f.open.Volume()
	if st != ntstatus.Success {
		return out, c.Fail("F-124", st)
	}
	out.FsInformation = v
	if in.FsInformationClass == nt.FileFsSizeInformation {
		out.FsInformation = nt.FsSizeInformation{TotalAllocationUnits: v.TotalAllocationUnits,
			AvailableAllocationUnits: v.CallerAvailableAllocationUnits, SectorsPerAllocationUnit: v.SectorsPerAllocationUnit,
			BytesPerSector: v.BytesPerSector}
	}
	return out, ntstatus.Success
}

// peek implements FSCTL_PIPE_PEEK, which reads from a pipe and removes nothing. The handle must grant FILE_READ_DATA.
// With STATUS_BUFFER_OVERFLOW it returns the part of the message that fits. Too small a length is
// STATUS_INFO_LENGTH_MISMATCH. It returns at most npfs.MaxQuota bytes.
func (c *Context) peek(e *npfs.End, granted winnt.AccessMask, length uint32) (out nt.FsControlFileOut,
	st ntstatus.Status) {
	const header = 16 // bytes of FILE_PIPE_PEEK_BUFFER without data
	switch {
	case c.Mode != access.Kernel && granted&winnt.FILE_READ_DATA == 0:
		// A peek needs the right to read.
		return out, c.Fail("I-132", ntstatus.AccessDenied)
	case length < header:
		return out, c.Fail("I-132", ntstatus.InfoLengthMismatch)
	}
	b, st := e.Peek(int(min(length-header, npfs.MaxQuota)))
	if st != ntstatus.Success && st != ntstatus.BufferOverflow {
		// The pipe is disconnected or closed.
		return out, c.Fail("I-132", st)
	}
	out.OutputBuffer = &b
	if st != ntstatus.Success {
		c.Fail("I-132", st)
	}
	return out, st
}
