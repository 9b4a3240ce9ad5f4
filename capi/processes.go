//go:build cgo && linux

package main

import (
	"os"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The supported attributes of PS_ATTRIBUTE_LIST, and its sizes.
const (
	attributeParentProcess = 0x00060000
	attributeToken         = 0x00060002
	attributeClientID      = 0x00010003
	attributeImageName     = 0x00020005
	attributeListSize      = 8
	attributeEntrySize     = 32
)

// maxProcessAttributes limits the attributes in a list.
const maxProcessAttributes = 32

// processAttributes holds what a program passes to NtCreateUserProcess in a PS_ATTRIBUTE_LIST: the parent, the token,
// the image and where to write the ids.
type processAttributes struct {
	parent, token winnt.Handle
	image         string
	clientID      user // where the ids are to be written
}

// processAttributesAt decodes the PS_ATTRIBUTE_LIST at p. A NULL p is an empty list. The last of repeated attributes
// counts. The image name is cut to 65534 bytes. The address of the client id is probed. Errors are:
//   - an unsupported attribute: STATUS_NOT_SUPPORTED
//   - a malformed length, or more than maxProcessAttributes entries: STATUS_INVALID_PARAMETER
func (c *call) processAttributesAt(p user) (a processAttributes, st ntstatus.Status) {
	if p == 0 {
		return a, ntstatus.Success
	}
	total, st := c.ReadU64(p)
	if st != ntstatus.Success {
		return a, st
	}
	n := (total - attributeListSize) / attributeEntrySize
	if total < attributeListSize || (total-attributeListSize)%attributeEntrySize != 0 || n > maxProcessAttributes {
		return a, ntstatus.InvalidParameter
	}
	b, st := c.Block(p+attributeListSize, int(n)*attributeEntrySize, 4)
	for ; len(b) > 0 && st == ntstatus.Success; b = b[attributeEntrySize:] {
		size, value := le.Uint64(b[8:]), le.Uint64(b[16:])
		switch le.Uint64(b) {
		case attributeParentProcess:
			a.parent = winnt.Handle(value)
		case attributeToken:
			a.token = winnt.Handle(value)
		case attributeClientID:
			a.clientID = user(value)
			st = c.Probe(a.clientID, 16, 4)
		case attributeImageName:
			a.image, st = c.TextAt(user(value), int(min(size, 0xFFFE)))
		default:
			st = ntstatus.NotSupported
		}
	}
	return a, st
}

// ntCreateUserProcess implements NtCreateUserProcess. It writes the ids before the handles, and the thread's handle
// first. After a fault the process exists and its handles stay open. Unreadable attributes fail before anything is
// created.
func ntCreateUserProcess(c *call) uint64 {
	thread := c.ptr(1)
	if st := c.ProbeHandle(thread); st != ntstatus.Success {
		return status(st)
	}
	a, st := c.processAttributesAt(c.ptr(10))
	if st != ntstatus.Success {
		return status(st)
	}
	in := createUserProcessIn(c)
	in.ParentProcess, in.Token, in.ImageName = a.parent, a.token, a.image
	out, st := c.sys.NtCreateUserProcess(in)
	if st.IsSuccess() && a.clientID != 0 {
		var e marshal.Encoder
		e.U64(uint64(out.ClientID.UniqueProcess))
		e.U64(uint64(out.ClientID.UniqueThread))
		if fault := c.Write(a.clientID, e.Bytes); fault != ntstatus.Success {
			return status(fault)
		}
	}
	if r := c.openedAt(thread, out.ThreadHandle, st); r != status(st) {
		return r
	}
	return c.opened(out.ProcessHandle, st)
}

// ntSuspendThread implements NtSuspendThread: it raises a thread's suspend count. The output of the previous count is
// optional.
func ntSuspendThread(c *call) uint64 {
	return c.writeOptional(c.ptr(1), 4, func() ([]byte, ntstatus.Status) {
		o, st := c.sys.NtSuspendThread(suspendThreadIn(c))
		return le.AppendUint32(nil, o.PreviousSuspendCount), st
	})
}

// ntResumeThread implements NtResumeThread. With a daemon it also starts the program of a process whose first thread
// begins to run (O-167).
func ntResumeThread(c *call) uint64 {
	return c.writeOptional(c.ptr(1), 4, func() ([]byte, ntstatus.Status) {
		o, st := c.sys.NtResumeThread(resumeThreadIn(c))
		if c.remote() != nil && o.PreviousSuspendCount == 1 {
			c.resumed(c.handle(0))
		}
		return le.AppendUint32(nil, o.PreviousSuspendCount), st
	})
}

// ntTerminateProcess implements NtTerminateProcess: it ends a process with a status. If it is the program's own
// process, it ends the program.
func ntTerminateProcess(c *call) uint64 {
	st := c.nt.NtTerminateProcess(c.handle(0), ntstatus.Status(c.u32(1)))
	if st == ntstatus.Success && c.over() {
		os.Exit(int(c.u32(1)))
	}
	if st == ntstatus.Success {
		forget(c.nt)
	}
	return status(st)
}

// over reports whether the kernel has ended this program's own process. A call that fails counts as ended. An exit
// status does not show the end, because a process can end with STATUS_PENDING.
func (c *call) over() bool {
	_, st := c.nt.NtWaitForSingleObject(winnt.NtCurrentProcess, false)
	return st != ntstatus.Timeout
}

// ntSetInformationJobObject implements NtSetInformationJobObject. The service rejects another class or length before it
// looks at the job's limits.
func ntSetInformationJobObject(c *call) uint64 {
	in := setInformationJobObjectIn(c)
	in.JobObjectInformation = captured(c.JobLimitsAt(c.ptr(2)))
	_, st := c.sys.NtSetInformationJobObject(in)
	return status(st)
}

// securityAttributesAt copies SECURITY_ATTRIBUTES with their descriptor. It returns nil for NULL, and a status for
// unreadable memory. A descriptor that cannot be read gives its status, and then the result is not nil.
func (c *call) securityAttributesAt(p user) (*win32.SecurityAttributes, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	b, st := c.Block(p, 24, 1)
	if st != ntstatus.Success {
		return nil, st
	}
	d, st := c.DescriptorAt(user(le.Uint64(b[8:])))
	return &win32.SecurityAttributes{SecurityDescriptor: d, InheritHandle: le.Uint32(b[16:]) != 0}, st
}

// rmCreateProcess implements CreateProcess and, with a token, CreateProcessAsUser. With a daemon, the call also
// starts the program, and another user's token is STATUS_PRIVILEGE_NOT_HELD. Unreadable arguments fail before
// anything is created. If the program cannot start, the handles are closed. If the result cannot be written, the
// process and its handles stay.
func rmCreateProcess(c *call) uint64 {
	out := c.ptr(5)
	if st := c.Probe(out, 24, 4); st != ntstatus.Success {
		return status(st)
	}
	process, st := c.securityAttributesAt(c.ptr(1))
	if st != ntstatus.Success {
		return status(st)
	}
	thread, st := c.securityAttributesAt(c.ptr(2))
	if st != ntstatus.Success {
		return status(st)
	}
	var p *program
	if c.remote() != nil {
		if p, st = c.programAt(c.ptr(6), c.u32(7), c.boolean(8)); st != ntstatus.Success {
			return status(st)
		}
		if token := c.handle(0); token != 0 && c.another(token) {
			return status(ntstatus.PrivilegeNotHeld)
		}
	}
	v, st := c.function("CreateProcessAsUser", win32.CreateProcessAsUserIn{Token: c.handle(0),
		ProcessAttributes: process, ThreadAttributes: thread, InheritHandles: c.boolean(3), CreationFlags: c.u32(4)})
	if !st.IsSuccess() {
		return status(st)
	}
	o := v.(win32.CreateProcessOut)
	if p != nil {
		if st := c.begin(p, &o); st != ntstatus.Success {
			return status(st)
		}
	}
	var e marshal.Encoder
	e.U64(uint64(o.Process))
	e.U64(uint64(o.Thread))
	e.U32(o.ProcessID)
	e.U32(o.ThreadID)
	return status(c.Write(out, e.Bytes))
}

// rmIdsOf writes the ids of a process, or of a thread and its process, by handle. A handle without the right to query
// returns a status.
func rmIdsOf(c *call) uint64 {
	var id nt.ClientID
	var st ntstatus.Status
	if c.boolean(1) {
		var out nt.QueryInformationThreadOut
		out, st = c.sys.NtQueryInformationThread(nt.QueryInformationThreadIn{ThreadHandle: c.handle(0),
			ThreadInformationClass: nt.ThreadBasicInformation, ThreadInformationLength: ^uint32(0)})
		basic, _ := out.ThreadInformation.(nt.ThreadBasic)
		id = basic.ClientID
	} else {
		var out nt.QueryInformationProcessOut
		out, st = c.sys.NtQueryInformationProcess(nt.QueryInformationProcessIn{ProcessHandle: c.handle(0),
			ProcessInformationClass: nt.ProcessBasicInformation, ProcessInformationLength: ^uint32(0)})
		basic, _ := out.ProcessInformation.(nt.ProcessBasic)
		id.UniqueProcess = basic.UniqueProcessID
	}
	if !st.IsSuccess() {
		return status(st)
	}
	var e marshal.Encoder
	e.U64(uint64(id.UniqueProcess))
	e.U64(uint64(id.UniqueThread))
	return status(c.Write(c.ptr(2), e.Bytes))
}
