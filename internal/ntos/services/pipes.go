package services

import (
	"strings"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// pipePrefixes are the prefixes of pipe names. They are compared without regard to case.
var pipePrefixes = [...]string{`\??\pipe\`, PipeDevice + `\`, `\\.\pipe\`}

// pipeName returns the name of a pipe from a path below the pipe device. ok is false for other paths, the device's own
// among them. Case is ignored.
func pipeName(path string) (string, bool) {
	for _, prefix := range pipePrefixes {
		if len(path) > len(prefix) && strings.EqualFold(path[:len(prefix)], prefix) {
			return path[len(prefix):], true
		}
	}
	return "", false
}

// NtCreateNamedPipeFile creates an instance of a pipe and opens its server end. The first instance creates the pipe
// with the given descriptor. A further instance needs FILE_CREATE_PIPE_INSTANCE on the existing descriptor (I-130). A
// request for no access is STATUS_ACCESS_DENIED, a pipe at its limit STATUS_INSTANCE_NOT_AVAILABLE. After a failure no
// instance exists.
func (c *Context) NtCreateNamedPipeFile(in nt.CreateNamedPipeFileIn) (out nt.CreateNamedPipeFileOut,
	st ntstatus.Status) {
	// capture
	oa, st := c.captureAttributes(in.ObjectAttributes)
	if st != ntstatus.Success {
		return out, st
	}
	name, st := c.newPipeName(&oa)
	if st != ntstatus.Success {
		return out, st
	}
	if st := c.gateSystemSecurity(in.DesiredAccess); st != ntstatus.Success {
		return out, st
	}
	if in.DesiredAccess == 0 && c.Checked(oa.Attributes) {
		// A pipe is made for some access (I-155).
		return out, c.Fail("I-155", ntstatus.AccessDenied)
	}
	cfg := npfs.Config{Message: in.NamedPipeType == winnt.FILE_PIPE_MESSAGE_TYPE, Instances: int(in.MaximumInstances),
		Inbound: int(in.InboundQuota), Outbound: int(in.OutboundQuota), Which: whichInstance(in.CreateDisposition),
		Share: in.ShareAccess, LimitFirst: c.Sys.Profile == nt.Observed,
		Wait:         pipeLimit(in.DefaultTimeout),
		Completes:    in.CompletionMode == winnt.FILE_PIPE_COMPLETE_OPERATION,
		ReadMessages: in.ReadMode == winnt.FILE_PIPE_MESSAGE_TYPE}
	subject := c.self.Subject()
	// Gaps of the descriptor given are filled from the creator's token (O-38).
	d, long := se.NewDescriptor(subject.Effective(), winnt.FileObject, oa.SecurityDescriptor)
	st = c.Sys.Pipes.Create(name, cfg, c.self.Process(), d, func(e *npfs.End, existed bool) ntstatus.Status {
		// decide
		if existed { // The descriptor of the name remains and decides about a new instance (I-130).
			dec := ob.Decide(&c.Caller, e, &subject, winnt.FILE_CREATE_PIPE_INSTANCE, 0)
			if !dec.Allowed() {
				return dec.Status()
			}
		} else if st := c.mayGive(winnt.FileObject, oa.SecurityDescriptor); st != ntstatus.Success {
			// The descriptor given names an owner that the caller may not assign, or a SACL (S-61, S-71).
			return st
		} else if long != ntstatus.Success {
			// A list of a new pipe's descriptor is too long.
			return c.Fail("S-17", long)
		}
		// The creator of an end is granted its request (O-91).
		dec := ob.GrantNew(&c.Caller, npfs.EndType, &subject, in.DesiredAccess, oa.Attributes)
		if dec.Status() != ntstatus.Success {
			return dec.Status()
		}
		// commit
		if name != "" {
			e.SetPath(PipeDevice + `\` + name)
		}
		e.Options = in.CreateOptions
		c.Sys.Security.Objects.Track(e)
		out.FileHandle, st = c.insertNew(e, dec.Granted, oa.Attributes)
		return st
	})
	if st == ntstatus.InstanceNotAvailable {
		// The pipe takes no further instance.
		return out, c.Fail("I-85", st)
	}
	return out, st
}

// newPipeName returns the name of a new pipe below the pipe device: absolute, or relative to the device. An empty
// relative name means an unnamed pipe (I-161). A name that is not below the device is STATUS_OBJECT_NAME_INVALID, an
// absolute one with a root STATUS_OBJECT_PATH_SYNTAX_BAD.
func (c *Context) newPipeName(oa *nt.ObjectAttributes) (string, ntstatus.Status) {
	name, ok := pipeName(oa.ObjectName)
	if oa.RootDirectory != 0 {
		root, st := c.file(oa.RootDirectory, 0)
		if st != ntstatus.Success {
			return "", st
		}
		defer root.Head().Deref(ob.TagCall)
		if strings.HasPrefix(oa.ObjectName, `\`) {
			// An absolute name is not below a root.
			return "", c.Fail("O-23", ntstatus.ObjectPathSyntaxBad)
		}
		f, device := root.(*File)
		name, ok = oa.ObjectName, device && f.isPipes()
	}
	if !ok {
		// The name must lie below the pipe device.
		return "", c.Fail("O-23", ntstatus.ObjectNameInvalid)
	}
	return name, ntstatus.Success
}

// pipeToOpen returns the pipe that an open refers to. The target is the name of a pipe below the device, or the
// server end of an unnamed pipe. The caller releases the server end. Any other name, or a root that cannot be
// referenced, returns ok false.
func (c *Context) pipeToOpen(oa *nt.ObjectAttributes) (name string, server *npfs.End, ok bool) {
	if oa.RootDirectory == 0 {
		name, ok = pipeName(oa.ObjectName)
		return name, nil, ok
	}
	root, _, st := ob.Reference[ob.Object](&c.Caller, oa.RootDirectory, 0, nil)
	if st != ntstatus.Success {
		return "", nil, false
	}
	switch r := root.(type) {
	case *File:
		// A name relative to the device of pipes is a pipe's (I-160).
		ok = r.isPipes() && oa.ObjectName != "" && !strings.HasPrefix(oa.ObjectName, `\`)
		name = oa.ObjectName
	case *npfs.End:
		// An empty name below the server's end of a pipe without a name is its client's end (I-161).
		if oa.ObjectName == "" && r.Unnamed() {
			return "", r, true
		}
	}
	root.Head().Deref(ob.TagCall)
	return name, nil, ok
}

// whichInstance converts the CreateDisposition of NtCreateNamedPipeFile to the instances that it may create: the first
// of a pipe, a further one, or both. 0 means FILE_OPEN_IF here.
func whichInstance(disposition uint32) npfs.Which {
	switch disposition {
	case winnt.FILE_CREATE:
		return npfs.First
	case winnt.FILE_OPEN:
		return npfs.Another
	}
	return npfs.Any
}

// openPipe connects the calling thread to a listening instance of a pipe. server is the server end of an unnamed
// pipe, which openPipe releases, or nil for the pipe with this name. Without a quality of service in oa the default
// applies (I-84). A missing pipe is STATUS_OBJECT_NAME_NOT_FOUND. A right that the pipe's direction does not allow
// is STATUS_ACCESS_DENIED.
func (c *Context) openPipe(name string, server *npfs.End, oa *nt.ObjectAttributes, desired winnt.AccessMask,
	options uint32) (h winnt.Handle, st ntstatus.Status) {
	if server == nil {
		server = c.Sys.Pipes.Find(name)
	}
	if server == nil {
		// No pipe has that name.
		return 0, c.Fail("O-23", ntstatus.ObjectNameNotFound)
	}
	defer server.Deref(ob.TagCall)
	// decide
	subject := c.self.Subject()
	dec := ob.Decide(&c.Caller, server, &subject, desired, oa.Attributes)
	if dec.Status() != ntstatus.Success {
		return 0, dec.Status()
	}
	if server.Closed(dec.Granted) {
		// A client neither reads where only the server reads, nor writes where only the server writes.
		return 0, c.Fail("T-142", ntstatus.AccessDenied)
	}
	// commit
	open := func(e *npfs.End) ntstatus.Status {
		e.SetPath(server.Path()) // as the first instance spelled it
		e.Options = options
		c.Sys.Security.Objects.Track(e)
		h, st = c.insertNew(e, dec.Granted, oa.Attributes)
		return st
	}
	// The name may be that of another pipe by now, whose descriptor nobody has checked.
	st = c.Impersonated(c.Sys.Pipes.Connect(server, c.self, oa.SecurityQualityOfService, open))
	return h, st
}

// NtReadFile reads from a file of a tree, a pipe, or a file without contents, which gives STATUS_END_OF_FILE. A pipe
// returns STATUS_BUFFER_OVERFLOW with the first part of a longer message. The handle needs FILE_READ_DATA. With
// in.Later, the read of a pipe can be pending.
func (c *Context) NtReadFile(in nt.ReadFileIn) (out nt.ReadFileOut, st ntstatus.Status) {
	if h, ok, _ := c.treeHandle(in.FileHandle); ok {
		defer h.Deref(ob.TagCall)
		return c.readTree(h, &in)
	}
	obj, st := c.used(in.FileHandle, winnt.FILE_READ_DATA)
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	e, ok := obj.(*npfs.End)
	if !ok {
		// A file without contents ends at once.
		return out, c.Fail("O-31", ntstatus.EndOfFile)
	}
	if in.Later != nil {
		var r npfs.Result
		r, st = c.later(e, in.Later, npfs.OpRead, int(in.Length), nil)
		out.Buffer = r.Data
	} else {
		out.Buffer, st = e.Read(int(in.Length))
	}
	if st != ntstatus.Success {
		// In this state the pipe has no data to read.
		c.Fail("I-85", st)
	}
	return out, st
}

// NtWriteFile writes to a file of a tree, a pipe, or a file without contents, which discards the data. The handle must
// grant FILE_WRITE_DATA. in.Later may make it return STATUS_PENDING. A failed write of a pipe is the pipe's status.
// Information has the number of bytes.
func (c *Context) NtWriteFile(in nt.WriteFileIn) (out nt.WriteFileOut, st ntstatus.Status) {
	if in.Buffer.Status != ntstatus.Success {
		// The data to write is unreadable.
		return out, c.Fail("O-3", in.Buffer.Status)
	}
	if h, ok, _ := c.treeHandle(in.FileHandle); ok {
		defer h.Deref(ob.TagCall)
		return c.writeTree(h, &in)
	}
	obj, st := c.used(in.FileHandle, winnt.FILE_WRITE_DATA)
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	n, st := len(in.Buffer.V), ntstatus.Success
	if e, ok := obj.(*npfs.End); ok {
		if in.Later != nil {
			var r npfs.Result
			r, st = c.later(e, in.Later, npfs.OpWrite, 0, in.Buffer.V)
			n = r.Count
		} else {
			n, st = e.Write(c.self, in.Buffer.V)
		}
		if st != ntstatus.Success {
			// The state of the pipe takes no data.
			return out, c.Fail("I-85", st)
		}
	} else {
		i, st := c.beginAtOnce(obj, in.Later)
		if st != ntstatus.Success {
			return out, st
		}
		i.over(npfs.Result{Count: n}, false)
	}
	out.Information = uint32(n)
	return out, st
}

// used references the file or pipe end of a read or write, whose handle must grant right. It writes event 4663 for the
// first use of the right if the open requested that. The pipe device itself is STATUS_INVALID_PARAMETER. The caller
// dereferences the result.
func (c *Context) used(h winnt.Handle, right winnt.AccessMask) (ob.Object, ntstatus.Status) {
	obj, g, st := c.fileGranted(h, right)
	if st != ntstatus.Success {
		return nil, st
	}
	if f, ok := obj.(*File); ok && f.isPipes() {
		obj.Head().Deref(ob.TagCall)
		// The pipe device is not a pipe: it cannot be read or written.
		return nil, c.Fail("T-141", ntstatus.InvalidParameter)
	}
	if st := c.use(h, obj, g, right); st != ntstatus.Success {
		obj.Head().Deref(ob.TagCall)
		return nil, st
	}
	return obj, ntstatus.Success
}

// PipeChanged returns a channel that is closed at the next change of the pipe behind a handle. ok is false for a
// handle that does not refer to a pipe, and for an end that completes operations at once (T-135).
func (c *Context) PipeChanged(h winnt.Handle) (changed <-chan struct{}, ok bool) {
	e, _, st := ob.Reference[*npfs.End](&c.Caller, h, 0, npfs.EndType)
	if st != ntstatus.Success {
		return nil, false
	}
	defer e.Deref(ob.TagCall)
	if e.Completes() {
		// No caller waits for an end that completes operations at once (T-135).
		return nil, false
	}
	return e.Changed(), true
}
