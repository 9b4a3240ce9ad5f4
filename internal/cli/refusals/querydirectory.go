package refusals

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// directory opens the directory that contains the world's object, with the given rights. It panics if that fails.
func (w *world) directory(rights winnt.AccessMask) winnt.Handle {
	out, st := w.zw().NtOpenDirectoryObject(nt.OpenDirectoryObjectIn{DesiredAccess: rights,
		ObjectAttributes: oaNamed(folder, nil)})
	check(st, "a directory")
	return out.DirectoryHandle
}

var _ = define(setup[*nt.QueryDirectoryObjectIn]{
	names: []string{"NtQueryDirectoryObject", "ZwQueryDirectoryObject"},
	base: func(w *world) *nt.QueryDirectoryObjectIn {
		return &nt.QueryDirectoryObjectIn{DirectoryHandle: w.directory(winnt.DIRECTORY_QUERY), Length: 1 << 16}
	},
	refusals: append(handles("O-31", "DirectoryHandle", "DirectoryHandle",
		func(in *nt.QueryDirectoryObjectIn) *winnt.Handle { return &in.DirectoryHandle },
		func(w *world) winnt.Handle { return w.directory(winnt.DIRECTORY_TRAVERSE) }),
		refusal[*nt.QueryDirectoryObjectIn]{rule: "O-164", want: ntstatus.NoMoreEntries, name: "no more entries",
			takes: "context", inject: func(_ *world, in *nt.QueryDirectoryObjectIn) { in.Context = 1 << 20 }},
		refusal[*nt.QueryDirectoryObjectIn]{rule: "O-164", want: ntstatus.BufferTooSmall, name: "no room for one",
			takes: "length", inject: func(_ *world, in *nt.QueryDirectoryObjectIn) {
				in.Length, in.ReturnSingleEntry = 40, true
			}},
		refusal[*nt.QueryDirectoryObjectIn]{rule: "O-164", want: ntstatus.MoreEntries, name: "no room for all",
			takes: "length", inject: func(_ *world, in *nt.QueryDirectoryObjectIn) { in.Length = 40 }},
		refusal[*nt.QueryDirectoryObjectIn]{rule: "O-3", want: ntstatus.AccessViolation, name: "Buffer cannot be written",
			takes: "pointer", needs: pointers,
			inject: func(_ *world, in *nt.QueryDirectoryObjectIn) { in.FaultBuffer = ntstatus.AccessViolation }}),
})
