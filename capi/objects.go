//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

func ntClose(c *call) uint64 { return status(c.nt.NtClose(c.handle(0))) }

func ntDuplicateObject(c *call) uint64 {
	out := c.ptr(3)
	if out != 0 { // the handle may go unreported
		if st := c.ProbeHandle(out); st != ntstatus.Success {
			return status(st)
		}
	}
	h, st := c.nt.NtDuplicateObject(c.handle(0), c.handle(1), c.handle(2), c.mask(4), c.u32(5), c.u32(6))
	if out == 0 {
		return status(st)
	}
	// In the Observed profile the handle is NULL after a failure (O-5).
	return c.opened(out, h, st)
}

func ntCompareObjects(c *call) uint64 { return status(c.nt.NtCompareObjects(c.handle(0), c.handle(1))) }

func ntMakeTemporaryObject(c *call) uint64 { return status(c.nt.NtMakeTemporaryObject(c.handle(0))) }

func ntMakePermanentObject(c *call) uint64 { return status(c.nt.NtMakePermanentObject(c.handle(0))) }

func ntQueryObject(c *call) uint64 {
	class, buffer, length, returned := nt.ObjectInfoClass(c.u32(1)), c.ptr(2), c.u32(3), c.ptr(4)
	in := nt.QueryObjectIn{Handle: c.handle(0), ObjectInformationClass: class, ObjectInformationLength: length}
	in.FaultReturnLength = c.Probe(buffer, uintptr(length), 1)
	if returned != 0 && in.FaultReturnLength == ntstatus.Success {
		in.FaultReturnLength = c.ProbeU32(returned)
	}
	out, st := c.sys.NtQueryObject(in)
	if st.IsSuccess() {
		e := marshal.Encoder{Base: buffer}
		e.ObjectInformation(out.ObjectInformation)
		if fault := c.Write(buffer, e.Bytes); fault != ntstatus.Success {
			return status(fault)
		}
	}
	if returned != 0 && out.ReturnLength != 0 {
		if fault := c.WriteU32(returned, out.ReturnLength); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(st)
}

func ntSetInformationObject(c *call) uint64 {
	in := nt.SetInformationObjectIn{Handle: c.handle(0), ObjectInformationClass: nt.ObjectInfoClass(c.u32(1)),
		ObjectInformationLength: c.u32(3)}
	b, st := c.Block(c.ptr(2), int(min(c.u32(3), 2)), 1)
	in.ObjectInformation.Status = st
	if len(b) == 2 {
		in.ObjectInformation.V = nt.HandleFlagInformation{Inherit: b[0] != 0, ProtectFromClose: b[1] != 0}
	}
	_, st = c.sys.NtSetInformationObject(in)
	return status(st)
}

func ntQuerySecurityObject(c *call) uint64 {
	buffer, length, needed := c.ptr(2), c.u32(3), c.ptr(4)
	in := nt.QuerySecurityObjectIn{Handle: c.handle(0), SecurityInformation: nt.SecurityInformation(c.u32(1)),
		Length: length}
	if in.FaultLengthNeeded = c.ProbeU32(needed); in.FaultLengthNeeded == ntstatus.Success {
		in.FaultLengthNeeded = c.Probe(buffer, uintptr(length), 4)
	}
	out, st := c.sys.NtQuerySecurityObject(in)
	if st.IsSuccess() {
		if fault := c.Write(buffer, out.SecurityDescriptor.Append(nil)); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(c.returned(needed, true, out.LengthNeeded, st))
}

func ntSetSecurityObject(c *call) uint64 {
	d, st := c.DescriptorAt(c.ptr(2))
	if c.ptr(2) == 0 {
		// NULL is no descriptor, and the service looks at the descriptor before the handle (O-65).
		st = ntstatus.AccessViolation
	}
	_, st = c.sys.NtSetSecurityObject(nt.SetSecurityObjectIn{Handle: c.handle(0),
		SecurityInformation: nt.SecurityInformation(c.u32(1)), SecurityDescriptor: captured(d, st)})
	return status(st)
}

func (c *call) clientIDAt(p user) (*nt.ClientID, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	var b [16]byte
	if st := c.Read(b[:], p); st != ntstatus.Success {
		return nil, st
	}
	return &nt.ClientID{UniqueProcess: winnt.Handle(le.Uint64(b[:])),
		UniqueThread: winnt.Handle(le.Uint64(b[8:]))}, ntstatus.Success
}

func ntOpenProcess(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(0)); st != ntstatus.Success {
		return status(st)
	}
	if c.ptr(2) == 0 { // ObjectAttributes are required, and read before the id (O-3)
		return status(ntstatus.AccessViolation)
	}
	out, st := c.sys.NtOpenProcess(nt.OpenProcessIn{DesiredAccess: c.mask(1), ObjectAttributes: c.attributes(2),
		ClientID: captured(c.clientIDAt(c.ptr(3)))})
	return c.opened(c.ptr(0), out.ProcessHandle, st)
}

func ntOpenThread(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(0)); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtOpenThread(nt.OpenThreadIn{DesiredAccess: c.mask(1), ObjectAttributes: c.attributes(2),
		ClientID: captured(c.clientIDAt(c.ptr(3)))})
	return c.opened(c.ptr(0), out.ThreadHandle, st)
}

