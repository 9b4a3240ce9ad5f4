package services

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// directoryEntrySize is the size of an entry of a listing without its texts, in
// bytes on 64-bit Windows.
const directoryEntrySize = 32

// entrySize returns the number of bytes of an entry with its texts.
func entrySize(e ob.DirectoryEntry) uint32 {
	return directoryEntrySize + textSize(e.Name) + textSize(e.TypeName)
}

// NtQueryDirectoryObject lists the objects of a directory, sorted by name, from entry in.Context on. It returns
// STATUS_MORE_ENTRIES, a success, if the buffer is full, even if no entry fits, and STATUS_NO_MORE_ENTRIES at the end.
// With ReturnSingleEntry an entry that does not fit is STATUS_BUFFER_TOO_SMALL, with the required length. The handle
// needs DIRECTORY_QUERY. With RestartScan the context is ignored. At the end the context stays.
func (c *Context) NtQueryDirectoryObject(in nt.QueryDirectoryObjectIn) (out nt.QueryDirectoryObjectOut,
	st ntstatus.Status) {
	// capture
	if in.FaultBuffer != ntstatus.Success {
		return out, c.Fail("O-3", in.FaultBuffer)
	}
	// reference
	d, _, st := ob.Reference[*ob.Directory](&c.Caller, in.DirectoryHandle, winnt.DIRECTORY_QUERY, ob.DirectoryType)
	if st != ntstatus.Success {
		return out, st
	}
	defer d.Deref(ob.TagCall)
	// decide
	list := d.Names()
	out.Context, out.ReturnLength = in.Context, directoryEntrySize // size of the empty entry at the end
	from := in.Context
	if in.RestartScan {
		from = 0
	}
	if from >= uint32(len(list)) {
		// There are no more entries.
		return out, c.Fail("O-164", ntstatus.NoMoreEntries)
	}
	list = list[from:]
	if in.ReturnSingleEntry {
		list = list[:1]
		if need := directoryEntrySize + entrySize(list[0]); in.Length < need {
			out.ReturnLength = need
			// A single entry is not truncated; the required length is returned.
			return out, c.Fail("O-164", ntstatus.BufferTooSmall)
		}
	}
	for _, e := range list {
		if in.Length-min(in.Length, out.ReturnLength) < entrySize(e) {
			break
		}
		out.ReturnLength += entrySize(e)
		out.Buffer = append(out.Buffer, nt.DirectoryEntry(e))
	}
	out.Context = from + uint32(len(out.Buffer))
	if len(out.Buffer) < len(list) {
		// The buffer is full; the next call continues here.
		return out, c.Fail("O-164", ntstatus.MoreEntries)
	}
	return out, ntstatus.Success
}
