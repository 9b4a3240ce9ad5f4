//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// stringBuffer reads a UNICODE_STRING for output: the size of its buffer in bytes, and the buffer after probing it. A
// structure that is not writable and a buffer that is not give the status.
func (c *call) stringBuffer(p user) (room uint16, buffer user, st ntstatus.Status) {
	var b [16]byte
	if st = c.Probe(p, 16, 4); st == ntstatus.Success {
		st = c.Read(b[:], p)
	}
	if st != ntstatus.Success {
		return 0, 0, st
	}
	room, buffer = le.Uint16(b[2:]), user(le.Uint64(b[8:]))
	return room, buffer, c.Probe(buffer, uintptr(room), 2)
}

// ntQuerySymbolicLinkObject implements NtQuerySymbolicLinkObject. It writes the link's target with a terminating NUL,
// which its length does not include, and the required length if the caller wants it. Both buffers are probed before the
// handle. After a failure only the required length is written.
func ntQuerySymbolicLinkObject(c *call) uint64 {
	target, returned := c.ptr(1), c.ptr(2)
	room, buffer, st := c.stringBuffer(target)
	if st == ntstatus.Success && returned != 0 {
		st = c.ProbeU32(returned)
	}
	out, st := c.sys.NtQuerySymbolicLinkObject(nt.QuerySymbolicLinkObjectIn{LinkHandle: c.handle(0),
		MaximumLength: uint32(room), FaultLinkTarget: st})
	if st == ntstatus.Success {
		e := marshal.Encoder{Base: buffer}
		e.Text(out.LinkTarget)
		length := uint16(len(e.Bytes))
		e.U16(0)
		if fault := c.Write(buffer, e.Bytes); fault != ntstatus.Success {
			return status(fault)
		}
		if fault := c.Write(target, le.AppendUint16(nil, length)); fault != ntstatus.Success {
			return status(fault)
		}
	}
	if returned != 0 && out.ReturnedLength != 0 {
		if fault := c.WriteU32(returned, out.ReturnedLength); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(st)
}