func ntGetNextThread(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(5)); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtGetNextThread(nt.GetNextThreadIn{ProcessHandle: c.handle(0), ThreadHandle: c.handle(1),
		DesiredAccess: c.mask(2), HandleAttributes: c.u32(3), Flags: c.u32(4)})
	return c.opened(c.ptr(5), out.NewThreadHandle, st)
}

// handleAt copies the handle that an information class is; a length below it is
// refused by the service.
func (c *call) handleAt(p user, length uint32) nt.Captured[winnt.Handle] {
	if length < 8 {
		return nt.Captured[winnt.Handle]{}
	}
	v, st := c.ReadU64(p)
	return captured(winnt.Handle(v), st)
}

func ntSetInformationThread(c *call) uint64 {
	in := nt.SetInformationThreadIn{ThreadHandle: c.handle(0), ThreadInformationClass: nt.ThreadInfoClass(c.u32(1)),
		ThreadInformationLength: c.u32(3)}
	in.ThreadInformation = c.handleAt(c.ptr(2), c.u32(3))
	_, st := c.sys.NtSetInformationThread(in)
	return status(st)
}

func ntSetInformationProcess(c *call) uint64 {
	in := nt.SetInformationProcessIn{ProcessHandle: c.handle(0), ProcessInformationClass: nt.ProcessInfoClass(c.u32(1)),
		ProcessInformationLength: c.u32(3)}
	in.ProcessInformation = c.handleAt(c.ptr(2), c.u32(3))
	_, st := c.sys.NtSetInformationProcess(in)
	return status(st)
}

func ntImpersonateThread(c *call) uint64 {
	q, st := c.QualityAt(c.ptr(2))
	if c.ptr(2) == 0 {
		st = ntstatus.AccessViolation // not optional here
	}
	_, st = c.sys.NtImpersonateThread(nt.ImpersonateThreadIn{ServerThreadHandle: c.handle(0),
		ClientThreadHandle: c.handle(1), SecurityQos: captured(q, st)})
	return status(st)
}

func ntImpersonateAnonymousToken(c *call) uint64 {
	return status(c.nt.NtImpersonateAnonymousToken(c.handle(0)))
}

func ntCreateEvent(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(0)); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtCreateEvent(nt.CreateEventIn{DesiredAccess: c.mask(1), ObjectAttributes: c.attributes(2),
		EventType: nt.EventType(c.u32(3)), InitialState: c.boolean(4)})
	return c.opened(c.ptr(0), out.EventHandle, st)
}

func ntOpenEvent(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(0)); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtOpenEvent(nt.OpenEventIn{DesiredAccess: c.mask(1), ObjectAttributes: c.attributes(2)})
	return c.opened(c.ptr(0), out.EventHandle, st)
}

func ntCreateDirectoryObject(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(0)); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtCreateDirectoryObject(nt.CreateDirectoryObjectIn{DesiredAccess: c.mask(1),
		ObjectAttributes: c.attributes(2)})
	return c.opened(c.ptr(0), out.DirectoryHandle, st)
}

func ntOpenDirectoryObject(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(0)); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtOpenDirectoryObject(nt.OpenDirectoryObjectIn{DesiredAccess: c.mask(1),
		ObjectAttributes: c.attributes(2)})
	return c.opened(c.ptr(0), out.DirectoryHandle, st)
}

func ntCreateSymbolicLinkObject(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(0)); st != ntstatus.Success {
		return status(st)
	}
	target, st := c.StringAt(c.ptr(3))
	if c.ptr(3) == 0 {
		st = ntstatus.AccessViolation
	}
	out, st := c.sys.NtCreateSymbolicLinkObject(nt.CreateSymbolicLinkObjectIn{DesiredAccess: c.mask(1),
		ObjectAttributes: c.attributes(2), LinkTarget: captured(target, st)})
	return c.opened(c.ptr(0), out.SymbolicLinkHandle, st)
}

func ntOpenSymbolicLinkObject(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(0)); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtOpenSymbolicLinkObject(nt.OpenSymbolicLinkObjectIn{DesiredAccess: c.mask(1),
		ObjectAttributes: c.attributes(2)})
	return c.opened(c.ptr(0), out.SymbolicLinkHandle, st)
}

func ntCreateJobObject(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(0)); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtCreateJobObject(nt.CreateJobObjectIn{DesiredAccess: c.mask(1), ObjectAttributes: c.attributes(2)})
	return c.opened(c.ptr(0), out.JobHandle, st)
}

func ntOpenJobObject(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(0)); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtOpenJobObject(nt.OpenJobObjectIn{DesiredAccess: c.mask(1), ObjectAttributes: c.attributes(2)})
	return c.opened(c.ptr(0), out.JobHandle, st)
}

func ntAssignProcessToJobObject(c *call) uint64 {
	_, st := c.sys.NtAssignProcessToJobObject(nt.AssignProcessToJobObjectIn{JobHandle: c.handle(0),
		ProcessHandle: c.handle(1)})
	return status(st)
}

// refmonClientId tells the ids of the calling process and thread.
func refmonClientId(c *call) uint64 {
	_, process := embedded()
	var e marshal.Encoder
	e.U64(uint64(process.ID()))
	e.U64(uint64(c.id))
	c.Write(c.ptr(0), e.Bytes)
	return 0
}
