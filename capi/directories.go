//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// probeListing probes the pointers of NtQueryDirectoryObject and reads the context, the position where the previous
// call ended. It does not check the context. Only ReturnLength may be NULL.
func (c *call) probeListing() (context uint32, st ntstatus.Status) {
	if st = c.Probe(c.ptr(1), uintptr(c.u32(2)), 2); st == ntstatus.Success {
		st = c.ProbeU32(c.ptr(5))
	}
	if st == ntstatus.Success && c.ptr(6) != 0 {
		st = c.ProbeU32(c.ptr(6))
	}
	if st != ntstatus.Success {
		return 0, st
	}
	return c.ReadU32(c.ptr(5))
}

// ntQueryDirectoryObject implements NtQueryDirectoryObject, which lists a directory of named objects. The call
// writes the entries, an empty entry that ends them, the context and the length. Bad pointers to the buffer or the
// context fail before a bad handle. A failure without a required length writes nothing. If the context cannot be
// written, the entries stay written.
func ntQueryDirectoryObject(c *call) uint64 {
	buffer, length, context, returned := c.ptr(1), c.u32(2), c.ptr(5), c.ptr(6)
	in := nt.QueryDirectoryObjectIn{DirectoryHandle: c.handle(0), Length: length, ReturnSingleEntry: c.boolean(3),
		RestartScan: c.boolean(4)}
	in.Context, in.FaultBuffer = c.probeListing()
	out, st := c.sys.NtQueryDirectoryObject(in)
	if out.ReturnLength == 0 {
		return status(st) // the call failed before it wrote an output
	}
	const size = 32 // bytes of OBJECT_DIRECTORY_INFORMATION; an empty entry ends the list
	if st != ntstatus.BufferTooSmall && length >= size {
		e := marshal.Encoder{Base: buffer}
		e.Reserve(size * (len(out.Buffer) + 1))
		for i, entry := range out.Buffer {
			e.Unicode(size*i, entry.Name)
			e.Unicode(size*i+size/2, entry.TypeName)
		}
		if fault := c.Write(buffer, e.Bytes); fault != ntstatus.Success {
			return status(fault)
		}
	}
	if out.Context != in.Context {
		if fault := c.WriteU32(context, out.Context); fault != ntstatus.Success {
			return status(fault)
		}
	}
	if returned != 0 {
		if fault := c.WriteU32(returned, out.ReturnLength); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(st)
}
