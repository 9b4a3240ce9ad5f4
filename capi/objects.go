//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ntDuplicateObject implements NtDuplicateObject. A NULL TargetHandle means that the new handle is not reported. If
// writing the handle fails, it returns the status of that write, and the handle stays open.
func ntDuplicateObject(c *call) uint64 {
	out := c.ptr(3)
	if out != 0 { // the handle may go unreported
		if st := c.ProbeHandle(out); st != ntstatus.Success {
			return status(st)
		}
	}
	o, st := c.sys.NtDuplicateObject(duplicateObjectIn(c))
	if out == 0 {
		return status(st)
	}
	// In the Observed profile the handle is NULL after a failure (O-5).
	return c.openedAt(out, o.TargetHandle, st)
}

// ntQueryObject implements NtQueryObject. It writes the information after success, and the length whenever the service
// returns one that is not 0. The buffer is probed before the handle. The pointer for the length may be NULL.
func ntQueryObject(c *call) uint64 {
	buffer, returned, in := c.ptr(2), c.ptr(4), queryObjectIn(c)
	in.FaultReturnLength = c.Probe(buffer, uintptr(in.ObjectInformationLength), 1)
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

// ntQueryInformationProcess implements NtQueryInformationProcess: it writes a process's information in the layout of
// its class.
func ntQueryInformationProcess(c *call) uint64 {
	in := queryInformationProcessIn(c)
	in.FaultReturnLength = c.probeAnswer(in.ProcessInformationLength)
	out, st := c.sys.NtQueryInformationProcess(in)
	return c.answer(out.ProcessInformation, out.ReturnLength, st)
}

// ntQueryInformationThread implements NtQueryInformationThread: it writes a thread's information in the layout of its
// class.
func ntQueryInformationThread(c *call) uint64 {
	in := queryInformationThreadIn(c)
	in.FaultReturnLength = c.probeAnswer(in.ThreadInformationLength)
	out, st := c.sys.NtQueryInformationThread(in)
	return c.answer(out.ThreadInformation, out.ReturnLength, st)
}

// probeAnswer probes the buffer of a query, its third parameter, and ReturnLength, its fifth.
func (c *call) probeAnswer(length uint32) ntstatus.Status {
	st := c.Probe(c.ptr(2), uintptr(length), 4)
	if returned := c.ptr(4); returned != 0 && st == ntstatus.Success {
		st = c.ProbeU32(returned)
	}
	return st
}

// answer ends a query about a process or a thread: it encodes and writes the result if the query succeeded. It also
// writes the length, if it is known and requested.
func (c *call) answer(value any, length uint32, st ntstatus.Status) uint64 {
	if st.IsSuccess() {
		e := marshal.Encoder{Base: c.ptr(2)} // a name's UNICODE_STRING points into the buffer
		e.ProcessInformation(value)
		if fault := c.Write(c.ptr(2), e.Bytes); fault != ntstatus.Success {
			return status(fault)
		}
	}
	if returned := c.ptr(4); returned != 0 && length != 0 {
		if fault := c.WriteU32(returned, length); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(st)
}

// ntSetInformationObject implements NtSetInformationObject for the two flags of OBJECT_HANDLE_FLAG_INFORMATION. A
// shorter structure sets nothing and fails.
func ntSetInformationObject(c *call) uint64 {
	in := setInformationObjectIn(c)
	b, st := c.Block(c.ptr(2), int(min(c.u32(3), 2)), 1)
	in.ObjectInformation.Status = st
	if len(b) == 2 {
		in.ObjectInformation.V = nt.HandleFlagInformation{Inherit: b[0] != 0, ProtectFromClose: b[1] != 0}
	}
	_, st = c.sys.NtSetInformationObject(in)
	return status(st)
}

// ntQuerySecurityObject implements NtQuerySecurityObject: it writes parts of the descriptor of a handle's object.
func ntQuerySecurityObject(c *call) uint64 { return c.querySecurity(c.handle(0)) }

// querySecurity writes parts of the descriptor of a handle's object. The parameters other than h are those of
// NtQuerySecurityObject.
func (c *call) querySecurity(h winnt.Handle) uint64 {
	buffer, needed, in := c.ptr(2), c.ptr(4), querySecurityObjectIn(c)
	in.Handle = h
	if in.FaultLengthNeeded = c.ProbeU32(needed); in.FaultLengthNeeded == ntstatus.Success {
		in.FaultLengthNeeded = c.Probe(buffer, uintptr(in.Length), 4)
	}
	out, st := c.sys.NtQuerySecurityObject(in)
	var b []byte
	if st.IsSuccess() {
		b = out.SecurityDescriptor.Append(nil)
	}
	return c.filled(buffer, b, needed, out.LengthNeeded, st)
}

// handleAt reads a handle at p. It ignores the length parameter, because the service checks that first.
func (c *call) handleAt(p user) nt.Captured[winnt.Handle] {
	v, st := c.ReadU64(p)
	return captured(winnt.Handle(v), st)
}

// ntSetInformationThread implements NtSetInformationThread, which sets a thread's impersonation token. It reads the
// handle of the token, 0 for none.
func ntSetInformationThread(c *call) uint64 {
	in := setInformationThreadIn(c)
	in.ThreadInformation = c.handleAt(c.ptr(2))
	_, st := c.sys.NtSetInformationThread(in)
	return status(st)
}

// ntSetInformationProcess implements NtSetInformationProcess, which replaces a process's primary token. It reads the
// handle of the token.
func ntSetInformationProcess(c *call) uint64 {
	in := setInformationProcessIn(c)
	in.ProcessInformation = c.handleAt(c.ptr(2))
	_, st := c.sys.NtSetInformationProcess(in)
	return status(st)
}

// refmonClientId returns the ids of the calling process and thread.
func refmonClientId(c *call) uint64 {
	var e marshal.Encoder
	e.U64(uint64(processID()))
	e.U64(uint64(c.id))
	c.Write(c.ptr(0), e.Bytes)
	return 0
}
