package refusals

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

var _ = define(setup[*nt.CreateEventIn]{
	names: []string{"NtCreateEvent", "ZwCreateEvent"},
	base: func(w *world) *nt.CreateEventIn {
		w.event()
		return &nt.CreateEventIn{DesiredAccess: winnt.EVENT_ALL_ACCESS, ObjectAttributes: oaNamed(fresh, nil)}
	},
	refusals: append(named[*nt.CreateEventIn]{
		mask:    func(in *nt.CreateEventIn) *winnt.AccessMask { return &in.DesiredAccess },
		oa:      func(in *nt.CreateEventIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		unknown: 0x200, invalid: winnt.OBJ_OPENLINK, create: true, object: existing + `\x`, taken: existing,
	}.refusals(), refusal[*nt.CreateEventIn]{rule: "O-3", want: ntstatus.InvalidParameter, name: "EventType 7",
		takes: "type",
		inject: func(_ *world, in *nt.CreateEventIn) {
			in.EventType = 7
		}}),
	absent: elsewhere,
})

var _ = define(setup[*nt.OpenEventIn]{
	names: []string{"NtOpenEvent", "ZwOpenEvent"},
	base: func(w *world) *nt.OpenEventIn {
		w.event()
		return &nt.OpenEventIn{DesiredAccess: winnt.EVENT_MODIFY_STATE, ObjectAttributes: oaNamed(existing, nil)}
	},
	refusals: named[*nt.OpenEventIn]{
		mask:    func(in *nt.OpenEventIn) *winnt.AccessMask { return &in.DesiredAccess },
		oa:      func(in *nt.OpenEventIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		unknown: 0x200, invalid: winnt.OBJ_OPENLINK, object: folder,
	}.refusals(),
	absent: elsewhere,
})

var _ = define(setup[*nt.CreateJobObjectIn]{
	names: []string{"NtCreateJobObject", "ZwCreateJobObject"},
	base: func(w *world) *nt.CreateJobObjectIn {
		out, st := w.k.Zw().Services().NtCreateJobObject(nt.CreateJobObjectIn{DesiredAccess: winnt.JOB_OBJECT_ALL_ACCESS,
			ObjectAttributes: oaNamed(existing, nil)})
		w.made(out.JobHandle, st)
		return &nt.CreateJobObjectIn{DesiredAccess: winnt.JOB_OBJECT_ALL_ACCESS, ObjectAttributes: oaNamed(fresh, nil)}
	},
	refusals: named[*nt.CreateJobObjectIn]{
		mask:    func(in *nt.CreateJobObjectIn) *winnt.AccessMask { return &in.DesiredAccess },
		oa:      func(in *nt.CreateJobObjectIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		unknown: 0x200, create: true, object: existing + `\x`, taken: existing,
	}.refusals(),
	absent: append(elsewhere, absence{"O-22", "does not support", "a job supports every attribute"}),
})

var _ = define(setup[*nt.OpenJobObjectIn]{
	names: []string{"NtOpenJobObject", "ZwOpenJobObject"},
	base: func(w *world) *nt.OpenJobObjectIn {
		out, st := w.k.Zw().Services().NtCreateJobObject(nt.CreateJobObjectIn{DesiredAccess: winnt.JOB_OBJECT_ALL_ACCESS,
			ObjectAttributes: oaNamed(existing, nil)})
		w.made(out.JobHandle, st)
		return &nt.OpenJobObjectIn{DesiredAccess: winnt.JOB_OBJECT_QUERY, ObjectAttributes: oaNamed(existing, nil)}
	},
	refusals: named[*nt.OpenJobObjectIn]{
		mask:    func(in *nt.OpenJobObjectIn) *winnt.AccessMask { return &in.DesiredAccess },
		oa:      func(in *nt.OpenJobObjectIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		unknown: 0x200, object: folder,
	}.refusals(),
	absent: append(elsewhere, absence{"O-33", "does not support", "a job supports every attribute"}),
})

var _ = define(setup[*nt.CreateDirectoryObjectIn]{
	names: []string{"NtCreateDirectoryObject", "ZwCreateDirectoryObject"},
	base: func(w *world) *nt.CreateDirectoryObjectIn {
		w.event()
		out, st := w.k.Zw().Services().NtCreateDirectoryObject(
			nt.CreateDirectoryObjectIn{DesiredAccess: winnt.DIRECTORY_ALL_ACCESS, ObjectAttributes: oaNamed(folder+`\sub`, nil)})
		w.made(out.DirectoryHandle, st)
		return &nt.CreateDirectoryObjectIn{DesiredAccess: winnt.DIRECTORY_ALL_ACCESS, ObjectAttributes: oaNamed(fresh, nil)}
	},
	refusals: named[*nt.CreateDirectoryObjectIn]{
		mask:    func(in *nt.CreateDirectoryObjectIn) *winnt.AccessMask { return &in.DesiredAccess },
		oa:      func(in *nt.CreateDirectoryObjectIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		unknown: 0x200, invalid: winnt.OBJ_OPENLINK, create: true, object: existing + `\x`, taken: folder + `\sub`,
	}.refusals(),
	absent: elsewhere,
})

var _ = define(setup[*nt.OpenDirectoryObjectIn]{
	names: []string{"NtOpenDirectoryObject", "ZwOpenDirectoryObject"},
	base: func(w *world) *nt.OpenDirectoryObjectIn {
		w.event()
		out, st := w.k.Zw().Services().NtCreateDirectoryObject(
			nt.CreateDirectoryObjectIn{DesiredAccess: winnt.DIRECTORY_ALL_ACCESS, ObjectAttributes: oaNamed(folder+`\sub`, nil)})
		w.made(out.DirectoryHandle, st)
		return &nt.OpenDirectoryObjectIn{DesiredAccess: winnt.DIRECTORY_QUERY, ObjectAttributes: oaNamed(folder+`\sub`, nil)}
	},
	refusals: named[*nt.OpenDirectoryObjectIn]{
		mask:    func(in *nt.OpenDirectoryObjectIn) *winnt.AccessMask { return &in.DesiredAccess },
		oa:      func(in *nt.OpenDirectoryObjectIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		unknown: 0x200, invalid: winnt.OBJ_OPENLINK, object: existing,
	}.refusals(),
	absent: elsewhere,
})

var _ = define(setup[*nt.CreateSymbolicLinkObjectIn]{
	names: []string{"NtCreateSymbolicLinkObject", "ZwCreateSymbolicLinkObject"},
	base: func(w *world) *nt.CreateSymbolicLinkObjectIn {
		w.event()
		out, st := w.k.Zw().Services().NtCreateSymbolicLinkObject(
			nt.CreateSymbolicLinkObjectIn{DesiredAccess: winnt.SYMBOLIC_LINK_QUERY,
				ObjectAttributes: oaNamed(folder+`\link`, nil), LinkTarget: nt.Cap(existing)})
		w.made(out.SymbolicLinkHandle, st)
		return &nt.CreateSymbolicLinkObjectIn{DesiredAccess: winnt.SYMBOLIC_LINK_QUERY, ObjectAttributes: oaNamed(fresh, nil),
			LinkTarget: nt.Cap(existing)}
	},
	refusals: append(named[*nt.CreateSymbolicLinkObjectIn]{
		mask: func(in *nt.CreateSymbolicLinkObjectIn) *winnt.AccessMask { return &in.DesiredAccess },
		oa: func(in *nt.CreateSymbolicLinkObjectIn) *nt.Captured[*nt.ObjectAttributes] {
			return &in.ObjectAttributes
		},
		unknown: 0x200, invalid: winnt.OBJ_OPENLINK, create: true, object: existing + `\x`, taken: folder + `\link`,
	}.refusals(),
		refusal[*nt.CreateSymbolicLinkObjectIn]{rule: "O-3", want: ntstatus.AccessViolation, when: "LinkTarget",
			name: "LinkTarget unreadable", takes: "target", needs: pointers,
			inject: func(_ *world, in *nt.CreateSymbolicLinkObjectIn) { unreadable(&in.LinkTarget) }},
		refusal[*nt.CreateSymbolicLinkObjectIn]{rule: "O-22", want: ntstatus.InvalidParameter, when: "empty",
			name: "LinkTarget empty", takes: "target",
			inject: func(_ *world, in *nt.CreateSymbolicLinkObjectIn) { in.LinkTarget.V = "" }}),
	absent: elsewhere,
})

var _ = define(setup[*nt.OpenSymbolicLinkObjectIn]{
	names: []string{"NtOpenSymbolicLinkObject", "ZwOpenSymbolicLinkObject"},
	base: func(w *world) *nt.OpenSymbolicLinkObjectIn {
		w.event()
		out, st := w.k.Zw().Services().NtCreateSymbolicLinkObject(
			nt.CreateSymbolicLinkObjectIn{DesiredAccess: winnt.SYMBOLIC_LINK_QUERY,
				ObjectAttributes: oaNamed(folder+`\link`, nil), LinkTarget: nt.Cap(existing)})
		w.made(out.SymbolicLinkHandle, st)
		return &nt.OpenSymbolicLinkObjectIn{DesiredAccess: winnt.SYMBOLIC_LINK_QUERY,
			ObjectAttributes: oaNamed(folder+`\link`, nil)}
	},
	refusals: named[*nt.OpenSymbolicLinkObjectIn]{
		mask:    func(in *nt.OpenSymbolicLinkObjectIn) *winnt.AccessMask { return &in.DesiredAccess },
		oa:      func(in *nt.OpenSymbolicLinkObjectIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		unknown: 0x200, object: folder,
	}.refusals(),
	absent: append(elsewhere,
		absence{"O-33", "does not support", "a link supports every attribute except those for links"}),
})
